"""The encoder of types: each is encoded once, kept while the weights stay the same, and no longer."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import EVERYTHING, TEXTS, TYPES, Key, assert_same, make_example, make_matcher, scores_of
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.batching.collate import TypeBatch
from spanmatch.entities import EntityType, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.type_embeddings import TypeEmbeddings
from spanmatch.prediction.type_encoder import TypeCache

TEXT = TEXTS["plain"]


def everything(matcher: SpanMatcher, types: Any = TYPES) -> list[dict[Key, float]]:
    """The score of every candidate and type."""
    found = matcher.predict(list(TEXTS.values()), types, threshold=EVERYTHING, overlap="multi-label")
    return [scores_of(entities) for entities in found]


@pytest.fixture
def counted(tiny_matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> tuple[SpanMatcher, list[int]]:
    """A matcher, and how many types each pass of its encoder of types had."""
    passes: list[int] = []
    encode = tiny_matcher.model.type_embeddings

    def counting(batch: TypeBatch) -> torch.Tensor:
        passes.append(len(batch.input_ids))
        return encode(batch)

    monkeypatch.setattr(tiny_matcher.model, "type_embeddings", counting)
    return tiny_matcher, passes


class TestCache:
    def rows(self, texts: Sequence[str]) -> list[float]:
        """Embeddings that say whose they are."""
        return [float(ord(text)) for text in texts]

    def ask(self, cache: TypeCache, texts: str) -> list[str]:
        """Ask for texts, computing what is missing; returns that."""
        missing = cache.missing(texts)
        cache.put(missing, self.rows(missing))
        assert cache.get(texts) == self.rows(texts)
        return missing

    def test_the_longest_unused_goes_first(self) -> None:
        cache = TypeCache(3)
        assert self.ask(cache, "abc") == ["a", "b", "c"]
        assert self.ask(cache, "a") == []  # b is the longest unused now
        assert self.ask(cache, "d") == ["d"]
        assert cache.missing("abcd") == ["b"] and len(cache) == 3
        assert self.ask(cache, "be") == ["b", "e"]
        assert cache.missing("abcde") == ["a", "c"]

    def test_more_than_it_holds(self) -> None:
        """... are all given, and the last are kept."""
        cache = TypeCache(2)
        assert self.ask(cache, "abcde") == list("abcde")
        assert len(cache) == 2 and cache.missing("abcde") == ["a", "b", "c"]
        assert self.ask(cache, "dae") == ["a"]
        assert cache.missing("dae") == ["d"]

    def test_duplicates(self) -> None:
        cache = TypeCache(3)
        assert self.ask(cache, "abab") == ["a", "b"]
        assert self.ask(cache, "cbcbcbcbc") == ["c"]
        assert len(cache) == 3
        assert self.ask(cache, "dddd") == ["d"]
        assert cache.missing("abcd") == ["a"]

    @given(st.integers(1, 5), st.lists(st.text("abcdefgh", min_size=1, max_size=8), max_size=12))
    def test_any_questions(self, size: int, questions: list[str]) -> None:
        """Never more than it holds, and always the last that were asked for in a question without repetitions."""
        cache = TypeCache(size)
        for texts in questions:
            self.ask(cache, texts)
            assert len(cache) <= size
            distinct = list(dict.fromkeys(texts))
            if len(distinct) == len(texts):
                assert not cache.missing(texts[-size:])

    def test_other_weights(self) -> None:
        cache = TypeCache(3)
        self.ask(cache.at("one"), "ab")
        assert len(cache.at("one")) == 2
        assert len(cache.at("two")) == 0
        assert self.ask(cache.at("two"), "ab") == ["a", "b"]


class TestOnlyWhatIsMissing:
    def test_of_predictions(self, counted: tuple[SpanMatcher, list[int]]) -> None:
        matcher, passes = counted
        first = matcher.predict(TEXT, TYPES)
        assert sum(passes) == 3
        assert matcher.predict(TEXT, TYPES) == first and sum(passes) == 3
        matcher.predict([TEXT, TEXT], [["company", "person"], ["animal", "company"]])
        assert sum(passes) == 5
        # The same text, whatever its label; another description is another text.
        matcher.predict([TEXT, TEXT], [[EntityType(name="person", label="PER")], [EntityType(name="person", label="HUM")]])
        assert sum(passes) == 5
        matcher.predict(TEXT, {"person": "a human being"})
        assert sum(passes) == 6

    def test_equal_texts_once(self, counted: tuple[SpanMatcher, list[int]]) -> None:
        """A name with a colon and a name with a description may be one text."""
        matcher, passes = counted
        described = EntityType(name="person", description="a human being")
        twice = [EntityType(name="person: a human being"), described, EntityType(name="city")]
        kept = matcher.encode_types(twice)
        assert sum(passes) == 2
        assert torch.equal(kept.embeddings[0], kept.embeddings[1])
        assert not torch.equal(kept.embeddings[0], kept.embeddings[2])
        assert matcher.predict(TEXT, kept) and sum(passes) == 2
        matcher.predict(TEXT, twice)  # their very types: the embeddings serve again
        assert sum(passes) == 2

    def test_encoded_types_are_not_encoded_again(self, counted: tuple[SpanMatcher, list[int]], tmp_path: Path) -> None:
        matcher, passes = counted
        matcher.encode_types(TYPES).save(tmp_path / "types")
        kept = TypeEmbeddings.load(tmp_path / "types")
        del passes[:]
        matcher.predict(list(TEXTS.values()) * 9, kept)
        assert not passes

    def test_a_corpus_asks_once(self, counted: tuple[SpanMatcher, list[int]], monkeypatch: pytest.MonkeyPatch) -> None:
        """However many buffers it is read in, also where types are more than are kept."""
        matcher, passes = counted
        monkeypatch.setattr("spanmatch.batching.batcher.FIRST_BUFFER", 2)
        monkeypatch.setattr(matcher._types._cache, "max_types", 1)
        types = as_entity_types(TYPES)
        assert len(list(matcher.stream(make_example(TEXT, (), types) for _ in range(30)))) == 30
        assert sum(passes) == 3 and len(matcher._types._cache) == 1

    def test_in_several_blocks(self, matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> None:
        """More types than are tokenised together keep their order."""
        names = [letter + " or" * (number % 5) for number, letter in enumerate("abcdefghijklmnopqrstuvw")]
        whole = matcher.encode_types(names).embeddings
        monkeypatch.setattr("spanmatch.prediction.type_encoder.SORTED_TOGETHER", 4)
        torch.testing.assert_close(matcher.encode_types(names).embeddings, whole, rtol=0, atol=1e-5)
        assert (whole[:, None] - whole).abs().amax(2).fill_diagonal_(1).min() > 1e-3, "or a wrong order would not show"

    def test_with_progress(self, matcher: SpanMatcher, capsys: pytest.CaptureFixture[str]) -> None:
        matcher.encode_types(TYPES, progress=True)
        assert "encoding types: 100%" in capsys.readouterr().err
        matcher.encode_types(TYPES)
        assert not capsys.readouterr().err


def step(make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]) -> Callable[[SpanMatcher], None]:
    """A step of an optimizer over all weights."""

    def change(matcher: SpanMatcher) -> None:
        weights = list(matcher.model.parameters())
        optimizer, generator = make(weights), torch.Generator().manual_seed(0)
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimizer.step()
        optimizer.zero_grad()

    return change


def load(assign: bool) -> Callable[[SpanMatcher], None]:
    """Other weights from a state."""

    def change(matcher: SpanMatcher) -> None:
        state = {name: weight + 0.1 * torch.randn_like(weight) for name, weight in matcher.model.state_dict().items()}
        matcher.model.load_state_dict(state, assign=assign)

    return change


def replace_a_layer(matcher: SpanMatcher) -> None:
    head = matcher.model.head
    head.type_proj = torch.nn.Linear(head.type_proj.in_features, head.type_proj.out_features)


def to_bfloat16(matcher: SpanMatcher) -> None:
    matcher.model.to(torch.bfloat16)


def of_encoder(change: Callable[[list[torch.nn.Parameter]], None]) -> Callable[[SpanMatcher], None]:
    """A change of the encoder alone: the head is frozen."""

    def changed(matcher: SpanMatcher) -> None:
        weights = list(matcher.model.text_encoder.parameters())
        for weight in weights:
            weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel()))
        change(weights)

    return changed


def step_of(make: Callable[..., torch.optim.Optimizer], **options: Any) -> Callable[[SpanMatcher], None]:
    return of_encoder(lambda weights: make(weights, lr=0.05, **options).step())


def through_data(weights: list[torch.nn.Parameter]) -> None:
    """As a moving average of weights is often written: PyTorch does not count it."""
    for weight in weights:
        weight.data.mul_(0.5).add_(weight.grad, alpha=0.5)


def without_counting(weights: list[torch.nn.Parameter]) -> None:
    for weight in weights:
        weight.detach().numpy()[...] += 0.1


def at_the_same_address(weights: list[torch.nn.Parameter]) -> None:
    """New weights that get the memory of the old ones."""
    for weight in weights:
        memory = weight.data
        memory.copy_(memory * 0.5)
        weight.data = memory


CHANGES: dict[str, Callable[[SpanMatcher], None]] = {
    "AdamW, fused": step(lambda weights: torch.optim.AdamW(weights, lr=0.05, fused=True)),
    "AdamW, foreach": step(lambda weights: torch.optim.AdamW(weights, lr=0.05, foreach=True)),
    "AdamW, plain": step(lambda weights: torch.optim.AdamW(weights, lr=0.05, foreach=False, fused=False)),
    "SGD": step(lambda weights: torch.optim.SGD(weights, lr=0.05, momentum=0.9)),
    "SGD, fused": step(lambda weights: torch.optim.SGD(weights, lr=0.05, fused=True)),
    "state": load(False),
    "state, assigned": load(True),
    "another layer": replace_a_layer,
    "bfloat16": to_bfloat16,
    "the encoder, AdamW, fused": step_of(torch.optim.AdamW, fused=True),
    "the encoder, AdamW, foreach": step_of(torch.optim.AdamW, foreach=True),
    "the encoder, SGD, fused": step_of(torch.optim.SGD, fused=True),
    "the encoder, Adagrad, fused": step_of(torch.optim.Adagrad, fused=True),
    "the encoder, through data": of_encoder(through_data),
    "the encoder, through NumPy": of_encoder(without_counting),
    "the encoder, at the same address": of_encoder(at_the_same_address),
    "one layer of the encoder": of_encoder(lambda weights: torch.optim.AdamW(weights[-3:], lr=0.5, fused=True).step()),
}


class TestChangedWeights:
    """What was kept is forgotten when the weights change, in whatever way."""

    @pytest.mark.parametrize("change", CHANGES)
    def test_nothing_stale(self, change: str, tiny_matcher: SpanMatcher) -> None:
        torch.manual_seed(0)
        before = everything(tiny_matcher)
        assert everything(tiny_matcher) == before
        kept = tiny_matcher.encode_types(TYPES)
        CHANGES[change](tiny_matcher)
        after = everything(tiny_matcher)
        model = tiny_matcher.model
        new = SpanMatcher(model, tiny_matcher.text_tokenizer, tiny_matcher.type_tokenizer)
        assert_same(after, everything(new))
        if change != "bfloat16":  # the same weights, in other precision
            assert after != before
            with pytest.raises(InputError, match="those of another model"):
                tiny_matcher.predict(TEXT, kept)

    def test_nor_in_the_next_epoch(self, tiny_matcher: SpanMatcher) -> None:
        """A loop of training with the optimizer of our configurations, evaluated between its steps."""
        seen = [everything(tiny_matcher)]
        for _ in range(3):
            tiny_matcher.model.train()
            CHANGES["AdamW, fused"](tiny_matcher)
            tiny_matcher.model.eval()
            seen.append(everything(tiny_matcher))
            new = SpanMatcher(tiny_matcher.model, tiny_matcher.text_tokenizer, tiny_matcher.type_tokenizer)
            assert_same(seen[-1], everything(new))
            assert seen[-1] != seen[-2]

    def test_another_model(self, tiny_matcher: SpanMatcher, tiny_encoder: Path) -> None:
        everything(tiny_matcher)
        other = make_matcher(tiny_encoder, type_encoder="separate")
        load(False)(other)
        tiny_matcher.model = other.model
        assert_same(everything(tiny_matcher), everything(other))

    def test_what_stays_is_kept(self, counted: tuple[SpanMatcher, list[int]]) -> None:
        """Weights that types do not depend on, gradients, and a change of mode are no reason to encode again."""
        matcher, passes = counted
        matcher.predict(TEXT, TYPES)
        with torch.no_grad():
            matcher.model.head.start_proj.weight.mul_(2)
        for weight in matcher.model.parameters():
            weight.grad = torch.ones_like(weight)
        matcher.model.train()
        matcher.predict(TEXT, TYPES)
        assert sum(passes) == 3
