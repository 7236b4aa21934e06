"""A record on its way from one format to another, and what the other has no room for."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from spanmatch.data.examples import Example, read_record
from spanmatch.entities import Mention
from spanmatch.errors import InputError


@dataclass(kw_only=True, slots=True)
class LeftOut:
    """What a conversion cannot keep: how much of each kind, and where the first of it stands."""

    counts: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, where: str, count: int = 1) -> None:
        """Count something; nothing is remembered for a count of 0."""
        if count:
            self.counts[kind] += count
            self.first.setdefault(kind, where)

    def __str__(self) -> str:
        return "; ".join(f"{kind}: {count} (first: {self.first[kind]})" for kind, count in self.counts.items())


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """One checked record: its raw fields, and the example they give in token format."""

    row: Mapping[str, Any]
    example: Example
    labels: Sequence[str] | None

    @property
    def tokens(self) -> list[str]:
        """The tokens of the record, or the words of its text."""
        return [self.example.text[start:end] for start, end in self.example.words]

    def token_spans(self, left_out: LeftOut) -> list[Mention]:
        """Spans in tokens, in order; a character span that is no run of whole tokens is counted and left out."""
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


def check_record(where: str, row: Any) -> Record:
    """Check one record of our schema.

    Raises:
        InputError: naming `where` and the remedy.
    """
    example, labels = read_record(where, row, format="tokens")
    empty = next((index for index, (start, end) in enumerate(example.words) if start == end), None)
    if empty is not None:
        raise InputError(f"{where}: token {empty} is empty; drop it, and its tag")
    if row.get("char_spans") is not None and (row.get("token_spans") is not None or row.get("tags") is not None):
        read_record(where, row, format="text")  # these spans are not the ones that count here, but they are kept
    return Record(row=row, example=example, labels=labels)


