"""Windows: what they cover, who owns which candidate, and that cutting a text changes no score."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import StubEncoder, collate_alone, collate_types, make_example, units_of
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.batching.batcher import text_windows
from spanmatch.batching.candidates import TokenizedText, Units, word_units
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View, _neighbours, owned_candidates, split_windows, token_range, type_runs
from spanmatch.config import MatcherConfig
from spanmatch.model.encoders import PretrainedEncoder, load_pretrained
from spanmatch.model.model import SpanMatcherModel

Lengths = st.lists(st.integers(1, 4), min_size=1, max_size=40)
# Longer words, too: some are longer than a window.
LengthsWithLong = st.lists(st.integers(1, 4) | st.integers(1, 20), min_size=1, max_size=40)
MaxTokens = st.integers(1, 24)
Widths = st.integers(1, 8)


def size(units: Units, start: int, end: int) -> int:
    """Subwords of units [start, end)."""
    first, last = token_range(units, start, end)
    return last - first


def owners(windows: Sequence[tuple[int, int]], width: int) -> dict[tuple[int, int], list[int]]:
    """The positions of the windows that own each candidate (first unit, last unit)."""
    found: dict[tuple[int, int], list[int]] = {}
    for position, (start, _) in enumerate(windows):
        for unit, extra in np.argwhere(owned_candidates(windows, position, width)).tolist():
            found.setdefault((start + unit, start + unit + extra), []).append(position)
    return found


class TestWindows:
    @pytest.mark.parametrize(
        ("lengths", "max_tokens", "width", "expected"),
        [
            ([], 4, 2, [(0, 0)]),
            ([1, 1, 1, 1], 4, 2, [(0, 4)]),
            ([1] * 6, 4, 1, [(0, 4), (3, 6)]),
            ([1] * 6, 4, 2, [(0, 4), (2, 6)]),
            # A quarter of the window, where that is more than the widest candidate.
            ([1] * 20, 12, 1, [(0, 12), (9, 20)]),
            # Units count by their subwords.
            ([2, 2, 2, 2], 4, 1, [(0, 2), (1, 3), (2, 4)]),
            # A word longer than the window, alone and between others.
            ([9], 4, 2, [(0, 1)]),
            ([1, 9, 1], 4, 1, [(0, 1), (1, 2), (2, 3)]),
            # A candidate wider than the window: half a window ahead each time.
            ([1] * 5, 3, 8, [(0, 3), (2, 5)]),
            ([1] * 12, 8, 20, [(0, 8), (4, 12)]),
            # A long word behind the window: none is left out.
            ([2, 9, 9, 1], 8, 3, [(0, 1), (1, 2), (2, 3), (3, 4)]),
        ],
    )
    def test_table(self, lengths: list[int], max_tokens: int, width: int, expected: list[tuple[int, int]]) -> None:
        assert split_windows(units_of(lengths), max_tokens, width) == expected

    @given(LengthsWithLong, MaxTokens, Widths)
    def test_cover_and_budget(self, lengths: list[int], max_tokens: int, width: int) -> None:
        units = units_of(lengths)
        windows = split_windows(units, max_tokens, width)
        assert windows[0][0] == 0 and windows[-1][1] == len(units)
        for start, end in windows:
            assert start < end
            assert size(units, start, end) <= max_tokens or end == start + 1
        for (start, end), (next_start, next_end) in pairwise(windows):
            assert start < next_start <= end <= next_end

    @given(Lengths, st.integers(40, 60), Widths)
    def test_overlap(self, lengths: list[int], max_tokens: int, width: int) -> None:
        """Eight units of four subwords fit into every window: the overlap holds the widest candidate, and a quarter."""
        units = units_of(lengths * 4)
        windows = split_windows(units, max_tokens, width)
        for (_, end), (start, _) in pairwise(windows):
            assert end - start >= width
            assert size(units, start, end) >= max_tokens // 4 - 2 * 3  # whole units at both ends

    @given(LengthsWithLong, MaxTokens, Widths)
    def test_one_owner(self, lengths: list[int], max_tokens: int, width: int) -> None:
        """Exactly one window owns a candidate that fits into half of a window, and at most one any other."""
        units = units_of(lengths)
        windows = split_windows(units, max_tokens, width)
        found = owners(windows, width)
        for first in range(len(units)):
            for last in range(first, min(first + width, len(units))):
                num_owners, needed = len(found.pop((first, last), [])), size(units, first, last + 1)
                assert num_owners <= int(first == last or needed <= max_tokens), (windows, first, last)
                if first == last or needed <= max_tokens // 2:
                    assert num_owners == 1, (windows, first, last)
        assert not found

    def test_cost_of_long_words(self) -> None:
        """Words of dozens of subwords, as in base64, do not give a window each: half of a window is always new."""
        lengths = [18, 1] * 600
        windows = split_windows(units_of(lengths), 126, 12)
        assert len(windows) < 2.2 * sum(lengths) / 126

    def test_many_units_of_one_subword(self) -> None:
        """A run that shares a subword, such as an unknown one, is divided, too."""
        shared = np.zeros(1000, dtype=np.int64)
        chars = np.arange(1000)
        units = Units(first_token=shared, last_token=shared, start_char=chars, end_char=chars + 1)
        windows = split_windows(units, 64, 12)
        assert windows[0] == (0, 64) and windows[-1][1] == 1000 and len(windows) == 21
        assert all(end - start <= 64 for start, end in windows)
        assert all(len(positions) == 1 for positions in owners(windows, 12).values())
        assert len(owners(windows, 12)) == sum(min(12, 1000 - first) for first in range(1000))

    @given(Lengths, MaxTokens, Widths)
    def test_the_owner_shows_most_context(self, lengths: list[int], max_tokens: int, width: int) -> None:
        units = units_of(lengths)
        windows = split_windows(units, max_tokens, width)
        for (first, last), [owner] in owners(windows, width).items():
            shown = []
            for position, (start, end) in enumerate(windows):
                if not (start <= first and last < end):
                    shown.append(-1)
                    continue
                left = len(units) if position == 0 else first - start
                right = len(units) if position == len(windows) - 1 else end - 1 - last
                shown.append(min(left, right))
            assert shown.index(max(shown)) == owner

    def test_windows_with_two_candidates_by_hand(self) -> None:
        windows = [(0, 4), (2, 6)]
        # Units 0 and 1 are seen by the first alone; unit 2 has one unit to the right there, none to the left in the second.
        # Units 2 and 3 together stand at an edge of both: they fall to the earlier.
        assert owned_candidates(windows, 0, 2).tolist() == [[True, True], [True, True], [True, True], [False, False]]
        assert owned_candidates(windows, 1, 2).tolist() == [[False, False], [True, True], [True, True], [True, False]]

    def test_equal_context_falls_to_the_earlier(self) -> None:
        windows = [(0, 3), (2, 5)]
        assert owned_candidates(windows, 0, 1)[2].tolist() == [True]
        assert owned_candidates(windows, 1, 1)[0].tolist() == [False]


class TestHundredsOfWindows:
    @pytest.mark.parametrize(
        ("longest", "max_tokens", "width"),
        [
            (1, 12, 4),
            (4, 16, 4),
            # Words longer than a window.
            (20, 12, 3),
            # A candidate wider than the window: each shares units with many others.
            (2, 8, 20),
        ],
    )
    def test_neighbours_are_all_that_share_units(self, longest: int, max_tokens: int, width: int) -> None:
        """... so that one window owns each candidate, as if it were compared with all."""
        lengths = np.random.default_rng(0).integers(1, longest + 1, 1500)
        units = units_of(lengths.tolist())
        windows = split_windows(units, max_tokens, width)
        assert len(windows) > 150
        for position, (start, end) in enumerate(windows):
            expected = [
                other for other, (first, last) in enumerate(windows) if other != position and max(start, first) < min(end, last)
            ]
            assert _neighbours(windows, position) == expected
        found = owners(windows, width)
        assert all(len(positions) == 1 for positions in found.values())
        held = {
            (first, last)
            for first in range(len(units))
            for last in range(first, min(first + width, len(units)))
            if first == last or size(units, first, last + 1) <= max_tokens // 2
        }
        assert found.keys() >= held
        assert all(first == last or size(units, first, last + 1) <= max_tokens for first, last in found)

    def test_a_window_alone(self) -> None:
        assert _neighbours([(0, 5)], 0) == []
        # Windows that only touch share nothing.
        assert [_neighbours([(0, 2), (2, 4), (3, 6)], position) for position in range(3)] == [[], [2], [1]]


class TestTypeRuns:
    @pytest.mark.parametrize(
        ("lengths", "max_types", "max_tokens", "expected"),
        [
            pytest.param([], 3, 9, [0], id="no types"),
            pytest.param([2], 1, 2, [1], id="one that just fits"),
            pytest.param([9], 1, 2, [1], id="one that is too long"),
            pytest.param([2, 2, 2], 3, 6, [3], id="all fit"),
            pytest.param([2, 2, 2], 3, 5, [1, 2], id="too many subwords"),
            pytest.param([2, 2, 2, 2], 3, 99, [2, 2], id="too many types"),
            pytest.param([2] * 7, 3, 99, [2, 2, 3], id="even within one"),
            pytest.param([1, 1, 9, 1], 9, 4, [1, 1, 1, 1], id="a long one is alone"),
            # Even runs of two would fit by the total, but not each.
            pytest.param([1, 1, 4, 4], 9, 5, [1, 1, 1, 1], id="a heavy end"),
        ],
    )
    def test_table(self, lengths: list[int], max_types: int, max_tokens: int, expected: list[int]) -> None:
        runs = type_runs(lengths, max_types=max_types, max_tokens=max_tokens)
        assert [stop - start for start, stop in runs] == expected

    @given(
        lengths=st.lists(st.integers(1, 6) | st.integers(1, 30), max_size=40),
        max_types=st.integers(1, 12),
        max_tokens=st.integers(1, 30),
    )
    def test_any_types(self, lengths: list[int], max_types: int, max_tokens: int) -> None:
        """Every type once and in order; runs that fit, of even sizes, and as few as that allows."""
        runs = type_runs(lengths, max_types=max_types, max_tokens=max_tokens)
        assert [place for start, stop in runs for place in range(start, stop)] == list(range(len(lengths)))
        sizes = [stop - start for start, stop in runs]
        assert max(sizes) - min(sizes) <= 1

        def fits(sizes: Sequence[int]) -> bool:
            rest = list(lengths)
            for size in sizes:
                run, rest = rest[:size], rest[size:]
                if size > max_types or (sum(run) > max_tokens and size > 1):
                    return False
            return True

        assert fits(sizes)
        # One run less, cut by the same rule, would not fit.
        fewer = len(runs) - 1
        if fewer:
            bounds = [run * len(lengths) // fewer for run in range(fewer + 1)]
            assert not fits([stop - start for start, stop in pairwise(bounds)])


def tokenized(units: Units, seed: int = 0) -> TokenizedText:
    count = int(units.last_token[-1]) + 1 if len(units) else 0
    ids = np.random.default_rng(seed).integers(5, 50, count)
    return TokenizedText(example=make_example("x" * (2 * count)), token_ids=ids, units=units)


class TestViews:
    def test_a_text_without_words_has_none(self) -> None:
        assert text_windows(tokenized(word_units("", (), [])), max_tokens=4, max_span_width=2) == []

    def test_a_view_knows_its_window(self) -> None:
        views = text_windows(tokenized(units_of([2, 2, 2, 2])), max_tokens=4, max_span_width=1)
        assert [
            (view.start_unit, view.end_unit, view.end_unit - view.start_unit, view.end_token - view.start_token) for view in views
        ] == [
            (0, 2, 2, 4),
            (1, 3, 2, 4),
            (2, 4, 2, 4),
        ]

    def test_a_word_longer_than_the_encoder(self, family_encoder: PretrainedEncoder) -> None:
        """Its beginning and its end are kept, and the words beside it are not touched."""
        tokenizer = SequenceTokenizer.of(family_encoder.tokenizer, 12)
        room = tokenizer.max_tokens
        text = tokenized(units_of([1, 50, 1]))
        views = text_windows(text, max_tokens=room, max_span_width=3)
        batch = collate_alone(views, tokenizer, 3)
        assert [view.end_unit - view.start_unit for view in views] == [1, 1, 1]
        assert batch.candidates[:, :, 0].all()
        shift = len(tokenizer.prefix)
        kept = batch.input_ids[1, shift : shift + room].tolist()
        half = room // 2
        assert kept == [*text.token_ids[1 : 1 + room - half], *text.token_ids[51 - half : 51]]
        assert (batch.first_token[1, 0], batch.last_token[1, 0]) == (shift, shift + room - 1)
        assert batch.input_ids.shape[1] == 12

    @pytest.mark.parametrize("max_length", [3, 4, 5])
    def test_hardly_any_room(self, max_length: int, family_encoder: PretrainedEncoder) -> None:
        tokenizer = SequenceTokenizer.of(family_encoder.tokenizer, max_length)
        views = text_windows(tokenized(units_of([1, 3, 2, 1])), max_tokens=tokenizer.max_tokens, max_span_width=2)
        batch = collate_alone(views, tokenizer, 2)
        assert batch.input_ids.shape[1] <= max_length
        assert (batch.last_token < max_length - len(tokenizer.suffix)).all()


def stub_model(max_span_width: int) -> SpanMatcherModel:
    """A model around the stub. Its sums are of integers: exact in any order."""
    config = MatcherConfig(
        architecture="bi",
        text_encoder={},
        type_encoder=None,
        type_pooling="cls",
        head_size=16,
        candidates="words",
        max_span_width=max_span_width,
        max_length=64,
        max_type_length=64,
        objective="bce",
    )
    model = SpanMatcherModel(config, StubEncoder(50))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in model.head.named_parameters():
            if weight.ndim:
                weight.copy_(torch.randint(-2, 3, weight.shape, generator=generator) * (16.0 if "width" in name else 1.0))
        model.head.start_proj.bias.mul_(16)
    return model


def scores(model: SpanMatcherModel, views: Sequence[View], tokenizer: SequenceTokenizer) -> dict[tuple[int, int], list[float]]:
    """The scores of every candidate of one text, from whichever of its views owns it."""
    width = model.matcher_config.max_span_width
    types = torch.arange(5, 8)[:, None]
    found: dict[tuple[int, int], list[float]] = {}
    with torch.inference_mode():
        batch = collate_alone(views, tokenizer, width)
        type_batch = collate_types(["a"] * 3, tokenizer)
        type_batch.input_ids[:, :1] = types
        scored = model(batch, [type_batch])
    for row, unit, extra in batch.candidates.nonzero().tolist():
        key = (views[row].start_unit + unit, views[row].start_unit + unit + extra)
        assert key not in found
        found[key] = scored.spans.logits[row, unit, extra].tolist()
    return found


@given(lengths=Lengths, max_tokens=st.integers(8, 40), width=Widths, seed=st.integers(0, 99))
def test_windowed_is_whole(
    lengths: list[int],
    max_tokens: int,
    width: int,
    seed: int,
    encoder_tokenizer: tuple[SequenceTokenizer, dict[int, SpanMatcherModel]],
) -> None:
    """Without context, a candidate has the same score, to the bit, in a window and in the whole text."""
    tokenizer, models = encoder_tokenizer
    model = models.setdefault(width, stub_model(width))
    text = tokenized(units_of(lengths), seed)
    whole = scores(model, text_windows(text, max_tokens=1000, max_span_width=width), tokenizer)
    windowed = scores(model, text_windows(text, max_tokens=max_tokens, max_span_width=width), tokenizer)
    assert windowed.items() <= whole.items()
    assert windowed.keys() >= {
        key for key in whole if key[0] == key[1] or size(text.units, key[0], key[1] + 1) <= max_tokens // 2
    }


def test_the_stub_tells_candidates_apart(encoder_tokenizer: tuple[SequenceTokenizer, dict[int, SpanMatcherModel]]) -> None:
    """Were all scores equal, the test above could not fail."""
    tokenizer, _ = encoder_tokenizer
    text = tokenized(units_of([1, 2, 3, 1, 2, 1, 1, 2]))
    found = scores(stub_model(3), text_windows(text, max_tokens=1000, max_span_width=3), tokenizer)
    assert len(found) == 8 + 7 + 6
    assert len({tuple(value) for value in found.values()}) > 18


@pytest.fixture(scope="module")
def encoder_tokenizer(tiny_encoder: Path) -> tuple[SequenceTokenizer, dict[int, SpanMatcherModel]]:
    """A tokenizer with room for a whole text, and the models made so far, by their widest candidate."""
    return SequenceTokenizer.of(load_pretrained(str(tiny_encoder)).tokenizer, 2000), {}
