"""Sources: what a name stands for, and the lines of a stream as they arrive."""

import io
import os
from pathlib import Path

import pytest
from helpers_tag import TEXTS, write_source

from spanmatch.errors import InputError
from spanmatch.tagging import sources
from spanmatch.tagging.sources import arriving_texts, open_files, read_input, source_chunks


class TestOpening:
    def test_files(self, tmp_path: Path) -> None:
        file = write_source(tmp_path / "a b.jsonl", [{"body": "Ada"}])
        opened = open_files(str(file), "body")
        assert opened is not None and opened.paths == (file,) and [record for _, record in opened] == [{"body": "Ada"}]

    @pytest.mark.parametrize("source", ["-", "Ada met Bob", "Is it [Ada] or *Bob* ?"])
    def test_no_files(self, source: str) -> None:
        assert open_files(source) is None

    def test_neither(self, tmp_path: Path) -> None:
        write_source(tmp_path / "texts.txt", [])
        with pytest.raises(InputError, match=r'text.txt: no such file; did you mean "texts.txt"\?'):
            open_files(f"{tmp_path}/text.txt")
        with pytest.raises(InputError, match="nothing: no such file; give a file, a sentence of several words, or -"):
            open_files(f"{tmp_path}/nothing")
        with pytest.raises(InputError, match=r"\*.jsonl: no file matches; check the pattern"):
            open_files(f"{tmp_path}/*.jsonl")


class TestReading:
    def test_a_file_across_chunks(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sources, "CHUNK_TEXTS", 5)
        file = write_source(tmp_path / "a.jsonl", [{"id": n, "text": text} for n, text in enumerate(TEXTS)])
        assert list(read_input(str(file))) == [(f"{file}:{n + 1}", {"id": n, "text": text}) for n, text in enumerate(TEXTS)]
        assert [len(chunk.texts) for chunk in source_chunks(str(file), open_files(str(file)))] == [5, 5, 5, 5, 3]

    def test_a_sentence(self) -> None:
        assert list(read_input("Ada met Bob")) == [("argument:1", {"text": "Ada met Bob"})]

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("\ufeffAda\nZoë\r\n".encode()), encoding="utf-8"))
        assert list(read_input("-")) == [("standard input:1", {"text": "Ada"}), ("standard input:2", {"text": "Zoë"})]


def test_lines_arrive_whole_whatever_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause is told, and ends no line."""
    monkeypatch.setattr(sources, "PAUSE_SECONDS", 0.01)
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as stream:
        arriving = arriving_texts("test", stream)  # type: ignore[arg-type]
        assert next(arriving) is None
        os.write(writer, b"Ada\nBo")
        assert next(arriving) == ("test:1", {"text": "Ada"})
        assert next(arriving) is None
        os.write(writer, b"b\n\nE\xcc")
        assert [next(arriving), next(arriving)] == [("test:2", {"text": "Bob"}), ("test:3", {"text": ""})]
        os.write(writer, b"\x81va")
        os.close(writer)
        assert [item for item in arriving if item is not None] == [("test:4", {"text": "E\u0301va"})]
