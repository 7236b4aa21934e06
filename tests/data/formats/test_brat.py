"""Documents of brat are read and written, and offsets that do not cover what a line shows are refused."""

from pathlib import Path
from typing import Any

import pytest
from helpers_data import read_lines, span
from helpers_e2e import write_jsonl
from hypothesis import given
from hypothesis import strategies as st

from spanmatch.data.formats.brat import is_brat, read_brat
from spanmatch.data.formats.convert import convert
from spanmatch.data.formats.formats import find_format
from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.errors import InputError

TEXT = "Ada Berg met\nBo in Oslo 🎉 Ulm.\n"
LINES = ["T1\tPER 0 8\tAda Berg", "T2\tPER 13 15\tBo", "T3\tLOC 26 29\tUlm"]
SPANS = [span(0, 8, "PER"), span(13, 15, "PER"), span(26, 29, "LOC")]


def write(folder: Path, lines: list[str], text: str | bytes = TEXT, name: str = "doc") -> Path:
    """Write a document, and return the path of its annotation."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    (folder / f"{name}.ann").write_bytes("".join(f"{line}\n" for line in lines).encode())
    return folder / f"{name}.ann"


def read(path: Path, left_out: LeftOut | None = None) -> list[dict[str, Any]]:
    return [row for _, row in read_brat(path, Reading(left_out=left_out or LeftOut()))]


class TestReading:
    def test_a_document(self, tmp_path: Path) -> None:
        annotation = write(tmp_path, LINES)
        expected = [{"id": "doc", "text": TEXT, "char_spans": SPANS}]
        assert read(annotation) == read(annotation.with_suffix(".txt")) == read(tmp_path) == expected

    def test_a_folder(self, tmp_path: Path) -> None:
        for name in ("b.2", "a"):
            write(tmp_path, LINES[:1], name=name)
        write(tmp_path, [], "Hm", name="c")
        (tmp_path / "annotation.conf").write_text("[entities]\nPER\n", encoding="utf-8")
        assert [(row["id"], len(row["char_spans"])) for row in read(tmp_path)] == [("a", 1), ("b.2", 1), ("c", 0)]

    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            # A span over a line break, as brat writes it; pieces with white space alone between them.
            ("T1\tX 9 12;13 15\tmet Bo", span(9, 15, "X")),
            ("T1\tX 0 3;4 8\tAda Berg", span(0, 8, "X")),
            ("T1\tX 0 8\tAda Berg\t", span(0, 8, "X")),
            ("T1\tX 0 8\tAda Berg\tcomment", span(0, 8, "X")),
            ("T12a\tX-y_z 0 3\tAda", span(0, 3, "X-y_z")),
        ],
    )
    def test_forms_of_a_line(self, tmp_path: Path, line: str, expected: dict[str, Any]) -> None:
        assert read(write(tmp_path, [line, "", " "]))[0]["char_spans"] == [expected]

    @pytest.mark.parametrize("line_break", ["\r\n", "\r"])
    @pytest.mark.parametrize("mark", ["", "\ufeff"])
    @pytest.mark.parametrize("counts_mark", [False, True])
    @pytest.mark.parametrize("counts_both", [False, True])
    def test_ways_of_counting(self, tmp_path: Path, line_break: str, mark: str, counts_mark: bool, counts_both: bool) -> None:
        """brat counts a line break as one character, other tools each of two; some count a byte order mark."""
        shift = len(mark) * counts_mark
        after = (len(line_break) - 1) * counts_both + shift
        lines = [f"T1\tPER {shift} {8 + shift}\tAda Berg", f"T2\tPER {13 + after} {15 + after}\tBo"]
        [row] = read(write(tmp_path, lines, mark + TEXT.replace("\n", line_break)))
        assert [row["text"][item["start"] : item["end"]] for item in row["char_spans"]] == ["Ada Berg", "Bo"]

    def test_what_is_left_out_is_counted(self, tmp_path: Path) -> None:
        others = [
            "E1\tMeet:T2 Who:T1",
            "R1\tin Arg1:T1 Arg2:T3",
            "A1\tNegated T1",
            "M1\tOld T1",
            "N1\tReference T1 Q:1",
            "#1\tAnnotatorNotes T1\tsure",
            "*\tEquiv T1 T2",
            "T9\tX 0 3;9 12\tAda met",
        ]
        left_out = LeftOut()
        [row] = read(write(tmp_path, [*LINES, *others]), left_out)
        assert row["char_spans"] == SPANS
        assert left_out.counts == {
            "events": 1, "relations": 1, "attributes": 2, "normalizations": 1, "notes": 1, "equivalences": 1,
            "spans in several pieces": 1,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        # Spans shifted by one, beyond the text, in bytes, or of a text that changed since.
        ("T2\tPER 14 16\tBo", r"the offsets cover 'o ', the line shows 'Bo'; offsets count characters"),
        ("T2\tLOC 30 33\tUlm", r"the offsets cover '\\n', the line shows 'Ulm'"),
        ("T2\tLOC 26 90\tUlm.\n", r"the offsets cover 'Ulm.\\n'"),
        ("T2\tLOC 29 32\tUlm", r"the offsets cover '.\\n'"),
        ("T2\tPER 0 3\tBob", "the line shows 'Bob'"),
        ("T2\tPER 0 3\tAda Berg", "the line shows 'Ada Berg'"),
        # Fields dropped, renamed, or of another kind.
        ("T2\tPER 0 3", r'expected "T1<tab>LABEL START END<tab>TEXT", got'),
        ("T2\t0 3\tAda", "expected"),
        ("T2\tPER 3\tAda", "expected"),
        ("PER 0 3\tAda", "expected"),
        ("T2 PER 0 3 Ada", "expected"),
        ("X2\tPER 0 3\tAda", "expected"),
        ("T\tPER 0 3\tAda", "expected"),
        ("T2\tPER 0.0 3.0\tAda", "expected"),
        ("T2\tPER 0 -3\tAda", "expected"),
        ("T2\tPER 0,3\tAda", "expected"),
        (f"T2\tPER 0 {'9' * 5000}\tAda", "expected"),
        ("T2\ta person 0 3\tAda", "expected"),
        ("T2\tPER 3 0\tAda", "the span 3 0 is empty or out of order"),
        ("T2\tPER 3 3\t", "the span 3 3 is empty or out of order"),
        ("T2\tPER 4 8;0 3\tBerg Ada", "is empty or out of order"),
        ("T1\tPER 0 3\tAda", "the id T1 is there twice"),
        ("events", "expected"),
        ("Events\tx", "expected"),
        ("{}", "expected"),
    ],
)
def test_a_line_that_is_wrong(tmp_path: Path, line: str, expected: str) -> None:
    annotation = write(tmp_path, [LINES[0], line.rstrip("\n")])
    with pytest.raises(InputError, match=rf"doc\.ann:2: .*{expected}") as error:
        read(annotation)
    assert "\n" not in str(error.value)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Ada", encoding="utf-8")
    (tmp_path / "b.ann").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match=r"a\.txt: its annotation, a\.ann, is not beside it; an empty one says no entity"):
        read(tmp_path)
    with pytest.raises(InputError, match=r"b\.ann: its text, b\.txt, is not beside it; copy it there"):
        read(tmp_path / "b.ann")


@pytest.mark.parametrize("broken", ["text", "annotation"])
def test_files_that_are_not_utf8(tmp_path: Path, broken: str) -> None:
    annotation = write(tmp_path, LINES[:1], b"\xff" if broken == "text" else TEXT)
    if broken == "annotation":
        annotation.write_bytes(b"T1\tPER 0 8\tAda Berg\n\xff")
    with pytest.raises(InputError, match=r"doc\.txt: not UTF-8" if broken == "text" else r"doc\.ann:2: not UTF-8"):
        read(annotation)


def test_a_document_is_told_by_its_two_files(tmp_path: Path) -> None:
    annotation = write(tmp_path / "docs", LINES)
    (tmp_path / "other.txt").write_text("Ada B-PER\n", encoding="utf-8")
    assert is_brat(tmp_path / "docs", None) and not is_brat(tmp_path, None)
    found = [find_format(path).name for path in (annotation, annotation.with_suffix(".txt"), tmp_path / "docs")]
    assert found == ["brat"] * 3 and find_format(tmp_path / "other.txt").name == "conll"


class TestWriting:
    def test_documents(self, tmp_path: Path) -> None:
        rows = [{"id": "doc", "text": TEXT, "char_spans": SPANS}, {"tokens": ["Bo"], "token_spans": [span(0, 1, "a person")]}]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), str(tmp_path / "out"), target_format="brat")
        written = {path.name: path.read_bytes().decode() for path in (tmp_path / "out").iterdir()}
        assert written == {
            "doc.txt": TEXT,
            "doc.ann": "".join(f"{line}\n" for line in LINES),
            "000002.txt": "Bo",
            "000002.ann": "T1\ta_person 0 2\tBo\n",
            "annotation.conf": "[entities]\nLOC\nPER\na_person\n\n[relations]\n\n[events]\n\n[attributes]\n",
        }

    def test_a_folder_per_split(self, tmp_path: Path) -> None:
        for name in ("train", "test"):
            write_jsonl(tmp_path / "in" / f"{name}.jsonl", [{"id": name, "text": "Ada", "char_spans": [span(0, 3)]}])
        convert(str(tmp_path / "in"), str(tmp_path / "out"), target_format="brat")
        assert (tmp_path / "out" / "train" / "train.ann").read_text(encoding="utf-8") == "T1\tx 0 3\tAda\n"
        convert(str(tmp_path / "out"), str(tmp_path / "back"), target_format="spans")
        for name in ("train", "test"):
            assert (tmp_path / "back" / f"{name}.jsonl").read_bytes() == (tmp_path / "in" / f"{name}.jsonl").read_bytes()

    def test_names_of_documents(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        """An id that cannot be the name of a file, or is there twice, gives way to a number; nothing leaves the folder."""
        ids = ["../evil", "a", "A", "", "000006", ".hidden", "x" * 500, "a/b", "b"]
        rows = [{"id": name, "text": str(index)} for index, name in enumerate(ids, 1)]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), str(tmp_path / "out"), target_format="brat")
        names = sorted(path.stem for path in (tmp_path / "out").glob("*.txt"))
        assert names == ["000001", "000003", "000004", "000006", "000006_2", "000007", "000008", "a", "b"]
        assert 'values of "id" (documents get numbers): 6' in caplog.text
        assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "out"]

    def test_what_brat_does_not_hold_is_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        spans = [span(0, 4) | {"score": 0.5}, span(3, 4), span(2, 8)]
        rows = [{"text": "Ada\n\r\nBo", "char_spans": spans, "n": 1, "labels": ["x"]}]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), str(tmp_path / "out"), target_format="brat")
        assert (tmp_path / "out" / "000001.ann").read_text(encoding="utf-8") == "T1\tx 0 3\tAda\nT2\tx 2 3;5 7\ta Bo\n"
        for kind in (
            "line breaks with a carriage return (written as line feeds): 1",
            "line breaks at an end of a span: 1",
            "spans of line breaks alone: 1",
            "scores: 1",
            'values of "n": 1',
            'values of "labels": 1',
        ):
            assert kind in caplog.text

    @given(
        text=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\ufeff"), min_size=1),
        starts=st.lists(st.tuples(st.integers(0, 20), st.integers(1, 20)), max_size=3),
    )
    def test_there_and_back(self, tmp_path_factory: pytest.TempPathFactory, text: str, starts: list[tuple[int, int]]) -> None:
        """What brat can hold comes back: spans without a line break at their ends."""
        folder = tmp_path_factory.mktemp("brat")
        bounds = dict.fromkeys((start, min(start + width, len(text))) for start, width in starts if start < len(text))
        spans = [span(*item) for item in bounds if "\n" not in {text[item[0]], text[item[1] - 1]}]
        rows = [{"id": "doc", "text": text, "char_spans": spans}]
        convert(str(write_jsonl(folder / "a.jsonl", rows)), str(folder / "out"), target_format="brat")
        convert(str(folder / "out"), str(folder / "b.jsonl"))
        assert read_lines(folder / "b.jsonl") == rows
