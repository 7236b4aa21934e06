"""Reading the files that are tagged: every format, how far it is read, and what is wrong with a file."""

import gzip
import io
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from helpers_tag import TEXTS, refused, tag, write_source
from pyarrow import parquet

from spanmatch.data.tables import table_line
from spanmatch.errors import InputError
from spanmatch.tagging import files
from spanmatch.tagging.files import SourceFiles, find_files, text_record

SUFFIXES = [".txt", ".txt.gz", ".jsonl", ".jsonl.gz", ".parquet"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_records_places_and_position(tmp_path: Path, suffix: str) -> None:
    paths = [write_source(tmp_path / f"{name}{suffix}", [{"text": text} for text in TEXTS]) for name in "ab"]
    opened = SourceFiles(paths)
    found, positions = [], []
    for item in opened:
        found.append(item)
        positions.append(opened.num_bytes_read)
    assert found == [(f"{path}:{n}", {"text": text}) for path in paths for n, text in enumerate(TEXTS, 1)]
    assert positions == sorted(positions) and positions[-1] == sum(path.stat().st_size for path in paths)


def test_blank_lines_of_json_are_no_records_and_those_of_text_are(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "Ada"}\n\n{"text": "Bob"}\n')
    (tmp_path / "b.txt").write_text("Ada\n\nBob")
    found = [(Path(where).name, record) for where, record in SourceFiles([tmp_path / "a.jsonl", tmp_path / "b.txt"])]
    json_lines = [("a.jsonl:1", {"text": "Ada"}), ("a.jsonl:3", {"text": "Bob"})]
    assert found == [*json_lines, ("b.txt:1", {"text": "Ada"}), ("b.txt:2", {"text": ""}), ("b.txt:3", {"text": "Bob"})]


class TestTables:
    @pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv", ".tsv.gz"])
    @pytest.mark.parametrize("more", [{}, {"n": "1"}])
    def test_rows_keep_all_columns(self, tmp_path: Path, suffix: str, more: dict[str, str]) -> None:
        path, separator = tmp_path / f"a{suffix}", "\t" if "tsv" in suffix else ","
        rows = [["text", *more], *([text, *more.values()] for text in TEXTS)]
        content = "".join(table_line(row, separator) for row in rows).encode()
        path.write_bytes(gzip.compress(content) if suffix.endswith(".gz") else content)
        opened = SourceFiles([path])
        assert list(opened) == [(f"{path}:{n}", {"text": text} | more) for n, text in enumerate(TEXTS, 2)]
        assert opened.num_bytes_read == path.stat().st_size and opened.count_records() is None

    def test_the_text_column(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text('\ufeffid;body\n1;"Ada\nmet"\n\n2;Bo\n', encoding="utf-8")
        found = [(Path(where).name, record) for where, record in SourceFiles([path], text_column="body")]
        assert found == [("a.csv:2", {"id": "1", "body": "Ada\nmet"}), ("a.csv:5", {"id": "2", "body": "Bo"})]
        with pytest.raises(InputError, match=r'a\.csv:1: no column "text"; valid: body, id \(--text_column NAME\)'):
            list(SourceFiles([path]))

    def test_a_bad_row_can_be_left_out(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"text,n\nAda,1\nBo\n\xff,2\nEd,3\n")
        found = [
            str(record) if isinstance(record, InputError) else record["text"] for _, record in SourceFiles([tmp_path / "a.csv"])
        ]
        assert [found[0], found[3]] == ["Ada", "Ed"]
        assert "a.csv:3: 1 cell, but the header names 2" in found[1] and "a.csv:4: not UTF-8" in found[2]

    def test_a_gzip_file_that_is_cut_off(self, tmp_path: Path) -> None:
        content = gzip.compress(b"text,n\n" + b"".join(b"Ada %d,1\n" % n for n in range(10_000)))
        (tmp_path / "a.csv.gz").write_bytes(content[: len(content) // 2])
        with pytest.raises(InputError, match=r"a\.csv\.gz:\d+: the gzip file is cut off or damaged from here on"):
            list(SourceFiles([tmp_path / "a.csv.gz"]))


def test_text_record() -> None:
    mark = b"\xef\xbb\xbf"
    assert text_record("a:1", mark + b"Ada\r\n", is_first=True) == {"text": "Ada"}
    assert text_record("a:2", mark + b"Ada\n") == {"text": "\ufeffAda"}
    assert str(text_record("a:3", b"\xff")) == "a:3: not UTF-8 (invalid start byte at byte 0); save the text as UTF-8"


class TestCounting:
    @pytest.mark.parametrize("suffix", [".txt", ".jsonl", ".parquet"])
    def test_plain_files(self, tmp_path: Path, suffix: str) -> None:
        paths = [write_source(tmp_path / f"{n}{suffix}", [{"text": "Ada"}] * n) for n in (1, 3)]
        assert SourceFiles(paths).count_records() == 4

    def test_a_last_line_without_end(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").write_text("Ada\nBob")
        assert SourceFiles([tmp_path / "a.txt"]).count_records() == 2

    def test_is_left_out_where_it_takes_long(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        assert SourceFiles([write_source(tmp_path / "a.txt.gz", [{"text": "Ada"}])]).count_records() is None
        plain = SourceFiles([write_source(tmp_path / "a.txt", [{"text": "Ada"}])])
        monkeypatch.setattr(files, "MAX_COUNTED_BYTES", 3)
        assert plain.count_records() is None


class TestFinding:
    def test_files_and_globs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "deep").mkdir()
        for name in ("b.txt", "a.txt", "deep/c.txt", "[odd].txt"):
            write_source(tmp_path / name, [{"text": "Ada"}])
        monkeypatch.setenv("HOME", str(tmp_path))
        assert find_files(f"{tmp_path}/a.txt") == find_files("~/a.txt") == [tmp_path / "a.txt"]
        assert find_files(f"{tmp_path}/[ab].txt") == [tmp_path / "a.txt", tmp_path / "b.txt"]
        assert find_files(f"{tmp_path}/[odd].txt") == [tmp_path / "[odd].txt"]  # its name, though it reads like a glob
        assert tmp_path / "deep" / "c.txt" in find_files(f"{tmp_path}/**/*.txt")
        assert find_files(f"{tmp_path}/*") == sorted(tmp_path.glob("*.txt"))  # no folder
        assert find_files("Ada met Bob") == find_files(f"{tmp_path}/x.txt") == []

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="a folder; name a file in it, or a glob such as"):
            find_files(str(tmp_path))


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


@pytest.mark.parametrize(("name", "content", "parts"), BROKEN.values(), ids=list(BROKEN))
def test_broken_files_are_refused(checkpoint: Path, tmp_path: Path, name: str, content: bytes, parts: list[str]) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tag(checkpoint, tmp_path / name), str(tmp_path), *parts)


def test_no_such_column(checkpoint: Path, tmp_path: Path) -> None:
    file = write_source(tmp_path / "a.parquet", [{"body": "Ada"}])
    refused(tag(checkpoint, file), f'{file}: no column "text"', "valid: body", "--text_column")
    refused(tag(checkpoint, file, "--text_column", "bdy"), 'did you mean "body"?')
