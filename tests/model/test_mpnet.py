"""MPNet without transformers: the states of transformers' own, and the configurations that it leaves to that."""

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import TEXTS, TYPES, assert_same, make_matcher, scores_of
from helpers_encoders import write_wordpiece
from transformers import AutoTokenizer, MPNetConfig, MPNetModel
from transformers.models.mpnet.modeling_mpnet import MPNetEncoder

from spanmatch.model.mpnet import Mpnet, buckets, is_mpnet
from spanmatch.prediction.matcher import SpanMatcher

SIZES: dict[str, Any] = {
    "vocab_size": 90,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 42,
}
CLOSE = {torch.float32: {"rtol": 0, "atol": 2e-5}, torch.bfloat16: {"rtol": 0, "atol": 0.08}}


def both(dtype: torch.dtype, **settings: Any) -> tuple[Mpnet, MPNetModel]:
    """One of ours and one of transformers, with the same weights."""
    theirs = MPNetModel(MPNetConfig(**SIZES | settings), add_pooling_layer=False)
    with torch.no_grad():
        for weight in theirs.parameters():  # biases and LayerNorms, too
            weight.copy_(torch.randn_like(weight) / 3)
    ours = Mpnet(theirs.config.to_dict())
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours.to(dtype).eval(), theirs.to(dtype).eval()


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("settings", [{}, {"num_attention_heads": 2, "layer_norm_eps": 1e-3}])
def test_states_are_those_of_transformers(dtype: torch.dtype, settings: dict[str, Any]) -> None:
    ours, theirs = both(dtype, **settings)
    generator = torch.Generator().manual_seed(0)
    for num_texts, length in ((1, 1), (1, 17), (3, 40), (8, 12), (64, 30)):
        ids = torch.randint(2, SIZES["vocab_size"], (num_texts, length), generator=generator)
        lengths = torch.randint(1, length + 1, (num_texts, 1), generator=generator)
        if num_texts > 4:  # as batches are: the longest first
            lengths = lengths.sort(0, descending=True).values
        mask = (torch.arange(length) < lengths).long()
        for given in ({}, {"attention_mask": mask}):
            own_ids = ids if not given else ids.where(mask.bool(), 1)
            expected = theirs(input_ids=own_ids, **given).last_hidden_state
            states = ours(input_ids=own_ids, **given).last_hidden_state
            is_token = given.get("attention_mask", torch.ones_like(ids)).bool()
            torch.testing.assert_close(states[is_token], expected[is_token], **CLOSE[dtype])
            assert bool(states.isfinite().all())
            assert float(expected.abs().max()) > 0.1


def test_order_matters() -> None:
    """By positions, and by relative positions alone."""
    ours, _ = both(torch.float32)
    with torch.no_grad():
        ours.embeddings.position_embeddings.weight.zero_()
    one, other = (ours(input_ids=torch.tensor([ids])).last_hidden_state for ids in ([5, 6, 7, 8], [8, 6, 7, 5]))
    assert not torch.allclose(one[0, 1], other[0, 1], atol=1e-3)


def test_buckets_are_those_of_transformers() -> None:
    distance = torch.arange(-600, 600)
    assert torch.equal(buckets(distance), MPNetEncoder.relative_position_bucket(distance, num_buckets=32, max_distance=128))


def test_names_and_order_of_weights_are_those_of_transformers() -> None:
    ours, theirs = both(torch.float32)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert ours.get_input_embeddings().num_embeddings == SIZES["vocab_size"]


@pytest.mark.parametrize("architecture", ["bi", "cross"])
def test_a_matcher_finds_what_it_did_in_its_training(architecture: str, tmp_path: Path) -> None:
    """A training has transformers' own; a cross-encoder has no segments for the types behind a text."""
    write_wordpiece(tmp_path / "encoder")
    num_tokens = len(AutoTokenizer.from_pretrained(tmp_path / "encoder", trust_remote_code=False))
    torch.manual_seed(0)
    MPNetModel(MPNetConfig(**SIZES | {"vocab_size": num_tokens, "max_position_embeddings": 128})).save_pretrained(
        tmp_path / "encoder"
    )
    trained = make_matcher(tmp_path / "encoder", architecture)
    assert isinstance(trained.model.text_encoder, MPNetModel)
    trained.save_pretrained(tmp_path / "matcher")
    loaded = SpanMatcher.from_pretrained(tmp_path / "matcher", device="cpu", dtype="float32")
    assert isinstance(loaded.model.text_encoder, Mpnet)
    found, expected = (
        [scores_of(own) for own in matcher.predict(list(TEXTS.values()), TYPES, threshold=0.01)] for matcher in (loaded, trained)
    )
    assert any(expected)
    assert_same(found, expected)


@pytest.mark.parametrize("other", [{"model_type": "bert"}, {"hidden_act": "relu"}])
def test_what_it_does_not_compute(other: dict[str, Any]) -> None:
    described = MPNetConfig(**SIZES).to_dict()
    assert is_mpnet(described) and is_mpnet({"model_type": "mpnet"}) and not is_mpnet({})
    assert not is_mpnet(described | other)


@pytest.mark.parametrize(("key", "value"), [("hidden_size", 31), ("num_hidden_layers", 0), ("relative_attention_num_buckets", 8)])
def test_sizes_that_are_none(key: str, value: object) -> None:
    with pytest.raises(ValueError, match=key):
        Mpnet(SIZES | {key: value})
