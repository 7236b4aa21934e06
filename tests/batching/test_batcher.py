"""Batches of about one length, buffers of examples, and passes of a cross-encoder: what saves time and must change nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from helpers import TEXTS, TYPES, make_example, make_matcher, token_ids
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.batching import batcher
from spanmatch.batching.batcher import NUM_SPECIAL, SHORTEST_OF_GROUP, example_buffers, length_batches
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.batching.collate import collate_texts, collate_types
from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.entities import EntityType, as_entity_types
from spanmatch.prediction.matcher import SpanMatcher


@pytest.fixture(scope="module")
def bi_matcher(tiny_encoder: Path) -> SpanMatcher:
    """A bi-encoder. Not to be changed."""
    return make_matcher(tiny_encoder)


@pytest.fixture(scope="module")
def cross_matcher(tiny_encoder: Path) -> SpanMatcher:
    """A cross-encoder of at most two types a pass. Not to be changed."""
    return make_matcher(tiny_encoder, "cross", max_types_per_pass=2)


class TestLengthBatches:
    @pytest.mark.parametrize(
        ("lengths", "batch_size", "max_tokens", "expected"),
        [
            ([], None, 10, []),
            # Two special tokens each: three sequences of 8 + 2 fill 30 tokens, and a token less holds but two.
            ([8, 8, 8, 8], None, 30, [[0, 1, 2], [3]]),
            ([8, 8, 8, 8], None, 29, [[0, 1], [2, 3]]),
            # The longest first, equals in their order; short ones count as long as the longest of their batch.
            ([1, 9, 3, 9, 3], None, 22, [[1, 3], [2, 4, 0]]),
            ([8, 1, 1, 1], None, 20, [[0, 1], [2, 3]]),
            # What exceeds the budget is a batch of its own, and takes no neighbour with it.
            ([99, 100, 2, 2], None, 10, [[1], [0], [2, 3]]),
            # Where a size is given, it alone decides.
            ([1, 9, 3, 9, 3], 2, 1, [[1, 3], [2, 4], [0]]),
            ([1, 9, 3], 5, 1, [[1, 2, 0]]),
        ],
    )
    def test_table(self, lengths: list[int], batch_size: int | None, max_tokens: int, expected: list[list[int]]) -> None:
        assert length_batches(lengths, batch_size=batch_size, max_tokens=max_tokens) == expected

    @given(st.lists(st.integers(0, 60), max_size=50), st.none() | st.integers(1, 9), st.integers(1, 200))
    def test_any_lengths(self, lengths: list[int], batch_size: int | None, max_tokens: int) -> None:
        batches = length_batches(lengths, batch_size=batch_size, max_tokens=max_tokens)
        assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
        ordered = [lengths[index] for batch in batches for index in batch]
        assert ordered == sorted(lengths, reverse=True)
        for batch in batches:
            assert batch
            padded = len(batch) * (max(lengths[index] for index in batch) + NUM_SPECIAL)
            if batch_size is None:
                assert padded <= max_tokens or len(batch) == 1
            else:
                assert len(batch) == batch_size or batch is batches[-1]
        if batch_size is None:
            for batch, following in pairwise(batches):
                # One more would not have fitted.
                assert (len(batch) + 1) * (lengths[batch[0]] + NUM_SPECIAL) > max_tokens, following


def views_of(matcher: SpanMatcher, inventories: Sequence[tuple[EntityType, ...]], texts: Sequence[str]) -> list[View]:
    """The passes of texts, each with its types."""
    examples = [make_example(text, (), types) for text, types in zip(texts, inventories, strict=True)]
    return matcher.batcher.passes([view for own in matcher.batcher.windows(examples) for view in own])


class TestBatches:
    MANY = tuple(EntityType(name=f"the name of a place where kind {number} of people live") for number in range(2))

    def test_types_behind_a_text_count(self, cross_matcher: SpanMatcher) -> None:
        """The padded sequence is what fills the budget: a short text with long types is a long one."""
        short = as_entity_types(["city"])
        texts = ["Ada met Bob and Ada met Bob"] * 6 + ["Bob"] * 6
        views = views_of(cross_matcher, [short] * 6 + [self.MANY] * 6, texts)
        assert len(views) == 12
        batches = cross_matcher.batcher.text_batches(views, batch_size=None, max_tokens=120)
        assert sorted(id(view) for batch in batches for view in batch) == sorted(map(id, views))
        lengths = []
        for batch in batches:
            # Begin, middle and end.
            own = collate_texts(batch, cross_matcher.batcher).attention_mask.sum(1) - 3
            lengths += own.tolist()
            assert len(batch) * (int(own.max()) + NUM_SPECIAL) <= 120
        assert lengths == sorted(lengths, reverse=True)
        assert [view.types for view in batches[0]] == [self.MANY] * len(batches[0]), "their text is the shortest"
        assert 1 < len(batches) < len(views)

    def test_texts_of_a_bi_encoder(self, bi_matcher: SpanMatcher) -> None:
        views = views_of(bi_matcher, [self.MANY] * len(TEXTS), list(TEXTS.values()))
        batches = bi_matcher.batcher.text_batches(views, batch_size=None, max_tokens=100)
        assert 1 < len(batches) < len(views)
        for batch in batches:
            # Begin and end are the two special tokens that count: nothing more than the types of a cross-encoder is left out.
            assert collate_texts(batch, bi_matcher.batcher).input_ids.numel() <= 100 or len(batch) == 1

    def test_types_have_their_places(self, bi_matcher: SpanMatcher) -> None:
        texts = [*TYPES, "a", "city", "the name of a place where nobody lives, or nearly nobody", "b c"]
        expected = token_ids(texts, bi_matcher.batcher.type_tokenizer)
        found: dict[int, list[int]] = {}
        sizes = []
        for places, sequences in bi_matcher.batcher.type_batches(texts, max_tokens=30):
            batch = collate_types(sequences, bi_matcher.batcher.lone_type_tokenizer)
            sizes.append(batch.input_ids.numel())
            for place, ids, mask in zip(places, batch.input_ids, batch.attention_mask, strict=True):
                assert place not in found
                found[place] = ids[mask.bool()].tolist()[1:-1]
            # Padded to their own length, not to that of all.
            assert int(batch.attention_mask.sum(1).max()) == batch.input_ids.shape[1]
        assert [found[place] for place in range(len(texts))] == expected
        assert len(sizes) > 2


class TestTypeGroups:
    """The types of a step, in groups of about one length."""

    TEXTS = [*TYPES, "a", "city", "city: the name of a place where nobody lives, or nearly nobody", "b c", "a", "d e f g h i"]

    def written(self, matcher: SpanMatcher, texts: Sequence[str]) -> tuple[list[list[int]], list[list[int]]]:
        """The token ids of each text by its place, and how long those of each group are."""
        grouped = matcher.batcher.type_groups(texts)
        order = [place for places, _ in grouped for place in places]
        groups = [collate_types(sequences, matcher.batcher.lone_type_tokenizer) for _, sequences in grouped]
        rows = [row[mask.bool()].tolist() for own in groups for row, mask in zip(own.input_ids, own.attention_mask, strict=True)]
        assert sorted(order) == list(range(len(texts))), "each once, and its place"
        assert all(int(own.attention_mask.sum(1).max()) == own.input_ids.shape[1] for own in groups)
        found = dict(zip(order, rows, strict=True))
        return [found[place][1:-1] for place in range(len(texts))], [own.attention_mask.sum(1).tolist() for own in groups]

    def test_by_hand(self, bi_matcher: SpanMatcher) -> None:
        found, lengths = self.written(bi_matcher, self.TEXTS)
        assert found == token_ids(self.TEXTS, bi_matcher.batcher.type_tokenizer)
        ordered = [length for own in lengths for length in own]
        assert 1 < len(lengths) < len(self.TEXTS) and ordered == sorted(ordered, reverse=True)
        assert bi_matcher.batcher.type_groups([]) == []

    @given(st.lists(st.integers(0, 70), max_size=40))
    def test_padding_is_bounded(self, bi_matcher: SpanMatcher, sizes: list[int]) -> None:
        """No type is shorter than that share of its group's longest, none would have gone with the group before."""
        texts = [" ".join(["a"] * size) or "b" for size in sizes]
        _, lengths = self.written(bi_matcher, texts)
        for own in lengths:
            assert min(own) >= SHORTEST_OF_GROUP * max(own)
        for own, following in pairwise(lengths):
            assert following[0] < SHORTEST_OF_GROUP * own[0]
        padded = sum(len(own) * max(own) for own in lengths)
        assert SHORTEST_OF_GROUP * padded <= sum(map(sum, lengths))
        assert len(lengths) <= 8, "from 64 down to 3 in steps of 0.6"


class TestBuffers:
    @pytest.mark.parametrize(
        ("lengths", "size", "expected"),
        [
            ([], None, []),
            ([1] * 3, None, [3]),
            # Small ones first, each twice the last, up to a bound.
            ([1] * 30, None, [4, 8, 10, 8]),
            ([1] * 4, None, [4]),
            ([1] * 7, 3, [3, 3, 1]),
            # None of more characters than fit memory, the one that exceeds it included; it counts anew in each.
            ([50, 49, 1, 100, 1, 1, 1], None, [3, 1, 3]),
            ([500, 500], None, [1, 1]),
            ([99] * 4, 3, [2, 2]),
        ],
    )
    def test_table(self, lengths: list[int], size: int | None, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batcher, "FIRST_BUFFER", 4)
        monkeypatch.setattr(batcher, "LAST_BUFFER", 10)
        monkeypatch.setattr(batcher, "MAX_BUFFER_CHARS", 100)
        examples = [make_example("x" * length) for length in lengths]
        buffers = list(example_buffers(iter(examples), size))
        assert [len(buffer) for buffer in buffers] == expected
        assert [example for buffer in buffers for example in buffer] == examples

    def test_no_more_is_read_than_is_needed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(batcher, "FIRST_BUFFER", 4)
        taken: list[int] = []

        def read() -> Iterator[Example]:
            for number in range(100):
                taken.append(number)
                yield make_example("Bob")

        buffers = example_buffers(read())
        next(buffers)
        assert len(taken) == 4
        next(buffers)
        assert len(taken) == 12


class TestPasses:
    def test_type_texts_go_with_their_types(self, cross_matcher: SpanMatcher) -> None:
        """... into their run, whatever the training wrote for each."""
        names = [f"kind {number}" for number in range(40)]  # more than there may be in a pass
        [[window]] = cross_matcher.batcher.windows([make_example("a b", (), as_entity_types(names))])
        runs = cross_matcher.batcher.passes([replace(window, type_texts=tuple(map(str.upper, names)))])
        assert len(runs) > 1
        assert [(item.name.upper(), text) for run in runs for item, text in zip(run.types, run.type_texts, strict=True)] == [
            (name.upper(), name.upper()) for name in names
        ]
        assert all((run.tokenized, run.start_unit, run.end_unit) == (window.tokenized, 0, 2) for run in runs)


class TestWindows:
    def test_gold_in_no_window_is_counted(self, bi_matcher: SpanMatcher) -> None:
        """Four words of twenty subwords are more than a window has; one of them is not, and its gold stays."""
        text = " ".join("q" * 20 for _ in range(10))
        lost = Unrepresentable()
        [windows] = bi_matcher.batcher.windows([make_example(text, [(0, 4 * 21 - 1, "x"), (0, 20, "x")])], lost)
        room = bi_matcher.batcher.text_tokenizer.max_tokens
        assert len(windows) > 2 and len(windows[0].tokenized.token_ids) > room
        assert (lost.num_gold, lost.in_no_window, lost.num_lost) == (2, 1, 1)
        assert windows[0].tokenized.gold == ((0, 0, "x"),)
        assert str(lost).endswith("0 too wide, 1 in no window)")
        assert bi_matcher.unrepresentable([windows[0].tokenized.example]).num_lost == 1

    @pytest.mark.parametrize("size", [1000, 5000])
    def test_the_grid_of_a_long_run_is_no_larger_than_that_of_words(self, size: int, bi_matcher: SpanMatcher) -> None:
        """A run of emoji is one unknown subword of thousands of units."""
        batcher = bi_matcher.batcher
        views = batcher.passes([view for own in batcher.windows([make_example("Ada " + "🎉" * size)]) for view in own])
        room = batcher.text_tokenizer.max_tokens
        assert max(view.end_unit - view.start_unit for view in views) <= room and len(views) < 2 * size / room
        batches = batcher.text_batches(views, batch_size=None, max_tokens=4096)
        assert all(len(batch) * max(view.end_unit - view.start_unit for view in batch) <= 4096 for batch in batches)

    def test_no_candidate_crosses_a_hard_break(self, bi_matcher: SpanMatcher) -> None:
        lost = Unrepresentable()
        text = "Name Ada Bob\nCity New York"
        gold = [(5, 12, "x"), (9, 17, "x")]

        def crossing(line_breaks: str | None) -> int:
            [[view]] = bi_matcher.batcher.windows([make_example(text, gold)], lost, line_breaks=line_breaks)
            cells = collate_texts([view], bi_matcher.batcher).candidates[0]
            assert cells[:, 0].sum() == 6
            return int(sum(cells[first, width] for first in range(3) for width in range(cells.shape[1]) if first + width > 2))

        assert crossing(None) == crossing("auto") == crossing("never") == 0 and lost.across_lines == 3
        assert crossing("cross") > 0 and lost.across_lines == 3

    def test_long_texts_have_hard_breaks_in_every_window(self, bi_matcher: SpanMatcher) -> None:
        text = "\n".join("Ada Bob" for _ in range(80))
        [views] = bi_matcher.batcher.windows([make_example(text)])
        assert len(views) > 1
        batch = collate_texts(views, bi_matcher.batcher)
        found = [
            (view.start_unit + unit, width)
            for row, view in enumerate(views)
            for unit, width in batch.candidates[row].nonzero().tolist()
        ]
        assert sorted(found) == sorted([*((unit, 0) for unit in range(160)), *((unit, 1) for unit in range(0, 160, 2))])
