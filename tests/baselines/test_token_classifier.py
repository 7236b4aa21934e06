"""`TokenClassifier`: labels of words, entities from them, and what its folder is to others."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers_e2e import spanmatch, write_jsonl
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, pipeline

from spanmatch.baselines.token_classifier import Labels, TokenClassifier, load_model
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import EntityType, Mention, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.tagger import Tagger, load_tagger
from spanmatch.prediction.thresholds import Calibration

TYPES = (EntityType(name="person", label="PER"), EntityType(name="city", description="where people live", label="CITY"))
LABELS = Labels.of_types(TYPES)


def example(text: str, *mentions: tuple[int, int, str], types: Any = ("person", "city")) -> Example:
    gold = tuple(Mention(start=start, end=end, label=label) for start, end, label in mentions)
    return Example(where="here", text=text, words=split_words(text), mentions=gold, types=as_entity_types(types))


@pytest.fixture(scope="module")
def folder(encoder_folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A token classifier with random weights that knows people and cities."""
    torch.manual_seed(0)
    model, tokenizer = load_model(str(encoder_folders["WordPiece"]), LABELS.for_config())
    with torch.no_grad():
        model.classifier.weight.mul_(20)
    written = tmp_path_factory.mktemp("token_classifier")
    TokenClassifier(model, tokenizer).save_pretrained(written)
    return written


@pytest.fixture
def tagger(folder: Path) -> TokenClassifier:
    return TokenClassifier.from_pretrained(folder, device="cpu", dtype="float32")


class TestLabels:
    def test_tags(self) -> None:
        assert LABELS.tags == ("O", "B-PER", "I-PER", "B-CITY", "I-CITY")
        config = LABELS.for_config()
        assert config["id2label"][3] == "B-CITY" and config["label2id"]["I-PER"] == 2

    @pytest.mark.parametrize(
        ("mentions", "tags"),
        [
            ([(0, 12, "person")], ["B-PER", "I-PER", "O", "O", "O"]),
            ([(0, 3, "person"), (4, 12, "person")], ["B-PER", "B-PER", "O", "O", "O"]),
            ([(0, 12, "person"), (16, 20, "city")], ["B-PER", "I-PER", "O", "B-CITY", "O"]),
            ([(0, 3, "city"), (0, 12, "person")], ["B-PER", "I-PER", "O", "O", "O"]),  # of two that overlap, the longest
            ([(1, 5, "person")], ["B-PER", "I-PER", "O", "O", "O"]),  # all words that it touches
            ([(0, 12, "animal")], ["O", "O", "O", "O", "O"]),
        ],
    )
    def test_of_words(self, mentions: list[tuple[int, int, str]], tags: list[str]) -> None:
        one = example("Ada Lovelace in Lima.", *mentions, types=["person", "city", "animal"])
        assert [LABELS.tags[label] for label in LABELS.of_words(one)] == tags

    def test_types_are_known_by_name_or_by_tag(self) -> None:
        types = as_entity_types([EntityType(name="Person", label="x"), EntityType(name="CITY"), EntityType(name="animal")])
        assert LABELS.known(types) == {"x": "PER", "CITY": "CITY"}

    @pytest.mark.parametrize(
        ("tags", "found"),
        [
            (["B-PER", "I-PER", "O", "B-CITY", "O"], [(0, 12, "person"), (16, 20, "city")]),
            (["I-PER", "I-PER", "O", "I-CITY", "O"], [(0, 12, "person"), (16, 20, "city")]),
            (
                ["B-PER", "B-PER", "I-CITY", "B-CITY", "O"],
                [(0, 3, "person"), (4, 12, "person"), (13, 15, "city"), (16, 20, "city")],
            ),
        ],
    )
    def test_entities(self, tags: list[str], found: list[tuple[int, int, str]]) -> None:
        shares = np.full((5, 5), 0.05)
        for word, tag in enumerate(tags):
            shares[word, LABELS.tags.index(tag)] = 0.8
        entities = LABELS.entities(example("Ada Lovelace in Lima."), [0, 1, 2, 3, 4], shares, "auto")
        assert [(item.start, item.end, item.label) for item in entities] == found
        assert all(item.score == pytest.approx(0.85) for item in entities), "B and I of a type together"

    def test_only_what_is_asked_for(self) -> None:
        shares = np.zeros((5, 5))
        shares[:, 1] = 1
        assert LABELS.entities(example("Ada Lovelace in Lima.", types=["city"]), [0, 1, 2, 3, 4], shares, "auto") == []

    def test_words_that_the_model_did_not_see(self) -> None:
        shares = np.zeros((2, 5))
        shares[0, 1] = shares[1, 2] = 1
        [entity] = LABELS.entities(example("Ada Lovelace in Lima."), [0, 2], shares, "auto")
        assert entity.text == "Ada Lovelace in"

    def test_no_entity_crosses_a_hard_line_break(self) -> None:
        shares = np.zeros((2, 5))
        shares[0, 1] = shares[1, 2] = 1
        one = example("Ada\nLovelace")
        assert [item.text for item in LABELS.entities(one, [0, 1], shares, "auto")] == ["Ada", "Lovelace"]
        assert [item.text for item in LABELS.entities(one, [0, 1], shares, "cross")] == ["Ada\nLovelace"]

    @pytest.mark.parametrize(
        "id2label", [{0: "LABEL_0", 1: "LABEL_1"}, {0: "B-PER", 1: "I-PER"}, {0: "O"}, {0: "B-PER", 1: "PER"}]
    )
    def test_labels_that_are_no_tags(self, id2label: dict[int, str], folder: Path) -> None:
        config = AutoConfig.from_pretrained(folder, id2label=id2label)
        with pytest.raises(InputError, match="its labels are no tags"):
            Labels.of_config(config)


class TestPrediction:
    def test_it_is_a_tagger(self, folder: Path) -> None:
        tagger: Tagger = load_tagger(folder, device="cpu", dtype="float32")
        assert isinstance(tagger, TokenClassifier) and tagger.kind == "token classifier"
        assert tagger.types == TYPES
        assert tagger.fingerprint()["model"].startswith("SHA-256 ")

    def test_it_knows_its_types(self, tagger: TokenClassifier) -> None:
        found = tagger.predict("Ada Lovelace met Bob in Lima.")
        assert found and {item.label for item in found} <= {"PER", "CITY"}
        assert all("Ada Lovelace met Bob in Lima."[item.start : item.end] == item.text for item in found)

    def test_a_batch_is_as_its_texts(self, tagger: TokenClassifier) -> None:
        texts = ["Ada Lovelace met Bob in Lima.", "", "Lima", "Bob works for Globex in Lima . " * 12, " \u00ad "]
        whole = tagger.predict(texts)
        alone = [tagger.predict(text) for text in texts]
        for many, one in zip(whole, alone, strict=True):
            assert [(item.start, item.end, item.label) for item in many] == [(item.start, item.end, item.label) for item in one]
            assert [item.score for item in many] == pytest.approx([item.score for item in one], abs=1e-5)
        assert whole[1] == whole[4] == [] and whole[3][-1].start > 200, "a long text is read to its end"

    def test_the_library_finds_the_same(self, tagger: TokenClassifier, folder: Path) -> None:
        """... in texts of one window, and but for entities that a tag I starts, which it counts as going on."""
        text = "Ada Lovelace met Bob in Lima ."
        model, tokenizer = AutoModelForTokenClassification.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        library = pipeline("ner", model=model, tokenizer=tokenizer, aggregation_strategy="first")
        tags = [(item["start"], item["end"], item["entity_group"]) for item in library(text)]
        assert tags == [(item.start, item.end, item.label) for item in tagger.predict(text)]

    def test_saved_is_loaded(self, tagger: TokenClassifier, tmp_path: Path) -> None:
        tagger.calibration = Calibration(threshold=0.4)
        tagger.save_pretrained(tmp_path)
        again = TokenClassifier.from_pretrained(tmp_path, device="cpu", dtype="float32")
        assert again.calibration == tagger.calibration and again.types == TYPES
        assert again.fingerprint() == tagger.fingerprint()


class TestCommands:
    def test_tag(self, folder: Path) -> None:
        result = spanmatch("tag", folder, "Ada Lovelace met Bob in Lima.")
        assert result.status == 0, result.err
        assert {item["label"] for item in json.loads(result.out)["entities"]} <= {"PER", "CITY"}

    def test_evaluate_and_calibrate(self, folder: Path, tmp_path: Path) -> None:
        rows = [{"text": "Ada met Bob .", "char_spans": [{"start": 0, "end": 3, "label": "PER"}]}] * 3
        file = write_jsonl(tmp_path / "test.jsonl", rows)
        result = spanmatch("evaluate", folder, file, "--output_dir", tmp_path / "out")
        assert result.status == 0, result.err
        assert json.loads((tmp_path / "out" / "metrics.json").read_text())["threshold"] is None

    def test_the_script_of_matchers_refuses_it(self, folder: Path, tmp_path: Path) -> None:
        from helpers_e2e import evaluate

        file = write_jsonl(tmp_path / "test.jsonl", [{"text": "Ada", "char_spans": []}])
        result = evaluate("--pretrained_model_name_or_path", folder, "--evaluation_file", file)
        assert result.status == 2 and "is a token classifier; use spanmatch evaluate" in result.err


class TestBadFolders:
    def test_no_head(self, encoder_folders: dict[str, Path], tmp_path: Path) -> None:
        encoder = encoder_folders["WordPiece"]
        config = json.loads((encoder / "config.json").read_text()) | {"tagger": "token-classifier"}
        for file in encoder.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "config.json").write_text(json.dumps(config))
        with pytest.raises(InputError, match="no weights for classifier"):
            load_tagger(tmp_path)

    def test_broken_weights(self, folder: Path, tmp_path: Path) -> None:
        for file in folder.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        (tmp_path / "model.safetensors").write_bytes(b"broken")
        with pytest.raises(InputError, match="cannot be loaded"):
            load_tagger(tmp_path)
