"""The data of a training: each step that is asked for has its own, read as the configuration says."""

from pathlib import Path

import pytest
from helpers_e2e import sentences, write_jsonl

from spanmatch.errors import InputError
from spanmatch.training.arguments import DataArguments, MatcherTrainingArguments
from spanmatch.training.corpora import read_corpora


@pytest.fixture
def files(tmp_path: Path) -> dict[str, list[str]]:
    counts = {"train_file": 9, "validation_file": 7, "test_file": 5}
    return {name: [str(write_jsonl(tmp_path / f"{name}.jsonl", sentences(count)))] for name, count in counts.items()}


def steps(tmp_path: Path, **given: bool) -> MatcherTrainingArguments:
    return MatcherTrainingArguments(output_dir=str(tmp_path / "out"), report_to="none", **given)


def test_what_is_asked_for_is_read(files: dict[str, list[str]], tmp_path: Path) -> None:
    found = read_corpora(DataArguments(**files), steps(tmp_path, do_train=True, do_eval=True, do_predict=True), [])
    assert [len(corpus.examples) for corpus in (found.train, found.validation, found.test) if corpus] == [9, 7, 5]
    none = read_corpora(DataArguments(**files), steps(tmp_path, do_train=False, do_eval=False, do_predict=False), [])
    assert (none.train, none.validation, none.test) == (None, None, None)


def test_fewer_examples(files: dict[str, list[str]], tmp_path: Path) -> None:
    arguments = DataArguments(**files, max_train_samples=4, max_eval_samples=2)  # type: ignore[arg-type]
    found = read_corpora(arguments, steps(tmp_path, do_train=True, do_eval=True, do_predict=True), [])
    assert [len(corpus.examples) for corpus in (found.train, found.validation, found.test) if corpus] == [4, 2, 2]


def test_a_development_file_needs_gold(tmp_path: Path) -> None:
    empty = str(write_jsonl(tmp_path / "empty.jsonl", [{"text": "nothing", "char_spans": [], "labels": ["person"]}]))
    arguments = DataArguments(validation_file=[empty])
    with pytest.raises(InputError, match="none of its 1 texts has a gold span"):
        read_corpora(arguments, steps(tmp_path, do_train=False, do_eval=True, do_predict=False), [])
