"""Choose examples of every class of error, and show each error in its text."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spanmatch.apps.report.marked_text import Line, Mark, bounds_around, mark_text
from spanmatch.data.examples import Example
from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import classify_errors

_NO_SCORE = -1.0  # stands for the score of gold, which has none


@dataclass(frozen=True, kw_only=True)
class ErrorExample:
    """Holds an error with the text around it.

    Attributes:
        where: file and line of the text.
        gold: the text with its gold mentions.
        predicted: the same text with its predicted mentions.
    """

    where: str
    gold: Line
    predicted: Line


@dataclass(frozen=True, kw_only=True, slots=True)
class _Error:
    index: int
    mention: Mention
    score: float


def error_examples(
    examples: Sequence[Example], found: Sequence[Mapping[Mention, float]], *, max_per_class: int
) -> dict[str, list[ErrorExample]]:
    """Choose errors of each class, and show them in their texts.

    Of wrong predictions, those with the highest scores come first. Of gold that was not found, the labels take turns.
    In both, an example shows its second error only after every other example has shown its first.

    Args:
        examples: texts with their gold.
        found: predicted mentions of each example with their scores in (0, 1], in the units of the gold.
        max_per_class: number of errors of a class to show at most.

    Returns:
        The errors by class, named as in `ErrorCounts`. A class without errors is not there.
    """
    by_class: dict[str, list[_Error]] = defaultdict(list)
    for index, (example, scores) in enumerate(zip(examples, found, strict=True)):
        for mention, name in classify_errors(example.mentions, scores).items():
            by_class[name].append(_Error(index=index, mention=mention, score=scores.get(mention, _NO_SCORE)))
    return {
        name: [_show(examples[error.index], found[error.index], error.mention) for error in _choose(errors)[:max_per_class]]
        for name, errors in by_class.items()
    }


def _choose(errors: Sequence[_Error]) -> list[_Error]:
    """Return the errors of one class in the order in which they are shown."""
    ordered = sorted(errors, key=lambda error: (-error.score, error.index, error.mention))
    if ordered[0].score == _NO_SCORE:
        ordered = _in_turns(ordered, [error.mention.label for error in ordered])
    return _in_turns(ordered, [error.index for error in ordered])


def _in_turns(errors: Sequence[_Error], keys: Sequence[str] | Sequence[int]) -> list[_Error]:
    """Return the first error of each key, then the second of each, and so on; each time in the given order."""
    num_seen: dict[str | int, int] = defaultdict(int)
    turns = []
    for key in keys:
        turns.append(num_seen[key])
        num_seen[key] += 1
    return [errors[position] for position in sorted(range(len(errors)), key=lambda position: turns[position])]


def _show(example: Example, scores: Mapping[Mention, float], focus: Mention) -> ErrorExample:
    bounds = bounds_around(focus, example.text, example.words)
    right = set(example.mentions)
    gold = [Mark(mention=mention, role="gold", is_focus=mention == focus and mention not in scores) for mention in right]
    predicted = [
        Mark(mention=mention, role="right" if mention in right else "wrong", is_focus=mention == focus, score=score)
        for mention, score in scores.items()
    ]
    return ErrorExample(
        where=example.where,
        gold=mark_text(example.text, bounds, gold, focus),
        predicted=mark_text(example.text, bounds, predicted, focus),
    )
