"""Turn texts into padded token ids with special tokens around each sequence. NumPy only.

Legend: N sequences, L tokens of the longest one.
"""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from spanmatch.batching.stored_tokenizer import StoredTokenizer
from spanmatch.errors import InputError, one_line

if TYPE_CHECKING:  # importing transformers imports torch, which nothing here needs
    from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)

# Tokens that we add to a vocabulary: the one before each type in a cross-encoder, and the slot `label_token`.
TYPE_MARKER = "[TYPE]"
THRESHOLD_TOKEN = "[SPAN_THRESHOLD]"
# Every vocabulary has a token for some of this text. Tokens of its encoding that belong to no text are special.
PROBE = "a 1 的"
# How many type texts have their token ids kept: enough for the types of a training or of a service.
MAX_KEPT = 1 << 16


@dataclass(frozen=True, kw_only=True)
class SequenceTokenizer:
    """Encodes texts without special tokens, and puts sequences of ids between special tokens.

    A literal "[SEP]" in a text stays text. Offsets never move, because special tokens are added here and not by the library.

    Attributes:
        backend: the tokenizer of the library `tokenizers`. It neither truncates nor pads.
        prefix: ids before a sequence.
        middle: ids between the two parts of a pair.
        suffix: ids after a sequence.
        pad_id: id of the padding.
        max_tokens: subwords that fit between prefix and suffix.
        special_ids: ids of special tokens, without that of the unknown token.
        unknown_id: id of the unknown token, None for a vocabulary without one.
        prompt: what is put before each type text.
    """

    backend: Tokenizer
    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    pad_id: int
    max_tokens: int
    special_ids: frozenset[int]
    unknown_id: int | None
    prompt: str = ""
    _kept: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        tokenizer: "PreTrainedTokenizerBase | StoredTokenizer | Tokenizer",
        max_length: int,
        *,
        has_threshold_token: bool = False,
        prompt: str = "",
    ) -> "SequenceTokenizer":
        """Read the special tokens of a sequence off a tokenizer.

        Args:
            tokenizer: a fast tokenizer of transformers or of a checkpoint, or one of the library `tokenizers`. It is
                copied, because its padding and truncation are settings that others may change.
            max_length: subwords of a sequence, special tokens included.
            has_threshold_token: whether the threshold token ends the prefix.
            prompt: what is put before each type text.

        Raises:
            ValueError: the tokenizer gives no offsets or knows no text, or `max_length` leaves no room for text.
        """
        if not getattr(tokenizer, "is_fast", True):
            raise ValueError(f"{type(tokenizer).__name__} gives no character offsets; use an encoder with a fast tokenizer")
        _be_serial_in_forks()
        try:
            whole: Any = getattr(tokenizer, "backend_tokenizer", tokenizer)
            backend = Tokenizer.from_str(whole.to_str())
            backend.no_padding()
            backend.no_truncation()
            prefix, suffix = _special_tokens(backend.encode(PROBE), 1)
            _, middle, _ = _special_tokens(backend.encode(PROBE, PROBE), 2)
        except InputError:
            raise
        except Exception as error:  # the library has no class of its own for what is wrong with a tokenizer
            raise InputError(f"a tokenizer that cannot be used ({one_line(error)}); copy its files again") from error
        backend.encode_special_tokens = True
        if has_threshold_token:
            prefix += (_id(backend, THRESHOLD_TOKEN),)
        room = max_length - len(prefix) - len(suffix)
        if room < 1:
            raise InputError(f"max_length {max_length} leaves no room for text; use at least {max_length - room + 1}")
        unknown_id = getattr(tokenizer, "unk_token_id", None)
        return cls(
            backend=backend,
            prefix=prefix,
            middle=middle,
            suffix=suffix,
            pad_id=getattr(tokenizer, "pad_token_id", None) or 0,
            max_tokens=room,
            special_ids=frozenset(getattr(tokenizer, "all_special_ids", ())) - {unknown_id},
            unknown_id=unknown_id,
            prompt=prompt,
        )

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.backend.encode_special_tokens = True  # the library forgets it where a tokenizer is copied or pickled

    def after_text(self, room: int) -> "SequenceTokenizer":
        """Return the tokenizer of types that follow a text in the same sequence, each after a marker.

        Args:
            room: subwords that fit after a text, for all of its types together and with their markers.
        """
        marker = _id(self.backend, TYPE_MARKER)
        return replace(self, prefix=(marker,), middle=(), suffix=(), max_tokens=room - 1, _kept={})

    def encode(self, texts: Sequence[str]) -> tuple[list[list[int]], list[list[tuple[int, int]]]]:
        """Return the token ids of each text, without special tokens, and the character offsets of each token.

        Args:
            texts: any texts; nothing is cut off.
        """
        encoded = self.backend.encode_batch(list(texts), add_special_tokens=False)
        return [self._without_special(item.ids) for item in encoded], [item.offsets for item in encoded]

    def tokenize_types(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Return the token ids of each type text. A text beyond `max_tokens` is cut, and a warning says so.

        The same types are tokenised again and again, so their ids are kept. They are all dropped when they become too many.

        Args:
            texts: the type texts.
        """
        # Several threads may tokenise, and one of them may drop all ids at any moment: each text is looked up once.
        found = {text: ids for text in texts if (ids := self._kept.get(text)) is not None}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            encoded = self.backend.encode_batch_fast([self.prompt + text for text in new], add_special_tokens=False)
            for text, item in zip(new, encoded, strict=True):
                found[text] = np.asarray(self._without_special(item.ids), dtype=np.int64)
            if len(self._kept) + len(new) > MAX_KEPT:
                self._kept.clear()
            self._kept.update((text, found[text]) for text in new[:MAX_KEPT])
        for text, ids in found.items():
            if len(ids) > self.max_tokens:
                _warn_of_cut(text, len(ids), self.max_tokens)
        return [found[text][: self.max_tokens] for text in texts]

    def _without_special(self, ids: list[int]) -> list[int]:
        """Return ids with each special token replaced by the unknown one."""
        # Unigram models have special tokens as ordinary pieces, too, and so find them in a text.
        if self.unknown_id is None or self.special_ids.isdisjoint(ids):
            return ids
        return [self.unknown_id if item in self.special_ids else item for item in ids]

    def pad(self, sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Put special tokens around sequences and pad them to the longest.

        Args:
            sequences: token ids, at most `max_tokens` each.

        Returns:
            Ids and attention mask. Shape: both (N, L).
        """
        extra = len(self.prefix) + len(self.suffix)
        longest = max((len(sequence) for sequence in sequences), default=0) + extra
        ids = np.full((len(sequences), longest), self.pad_id, dtype=np.int64)
        mask = np.zeros((len(sequences), longest), dtype=np.int64)
        for row, sequence in enumerate(sequences):
            stop = len(self.prefix) + len(sequence)
            ids[row, : len(self.prefix)] = self.prefix
            ids[row, len(self.prefix) : stop] = sequence
            ids[row, stop : stop + len(self.suffix)] = self.suffix
            mask[row, : stop + len(self.suffix)] = 1
        return ids, mask


@cache
def _be_serial_in_forks() -> None:
    """Let the library `tokenizers` use one thread in each process that is forked from this one, such as a data loader's.

    A fork copies the library's record of its threads, but not the threads: the copy would wait for them for ever.
    """
    if hasattr(os, "register_at_fork"):  # Windows cannot fork
        os.register_at_fork(after_in_child=partial(os.environ.__setitem__, "TOKENIZERS_PARALLELISM", "false"))


def _special_tokens(encoding: Encoding, num_parts: int) -> list[tuple[int, ...]]:
    """Return the special tokens before, between and after the parts of an encoded probe.

    Raises:
        InputError: the tokenizer has no token for the probe.
    """
    runs: list[list[int]] = [[]]
    current = None
    for token, part in zip(encoding.ids, encoding.sequence_ids, strict=True):
        if part is None:
            runs[-1].append(token)
        elif part != current:
            runs.append([])
            current = part
    if len(runs) != num_parts + 1:
        raise InputError(f'the tokenizer makes nothing of "{PROBE}"; use an encoder that knows letters, or an unknown token')
    return [tuple(run) for run in runs]


def _id(backend: Tokenizer, token: str) -> int:
    found = backend.token_to_id(token)
    assert found is not None, f"{token} is added before a sequence has it"
    return int(found)


@lru_cache(maxsize=1024)
def _warn_of_cut(text: str, length: int, max_tokens: int) -> None:
    """Warn once per text, not in every batch."""
    logger.warning('the type text "%.60s..." has %d tokens; only %d are read', text, length, max_tokens)
