"""Requests: what belongs to them, and what changes them."""

from dataclasses import replace
from pathlib import Path

import pytest

from spanmatch.entities import EntityType, as_entity_types
from spanmatch.tagging.options import TagOptions
from spanmatch.tagging.request import SAMPLE_BYTES, tag_request

OPTIONS = TagOptions(model="folder", source="a.txt")
TYPES = as_entity_types(["person", "city"])
FINGERPRINT = {"model": "SHA-256 abc", "device": "cpu", "dtype": "bfloat16"}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * 3 * SAMPLE_BYTES)
    return path


def test_what_is_in_it(file: Path) -> None:
    request = tag_request(OPTIONS, TYPES, None, [file], FINGERPRINT)
    assert request["model"] == "folder (SHA-256 abc)" and request["dtype"] == "bfloat16"
    keys = "version, types, threshold, overlap, line_breaks, text_column, batch_size, device, dtype, compile, model"
    assert list(request) == [*keys.split(", "), "number of inputs", "input 1"]


def test_what_changes_it(file: Path) -> None:
    base = tag_request(OPTIONS, TYPES, None, [file], FINGERPRINT)
    for options, keys in [
        (replace(OPTIONS, overlap="nested"), {"overlap"}),
        (replace(OPTIONS, compile=True), {"compile"}),
        (replace(OPTIONS, batch_size=8), {"batch_size"}),
        (replace(OPTIONS, text_column="body"), {"text_column"}),
        (replace(OPTIONS, num_workers=4, skip_invalid=True, output="other.jsonl"), set()),
    ]:
        assert changed(base, tag_request(options, TYPES, None, [file], FINGERPRINT)) == keys
    for types in (TYPES[::-1], [EntityType(name="person"), EntityType(name="city", description="a town")]):
        assert changed(base, tag_request(OPTIONS, types, None, [file], FINGERPRINT)) == {"types"}
    assert changed(base, tag_request(OPTIONS, TYPES, 0.5, [file], FINGERPRINT)) == {"threshold"}
    assert changed(base, tag_request(OPTIONS, TYPES, None, [file], FINGERPRINT | {"model": "SHA-256 def"})) == {"model"}
    assert changed(base, tag_request(OPTIONS, TYPES, None, [file, file], FINGERPRINT)) == {"number of inputs", "input 2"}


def test_thresholds_in_another_order(file: Path) -> None:
    one, two = ({"person": 0.1, "city": 0.2}, {"city": 0.2, "person": 0.1})
    assert tag_request(OPTIONS, TYPES, one, [file], FINGERPRINT) == tag_request(OPTIONS, TYPES, two, [file], FINGERPRINT)


@pytest.mark.parametrize("place", [0, SAMPLE_BYTES - 1, -1])
def test_a_file_of_the_same_size(file: Path, place: int) -> None:
    base = tag_request(OPTIONS, TYPES, None, [file], FINGERPRINT)
    content = bytearray(file.read_bytes())
    content[place] = 0
    file.write_bytes(content)
    assert changed(base, tag_request(OPTIONS, TYPES, None, [file], FINGERPRINT)) == {"input 1"}
