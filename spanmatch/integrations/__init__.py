"""Use a tagger from the libraries that people have: each module needs the library that it is named after."""
