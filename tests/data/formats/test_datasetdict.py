"""The splits of a DatasetDict, converted to files and back."""

from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from helpers_data import TOKENS, content, facts, read_lines, span

from spanmatch.data.formats.convert import convert


class TestDatasets:
    @staticmethod
    def save(folder: Path, **splits: dict[str, list[Any]]) -> Path:
        tags = List(ClassLabel(names=["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]))
        features = Features({"tokens": List(Value("string")), "ner_tags": tags, "pos": List(Value("string"))})
        DatasetDict({name: Dataset.from_dict(columns, features=features) for name, columns in splits.items()}).save_to_disk(
            folder
        )
        return folder

    def test_a_file_per_split(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        train = {"tokens": [TOKENS], "ner_tags": [[1, 2, 0, 3]], "pos": [["N"] * 4]}
        test = {"tokens": [["Bo"], ["x"]], "ner_tags": [[1], [0]], "pos": [["N"], ["N"]]}
        folder = self.save(tmp_path / "set", train=train, test=test)
        convert(str(folder), str(tmp_path / "out"), target_format="tags")
        assert read_lines(tmp_path / "out" / "train.jsonl") == [{"tokens": TOKENS, "tags": ["B-PER", "I-PER", "O", "B-ORG"]}]
        # This split was annotated for ORG, too, which a file without one would not say.
        rows = read_lines(tmp_path / "out" / "test.jsonl")
        labels = ["ORG", "PER"]
        assert rows == [
            {"tokens": ["Bo"], "tags": ["B-PER"], "labels": labels},
            {"tokens": ["x"], "tags": ["O"], "labels": labels},
        ]
        assert 'values of "pos": 3' in caplog.text
        convert(str(folder), str(tmp_path / "one.conll"), split="test")
        assert content(tmp_path / "one.conll") == "Bo\tB-PER\n\nx\tO\n\n"

    def test_and_back(self, tmp_path: Path) -> None:
        train = {"tokens": [TOKENS, []], "ner_tags": [[1, 2, 0, 3], []], "pos": [[], []]}
        test = {"tokens": [["Bo"]], "ner_tags": [[1]], "pos": [[]]}
        folder = self.save(tmp_path / "set", train=train, test=test)
        for format in ("tags", "spans", "gliner"):
            convert(str(folder), str(tmp_path / format), target_format=format)
            convert(str(tmp_path / format), str(tmp_path / f"{format}_set"), source_format=format, target_format="datasetdict")
            for split in ("train", "test"):
                assert facts(folder, split=split) == facts(tmp_path / f"{format}_set", split=split)

    def test_one_dataset_alone(self, tmp_path: Path) -> None:
        Dataset.from_dict({"tokens": [["a"]], "token_spans": [[span(0, 1)]]}).save_to_disk(str(tmp_path / "one"))
        convert(str(tmp_path / "one"), str(tmp_path / "a.conll"))
        assert content(tmp_path / "a.conll") == "a\tB-x\n\n"
