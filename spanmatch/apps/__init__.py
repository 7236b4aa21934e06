"""Programs that build on the core and need an extra of the package. Importing `spanmatch.apps` itself needs none."""
