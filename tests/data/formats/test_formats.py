"""The format of a file is found out from its name and content."""

from pathlib import Path

import pytest

from spanmatch.data.formats.formats import FORMATS, find_format, format_of_target
from spanmatch.errors import InputError


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("a.txt", "a O", "conll"),
        ("a.txt", "[ O\n1 O", "conll"),
        ("a.json", "[]", "gliner"),
        ("a.json", "\ufeff[", "gliner"),
        ("a.jsonl", '{"tokenized_text": ["a"], "ner": []}', "gliner"),
        ("a.jsonl", '\n{"tokens": ["a"], "tags": ["O"]}', "tags"),
        ("a.jsonl", '{"tokens": ["a"], "tags": ["O"], "token_spans": []}', "spans"),
        ("a.jsonl", '{"text": "a"}', "spans"),
        ("a.jsonl", "not JSON", "spans"),
    ],
)
def test_a_file_says_its_format(tmp_path: Path, name: str, line: str, expected: str) -> None:
    (tmp_path / name).write_text(line, encoding="utf-8")
    assert find_format(tmp_path / name).name == expected


@pytest.mark.parametrize("name", ["a.xml", "a", "folder"])
def test_a_name_that_says_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    if name != "folder":
        (tmp_path / name).write_text("a O", encoding="utf-8")
    with pytest.raises(InputError, match=r"give --from brat|give a file or a glob"):
        find_format(tmp_path / name)


@pytest.mark.parametrize(("name", "expected"), [("a.jsonl", "spans"), ("a.json", "gliner"), ("a.tsv", "conll")])
def test_a_target_says_its_format(name: str, expected: str) -> None:
    assert format_of_target(Path(name)).name == expected


def test_each_suffix_of_a_target_stands_for_one_format() -> None:
    suffixes = [suffix for item in FORMATS.values() for suffix in item.target_suffixes]
    assert len(set(suffixes)) == len(suffixes)
    assert all(set(item.target_suffixes) <= set(item.suffixes) for item in FORMATS.values())
