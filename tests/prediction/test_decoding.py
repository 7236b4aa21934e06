"""Thresholds and overlaps: which scores pass, which of overlapping candidates stay."""

import math
from collections.abc import Callable, Sequence
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
# With the logits of the tests, many ranks are equal.
PREFERENCES = st.lists(st.sampled_from([-1.5, -1.0, -0.5, 0.0]), min_size=3, max_size=3)


def candidates(rows: Rows, preferences: Sequence[float] = (0.0, 0.0, 0.0)) -> Candidates:
    """Rows of (start, end, column, logit), and what is added to the logits of each type for their rank."""
    start, end, column, logit = (list(values) for values in zip(*rows, strict=True)) if rows else ([], [], [], [])
    return Candidates(
        start=np.array(start, np.int64),
        end=np.array(end, np.int64),
        column=np.array(column, np.int64),
        logit=np.array(logit, np.float32),
        rank=np.array([value + preferences[place] for place, value in zip(column, logit, strict=True)], np.float32),
    )


def decode(rows: Rows, overlap: str = "flat", preferences: Sequence[float] = (0.0, 0.0, 0.0)) -> list[tuple[int, int, int]]:
    column_of = {item.label: column for column, item in enumerate(TYPES)}
    found = resolve(TEXT, candidates(rows, preferences), TYPES, overlap)
    return [(item.start, item.end, column_of[item.label]) for item in found]


def preferred(rows: Rows, preferences: Sequence[float]) -> Rows:
    """Of each pair of bounds the row of the highest rank, of equals that of the first type."""
    best: dict[tuple[int, int], tuple[int, int, int, float]] = {}
    for row in sorted(rows, key=lambda row: row[2]):
        other = best.get(row[:2])
        if other is None or row[3] + preferences[row[2]] > other[3] + preferences[other[2]]:
            best[row[:2]] = row
    return list(best.values())


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

    @pytest.mark.parametrize(
        ("rows", "preferences", "flat", "nested"),
        [
            pytest.param([(0, 3, 0, 3.0), (0, 3, 1, 2.0)], [0, 0, 0], [0], [0], id="by score"),
            pytest.param([(0, 3, 0, 3.0), (0, 3, 1, 2.0)], [-0.5, 0, 0], [0], [0], id="by score, in spite of it"),
            pytest.param([(0, 3, 0, 3.0), (0, 3, 1, 2.0)], [-1.5, 0, 0], [1], [1], id="the lower score"),
            pytest.param([(0, 3, 0, 3.0), (0, 3, 1, 2.0)], [-1.5, -1, 0], [0], [0], id="both are common"),
            pytest.param([(0, 3, 0, 3.0), (0, 3, 1, 2.0), (0, 3, 2, 1.0)], [-9, -1.5, 0], [2], [2], id="of three"),
            # Other bounds are no competition of types: scores decide.
            pytest.param([(0, 12, 0, 3.0), (0, 3, 1, 2.0)], [-9, 0, 0], [0], [1, 0], id="contained"),
            pytest.param([(0, 12, 0, 3.0), (4, 20, 1, 2.0)], [-9, 0, 0], [0], [0], id="crossing"),
            pytest.param([(0, 3, 0, 3.0), (4, 12, 1, 2.0)], [-9, 0, 0], [0, 1], [0, 1], id="apart"),
            # What is preferred competes with other spans by its own score; what it replaced excludes nothing.
            pytest.param(
                [(0, 12, 0, 3.0), (0, 12, 1, 1.0), (4, 20, 0, 2.0)], [-3, 0, 0], [2], [2], id="the preferred is excluded"
            ),
            pytest.param(
                [(0, 12, 0, 3.0), (0, 12, 1, 1.0), (4, 12, 0, 2.0)], [-3, 0, 0], [2], [1, 2], id="the preferred is around"
            ),
            pytest.param(
                [(0, 12, 0, 3.0), (0, 12, 1, 2.5), (4, 20, 0, 2.0)], [-3, 0, 0], [1], [1], id="the preferred excludes"
            ),
        ],
    )
    def test_preferences(self, rows: Rows, preferences: list[float], flat: list[int], nested: list[int]) -> None:
        """They choose between the types of one span and do nothing else; the score of what is chosen is its own."""
        everything = sorted(range(len(rows)), key=lambda index: rows[index][:3])
        for overlap, kept in (("flat", flat), ("nested", nested), ("multi-label", everything)):
            for given_rows in (rows, rows[::-1]):
                found = resolve(TEXT, candidates(given_rows, preferences), TYPES, overlap)
                expected = [(*rows[index][:2], TYPES[rows[index][2]].label, rows[index][3]) for index in kept]
                assert [(item.start, item.end, item.label) for item in found] == [row[:3] for row in expected], overlap
                assert [item.score for item in found] == [pytest.approx(1 / (1 + math.exp(-row[3]))) for row in expected]

    @pytest.mark.parametrize("overlap", ["flat", "nested"])
    def test_of_equal_ranks_the_first_type_is_preferred(self, overlap: str) -> None:
        """... whatever their scores."""
        for rows in ([(0, 3, 0, 2.0), (0, 3, 1, 1.0)], [(0, 3, 0, 1.0), (0, 3, 1, 2.0)]):
            preferences = [-rows[0][3], -rows[1][3], 0.0]
            assert decode(rows, overlap, preferences) == decode(rows[::-1], overlap, preferences) == [(0, 3, 0)]

    def test_what_does_not_pass_is_not_preferred(self) -> None:
        """Candidates above other limits keep their rank, and the choice is among them alone."""
        found = candidates([(0, 3, 0, 3.0), (0, 3, 1, 1.0), (0, 3, 2, 2.0)], (-3.0, 0.0, -1.5))
        for limits, expected in (([0, 0, 0], 1), ([0, 1, 0], 2), ([0, 1, 2], 0), ([3, 0.5, 0], 1)):
            [entity] = resolve(TEXT, found.above(np.array(limits, float)), TYPES)
            assert entity.label == TYPES[expected].label
        assert found.above(np.array([0.0, 1.0, 0.0])).rank.tolist() == [0.0, 0.5]

    def test_preferred_of_nothing(self) -> None:
        assert len(NOTHING.preferred().start) == len(NOTHING.preferred().rank) == 0

    @given(
        rows=st.lists(
            st.tuples(st.integers(0, 8), st.integers(1, 6), st.integers(0, 2), st.sampled_from([0.5, 1.0, 2.0])),
            max_size=12,
            unique_by=lambda row: row[:3],
        ),
        order=st.randoms(use_true_random=False),
        overlap=st.sampled_from(sorted(OVERLAPS)),
        preferences=PREFERENCES,
    )
    def test_any_candidates(self, rows: list[Any], order: Any, overlap: str, preferences: list[float]) -> None:
        """The order of the candidates is without effect; what stays does not exclude each other, what goes is excluded."""
        given_rows = [(start, start + length, column, logit) for start, length, column, logit in rows]
        kept = decode(given_rows, overlap, preferences)
        shuffled = list(given_rows)
        order.shuffle(shuffled)
        assert decode(shuffled, overlap, preferences) == kept
        # What is not preferred for its bounds has gone before it could exclude anything.
        logits = {row[:3]: row[3] for row in (given_rows if overlap == "multi-label" else preferred(given_rows, preferences))}
        assert set(kept) <= logits.keys()
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
        preferences=PREFERENCES,
    )
    def test_it_is_the_slow_way(self, seed: int, count: int, length: int, overlap: str, preferences: list[float]) -> None:
        """The best of all, then the best of those that it leaves, and so on; also of so many that their places are found."""
        rng = np.random.default_rng(seed)
        start, width, column = rng.integers(0, length, count), rng.integers(1, 8, count), rng.integers(0, 3, count)
        logit = rng.choice([-1.0, 0.5, 1.0, 2.0, 3.5], count) + rng.choice([0.0, 0.25], count)
        keys = list(dict.fromkeys(zip(start.tolist(), (start + width).tolist(), column.tolist(), strict=True)))
        rows = [(*key, value) for key, value in zip(keys, logit.tolist(), strict=False)]
        kept: list[tuple[int, int, int]] = []
        competing = rows if overlap == "multi-label" else preferred(rows, preferences)
        for one, end, kind, _ in sorted(competing, key=lambda row: (-row[3], row[0], -row[1], row[2])):
            if not any(EXCLUDES[overlap](one, end, other, stop) for other, stop, _ in kept):
                kept.append((one, end, kind))
        assert decode(rows, overlap, preferences) == sorted(kept)

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
        second = candidates([(4, 5, 1, 2.0), (6, 7, 0, 3.0)], (-0.5, -1.5, 0.0))
        first = candidates([(0, 3, 0, 1.0)])
        merged = merge([first, NOTHING, second])
        assert merged.start.tolist() == [0, 4, 6] and merged.end.tolist() == [3, 5, 7]
        assert merged.column.tolist() == [0, 1, 0] and merged.logit.tolist() == [1.0, 2.0, 3.0]
        assert merged.rank.tolist() == [1.0, 0.5, 2.5]
        assert merge([first]) is first
        assert len(merge([]).start) == 0
