"""Words in windows: which subword has the label of a word, in each family of tokenizers."""

import pytest
from helpers_encoders import write_encoder
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from spanmatch.baselines.word_windows import IGNORED, surfaces, word_windows
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words


def example(text: str) -> Example:
    return Example(where="here", text=text, words=split_words(text), mentions=())


@pytest.fixture(scope="module", params=["BERT", "RoBERTa", "XLM-R", "DeBERTa-v3", "ModernBERT"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    """A tokenizer of each kind: WordPiece, byte-level BPE, SentencePiece unigrams."""
    folder = write_encoder(tmp_path_factory.mktemp("tokenizer") / request.param, request.param)
    return AutoTokenizer.from_pretrained(folder)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Ada Lovelace met Babbage.", ["Ada", " Lovelace", " met", " Babbage", "."]),
        ("(London)\nParis", ["(", "London", ")", "Paris"]),
    ],
)
def test_a_word_keeps_the_space_before_it(text: str, words: list[str]) -> None:
    found = surfaces(example(text))
    assert [word.strip() for word in found] == [word.strip() for word in words]
    assert [word.startswith(" ") for word in found] == [start > 0 and text[start - 1].isspace() for start, _ in split_words(text)]


@pytest.mark.parametrize("text", ["Ada Lovelace met Charles Babbage in London.", "«Zürich» (naïve) [SEP] 東京 don't"])
def test_each_word_has_its_first_subword(tokenizer: PreTrainedTokenizerBase, text: str) -> None:
    one = example(text)
    [window] = word_windows([one], tokenizer, 64)
    whole = tokenizer([surfaces(one)], is_split_into_words=True, add_special_tokens=False, split_special_tokens=True)
    assert window.ids == whole["input_ids"][0]
    words = whole.word_ids(0)
    assert window.words == list(dict.fromkeys(words))
    assert window.firsts == [words.index(word) for word in window.words]
    labels = window.labels(list(range(100, 100 + len(one.words))))
    assert [label for label in labels if label != IGNORED] == [100 + word for word in window.words]
    assert all(label == IGNORED or words[place] == label - 100 for place, label in enumerate(labels))
    assert not set(window.ids) & (set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}), "[SEP] stays text"


def test_every_word_is_decided_once_with_context(tokenizer: PreTrainedTokenizerBase) -> None:
    text = " ".join(["Ada met Bob in Lima"] * 40)
    one = example(text)
    windows = word_windows([one, example(""), one], tokenizer, 40)
    assert {window.text for window in windows} == {0, 2}
    for place in (0, 2):
        own = [window for window in windows if window.text == place]
        assert len(own) > 3 and all(len(window.ids) <= 40 for window in own)
        assert [word for window in own for word in window.words] == list(range(len(one.words)))
        # A word that a window decides on has something of the text on both of its sides, but at the ends of the text.
        for window in own[1:]:
            assert window.firsts[0] > 0
        for window in own[:-1]:
            assert window.firsts[-1] < len(window.ids) - 1


def test_a_word_longer_than_a_window_is_cut(tokenizer: PreTrainedTokenizerBase) -> None:
    windows = word_windows([example("a " + "Zwxq" * 200 + " b")], tokenizer, 16)
    assert [word for window in windows for word in window.words] == [0, 1, 2]
    assert all(len(window.ids) <= 16 for window in windows)
