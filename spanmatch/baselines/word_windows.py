"""Cut texts that are split into words into the windows that a token classifier reads, and find the subword of each word.

Legend: T subwords of a window.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from spanmatch.data.examples import Example

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# The label of what has no loss, as everywhere in transformers: continuations of words, special tokens, padding.
IGNORED = -100
# Two windows of a text share this part of their subwords.
OVERLAP = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class WordWindow:
    """Holds a part of a text that the encoder reads at once.

    Attributes:
        text: place of its text.
        ids: ids of its subwords, without special tokens. Length: T.
        words: the words that it decides on, in order. Of two windows that share a word, the one that shows more around it.
        firsts: the first subword of each of them, as a place in `ids`.
    """

    text: int
    ids: list[int]
    words: list[int]
    firsts: list[int]

    def labels(self, word_labels: Sequence[int]) -> list[int]:
        """Return the label of each subword: that of its word at the first subword, else `IGNORED`.

        Args:
            word_labels: the label of each word of the text.
        """
        found = [IGNORED] * len(self.ids)
        for word, first in zip(self.words, self.firsts, strict=True):
            found[first] = word_labels[word]
        return found


def surfaces(example: Example) -> list[str]:
    """Return the words of a text as a tokenizer should read them: with a space before each that has one in the text.

    In the vocabularies of RoBERTa, GPT and Llama, a word after a space is another token than the same word without one.

    Args:
        example: the text with its words.
    """
    text = example.text
    return [" " * (start > 0 and text[start - 1].isspace()) + text[start:end] for start, end in example.words]


def word_windows(examples: Sequence[Example], tokenizer: "PreTrainedTokenizerBase", max_tokens: int) -> list[WordWindow]:
    """Return the windows of texts, in their order. A text without a word, or whose words the tokenizer drops, has none.

    Windows are cut between words. A word that is longer than a window is cut, which the model then reads by its start.

    Args:
        examples: texts with their words.
        tokenizer: a fast tokenizer.
        max_tokens: subwords that a window may have, special tokens not counted.
    """
    worded = [index for index, example in enumerate(examples) if example.words]
    if not worded:
        return []
    encoded = tokenizer(
        [surfaces(examples[index]) for index in worded],
        is_split_into_words=True,
        add_special_tokens=False,
        split_special_tokens=True,  # "[SEP]" in a text stays text
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,  # a text longer than the encoder reads at once is what windows are for
    )
    windows: list[WordWindow] = []
    for row, index in enumerate(worded):
        subwords: dict[int, list[int]] = {}
        for word, token in zip(encoded.word_ids(row), encoded["input_ids"][row], strict=True):
            own = subwords.setdefault(word, [])
            if len(own) < max_tokens:
                own.append(token)
        windows += _windows(index, subwords, max_tokens)
    return windows


def _windows(text: int, subwords: dict[int, list[int]], max_tokens: int) -> list[WordWindow]:
    """Return the windows of one text from the subwords of each of its words."""
    words = list(subwords)
    bounds = _bounds([len(own) for own in subwords.values()], max_tokens)
    # The border between two windows lies in the middle of what they share.
    borders = [0, *((later[0] + earlier[1]) // 2 for earlier, later in pairwise(bounds)), len(words)]
    found = []
    for place, (start, end) in enumerate(bounds):
        window = WordWindow(text=text, ids=[], words=[], firsts=[])
        for at in range(start, end):
            if borders[place] <= at < borders[place + 1]:
                window.words.append(words[at])
                window.firsts.append(len(window.ids))
            window.ids.extend(subwords[words[at]])
        found.append(window)
    return found


def _bounds(lengths: Sequence[int], max_tokens: int) -> list[tuple[int, int]]:
    """Return the first word of each window, and the one after its last, from the numbers of subwords of all words."""
    bounds: list[tuple[int, int]] = []
    start = 0
    while start < len(lengths):
        end, room = start, max_tokens
        while end < len(lengths) and lengths[end] <= room:
            room -= lengths[end]
            end += 1
        bounds.append((start, end))
        if end == len(lengths):
            break
        shared, back = 0, end
        while back > start + 1 and shared + lengths[back - 1] <= OVERLAP * max_tokens:
            shared += lengths[back - 1]
            back -= 1
        start = back
    return bounds
