"""Other tools that use a tagger; each module needs its extra."""
