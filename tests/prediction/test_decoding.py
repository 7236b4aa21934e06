"""Thresholds and overlaps: which scores pass, which of overlapping candidates stay."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.prediction.decoding import NOTHING, OVERLAPS, Candidates, check_overlap, merge, resolve

TYPES = (EntityType(name="person", label="PER"), EntityType(name="city"), EntityType(name="company"))
TEXT = "Ada Lovelace met Bob in New York"
# By definition: any overlap; equal bounds or crossing; nothing.
EXCLUDES: dict[str, Callable[[int, int, int, int], bool]] = {
    "flat": lambda start, end, other, stop: max(start, other) < min(end, stop),
    "nested": lambda start, end, other, stop: (
        (start, end) == (other, stop) or start < other < end < stop or other < start < stop < end
    ),
    "multi-label": lambda start, end, other, stop: False,
}
Rows = list[tuple[int, int, int, float]]


def candidates(rows: Rows) -> Candidates:
    """Rows of (start, end, column, logit)."""
    start, end, column, logit = (list(values) for values in zip(*rows, strict=True)) if rows else ([], [], [], [])
    return Candidates(
        start=np.array(start, np.int64),
        end=np.array(end, np.int64),
        column=np.array(column, np.int64),
        logit=np.array(logit, np.float32),
    )


def decode(rows: Rows, overlap: str = "flat") -> list[tuple[int, int, int]]:
    column_of = {item.label: column for column, item in enumerate(TYPES)}
    return [(item.start, item.end, column_of[item.label]) for item in resolve(TEXT, candidates(rows), TYPES, overlap)]


class TestResolve:
    @pytest.mark.parametrize(
        ("rows", "flat", "nested", "multi_label"),
        [
            pytest.param([], [], [], [], id="nothing"),
            pytest.param([(0, 3, 0, 1.0)], [0], [0], [0], id="one"),
            pytest.param([(4, 12, 1, 1.0), (0, 3, 0, 2.0)], [1, 0], [1, 0], [1, 0], id="apart, in the order of the text"),
            pytest.param([(0, 3, 0, 1.0), (3, 5, 0, 2.0)], [0, 1], [0, 1], [0, 1], id="touching"),
            pytest.param([(0, 12, 0, 2.0), (4, 12, 1, 1.0)], [0], [0, 1], [0, 1], id="contained, at the end"),
            pytest.param([(0, 12, 0, 1.0), (0, 3, 1, 2.0)], [1], [1, 0], [1, 0], id="contained, at the start"),
            pytest.param([(0, 20, 0, 1.0), (4, 12, 0, 2.0)], [1], [0, 1], [0, 1], id="contained, of the same type"),
            pytest.param([(0, 12, 0, 1.0), (4, 20, 0, 2.0)], [1], [1], [0, 1], id="crossing"),
            pytest.param([(4, 20, 0, 1.0), (0, 12, 0, 2.0)], [1], [1], [1, 0], id="crossing the other way"),
            pytest.param([(0, 3, 0, 1.0), (0, 3, 1, 2.0)], [1], [1], [0, 1], id="two types of one span"),
            # The middle one takes both neighbours with it, unless it is the weakest.
            pytest.param([(0, 5, 0, 1.0), (4, 9, 0, 3.0), (8, 12, 0, 2.0)], [1], [1], [0, 1, 2], id="chain"),
            pytest.param([(0, 5, 0, 2.0), (4, 9, 0, 1.0), (8, 12, 0, 3.0)], [0, 2], [0, 2], [0, 1, 2], id="chain, weak middle"),
            # What was itself excluded excludes nothing.
            pytest.param([(0, 5, 0, 3.0), (4, 9, 0, 2.0), (8, 12, 0, 1.0)], [0, 2], [0, 2], [0, 1, 2], id="chain, falling"),
            pytest.param(
                [(0, 12, 0, 1.0), (0, 3, 0, 2.0), (4, 12, 1, 3.0), (0, 12, 2, 0.5)],
                [1, 2],
                [1, 0, 2],
                [1, 0, 3, 2],
                id="three levels",
            ),
        ],
    )
    def test_table(self, rows: Rows, flat: list[int], nested: list[int], multi_label: list[int]) -> None:
        for overlap, kept in (("flat", flat), ("nested", nested), ("multi-label", multi_label)):
            assert decode(rows, overlap) == [rows[index][:3] for index in kept], overlap

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            ([(4, 12, 0, 1.0), (0, 5, 0, 1.0)], (0, 5, 0)),  # the earlier
            ([(0, 3, 0, 1.0), (0, 12, 0, 1.0)], (0, 12, 0)),  # then the longer
            ([(0, 3, 2, 1.0), (0, 3, 1, 1.0)], (0, 3, 1)),  # then the first type
        ],
    )
    def test_ties(self, rows: Rows, expected: tuple[int, int, int]) -> None:
        assert decode(rows) == decode(rows[::-1]) == [expected]

    def test_entities(self) -> None:
        [entity] = resolve(TEXT, candidates([(4, 12, 0, 2.0)]), TYPES)
        assert (entity.start, entity.end, entity.label, entity.text) == (4, 12, "PER", "Lovelace")
        assert entity.score == pytest.approx(1 / (1 + math.exp(-2)))

    def test_an_unknown_overlap(self) -> None:
        for ask in (check_overlap, lambda overlap: resolve(TEXT, NOTHING, TYPES, overlap)):
            with pytest.raises(InputError, match=r'unknown overlap "nestd"; did you mean "nested"\?'):
                ask("nestd")

    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 8), st.integers(1, 6), st.integers(0, 2), st.sampled_from([0.5, 1.0, 2.0])),
            max_size=12,
            unique_by=lambda row: row[:3],
        ),
        order=st.randoms(use_true_random=False),
        overlap=st.sampled_from(sorted(OVERLAPS)),
    )
    def test_any_candidates(self, rows: list[Any], order: Any, overlap: str) -> None:
        """The order of the candidates is without effect; what stays does not exclude each other, what goes is excluded."""
        given_rows = [(start, start + length, column, logit) for start, length, column, logit in rows]
        kept = decode(given_rows, overlap)
        shuffled = list(given_rows)
        order.shuffle(shuffled)
        assert decode(shuffled, overlap) == kept
        logits = {row[:3]: row[3] for row in given_rows}
        excludes = EXCLUDES[overlap]
        for one in logits:
            rivals = [other for other in kept if other != one and excludes(*one[:2], *other[:2])]
            if one in kept:
                assert not rivals
            else:
                assert max(logits[other] for other in rivals) >= logits[one]

    @given(
        seed=st.integers(0, 1 << 30),
        count=st.integers(0, 150),
        length=st.integers(1, 300),
        overlap=st.sampled_from(sorted(OVERLAPS)),
    )
    def test_it_is_the_slow_way(self, seed: int, count: int, length: int, overlap: str) -> None:
        """The best of all, then the best of those that it leaves, and so on; also of so many that their places are found."""
        rng = np.random.default_rng(seed)
        start, width, column = rng.integers(0, length, count), rng.integers(1, 8, count), rng.integers(0, 3, count)
        logit = rng.choice([-1.0, 0.5, 1.0, 2.0, 3.5], count) + rng.choice([0.0, 0.25], count)
        keys = list(dict.fromkeys(zip(start.tolist(), (start + width).tolist(), column.tolist(), strict=True)))
        rows = [(*key, value) for key, value in zip(keys, logit.tolist(), strict=False)]
        kept: list[tuple[int, int, int]] = []
        for one, end, kind, _ in sorted(rows, key=lambda row: (-row[3], row[0], -row[1], row[2])):
            if not any(EXCLUDES[overlap](one, end, other, stop) for other, stop, _ in kept):
                kept.append((one, end, kind))
        assert decode(rows, overlap) == sorted(kept)

    @pytest.mark.parametrize("overlap", ["flat", "nested"])
    def test_many_side_by_side(self, overlap: str) -> None:
        """Each of them excludes a weaker one that crosses it, however many are kept already."""
        strong = [(10 * number, 10 * number + 4, number % 3, 5.0 + number % 7) for number in range(300)]
        weak = [(start + 2, end + 2, column, 1.0) for start, end, column, _ in strong]
        inside = [(start + 1, end - 1, column, 2.0) for start, end, column, _ in strong]
        kept = strong if overlap == "flat" else strong + inside
        assert decode(weak + inside + strong, overlap) == sorted(row[:3] for row in kept)

    def test_twenty_thousand(self) -> None:
        """Of a long text with a low threshold."""
        rows = [(number, number + 1 + number % 3, number % 3, float(number * 7919 % 20011)) for number in range(20_000)]
        kept = decode(rows)
        assert 5_000 < len(kept) < 20_000
        assert all(end <= start for (_, end, _), (start, _, _) in pairwise(kept))
        assert max(rows, key=lambda row: row[3])[:3] in kept

    def test_merge(self) -> None:
        first, second = candidates([(0, 3, 0, 1.0)]), candidates([(4, 5, 1, 2.0), (6, 7, 0, 3.0)])
        merged = merge([first, NOTHING, second])
        assert merged.start.tolist() == [0, 4, 6] and merged.end.tolist() == [3, 5, 7]
        assert merged.column.tolist() == [0, 1, 0] and merged.logit.tolist() == [1.0, 2.0, 3.0]
        assert merge([first]) is first
        assert len(merge([]).start) == 0
