"""DatasetDict folders: ClassLabels, columns, splits, and folders that hold no data set."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, List, Value
from helpers_data import CHARS, TEXT, TOKEN_SPANS, WORDS, labels_of, spans_of, texts_of, write_labels

from spanmatch.data.corpus import DEVELOPMENT_SPLITS, read_corpus
from spanmatch.data.dataset_dict import is_dataset_folder, load_dataset_folder
from spanmatch.data.formats.convert import convert
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError

TAG_NAMES = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"]


def write_dataset(folder: Path, features: dict[str, Any] | None = None, **splits: dict[str, list[Any]]) -> Path:
    given = Features(features) if features else None
    DatasetDict({name: Dataset.from_dict(columns, features=given) for name, columns in splits.items()}).save_to_disk(str(folder))
    return folder


class TestDatasetDict:
    CONLL = {"id": Value("string"), "tokens": List(Value("string")), "ner_tags": List(ClassLabel(names=TAG_NAMES))}

    def test_class_labels(self, tmp_path: Path) -> None:
        columns = {"id": ["0", "1"], "tokens": [WORDS, ["x"]], "ner_tags": [[1, 2, 3, 0], [0]]}
        folder = write_dataset(tmp_path / "set", self.CONLL, test=columns)
        for format in ("text", "tokens"):
            corpus = read_corpus(str(folder), format=format)
            assert [spans_of(example) for example in corpus.examples] == [[(0, 7, "PER"), (8, 11, "ORG")], []]
            # The names of the ClassLabel are the inventory, also where they do not occur.
            assert [[item.name for item in example.types] for example in corpus.examples] == [["organization", "person"]] * 2
            assert [example.where for example in corpus.examples] == [f"{folder}[test]:0", f"{folder}[test]:1"]

    def test_labels_of_a_line_come_first(self, tmp_path: Path) -> None:
        columns = {"id": ["0"], "tokens": [WORDS], "ner_tags": [[1, 0, 0, 0]], "labels": [["PER"]]}
        folder = write_dataset(tmp_path / "set", self.CONLL | {"labels": List(Value("string"))}, test=columns)
        assert [labels_of(example) for example in read_corpus(str(folder)).examples] == [["PER"]]

    def test_a_sidecar(self, tmp_path: Path) -> None:
        folder = write_dataset(tmp_path / "set", self.CONLL, test={"id": ["0"], "tokens": [WORDS], "ner_tags": [[1, 0, 0, 0]]})
        write_labels(folder, {"PER": "a human being"})
        assert [item.text for item in read_corpus(str(folder)).types] == ["organization", "person: a human being"]

    @pytest.mark.parametrize("tag", [-1, None])
    def test_a_missing_tag_is_not_the_last_one(self, tmp_path: Path, tag: int | None) -> None:
        """-1 is how data sets mark a label that they keep back."""
        columns = {"id": ["0"], "tokens": [WORDS], "ner_tags": [[1, tag, tag, tag]]}
        folder = write_dataset(tmp_path / "set", self.CONLL, test=columns)
        with pytest.raises(InputError, match=r"\[test\]:0"):
            read_corpus(str(folder))

    def test_span_columns(self, tmp_path: Path) -> None:
        columns = {"text": [TEXT, TEXT], "char_spans": [CHARS, []], "extra": [1, 2]}
        folder = write_dataset(tmp_path / "set", test=columns)
        corpus = read_corpus(str(folder))
        assert [spans_of(example) for example in corpus.examples] == [[(0, 3, "person")], []]
        folder = write_dataset(tmp_path / "tokens", test={"tokens": [WORDS], "token_spans": [TOKEN_SPANS]})
        assert [spans_of(example) for example in read_corpus(str(folder)).examples] == [[(8, 11, "person")]]

    def test_a_column_without_a_value_is_as_if_it_were_not_there(self, tmp_path: Path) -> None:
        columns = {"text": [TEXT, None], "tokens": [None, WORDS]}
        columns |= {"char_spans": [CHARS, None], "token_spans": [None, TOKEN_SPANS]}
        corpus = read_corpus(str(write_dataset(tmp_path / "set", test=columns)))
        assert [spans_of(example) for example in corpus.examples] == [[(0, 3, "person")], [(8, 11, "person")]]

    @pytest.mark.parametrize(
        ("there", "split", "expected"),
        [
            (("train", "validation", "dev", "test"), None, "test"),
            (("train", "validation", "dev"), None, "dev"),
            (("train", "validation"), None, "validation"),
            (("train", "test"), "train", "train"),
            (("train", "validation", "test"), DEVELOPMENT_SPLITS, "validation"),
        ],
    )
    def test_which_split(self, tmp_path: Path, there: Sequence[str], split: Any, expected: str) -> None:
        folder = write_dataset(tmp_path / "set", **{name: {"text": [name]} for name in there})
        assert texts_of(read_corpus(str(folder), split=split)) == [expected]

    @pytest.mark.parametrize(
        ("there", "split", "message"),
        [
            (("train", "test"), "tset", 'no split tset; did you mean "test"? (--split)'),
            (("train", "test"), DEVELOPMENT_SPLITS, "no split dev or validation; valid: test, train (--split)"),
            (("train",), None, "no split test or dev or validation; valid: train (--split)"),
        ],
    )
    def test_no_such_split(self, tmp_path: Path, there: Sequence[str], split: Any, message: str) -> None:
        folder = write_dataset(tmp_path / "set", **{name: {"text": [name]} for name in there})
        with pytest.raises(InputError) as caught:
            read_corpus(str(folder), split=split)
        assert str(caught.value) == f"{folder}: {message}"

    def test_one_data_set_is_whatever_split_is_asked_for(self, tmp_path: Path) -> None:
        Dataset.from_dict({"text": ["a"]}).save_to_disk(str(tmp_path / "one"))
        assert texts_of(read_corpus(str(tmp_path / "one"), split="train")) == ["a"]

    @pytest.mark.parametrize(
        ("columns", "message"),
        [
            ({"sentence": ["a"]}, 'hold neither "text" nor "tokens"'),
            ({"tokens": [["a"]], "ner_tags": [[0]]}, "make the column a ClassLabel"),
            ({"text": [TEXT], "char_spans": [[{"start": 0, "end": 99, "label": "x"}]]}, "set[test]:0: span [0, 99) ends beyond"),
            ({"text": [None]}, 'set[test]:0: neither "text" nor "tokens"'),
        ],
    )
    def test_bad_columns(self, tmp_path: Path, columns: dict[str, list[Any]], message: str) -> None:
        with pytest.raises(InputError) as caught:
            read_corpus(str(write_dataset(tmp_path / "set", test=columns)))
        assert message in str(caught.value)


TAGS = List(ClassLabel(names=TAG_NAMES))
STRINGS = List(Value("string"))
GOLD = [1, 2, 0, 3]
AS_STRINGS = ["B-PER", "I-PER", "O", "B-ORG"]


class TestTagColumns:
    """Where data sets have their tags, and what they are made of."""

    @pytest.mark.parametrize(
        ("column", "feature", "tags"),
        [
            ("ner_tags", TAGS, GOLD),
            ("ner_tags", STRINGS, AS_STRINGS),
            ("tags", TAGS, GOLD),
            ("tags", STRINGS, AS_STRINGS),
            ("labels", TAGS, GOLD),
            ("ner_tags", List(ClassLabel(names=["O", "PER", "ORG"])), [1, 1, 0, 2]),
        ],
    )
    def test_are_read(self, tmp_path: Path, column: str, feature: Any, tags: list[Any]) -> None:
        features = {"tokens": STRINGS, column: feature}
        folder = write_dataset(tmp_path / "set", features, test={"tokens": [WORDS, ["x"]], column: [tags, tags[2:3]]})
        corpus = read_corpus(str(folder))
        assert [spans_of(example) for example in corpus.examples] == [[(0, 7, "PER"), (12, 13, "ORG")], []]
        assert [labels_of(example) for example in corpus.examples] == [["ORG", "PER"]] * 2
        convert(str(folder), str(tmp_path / "a.jsonl"), target_format="tags")
        read = read_corpus(str(tmp_path / "a.jsonl"))
        assert [spans_of(example) for example in read.examples] == [[(0, 7, "PER"), (12, 13, "ORG")], []]

    def test_types_may_be_class_labels(self, tmp_path: Path) -> None:
        features = {"tokens": STRINGS, "tags": STRINGS, "labels": List(ClassLabel(names=["city", "ORG", "PER"]))}
        columns = {"tokens": [WORDS], "tags": [AS_STRINGS], "labels": [[0, 1, 2]]}
        [example] = read_corpus(str(write_dataset(tmp_path / "set", features, test=columns))).examples
        assert labels_of(example) == ["city", "ORG", "PER"]

    @pytest.mark.parametrize(
        ("column", "feature", "tags", "message"),
        [
            (
                "ner",
                TAGS,
                GOLD,
                'the column "ner" may hold the tags, and is not read; rename it to "ner_tags", or give --tag_column',
            ),
            ("fine", TAGS, GOLD, 'the column "fine" may hold the tags'),
            ("ner", List(Value("int64")), GOLD, 'set[test]:0: "ner" may hold annotation, and is not a key of ours; did you mean'),
            ("ner", STRINGS, AS_STRINGS, 'set[test]:0: "ner" may hold annotation'),
            ("fine", STRINGS, AS_STRINGS, 'set[test]:0: "fine" may hold annotation'),
            ("labels", List(Value("int64")), GOLD, '"labels" must be a list of strings'),
            ("labels", STRINGS, AS_STRINGS, '"labels" holds a tag per token, but is the list of types; call it "tags"'),
            ("ner_tags", TAGS, None, 'set[test]:0: "tags" is null, so the text is not annotated'),
            ("ner_tags", STRINGS, None, 'set[test]:0: "ner_tags" is null, so the text is not annotated'),
            ("tags", STRINGS, None, 'set[test]:0: "tags" is null, so the text is not annotated'),
        ],
    )
    def test_are_never_passed_over(self, tmp_path: Path, column: str, feature: Any, tags: Any, message: str) -> None:
        features = {"tokens": STRINGS, column: feature}
        folder = write_dataset(tmp_path / "set", features, test={"tokens": [WORDS], column: [tags]})
        with pytest.raises(InputError, match=re.escape(message)):
            read_corpus(str(folder))
        with pytest.raises(InputError, match=re.escape(message)):
            convert(str(folder), str(tmp_path / "a.jsonl"))

    @pytest.mark.parametrize(("feature", "tags"), [(TAGS, GOLD), (STRINGS, AS_STRINGS)])
    def test_the_user_names_the_column(self, tmp_path: Path, feature: Any, tags: list[Any]) -> None:
        features = {"tokens": STRINGS, "ner": feature}
        folder = write_dataset(tmp_path / "set", features, test={"tokens": [WORDS], "ner": [tags]})
        reading = Reading(left_out=LeftOut(), tag_column="ner")
        assert spans_of(read_corpus(str(folder), reading=reading).examples[0]) == [(0, 7, "PER"), (12, 13, "ORG")]
        convert(str(folder), str(tmp_path / "a.conll"), tag_column="ner")
        assert (tmp_path / "a.conll").read_text().startswith("Ada\tB-PER\nmet\tI-PER\n")
        with pytest.raises(InputError, match=r'no column nerr; did you mean "ner"\? \(--tag_column\)'):
            read_corpus(str(folder), reading=Reading(left_out=LeftOut(), tag_column="nerr"))

    def test_a_row_that_is_not_annotated_can_be_skipped(self, tmp_path: Path) -> None:
        features = {"tokens": STRINGS, "ner_tags": TAGS}
        folder = write_dataset(tmp_path / "set", features, test={"tokens": [WORDS, ["x"]], "ner_tags": [None, [0]]})
        corpus = read_corpus(str(folder), skip_invalid=True)
        assert texts_of(corpus) == ["x"] and corpus.num_skipped == 1


class TestFolders:
    def test_told_from_other_folders(self, tmp_path: Path) -> None:
        assert is_dataset_folder(write_dataset(tmp_path / "set", test={"text": ["a"]}))
        assert is_dataset_folder(tmp_path / "set" / "test") and not is_dataset_folder(tmp_path)

    def test_another_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r'no DatasetDict on disk; give a file or a glob such as ".*/\*\.jsonl"'):
            load_dataset_folder(tmp_path)

    def test_a_broken_one(self, tmp_path: Path) -> None:
        (tmp_path / "dataset_dict.json").write_text('{"splits": ["test"]}', encoding="utf-8")
        with pytest.raises(InputError, match=r"a DatasetDict that cannot be read \(.*\); copy it again") as caught:
            load_dataset_folder(tmp_path)
        assert "\n" not in str(caught.value)
