"""Train a matcher: configuration, objectives, the Trainer, checkpoints."""
