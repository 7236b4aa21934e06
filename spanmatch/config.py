"""The matcher: texts and types in, a score for every candidate span and type out. Tensors only.

Legend: B batch, T text tokens, C types, H hidden, D head size.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class MatcherConfig:
    """What a checkpoint has to know to be built and used again.

    `text_encoder` and `type_encoder` are the configurations of their Hugging Face models; without a
    `type_encoder` one tower serves both. `max_span_width` counts candidate units (words or subwords),
    `max_length` and `max_type_length` subwords with special tokens: of a text, and of a type. In a cross-encoder
    `max_type_length` is the room for all types of a pass, `max_types` their number.
    `null_slots` are the tokens whose score is a threshold, by name, with their place in a text's sequence.
    `background_weight` is the share of a type's affinity to the background that is corrected for (see `background`).
    """

    architecture: str
    text_encoder: dict[str, Any]
    type_encoder: dict[str, Any] | None
    type_pooling: str
    head_size: int
    candidates: str
    max_span_width: int
    max_length: int
    max_type_length: int
    objective: str
    max_types: int | None = None
    null_slots: Mapping[str, int] = field(default_factory=dict)
    background_weight: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """The configuration as JSON holds it."""
        return asdict(self)


