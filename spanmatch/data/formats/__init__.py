"""Convert annotated text between file formats: one reader and one writer per format."""
