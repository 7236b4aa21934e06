"""Anchoring: a tower that learns to read texts and goes on to read types as it did before.

Trained from both sides, one tower forgets what it knew of types that the training data lack. So texts are matched with
types as the encoder knew them when the training began, which is cheap (each type text is encoded once), and the tower is held
to that knowledge on types and phrases. After the training it is asked for types itself. The encoder of a cross-encoder, which
reads types behind a text, is held to what it knew of types read alone, and that is all.

Sources: a locked tower transfers better than a trained one (Zhai et al., "LiT: Zero-Shot Transfer with Locked-image text
Tuning", CVPR 2022, section 5); holding on by the outputs of the old weights (Li and Hoiem, "Learning without Forgetting",
ECCV 2016, section 3).

Legend: C types, H hidden.
"""

import copy
from collections.abc import Sequence

import torch

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.collate import collate_types
from spanmatch.model.devices import batch_tokens
from spanmatch.model.model import SpanMatcherModel, type_states

# Type texts whose states are kept: at 384 numbers each, 200 MB.
MAX_KEPT = 1 << 17


class TypeAnchor:
    """The encoder of types as it was when a training began: a copy of a shared one, or a separate one that is frozen."""

    def __init__(self, model: SpanMatcherModel, batcher: Batcher) -> None:
        self.encoder = copy.deepcopy(model.text_encoder) if model.type_encoder is None else model.type_encoder
        self.encoder.requires_grad_(False)
        self.batcher = batcher
        self._kept: dict[str, torch.Tensor] = {}

    @torch.no_grad()
    def states(self, texts: Sequence[str]) -> torch.Tensor:
        """What the encoder knew of types, before the projection of the head. Shape: (C, H), float32."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._kept]
        if len(self._kept) + len(missing) > MAX_KEPT:
            self._kept.clear()
            missing = list(dict.fromkeys(texts))
        device = next(self.encoder.parameters()).device
        config = self.batcher.config
        self.encoder.eval()  # which a training of the whole model ends
        for places, sequences in self.batcher.type_batches(missing, max_tokens=batch_tokens(device)):
            batch = collate_types(sequences, self.batcher.lone_type_tokenizer)
            states = type_states(self.encoder, batch.to(device), config.type_pooling, config.type_norm).float()
            self._kept.update((missing[place], state) for place, state in zip(places, states, strict=True))
        return torch.stack([self._kept[text] for text in texts])


def drift(states_CH: torch.Tensor, anchors_CH: torch.Tensor) -> torch.Tensor:
    """How far states are from their anchors: squared distance, relative to the squared length of the anchors. A scalar."""
    return (states_CH.float() - anchors_CH).square().sum() / anchors_CH.square().sum()


