"""Precision-recall curves and calibration bins by hand, and their agreement with the metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import Mention
from spanmatch.evaluation.calibration import best_threshold
from spanmatch.evaluation.curves import precision_recall, reliability
from spanmatch.evaluation.metrics import compute_metrics


def m(start: int, label: str = "x") -> Mention:
    return Mention(start=start, end=start + 1, label=label)


# Right, wrong, right, right (of one score with the next), wrong; one more gold mention is never found.
GOLD = [[m(0), m(2)], [m(3), m(9, "y")]]
SCORED = [[(m(0), 0.9), (m(1), 0.8), (m(2), 0.6)], [(m(3), 0.4), (m(4, "y"), 0.4)]]

scored_examples = st.lists(
    st.tuples(
        st.lists(st.tuples(st.builds(m, st.integers(0, 4), st.sampled_from("xyz")), st.sampled_from([0.1, 0.3, 0.5, 0.7, 1.0]))),
        st.lists(st.builds(m, st.integers(0, 4), st.sampled_from("xyz")), max_size=5),
    ),
    max_size=4,
)


class TestPrecisionRecall:
    def test_by_hand(self) -> None:
        curve = precision_recall(SCORED, GOLD).micro
        assert curve.score_K.tolist() == [0.9, 0.8, 0.6, 0.4]
        assert curve.precision_K.tolist() == [1, 1 / 2, 2 / 3, 3 / 5]
        assert curve.recall_K.tolist() == [1 / 4, 1 / 4, 2 / 4, 3 / 4]
        assert curve.average_precision == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)

    def test_per_type(self) -> None:
        curves = precision_recall(SCORED, GOLD).per_type
        assert list(curves) == ["x", "y"]
        assert curves["x"].recall_K.tolist() == [1 / 3, 1 / 3, 2 / 3, 1] and curves["x"].num_gold == 3
        assert (curves["y"].precision_K.tolist(), curves["y"].average_precision) == ([0], 0)

    @pytest.mark.parametrize(
        ("threshold", "counts"), [(0.9, (0, 0)), (0.89, (1, 1)), (0.6, (1, 2)), (0.5, (2, 3)), (0.0, (3, 5))]
    )
    def test_counts_above_a_threshold(self, threshold: float, counts: tuple[int, int]) -> None:
        found = precision_recall(SCORED, GOLD).micro.at(threshold)
        assert ((found.true_positives, found.num_predicted), found.num_gold) == (counts, 4)

    def test_the_highest_of_duplicates_counts(self) -> None:
        curve = precision_recall([[(m(0), 0.2), (m(0), 0.7)]], [[m(0)]]).micro
        assert (curve.score_K.tolist(), curve.num_kept_K.tolist()) == ([0.7], [1])

    @pytest.mark.parametrize(("scored", "gold"), [([], []), ([[]], [[]]), ([[]], [[m(0)]]), ([[(m(0), 0.5)]], [[]])])
    def test_without_gold_or_predictions(self, scored: list[list[tuple[Mention, float]]], gold: list[list[Mention]]) -> None:
        curve = precision_recall(scored, gold).micro
        assert curve.average_precision == 0 and not curve.recall_K.any()
        assert curve.at(0.1).true_positives == 0

    @given(scored_examples)
    def test_agrees_with_the_metrics_at_every_threshold(
        self, examples: list[tuple[list[tuple[Mention, float]], list[Mention]]]
    ) -> None:
        scored, gold = [items for items, _ in examples], [mentions for _, mentions in examples]
        curves = precision_recall(scored, gold)
        for threshold in (0.05, 0.1, 0.4, 0.7):
            kept = [[mention for mention, score in items if score > threshold] for items in scored]
            metrics = compute_metrics(gold, kept, types=[], num_bootstrap=1)
            assert curves.micro.at(threshold) == metrics.micro
            for label, counts in metrics.per_type.items():
                assert curves.per_type[label].at(threshold) == counts
        best = best_threshold(scored, gold)
        assert max((curves.micro.at(float(score) - 1e-9).f1 for score in curves.micro.score_K), default=0.0) == best.f1


class TestReliability:
    def test_by_hand(self) -> None:
        result = reliability(SCORED, GOLD, num_bins=2)
        low, high = result.bins
        assert (low.low, low.high, low.count, low.num_right) == (0, 0.5, 2, 1)
        assert (high.low, high.high, high.count, high.num_right) == (0.5, 1, 3, 2)
        assert (low.mean_score, high.mean_score) == (pytest.approx(0.4), pytest.approx(2.3 / 3))
        assert low.share_right == 0.5
        assert result.num_predictions == 5
        assert result.expected_calibration_error == pytest.approx(0.4 * (0.5 - 0.4) + 0.6 * (2.3 / 3 - 2 / 3))

    def test_bins_begin_at_their_low_end_and_the_last_has_its_high_one(self) -> None:
        result = reliability([[(m(0), 0.5), (m(1), 1.0), (m(2), 0.4999)]], [[]], num_bins=2)
        assert [item.count for item in result.bins] == [1, 2]

    def test_nothing_predicted(self) -> None:
        result = reliability([[]], [[m(0)]])
        assert [item.count for item in result.bins] == [0] * 10
        assert (result.num_predictions, result.expected_calibration_error) == (0, 0)

    def test_needs_a_bin(self) -> None:
        with pytest.raises(ValueError, match="num_bins must be at least 1, got 0"):
            reliability([[]], [[]], num_bins=0)
