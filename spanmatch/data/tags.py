"""Convert between tags, one per token, and spans of tokens.

A file has tags of one kind: with a prefix (`B-PER`), with a label alone (`PER`), or with a prefix alone (`B`), which means that
there is one type.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from spanmatch.entities import Mention

OUTSIDE = "O"

# The label of spans whose tags name none (`B I O`).
ONLY_LABEL = "entity"

_OPENS, _CLOSES = frozenset("BSU"), frozenset("ELSU")
_PREFIXES = frozenset("BIESLUM")
# Of which kind a tag is, in words for the user; "O" is of every kind.
_PREFIXED, _LABEL_ALONE, _PREFIX_ALONE = "a prefix and a label", "a label alone", "a prefix alone"
# What other tools write for "no entity". As a label it would be a type.
_NOT_OUTSIDE = frozenset({"", "-", "_", "0", "o", "none", "null", "nan"})
# Tags that a label alone never looks like: prefixes in lower case, before another separator, behind the label, or unknown.
_NEARLY_PREFIXED = re.compile(r"[A-Za-z]?-|[BIESLUM][_:./|]|.*[-_][BIESLUM]$", re.DOTALL)
_SEVERAL = re.compile(r"[|,;][BIESLUM]-")


@lru_cache(maxsize=4096)  # a corpus has few tags, each many times
def kind_of_tag(tag: str) -> str:
    """Say of which kind a tag is: "a prefix and a label", "a label alone", "a prefix alone"; empty for `O`.

    Args:
        tag: the tag.

    Raises:
        ValueError: it is no tag.
    """
    if tag == OUTSIDE:
        return ""
    if tag[:1] in _PREFIXES and tag[1:2] == "-" and len(tag) > 2 and not _SEVERAL.search(tag):
        return _PREFIXED
    if tag in _PREFIXES:
        return _PREFIX_ALONE
    if tag.strip().lower() in _NOT_OUTSIDE or _NEARLY_PREFIXED.match(tag) or _SEVERAL.search(tag):
        raise ValueError('expected "O" or a prefix of B, I, E, S, L, U, a hyphen and a label')
    return _LABEL_ALONE


def is_prefixed(tag: str) -> bool:
    """Say whether a text is a tag with a prefix and a label.

    Args:
        tag: any text.
    """
    try:
        return kind_of_tag(tag) == _PREFIXED
    except ValueError:
        return False


def read_tags(tags: Sequence[str], *, label: str = ONLY_LABEL) -> tuple[Mention, ...]:
    """Read spans from tags as conlleval does (Tjong Kim Sang, CoNLL-2000): any of IOB1, IOB2, IOBES, BILOU, BMES.

    A span starts at B, S or U, at a change of type, and at any other prefix after O; E, L, S and U close it. Of tags without a
    prefix, a run of the same label is one span.

    Args:
        tags: one tag per token.
        label: the label where the tags name none.

    Returns:
        The spans in order, start and end in tokens.

    Raises:
        ValueError: a tag is none, or of another kind than the tags before it.
    """
    TagScheme().check(tags)
    spans: list[Mention] = []
    start, open_label = -1, ""
    for position, tag in enumerate((*tags, OUTSIDE)):  # the last tag closes a span that is still open
        prefix, tag_label = _parts(tag, label)
        if open_label and (prefix in _OPENS or tag_label != open_label):
            spans.append(Mention(start=start, end=position, label=open_label))
            open_label = ""
        if tag_label and not open_label:
            start, open_label = position, tag_label
        if open_label and prefix in _CLOSES:
            spans.append(Mention(start=start, end=position + 1, label=open_label))
            open_label = ""
    return tuple(spans)


def _parts(tag: str, label: str) -> tuple[str, str]:
    """Return prefix and label of a tag; the label is empty for `O` alone."""
    kind = kind_of_tag(tag)
    if kind == _PREFIXED:
        return tag[0], tag[2:]
    if kind == _PREFIX_ALONE:
        return tag, label
    return ("I", tag) if kind else ("", "")


def tag_labels(names: Iterable[str]) -> tuple[str, ...]:
    """Return the sorted labels of a list of tags, such as the names of a ClassLabel.

    Args:
        names: the tags. Where some have a prefix and a label, only those count: the others are fillers.
    """
    labels: dict[str, set[str]] = {}
    for name in names:
        try:
            labels.setdefault(kind_of_tag(name), set()).add(_parts(name, ONLY_LABEL)[1])
        except ValueError:  # a filler such as "_"; a text that uses it is refused
            continue
    found = next((labels[kind] for kind in (_PREFIXED, _PREFIX_ALONE, _LABEL_ALONE) if kind in labels), set())
    return tuple(sorted(found))


@dataclass(kw_only=True, slots=True)
class TagScheme:
    """Remembers of which kind the tags of a file are, so that a tag of another kind is refused.

    Attributes:
        kind: see `kind_of_tag`; empty as long as only `O` occurred.
        tag: the first tag of that kind.
        where: its place.
    """

    kind: str = ""
    tag: str = ""
    where: str = ""

    def check(self, tags: Iterable[str], where: str = "") -> None:
        """Check the tags of a text.

        Args:
            tags: the tags.
            where: the place of the text.

        Raises:
            ValueError: a tag is none, or of another kind than the tags before it.
        """
        for position, tag in enumerate(tags):
            try:
                self.check_tag(tag, where)
            except ValueError as error:
                raise ValueError(f'tag {position} is "{tag}"; {error}') from error

    def check_tag(self, tag: str, where: str) -> None:
        """Check one tag.

        Args:
            tag: the tag.
            where: its place.

        Raises:
            ValueError: it is none, or of another kind than the tags before it.
        """
        kind = kind_of_tag(tag)
        if not self.kind:
            self.kind, self.tag, self.where = kind, tag, where
        elif kind and kind != self.kind:
            place = f" ({self.where})" if self.where else ""
            raise ValueError(f'expected "O" or {self.kind}, as "{self.tag}" before it{place}; give all tags of a file one form')


def write_tags(spans: Iterable[Mention], num_tokens: int, scheme: str = "bio") -> list[str]:
    """Write spans as tags, one per token.

    Args:
        spans: spans of tokens that do not overlap, in any order.
        num_tokens: how many tokens the text has.
        scheme: "bio" (IOB2) or "iobes".
    """
    tags = [OUTSIDE] * num_tokens
    for span in spans:
        tags[span.start : span.end] = [f"I-{span.label}"] * (span.end - span.start)
        is_single = span.end - span.start == 1
        if scheme == "iobes":
            tags[span.end - 1] = f"E-{span.label}"
        tags[span.start] = f"S-{span.label}" if scheme == "iobes" and is_single else f"B-{span.label}"
    return tags
