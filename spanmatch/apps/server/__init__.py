"""The HTTP API: `spanmatch serve` (extra `serve`)."""
