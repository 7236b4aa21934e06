"""Regularise an encoder, so that a training does not make it forget types that are not in the training data.

The anchor of a type is its state in the encoder as it was before the training. A penalty on the distance of states from
their anchors, on types and phrases of each step, keeps the encoder near its old self. In a bi-encoder whose texts and types
share one encoder, texts are also matched with the anchors instead of with states that move. That is fast, because each type
is encoded once. After the training, the trained encoder encodes texts and types. In a cross-encoder, which reads types after
a text, there is only the penalty, on types read without a text.

Sources: a frozen encoder on one side transfers better than a trained one (Zhai et al., "LiT: Zero-Shot Transfer with
Locked-image text Tuning", CVPR 2022, section 5); a penalty towards the outputs of the old weights (Li and Hoiem, "Learning
without Forgetting", ECCV 2016, section 3).

Legend: C types, H hidden.
"""

from collections.abc import Callable, Sequence

import torch

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.collate import TypeBatch, collate_types
from spanmatch.model.devices import batch_tokens
from spanmatch.model.encoders import frozen_copy
from spanmatch.model.model import SpanMatcherModel, type_states

# Number of type texts whose states are kept: 200 MB, at 384 numbers each.
MAX_KEPT = 1 << 17


class KeptByText:
    """Encodes type texts, each of which is encoded once."""

    def __init__(self, batcher: Batcher, encode: Callable[[TypeBatch], torch.Tensor]) -> None:
        """Start with nothing kept.

        Args:
            batcher: tokenises the types.
            encode: returns a row for each type of a batch.
        """
        self._batcher, self._encode = batcher, encode
        self._kept: dict[str, torch.Tensor] = {}

    def __call__(self, texts: Sequence[str], device: torch.device) -> torch.Tensor:
        """Return a row for each type.

        Args:
            texts: the types as they are read.
            device: where they are encoded.

        Shape: (C, H).
        """
        missing = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if len(self._kept) + len(missing) > MAX_KEPT:
            self._kept.clear()
            missing = list(dict.fromkeys(texts))
        for places, sequences in self._batcher.type_batches(missing, max_tokens=batch_tokens(device)):
            rows = self._encode(collate_types(sequences, self._batcher.lone_type_tokenizer).to(device))
            self._kept.update((missing[place], row) for place, row in zip(places, rows, strict=True))
        return torch.stack([self._kept[text] for text in texts])


class TypeAnchor:
    """Encodes types as they were encoded before a training, and keeps their states.

    Attributes:
        encoder: a copy of the encoder that texts and types share, or of a separate type encoder. It is never trained.
        batcher: tokenises the types.
    """

    def __init__(
        self,
        model: SpanMatcherModel,
        batcher: Batcher,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        """Copy the encoder of a model that has not been trained yet.

        Args:
            model: the model. A separate type encoder is frozen from now on.
            batcher: the batcher of the model.
            device: where types are encoded.
            dtype: the precision that they are encoded in.
        """
        if model.type_encoder is not None:
            model.type_encoder.requires_grad_(False)
        self.encoder = frozen_copy(model.encoder_of_types, device=device, dtype=dtype)
        self.batcher = batcher
        self._states = KeptByText(batcher, self._encode)

    def _encode(self, batch: TypeBatch) -> torch.Tensor:
        config = self.batcher.config
        states = type_states(self.encoder, batch, config.type_pooling, norm=config.type_norm, scale=config.type_state_scale)
        return states.float()

    @torch.no_grad()
    def states(self, texts: Sequence[str]) -> torch.Tensor:
        """Return the anchors of types: their states before the training, and before the projection of the head.

        Args:
            texts: the types as they are read.

        Returns:
            Shape: (C, H), float32.
        """
        return self._states(texts, next(self.encoder.parameters()).device)


def drift(states_CH: torch.Tensor, anchors_CH: torch.Tensor) -> torch.Tensor:
    """Return how far states are from their anchors: the squared distance, divided by the squared length of the anchors.

    Args:
        states_CH: states of types, as the encoder computes them now. Shape: (C, H).
        anchors_CH: their anchors. Shape: (C, H).

    Returns:
        A scalar; 0 if nothing has moved.
    """
    return (states_CH.float() - anchors_CH).square().sum() / anchors_CH.square().sum()
