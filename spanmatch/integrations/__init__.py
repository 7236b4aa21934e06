"""What puts a tagger into other libraries, such as Ray. Each module needs an extra of its name."""
