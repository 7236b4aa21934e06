"""The figures of the report: what is drawn, and that they can stand in any page."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.figure import Figure

from spanmatch.apps.report.figures import MAX_SERIES, precision_recall_figure, reliability_figure
from spanmatch.entities import Mention
from spanmatch.evaluation.curves import PrecisionRecall, reliability
from spanmatch.evaluation.metrics import Counts

COUNTS = Counts(true_positives=3, num_predicted=4, num_gold=6)
BEST = Counts(true_positives=4, num_predicted=8, num_gold=6)


def curve(num_scores: int) -> PrecisionRecall:
    """Make a curve on which every second prediction is right."""
    kept = np.arange(1, num_scores + 1)
    scores = np.linspace(1, 0.1, num_scores)
    return PrecisionRecall(score_K=scores, num_kept_K=kept, num_right_K=(kept + 1) // 2, num_gold=num_scores)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return the figures that are saved from now on."""
    figures: list[Figure] = []
    save = Figure.savefig

    def keep(self: Figure, *arguments: object, **options: object) -> None:
        figures.append(self)
        save(self, *arguments, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


class TestPrecisionRecall:
    def test_curves_and_points(self, drawn: list[Figure]) -> None:
        precision_recall_figure(curve(5), [curve(2), curve(3)], operating=COUNTS, best=BEST, alt="")
        lines = drawn[0].axes[0].lines[4:]  # four lines of equal F1 lie below
        assert [len(line.get_xdata()) for line in lines] == [2, 3, 5, 1, 1]
        assert lines[2].get_xydata().tolist() == pytest.approx(np.c_[curve(5).recall_K, curve(5).precision_K])
        assert [(line.get_marker(), *line.get_xydata()[0]) for line in lines[3:]] == [("D", 4 / 6, 0.5), ("o", 0.5, 0.75)]

    def test_a_long_curve_keeps_its_ends(self, drawn: list[Figure]) -> None:
        precision_recall_figure(curve(1001), [], operating=COUNTS, best=BEST, alt="")
        points = drawn[0].axes[0].lines[4].get_xydata()
        assert len(points) == 400
        assert points[[0, -1], 0].tolist() == curve(1001).recall_K[[0, -1]].tolist()

    def test_no_more_series_than_there_are_colours(self, drawn: list[Figure]) -> None:
        precision_recall_figure(curve(5), [curve(2)] * (MAX_SERIES + 1), operating=COUNTS, best=BEST, alt="")
        assert len(drawn[0].axes[0].lines) == 4 + MAX_SERIES + 1 + 2


def test_reliability_leaves_empty_bins_out(drawn: list[Figure]) -> None:
    right, wrong = Mention(start=0, end=1, label="x"), Mention(start=1, end=2, label="x")
    reliability_figure(reliability([[(right, 0.95), (wrong, 0.15)]], [[right]]), alt="")
    upper, lower = drawn[0].axes
    assert upper.lines[1].get_xydata().tolist() == [[pytest.approx(0.15), 0], [pytest.approx(0.95), 1]]
    assert [bar.get_height() for bar in lower.patches] == [1, 1]


def test_an_element_that_any_page_can_hold() -> None:
    svg = str(precision_recall_figure(curve(5), [curve(2)], operating=COUNTS, best=BEST, alt='<"a" & b>'))
    element = ElementTree.fromstring(svg)
    assert (element.tag, element.get("role"), element.get("aria-label")) == ("svg", "img", '<"a" & b>')
    assert "<style" not in svg and "http" not in svg and not re.search(r"#[0-9a-f]{6}", svg)
    ids = [item.get("id", "") for item in element.iter() if item.get("id")]
    assert ids and all(name.startswith("precision-recall-") for name in ids)
    assert {*re.findall(r"(?:url\(|href=\")#([\w-]+)", svg)} <= {*ids}
