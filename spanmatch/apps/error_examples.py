"""Examples of every class of error, each shown in its text."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spanmatch.apps.marked_text import Line, Mark, bounds_around, mark_text
from spanmatch.data.examples import Example
from spanmatch.entities import Mention
from spanmatch.evaluation.error_classes import classify_errors

_NO_SCORE = -1.0  # of gold, which has none


@dataclass(frozen=True, kw_only=True)
class ErrorExample:
    """An error in its text: where the text stands, and the lines of gold and predicted mentions around the error."""

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
    """Show errors of each class, by its name in `ErrorCounts`.

    Wrong predictions are chosen by score, the surest first, and gold by label in turns, in the order of the examples; in
    both, errors of examples that were not yet shown in the class come first.

    Args:
        found: the predictions of each example with their score, in the units of its gold.
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
    """Put first what to show first."""
    surest = sorted(errors, key=lambda error: (-error.score, error.index, error.mention))
    if surest[0].score == _NO_SCORE:
        surest = _in_turns(surest, [error.mention.label for error in surest])
    return _in_turns(surest, [error.index for error in surest])


def _in_turns(errors: Sequence[_Error], keys: Sequence[str] | Sequence[int]) -> list[_Error]:
    """The first error of each key, then the second of each, and so on; otherwise in the given order."""
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
        Mark(
            mention=mention,
            role="right" if mention in right else "wrong",
            is_focus=mention == focus,
            score=score,
        )
        for mention, score in scores.items()
    ]
    return ErrorExample(
        where=example.where,
        gold=mark_text(example.text, bounds, gold, focus),
        predicted=mark_text(example.text, bounds, predicted, focus),
    )
