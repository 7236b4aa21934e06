"""The command `spanmatch tag`: it reads files of any size, writes their entities, and goes on where a killed run stopped."""
