"""Tokenise texts so that no subword glues words together that have to be told apart. NumPy only.

The subwords of ordinary text are those that the tokenizer makes of it. There are three exceptions. Format characters inside
a word (a soft hyphen, say) are left out of what the tokenizer reads, as BERT's leaves them out by itself. A text is cut
where a subword reaches over the boundary of two words and hides one of them, as in "Berg🎉", which WordPiece makes one
unknown token. And a visible word that the tokenizer drops becomes an unknown token.

Legend: T subwords of a text, N words of a text.
"""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import regex

from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.words import INVISIBLE_INSIDE, Offsets, has_letter, is_seen, is_unspaced

# Half-open character offsets of each subword, and their ids.
Tokens = tuple[list[int], list[tuple[int, int]]]

# The joiners shape what is around them in Arabic, in the scripts of India, and in emoji. Between these letters they do nothing.
_SHAPING = r"\u200c\u200d\U000e0000-\U000e0fff\U00013430-\U0001345f"
_PLAIN_LETTER = r"[\p{Latin}\p{Greek}\p{Cyrillic}]"
_LEFT_OUT = regex.compile(
    rf"[{INVISIBLE_INSIDE}--[{_SHAPING}]]|\u034f|(?<={_PLAIN_LETTER})[\u200c\u200d]++(?={_PLAIN_LETTER})", regex.V1
)


def encode_texts(texts: Sequence[str], words: Sequence[Offsets], tokenizer: SequenceTokenizer) -> list[Tokens]:
    """Return the subwords of texts, without special tokens: ids and half-open character offsets of each.

    Args:
        texts: any texts.
        words: half-open character offsets of the words of each text, in order.
        tokenizer: the tokenizer of texts.
    """
    shortened = [_without_invisible(text) for text in texts]
    encoded = list(zip(*tokenizer.encode([text for text, _ in shortened]), strict=True))
    found = [(ids, _original(offsets, places)) for (ids, offsets), (_, places) in zip(encoded, shortened, strict=True)]
    # What is rare is looked for in all texts at once, and dealt with text by text.
    crossing, dropping = _unusual(words, [offsets for _, offsets in found])
    cuts = {index: _cuts(texts[index], words[index], *found[index], tokenizer.unknown_id) for index in crossing}
    _encode_pieces(found, {index: bounds for index, bounds in cuts.items() if bounds}, shortened, tokenizer)
    if tokenizer.unknown_id is not None:
        for index in {*dropping, *crossing}:
            found[index] = _with_dropped(texts[index], words[index], *found[index], tokenizer.unknown_id)
    return found


def _unusual(words: Sequence[Offsets], offsets: Sequence[Offsets]) -> tuple[list[int], list[int]]:
    """Return the texts of which a subword touches several words, and those of which a word has no subword."""
    word_text, token_text = (np.repeat(np.arange(len(rows)), [len(own) for own in rows]) for rows in (words, offsets))
    # The texts are put one behind another, so far apart that no subword touches a word of another text.
    reach = max((own[-1][1] for rows in (words, offsets) for own in rows if own), default=0) + 1
    word_bounds = _bounds([item for own in words for item in own]) + reach * word_text[:, None]
    token_bounds = _bounds([item for own in offsets for item in own]) + reach * token_text[:, None]
    first, last = _touched(word_bounds, token_bounds)
    dropped = ~_with_token(word_bounds, token_bounds)
    return sorted(set(token_text[last > first].tolist())), sorted(set(word_text[dropped].tolist()))


def _with_token(word_bounds_N2: np.ndarray, token_bounds_T2: np.ndarray) -> np.ndarray:
    """Return which words a subword touches. Shape: (N,) bool."""
    before = np.searchsorted(token_bounds_T2[:, 1], word_bounds_N2[:, 0], side="right")
    return before < np.searchsorted(token_bounds_T2[:, 0], word_bounds_N2[:, 1], side="left")


def _bounds(offsets: Offsets) -> np.ndarray:
    return np.asarray(offsets, dtype=np.int64).reshape(-1, 2)


def _without_invisible(text: str) -> tuple[str, list[int] | None]:
    """Return what the tokenizer reads of a text, and the place of each of its characters in the text; None if they agree."""
    # Asking whether a text is printable is much faster than the search. Of what is left out, only U+034F is.
    if (text.isprintable() and "\u034f" not in text) or _LEFT_OUT.search(text) is None:
        return text, None
    places: list[int] = []
    start = 0
    for match in _LEFT_OUT.finditer(text):
        places += range(start, match.start())
        start = match.end()
    places += range(start, len(text))
    return "".join(text[place] for place in places), [*places, len(text)]


def _original(offsets: list[tuple[int, int]], places: list[int] | None) -> list[tuple[int, int]]:
    """Return offsets in a text of offsets in what the tokenizer read of it."""
    if places is None:
        return offsets
    return [(places[start], places[end - 1] + 1 if end > start else places[start]) for start, end in offsets]


def _touched(word_bounds_N2: np.ndarray, token_bounds_T2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the last word that each subword touches; the last is before the first if it touches none. (T,)"""
    first = np.searchsorted(word_bounds_N2[:, 1], token_bounds_T2[:, 0], side="right")
    last = np.searchsorted(word_bounds_N2[:, 0], token_bounds_T2[:, 1], side="left") - 1
    return first, last


def _cuts(text: str, words: Offsets, ids: Sequence[int], offsets: Offsets, unknown_id: int | None) -> list[int]:
    """Return where a text is to be cut, so that no subword hides a word.

    Two words are cut apart if both have letters or digits, or if one has and the subword is the unknown one. Punctuation
    shares subwords in many vocabularies ('").', "'s"), and so do characters of scripts without spaces: these stay.
    """
    first, last = _touched(_bounds(words), _bounds(offsets))
    cuts: dict[int, None] = {}
    for token in np.flatnonzero(last > first).tolist():
        for left in range(int(first[token]), int(last[token])):
            (start, end), (next_start, next_end) = words[left], words[left + 1]
            num_lettered = has_letter(text, start, end) + has_letter(text, next_start, next_end)
            is_one_script = is_unspaced(text, end - 1) and is_unspaced(text, next_start)
            if num_lettered and (ids[token] == unknown_id or (num_lettered == 2 and not is_one_script)):
                cuts[end] = None
    return list(cuts)


def _encode_pieces(
    found: list[Tokens],
    cuts: dict[int, list[int]],
    shortened: Sequence[tuple[str, list[int] | None]],
    tokenizer: SequenceTokenizer,
) -> None:
    """Replace the subwords of the texts that have cuts by those of their pieces."""
    if not cuts:
        return
    pieces: list[tuple[int, int, str]] = []  # index of the text, place in what the tokenizer reads, piece
    for index, bounds in cuts.items():
        text, places = shortened[index]
        inner = bounds if places is None else [bisect_left(places, bound) for bound in bounds]
        pieces += [(index, start, text[start:end]) for start, end in pairwise([0, *inner, len(text)]) if end > start]
    distinct = list(dict.fromkeys(piece for _, _, piece in pieces))
    encoded = dict(zip(distinct, zip(*tokenizer.encode(distinct), strict=True), strict=True))
    for index in cuts:
        found[index] = [], []
    for index, shift, piece in pieces:
        ids, offsets = encoded[piece]
        found[index][0].extend(ids)
        found[index][1].extend(_original([(start + shift, end + shift) for start, end in offsets], shortened[index][1]))


def _with_dropped(text: str, words: Offsets, ids: list[int], offsets: list[tuple[int, int]], unknown_id: int) -> Tokens:
    """Return the subwords with an unknown one for each run of visible words that have none."""
    has_token = _with_token(_bounds(words), _bounds(offsets))
    runs: list[tuple[int, int, int]] = []  # last word, first and last character
    for word, (start, end) in enumerate(words):
        if has_token[word] or not is_seen(text, start, end):
            continue
        if runs and runs[-1][0] == word - 1:
            runs[-1] = word, runs[-1][1], end
        else:
            runs.append((word, start, end))
    if not runs:
        return ids, offsets
    rows = [*zip(offsets, ids, strict=True), *(((start, end), unknown_id) for _, start, end in runs)]
    rows.sort(key=lambda row: row[0][0])  # stable: the bytes of one character keep their order
    return [item for _, item in rows], [own for own, _ in rows]
