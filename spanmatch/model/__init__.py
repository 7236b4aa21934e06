"""Encoders, the scoring head, and the model made of them."""
