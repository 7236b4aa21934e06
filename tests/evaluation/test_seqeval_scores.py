"""Scores of seqeval by hand, and their agreement with the metrics."""

from itertools import pairwise

import pytest
from helpers_evaluation import m
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation.metrics import compute_metrics
from spanmatch.evaluation.seqeval_scores import seqeval_scores

LABELS = ["a", "a-", "-a", "B-loc-city", "two words", "O"]


@st.composite
def flat_examples(draw: st.DrawFn) -> tuple[list[Mention], list[Mention], int]:
    """Gold and predictions of one example, each without overlap, and its number of tokens."""
    num_tokens = draw(st.integers(0, 8))

    def flat_mentions() -> list[Mention]:
        ends = sorted(draw(st.sets(st.integers(0, num_tokens), max_size=6)))
        pieces = [m(start, end, draw(st.sampled_from(LABELS))) for start, end in pairwise(ends)]
        return [piece for piece in pieces if draw(st.booleans())]

    gold = flat_mentions()
    kept = [item for item in gold if draw(st.booleans())]
    return gold, draw(st.sampled_from([kept, flat_mentions()])), num_tokens


@given(st.lists(flat_examples(), max_size=5))
def test_seqeval_agrees_with_micro_on_flat_tokens(examples: list[tuple[list[Mention], list[Mention], int]]) -> None:
    gold, predicted, num_tokens = ([example[part] for example in examples] for part in range(3))
    micro = compute_metrics(gold, predicted, types=[], num_bootstrap=1).micro  # type: ignore[arg-type]
    scores = seqeval_scores(gold, predicted, num_tokens)  # type: ignore[arg-type]
    assert scores == pytest.approx({"precision": micro.precision, "recall": micro.recall, "f1": micro.f1})


def test_seqeval_by_hand() -> None:
    gold = [[m(0, 2, "a"), m(2, 3, "a-"), m(4, 6, "two words")], []]
    predicted = [[m(0, 2, "a"), m(2, 3, "a"), m(4, 5, "two words")], [m(0, 1, "a")]]
    assert seqeval_scores(gold, predicted, [6, 1]) == {
        "precision": 0.25,
        "recall": pytest.approx(1 / 3),
        "f1": pytest.approx(2 / 7),
    }


def test_seqeval_is_for_flat_mentions_inside_their_tokens() -> None:
    nested, flat = [[m(0, 2, "a"), m(0, 1, "a")]], [[m(0, 2, "a")]]
    assert seqeval_scores(nested, flat, [2]) is None
    assert seqeval_scores(flat, nested, [2]) is None
    with pytest.raises(ValueError, match="ends after its example's 1 tokens"):
        seqeval_scores(flat, flat, [1])
    with pytest.raises(ValueError, match="got 1 of gold, 1 of predicted, 2 of num_tokens_per_example"):
        seqeval_scores(flat, flat, [2, 2])
