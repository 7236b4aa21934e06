"""Programs built on the core, each with an extra of the package to install. Importing this package alone needs none."""
