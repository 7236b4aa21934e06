"""Checkpoints in transformers' Auto classes: the same configuration, weights and scores, and none that do not fit."""

import json
from pathlib import Path

import pytest
import torch
from helpers import TEXTS, TYPES, collate_types, make_example, make_matcher
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoTokenizer

from spanmatch.batching.collate import collate_texts
from spanmatch.errors import InputError
from spanmatch.integrations.auto_model import SpanmatchConfig, SpanmatchModel
from spanmatch.prediction.matcher import SpanMatcher

MATCHERS = {
    "bi": {"architecture": "bi"},
    "separate": {"architecture": "bi", "type_encoder": "separate"},
    "cross": {"architecture": "cross"},
}


@pytest.fixture(params=MATCHERS)
def folder(request: pytest.FixtureRequest, tiny_encoder: Path, tmp_path: Path) -> Path:
    make_matcher(tiny_encoder, **MATCHERS[request.param]).save_pretrained(tmp_path)
    return tmp_path


def test_the_configuration(folder: Path) -> None:
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    assert isinstance(config, SpanmatchConfig)
    assert config.matcher_config == SpanMatcher.from_pretrained(folder, device="cpu").config
    config.save_pretrained(folder / "again")
    assert AutoConfig.from_pretrained(folder / "again", trust_remote_code=False).matcher_config == config.matcher_config


def test_the_model(folder: Path) -> None:
    model = AutoModel.from_pretrained(folder, trust_remote_code=False)
    assert isinstance(model, SpanmatchModel) and not model.training
    ours = SpanMatcher.from_pretrained(folder, device="cpu", dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(folder, subfolder="tokenizer", trust_remote_code=False)
    theirs = SpanMatcher(model.matcher, tokenizer, ours.type_tokenizer)
    everything = {"threshold": 0.001, "overlap": "multi-label"}
    found = theirs.predict(TEXTS["plain"], TYPES, **everything)  # type: ignore[call-overload]
    assert found and found == ours.predict(TEXTS["plain"], TYPES, **everything)  # type: ignore[call-overload]


def test_its_logits(tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
    tiny_matcher.save_pretrained(tmp_path)
    model = AutoModel.from_pretrained(tmp_path, trust_remote_code=False)
    [views] = tiny_matcher.batcher.windows([make_example("Ada met Bob")])
    texts = collate_texts(views, tiny_matcher.batcher)
    types = [collate_types(TYPES, tiny_matcher.batcher.lone_type_tokenizer)]
    with tiny_matcher.inference():
        assert torch.equal(model(texts, types).spans.logits, tiny_matcher.model(texts, types).spans.logits)


def test_what_it_saves_it_loads(folder: Path) -> None:
    model = AutoModel.from_pretrained(folder, trust_remote_code=False)
    model.save_pretrained(folder / "again")
    loaded, report = AutoModel.from_pretrained(folder / "again", trust_remote_code=False, output_loading_info=True)
    assert not report["missing_keys"]
    state = loaded.state_dict()
    assert all(torch.equal(weight, state[name]) for name, weight in model.state_dict().items())


@pytest.mark.parametrize("change", ["missing", "unexpected"])
def test_weights_that_do_not_fit(change: str, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
    tiny_matcher.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    if change == "missing":
        del weights["head.bias"]
    else:
        weights["head.other"] = torch.zeros(1)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r'1 weights such as "[a-z.]+" do not fit config.json; copy or train'):
        AutoModel.from_pretrained(tmp_path, trust_remote_code=False)


def test_the_model_that_ships(tmp_path: Path) -> None:
    """... is named for transformers, too."""
    folder = Path(__file__).resolve().parents[2] / "models" / "spanmatch-mini"
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"] == "spanmatch"
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    assert config.matcher_config == SpanMatcher.from_pretrained(folder).config
