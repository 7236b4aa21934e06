"""Intervals of F1 and of shares: against published ones, against plain resampling, and against each other."""

import random

import numpy as np
import pytest
from helpers_evaluation import m

from spanmatch.entities import Mention
from spanmatch.evaluation import confidence
from spanmatch.evaluation.confidence import f1_intervals, macro_f1_interval, wilson_interval
from spanmatch.evaluation.metrics import compute_metrics


def _pairs_with_f1(num_examples: int, seed: int) -> tuple[list[list[Mention]], list[list[Mention]]]:
    """Every example has two gold mentions; about 70% are found, and about 30% have a spurious one."""
    rng = random.Random(seed)
    gold = [[m(0, 1, "x"), m(2, 3, "x")] for _ in range(num_examples)]
    predicted = [
        [item for item in items if rng.random() < 0.7] + ([m(5, 6, "x")] if rng.random() < 0.3 else []) for items in gold
    ]
    return gold, predicted


def test_bootstrap_is_a_function_of_the_seed() -> None:
    gold, predicted = _pairs_with_f1(60, seed=1)
    intervals = [compute_metrics(gold, predicted, types=[], seed=seed).f1_interval for seed in (0, 0, 1)]
    assert intervals[0] == intervals[1] != intervals[2]


def test_bootstrap_interval_contains_the_estimate_and_narrows() -> None:
    widths = []
    for num_examples in (50, 800):
        result = compute_metrics(*_pairs_with_f1(num_examples, seed=2), types=[])
        low, high = result.f1_interval
        assert low < result.micro.f1 < high
        widths.append(high - low)
    assert widths[1] < widths[0] / 2.5  # the square root of 16 is 4


def test_bootstrap_agrees_with_resampling_one_example_at_a_time() -> None:
    gold, predicted = _pairs_with_f1(20, seed=3)
    rows = np.array([(len({*g} & {*p}), len(p), len(g)) for g, p in zip(gold, predicted, strict=True)])
    rng = np.random.default_rng(7)
    sums = [rows[rng.integers(0, len(rows), len(rows))].sum(axis=0) for _ in range(4000)]
    expected = np.percentile([2 * right / (found + golds) for right, found, golds in sums], [2.5, 97.5])
    assert compute_metrics(gold, predicted, types=[], num_bootstrap=4000).f1_interval == pytest.approx(tuple(expected), abs=0.01)


def test_bootstrap_blocks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    gold, predicted = _pairs_with_f1(60, seed=4)
    whole = compute_metrics(gold, predicted, types=[], num_bootstrap=50)
    monkeypatch.setattr(confidence, "_MAX_BLOCK_CELLS", 25)
    assert compute_metrics(gold, predicted, types=[], num_bootstrap=50) == whole


def at(start: int, label: str = "x") -> Mention:
    """Make a mention of width 1."""
    return m(start, start + 1, label)


class TestIntervals:
    @pytest.mark.parametrize(
        ("num_right", "count", "interval"),
        # Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3.
        [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
    )
    def test_wilson(self, num_right: int, count: int, interval: tuple[float, float]) -> None:
        assert wilson_interval(num_right, count) == pytest.approx(interval, abs=5e-5)

    def test_wilson_without_any(self) -> None:
        assert wilson_interval(0, 0) == (0, 1)
        with pytest.raises(ValueError, match="expected 0 <= num_right <= count, got 2 of 1"):
            wilson_interval(2, 1)

    def test_of_one_type_is_that_of_micro_f1(self) -> None:
        gold = [[at(index), at(index + 50)] for index in range(30)]
        found = [[at(index), at(index + 50 + index % 3)] for index in range(30)]
        metrics = compute_metrics(gold, found, types=[])
        assert f1_intervals(gold, found) == {"x": metrics.f1_interval}
        # Examples without the type count, too: they are resampled with the others.
        gold, found = [*gold, [at(0, "y")], []], [*found, [], [at(1, "y")]]
        of_x = [[mention for mention in mentions if mention.label == "x"] for mentions in gold]
        found_x = [[mention for mention in mentions if mention.label == "x"] for mentions in found]
        intervals = f1_intervals(gold, found)
        assert intervals["x"] == compute_metrics(of_x, found_x, types=[]).f1_interval
        assert intervals["y"] == (0, 0)

    def test_a_rare_type_is_uncertain(self) -> None:
        gold = [[at(0)] for _ in range(50)] + [[at(0, "rare")]]
        intervals = f1_intervals(gold, gold)
        assert intervals == {"rare": (0, 1), "x": (1, 1)}
        assert np.isfinite(list(intervals.values())).all()


def test_macro_interval_of_one_type_is_that_of_micro() -> None:
    """With one type both are the same measure; they draw the same resamples up to their number of distinct rows."""
    gold, predicted = _pairs_with_f1(400, seed=4)
    micro = compute_metrics(gold, predicted, types=[]).f1_interval
    assert macro_f1_interval(gold, predicted) == pytest.approx(micro, abs=0.004)


def test_macro_interval_by_plain_resampling() -> None:
    gold, predicted = _pairs_with_f1(60, seed=5)
    gold = [[*items, m(7, 8, "y")] if index % 3 == 0 else items for index, items in enumerate(gold)]
    predicted = [[*items, m(7, 8, "y")] if index % 6 == 0 else items for index, items in enumerate(predicted)]
    rng = random.Random(0)
    scores = []
    for _ in range(600):
        drawn = [rng.randrange(len(gold)) for _ in gold]
        metrics = compute_metrics([gold[i] for i in drawn], [predicted[i] for i in drawn], types=[], num_bootstrap=1)
        scores.append(metrics.macro_f1)
    assert macro_f1_interval(gold, predicted) == pytest.approx(np.percentile(scores, [2.5, 97.5]), abs=0.02)


def test_macro_interval_without_mentions() -> None:
    assert macro_f1_interval([], []) == (0.0, 0.0) == macro_f1_interval([[]], [[]])
    assert macro_f1_interval([[m(0, 1, "x")]], [[m(0, 1, "x")]]) == (1.0, 1.0)
    with pytest.raises(ValueError, match="one entry per example"):
        macro_f1_interval([[]], [])
