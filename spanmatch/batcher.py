"""The batcher of a matcher: everything between its texts and types and the tensors that it computes on."""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from spanmatch.batching import TextBatch, TypeBatch, collate_texts, collate_types, text_views, with_type_runs
from spanmatch.matcher import MatcherConfig
from spanmatch.records import Example
from spanmatch.spans import Unrepresentable
from spanmatch.tokenizing import Tokenizing
from spanmatch.views import View


@dataclass(frozen=True, kw_only=True)
class Batcher:
    """How texts and types are tokenised, cut into views and padded. In a cross-encoder, types stand behind the texts."""

    config: MatcherConfig
    text_tokenizing: Tokenizing
    type_tokenizing: Tokenizing

    @classmethod
    def of(
        cls, config: MatcherConfig, text_tokenizer: PreTrainedTokenizerBase, type_tokenizer: PreTrainedTokenizerBase
    ) -> "Batcher":
        """The batcher of a configuration and its tokenizers."""
        texts = Tokenizing.of(text_tokenizer, config.max_length, threshold_token="label_token" in config.null_slots)
        if config.architecture == "cross":
            types = texts.after_text(config.max_type_length)
        else:
            types = Tokenizing.of(type_tokenizer, config.max_type_length)
        return cls(config=config, text_tokenizing=texts, type_tokenizing=types)

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
        """Type texts as tensors, for an encoder of types."""
        return collate_types(texts, self.type_tokenizing)
