"""Training: configuration, objectives, the Trainer, checkpoints."""
