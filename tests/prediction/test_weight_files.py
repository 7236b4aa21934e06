"""How weights are stored: whole or in parts, as rows of int8, as changes of low rank, once for two encoders."""

import json
from pathlib import Path

import pytest
import torch
from helpers import TEXTS, TYPES, make_matcher
from safetensors.torch import load_file, save_file

from spanmatch.errors import InputError
from spanmatch.model.lora import LORA_A, LORA_B
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.weight_files import (
    ROW_SCALE,
    SHARED,
    StoredWeights,
    WeightFiles,
    files_of,
    in_rows_of_int8,
    write_weights,
)

NAME = "encoder.layer.0.attention.self.query.weight"


def read_all(folder: Path) -> dict[str, torch.Tensor]:
    with WeightFiles(folder) as files:
        return {name: files.read(name) for name in files}


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


class TestRows:
    def test_by_hand(self, tmp_path: Path) -> None:
        stored = in_rows_of_int8({"a": torch.tensor([[1.27, -0.5, 0.004], [0.0, 0.0, 0.0]]), "b": torch.tensor([1.0])})
        assert stored["a"].dtype == torch.int8 and stored["a"].tolist() == [[127, -50, 0], [0, 0, 0]]
        assert stored["a" + ROW_SCALE][0].item() == pytest.approx(0.01)
        assert stored["b"].dtype == torch.float16 and "b" + ROW_SCALE not in stored
        write_weights(tmp_path, stored)
        found = read_all(tmp_path)
        assert found.keys() == {"a", "b"}
        torch.testing.assert_close(found["a"], torch.tensor([[1.27, -0.5, 0.0], [0.0, 0.0, 0.0]]))

    def test_no_element_is_off_by_more_than_half_a_step(self, tmp_path: Path) -> None:
        weight = torch.randn(50, 30, generator=torch.Generator().manual_seed(0)) * torch.logspace(-6, 3, 50)[:, None]
        write_weights(tmp_path, in_rows_of_int8({"a": weight}))
        step = weight.abs().amax(dim=1, keepdim=True) / 127
        assert ((read_all(tmp_path)["a"] - weight).abs() <= 0.5001 * step).all()


class TestLowRank:
    def weights(self) -> dict[str, torch.Tensor]:
        made = torch.Generator().manual_seed(0)
        base = {f"type_encoder.{part}": torch.randn(4, 3, generator=made) for part in ("a", "b")}
        text = {name.replace("type_encoder", "text_encoder"): weight.clone() for name, weight in base.items()}
        factors = {"text_encoder.a" + LORA_A: torch.randn(2, 3, generator=made), "text_encoder.a" + LORA_B: torch.randn(4, 2)}
        return base | text | factors | {"head.scale": torch.tensor(2.0)}

    def test_what_both_encoders_share_is_stored_once(self, tmp_path: Path) -> None:
        weights = self.weights()
        write_weights(tmp_path, weights)
        stored = load_file(tmp_path / "model.safetensors")
        factors = {"text_encoder.a" + LORA_A, "text_encoder.a" + LORA_B}
        assert stored.keys() == {"type_encoder.a", "type_encoder.b", *factors, "head.scale"}
        found = read_all(tmp_path)
        assert found.keys() == {"type_encoder.a", "type_encoder.b", "text_encoder.a", "text_encoder.b", "head.scale"}
        change = weights["text_encoder.a" + LORA_B] @ weights["text_encoder.a" + LORA_A]
        torch.testing.assert_close(found["text_encoder.a"], weights["type_encoder.a"] + change)
        assert torch.equal(found["text_encoder.b"], weights["type_encoder.b"])

    def test_what_differs_is_stored(self, tmp_path: Path) -> None:
        weights = self.weights()
        weights["text_encoder.b"] += 1
        weights["text_encoder.a"] += 1
        write_weights(tmp_path, weights)
        found = read_all(tmp_path)
        assert torch.equal(found["text_encoder.b"], weights["text_encoder.b"])
        change = weights["text_encoder.a" + LORA_B] @ weights["text_encoder.a" + LORA_A]
        torch.testing.assert_close(found["text_encoder.a"], weights["text_encoder.a"] + change)

    def test_over_rows_of_int8(self, tmp_path: Path) -> None:
        weights = self.weights()
        types = {name: weight for name, weight in weights.items() if name.startswith("type_encoder")}
        factors = {name: weight for name, weight in weights.items() if name.endswith((LORA_A, LORA_B))}
        write_weights(tmp_path, in_rows_of_int8(types) | factors)
        found = read_all(tmp_path)
        change = weights["text_encoder.a" + LORA_B] @ weights["text_encoder.a" + LORA_A]
        torch.testing.assert_close(found["text_encoder.a"], found["type_encoder.a"] + change)

    def test_a_change_of_low_rank_may_be_rows_of_int8_itself(self, tmp_path: Path) -> None:
        weights = self.weights()
        factors = {name: weight for name, weight in weights.items() if name.endswith((LORA_A, LORA_B))}
        types = {name: weight for name, weight in weights.items() if name.startswith("type_encoder")}
        stored = types | in_rows_of_int8(factors)
        write_weights(tmp_path, stored)
        low, high = (stored[name].float() * stored[name + ROW_SCALE][:, None] for name in factors)
        torch.testing.assert_close(read_all(tmp_path)["text_encoder.a"], weights["type_encoder.a"] + high @ low)

    def test_nothing_is_shared_unless_the_file_says_so(self, tmp_path: Path) -> None:
        save_file({"type_encoder.a": torch.ones(2, 2)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
        assert read_all(tmp_path).keys() == {"type_encoder.a"}
        save_file({"type_encoder.a": torch.ones(2, 2)}, tmp_path / "model.safetensors", metadata={SHARED: "true"})
        assert read_all(tmp_path).keys() == {"type_encoder.a", "text_encoder.a"}

    @pytest.mark.parametrize("broken", ["missing", "shape", "scale"])
    def test_parts_that_do_not_fit(self, broken: str, tmp_path: Path) -> None:
        weights = {"a": torch.ones(4, 3), "a" + LORA_A: torch.ones(2, 3), "a" + LORA_B: torch.ones(4, 2)}
        if broken == "missing":
            del weights["a" + LORA_B]
        elif broken == "shape":
            weights["a" + LORA_B] = torch.ones(4, 1)
        else:
            weights["a" + ROW_SCALE] = torch.tensor(1.0)
        write_weights(tmp_path, weights)
        with pytest.raises(InputError, match=r'model\.safetensors: does not fit config\.json \(the parts of "a": '):
            read_all(tmp_path)


class TestShards:
    WEIGHTS = {name: torch.full((10,), float(number)) for number, name in enumerate("abcde")}

    def test_there_and_back(self, tmp_path: Path) -> None:
        write_weights(tmp_path, self.WEIGHTS, shard_bytes=80)
        shards = [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
        assert names_in(tmp_path) == {*shards, "model.safetensors.index.json"}
        assert [path.name for path in files_of(tmp_path)] == shards
        found = read_all(tmp_path)
        assert found.keys() == self.WEIGHTS.keys() and all(torch.equal(found[name], self.WEIGHTS[name]) for name in found)
        assert json.loads((tmp_path / "model.safetensors.index.json").read_text())["metadata"] == {"total_size": 200}

    def test_other_files_of_weights_are_gone(self, tmp_path: Path) -> None:
        write_weights(tmp_path, self.WEIGHTS)
        write_weights(tmp_path, self.WEIGHTS, shard_bytes=40)
        assert len(names_in(tmp_path)) == 6 and "model.safetensors" not in names_in(tmp_path)
        write_weights(tmp_path, self.WEIGHTS, shard_bytes=80)
        assert len(names_in(tmp_path)) == 4
        write_weights(tmp_path, self.WEIGHTS)
        assert names_in(tmp_path) == {"model.safetensors"}

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "Expecting property name"),
            ("[]", "the index has no weight_map"),
            ("{}", "the index has no weight_map"),
            ('{"weight_map": {"a": "../model.safetensors"}}', "names files outside its folder"),
            ('{"weight_map": {"a": 3}}', "names files outside its folder"),
            ('{"weight_map": {"a": "model-00001-of-00009.safetensors"}}', "No such file"),
        ],
    )
    def test_an_index_that_is_broken(self, content: str, message: str, tmp_path: Path) -> None:
        write_weights(tmp_path, self.WEIGHTS, shard_bytes=80)
        (tmp_path / "model.safetensors.index.json").write_text(content)
        with pytest.raises(InputError, match=f"index.json: does not fit config.json .*{message}"):
            read_all(tmp_path)


class TestCheckpoint:
    """A checkpoint with two encoders of one set of weights, in rows of int8, in several files."""

    @pytest.fixture
    def folder(self, tiny_encoder: Path, tmp_path: Path) -> Path:
        matcher = make_matcher(tiny_encoder, type_encoder="separate")
        folder = tmp_path / "small"
        matcher.save_pretrained(folder)
        weights = matcher.model.state_dict()
        made = torch.Generator().manual_seed(0)
        name = f"text_encoder.{NAME}"
        rows, columns = weights[name].shape
        factors = {
            name + LORA_A: torch.randn(2, columns, generator=made) / 10,
            name + LORA_B: torch.randn(rows, 2, generator=made) / 10,
        }
        kept = {name: weight for name, weight in weights.items() if not name.startswith("text_encoder")}
        write_weights(folder, in_rows_of_int8(kept) | factors, shard_bytes=20_000)
        return folder

    def test_it_tags(self, folder: Path) -> None:
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype="float32")
        text, types = (encoder.state_dict() for encoder in (matcher.model.text_encoder, matcher.model.encoder_of_types))
        assert {name for name in types if not torch.equal(text[name], types[name])} == {NAME}
        assert matcher.predict(TEXTS["plain"], TYPES, threshold=0.01)

    @pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
    def test_it_is_saved_as_it_was(self, dtype: str, folder: Path, tmp_path: Path) -> None:
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype=dtype)
        (tmp_path / "saved").mkdir()
        (tmp_path / "saved" / "model.safetensors").write_bytes(b"of an earlier checkpoint")
        for _ in range(2):
            matcher.save_pretrained(tmp_path / "saved")
            assert names_in(tmp_path / "saved") == names_in(folder)
            for path in folder.glob("model*"):
                assert (tmp_path / "saved" / path.name).read_bytes() == path.read_bytes()

    def test_what_was_changed_is_saved_as_it_is(self, folder: Path, tmp_path: Path) -> None:
        before = read_all(folder)
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype="bfloat16")
        with torch.no_grad():
            matcher.model.head.scale.mul_(2)
        matcher.save_pretrained(tmp_path / "saved")
        after = read_all(tmp_path / "saved")
        assert before.keys() == after.keys()
        assert {name for name in before if not torch.equal(before[name].float(), after[name].float())} == {"head.scale"}

    def test_a_shard_that_is_missing(self, folder: Path) -> None:
        files_of(folder)[-1].unlink()
        with pytest.raises(InputError, match=r"does not fit config\.json"):
            SpanMatcher.from_pretrained(folder)

    def test_stamps_of_what_is_gone(self, tmp_path: Path) -> None:
        assert StoredWeights.of(tmp_path).stamps == ()
