"""The file formats of other tools: readers, writers, and the conversion between them."""
