"""BERT's encoder for inference, with torch alone: the states of transformers' `BertModel`.

They are the same to the bit where all sequences have one length, else up to rounding: on a CPU, no padding is computed.

Most checkpoints have such an encoder. Importing the one of transformers takes twice as long as all else that tagging a
sentence needs, and calling it a third longer. The weights have its names, so that those of a checkpoint fit both. A training
uses the one of transformers, which has dropout, checkpointing and adapters.

Legend: B batch, T tokens, N the rows that are computed (see `padding`), in one dimension or as (B, T), H hidden (of a head,
beside A), A attention heads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from spanmatch.model.packed import PackedLinear
from spanmatch.model.padding import Run, padded, runs_of_length, token_places

# What each token gives to attention.
PROJECTED = ("query", "key", "value")
# What a configuration has to say, where it says anything, for this to be its encoder.
COMPUTED = {"model_type": "bert", "hidden_act": "gelu", "is_decoder": False, "add_cross_attention": False}


@dataclass(frozen=True, kw_only=True)
class BertConfig:
    """Holds the sizes of an encoder, by the names that a configuration has, with the values of one that does not say them.

    Attributes:
        vocab_size: number of tokens.
        hidden_size: width of a state.
        num_hidden_layers: number of layers.
        num_attention_heads: attention heads of a layer.
        intermediate_size: width inside a layer.
        max_position_embeddings: the longest sequence.
        type_vocab_size: number of segments.
        layer_norm_eps: what is added to a variance.
    """

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            if type(value) not in {int, type(item.default)} or not 0 < value < 1 << 40:
                raise ValueError(f"{item.name} must be a number above 0, got {str(value)[:20]}")
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(f"hidden_size {self.hidden_size} is not a multiple of {self.num_attention_heads} attention heads")


def is_bert(config: Mapping[str, Any]) -> bool:
    """Return whether a configuration describes an encoder that `Bert` computes.

    Args:
        config: the configuration of an encoder, with its `model_type`.
    """
    return says(config, COMPUTED)


def says(config: Mapping[str, Any], computed: Mapping[str, Any]) -> bool:
    """Return whether a configuration has given values, or has no other ones.

    Args:
        config: the configuration of an encoder, with its `model_type`.
        computed: the values, by key.
    """
    return "model_type" in config and all(config.get(key, value) == value for key, value in computed.items())


class States(NamedTuple):
    """Holds what an encoder returns, under the name that encoders of transformers have for it."""

    last_hidden_state: torch.Tensor


class Bert(nn.Module):
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
        super().__init__()
        self.config = sizes = BertConfig(**{item.name: config[item.name] for item in fields(BertConfig) if item.name in config})
        self.embeddings: Embeddings = _Embeddings(sizes)
        self.encoder = Layers(sizes)

    def get_input_embeddings(self) -> nn.Embedding:
        """Return the embeddings of tokens."""
        return self.embeddings.word_embeddings

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, token_type_ids: torch.Tensor | None = None
    ) -> States:
        """Encode sequences.

        Args:
            input_ids: token ids.
            attention_mask: 1 at tokens, 0 at padding; by default all are tokens.
            token_type_ids: the segment of each token; by default all are in the first.

        Shape: all (B, T), to (B, T, H).
        """
        states_BTH, bias_ATT = self.embeddings(input_ids, token_type_ids), self.encoder.bias(input_ids.shape[1])
        if attention_mask is None:
            return States(self.encoder(states_BTH, _mask(None, bias_ATT)))
        is_token_BT = attention_mask.bool()
        places_N = token_places(is_token_BT)
        if places_N is None:
            return States(self.encoder(states_BTH, _mask(is_token_BT, bias_ATT)))
        attended = [(run, _mask(run.is_token, bias_ATT)) for run in runs_of_length(is_token_BT)]
        rows_NH = self.encoder(states_BTH.flatten(0, 1).index_select(0, places_N), attended)
        return States(padded(rows_NH, places_N, is_token_BT))


def _mask(is_token_BT: torch.Tensor | None, bias_ATT: torch.Tensor | None) -> torch.Tensor | None:
    """Return what SDPA takes: whether a token is read, or what is added to the score of each pair. (B, 1 or A, T, T)"""
    if is_token_BT is None:
        return None if bias_ATT is None else bias_ATT[None]
    size = is_token_BT.shape[1]
    if bias_ATT is None:
        return is_token_BT[:, None, None].expand(-1, -1, size, -1)  # SDPA asks for a row for each token
    return bias_ATT[None, :, :size, :size].masked_fill(~is_token_BT[:, None, None], -torch.inf)


# What attention has to know: the mask if all places are computed, else where those stand that are, with the mask of each run.
Attended = torch.Tensor | Sequence[tuple[Run, torch.Tensor | None]] | None


class Embeddings(nn.Module):
    """Embeds tokens.

    Attributes:
        word_embeddings: an embedding for each token, without its place.
    """

    word_embeddings: nn.Embedding


class _Embeddings(Embeddings):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(config.vocab_size, config.hidden_size)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, config.hidden_size)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, input_ids: torch.Tensor, token_type_ids: torch.Tensor | None) -> torch.Tensor:
        segments = self.token_type_embeddings
        own = segments.weight[0] if token_type_ids is None else segments(token_type_ids)
        positions_TH = self.position_embeddings.weight[: input_ids.shape[1]]
        states: torch.Tensor = self.LayerNorm(self.word_embeddings(input_ids) + own + positions_TH)
        return states


class Layers(nn.Module):
    """Computes the layers of an encoder.

    Attributes:
        layer: the layers.
    """

    def __init__(self, config: BertConfig) -> None:
        """Build them with random weights.

        Args:
            config: the sizes.
        """
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))

    def bias(self, num_tokens: int) -> torch.Tensor | None:
        """Return what is added to the attention of each pair of tokens: nothing in BERT.

        Args:
            num_tokens: tokens of a sequence.

        Shape: (A, T, T).
        """
        return None

    def forward(self, states_NH: torch.Tensor, attended: Attended) -> torch.Tensor:
        """Return the states after the last layer.

        Args:
            states_NH: what the embeddings gave.
            attended: which tokens are read.

        Shape: (N, H) to the same.
        """
        for layer in self.layer:
            states_NH = layer(states_NH, attended)
        return states_NH


class _Layer(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.intermediate = _Dense(config.hidden_size, config.intermediate_size)
        self.output = _Added(config.intermediate_size, config)

    def forward(self, states_NH: torch.Tensor, attended: Attended) -> torch.Tensor:
        states_NH = self.attention(states_NH, attended)
        added: torch.Tensor = self.output(F.gelu(self.intermediate.dense(states_NH)), states_NH)
        return added


class _Attention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = _SelfAttention(config)
        self.output = _Added(config.hidden_size, config)

    def forward(self, states_NH: torch.Tensor, attended: Attended) -> torch.Tensor:
        added: torch.Tensor = self.output(self.self(states_NH, attended), states_NH)
        return added


class _SelfAttention(nn.Module):
    """Lets each token read the others. One product gives queries, keys and values; checkpoints have the weights of each."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.num_heads = config.num_attention_heads
        self.projection = PackedLinear(config.hidden_size, len(PROJECTED) * config.hidden_size)
        self.register_load_state_dict_pre_hook(_join_projections)
        self.register_state_dict_post_hook(_split_projection)

    def forward(self, states_NH: torch.Tensor, attended: Attended) -> torch.Tensor:
        projected = self.projection(states_NH)
        if attended is None or isinstance(attended, torch.Tensor):
            return self._read(projected, attended)
        parts = [
            self._read(padded(projected[run.rows], run.places, run.is_token), mask).flatten(0, 1).index_select(0, run.places)
            for run, mask in attended
        ]
        num_rest = len(states_NH) - attended[-1][0].rows.stop  # rows of padding
        return torch.cat([*parts, states_NH.new_zeros(num_rest, states_NH.shape[1])])

    def _read(self, projected: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return what each token reads. Shape: (B, T, 3 * H) to (B, T, H)."""
        query_BATH, key_BATH, value_BATH = (
            projected.unflatten(-1, (len(PROJECTED), self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind()
        )
        read_BATH = F.scaled_dot_product_attention(query_BATH, key_BATH, value_BATH, attn_mask=mask)
        return read_BATH.transpose(1, 2).flatten(2)


def _join_projections(_: nn.Module, state: dict[str, torch.Tensor], prefix: str, *__: object) -> None:
    """Put the weights of queries, keys and values that are to be loaded into one."""
    for kind in ("weight", "bias"):
        parts = [state.pop(f"{prefix}{name}.{kind}", None) for name in PROJECTED]
        found = [part for part in parts if part is not None]
        if found:  # if one is missing, the shape does not fit, and this is told
            state[f"{prefix}projection.{kind}"] = torch.cat(found)


def _split_projection(_: nn.Module, state: dict[str, torch.Tensor], prefix: str, __: object) -> None:
    """Name the weights of queries, keys and values that are saved as transformers does."""
    whole = {kind: state.pop(f"{prefix}projection.{kind}").chunk(len(PROJECTED)) for kind in ("weight", "bias")}
    for place, name in enumerate(PROJECTED):
        state |= {f"{prefix}{name}.{kind}": parts[place] for kind, parts in whole.items()}


class _Dense(nn.Module):
    def __init__(self, from_size: int, to_size: int) -> None:
        super().__init__()
        self.dense = PackedLinear(from_size, to_size)


class _Added(nn.Module):
    """Projects what a part of a layer found, and adds it to what the part read."""

    def __init__(self, from_size: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = PackedLinear(from_size, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, found: torch.Tensor, states_BTH: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.LayerNorm(self.dense(found) + states_BTH)
        return states
