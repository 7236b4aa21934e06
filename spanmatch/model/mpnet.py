"""MPNet's encoder for inference, with torch alone: the states of transformers' `MPNetModel`.

It is BERT's with a bias of attention by relative position, other embeddings, and other names of weights.

Sources: Song et al., "MPNet: Masked and Permuted Pre-training for Language Understanding", NeurIPS 2020; the buckets are those of
T5 (Raffel et al., 2020, section 2.1).

Legend: B batch, T tokens, H hidden, A attention heads.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from spanmatch.model.bert import Bert, BertConfig, Embeddings, Layers, says

# What a configuration has to say, where it says anything, for this to be its encoder.
COMPUTED = {"model_type": "mpnet", "hidden_act": "gelu"}
# Names of weights in transformers' MPNet, and in what is computed here.
_NAMES = (
    (".attention.attn.q.", ".attention.self.query."),
    (".attention.attn.k.", ".attention.self.key."),
    (".attention.attn.v.", ".attention.self.value."),
    (".attention.attn.o.", ".attention.output.dense."),
    (".attention.LayerNorm.", ".attention.output.LayerNorm."),
)
# Buckets of relative positions, whatever the configuration says, as in transformers; one side has half of them.
NUM_BUCKETS, MAX_DISTANCE = 32, 128
PADDING = 1  # the token id; positions are counted from the one behind it


@dataclass(frozen=True, kw_only=True)
class MpnetConfig(BertConfig):
    """Holds the sizes of an encoder, by the names that a configuration has.

    Attributes:
        relative_attention_num_buckets: rows of the embedding of relative positions.
        type_vocab_size: 1, because it does not know segments.
    """

    relative_attention_num_buckets: int = NUM_BUCKETS
    type_vocab_size: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.relative_attention_num_buckets < NUM_BUCKETS:
            raise ValueError(f"relative_attention_num_buckets must be at least {NUM_BUCKETS}")


def is_mpnet(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration describes an encoder that `Mpnet` computes.

    Args:
        config: the configuration of an encoder, with its `model_type`.
    """
    return says(config, COMPUTED)


class Mpnet(Bert):
    """Encodes sequences of tokens.

    Attributes:
        config: its sizes.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Build an encoder with random weights.

        Args:
            config: the configuration of the encoder; what is no size is not read.

        Raises:
            ValueError: a size is none, or the heads do not share the hidden size evenly.
        """
        nn.Module.__init__(self)
        given = {item.name: config[item.name] for item in fields(MpnetConfig) if item.name in config}
        self.config = sizes = MpnetConfig(**given | {"type_vocab_size": 1})
        self.embeddings = _Embeddings(sizes)
        self.encoder = _Layers(sizes)
        self.register_state_dict_post_hook(_name_as_stored)
        self.register_load_state_dict_pre_hook(_name_as_computed)


class _Embeddings(Embeddings):
    def __init__(self, config: MpnetConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None) -> torch.Tensor:
        assert token_type_ids is None, "MPNet has no segments"
        is_token = input_ids != PADDING
        positions = is_token.cumsum(dim=1) * is_token + PADDING
        states: torch.Tensor = self.LayerNorm(self.word_embeddings(input_ids) + self.position_embeddings(positions))
        return states


class _Layers(Layers):
    def __init__(self, config: MpnetConfig) -> None:
        super().__init__(config)
        self.relative_attention_bias = nn.Embedding(config.relative_attention_num_buckets, config.num_attention_heads)

    def bias(self, num_tokens: int) -> torch.Tensor:
        places = torch.arange(num_tokens, device=self.relative_attention_bias.weight.device)
        biases: torch.Tensor = self.relative_attention_bias(buckets(places - places[:, None]))
        return biases.permute(2, 0, 1)


def buckets(distance: torch.Tensor) -> torch.Tensor:
    """Return the bucket of distances: one for each small one, ever wider ones up to `MAX_DISTANCE`, other ones for what follows.

    Args:
        distance: place of the token that is read, less that of the token that reads.

    Shape: any, to the same.
    """
    one_side = NUM_BUCKETS // 2
    exact = one_side // 2
    size = distance.abs()
    wide = torch.log(size.clamp(min=1).float() / exact) / math.log(MAX_DISTANCE / exact) * (one_side - exact)
    return one_side * (distance > 0) + torch.where(size < exact, size, (exact + wide.long()).clamp(max=one_side - 1))


def _name_as_stored(_: nn.Module, state: dict[str, torch.Tensor], prefix: str, __: object) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        weight = state.pop(name)
        for stored, computed in _NAMES:
            name = name.replace(computed, stored)
        state[name] = weight


def _name_as_computed(_: nn.Module, state: dict[str, torch.Tensor], prefix: str, *__: object) -> None:
    for name in [name for name in state if name.startswith(prefix)]:
        weight = state.pop(name)
        for stored, computed in _NAMES:
            name = name.replace(stored, computed)
        state[name] = weight
