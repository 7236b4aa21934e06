"""The batcher of a matcher: everything between its texts and types and the tensors that it computes on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from spanmatch.batching.candidates import Unrepresentable
from spanmatch.batching.collate import TextBatch, TypeBatch, collate_texts, collate_types, pad_types
from spanmatch.batching.tokenizer import Tokenizing, encode_types
from spanmatch.batching.views import View, text_views, with_type_runs
from spanmatch.config import MatcherConfig
from spanmatch.data.examples import Example

# Texts are sorted by length within a window, so that batches need little padding and memory stays flat. The first
# windows are small: somebody may wait for the first result.
FIRST_WINDOW, LAST_WINDOW = 64, 4096


MAX_WINDOW_CHARS = 1 << 21


# Special tokens of a sequence, about: they count when short ones are put together.
NUM_SPECIAL = 2


# Types share a batch in training down to this share of the longest one's length.
SHORTEST_OF_GROUP = 0.6


@dataclass(frozen=True, kw_only=True)
class Batcher:
    """How texts and types are tokenised, cut into views and padded.

    In a cross-encoder, types stand behind the texts; `apart` is how a type is read alone, which there is only for training.
    """

    config: MatcherConfig
    text_tokenizing: Tokenizing
    type_tokenizing: Tokenizing
    apart: Tokenizing

    @classmethod
    def of(
        cls, config: MatcherConfig, text_tokenizer: PreTrainedTokenizerBase, type_tokenizer: PreTrainedTokenizerBase
    ) -> "Batcher":
        """The batcher of a configuration and its tokenizers."""
        texts = Tokenizing.of(text_tokenizer, config.max_length, threshold_token="label_token" in config.null_slots)
        if config.architecture == "cross":
            types, apart = texts.after_text(config.max_type_length), Tokenizing.of(text_tokenizer, config.max_length)
        else:
            types = apart = Tokenizing.of(type_tokenizer, config.max_type_length)
        return cls(config=config, text_tokenizing=texts, type_tokenizing=types, apart=apart)

    @property
    def types_stand_behind(self) -> bool:
        """Whether types are read with each text, rather than apart."""
        return self.config.architecture == "cross"

    def windows(self, examples: Sequence[Example], lost: Unrepresentable | None = None) -> list[list[View]]:
        """The windows of each text, with all types of its inventory; gold without a candidate is counted in `lost`."""
        config = self.config
        return text_views(
            examples, self.text_tokenizing, candidates=config.candidates, max_span_width=config.max_span_width, lost=lost
        )

    def passes(self, windows: Sequence[View]) -> list[View]:
        """What one forward pass sees: a window with all types or, in a cross-encoder, with each run of them."""
        if not self.types_stand_behind:
            return list(windows)
        assert self.config.max_types is not None
        return with_type_runs(windows, self.type_tokenizing, self.config.max_types)

    def texts(self, views: Sequence[View]) -> TextBatch:
        """Views as tensors."""
        types_after = self.type_tokenizing if self.types_stand_behind else None
        return collate_texts(views, self.text_tokenizing, self.config.max_span_width, types_after)

    def types(self, texts: Sequence[str]) -> TypeBatch:
        """Type texts as tensors, for an encoder that reads them alone."""
        return collate_types(texts, self.apart)

    def type_groups(self, texts: Sequence[str]) -> tuple[list[int], list[TypeBatch]]:
        """Type texts as tensors, the longest first, in few groups that need little padding; and the order that they then have.

        Names have two tokens, descriptions sixty: padded to one length, nearly all of the work of a step would be padding.
        """
        sequences = encode_types(texts, self.apart)
        order = sorted(range(len(texts)), key=lambda index: -len(sequences[index]))
        groups: list[list[int]] = []
        for index in order:
            longest = len(sequences[groups[-1][0]]) if groups else 0
            if not groups or len(sequences[index]) + NUM_SPECIAL < SHORTEST_OF_GROUP * (longest + NUM_SPECIAL):
                groups.append([])
            groups[-1].append(index)
        return order, [pad_types([sequences[index] for index in group], self.apart) for group in groups]

    def text_batches(self, views: Sequence[View], *, batch_size: int | None, max_tokens: int) -> list[list[View]]:
        """Views in batches of about one length, the longest first (see `length_batches`)."""
        lengths = [view.num_tokens for view in views]
        if self.types_stand_behind:
            behind: dict[int, int] = {}
            for view in views:
                if id(view.types) not in behind:
                    behind[id(view.types)] = sum(1 + len(ids) for ids in encode_types(view.written_types, self.type_tokenizing))
            lengths = [length + behind[id(view.types)] for view, length in zip(views, lengths, strict=True)]
        return [
            [views[index] for index in batch] for batch in length_batches(lengths, batch_size=batch_size, max_tokens=max_tokens)
        ]

    def type_batches(self, texts: Sequence[str], *, max_tokens: int) -> Iterator[tuple[list[int], TypeBatch]]:
        """Type texts as tensors, in batches of about one length, each with the places of its texts."""
        sequences = encode_types(texts, self.apart)
        for batch in length_batches([len(ids) for ids in sequences], batch_size=None, max_tokens=max_tokens):
            yield batch, pad_types([sequences[index] for index in batch], self.apart)


def length_batches(lengths: Sequence[int], *, batch_size: int | None, max_tokens: int) -> list[list[int]]:
    """Indices in batches of about one length, the longest first, so that padding is little and memory is known at once.

    Args:
        batch_size: sequences of a batch; None for as many as have `max_tokens` together, padding and special tokens included.
    """
    order = sorted(range(len(lengths)), key=lambda index: -lengths[index])
    batches, first = [], 0
    while first < len(order):
        size = batch_size or max(1, max_tokens // (lengths[order[first]] + NUM_SPECIAL))
        batches.append(order[first : first + size])
        first += size
    return batches


def text_windows(examples: Iterable[Example], size: int | None = None) -> Iterator[list[Example]]:
    """Runs of examples that are sorted and batched together, none of more characters than fit memory.

    Args:
        size: examples of a run; by default few at first and then more.
    """
    window: list[Example] = []
    limit, num_chars = size or FIRST_WINDOW, 0
    for example in examples:
        window.append(example)
        num_chars += len(example.text)
        if len(window) >= limit or num_chars >= MAX_WINDOW_CHARS:
            yield window
            window, num_chars, limit = [], 0, size or min(2 * limit, LAST_WINDOW)
    if window:
        yield window


