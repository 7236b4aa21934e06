"""Convert between tags, one per token, and spans of tokens."""

from collections.abc import Iterable, Sequence

from spanmatch.entities import Mention


def read_tags(tags: Sequence[str]) -> tuple[Mention, ...]:
    """Read spans from tags as conlleval does (Tjong Kim Sang, CoNLL-2000): any of IOB1, IOB2, IOBES, BILOU.

    A span starts at B, S or U, at a change of type, and at I, E or L after O; E, L, S and U close it.

    Args:
        tags: one tag per token.

    Returns:
        The spans in order, start and end in tokens.

    Raises:
        ValueError: a tag is neither `O` nor `PREFIX-label`.
    """
    spans: list[Mention] = []
    start, label = -1, ""
    for position, tag in enumerate((*tags, "O")):  # the last tag closes a span that is still open
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
    """Write spans as tags, one per token.

    Args:
        spans: spans of tokens that do not overlap, in any order.
        num_tokens: how many tokens the text has.
        scheme: "bio" (IOB2) or "iobes".
    """
    tags = ["O"] * num_tokens
    for span in spans:
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        is_single = span.end - span.start == 1
        if scheme == "iobes":
            tags[span.end - 1] = f"E-{span.label}"
        tags[span.start] = f"S-{span.label}" if scheme == "iobes" and is_single else f"B-{span.label}"
    return tags
