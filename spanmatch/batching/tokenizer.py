"""A tokenizer with what has to be known about it: the special tokens around a sequence, padding, and the room within."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase

logger = logging.getLogger(__name__)


# Tokens that we add to a vocabulary: the one before each type in a cross-encoder, and the slot `label_token`.
TYPE_MARKER = "[TYPE]"


THRESHOLD_TOKEN = "[SPAN_THRESHOLD]"


# Of this every vocabulary has something: what else is in its encoding are special tokens.
PROBE = "a 1 的"


# Short texts whose token ids are kept: the types of a training or of a service.
MAX_KEPT = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Tokenizing:
    """Text to padded token ids. `max_tokens` is the room for subwords; `middle` stands between the parts of a pair."""

    tokenizer: PreTrainedTokenizerBase
    prefix: tuple[int, ...]
    middle: tuple[int, ...]
    suffix: tuple[int, ...]
    pad_id: int
    max_tokens: int
    _kept: dict[str, np.ndarray] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase, max_length: int, *, threshold_token: bool = False) -> "Tokenizing":
        """Learn the special tokens of a sequence from the tokenizer itself.

        Args:
            max_length: subwords of a sequence, special tokens included.
            threshold_token: whether the threshold token ends the prefix.

        Raises:
            ValueError: not a fast tokenizer (offsets are needed), one that knows no text, or no room for text.
        """
        if not tokenizer.is_fast:
            raise ValueError(f"{type(tokenizer).__name__} gives no character offsets; use an encoder with a fast tokenizer")
        (prefix, suffix), (_, middle, _) = _special_tokens(tokenizer, 1), _special_tokens(tokenizer, 2)
        if threshold_token:
            prefix += (_id(tokenizer, THRESHOLD_TOKEN),)
        room = max_length - len(prefix) - len(suffix)
        if room < 1:
            raise ValueError(f"max_length {max_length} leaves no room for text; use at least {max_length - room + 1}")
        return cls(
            tokenizer=tokenizer,
            prefix=prefix,
            middle=middle,
            suffix=suffix,
            pad_id=tokenizer.pad_token_id if tokenizer.pad_token_id is not None else 0,
            max_tokens=room,
        )

    def after_text(self, room: int) -> "Tokenizing":
        """Of types that stand behind a text in its own sequence: a marker before each, `room` subwords for all of them."""
        return Tokenizing(
            tokenizer=self.tokenizer,
            prefix=(_id(self.tokenizer, TYPE_MARKER),),
            middle=(),
            suffix=(),
            pad_id=self.pad_id,
            max_tokens=room - 1,
        )

    def encode(self, texts: Sequence[str], *, offsets: bool = False) -> Any:
        """Token ids (and character offsets) without special tokens; a literal "[SEP]" in a text stays text.

        Unigram models hold their special tokens as ordinary pieces, too, and find them in a text: these become unknown.
        """
        encoded = self.tokenizer(
            list(texts),
            add_special_tokens=False,
            split_special_tokens=True,
            return_attention_mask=False,
            return_token_type_ids=False,
            return_offsets_mapping=offsets,
            truncation=False,
            padding=False,
            verbose=False,
        )
        unknown = self.tokenizer.unk_token_id
        special = frozenset(self.tokenizer.all_special_ids) - {unknown}
        if unknown is not None:
            encoded["input_ids"] = [
                ids if special.isdisjoint(ids) else [unknown if item in special else item for item in ids]
                for ids in encoded["input_ids"]
            ]
        return encoded

    def encode_cached(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Token ids of texts that come again and again; forgotten, all of them, when they have become too many."""
        found = {text: self._kept[text] for text in texts if text in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in found]
        if new:
            found.update(zip(new, (np.asarray(ids, dtype=np.int64) for ids in self.encode(new)["input_ids"]), strict=True))
            if len(self._kept) + len(new) > MAX_KEPT:
                self._kept.clear()
            self._kept.update((text, found[text]) for text in new[:MAX_KEPT])
        return [found[text] for text in texts]

    def pad(self, sequences: Sequence[np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
        """Put special tokens around sequences and pad them to the longest. Shape: ids and mask, both (N, L)."""
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
        return torch.from_numpy(ids), torch.from_numpy(mask)


def _special_tokens(tokenizer: PreTrainedTokenizerBase, num_parts: int) -> list[tuple[int, ...]]:
    """The special tokens before, between and behind the parts of a sequence.

    Raises:
        ValueError: the tokenizer has no token for the probe.
    """
    encoded = tokenizer(*[PROBE] * num_parts, add_special_tokens=True)
    runs: list[list[int]] = [[]]
    current = None
    for token, part in zip(encoded["input_ids"], encoded.sequence_ids(0), strict=True):
        if part is None:
            runs[-1].append(token)
        elif part != current:
            runs.append([])
            current = part
    if len(runs) != num_parts + 1:
        raise ValueError(f'the tokenizer makes nothing of "{PROBE}"; use an encoder that knows letters, or an unknown token')
    return [tuple(run) for run in runs]


def _id(tokenizer: PreTrainedTokenizerBase, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int) and found != tokenizer.unk_token_id, f"{token} is added before a sequence has it"
    return found


def encode_types(texts: Sequence[str], tokenizing: Tokenizing) -> list[np.ndarray]:
    """Token ids of type texts. A description beyond the room is cut, and a warning says so."""
    sequences = tokenizing.encode_cached(texts)
    for text, ids in zip(texts, sequences, strict=True):
        if len(ids) > tokenizing.max_tokens:
            _warn_of_cut(text, len(ids), tokenizing.max_tokens)
    return [ids[: tokenizing.max_tokens] for ids in sequences]


@lru_cache(maxsize=1024)
def _warn_of_cut(text: str, length: int, max_tokens: int) -> None:
    """Once per text, not in every batch."""
    logger.warning('the type text "%.60s..." has %d tokens; only %d are read', text, length, max_tokens)


