"""What the tests of the core share: tiny encoders of three tokenizer families, a matcher around one, a stub without context."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn
from transformers import (
    BertConfig,
    BertModel,
    BertTokenizer,
    PreTrainedTokenizerBase,
    RobertaConfig,
    RobertaModel,
    RobertaTokenizer,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)

from spanmatch.batching.batcher import text_arrays, text_windows
from spanmatch.batching.candidates import Units, tokenize_texts
from spanmatch.batching.collate import TextBatch, TypeBatch
from spanmatch.batching.collate import collate_types as collate_sequences
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.batching.views import View
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Inventory, Mention
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.build import build_matcher

# Every tokenizer is trained on these; the letters of what the tests write are all in it, some words are not.
CORPUS = [
    "Ada Lovelace met Charles Babbage in London, and they wrote to Michael Faraday.",
    "Zoë Müller moved from São Paulo to Montréal; her café is in the rue de l'Église.",
    "The quick brown fox jumps over 1234567890 lazy dogs - isn't that great (or not)?",
    "see https://example.org/a_b?c=d&e=f or write to zoe@example.org [now] / later <soon>",
    "a person, a city, a company: the name of a place where people live",
    "马云在杭州创办了阿里巴巴集团。北京和东京都很大。",
    "สมชายทำงานที่กรุงเทพมหานครกับการบินไทย",
    "ソニーの東京オフィスで働いています。",
    "We 👍🏽 the 🚀 from 🇫🇷 and 👩‍💻 said hello 😀 to Bob.",
    "New York and Cape Town are cities; Acme Corp and Globex are companies.",
]
# One text each for what goes wrong with offsets.
TEXTS = {
    "plain": "Ada Lovelace moved to New York.",
    "accents": "Zoë Müller's café in Montréal",
    "accents apart": "Zoe\u0308 in Montre\u0301al",
    "Chinese": "马云在杭州创办了阿里巴巴集团。",
    "Thai": "สมชายทำงานที่กรุงเทพมหานคร",
    "emoji": "We 👍🏽 the 🚀 from 🇫🇷 👩‍💻!",
    "rare": "𠮷野家 and 🜁 ẞ ﬁn ½ İ",
    "spaces": "  Ada \t Lovelace\n\nmet\u00a0Bob  ",
    "control": "Ada\u200b Love\u00adlace \x07 Bob",
    "markers": "the [SEP] of </s> and [CLS] <s> <pad> [MASK] <mask> end",
    "URL": "see https://example.org/a_b?c=d now",
}
TYPES = ["person", "city", "the name of a place where people live"]
# A logit of -34 passes: every candidate and type.
EVERYTHING = 1e-15
FAMILIES = ("WordPiece", "BPE", "Unigram")
Key = tuple[int, int, str]
MAX_POSITION = 64
HIDDEN = 32


def _pieces(size: int, pre_tokenizer: pre_tokenizers.PreTokenizer, normalizer: normalizers.Normalizer | None = None) -> list[str]:
    """Pieces of the corpus, the same in every run. The trainers of WordPiece and Unigram give others in each process."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizer
    if normalizer is not None:
        trained.normalizer = normalizer
    trained.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=size, show_progress=False))
    return sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)


def _wordpiece() -> PreTrainedTokenizerBase:
    pieces = _pieces(500, pre_tokenizers.BertPreTokenizer(), normalizers.BertNormalizer())
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *(f"##{piece}" for piece in pieces)]
    return BertTokenizer(vocab={piece: place for place, piece in enumerate(vocabulary)}, model_max_length=MAX_POSITION)


def _bpe() -> PreTrainedTokenizerBase:
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    trainer = trainers.BpeTrainer(
        vocab_size=500,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(CORPUS, trainer)
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    return RobertaTokenizer(vocab=trained.get_vocab(), merges=merges, add_prefix_space=True, model_max_length=MAX_POSITION)


def _unigram() -> PreTrainedTokenizerBase:
    special = [(name, 0.0) for name in ("<s>", "<pad>", "</s>", "<unk>")]
    pieces = [(piece, -8 - place / 100) for place, piece in enumerate(_pieces(240, pre_tokenizers.Metaspace()))]
    return XLMRobertaTokenizer(vocab=[*special, *pieces], model_max_length=MAX_POSITION)


def write_family(folder: Path, family: str) -> Path:
    """An encoder of two small layers with random weights and a tokenizer of the family, as `load_pretrained` reads it."""
    tokenizer = {"WordPiece": _wordpiece, "BPE": _bpe, "Unigram": _unigram}[family]()
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": len(tokenizer),
        "hidden_size": HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 2 * HIDDEN,
        "pad_token_id": tokenizer.pad_token_id,
    }
    # The positions of the RoBERTa family start behind the padding index.
    later = MAX_POSITION + int(tokenizer.pad_token_id or 0) + 1
    if family == "WordPiece":
        BertModel(BertConfig(**shape, max_position_embeddings=MAX_POSITION), add_pooling_layer=False).save_pretrained(folder)
    elif family == "BPE":
        RobertaModel(RobertaConfig(**shape, max_position_embeddings=later), add_pooling_layer=False).save_pretrained(folder)
    else:
        XLMRobertaModel(XLMRobertaConfig(**shape, max_position_embeddings=later), add_pooling_layer=False).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_matcher(encoder: Path, architecture: str = "bi", **arguments: Any) -> SpanMatcher:
    """A matcher around an encoder. Its head is random, and so loud that scores lie on both sides of one half. States are
    as the encoder gives them.

    A new head starts with spans and types in one space, where all that an untrained encoder gives is much alike: all scores
    would be high.
    """
    training = MatcherTrainingArguments(output_dir="unused", bf16=False, use_cpu=True, report_to="none")
    torch.manual_seed(1)
    given: dict[str, Any] = {"text_encoder": str(encoder), "head_size": 16, "max_span_width": 4}
    matcher = build_matcher(MatcherArguments(**(given | arguments)), architecture, training)
    model = matcher.model
    model.matcher_config = replace(model.matcher_config, text_state_scale=1.0, type_state_scale=1.0)
    matcher = SpanMatcher(model, matcher.text_tokenizer, matcher.type_tokenizer)
    head = matcher.model.head
    torch.manual_seed(2)
    for projection in (head.start_proj, head.end_proj, head.type_proj):
        projection.reset_parameters()
    with torch.no_grad():
        if head.bias is not None:
            head.bias.zero_()
        head.scale.fill_(10.0)
    matcher.model.eval()
    return matcher


class StubEncoder(nn.Module):
    """An encoder without context: a token's state is its embedding, wherever it stands.

    Embeddings and weights of the head are small integers, and the slope of a span below zero is one half: every sum is
    exact, and two ways to the same score must give the same bits.
    """

    def __init__(self, vocab_size: int, hidden_size: int = 8) -> None:
        super().__init__()
        self.config = SimpleNamespace(hidden_size=hidden_size)
        generator = torch.Generator().manual_seed(0)
        self.embedding = torch.randint(-9, 10, (vocab_size, hidden_size), generator=generator).float() * 16

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None) -> SimpleNamespace:
        assert attention_mask is None or input_ids.shape == attention_mask.shape
        return SimpleNamespace(last_hidden_state=self.embedding[input_ids])


def make_example(text: str, mentions: Sequence[tuple[int, int, str]] = (), types: Sequence[EntityType] = ()) -> Example:
    """An example of a text, its gold in characters."""
    gold = tuple(Mention(start=start, end=end, label=label) for start, end, label in mentions)
    return Example(where="test:1", text=text, words=split_words(text), mentions=gold, types=Inventory(types))


def views_per_text(
    examples: Sequence[Example], tokenizer: SequenceTokenizer, *, candidates: str = "words", max_span_width: int
) -> list[list[View]]:
    """The windows of each text, without a model."""
    texts = tokenize_texts(examples, tokenizer, candidates=candidates, max_span_width=max_span_width)
    return [text_windows(text, max_tokens=tokenizer.max_tokens, max_span_width=max_span_width) for text in texts]


def collate_alone(
    views: Sequence[View], tokenizer: SequenceTokenizer, max_span_width: int, types_after: SequenceTokenizer | None = None
) -> TextBatch:
    """Views as tensors, without a model."""
    arrays = text_arrays(views, tokenizer, max_span_width, types_after)
    return TextBatch(**{name: torch.from_numpy(array) for name, array in arrays.items()})


def collate_types(texts: Sequence[str], tokenizer: SequenceTokenizer) -> TypeBatch:
    """Type texts as tensors."""
    return collate_sequences(tokenizer.tokenize_types(texts), tokenizer)


def token_ids(texts: Sequence[str], tokenizer: SequenceTokenizer) -> list[list[int]]:
    """The token ids of texts, without special tokens."""
    return tokenizer.encode(texts)[0]


def gold_of(text: str, names: Mapping[str, str], types: Sequence[EntityType] = ()) -> Example:
    """An example whose gold is the first place of each name, by its label."""
    return make_example(text, [(text.index(name), text.index(name) + len(name), label) for name, label in names.items()], types)


def units_of(lengths: Sequence[int]) -> Units:
    """Units that have this many subwords each, one character per subword, one space between units."""
    sizes = np.asarray(lengths, dtype=np.int64)
    first = np.cumsum(sizes) - sizes
    start = first + np.arange(len(sizes))
    return Units(first_token=first, last_token=first + sizes - 1, start_char=start, end_char=start + sizes)


def scores_of(entities: Sequence[Entity]) -> dict[Key, float]:
    """The score of each span and label; none is there twice."""
    found = {(entity.start, entity.end, entity.label): entity.score for entity in entities}
    assert len(found) == len(entities)
    return found


def assert_same(left: Sequence[dict[Key, float]], right: Sequence[dict[Key, float]]) -> None:
    """The same entities, their scores within 1e-5."""
    assert len(left) == len(right)
    for one, other in zip(left, right, strict=True):
        assert one.keys() == other.keys()
        assert list(one.values()) == pytest.approx([other[key] for key in one], rel=0, abs=1e-5)


def word_spans(text: str, width: int) -> set[tuple[int, int]]:
    """All runs of at most `width` words."""
    words = split_words(text)
    runs = [(first, last) for first in range(len(words)) for last in range(first, min(first + width, len(words)))]
    return {(words[first][0], words[last][1]) for first, last in runs}


def excess_by_hand(types_CD: torch.Tensor, background_MD: torch.Tensor, place: int, others: Iterable[int]) -> float:
    """What a type has more than its rivals: one at a time, in plain numbers."""
    scores = (types_CD[:, :-2] @ background_MD[:, :-2].T).tolist()
    number = max(1, round(0.02 * len(background_MD)))
    tops = [sorted(range(len(row)), key=row.__getitem__, reverse=True)[:number] for row in scores]
    affinities = [sum(row[mention] for mention in top) / number for row, top in zip(scores, tops, strict=True)]

    def share(low: int, high: int) -> float:
        """How many of the mentions that speak for one speak more for the other."""
        return sum(scores[high][mention] > scores[low][mention] for mention in tops[low]) / number

    total = weighted = 0.0
    for other in others:
        if other != place:
            cosine = torch.nn.functional.cosine_similarity(types_CD[place, :-2], types_CD[other, :-2], dim=0)
            weight = math.exp((float(cosine) - 1) / 0.15) * max(share(place, other), share(other, place)) ** 2
            total, weighted = total + weight, weighted + weight * affinities[other]
    return (total * affinities[place] - weighted) / (total + 0.05)
