"""The encoder alone: what a tagging or an encoding of types costs at the least.

The same strings tokenised, and the same padded batches passed through the encoder, without anything else. What a matcher
adds to that (units, candidates, scores, entities) is ours to keep small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from spanmatch.entities import EntityType
from spanmatch.predictor import SpanMatcher, TypeEmbeddings


@dataclass(frozen=True, kw_only=True)
class EncoderAlone:
    """Tokenising and the encoder's forward passes, nothing else, over the batches that the encoder was seen to get."""

    encoder: Any
    tokenizer: Any
    strings: Sequence[str]
    batches: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, encoder: Any, tokenizer: Any, strings: Sequence[str], work: Callable[[], Any]) -> "EncoderAlone":
        """Do the work once and keep what it gives the encoder.

        Args:
            strings: what the work tokenises.
        """
        batches: list[dict[str, Any]] = []

        def keep(_module: Any, _args: Any, kwargs: dict[str, Any]) -> None:
            batches.append({key: _copy(value) for key, value in kwargs.items()})

        handle = encoder.register_forward_pre_hook(keep, with_kwargs=True)
        # A compiled module would run the hook inside what is compiled.
        compiled, encoder._compiled_call_impl = encoder._compiled_call_impl, None
        try:
            work()
        finally:
            handle.remove()
            encoder._compiled_call_impl = compiled
        return cls(encoder=encoder, tokenizer=tokenizer, strings=list(strings), batches=batches)

    @torch.inference_mode()
    def __call__(self) -> None:
        """Tokenise and encode."""
        device = next(self.encoder.parameters()).device
        self.tokenizer(list(self.strings), add_special_tokens=False, return_attention_mask=False, verbose=False)
        for batch in self.batches:
            self.encoder(**{key: value.to(device) if torch.is_tensor(value) else value for key, value in batch.items()})


def _copy(value: Any) -> Any:
    return value.detach().cpu().clone() if torch.is_tensor(value) else value


def text_encoder_alone(matcher: SpanMatcher, texts: Sequence[str], types: Sequence[EntityType] | TypeEmbeddings) -> EncoderAlone:
    """The text encoder alone, over the batches of a tagging. In a cross-encoder the types stand in them."""
    return EncoderAlone.of(
        matcher.model.text_encoder, matcher.text_tokenizer, texts, lambda: matcher.predict(list(texts), asked(types))
    )


def type_encoder_alone(matcher: SpanMatcher, types: Sequence[EntityType]) -> EncoderAlone:
    """The type encoder alone, over the batches of `encode_types`."""
    strings = list(dict.fromkeys(item.text for item in types))
    return EncoderAlone.of(
        matcher.model.encoder_of_types, matcher.type_tokenizer, strings, lambda: matcher.encode_types(list(types))
    )


def asked(types: Sequence[EntityType] | TypeEmbeddings) -> Any:
    """Types as `predict` takes them."""
    return types if isinstance(types, TypeEmbeddings) else list(types)
