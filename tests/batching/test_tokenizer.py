"""The tokenizer of sequences: special tokens, padding, types that are too long, and token ids that are kept."""

import copy
import logging
import os
import pickle
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from helpers import TEXTS, TYPES, collate_types, make_matcher, token_ids
from helpers_e2e import end_in_time, offline_environment
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.model.encoders import PretrainedEncoder
from spanmatch.prediction.matcher import SpanMatcher


@pytest.fixture(scope="session")
def tokenizer(family_encoder: PretrainedEncoder) -> SequenceTokenizer:
    return SequenceTokenizer.of(family_encoder.tokenizer, 64)


@pytest.fixture(scope="module")
def bi_matcher(tiny_encoder: Path) -> SpanMatcher:
    """A bi-encoder. Not to be changed."""
    return make_matcher(tiny_encoder)


class TestSequenceTokenizer:
    def test_special_tokens_are_learnt(self, family: str, tokenizer: SequenceTokenizer) -> None:
        begin, end, pad = {"WordPiece": ("[CLS]", "[SEP]", "[PAD]")}.get(family, ("<s>", "</s>", "<pad>"))
        ids = [tokenizer.backend.token_to_id(token) for token in (begin, end, pad)]
        assert (tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id) == ((ids[0],), (ids[1],), ids[2])
        assert tokenizer.max_tokens == 62

    def test_markers_are_text_to_a_copy(self, tokenizer: SequenceTokenizer) -> None:
        """... as in a process that a matcher is sent to."""
        expected = tokenizer.encode(list(TEXTS.values()))
        for other in (copy.deepcopy(tokenizer), pickle.loads(pickle.dumps(tokenizer))):
            assert other.encode(list(TEXTS.values())) == expected

    @pytest.mark.parametrize("text", ["Ada met Bob.", "Zoë", "马云", "a" * 90])
    def test_ids_are_those_of_the_library(
        self, text: str, tokenizer: SequenceTokenizer, family_encoder: PretrainedEncoder
    ) -> None:
        """... with its special tokens around them: put together by us, as the encoder has learnt them."""
        [ids] = token_ids([text], tokenizer)
        padded, mask = tokenizer.pad([np.asarray(ids)])
        assert padded[0].tolist() == family_encoder.tokenizer(text, verbose=False)["input_ids"]
        assert mask.all()

    def test_no_room(self, family_encoder: PretrainedEncoder) -> None:
        with pytest.raises(ValueError, match="max_length 2 leaves no room for text; use at least 3"):
            SequenceTokenizer.of(family_encoder.tokenizer, 2)
        assert SequenceTokenizer.of(family_encoder.tokenizer, 3).max_tokens == 1

    def test_padding(self, tokenizer: SequenceTokenizer) -> None:
        ids, mask = tokenizer.pad([np.array([7, 8, 9]), np.array([], dtype=np.int64), np.array([7])])
        [begin], [end], pad = tokenizer.prefix, tokenizer.suffix, tokenizer.pad_id
        assert ids.tolist() == [[begin, 7, 8, 9, end], [begin, end, pad, pad, pad], [begin, 7, end, pad, pad]]
        assert mask.tolist() == [[1] * 5, [1, 1, 0, 0, 0], [1, 1, 1, 0, 0]]


class TestProbe:
    @pytest.mark.parametrize(
        ("vocabulary", "normalizer"),
        [
            ({"[UNK]": 0}, None),
            ({"[UNK]": 0, "a": 1, "##a": 2}, normalizers.Replace("a", "aaa")),
            ({"[UNK]": 0, "1": 1}, normalizers.Replace("a", "")),
            ({"[UNK]": 0, "a": 1}, normalizers.Prepend("a")),
        ],
        ids=["nothing known", "several subwords", "letters dropped", "letters added"],
    )
    def test_whatever_becomes_of_a_letter(self, vocabulary: dict[str, int], normalizer: Any) -> None:
        library = _wordpiece(vocabulary, normalizer)
        tokenizer = SequenceTokenizer.of(library, 8)
        cls, sep = library.convert_tokens_to_ids(["<c>", "<s>"])
        assert (tokenizer.prefix, tokenizer.middle, tokenizer.suffix) == ((cls,), (sep, sep), (sep,))

    def test_nothing_known_at_all(self) -> None:
        library = _wordpiece({"[UNK]": 0}, normalizers.Replace(Regex("."), ""))
        with pytest.raises(ValueError, match="the tokenizer makes nothing of"):
            SequenceTokenizer.of(library, 8)


def _wordpiece(vocabulary: dict[str, int], normalizer: Any) -> PreTrainedTokenizerBase:
    """Words of a vocabulary, between special tokens as RoBERTa has them."""
    built = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    built.pre_tokenizer = pre_tokenizers.Whitespace()
    if normalizer is not None:
        built.normalizer = normalizer
    built.add_special_tokens(["<c>", "<s>"])
    ids = [(token, built.token_to_id(token)) for token in ("<c>", "<s>")]
    built.post_processor = processors.TemplateProcessing(
        single="<c> $A <s>", pair="<c> $A <s> <s> $B:1 <s>:1", special_tokens=ids
    )
    return PreTrainedTokenizerFast(tokenizer_object=built, unk_token="[UNK]", cls_token="<c>", sep_token="<s>")


class TestTypes:
    def test_types(self, tokenizer: SequenceTokenizer, family_encoder: PretrainedEncoder) -> None:
        batch = collate_types(["person", "a city where people live"], tokenizer)
        expected = family_encoder.tokenizer(["person", "a city where people live"], padding=True, return_tensors="pt")
        assert torch.equal(batch.input_ids, expected["input_ids"])
        assert torch.equal(batch.attention_mask, expected["attention_mask"])

    def test_too_long_is_cut_and_told(self, tokenizer: SequenceTokenizer, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            batch = collate_types(["a city", "a " * 63], tokenizer)
        assert batch.input_ids.shape == (2, 64)
        assert batch.input_ids[1, -1] == tokenizer.suffix[0]
        assert len(caplog.records) == 1 and "only 62 are read" in caplog.text

    def test_just_fitting_is_not_told(self, tokenizer: SequenceTokenizer, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            assert collate_types(["a " * 61 + "a"], tokenizer).input_ids.shape == (1, 64)
        assert not caplog.records


class TestKeptTokens:
    """`tokenize_types` is `encode`, of texts that are kept and of others."""

    @pytest.fixture
    def counted(self, bi_matcher: SpanMatcher, monkeypatch: pytest.MonkeyPatch) -> tuple[SequenceTokenizer, list[list[str]]]:
        """A tokenizer that keeps five texts and starts with none, and what it was asked to tokenise."""
        monkeypatch.setattr("spanmatch.batching.tokenizer.MAX_KEPT", 5)
        fresh = SequenceTokenizer.of(bi_matcher.type_tokenizer, 64)
        asked: list[list[str]] = []
        backend = fresh.backend

        def counting(texts: list[str], **options: Any) -> Any:
            asked.append(texts)
            return backend.encode_batch_fast(texts, **options)

        return replace(fresh, backend=SimpleNamespace(encode_batch_fast=counting)), asked

    def test_each_text_once(self, counted: tuple[SequenceTokenizer, list[list[str]]]) -> None:
        fresh, asked = counted
        for texts in (["a", "b", "a"], ["b", "c", "b"], ["c", "a"]):
            fresh.tokenize_types(texts)
        assert asked == [["a", "b"], ["c"]]

    def test_bounded(self, counted: tuple[SequenceTokenizer, list[list[str]]]) -> None:
        fresh, asked = counted
        fresh.tokenize_types("abcd")
        assert len(fresh._kept) == 4
        fresh.tokenize_types("bcxy")  # more than fit together: the old ones go
        assert set(fresh._kept) == {"x", "y"}
        fresh.tokenize_types("mnopqrst")  # more than fit at all
        assert len(fresh._kept) == 5
        assert asked == [list("abcd"), ["x", "y"], list("mnopqrst")]

    @given(st.lists(st.lists(st.sampled_from([*TEXTS.values(), *TYPES, ""]), max_size=9), max_size=6))
    def test_it_is_the_tokenizer(self, bi_matcher: SpanMatcher, asked: list[list[str]]) -> None:
        fresh = SequenceTokenizer.of(bi_matcher.type_tokenizer, 64)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("spanmatch.batching.tokenizer.MAX_KEPT", 5)
            for texts in asked:
                found = fresh.tokenize_types(texts)
                expected = token_ids(texts, fresh) if texts else []
                assert [ids.tolist() for ids in found] == [list(ids) for ids in expected]
                assert all(ids.dtype == np.int64 for ids in found)
                assert len(fresh._kept) <= 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot fork")
def test_a_fork_tokenises(tiny_encoder: Path) -> None:
    """... with one thread: those of its parent are not copied, and the library would wait for them for ever."""
    code = """
import os, sys
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.model.pretrained import read_tokenizer
tokenizer = SequenceTokenizer.of(read_tokenizer(sys.argv[1])[0], 64)
expected = tokenizer.encode(["Ada met Bob"] * 100)  # in several threads
child = os.fork()
if not child:
    os._exit(0 if tokenizer.encode(["Ada met Bob"] * 100) == expected else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    environment = offline_environment() | {"TOKENIZERS_PARALLELISM": "true"}
    assert end_in_time([sys.executable, "-c", code, str(tiny_encoder)], environment, 60).status == 0
