"""BERT without transformers: the states of transformers' own, to the bit, and the configurations that it leaves to that."""

from typing import Any

import pytest
import torch
from transformers import BertConfig as TransformersConfig
from transformers import BertModel

from spanmatch.model.bert import Bert, is_bert

SIZES: dict[str, Any] = {
    "vocab_size": 90,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 40,
}


def both(dtype: torch.dtype, **settings: Any) -> tuple[Bert, BertModel]:
    """One of ours and one of transformers, with the same weights."""
    theirs = BertModel(TransformersConfig(**SIZES | settings), add_pooling_layer=False)
    with torch.no_grad():
        for weight in theirs.parameters():  # biases and LayerNorms, too
            weight.copy_(torch.randn_like(weight) / 3)
    ours = Bert(theirs.config.to_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours.to(dtype).eval(), theirs.to(dtype).eval()


CLOSE = {torch.float32: {"rtol": 0, "atol": 1e-5}, torch.bfloat16: {"rtol": 0, "atol": 0.06}}


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("settings", [{}, {"num_attention_heads": 2, "type_vocab_size": 3, "layer_norm_eps": 1e-3}])
def test_states_are_those_of_transformers(dtype: torch.dtype, settings: dict[str, Any]) -> None:
    ours, theirs = both(dtype, **settings)
    generator = torch.Generator().manual_seed(0)
    for num_texts, length in ((1, 1), (1, 17), (3, 40), (8, 12), (64, 30)):
        ids = torch.randint(SIZES["vocab_size"], (num_texts, length), generator=generator)
        lengths = torch.randint(1, length + 1, (num_texts, 1), generator=generator)
        if num_texts > 4:  # as batches are: the longest first
            lengths = lengths.sort(0, descending=True).values
        mask, segments = (torch.arange(length) < lengths).long(), (torch.arange(length) > lengths // 2).long()
        for given in ({}, {"attention_mask": mask}, {"attention_mask": mask, "token_type_ids": segments}):
            expected, states = theirs(input_ids=ids, **given).last_hidden_state, ours(input_ids=ids, **given).last_hidden_state
            is_token = given.get("attention_mask", torch.ones_like(ids)).bool()
            if bool(is_token.all()):
                assert torch.equal(states, expected)
            # Among padding of another length, attention rounds otherwise.
            torch.testing.assert_close(states[is_token], expected[is_token], **CLOSE[dtype])
            assert bool(states.isfinite().all())
            assert float(expected.abs().max()) > 0.1


def test_names_and_order_of_weights_are_those_of_transformers() -> None:
    ours, theirs = both(torch.float32)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.get_input_embeddings().num_embeddings == SIZES["vocab_size"]


@pytest.mark.parametrize(
    "other", [{"model_type": "roberta"}, {"hidden_act": "relu"}, {"is_decoder": True}, {"add_cross_attention": None}]
)
def test_what_it_does_not_compute(other: dict[str, Any]) -> None:
    described = TransformersConfig(**SIZES).to_dict()
    assert is_bert(described) and is_bert({"model_type": "bert"}) and not is_bert({})
    assert not is_bert(described | other)


@pytest.mark.parametrize(
    ("key", "value"), [("hidden_size", "wide"), ("hidden_size", 31), ("num_hidden_layers", 0), ("layer_norm_eps", "1e-12"),
                       ("vocab_size", True), ("num_attention_heads", 2.0), ("type_vocab_size", -1)]
)  # fmt: skip
def test_sizes_that_are_none(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        Bert(SIZES | {key: value})
