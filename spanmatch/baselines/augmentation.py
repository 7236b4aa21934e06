"""Augment training data lightly: swap attributes, change the case, change the order of attributes. Offsets stay right.

A text is a list of pieces, mentions and what stands between them. What changes pieces cannot lose an offset, because the
offsets are counted when the pieces are joined.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Mention

# A mention is swapped with this probability.
SWAP_SHARE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """Holds a part of a text.

    Attributes:
        text: its characters.
        label: the label of the mention that it is; None between mentions.
    """

    text: str
    label: str | None = None


Pieces = list[Piece]
Values = Mapping[str, Sequence[str]]


def augment(examples: Sequence[Example], kinds: Sequence[str], seed: int) -> list[Example]:
    """Return examples, and behind them a changed copy of each that something was changed in.

    Args:
        examples: annotated texts. One whose mentions overlap is not changed.
        kinds: what to change, of `KINDS`, in this order.
        seed: seed of what is drawn.
    """
    rng = random.Random(seed)
    values: dict[str, set[str]] = {}
    for example in examples:
        for mention in example.mentions:
            values.setdefault(mention.label, set()).add(example.text[mention.start : mention.end])
    by_label = {label: sorted(found) for label, found in values.items()}
    copies = []
    for example in examples:
        pieces = pieces_of(example)
        if pieces is None:
            continue
        for kind in kinds:
            pieces = KINDS[kind](pieces, by_label, rng)
        copy = joined(example, pieces)
        copies += [copy] if copy.text != example.text else []
    return [*examples, *copies]


def pieces_of(example: Example) -> Pieces | None:
    """Cut a text at its mentions; None if they overlap.

    Args:
        example: the text with its gold.
    """
    mentions = sorted(example.mentions)
    if any(left.end > right.start for left, right in pairwise(mentions)):
        return None
    pieces, end = [], 0
    for mention in mentions:
        pieces.append(Piece(text=example.text[end : mention.start]))
        pieces.append(Piece(text=example.text[mention.start : mention.end], label=mention.label))
        end = mention.end
    pieces.append(Piece(text=example.text[end:]))
    return [piece for piece in pieces if piece.text]


def joined(example: Example, pieces: Pieces) -> Example:
    """Return an example with the text and the mentions of pieces.

    Args:
        example: gives everything else.
        pieces: the parts of the text.
    """
    text, mentions = "", []
    for piece in pieces:
        if piece.label is not None:
            mentions.append(Mention(start=len(text), end=len(text) + len(piece.text), label=piece.label))
        text += piece.text
    return replace(example, text=text, words=split_words(text), mentions=tuple(mentions))


def swap(pieces: Pieces, values: Values, rng: random.Random) -> Pieces:
    """Replace mentions, each with probability `SWAP_SHARE`, by another value of their type from the training data.

    Args:
        pieces: the parts of a text.
        values: the texts of all mentions of the training data, by label.
        rng: draws.
    """

    def swapped(piece: Piece) -> Piece:
        if piece.label is None or rng.random() >= SWAP_SHARE:
            return piece
        return replace(piece, text=rng.choice(values[piece.label]))

    return [swapped(piece) for piece in pieces]


def change_case(pieces: Pieces, values: Values, rng: random.Random) -> Pieces:
    """Write the whole text in lower case, in capitals or with a capital at each word.

    Args:
        pieces: the parts of a text.
        values: not used.
        rng: draws.
    """
    del values
    change: Callable[[str], str] = rng.choice((str.lower, str.upper, _capitalised))
    return [replace(piece, text=change(piece.text)) for piece in pieces]


def _capitalised(text: str) -> str:
    """Give each word a capital. (`str.title` would also give one to the "S" of "men's".)"""
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def change_order(pieces: Pieces, values: Values, rng: random.Random) -> Pieces:
    """Shuffle attributes that follow each other with nothing but white space between them.

    Args:
        pieces: the parts of a text.
        values: not used.
        rng: draws.
    """
    del values
    found = list(pieces)
    run: list[int] = []
    for index, piece in enumerate([*pieces, Piece(text=".")]):
        if piece.label is not None:
            run.append(index)
        elif not piece.text.isspace():
            shuffled = rng.sample(run, len(run))
            for place, source in zip(run, shuffled, strict=True):
                found[place] = pieces[source]
            run = []
    return found


# The kinds of augmentation, by the names that a user gives.
KINDS: Mapping[str, Callable[[Pieces, Values, random.Random], Pieces]] = {
    "swap": swap,
    "case": change_case,
    "order": change_order,
}
