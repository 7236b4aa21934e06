"""Checkpoints: what is saved is loaded, and what does not fit is refused."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from helpers import EVERYTHING, TEXTS, TYPES, Key, make_matcher, scores_of
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
        assert everything(loaded, self.TEXT) == everything(matcher, self.TEXT)
        assert loaded.predict(self.TEXT, TYPES) == matcher.predict(self.TEXT, TYPES)

    def test_of_every_family(self, family_matcher: SpanMatcher, tmp_path: Path) -> None:
        family_matcher.save_pretrained(tmp_path)
        loaded = SpanMatcher.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert everything(loaded, self.TEXT) == everything(family_matcher, self.TEXT)

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
            ("missing", 'Missing key(s) in state_dict: "head.bias"'),
            ("unexpected", 'Unexpected key(s) in state_dict: "head.other"'),
            ("shape", "size mismatch for head.bias"),
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

    def test_thresholds_above_a_null_slot_that_it_has_not(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        Calibration(threshold=0.5, slot="cls").save(tmp_path)
        with pytest.raises(InputError, match=r'thresholds.json: thresholds above the null slot "cls", which this checkpoint has'):
            SpanMatcher.from_pretrained(tmp_path)

    def test_the_configuration_is_all_that_is_needed(self, tiny_matcher: SpanMatcher, tmp_path: Path) -> None:
        tiny_matcher.save_pretrained(tmp_path)
        config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
        assert config == json.loads(json.dumps(tiny_matcher.config.as_dict()))
        built = SpanMatcherModel(tiny_matcher.config)
        assert built.state_dict().keys() == tiny_matcher.model.state_dict().keys()
