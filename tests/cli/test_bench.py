"""`spanmatch bench` measures the model, the types and the texts that are named."""

import json
from pathlib import Path

import pytest
from helpers_e2e import spanmatch

from spanmatch.prediction.matcher import SpanMatcher

TEXTS = ["Ada Lovelace met Bob", "in New York", "Zoë left", "Bob saw Ada in Paris and then in Rome"]


@pytest.fixture
def places(tiny_matcher: SpanMatcher, tmp_path: Path) -> list[Path]:
    """A checkpoint and a file of texts."""
    tiny_matcher.save_pretrained(tmp_path / "model")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    return [tmp_path / "model", tmp_path / "texts.txt"]


def test_as_json(places: list[Path]) -> None:
    flags = ["--types", "person,city", "--num_texts", 3, "--repeats", 1, "--device", "cpu", "--dtype", "float32"]
    result = spanmatch("bench", *places, *flags, "--json")
    assert result.status == 0, result.err
    figures = json.loads(result.out)
    assert (figures["num_texts"], figures["num_types"], figures["dtype"], figures["repeats"]) == (3, 2, "float32", 1)


def test_as_a_table(places: list[Path]) -> None:
    result = spanmatch("bench", *places, "--type", "person", "--repeats", 1, "--device", "cpu")
    assert result.status == 0, result.err
    assert result.out.startswith("4 texts (18 words), 1 types, bi-encoder") and "encoder alone" in result.out


@pytest.mark.parametrize("flag", ["--num_texts", "--repeats", "--threads"])
def test_numbers_below_one_are_refused(flag: str) -> None:
    result = spanmatch("bench", "model", "file", "--types", "person", flag, 0)
    assert (result.status, result.err.count("\n")) == (2, 1)
    assert f"{flag}: expected a whole number, at least 1, got '0'" in result.err


def test_without_types(places: list[Path]) -> None:
    result = spanmatch("bench", *places)
    assert result.status == 2 and "no entity types" in result.err


def test_a_file_without_a_word_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text('{"text": " "}\n', encoding="utf-8")
    result = spanmatch("bench", "model", tmp_path / "empty.jsonl", "--types", "person")
    assert result.status == 2 and "no text with a word" in result.err
