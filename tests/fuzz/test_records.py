"""Broken files of every format: refused in one line with nothing written, or read right; never taken for "no entity"."""

import json
import random
import shutil
from pathlib import Path

import pytest
from helpers_data import read_lines
from helpers_e2e import snapshot, write_jsonl
from helpers_fuzz import Fuzz
from helpers_fuzz_records import broken_bytes, broken_json, shown_spans
from hypothesis import strategies as st

from spanmatch.data.corpus import read_corpus
from spanmatch.data.formats.convert import convert
from spanmatch.data.formats.formats import FORMATS
from spanmatch.errors import InputError

# Spans beside an accent, an emoji, a line break and Chinese; a text without any.
GOOD = [
    {"id": "1", "text": "Zoë 🎉 met Bob in Oslo.", "char_spans": [[0, 3, "person"], [10, 13, "person"], [17, 21, "city"]]},
    {"id": "2", "text": "It rained\nagain.", "char_spans": []},
    {"id": "3", "text": "马云在杭州, said Ada Lovelace.", "char_spans": [[0, 2, "person"], [3, 5, "city"], [12, 24, "person"]]},
]
# The name of a file, or folder, of each format that is written.
TARGETS = {
    name: "a" if item.is_folder else f"a{(item.target_suffixes or item.suffixes)[0]}"
    for name, item in FORMATS.items()
    if item.write is not None
}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The content of good files of each format, by name."""
    folder = tmp_path_factory.mktemp("good")
    keys = ("start", "end", "label")
    rows = [row | {"char_spans": [dict(zip(keys, span, strict=True)) for span in row["char_spans"]]} for row in GOOD]
    source = write_jsonl(folder / "source.jsonl", rows)
    for name, target in TARGETS.items():
        (folder / name).mkdir()
        convert(str(source), str(folder / name / target), target_format=name, on_overlap="longest")
    return {name: {key: content for key, content in snapshot(folder / name).items() if content is not None} for name in TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_records(
    fuzz: Fuzz, name: str, good: dict[str, dict[str, bytes]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source, output = tmp_path / TARGETS[name], tmp_path / "read" / "out.jsonl"

    def check(choice: random.Random) -> None:
        for path in tmp_path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        output.parent.mkdir()
        caplog.clear()
        changed = choice.choice(sorted(good[name]))
        is_json = Path(changed).suffix in {".json", ".jsonl"}
        broken = broken_json if is_json and choice.random() < 0.7 else broken_bytes
        contents = good[name] | {changed: broken(good[name][changed], choice)}
        for key, content in contents.items():
            (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / key).write_bytes(content)
        before = snapshot(tmp_path)
        try:
            convert(str(source), str(output), source_format=choice.choice([name, None]))
        except InputError as error:
            assert "\n" not in str(error) and str(source) in str(error), (error, contents)
            assert snapshot(tmp_path) == before, contents
            return
        rows = read_lines(output)
        read_corpus(str(output))
        found = sum(len(row.get("char_spans") or row.get("token_spans") or []) for row in rows)
        whole = b"".join(contents.values())
        shown = _shown(whole) if is_json else b"person" in whole or b"city" in whole
        assert found >= shown or "does not hold everything" in caplog.text, (contents, rows)

    fuzz(f"files, {name}", check, st.randoms(use_true_random=False))


def _shown(content: bytes) -> int:
    """Count the different spans that a JSON file shows, none twice in a record."""
    text = content.decode("utf-8-sig")
    try:
        values = json.loads(text)
    except ValueError:
        values = [json.loads(line) for line in text.split("\n") if line.strip()]
    return sum(len(shown_spans(value)) for value in (values if isinstance(values, list) else [values]))
