"""Read annotated text: every source becomes the same checked examples."""
