"""What one forward pass sees: tokens, windows, candidate spans, padded batches."""
