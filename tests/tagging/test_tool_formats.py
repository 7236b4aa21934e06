"""Results in the formats of other tools: printed, written, read again; and what a format cannot hold."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import snapshot, spanmatch
from helpers_tag import TEXTS, refused, start_tagging, tag, tagged, write_source

from spanmatch.data.formats.convert import convert
from spanmatch.errors import InputError
from spanmatch.tagging import sources
from spanmatch.tagging.options import PACKED_FORMATS, TOOL_FORMATS
from spanmatch.tagging.tool_formats import FORMATS_WITHOUT_SCORES, JOINED_FORMATS, ToolWriter

TEXT_FORMATS = sorted({*TOOL_FORMATS} - PACKED_FORMATS)
# The suffix under which each format is read again.
SUFFIXES = {"conll": ".conll", "csv": ".csv", "tsv": ".tsv", "spacy": ".spacy", "label-studio": ".json"}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Several chunks of texts, one of them empty, one with line breaks, with keys of their own."""
    monkeypatch.setattr(sources, "CHUNK_TEXTS", 8)
    texts = [*TEXTS, "Ada met\nBob\n\nin Lima"]
    return write_source(tmp_path / "texts.jsonl", [{"id": str(n), "body": text} for n, text in enumerate(texts)], "body")


def found(file: Path, folder: Path, name: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """Texts and entities of a file, after `spanmatch convert`; white space is left out, which columns do not keep."""
    if name == "label-studio":  # what is read again is annotations, and these are predictions for a person to correct
        tasks = json.loads(file.read_text(encoding="utf-8").replace('"predictions"', '"annotations"'))
        file = file.with_name("annotated.json")
        file.write_text(json.dumps(tasks), encoding="utf-8")
    convert(str(file), str(folder / "back.jsonl"), source_format=name, target_format="spans", overwrite=True)
    rows = [json.loads(line) for line in (folder / "back.jsonl").read_text(encoding="utf-8").splitlines()]
    result = []
    for row in rows:
        text = row.get("text") or " ".join(row.get("tokens", []))
        words = {"char_spans": lambda span, text=text: text[span["start"] : span["end"]]}
        words["token_spans"] = lambda span, row=row: " ".join(row["tokens"][span["start"] : span["end"]])
        spans = [("".join(read(span).split()), span["label"]) for key, read in words.items() for span in row.get(key) or []]
        result.append(("".join(text.split()), spans))
    return result


@pytest.mark.parametrize("name", TOOL_FORMATS)
def test_is_read_again(checkpoint: Path, source: Path, tmp_path: Path, name: str) -> None:
    expected = [
        ("".join(row["body"].split()), [("".join(item["text"].split()), item["label"]) for item in row["entities"]])
        for row in map(json.loads, tagged(checkpoint, source, tmp_path / "out.jsonl", "--text_column", "body").splitlines())
    ]
    assert sum(len(entities) for _, entities in expected) > 20
    output = tmp_path / f"tagged{SUFFIXES.get(name, '.jsonl')}"
    written = tagged(checkpoint, source, output, "--text_column", "body", "--output_format", name)
    if name == "conll":  # a text without a word has no line
        expected = [item for item in expected if item[0]]
    assert found(output, tmp_path, name) == expected
    if name in TEXT_FORMATS:
        printed = tag(checkpoint, source, "--text_column", "body", "--output_format", name)
        if output.suffix in {".jsonl", ".conll", ".csv"} or name == "label-studio":
            assert printed.out.encode() == written
        told = f"WARNING: {name} does not hold everything"
        assert printed.status == 0 and printed.err.count("\n") == 1 + printed.err.count(told)


def test_printed_before_the_input_ends(checkpoint: Path) -> None:
    process = start_tagging(checkpoint, "-", "--output_format", "doccano", stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    for text in ("Ada met Bob", "Eva moved to Lima"):
        process.stdin.write(f"{text}\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["text"] == text
    out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("", 0), err


def test_predictions_for_label_studio(checkpoint: Path, tmp_path: Path) -> None:
    """What a model found is a prediction, with its score and the model's name, not an annotation."""
    result = tag(checkpoint, "Ada met Bob", "--output_format", "label-studio", "--threshold", "1e-9")
    [task] = json.loads(result.out)
    [prediction] = task["predictions"]
    assert not task.get("annotations") and prediction["model_version"] == str(checkpoint)
    assert prediction["result"] and all(0 < item["value"]["score"] < 1 for item in prediction["result"])


def test_the_suffix_says_the_format(checkpoint: Path, source: Path, tmp_path: Path) -> None:
    given = ["--text_column", "body"]
    named = tagged(checkpoint, source, tmp_path / "a.txt", "--output_format", "conll", *given)
    assert tagged(checkpoint, source, tmp_path / "a.conll", *given) == named
    assert b"\tB-" in named and named.endswith(b"\n\n")


def test_with_workers(checkpoint: Path, source: Path, tmp_path: Path) -> None:
    one, two = (
        tagged(checkpoint, source, tmp_path / f"{n}.conll", "--text_column", "body", "--num_workers", n, "--dtype", "float32")
        for n in (0, 1)
    )
    assert one == two


class TestWhatAFormatCannotHold:
    def write(self, name: str, row: dict[str, Any], tmp_path: Path) -> ToolWriter:
        writer = ToolWriter(name, model="m")
        entity = {"start": 0, "end": 3, "label": "person", "text": "Ada", "score": 0.5}
        writer.write([json.dumps({"text": "Ada met Bob", "entities": [entity]} | row)], tmp_path / "out")
        return writer

    @pytest.mark.parametrize("name", sorted(FORMATS_WITHOUT_SCORES | {"doccano"}))
    def test_scores(self, name: str, tmp_path: Path) -> None:
        assert self.write(name, {}, tmp_path).left_out.counts == {"scores": 1}

    @pytest.mark.parametrize("key", ["tags", "char_spans", "tokens", "labels", "label"])
    def test_gold_of_the_input(self, key: str, tmp_path: Path) -> None:
        """It gives way, under whatever name, and that is told."""
        assert self.write("spans", {key: [[0, 3, "x"]]}, tmp_path).left_out.counts == {f'values of "{key}"': 1}
        assert json.loads((tmp_path / "out").read_text())["char_spans"][0]["score"] == 0.5

    def test_a_label_is_refused_first(self, tmp_path: Path) -> None:
        source = write_source(tmp_path / "a.txt", [{"text": "Ada"}])
        before = snapshot(tmp_path)
        given = ["--types", "a\tb", "--output", tmp_path / "out.conll"]
        refused(spanmatch("tag", tmp_path / "no model", source, *given), 'type "a', "a tab or a line break", "rename it")
        assert snapshot(tmp_path) == before

    def test_a_package_that_is_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("spacy", "spacy.tokens", "spacy.vocab"):
            monkeypatch.setitem(sys.modules, name, None)
        source = write_source(tmp_path / "a.txt", [{"text": "Ada"}])
        result = spanmatch("tag", tmp_path / "no model", source, "--types", "x", "--output", tmp_path / "out.spacy")
        refused(result, "pip install")


def test_parts_are_the_whole(tmp_path: Path) -> None:
    """Of the formats that are printed as they come."""
    lines = [json.dumps({"text": text, "entities": []}) for text in TEXTS]
    for name in JOINED_FORMATS:
        whole, parts = (ToolWriter(name, model="m") for _ in range(2))
        assert whole.is_joined and whole.text(lines) == parts.text(lines[:5]) + parts.text(lines[5:])
        assert whole.left_out.counts == parts.left_out.counts and whole.left_out.first == parts.left_out.first


def test_an_error_names_the_text() -> None:
    line = json.dumps({"text": "Ada", "entities": [{"start": 0, "end": 3, "label": "a\nb", "score": 0.5}]})
    with pytest.raises(InputError, match=r"^text 2: the label"):
        ToolWriter("conll", model="m").text([json.dumps({"text": "", "entities": []}), line])
