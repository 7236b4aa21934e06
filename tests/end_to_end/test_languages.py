"""Scripts with and without spaces: every gold span that has a candidate comes back, by its offsets and by its subwords."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest
from candidates import byte_level, character_level
from helpers_e2e import ROOT
from transformers import AutoTokenizer

from spanmatch.batching.candidates import CANDIDATES, TokenizedText, Unrepresentable, tokenize_texts
from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import Mention
from spanmatch.model.pretrained import DEFAULT_ENCODER, resolve_encoder

DATASETS = Path(os.environ.get("SPANMATCH_DATASETS") or ROOT.parent / "shared" / "datasets")
ANY_WIDTH = 1 << 20

# A sentence, and the names in it, in order.
SENTENCES = {
    "Chinese": ("马云在杭州创办了阿里巴巴集团。", ["马云", "杭州", "阿里巴巴集团"]),
    "Chinese, rare characters": ("𠮷野家在東京開業。", ["𠮷野家", "東京"]),
    "Thai": ("สมชายทำงานที่กรุงเทพมหานครกับการบินไทย", ["สมชาย", "กรุงเทพมหานคร", "การบินไทย"]),
    "Thai, sara am": ("ไปน้ำตกสาริกากับอำนวย", ["น้ำตกสาริกา", "อำนวย"]),
    "Japanese": ("山田太郎さんはソニーの東京オフィスで働いています。", ["山田太郎", "ソニー", "東京"]),
    "Japanese, voiced marks apart": ("カ\u3099ス会社はテ\u3099ンソーです", ["カ\u3099ス", "テ\u3099ンソー"]),
    "Hindi": ("नरेंद्र मोदी ने नई दिल्ली में गूगल के दफ़्तर का दौरा किया।", ["नरेंद्र मोदी", "नई दिल्ली", "गूगल"]),
    "Arabic": ("وُلِدَ نجيب محفوظ في القاهرة عام ١٩١١.", ["نجيب محفوظ", "القاهرة", "١٩١١"]),
    "emoji": ("👩‍💻 Zoë flew 🇫🇷→🇯🇵 with Air France ✈ 👍🏽!", ["👩‍💻", "Zoë", "🇫🇷", "🇯🇵", "Air France", "👍🏽"]),
    "Vietnamese, accents apart": ("Nguye\u0302\u0303n ở Hà Nội.", ["Nguye\u0302\u0303n", "Hà Nội"]),
}


def example_of(name: str) -> Example:
    """One of the sentences, with its names as gold."""
    text, names = SENTENCES[name]
    mentions, cursor = [], 0
    for gold in names:
        start = text.index(gold, cursor)
        cursor = start + len(gold)
        mentions.append(Mention(start=start, end=cursor, label="name"))
    return Example(where=name, text=text, words=split_words(text), mentions=tuple(mentions))


def tokenizer_of(kind: str, examples: Sequence[Example]) -> SequenceTokenizer:
    """A tokenizer by its kind; those of bytes and characters lose nothing."""
    if kind == "WordPiece":
        return SequenceTokenizer.of(AutoTokenizer.from_pretrained(resolve_encoder(DEFAULT_ENCODER)), ANY_WIDTH)
    made = byte_level() if kind == "bytes" else character_level([example.text for example in examples])
    return SequenceTokenizer.of(made, ANY_WIDTH)


def take_back(text: TokenizedText, tokenizer: SequenceTokenizer, *, decodes: bool) -> list[tuple[int, int, str]]:
    """The spans that the gold candidates of a text stand for; where asked, their subwords must decode to just them."""
    found, units = [], text.units
    for first, width, label in text.gold:
        start, end = int(units.start_char[first]), int(units.end_char[first + width])
        if decodes:
            ids = text.token_ids[units.first_token[first] : units.last_token[first + width] + 1]
            decoded = tokenizer.backend.decode(list(ids), skip_special_tokens=False)
            # The tokenizer reads neither byte order marks nor zero-width spaces.
            assert decoded.strip() == text.example.text[start:end].replace("\ufeff", "").replace("\u200b", "")
        found.append((start, end, label))
    return found


@pytest.mark.parametrize("kind", ["WordPiece", "bytes", "characters"])
@pytest.mark.parametrize("candidates", CANDIDATES)
@pytest.mark.parametrize("name", SENTENCES)
def test_spans_come_back(name: str, candidates: str, kind: str) -> None:
    example = example_of(name)
    tokenizer, lost = tokenizer_of(kind, [example]), Unrepresentable()
    [text] = tokenize_texts([example], tokenizer, candidates=candidates, max_span_width=ANY_WIDTH, lost=lost)
    found = take_back(text, tokenizer, decodes=kind != "WordPiece")
    gold = [(mention.start, mention.end, "name") for mention in example.mentions]
    assert set(found) <= set(gold)
    assert len(found) + lost.num_lost == len(gold)
    # Thai words are one [UNK] to an English WordPiece, as are emoji in a row: no boundary of a subword is within them.
    if candidates == "words" or kind != "WordPiece":
        assert found == gold


def test_the_check_sees_subwords_that_are_not_the_span() -> None:
    example = example_of("Thai")
    tokenizer = tokenizer_of("bytes", [example])
    [text] = tokenize_texts([example], tokenizer, candidates="words", max_span_width=ANY_WIDTH)
    text.units.last_token[:] -= 1
    with pytest.raises(AssertionError):
        take_back(text, tokenizer, decodes=True)


@pytest.mark.parametrize("format", ["text", "tokens"])
@pytest.mark.parametrize("kind", ["bytes", "characters"])
@pytest.mark.parametrize("name", ["uner_zh_gsd", "thai_ner"])
def test_spans_of_a_corpus_come_back(name: str, kind: str, format: str) -> None:
    file = DATASETS / name / "test.jsonl"
    if not file.is_file():
        pytest.skip(f"{file} is not there; SPANMATCH_DATASETS names the folder that has it")
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    examples = read_corpus(str(file), format=format).examples
    # Some gold of the Thai corpus has a byte order mark at an end, which is not read.
    gold = [{(mention.start, mention.end, mention.label) for mention in example.mentions} for example in examples]
    written = [{(span["start"], span["end"], span["label"]) for span in row["char_spans"]} for row in rows]
    assert list(map(len, gold)) == list(map(len, written))
    assert sum(len(own - spans) for own, spans in zip(gold, written, strict=True)) < 0.03 * sum(map(len, gold))
    tokenizer = tokenizer_of(kind, examples)
    for candidates in CANDIDATES:
        lost = Unrepresentable()
        texts = tokenize_texts(examples, tokenizer, candidates=candidates, max_span_width=ANY_WIDTH, lost=lost)
        found = [take_back(text, tokenizer, decodes=True) for text in texts]
        assert all(set(spans) <= own for spans, own in zip(found, gold, strict=True))
        assert sum(map(len, found)) + lost.num_lost == sum(map(len, gold)) > 500
        # Nothing is lost to subwords of one character, nor in the words of the file, but for tokens that end with a byte
        # order mark: no subword has it.
        at_most = {("words", "text"): 2, ("subwords", "tokens"): 3}
        assert lost.num_lost <= at_most.get((candidates, format), 0)
