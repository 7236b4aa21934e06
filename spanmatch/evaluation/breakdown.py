"""Break scores down: accuracy word by word, and F1 of what occurs in the training data apart from what does not."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from spanmatch.data.corpus import Corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import Offsets
from spanmatch.entities import Mention, normalise
from spanmatch.evaluation.error_classes import Mentions
from spanmatch.evaluation.metrics import Counts


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Holds what occurs in training data.

    Attributes:
        labels: the labels that have a mention there.
        texts: the texts of all mentions there, normalised.
    """

    labels: frozenset[str]
    texts: frozenset[str]

    @classmethod
    def of(cls, corpus: Corpus) -> "Seen":
        """Collect what occurs in a corpus.

        Args:
            corpus: the training data.
        """
        pairs = [(example, mention) for example in corpus.examples for mention in example.mentions]
        return cls(
            labels=frozenset(mention.label for _, mention in pairs),
            texts=frozenset(text_of(example, mention) for example, mention in pairs),
        )


def text_of(example: Example, mention: Mention) -> str:
    """Return the text of a mention as it is compared with others: case and hyphens do not count.

    Args:
        example: the text that the mention is in.
        mention: its place, in characters.
    """
    return normalise(example.text[mention.start : mention.end])


def seen_and_new(examples: Sequence[Example], predicted: Mentions, seen: Seen) -> dict[str, Counts]:
    """Count apart what is known from the training data and what is new. The counts of a pair sum to those of all mentions.

    Args:
        examples: the texts with their gold.
        predicted: the predicted mentions of each.
        seen: what occurs in the training data.

    Returns:
        "seen_texts" and "new_texts": mentions whose text is that of a training mention, and others; "seen_types" and
        "new_types": mentions of a type that has a training mention, and others.
    """
    tests: dict[str, Callable[[Example, Mention], bool]] = {
        "texts": lambda example, mention: text_of(example, mention) in seen.texts,
        "types": lambda _, mention: mention.label in seen.labels,
    }
    return {
        f"{name}_{kind}": _counts_where(examples, predicted, is_seen, wanted)
        for kind, is_seen in tests.items()
        for name, wanted in (("seen", True), ("new", False))
    }


def _counts_where(
    examples: Sequence[Example], predicted: Mentions, is_seen: Callable[[Example, Mention], bool], wanted: bool
) -> Counts:
    right = num_predicted = num_gold = 0
    for example, mentions in zip(examples, predicted, strict=True):
        found = {mention for mention in mentions if is_seen(example, mention) is wanted}
        gold = {mention for mention in example.mentions if is_seen(example, mention) is wanted}
        right, num_predicted, num_gold = right + len(found & gold), num_predicted + len(found), num_gold + len(gold)
    return Counts(true_positives=right, num_predicted=num_predicted, num_gold=num_gold)


def word_tags(words: Offsets, mentions: Collection[Mention]) -> list[str]:
    """Return the IOB2 tag of each word. Of mentions that overlap, the longest is kept.

    Args:
        words: the character offsets of the words.
        mentions: their places, in characters. A word belongs to one if it touches it.
    """
    tags = ["O"] * len(words)
    for mention in sorted(mentions, key=lambda item: (item.start - item.end, item)):
        touched = [place for place, (start, end) in enumerate(words) if start < mention.end and end > mention.start]
        if all(tags[place] == "O" for place in touched):
            for place in touched:
                tags[place] = f"{'B' if place == touched[0] else 'I'}-{mention.label}"
    return tags


def word_accuracy(examples: Sequence[Example], predicted: Mentions) -> float:
    """Return the share of words whose tag is right, most of which are O; 0.0 without words.

    Args:
        examples: the texts with their gold.
        predicted: the predicted mentions of each.
    """
    right = total = 0
    for example, mentions in zip(examples, predicted, strict=True):
        pairs = list(zip(word_tags(example.words, example.mentions), word_tags(example.words, mentions), strict=True))
        right, total = right + sum(gold == found for gold, found in pairs), total + len(pairs)
    return right / total if total else 0.0
