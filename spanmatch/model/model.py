"""The model: texts and types in, a score for every candidate span and type out. Tensors only.

The architectures differ here and nowhere else: a bi-encoder encodes types apart from texts (`type_states`), a cross-encoder
with each text, in one sequence (`type_states_behind`).

Legend: B batch, T text tokens, C types, L tokens of a type, H hidden, D head size.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn import functional as F

from spanmatch.batching.collate import TextBatch, TypeBatch
from spanmatch.config import MatcherConfig
from spanmatch.model.encoders import encoder_from_config
from spanmatch.model.head import SpanHead, SpanScores
from spanmatch.model.rivals import NUM_MENTIONS

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from spanmatch.model.bert import Bert


class SpanMatcherModel(nn.Module):
    """Encodes texts and types, and scores every candidate span against every type.

    Attributes:
        matcher_config: the configuration. Its name is not `config`, because the Trainer would write to that.
        text_encoder: the encoder of texts.
        type_encoder: the encoder of types, None where the encoder of texts serves both.
        head: where texts and types meet.
    """

    def __init__(
        self,
        config: MatcherConfig,
        text_encoder: "PreTrainedModel | Bert | None" = None,
        type_encoder: "PreTrainedModel | Bert | None" = None,
    ) -> None:
        """Build the model around encoders.

        Args:
            config: what the model is made of.
            text_encoder: its encoder of texts; by default one without trained weights, as the configuration describes it.
            type_encoder: its encoder of types; by default as above, or none if the configuration has none.
        """
        super().__init__()
        self.matcher_config = config
        self.text_encoder = text_encoder or encoder_from_config(config.text_encoder)
        # An encoder that serves both is registered once: under two names it could not be saved.
        self.type_encoder = type_encoder or (encoder_from_config(config.type_encoder) if config.type_encoder else None)
        text_size = self.text_encoder.config.hidden_size
        type_size = (self.type_encoder or self.text_encoder).config.hidden_size
        num_background = NUM_MENTIONS if config.background_weight else 0
        self.head = SpanHead(
            text_size, type_size, config.head_size, config.max_span_width, config.null_slots, num_background=num_background,
            behind_size=text_size if config.reads_types_twice else 0,
        )  # fmt: skip

    @property
    def encoder_of_types(self) -> "PreTrainedModel | Bert":
        """The encoder that reads types, which may be that of texts."""
        return self.text_encoder if self.type_encoder is None else self.type_encoder

    def type_embeddings(self, types: TypeBatch) -> torch.Tensor:
        """Return the embeddings of types in a bi-encoder, not corrected yet for the list that they are asked in.

        Args:
            types: type texts.

        Shape: (C, D).
        """
        return self.head.embed_types(self.type_states(types))

    def corrected(self, types_CD: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of the types of one list, corrected as the configuration says (see `SpanHead.corrected`).

        Args:
            types_CD: embedded types.

        Shape: (C, D) to the same.
        """
        return self.head.corrected(types_CD, self.matcher_config.background_weight)

    def type_states(self, types: TypeBatch) -> torch.Tensor:
        """Return the states of types that are read apart from texts, before the projection of the head.

        Args:
            types: type texts.

        Shape: (C, H).
        """
        config = self.matcher_config
        return type_states(
            self.encoder_of_types, types, config.type_pooling, norm=config.type_norm, scale=config.type_state_scale
        )

    def type_embeddings_behind(
        self, text_states_BTH: torch.Tensor, texts: TextBatch, apart_BCD: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the embeddings of types in a cross-encoder, as each text has them behind it.

        Args:
            text_states_BTH: what `encode_texts` gave.
            texts: texts with their types.
            apart_BCD: what `type_embeddings` gave for the types of each text, None where types are read behind texts only.

        Shape: (B, T, H) and (B, C, D) to (B, C, D).
        """
        behind_BCH = type_states_behind(text_states_BTH, texts)
        return self.head.embed_types(behind_BCH) if apart_BCD is None else self.head.embed_behind(apart_BCD, behind_BCH)

    def type_weights(self) -> dict[str, torch.Tensor]:
        """Return the weights that type embeddings are computed with, by name."""
        own = ("type_proj.weight", "type_proj.bias", "scale", "bias", "background", "usual_affinity")
        head = {name: tensor for name, tensor in self.head.state_dict().items() if name in own}
        return {**self.encoder_of_types.state_dict(), **head}

    def encode_texts(self, texts: TextBatch) -> torch.Tensor:
        """Return the states of the tokens of texts, and of the types behind them in a cross-encoder.

        Args:
            texts: texts, with their types in a cross-encoder.

        Shape: (B, T, H).
        """
        states_BTH, scale = text_states(self.text_encoder, texts), self.matcher_config.text_state_scale
        return states_BTH if scale == 1 else states_BTH * scale

    def forward(
        self,
        texts: TextBatch,
        types: Sequence[TypeBatch] | None,
        *,
        boundaries: bool = False,
        anchors_CH: torch.Tensor | None = None,
        places_BC: torch.Tensor | None = None,
    ) -> SpanScores:
        """Encode and score, for training.

        Args:
            texts: texts; those of a cross-encoder have their types behind them.
            types: type texts in groups of about one length. In a cross-encoder, or beside anchors, they are not scored:
                the scores carry their states, to be compared with what they were.
            boundaries: whether units are scored as starts and as ends, too.
            anchors_CH: states of types to score with instead of those of `types`.
            places_BC: place of each type behind a text among `types` (or the anchors), None where types are read once.
        """
        states = self.encode_texts(texts)
        own = [self.type_states(group) for group in types or ()]
        is_cross_encoder = self.matcher_config.architecture == "cross"
        apart_CD = None
        if not is_cross_encoder or places_BC is not None:
            apart_CD = self.head.embed_types(torch.cat(own) if anchors_CH is None else anchors_CH)
        if is_cross_encoder:
            types_XCD = self.type_embeddings_behind(states, texts, None if apart_CD is None else apart_CD[places_BC])
        else:
            assert apart_CD is not None
            types_XCD = apart_CD[None]
        scores: SpanScores = self.head(states, types_XCD, texts, boundaries=boundaries)
        return replace(scores, type_states=torch.cat(own)) if own and (is_cross_encoder or anchors_CH is not None) else scores

    def activation_checkpointing_enable(
        self, activation_checkpointing_kwargs: dict[str, Any] | None = None, **options: Any
    ) -> None:
        """Trade compute for memory in the encoders; the Trainer calls this.

        Args:
            activation_checkpointing_kwargs: arguments of `torch.utils.checkpoint.checkpoint`.
            **options: passed on to the encoders.
        """
        # Re-entrant checkpoints mark an encoder that is used twice as ready twice, which data-parallel training refuses.
        given = {"use_reentrant": False} | (activation_checkpointing_kwargs or {})
        encoders: tuple[Any, ...] = (self.text_encoder, self.type_encoder)
        for encoder in encoders:
            if encoder is not None:
                enable = getattr(encoder, "activation_checkpointing_enable", encoder.gradient_checkpointing_enable)
                enable(given, **options)

    def gradient_checkpointing_enable(self, gradient_checkpointing_kwargs: dict[str, Any] | None = None) -> None:
        """Do the same under the name that earlier versions of transformers call.

        Args:
            gradient_checkpointing_kwargs: arguments of `torch.utils.checkpoint.checkpoint`.
        """
        self.activation_checkpointing_enable(gradient_checkpointing_kwargs)


def text_states(encoder: Any, texts: TextBatch) -> torch.Tensor:
    """Return the states of the tokens of texts, and of the types behind them in a cross-encoder.

    Args:
        encoder: an encoder of texts.
        texts: texts, with their types in a cross-encoder.

    Shape: (B, T, H).
    """
    segments = {}
    if texts.type_token.shape[1] and getattr(encoder.config, "type_vocab_size", 0) > 1:
        segments = {"token_type_ids": texts.segment_ids}
    states: torch.Tensor = encoder(input_ids=texts.input_ids, attention_mask=_mask(encoder, texts), **segments).last_hidden_state
    return states


def type_states(
    encoder: Any, types: TypeBatch, pooling: str, *, norm: float | None = None, scale: float = 1.0
) -> torch.Tensor:
    """Return one state per type text.

    Args:
        encoder: an encoder of types.
        types: type texts.
        pooling: "cls" takes the state of the first token, "mean" the mean over the tokens.
        norm: length that states are normalised to, None to leave them as they are.
        scale: factor of the states.

    Shape: (C, H).
    """
    states_CLH = encoder(input_ids=types.input_ids, attention_mask=_mask(encoder, types)).last_hidden_state
    return pooled(states_CLH, types.attention_mask, pooling, norm=norm, scale=scale)


def pooled(
    states_CLH: torch.Tensor, mask_CL: torch.Tensor, pooling: str, *, norm: float | None = None, scale: float = 1.0
) -> torch.Tensor:
    """Return one state per type text of the states of its tokens.

    Args:
        states_CLH: states of the tokens.
        mask_CL: 1 at tokens, 0 at padding.
        pooling: as in `type_states`.
        norm: as in `type_states`.
        scale: as in `type_states`.

    Shape: (C, L, H) and (C, L) to (C, H).
    """
    if pooling == "cls":
        states_CH: torch.Tensor = states_CLH[:, 0]
    else:
        mask_CL1 = mask_CL[..., None].to(states_CLH.dtype)
        states_CH = (states_CLH * mask_CL1).sum(dim=1) / mask_CL1.sum(dim=1)
    if norm is not None:
        states_CH = norm * F.normalize(states_CH, dim=-1)
    return states_CH if scale == 1 else states_CH * scale


def type_states_behind(text_states_BTH: torch.Tensor, texts: TextBatch) -> torch.Tensor:
    """Return one state per type behind a text: the mean over its tokens, as of a type that is read apart.

    The marker before a type only separates it: the encoder never saw that token, and its state means nothing before a
    long training.

    Args:
        text_states_BTH: states of texts and of the types behind them.
        texts: says where the types stand.

    Shape: (B, T, H) to (B, C, H).
    """
    place_T = torch.arange(text_states_BTH.shape[1], device=text_states_BTH.device)
    inside_BCT = (place_T > texts.type_token[..., None]) & (place_T <= texts.type_last[..., None])
    weights_BCT = inside_BCT.to(text_states_BTH.dtype)
    mean: torch.Tensor = weights_BCT @ text_states_BTH / weights_BCT.sum(dim=2, keepdim=True).clamp(min=1)
    return mean


def _mask(encoder: Any, batch: TextBatch | TypeBatch) -> torch.Tensor | None:
    """Return the attention mask, None where it masks nothing: a text alone, or texts of one length, then cost less.

    On an accelerator, looking would cost more than it saves, and a compiled encoder would be compiled a second time.
    """
    mask = batch.attention_mask
    looks = mask.device.type == "cpu" and getattr(encoder, "_compiled_call_impl", None) is None
    return None if looks and bool(mask.all()) else mask


class EvaluationMode:
    """Turns the dropout of a model off inside a `with` statement. The last thread that leaves turns it on again if it was on.

    Attributes:
        model: the model.
    """

    def __init__(self, model: nn.Module) -> None:
        """Watch a model.

        Args:
            model: the model.
        """
        self.model = model
        self._lock = threading.Lock()
        self._num_inside, self._was_training = 0, False

    def __reduce__(self) -> tuple[type["EvaluationMode"], tuple[nn.Module]]:
        return EvaluationMode, (self.model,)  # a lock cannot be copied or pickled

    def __enter__(self) -> None:
        """Turn dropout off."""
        with self._lock:
            self._num_inside += 1
            if self.model.training:
                self._was_training = True
                self.model.eval()

    def __exit__(self, *error: object) -> None:
        """Turn dropout on again, if it was on and no other thread is inside.

        Args:
            *error: not used.
        """
        with self._lock:
            self._num_inside -= 1
            if self._was_training and not self._num_inside:
                self._was_training = False
                self.model.train()
