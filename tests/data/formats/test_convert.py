"""Conversions as a user runs them: refusals, names and descriptions, and the way there and back."""

import random
import re
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict
from helpers_data import FILE_FORMATS, OVERLAPPING, SPANS, TOKENS, content, facts, read_lines, span
from helpers_e2e import ROOT, Result, snapshot, spanmatch, write_jsonl
from hypothesis import given, settings
from hypothesis import strategies as st

from spanmatch.data.formats.convert import convert


class TestNamesAndDescriptions:
    def test_go_along_into_a_folder_of_its_own(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "labels.json").write_text('{"x": "a letter"}')
        source = write_jsonl(tmp_path / "train.jsonl", [{"tokens": ["a"], "tags": ["B-x"]}])
        for folder, to in (("set", "datasetdict"), ("files", "spans")):
            convert(str(source), str(tmp_path / folder), target_format=to)
            assert (tmp_path / folder / "labels.json").read_text() == '{"x": "a letter"}'
        convert(str(source), str(tmp_path / "beside.jsonl"))
        assert caplog.text == ""
        (tmp_path / "other").mkdir()
        convert(str(tmp_path / "set"), str(tmp_path / "other" / "a.conll"))
        assert f"(copy labels.json beside it): 1 (first: {tmp_path}/set/labels.json)" in caplog.text

    def test_elsewhere_are_counted(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        (tmp_path / "labels.json").write_text('{"x": "a letter"}')
        source = write_jsonl(tmp_path / "train.jsonl", [{"tokens": ["a"], "tags": ["B-x"]}])
        (tmp_path / "other").mkdir()
        convert(str(source), str(tmp_path / "other" / "a.jsonl"))
        assert "names and descriptions of types (copy labels.json beside it): 1" in caplog.text
        assert sorted(path.name for path in (tmp_path / "other").iterdir()) == ["a.jsonl"]


BAD_FILES: dict[str, tuple[str, str, str]] = {
    "a tag of no scheme": ("a.conll", "a O\nb per_B\n", 'a.conll:2: the tag is "per_B"; expected "O" or a prefix'),
    "too few columns": ("a.conll", "a N O\n\nb O\n", "a.conll:3: 2 columns, expected 3, as on the lines before"),
    "too many columns": ("a.conll", "a O\n2 1/2 O\n", "a.conll:2: 3 columns, expected 2"),
    "one column": ("a.conll", "a\n", "a.conll:1: 1 column, expected at least 2, the token first and its tag last"),
    "an empty column": ("a.conll", "\tO\n", "a.conll:1: the token is empty"),
    "no UTF-8": ("a.conll", "a O\n\udcff O\n", "a.conll:2: not UTF-8"),
    "no sentence": ("a.conll", "\n\n", "a.conll: no example in it"),
    "end beyond the tokens": (
        "a.json",
        '[\n{"tokenized_text": ["a"], "ner": [[0, 0, "x"]]},\n{"tokenized_text": ["a"], "ner": [[0, 1, "x"]]}]',
        'a.json:3, item 1: "ner" holds [0, 1, "x"] for 1 tokens; they count from 0, and the end is inclusive',
    ),
    "a negative start": ("a.json", '[{"tokenized_text": ["a"], "ner": [[-1, 0, "x"]]}]', 'a.json:1, item 0: "ner" holds [-1, 0'),
    "an end before the start": ("a.json", '[{"tokenized_text": ["a", "b"], "ner": [[1, 0, "x"]]}]', "[1, 0"),
    "a span of two": ("a.json", '[{"tokenized_text": ["a"], "ner": [[0, 0]]}]', "expected [first token, last token, label]"),
    "a span that is an object": ("a.json", '[{"tokenized_text": ["a"], "ner": [{"start": 0}]}]', "expected [first token"),
    "a truth value": ("a.json", '[{"tokenized_text": ["a"], "ner": [[false, 0, "x"]]}]', "expected [first token"),
    "a label that is a number": ("a.json", '[{"tokenized_text": ["a"], "ner": [[0, 0, 3]]}]', "expected [first token"),
    "a blank label": ("a.json", '[{"tokenized_text": ["a"], "ner": [[0, 0, " "]]}]', "is blank"),
    "no spans": ("a.json", '[{"tokenized_text": ["a"]}]', 'expected an object with the lists "tokenized_text" and "ner"'),
    "a key nearby": ("a.json", '[{"tokenised_text": ["a"], "ner": []}]', '"tokenised_text": did you mean "tokenized_text"?'),
    "spans are no list": (
        "a.json",
        '[{"tokenized_text": ["a"], "ner": {}}]',
        "a.json:1, item 0: expected an object with the lists",
    ),
    "an item that is no object": ("a.json", "[3]", "a.json:1, item 0: expected an object"),
    "labels are no list": ("a.json", '[{"tokenized_text": ["a"], "ner": [], "ner_labels": "x"}]', "must be lists of strings"),
    "tokens are no strings": ("a.json", '[{"tokenized_text": [1], "ner": []}]', '"tokens" must be a list of strings'),
    "an object alone": ("a.json", '{"train": []}', 'a.json:1: neither "text" nor "tokens"'),
    "a broken list": ("a.json", '[\n{"tokenized_text": ["a"], "ner": []},\n{"tok', "a.json:3: not JSON"),
    "a list without an end": (
        "a.json",
        '[{"tokenized_text": ["a"], "ner": []}',
        'item 0: not JSON (expected "," or "]" after it)',
    ),
    "an empty list": ("a.json", "[ ]", "a.json: no example in it"),
    "something after the list": ("a.json", '[{"tokenized_text": ["a"], "ner": []}] 3', "something follows the list"),
    "half a character": ("a.json", '[{"tokenized_text": ["\\ud800"], "ner": []}]', "lone surrogate"),
    "an empty token": ("a.jsonl", '{"tokens": ["a", ""], "tags": ["O", "O"]}', "a.jsonl:1: token 1 is empty"),
    "an unknown line": ("a.jsonl", '{"tokns": ["a"]}', 'did you mean "tokens"?'),
    "tags for other tokens": ("a.jsonl", '{"tokens": ["a"], "tags": []}', "0 tags for 1 tokens"),
    "no tags": ("a.jsonl", '{"tokens": ["a"], "tags": ["O"]}\n{"tokens": ["a"]}', 'a.jsonl:2: no "tags"; give one per token'),
    "not JSON": ("a.jsonl", "{", "a.jsonl:1: not JSON"),
    "empty": ("a.jsonl", "", "a.jsonl: no example in it"),
    "a label with a tab": ("a.jsonl", '{"tokens": ["a"], "tags": ["B-x\\ty"]}', 'the label "x\\ty" holds a tab or a line break'),
    "a suffix that says nothing": ("a.xml", "a O\n", "the name does not say the format; give --from"),
}


def refused(folder: Path, *arguments: object) -> str:
    """The one line of a conversion that is refused and leaves everything as it was."""
    before = snapshot(folder)
    result: Result = spanmatch("convert", *arguments)
    assert result.status == 2, result
    [line] = result.err.splitlines()
    assert line.startswith("error: ") and snapshot(folder) == before
    return line


class TestRefusals:
    @pytest.mark.parametrize(("name", "text", "message"), BAD_FILES.values(), ids=BAD_FILES)
    @pytest.mark.parametrize("target", ["out.conll", "out"])
    def test_bad_files(self, tmp_path: Path, name: str, text: str, message: str, target: str) -> None:
        (tmp_path / name).write_bytes(text.encode(errors="surrogateescape"))
        assert message in refused(tmp_path, tmp_path / name, tmp_path / target, "--to", "conll")

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["god.jsonl", "b.conll"], 'god.jsonl: no such file or folder; did you mean "good.jsonl"?'),
            (["good.jsonl", "there.conll"], "there.conll: is already there; name another target, or --overwrite"),
            (["good.jsonl", "full", "--to", "conll"], "full/good.conll: is already there"),
            (["good.jsonl", "full", "--to", "datasetdict", "--overwrite"], "a folder that --overwrite does not replace"),
            (["good.jsonl", "dir.conll", "--overwrite"], "dir.conll: a folder that --overwrite does not replace"),
            (["good.jsonl", "plain", "--to", "conll", "--overwrite"], "plain: a file, but what is written is a folder"),
            (["good.jsonl", "plain", "--to", "datasetdict", "--overwrite"], "plain: a file, but what is written is a folder"),
            (["good.jsonl", "none/b.conll"], "there is no folder"),
            (["good.jsonl", "good.jsonl", "--overwrite"], "source and target are the same"),
            (["good.jsonl", "b.conll", "--to", "conl"], '--to: unknown name "conl"; did you mean "conll"?'),
            (["good.jsonl", "b.conll", "--from", "span"], '--from: unknown name "span"; did you mean "spans"?'),
            (["good.jsonl", "b.conll", "--from", "datasetdict"], "a file, and a DatasetDict is a folder"),
            (["good.jsonl", "b.conll", "--scheme", "iob2"], '--scheme: unknown name "iob2"'),
            (["good.jsonl", "b.conll", "--on_overlap", "long"], 'did you mean "longest"?'),
            (["good.jsonl", "b.conll", "--split", "train"], "--split train: from one file to another there are no splits"),
            (["good.jsonl", "b"], "the name does not say the format; give --to"),
            (["set", "b.conll"], "one file for 2 splits (train, test); name a folder, or one split (--split)"),
            (["set", "b", "--to", "conll", "--split", "tset"], 'no split tset; did you mean "test"? (--split)'),
            (["empty", "b.conll"], "empty: neither a DatasetDict nor a folder with files"),
            (["empty", "b.conll", "--from", "datasetdict"], "no DatasetDict on disk"),
            (["twice", "b", "--to", "conll"], 'a.json and a.jsonl are both a split "a"'),
            (["good.jsonl", "b.conll", "--schema", "bio"], 'did you mean "--scheme"?'),
        ],
    )
    def test_arguments(self, tmp_path: Path, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write_jsonl(tmp_path / "good.jsonl", [{"tokens": ["a"]}])
        DatasetDict({name: Dataset.from_dict({"tokens": [["a"]]}) for name in ("train", "test")}).save_to_disk("set")
        for name in (
            "there.conll",
            "full/good.conll",
            "plain",
            "dir.conll/file",
            "empty/labels.json",
            "twice/a.json",
            "twice/a.jsonl",
        ):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("")
        assert message in refused(tmp_path, *arguments)

    def test_a_source_within_what_is_replaced(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": ["a"]}])
        convert(str(source), str(tmp_path / "set"), target_format="datasetdict")
        inside = write_jsonl(tmp_path / "set" / "a.jsonl", [{"tokens": ["a"]}])
        assert "does not replace" in refused(tmp_path, inside, tmp_path / "set", "--to", "datasetdict", "--overwrite")


class TestCommand:
    def test_says_what_it_did(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": TOKENS, "token_spans": SPANS}] * 2)
        result = spanmatch("convert", source, tmp_path / "a.json")
        assert (result.status, result.out) == (0, f"2 texts with 4 spans -> {tmp_path}/a.json\n")

    @pytest.mark.parametrize("to", FILE_FORMATS)
    def test_overwrites_where_asked(self, tmp_path: Path, to: str) -> None:
        target = tmp_path / "out" / FILE_FORMATS[to]
        target.parent.mkdir()
        for number in range(2):
            source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": [f"t{number}"]}])
            assert spanmatch("convert", source, target, "--to", to, "--overwrite").status == 0
        split = ["--split", "a"] if to == "datasetdict" else []
        assert spanmatch("convert", target, tmp_path / "back.jsonl", "--from", to, *split).status == 0
        assert read_lines(tmp_path / "back.jsonl")[0]["tokens"] == ["t1"]
        assert [path.name for path in target.parent.iterdir()] == [target.name]

    def test_help(self) -> None:
        result = spanmatch("convert", "--help")
        assert result.status == 0 and all(format in result.out for format in FILE_FORMATS)


class TestDocumentation:
    """The conversions of docs/migrate.md run as they stand there, one after the other."""

    def test_commands(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        rows = [{"tokens": TOKENS, "token_spans": SPANS}]
        convert(str(write_jsonl(tmp_path / "a.jsonl", rows)), "gliner_train.json")
        convert("a.jsonl", "eng.train.txt")
        write_jsonl(tmp_path / "nested.jsonl", [OVERLAPPING])
        write_jsonl(tmp_path / "doccano.jsonl", [{"text": "Ada", "label": [[0, 3, "PER"]]}])
        DatasetDict(
            {name: Dataset.from_dict({"tokens": [TOKENS], "token_spans": [SPANS]}) for name in ("train", "test")}
        ).save_to_disk("my_dataset")
        text = (ROOT / "docs" / "migrate.md").read_text(encoding="utf-8")
        commands = re.findall(r"^spanmatch (convert .*)$", text, flags=re.MULTILINE)
        assert len(commands) >= 10
        for command in commands:
            overwrite = ["--overwrite"] if command.endswith("eng.train.txt train.jsonl") else []
            result = spanmatch(*command.split(), *overwrite)
            assert result.status == 0, (command, result.err)
        assert read_lines(tmp_path / "train.jsonl") == rows and read_lines(tmp_path / "my_files" / "test.jsonl") == rows
        assert content(tmp_path / "columns.conll") == "Ada\tB-PER\nLovelace\tE-PER\nmet\tO\nBo\tS-PER\n\n"


def through(folder: Path, source: Path, format: str) -> Path:
    """Our JSONL to a format and back."""
    there, back = folder / format / FILE_FORMATS[format], folder / format / "back.jsonl"
    there.parent.mkdir()
    convert(str(source), str(there), target_format=format, split="train" if format == "datasetdict" else None)
    convert(str(there), str(back), source_format=format, target_format="spans")
    return back


LABELS = ["a", "B-c", "d e", "f ", "-", "O", "\u00e9\u4eba"]


@st.composite
def records(draw: st.DrawFn, is_flat: bool) -> dict[str, Any]:
    """A record with tokens, or a text alone, with spans on tokens."""
    alphabet = st.characters(codec="utf-8", categories=("L", "N", "P", "S", "M", "Z"))
    tokens = draw(st.lists(st.text(alphabet, min_size=1, max_size=4).filter(lambda token: token.strip()), min_size=1, max_size=7))
    if is_flat:
        cuts = sorted(draw(st.lists(st.integers(0, len(tokens)), max_size=6)))
        pairs = [(start, end) for start, end in pairwise(cuts) if start < end and draw(st.booleans())]
    else:
        ends = st.integers(1, len(tokens)).flatmap(lambda end: st.tuples(st.integers(0, end - 1), st.just(end)))
        pairs = draw(st.lists(ends, max_size=5))
    spans = [span(start, end, draw(st.sampled_from(LABELS))) for start, end in pairs]
    row: dict[str, Any] = {"tokens": tokens, "token_spans": spans}
    if draw(st.booleans()):
        row["text"] = draw(st.sampled_from(["", " ", "\n"])).join(tokens) + draw(st.sampled_from(["", " \n"]))
    if draw(st.booleans()):
        row["labels"] = sorted({"z", *(item["label"] for item in spans)})
    if draw(st.booleans()):
        row["id"] = draw(st.text(alphabet, min_size=1, max_size=3))
    return row


@settings(max_examples=30)
@given(st.lists(records(is_flat=True), min_size=1, max_size=8))
@pytest.mark.parametrize("format", sorted(FILE_FORMATS))
def test_flat_spans_come_back(format: str, rows: list[dict[str, Any]]) -> None:
    if format == "conll":  # columns hold tokens and tags alone
        rows = [{"tokens": row["tokens"], "token_spans": row["token_spans"]} for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        source = write_jsonl(Path(folder) / "train.jsonl", rows)
        assert facts(through(Path(folder), source, format)) == facts(source)


@settings(max_examples=30)
@given(st.lists(records(is_flat=False), min_size=1, max_size=8))
@pytest.mark.parametrize("format", ["gliner", "spans"])
def test_overlapping_spans_come_back(format: str, rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = write_jsonl(Path(folder) / "train.jsonl", rows)
        assert facts(through(Path(folder), source, format)) == facts(source)


def generated(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Random tokens of many scripts, some with a space inside; flat spans, adjacent ones of one type among them."""
    rng = random.Random(seed)
    letters = "abcXYZ019.,-'\"\\/#[]{}äßéñŁжюαωשלعربहिन्दी日本語한국어ไทย🙂👩‍🚀\u00a0\u2028\u200b\ufeff"
    labels = ["PER", "LOC", "product name", "B-x", "O", "名"]
    for index in range(count):
        tokens = ["".join(rng.choices(letters, k=rng.randint(1, 7))) for _ in range(rng.randint(1, 25))]
        tokens = [token if token.strip() else "x" for token in tokens]
        if rng.random() < 0.2:
            tokens[rng.randrange(len(tokens))] = "2 1/2"
        spans, start, label = [], 0, "PER"
        while start < len(tokens):
            end = min(len(tokens), start + rng.randint(1, 4))
            label = label if rng.random() < 0.5 else rng.choice(labels)
            if rng.random() < 0.4:
                spans.append(span(start, end, label))
            start = end
        yield {"id": f"{seed}-{index}", "tokens": tokens, "token_spans": spans, "labels": labels[: rng.randint(0, 6)]}


@pytest.mark.parametrize("second", sorted(FILE_FORMATS))
@pytest.mark.parametrize("first", sorted(FILE_FORMATS))
@pytest.mark.parametrize("scheme", ["bio", "iobes"])
def test_every_pair(first: str, second: str, scheme: str, tmp_path: Path) -> None:
    """From each format to each, and back to ours."""
    rows = [{"tokens": row["tokens"], "token_spans": row["token_spans"]} for row in generated(100, seed=3)]
    write_jsonl(tmp_path / "train.jsonl", rows)
    source, given = tmp_path / "train.jsonl", "spans"
    for number, format in enumerate((first, second, "spans")):
        folder = tmp_path / str(number)
        folder.mkdir()
        convert(str(source), str(folder / FILE_FORMATS[format]), source_format=given, target_format=format, scheme=scheme)
        source, given = folder / FILE_FORMATS[format], format
    assert read_lines(source) == rows


def test_ten_thousand_examples_come_back_without_a_difference(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = list(generated(10_000, seed=7))
    for row in rows:
        row["labels"] = list(dict.fromkeys([*row["labels"], *(item["label"] for item in row["token_spans"])]))
    assert (
        sum(
            one["end"] == two["start"] and one["label"] == two["label"]
            for row in rows
            for one, two in pairwise(row["token_spans"])
        )
        > 1_000
    )
    bare = [{"tokens": row["tokens"], "token_spans": row["token_spans"]} for row in rows]
    whole, plain = write_jsonl(tmp_path / "whole.jsonl", rows), write_jsonl(tmp_path / "plain.jsonl", bare)
    for format in sorted(FILE_FORMATS):
        back = through(tmp_path, plain if format == "conll" else whole, format)
        for found, expected in zip(read_lines(back), bare if format == "conll" else rows, strict=True):
            assert found == expected, format
    assert caplog.text == ""


class TestPlacesOfTargets:
    def test_a_link_and_permissions_stay(self, tmp_path: Path) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": ["Ada"], "tags": ["B-x"]}])
        real, link = tmp_path / "real.conll", tmp_path / "link.conll"
        real.write_text("old")
        real.chmod(0o600)
        link.symlink_to(real)
        convert(str(source), str(link), overwrite=True)
        assert link.is_symlink() and real.read_text() == "Ada\tB-x\n\n" and real.stat().st_mode & 0o777 == 0o600

    def test_in_the_folder_of_the_source(self, tmp_path: Path) -> None:
        """It would be an input at the second time."""
        write_jsonl(tmp_path / "a.jsonl", [{"tokens": ["Ada"], "tags": ["B-x"]}])
        assert spanmatch("convert", tmp_path, tmp_path / "all.conll").status == 0
        before = snapshot(tmp_path)
        result = spanmatch("convert", tmp_path, tmp_path / "all.conll", "--split", "a", "--overwrite")
        assert result.status == 2 and "all.conll: is an input, too" in result.err
        assert snapshot(tmp_path) == before

    @pytest.mark.parametrize("name", ["device.conll", "n" * 245 + ".conll"])
    def test_that_cannot_be_written(self, tmp_path: Path, name: str) -> None:
        source = write_jsonl(tmp_path / "a.jsonl", [{"tokens": ["Ada"], "tags": ["B-x"]}])
        (tmp_path / "device.conll").symlink_to("/dev/null")
        before = snapshot(tmp_path)
        result = spanmatch("convert", source, tmp_path / name, "--overwrite")
        assert result.status == 2 and len(result.err.splitlines()) == 1 and snapshot(tmp_path) == before
