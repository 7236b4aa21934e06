"""The page: `spanmatch demo` (extra `demo`)."""
