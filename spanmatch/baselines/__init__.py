"""The other ways to find entities: each trains on the same data, and is a `Tagger`."""
