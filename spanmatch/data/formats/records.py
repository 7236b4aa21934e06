"""Checked records that are converted, and the count of what the target format cannot hold."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanmatch.data.examples import Example, read_record
from spanmatch.data.tags import TagScheme
from spanmatch.entities import Mention


@dataclass(kw_only=True, slots=True)
class LeftOut:
    """Counts what a conversion cannot keep.

    Attributes:
        counts: how much was left out, per kind.
        first: the place of the first of each kind.
    """

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, where: str, count: int = 1) -> None:
        """Count what is left out of one record.

        Args:
            kind: what it is, in words for the user.
            where: the place of the record.
            count: how many; 0 changes nothing.
        """
        if count:
            self.counts[kind] += count
            self.first.setdefault(kind, where)

    def __str__(self) -> str:
        return "; ".join(f"{kind}: {count} (first: {self.first[kind]})" for kind, count in self.counts.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """Holds one checked record.

    Attributes:
        row: its JSON object, in our schema.
        example: the example that it gives in the format "tokens".
        labels: its `labels`, None if it has none.
    """

    row: Mapping[str, Any]
    example: Example
    labels: Sequence[str] | None

    @property
    def tokens(self) -> list[str]:
        """Return the tokens of the record, or the words of its text."""
        return [self.example.text[start:end] for start, end in self.example.words]

    def token_spans(self, left_out: LeftOut) -> list[Mention]:
        """Return the spans in tokens, sorted.

        Args:
            left_out: counts the spans that do not start and end at token boundaries, which are left out.
        """
        starts = {start: index for index, (start, _) in enumerate(self.example.words)}
        ends = {end: index + 1 for index, (_, end) in enumerate(self.example.words)}
        found = []
        for mention in self.example.mentions:
            start, end = starts.get(mention.start), ends.get(mention.end)
            if start is None or end is None:
                left_out.add("spans off a token boundary", self.example.where)
            else:
                found.append(Mention(start=start, end=end, label=mention.label))
        return sorted(found)


def check_record(where: str, row: Any, scheme: TagScheme | None = None) -> Record:
    """Check one record of our schema.

    Args:
        where: the place of the record, for the error.
        row: the record; an `InputError` in its place is raised.
        scheme: the kind of tags that the file has so far.

    Raises:
        InputError: the record is invalid; the message names `where` and the remedy.
    """
    example, labels = read_record(where, row, format="tokens", scheme=scheme)
    row = {key: value for key, value in row.items() if value is not None}
    if "ner_tags" in row:
        row["tags"] = row.pop("ner_tags")
    if "char_spans" in row and ("token_spans" in row or "tags" in row):
        read_record(where, row, format="text")  # the token spans are converted, but the character spans may be kept
    return Record(row=row, example=example, labels=labels)
