"""Read the blocks of text in which the generators hold their lexicons and patterns."""

import re


def terms(block: str) -> tuple[str, ...]:
    """Split a block of lexicon entries at its vertical bars."""
    return tuple(" ".join(entry.split()) for entry in block.split("|") if entry.strip())


def patterns(block: str) -> tuple[str, ...]:
    r"""Split a block into patterns: each starts with "- " on a line of its own; "\n" in it is a line break."""
    entries = re.split(r"^- ", block, flags=re.MULTILINE)[1:]
    return tuple(" ".join(entry.split()).replace(r" \n ", "\n").replace(r"\n", "\n") for entry in entries)
