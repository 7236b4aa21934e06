"""The configuration of a model: what a checkpoint has to know to be built and used again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# What a checkpoint's config.json calls itself, as transformers and the hub expect it.
MODEL_TYPE = "spanmatch"
# A bi-encoder reads texts and types apart; a cross-encoder reads each text together with the types that follow it.
ARCHITECTURES = ("bi", "cross")
# How the states of the tokens of a type become one: their mean, or the state of the first token.
POOLINGS = ("mean", "cls")


@dataclass(frozen=True, kw_only=True)
class MatcherConfig:
    """Describes a model.

    Attributes:
        architecture: "bi" (types are encoded apart from texts) or "cross" (with each text).
        text_encoder: configuration of the Hugging Face model that encodes texts.
        type_encoder: configuration of the one that encodes types apart from texts, None where the encoder of texts serves both.
        type_pooling: how the states of the tokens of a type become one: "mean" or "cls".
        head_size: width of the span and type representations that are compared.
        candidates: what candidate spans are made of: "words" or "subwords".
        max_span_width: the widest candidate, in words or subwords.
        max_length: window of the text encoder, in subwords with special tokens.
        max_type_length: the longest type, in subwords with special tokens; in a cross-encoder the room for all types of a pass.
        objective: name of the loss that it was trained with.
        max_types: types of a pass in a cross-encoder, else None.
        null_slots: tokens whose score is a threshold, by name, with their place in the sequence of a text.
        background_weight: strength of the correction of types that win over others of their list (see `training.background`).
        type_norm: length that type states are normalised to, None where they are left as they are.
        type_prompt: what is put before each type text.
        text_state_scale: factor of the states of texts, which brings them to a usual size (see `training.start`).
        type_state_scale: the same of types that are read apart from texts.
        line_breaks: which line breaks candidates cross: "auto" (only those that wrap prose), "cross" (all), "never" (none).
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
    type_norm: float | None = None
    type_prompt: str = ""
    text_state_scale: float = 1.0
    type_state_scale: float = 1.0
    line_breaks: str = "auto"

    @property
    def reads_types_apart(self) -> bool:
        """Return whether types are read apart from texts, in a cross-encoder beside being read with them."""
        return self.architecture == "bi" or self.type_encoder is not None

    @property
    def reads_types_twice(self) -> bool:
        """Return whether a cross-encoder reads types apart from texts, too, and adds what it reads of them behind a text."""
        return self.architecture == "cross" and self.reads_types_apart

    def as_dict(self) -> dict[str, Any]:
        """Return the configuration as JSON holds it."""
        return asdict(self)
