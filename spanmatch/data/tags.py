"""Spans: words, tags, the two gold formats, and the candidate spans of a text.

A *unit* is what candidate spans are made of: a word or a subword. A candidate is a run of at most
`max_span_width` units, written (first unit, width - 1).

Legend: U units of a text, W widest candidate in units.
"""

from collections.abc import Iterable, Sequence

from spanmatch.entities import Mention


def read_tags(tags: Sequence[str]) -> tuple[Mention, ...]:
    """Read one tag per token as conlleval does (Tjong Kim Sang, CoNLL-2000): any of IOB1, IOB2, IOBES, BILOU.

    A span starts at B, S or U, at a change of type, and at I, E or L after O; E, L, S and U close it.

    Raises:
        ValueError: a tag is neither `O` nor `PREFIX-label`.
    """
    spans: list[Mention] = []
    start, label = -1, ""
    for position, tag in enumerate((*tags, "O")):
        prefix, _, tag_label = tag.partition("-")
        if tag != "O" and (prefix not in {"B", "I", "E", "S", "L", "U"} or not tag_label):
            raise ValueError(f'tag {position} is "{tag}"; expected "O" or a prefix of B, I, E, S, L, U, a hyphen and a label')
        is_new = tag == "O" or prefix in {"B", "S", "U"} or tag_label != label
        if is_new and label:
            spans.append(Mention(start=start, end=position, label=label))
            label = ""
        if tag != "O" and not label:
            start, label = position, tag_label
        if label and prefix in {"E", "L", "S", "U"}:
            spans.append(Mention(start=start, end=position + 1, label=label))
            label = ""
    return tuple(spans)


def write_tags(spans: Iterable[Mention], num_tokens: int, scheme: str = "bio") -> list[str]:
    """One tag per token of spans that do not overlap, in IOB2 ("bio") or IOBES."""
    tags = ["O"] * num_tokens
    for span in spans:
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        is_single = span.end - span.start == 1
        if scheme == "iobes":
            tags[span.end - 1] = f"E-{span.label}"
        tags[span.start] = f"S-{span.label}" if scheme == "iobes" and is_single else f"B-{span.label}"
    return tags


