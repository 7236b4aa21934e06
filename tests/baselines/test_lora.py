"""Adapters of low rank: what is trained, what is frozen, what is said where PEFT or a layer is missing."""

import sys
from pathlib import Path

import pytest

from spanmatch.baselines.lora import load_adapters, num_trained, with_adapters
from spanmatch.baselines.token_classifier import Labels, load_model
from spanmatch.entities import EntityType
from spanmatch.errors import InputError

OPTIONS = {"rank": 4, "alpha": None, "dropout": 0.0, "task": "TOKEN_CLS"}


def test_adapters_and_the_new_head_are_trained(encoder_folders: dict[str, Path]) -> None:
    model, _ = load_model(str(encoder_folders["WordPiece"]), Labels.of_types([EntityType(name="person")]).for_config())
    whole = num_trained(model)
    adapted = with_adapters(model, **OPTIONS, targets="query,value")  # type: ignore[arg-type]
    trained = {name for name, parameter in adapted.named_parameters() if parameter.requires_grad}
    assert trained and all("lora_" in name or "classifier" in name for name in trained)
    assert {name.partition(".attention.")[2].split(".")[1] for name in trained if "lora_" in name} == {"query", "value"}
    assert 0 < num_trained(adapted) < whole / 4
    assert adapted.peft_config["default"].lora_alpha == 8, "twice the rank"


def test_no_such_layer(encoder_folders: dict[str, Path]) -> None:
    model, _ = load_model(str(encoder_folders["WordPiece"]), Labels.of_types([EntityType(name="person")]).for_config())
    with pytest.raises(InputError, match=r'lora_targets: no layer for "quary" .*; did you mean "query"\?'):
        with_adapters(model, **OPTIONS, targets="quary")  # type: ignore[arg-type]


def test_the_extra_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(InputError, match=r"pip install 'spanmatch\[lora\]'"):
        with_adapters(None, **OPTIONS, targets="all-linear")  # type: ignore[arg-type]


def test_weights_that_are_no_safetensors_are_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.bin").write_bytes(b"a pickle")
    with pytest.raises(InputError, match=r"no adapter_model\.safetensors in it"):
        load_adapters(None, tmp_path)
