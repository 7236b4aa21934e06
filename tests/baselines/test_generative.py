"""`GenerativeTagger`: a tagger like all others, whatever its model writes."""

import json
import logging
import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_e2e import sentences, spanmatch, write_jsonl
from helpers_generative import FAMILIES, annotated, make_generator, write_generator

from spanmatch.baselines import generative
from spanmatch.baselines.generation import Written
from spanmatch.baselines.generative import GenerativeTagger
from spanmatch.errors import InputError
from spanmatch.model.lora import with_adapters
from spanmatch.prediction.tagger import Tagger, load_tagger
from spanmatch.prediction.thresholds import Calibration

TYPES = ["person", "city", "company"]


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_generator(tmp_path_factory.mktemp("models") / "llama", "Llama")


@pytest.fixture(scope="module")
def folder(model_folder: Path) -> Path:
    """A tagger with random weights that writes only what can be read, so that it finds something."""
    tagger = make_generator(model_folder, constrained=True)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in tagger.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    tagger.save_pretrained(model_folder.parent / "tagger")
    return model_folder.parent / "tagger"


def load(folder: Path, **options: Any) -> GenerativeTagger:
    return GenerativeTagger.from_pretrained(folder, device="cpu", dtype="float32", **options)


def writes(monkeypatch: pytest.MonkeyPatch, *answers: str, value: float = 0.0) -> None:
    """Let every model write these answers, one after the other, a token a character, of one log-probability."""
    left = list(answers)

    def written(model: Any, tokenizer: Any, prompts: Sequence[Any], **options: Any) -> list[Written]:
        texts = [left.pop(0) for _ in prompts]
        return [Written(text=text, ends=list(range(1, len(text) + 1)), log_probabilities=[value] * len(text)) for text in texts]

    monkeypatch.setattr(generative, "generate", written)


class TestEntities:
    @pytest.mark.parametrize(
        ("text", "answer", "found"),
        [
            ("Ada Lovelace met Bob", "Ada: B-person\nLovelace: I-person\nBob: B-person\n[stop]", ["Ada Lovelace", "Bob"]),
            ("Ada Bob met", "Ada: B-person\nBob: B-person\n[stop]", ["Ada", "Bob"]),
            ("Ada Acme met", "Ada: B-person\nAcme: I-company\n[stop]", ["Ada", "Acme"]),
            ("Ada\nBob met", "Ada: B-person\nBob: I-person\n[stop]", ["Ada", "Bob"]),  # a line break between them
            ("It rained", "[stop]", []),
            ("It rained", "all of this is nonsense", []),
        ],
    )
    def test_they_are_read_from_lines(
        self, text: str, answer: str, found: list[str], model_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writes(monkeypatch, answer)
        entities = make_generator(model_folder).predict(text, TYPES)
        assert [item.text for item in entities] == found
        assert all(text[item.start : item.end] == item.text for item in entities)

    def test_their_score_is_the_mean_probability_of_their_tokens(
        self, model_folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        writes(monkeypatch, "Ada: B-person\n[stop]", value=math.log(0.7))
        [entity] = make_generator(model_folder).predict("Ada left", TYPES)
        assert entity.score == pytest.approx(0.7)

    def test_thresholds(self, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for threshold, number in ((0.6, 1), (0.8, 0)):
            writes(monkeypatch, "Ada: B-person\n[stop]", value=math.log(0.7))
            assert len(make_generator(model_folder).predict("Ada left", TYPES, threshold=threshold)) == number

    def test_an_impossible_token_has_a_score(self, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        writes(monkeypatch, "Ada: B-person\n[stop]", value=-math.inf)
        [entity] = make_generator(model_folder).predict("Ada left", TYPES)
        assert 0 < entity.score < 1e-6

    def test_entities_have_the_labels_of_the_types(self, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from spanmatch.entities import EntityType

        writes(monkeypatch, "Ada: B-person\n[stop]")
        [entity] = make_generator(model_folder).predict("Ada left", [EntityType(name="person", label="PER")])
        assert entity.label == "PER"

    def test_a_long_text_is_read_in_parts(self, model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tagger = make_generator(model_folder, max_length=250)
        text = "Ada met nobody . " * 40
        num_parts = len(tagger.prompts.parts([annotated(text)]))
        assert num_parts > 2
        writes(monkeypatch, *["Ada: B-person\n[stop]"] * num_parts)
        found = tagger.predict(text, TYPES)
        assert len(found) == num_parts == tagger.counts.answers
        assert found[0].start == 0 and found[-1].start > len(text) / 2


def test_what_is_lost_is_told_once_and_counted(
    model_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tagger = make_generator(model_folder, max_length=250)
    caplog.set_level(logging.WARNING)
    writes(monkeypatch, "Ada: B-person\n[stop]")
    tagger.predict("Ada left", TYPES)
    assert not caplog.messages
    for _ in range(2):
        writes(monkeypatch, "Eve: B-person\nAda: animal\n")
        tagger.predict("Ada left", TYPES)
    [told] = caplog.messages
    assert told.startswith("what the model wrote: 2 of 3 lines could not be used (1 of another form, 1 with a word")
    assert (tagger.counts.answers, tagger.counts.unfinished, tagger.counts.lines) == (3, 2, 5)
    writes(monkeypatch, "[stop]", "[stop]")
    tagger.predict(f"Ada {'x7q' * 300} left", TYPES)
    assert tagger.counts.words_too_long == 1


def test_a_tokenizer_that_ends_nothing(model_folder: Path) -> None:
    tagger = make_generator(model_folder)
    tagger.tokenizer.pad_token = tagger.tokenizer.eos_token = None
    with pytest.raises(InputError, match="no token that ends a text"):
        GenerativeTagger(tagger.model, tagger.tokenizer, tagger.settings)


class TestTagger:
    def test_it_is_one(self, folder: Path) -> None:
        tagger: Tagger = load_tagger(folder, device="cpu", dtype="float32")
        assert isinstance(tagger, GenerativeTagger) and tagger.kind == "generative model"
        assert tagger.types is None and tagger.fingerprint()["model"].startswith("SHA-256 ")
        assert tagger.settings.constrained

    @pytest.mark.parametrize("family", FAMILIES)
    def test_a_batch_is_as_its_texts(self, family: str, tmp_path: Path) -> None:
        tagger = make_generator(write_generator(tmp_path, family), constrained=True)
        texts = [*(row["text"] for row in sentences(4, seed=1)), "", "\u00ad", "Ada met Bob . " * 8]
        whole = tagger.predict(texts, TYPES)
        alone = [tagger.predict(text, TYPES) for text in texts]
        for many, one in zip(whole, alone, strict=True):
            assert [item.mention for item in many] == [item.mention for item in one]
            assert [item.score for item in many] == pytest.approx([item.score for item in one], abs=1e-4)
        assert any(whole) and whole[4] == whole[5] == []

    def test_any_types_can_be_asked_for(self, folder: Path) -> None:
        found = load(folder).predict("Ada met Bob in Lima .", {"animal": "a living thing", "day": ""})
        assert found and {item.label for item in found} <= {"animal", "day"}

    def test_saved_is_loaded(self, folder: Path, tmp_path: Path) -> None:
        tagger = load(folder)
        tagger.calibration = Calibration(threshold=0.4)
        tagger.save_pretrained(tmp_path)
        again = load(tmp_path)
        assert again.calibration == tagger.calibration and again.settings == tagger.settings
        assert again.fingerprint() == tagger.fingerprint()

    def test_adapters_are_saved_beside_the_name_of_their_model(self, model_folder: Path, tmp_path: Path) -> None:
        tagger = make_generator(model_folder, base=str(model_folder), constrained=True)
        options: dict[str, Any] = {"rank": 2, "alpha": None, "dropout": 0.0, "targets": "all-linear", "task": "CAUSAL_LM"}
        tagger.model = with_adapters(tagger.model, **options)
        torch.manual_seed(0)
        with torch.no_grad():
            for name, parameter in tagger.model.named_parameters():
                if "lora_B" in name:
                    parameter.copy_(torch.randn_like(parameter))
        text = "Ada Lovelace met Bob in Lima ."
        before = tagger.predict(text, TYPES)
        generative.merged(tagger.model)
        merged = tagger.predict(text, TYPES)
        tagger.save_pretrained(tmp_path)
        again = load(tmp_path)
        assert again.predict(text, TYPES) == merged and before, "to the last digit"
        assert [item.mention for item in before] == [item.mention for item in merged]
        assert before != make_generator(model_folder, constrained=True).predict(text, TYPES)
        assert not (tmp_path / "model.safetensors").exists()
        assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == str(model_folder)

    def test_constraints_can_be_switched(self, folder: Path) -> None:
        free = load(folder, constrained=False)
        assert not free.settings.constrained
        assert free.fingerprint() != load(folder).fingerprint()

    def test_it_is_not_compiled(self, folder: Path) -> None:
        with pytest.raises(InputError, match="leave compile out"):
            load_tagger(folder, compile=True)


class TestCommands:
    def test_tag(self, folder: Path) -> None:
        result = spanmatch("tag", folder, "Ada Lovelace met Bob in Lima.", "--types", "person,city")
        assert result.status == 0, result.err
        assert {item["label"] for item in json.loads(result.out)["entities"]} <= {"person", "city"}

    def test_evaluate(self, folder: Path, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "test.jsonl", sentences(4))
        result = spanmatch("evaluate", folder, file, "--output_dir", tmp_path / "out")
        assert result.status == 0, result.err
        assert json.loads((tmp_path / "out" / "metrics.json").read_text())["num_examples"] == 4


class TestBadFolders:
    @pytest.fixture
    def copy(self, folder: Path, tmp_path: Path) -> Path:
        return shutil.copytree(folder, tmp_path / "copy")

    def edit(self, copy: Path, **values: Any) -> None:
        config = json.loads((copy / "config.json").read_text())
        (copy / "config.json").write_text(json.dumps(config | values))

    @pytest.mark.parametrize("value", [None, {}, [], 3, {"prompt": "x", "more": 1}, {"prompt": "{text} {instruction}"}])
    def test_no_settings(self, value: Any, copy: Path) -> None:
        self.edit(copy, generative=value)
        with pytest.raises(InputError, match=r'config.json: "generative" cannot be read \('):
            load_tagger(copy)

    def test_broken_weights(self, copy: Path) -> None:
        (copy / "model.safetensors").write_bytes(b"broken")
        with pytest.raises(InputError, match="cannot be loaded"):
            load_tagger(copy)

    def test_no_adapters(self, copy: Path, model_folder: Path) -> None:
        self.edit(copy, generative={"prompt": "{instruction} {text}", "base": str(model_folder)})
        with pytest.raises(InputError, match=r"no adapter_model.safetensors in it"):
            load_tagger(copy)
        shutil.copy(copy / "model.safetensors", copy / "adapter_model.safetensors")
        (copy / "adapter_config.json").write_text("{}")
        with pytest.raises(InputError, match="adapters that cannot be loaded"):
            load_tagger(copy)

    def test_no_base_model(self, copy: Path) -> None:
        self.edit(copy, generative={"prompt": "{instruction} {text}", "base": "nobody/nothing"})
        with pytest.raises(InputError, match='model "nobody/nothing" cannot be loaded'):
            load_tagger(copy)

    def test_an_encoder(self, tiny_encoder: Path, tmp_path: Path) -> None:
        copy = shutil.copytree(tiny_encoder, tmp_path / "copy")
        self.edit(copy, tagger="generative", generative={"prompt": "{instruction} {text}"})
        with pytest.raises(InputError, match="no weights for"):
            load_tagger(copy)
