"""The command `spanmatch tag`: corpora in, entities out, resumable."""
