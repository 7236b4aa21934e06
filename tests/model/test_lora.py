"""Adapters of low rank: what is trained, what is frozen, what is said where PEFT or a layer is missing."""

import sys
from pathlib import Path

import pytest
import torch

from spanmatch.baselines.token_classifier import Labels, load_model
from spanmatch.entities import EntityType
from spanmatch.errors import InputError
from spanmatch.model.encoders import load_pretrained
from spanmatch.model.lora import LORA_A, LORA_B, add_adapters, load_adapters, num_trained, with_adapters

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


class TestInPlace:
    """Adapters of an encoder whose weights keep their names."""

    GIVEN = {"rank": 2, "alpha": 3.0, "dropout": 0.0, "targets": "all-linear"}

    @pytest.mark.parametrize("family", ["WordPiece", "BPE"])
    def test_names_and_values(self, family: str, encoder_folders: dict[str, Path]) -> None:
        encoder, plain = (load_pretrained(str(encoder_folders[family])).model.eval() for _ in range(2))
        add_adapters(encoder, **self.GIVEN)  # type: ignore[arg-type]
        before, state = plain.state_dict(), encoder.state_dict()
        factors = {name for name in state if name.endswith((LORA_A, LORA_B))}
        assert factors and state.keys() - factors == before.keys()
        assert all(torch.equal(state[name], weight) for name, weight in before.items())
        assert {name for name, weight in encoder.named_parameters() if weight.requires_grad} == {
            name for name, _ in encoder.named_parameters() if ".lora_" in name
        }
        with torch.no_grad():
            for name, weight in encoder.named_parameters():
                if ".lora_B" in name:
                    weight.normal_(std=0.2)
        ids = torch.arange(3, 20)[None]
        adapted = encoder(input_ids=ids).last_hidden_state
        assert not torch.allclose(adapted, plain(input_ids=ids).last_hidden_state, atol=1e-3)
        state = encoder.state_dict()
        with torch.no_grad():
            for name, weight in plain.named_parameters():
                if name + LORA_A in state:
                    weight += state[name + LORA_B] @ state[name + LORA_A]
        torch.testing.assert_close(plain(input_ids=ids).last_hidden_state, adapted, atol=1e-5, rtol=1e-4)

    def test_there_and_back(self, encoder_folders: dict[str, Path]) -> None:
        one, other = (load_pretrained(str(encoder_folders["WordPiece"])).model for _ in range(2))
        for encoder in (one, other):
            add_adapters(encoder, **self.GIVEN)  # type: ignore[arg-type]
        with torch.no_grad():
            for weight in one.parameters():
                weight.normal_()
        found = other.load_state_dict(one.state_dict())
        assert not found.missing_keys and not found.unexpected_keys
        for (name, weight), (_, same) in zip(one.named_parameters(), other.named_parameters(), strict=True):
            torch.testing.assert_close(weight, same, msg=name)

    def test_no_such_layer(self, encoder_folders: dict[str, Path]) -> None:
        encoder = load_pretrained(str(encoder_folders["WordPiece"])).model
        with pytest.raises(InputError, match=r'lora_targets: no layer for "quary"'):
            add_adapters(encoder, **self.GIVEN | {"targets": "quary"})  # type: ignore[arg-type]
