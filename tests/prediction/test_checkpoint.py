"""Checkpoints: what is saved is loaded, and what does not fit is refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from helpers import EVERYTHING, TEXTS, TYPES, Key, assert_same, make_matcher, scores_of
from helpers_e2e import snapshot
from safetensors.torch import load_file, save_file

from spanmatch.errors import InputError
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import Calibration

LONG = " ".join(["Ada Lovelace moved to New York, Zoë Müller to Montréal; 马云在杭州."] * 12)


def everything(matcher: SpanMatcher, texts: Sequence[str], batch_size: int = 32) -> list[dict[Key, float]]:
    """The score of every candidate and type of each text."""
    predicted = matcher.predict(texts, TYPES, threshold=EVERYTHING, overlap="multi-label", batch_size=batch_size)
    return [scores_of(entities) for entities in predicted]


class TestCheckpoint:
    TEXT = list(TEXTS.values())

    @pytest.mark.parametrize("type_encoder", ["shared", "separate"])
    def test_saved_is_loaded_to_the_bit(self, type_encoder: str, tiny_encoder: Path, tmp_path: Path) -> None:
        matcher = make_matcher(tiny_encoder, type_encoder=type_encoder)
        matcher.calibration = Calibration(threshold=0.25, per_type={"city": 0.75})
        matcher.save_pretrained(tmp_path / "checkpoint")
        loaded = SpanMatcher.from_pretrained(tmp_path / "checkpoint", device="cpu", dtype="float32")
        assert loaded.config == matcher.config and loaded.calibration == matcher.calibration
        state = loaded.model.state_dict()
        assert state.keys() == matcher.model.state_dict().keys()
        assert all(torch.equal(state[name], weight) for name, weight in matcher.model.state_dict().items())
        # Without padding, the encoder that is loaded computes to the bit what the one that was trained does.
        assert loaded.predict(self.TEXT[:1], ["city"], threshold=EVERYTHING) == matcher.predict(
            self.TEXT[:1], ["city"], threshold=EVERYTHING
        )
        assert_same(everything(loaded, self.TEXT), everything(matcher, self.TEXT))

    def test_of_every_family(self, family_matcher: SpanMatcher, tmp_path: Path) -> None:
        family_matcher.save_pretrained(tmp_path)
        loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert_same(everything(loaded, self.TEXT), everything(family_matcher, self.TEXT))

    def test_one_tower_is_saved_once(self, tiny_encoder: Path, tmp_path: Path) -> None:
        shared, separate = make_matcher(tiny_encoder), make_matcher(tiny_encoder, type_encoder="separate")
        shared.save_pretrained(tmp_path / "shared")
        separate.save_pretrained(tmp_path / "separate")
        weights = {name: load_file(tmp_path / name / "model.safetensors") for name in ("shared", "separate")}
        parts = {name: {key.partition(".")[0] for key in found} for name, found in weights.items()}
        assert parts == {"shared": {"text_encoder", "head"}, "separate": {"text_encoder", "type_encoder", "head"}}
        assert not (tmp_path / "shared" / "type_tokenizer").exists() and (tmp_path / "separate" / "type_tokenizer").is_dir()

    def test_what_was_there_before_is_gone(self, tiny_encoder: Path, tmp_path: Path) -> None:
        before = make_matcher(tiny_encoder, type_encoder="separate")
        before.calibration = Calibration(threshold=0.25)
        before.save_pretrained(tmp_path)
        make_matcher(tiny_encoder).save_pretrained(tmp_path)
        assert not (tmp_path / "type_tokenizer").exists() and not (tmp_path / "thresholds.json").exists()
        assert SpanMatcher.from_pretrained(tmp_path).calibration is None

    def test_no_pickle(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        assert {path.suffix for path in tmp_path.rglob("*") if path.is_file()} <= {".json", ".safetensors", ".txt", ".jinja"}

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ("missing", '"head.bias" is missing, expected []'),
            ("unexpected", '"head.other" is [1], expected no such weight'),
            ("shape", '"head.bias" is [3], expected []'),
        ],
    )
    def test_weights_that_do_not_fit(self, change: str, message: str, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        weights = load_file(tmp_path / "model.safetensors")
        if change == "missing":
            del weights["head.bias"]
        elif change == "unexpected":
            weights["head.other"] = torch.zeros(1)
        else:
            weights["head.bias"] = torch.zeros(3)
        save_file(weights, tmp_path / "model.safetensors")
        with pytest.raises(InputError) as caught:
            SpanMatcher.from_pretrained(tmp_path)
        assert message in str(caught.value) and "model.safetensors: does not fit config.json" in str(caught.value)

    def test_a_folder_of_links_gets_files_of_its_own(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        """What the links lead to is another checkpoint."""
        source, links = tmp_path / "source", tmp_path / "links"
        tiny_matcher.calibration = Calibration(threshold=0.25, slot=None)
        tiny_matcher.save_pretrained(source)
        links.mkdir()
        for path in source.iterdir():
            (links / path.name).symlink_to(path)
        before = snapshot(source)
        with torch.no_grad():
            tiny_matcher.model.head.type_proj.weight += 1
        tiny_matcher.calibration.save(links)
        tiny_matcher.save_pretrained(links)
        assert snapshot(source) == before
        assert not any(path.is_symlink() for path in links.iterdir())
        loaded = SpanMatcher.from_pretrained(links).model.head.type_proj.weight
        assert torch.equal(loaded, tiny_matcher.model.head.type_proj.weight.to(loaded.dtype))

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("head_size", -1), ("head_size", 10**400), ("max_span_width", 0), ("max_span_width", "12"), ("max_length", None),
            ("max_type_length", True), ("max_types", 0), ("candidates", "word"), ("type_pooling", ["mean"]),
            ("line_breaks", "no"), ("background_weight", "1"), ("background_weight", float("nan")), ("type_norm", -1.0),
            ("type_norm", []), ("text_encoder", None), ("type_encoder", []),
            ("null_slots", ["cls"]), ("null_slots", {"cls": None}), ("type_prompt", 3), ("objective", None),
            ("text_encoder", {"model_type": "bert", "hidden_size": "wide"}),
            ("text_encoder", {"model_type": "bert", "add_cross_attention": None}),
        ],
    )  # fmt: skip
    def test_a_value_that_is_wrong(self, key: str, value: object, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        config = tmp_path / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text(encoding="utf-8")) | {key: value}), encoding="utf-8")
        with pytest.raises(InputError, match=r"config\.json: ") as caught:
            SpanMatcher.from_pretrained(tmp_path)
        assert key in str(caught.value) or key == "text_encoder"

    @pytest.mark.parametrize("key", ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers"])
    def test_a_number_that_asks_for_too_much(self, key: str, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        """... of memory or time is refused before either is spent."""
        tiny_matcher.save_pretrained(tmp_path)
        config = tmp_path / "config.json"
        content = json.loads(config.read_text(encoding="utf-8"))
        content["text_encoder"][key] = 1 << 36
        config.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(InputError, match=r"(does not fit config\.json|config\.json: describes no model)"):
            SpanMatcher.from_pretrained(tmp_path)

    def test_a_tokenizer_of_another_encoder(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        tokenizer = tmp_path / "tokenizer" / "tokenizer.json"
        content = json.loads(tokenizer.read_text(encoding="utf-8"))
        word = next(iter(content["model"]["vocab"]))
        content["model"]["vocab"][word] = 90_000
        tokenizer.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(InputError, match="token ids up to 90000, but the encoder has"):
            SpanMatcher.from_pretrained(tmp_path)

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_weights_that_are_no_numbers(self, value: float, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        with torch.no_grad():
            tiny_matcher.model.head.type_proj.weight[0, 0] = value
        tiny_matcher.save_pretrained(tmp_path)
        with pytest.raises(InputError, match=r"1 weights such as \"head.type_proj.weight\" are infinite or NaN"):
            SpanMatcher.from_pretrained(tmp_path)

    def test_thresholds_above_a_null_slot_that_it_has_not(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        Calibration(threshold=0.5, slot="cls").save(tmp_path)
        with pytest.raises(InputError, match=r'thresholds.json: thresholds above the null slot "cls", which this checkpoint has'):
            SpanMatcher.from_pretrained(tmp_path)

    def test_the_configuration_is_all_that_is_needed(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
        assert config == {"model_type": "spanmatch"} | json.loads(json.dumps(tiny_matcher.config.as_dict()))
        built = SpanMatcherModel(tiny_matcher.config)
        assert built.state_dict().keys() == tiny_matcher.model.state_dict().keys()

    def test_the_configuration_of_an_older_version(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        """... did not say what it is of; one that is of something else is refused."""
        tiny_matcher.save_pretrained(tmp_path)
        file = tmp_path / "config.json"
        values = json.loads(file.read_text(encoding="utf-8"))
        assert values.pop("model_type") == "spanmatch"
        file.write_text(json.dumps(values), encoding="utf-8")
        assert SpanMatcher.from_pretrained(tmp_path).config == tiny_matcher.config
        file.write_text(json.dumps(values | {"model_type": "bert"}), encoding="utf-8")
        with pytest.raises(InputError, match=r"config\.json: unknown keys \['model_type'\]"):
            SpanMatcher.from_pretrained(tmp_path)


class TestTheCard:
    """A model card goes with the weights that it is about."""

    @pytest.fixture
    def matcher(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> SpanMatcher:
        tiny_matcher.save_pretrained(tmp_path / "trained")
        (tmp_path / "trained" / "README.md").write_text("a card", encoding="utf-8")
        return SpanMatcher.from_pretrained(tmp_path / "trained", device="cpu", dtype="bfloat16")

    def test_it_is_copied(self, matcher: SpanMatcher, tmp_path: Path) -> None:
        matcher.save_pretrained(tmp_path / "copy")
        assert (tmp_path / "copy" / "README.md").read_text(encoding="utf-8") == "a card"

    def test_one_that_is_there_stays(self, matcher: SpanMatcher, tmp_path: Path) -> None:
        (tmp_path / "copy").mkdir()
        (tmp_path / "copy" / "README.md").write_text("another", encoding="utf-8")
        matcher.save_pretrained(tmp_path / "copy")
        assert (tmp_path / "copy" / "README.md").read_text(encoding="utf-8") == "another"

    def test_other_weights_have_none(self, matcher: SpanMatcher, tmp_path: Path) -> None:
        with torch.no_grad():
            matcher.model.head.scale.mul_(2)
        matcher.save_pretrained(tmp_path / "copy")
        assert not (tmp_path / "copy" / "README.md").exists()


class TestAsTheyWere:
    """Weights are saved as they were loaded, whatever the precision that the matcher computes in."""

    @pytest.fixture(params=["float32", "float16"])
    def folder(self, request: pytest.FixtureRequest, tiny_matcher: SpanMatcher, tmp_path: Path) -> Path:
        """A checkpoint whose weights are stored in one precision or the other, and not in the usual order."""
        folder = tmp_path / "loaded"
        tiny_matcher.save_pretrained(folder)
        weights = load_file(folder / "model.safetensors")
        dtype = getattr(torch, request.param)
        stored = {name: weights[name].to(dtype) for name in reversed(weights)}
        save_file(stored, folder / "model.safetensors", metadata={"format": "pt", "by": "a test"})
        return folder

    @pytest.mark.parametrize("dtype", [None, "float32", "bfloat16", "float16"])
    @pytest.mark.parametrize("then", [(), (torch.float32,), (torch.float16,), (torch.bfloat16, torch.float32)])
    def test_byte_for_byte(
        self, dtype: str | None, then: Sequence[torch.dtype], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """... also where the device computes in bfloat16 by itself, and the model was moved to another precision since."""
        monkeypatch.setattr("spanmatch.model.devices.native_dtype", lambda device: torch.bfloat16)
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype=dtype)
        for precision in then:
            matcher.model.to(precision)
        before = matcher.predict(TEXTS["plain"], TYPES, threshold=0.01)
        matcher.save_pretrained(tmp_path / "saved")
        for name in ("model.safetensors", "config.json"):
            assert (tmp_path / "saved" / name).read_bytes() == (folder / name).read_bytes()
        assert matcher.predict(TEXTS["plain"], TYPES, threshold=0.01) == before

    def test_what_was_trained_is_saved_as_it_is(self, folder: Path, tmp_path: Path) -> None:
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype="bfloat16")
        with torch.no_grad():
            matcher.model.head.scale.mul_(2)
        matcher.save_pretrained(tmp_path / "saved")
        before, after = (load_file(place / "model.safetensors") for place in (folder, tmp_path / "saved"))
        assert before.keys() == after.keys()
        changed = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
        assert changed == {"head.scale"} and torch.equal(after["head.scale"], matcher.model.head.scale)

    def test_over_itself_again_and_again(self, folder: Path, tmp_path: Path) -> None:
        stored = (folder / "model.safetensors").read_bytes()
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype="bfloat16")
        for _ in range(2):
            matcher.save_pretrained(folder)
            assert (folder / "model.safetensors").read_bytes() == stored
        with torch.no_grad():
            matcher.model.head.scale.mul_(2)
        for place in (folder, folder, tmp_path / "copy"):
            matcher.save_pretrained(place)
            weights = load_file(place / "model.safetensors")
            assert torch.equal(weights["head.scale"], matcher.model.head.scale)
            assert weights["head.type_proj.weight"].dtype != torch.bfloat16

    @pytest.mark.parametrize("change", ["gone", "trained anew"])
    def test_without_the_file_nothing_is_rounded_silently(self, change: str, folder: Path, tmp_path: Path) -> None:
        rounded, exact = (SpanMatcher.from_pretrained(folder, device="cpu", dtype=dtype) for dtype in ("bfloat16", "float32"))
        weights = load_file(folder / "model.safetensors")
        (folder / "model.safetensors").unlink()
        if change == "trained anew":
            save_file({name: weight + 1 for name, weight in weights.items()}, folder / "model.safetensors", metadata={"a": "b"})
        with pytest.raises(InputError, match=r'model\.safetensors: .* load the checkpoint with dtype="float32" to save it'):
            rounded.save_pretrained(tmp_path / "rounded")
        assert not (tmp_path / "rounded").exists()
        exact.save_pretrained(tmp_path / "exact")
        found = load_file(tmp_path / "exact" / "model.safetensors")
        assert all(torch.equal(found[name], weight.float()) for name, weight in weights.items())

    def test_another_model_is_saved_as_it_is(self, folder: Path, tiny_encoder: Path, tmp_path: Path) -> None:
        matcher = SpanMatcher.from_pretrained(folder, device="cpu", dtype="bfloat16")
        matcher.model = make_matcher(tiny_encoder).model
        (folder / "model.safetensors").unlink()
        matcher.save_pretrained(tmp_path / "saved")
        assert all(weight.dtype == torch.float32 for weight in load_file(tmp_path / "saved" / "model.safetensors").values())
