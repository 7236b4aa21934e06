"""`spanmatch tag`: every input to one output, what is printed, types that are encoded once, and what is refused."""

import datetime
import gzip
import io
import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from helpers import make_matcher
from helpers_e2e import Result, read_jsonl, snapshot, spanmatch
from helpers_tag import TYPES, make_texts, start_tagging, tagged, wait_until, write_corpus
from pyarrow import parquet

from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.tagging import tag as tagging

TEXTS = [*make_texts(20), "", "Zoë — naïve café, 東京", 'a "quoted" \\ text\twith a tab']
SUFFIXES = [".txt", ".txt.gz", ".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet"]


@pytest.fixture(scope="module")
def checkpoint(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tagging") / "checkpoint"
    make_matcher(tiny_encoder).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def expected(checkpoint: Path) -> list[list[dict[str, Any]]]:
    """The entities of the texts, as `predict` finds them."""
    found = SpanMatcher.from_pretrained(checkpoint, device="cpu").predict(TEXTS, TYPES.split(","))
    assert sum(map(len, found)) > 20
    return [
        [{"start": e.start, "end": e.end, "label": e.label, "text": e.text, "score": round(e.score, 6)} for e in entities]
        for entities in found
    ]


def tag(checkpoint: Path, source: object, *arguments: object) -> Result:
    return spanmatch("tag", checkpoint, source, "--types", TYPES, *arguments)


def refused(result: Result, *parts: str) -> None:
    """One line that says all of this, nothing printed."""
    assert result.status == 2 and result.out == "", result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), result.err
    for part in parts:
        assert part in lines[0], (part, lines[0])


class TestInputs:
    @pytest.mark.parametrize("suffix", SUFFIXES)
    def test_every_format_is_tagged_alike(self, checkpoint: Path, expected: list[Any], tmp_path: Path, suffix: str) -> None:
        file = write_corpus(tmp_path / f"corpus{suffix}", [{"id": f"t{n}", "text": text} for n, text in enumerate(TEXTS)])
        result = tag(checkpoint, file)
        assert result.status == 0, result.err
        rows = [json.loads(line) for line in result.out.splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        assert [row["entities"] for row in rows] == expected
        if ".txt" not in suffix:
            assert [row["id"] for row in rows] == [f"t{n}" for n in range(len(TEXTS))]
        assert re.fullmatch(r"23 texts, \d+ entities, [\d.]+ s, [\d.]+ texts/s\n", result.err)

    @pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
    def test_another_column(self, checkpoint: Path, expected: list[Any], tmp_path: Path, suffix: str) -> None:
        file = write_corpus(tmp_path / f"corpus{suffix}", [{"text": 3, "body": text} for text in TEXTS])
        rows = [json.loads(line) for line in tag(checkpoint, file, "--text_column", "body").out.splitlines()]
        assert [row["entities"] for row in rows] == expected
        assert [row["body"] for row in rows] == TEXTS and {row["text"] for row in rows} == {3}

    def test_a_glob_is_read_in_the_order_of_names(self, checkpoint: Path, expected: list[Any], tmp_path: Path) -> None:
        for first, name in [(10, "b.jsonl.gz"), (0, "a.jsonl.gz"), (20, "c.jsonl.gz")]:
            write_corpus(tmp_path / name, [{"text": text} for text in TEXTS[first : first + 10]])
        write_corpus(tmp_path / "other.txt", [{"text": "Ada"}])
        rows = [json.loads(line) for line in tag(checkpoint, tmp_path / "*.jsonl.gz").out.splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        assert [row["entities"] for row in rows] == expected

    def test_values_that_json_lacks(self, checkpoint: Path, tmp_path: Path) -> None:
        columns = {
            "text": ["Ada met Bob"],
            "day": [datetime.date(2024, 2, 29)],
            "price": [Decimal("1.50")],
            "raw": [b"\x00\xff"],
            "score": [float("nan")],
            "nested": [{"values": [1.0, float("inf")]}],
        }
        parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
        row = json.loads(tag(checkpoint, tmp_path / "a.parquet").out, parse_constant=pytest.fail)
        del row["entities"]
        assert row == {
            "text": "Ada met Bob",
            "day": "2024-02-29",
            "price": "1.50",
            "raw": "AP8=",
            "score": None,
            "nested": {"values": [1.0, None]},
        }

    def test_line_ends_and_byte_order_mark(self, checkpoint: Path, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_bytes("\ufeffAda met Bob\r\n\r\nEva".encode())
        rows = [json.loads(line) for line in tag(checkpoint, tmp_path / "a.txt").out.splitlines()]
        assert [row["text"] for row in rows] == ["Ada met Bob", "", "Eva"]

    @pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".txt.gz"])
    def test_nothing_in_it(self, checkpoint: Path, tmp_path: Path, suffix: str) -> None:
        assert tagged(checkpoint, write_corpus(tmp_path / f"a{suffix}", []), tmp_path / "out.jsonl") == b""

    def test_a_sentence_with_brackets(self, checkpoint: Path) -> None:
        assert json.loads(tag(checkpoint, "Is it [Ada] or *Bob* ?").out)["text"] == "Is it [Ada] or *Bob* ?"

    def test_as_text(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_corpus(tmp_path / "a.jsonl", [{"body": "Ada met Bob"}])
        result = tag(checkpoint, file, "--text_column", "body", "--output_format", "text", "--threshold", "1e-9")
        first, *others = result.out.splitlines()
        assert first == "Ada met Bob" and others
        assert all(re.fullmatch(r"  \[\d+:\d+\] .+  (person|city|company)  [01]\.\d\d", line) for line in others)


class TestStandardInput:
    def test_lines(self, checkpoint: Path, expected: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        content = "".join(f"{text}\n" for text in TEXTS).encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))
        rows = [json.loads(line) for line in tag(checkpoint, "-").out.splitlines()]
        assert [row["text"] for row in rows] == TEXTS
        assert [[e["label"] for e in row["entities"]] for row in rows] == [[e["label"] for e in own] for own in expected]

    def test_results_come_before_the_input_ends(self, checkpoint: Path) -> None:
        process = start_tagging(checkpoint, "-", stdin=-1)
        assert process.stdin is not None and process.stdout is not None
        for text in ["Ada met Bob", "Eva moved to Lima", "It rained"]:
            process.stdin.write(f"{text}\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        out, err = process.communicate(timeout=60)
        assert (out, process.returncode) == ("", 0)
        assert err.startswith("3 texts, ")

    def test_what_is_invalid_can_be_skipped(
        self, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"Ada\n\xff\nBob\n"), encoding="utf-8"))
        result = tag(checkpoint, "-", "--skip_invalid")
        assert [json.loads(line)["text"] for line in result.out.splitlines()] == ["Ada", "Bob"]
        assert "1 invalid record skipped" in result.err
        assert [item.message.partition(" (")[0] for item in caplog.records] == ["skipped: standard input:2: not UTF-8"]


def parquet_of(texts: list[Any]) -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"text": texts}), file)
    return file.getvalue()


GOOD = b'{"text": "Ada met Bob"}\n'
# A file's name and content, and what the message says besides the name.
BROKEN: dict[str, tuple[str, bytes, list[str]]] = {
    "cut-off gzip": ("a.jsonl.gz", gzip.compress(GOOD * 3)[:-9], ["a.jsonl.gz:", "gzip file is cut off", "pack it again"]),
    "no gzip": ("a.jsonl.gz", GOOD, ["a.jsonl.gz:1: the gzip file is cut off or damaged"]),
    "damaged gzip": ("a.txt.gz", gzip.compress(GOOD * 3)[:-8] + b"12345678", ["a.txt.gz:", "damaged"]),
    "text not UTF-8": ("a.txt", b"Ada\n\xff\n", ["a.txt:2: not UTF-8", "as UTF-8"]),
    "compressed text not UTF-8": ("a.txt.gz", gzip.compress(b"Ada\n\xff\n"), ["a.txt.gz:2: not UTF-8"]),
    "JSON not UTF-8": ("a.jsonl", GOOD + b'{"text": "\xff"}\n', ["a.jsonl:2: not UTF-8"]),
    "no JSON": ("a.jsonl.gz", gzip.compress(GOOD + b"\n{\n"), ["a.jsonl.gz:3: not JSON"]),
    "JSON list": ("a.json", b'[{"text": "Ada"}]\n', ["a.json:1: expected a JSON object", "a list", "one object per line"]),
    "no text": ("a.jsonl", GOOD + b'{"txt": "Ada"}\n', ['a.jsonl:2: no "text"; did you mean "txt"?', "--text_column"]),
    "number": ("a.jsonl", GOOD + b'{"text": 3}\n', ['a.jsonl:2: "text" must be a string, got a number']),
    "null": ("a.jsonl", b'{"text": null}\n', ['a.jsonl:1: "text" must be a string, got null']),
    "null in Parquet": ("a.parquet", parquet_of(["Ada", None]), ['a.parquet:2: "text" must be a string, got null']),
    "numbers in Parquet": ("a.parquet", parquet_of([1, 2]), ['a.parquet:1: "text" must be a string, got a number']),
    "cut-off Parquet": ("a.parquet", parquet_of(["Ada"])[:-20], ["a.parquet: no Parquet file that can be read"]),
    "no Parquet": ("a.parquet", GOOD, ["a.parquet: no Parquet file that can be read", "anew"]),
    "damaged Parquet": (
        "a.parquet",
        parquet_of(["Ada"] * 5)[:4] + b"\xff" * 20 + parquet_of(["Ada"] * 5)[24:],
        ["a.parquet:1: Parquet that cannot be read"],
    ),
    "compressed Parquet": ("a.parquet.gz", gzip.compress(parquet_of(["Ada"])), ["a.parquet.gz: Parquet is compressed", "gunzip"]),
}


class TestErrors:
    @pytest.mark.parametrize(("name", "content", "parts"), BROKEN.values(), ids=list(BROKEN))
    def test_file(self, checkpoint: Path, tmp_path: Path, name: str, content: bytes, parts: list[str]) -> None:
        (tmp_path / name).write_bytes(content)
        refused(tag(checkpoint, tmp_path / name), str(tmp_path), *parts)

    def test_no_such_column(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_corpus(tmp_path / "a.parquet", [{"body": "Ada"}])
        refused(tag(checkpoint, file), f'{file}: no column "text"', "valid: body", "--text_column")
        refused(tag(checkpoint, file, "--text_column", "bdy"), 'did you mean "body"?')

    def test_a_column_of_a_text(self, checkpoint: Path, tmp_path: Path) -> None:
        refused(
            tag(checkpoint, write_corpus(tmp_path / "a.txt", [{"text": "Ada"}]), "--text_column", "body"), "a.txt", "no columns"
        )
        refused(tag(checkpoint, "Ada met Bob", "--text_column", "body"), "--text_column", "leave it out")

    def test_a_glob_without_files(self, checkpoint: Path, tmp_path: Path) -> None:
        refused(tag(checkpoint, tmp_path / "*.jsonl.gz"), "*.jsonl.gz: no file matches")

    def test_options_that_do_not_go_together(self, checkpoint: Path, tmp_path: Path) -> None:
        file = write_corpus(tmp_path / "a.txt", [{"text": "Ada"}])
        before = snapshot(tmp_path)
        output = ["--output", tmp_path / "out.jsonl"]
        refused(tag(checkpoint, file, *output, "--output_format", "text"), "--output writes JSONL")
        refused(tag(checkpoint, "-", *output), "standard input", "> FILE")
        refused(tag(checkpoint, "Ada met Bob", *output), "--output is for files")
        refused(tag(checkpoint, file, "--overwrite"), "--overwrite", "leave it out")
        refused(tag(checkpoint, file, "--num_workers", 2, "--device", "cuda"), "--num_workers 2", "CPU", "cuda")
        refused(tag(checkpoint, file, "--num_workers", -1), "--num_workers", "at least 0")
        refused(tag(checkpoint, file, "--output", tmp_path / "no" / "out.jsonl"), "no folder", "make it first")
        refused(tag(checkpoint, file, "--output", tmp_path), "a folder; name a file")
        refused(tag(checkpoint, file, "--output", file, "--overwrite"), "is an input, too")
        assert snapshot(tmp_path) == before

    def test_workers_on_a_machine_with_an_accelerator(
        self, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tagging, "default_device", lambda: type("Device", (), {"type": "cuda"}))
        refused(tag(checkpoint, write_corpus(tmp_path / "a.txt", []), "--num_workers", 2), "accelerator", "--device cpu")

    def test_what_is_invalid_is_left_out_and_counted(self, checkpoint: Path, tmp_path: Path) -> None:
        file = tmp_path / "a.jsonl"
        file.write_bytes(GOOD + b"{\n" + GOOD + b'{"text": 3}\n' + GOOD)
        refused(tag(checkpoint, file), "a.jsonl:2: not JSON", "--skip_invalid")
        result = tag(checkpoint, file, "--skip_invalid")
        assert result.out.count("\n") == 3
        assert re.search(r"^3 texts, \d+ entities, 2 invalid records skipped, ", result.err, re.MULTILINE)


class TestTypeEmbeddings:
    @pytest.fixture
    def corpus(self, tmp_path: Path) -> Path:
        return write_corpus(tmp_path / "a.jsonl", [{"text": text} for text in TEXTS])

    def test_are_written_once_and_read_later(
        self, checkpoint: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        fresh = tag(checkpoint, corpus).out
        assert tag(checkpoint, corpus, *kept).out == fresh
        written = snapshot(tmp_path)
        asked: list[int] = []
        encode = SpanMatcher.encode_types
        monkeypatch.setattr(
            SpanMatcher, "encode_types", lambda self, types, **rest: asked.append(len(types)) or encode(self, types, **rest)
        )
        assert tag(checkpoint, corpus, *kept).out == fresh
        assert sum(asked) < len(TYPES.split(","))
        assert snapshot(tmp_path) == written

    def test_of_other_types(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        assert spanmatch("tag", checkpoint, corpus, "--types", "person,city", *kept).status == 0
        before = snapshot(tmp_path)
        refused(tag(checkpoint, corpus, *kept), "types.safetensors: embeddings of 2 other types", '"company"', "another file")
        refused(spanmatch("tag", checkpoint, corpus, "--types", "person", *kept), "they are more")
        assert snapshot(tmp_path) == before

    def test_of_another_model(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        kept = ["--type_embeddings", tmp_path / "types.safetensors"]
        assert tag(checkpoint, corpus, *kept).status == 0
        other = SpanMatcher.from_pretrained(checkpoint, device="cpu", dtype="float32")
        other.model.head.type_proj.weight.data.mul_(1.5)
        other.save_pretrained(tmp_path / "other")
        refused(tag(tmp_path / "other", corpus, *kept), "types.safetensors: embeddings of another model", "remove this one")

    def test_of_a_cross_encoder(self, tiny_encoder: Path, corpus: Path, tmp_path: Path) -> None:
        make_matcher(tiny_encoder, "cross").save_pretrained(tmp_path / "cross")
        refused(tag(tmp_path / "cross", corpus, "--type_embeddings", tmp_path / "t.safetensors"), "cross-encoder", "leave it out")
        assert tag(tmp_path / "cross", corpus).status == 0

    def test_broken_file_and_no_folder(self, checkpoint: Path, corpus: Path, tmp_path: Path) -> None:
        (tmp_path / "types.safetensors").write_bytes(b"nothing")
        refused(tag(checkpoint, corpus, "--type_embeddings", tmp_path / "types.safetensors"), "no type embeddings")
        refused(tag(checkpoint, corpus, "--type_embeddings", tmp_path / "no" / "t.safetensors"), "no folder")


def test_output_is_what_would_be_printed(checkpoint: Path, tmp_path: Path) -> None:
    file = write_corpus(tmp_path / "a.jsonl", [{"id": number, "text": text} for number, text in enumerate(TEXTS)])
    assert tagged(checkpoint, file, tmp_path / "out.jsonl").decode() == tag(checkpoint, file).out
    assert [row["id"] for row in read_jsonl(tmp_path / "out.jsonl")] == list(range(len(TEXTS)))


def test_a_reader_that_goes_away(checkpoint: Path, tmp_path: Path) -> None:
    file = write_corpus(tmp_path / "a.jsonl", [{"text": text} for text in make_texts(3000)])
    process = start_tagging(checkpoint, file)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert wait_until(lambda: process.poll() is not None, process) or process.returncode == 0
    assert "Traceback" not in process.stderr.read()
