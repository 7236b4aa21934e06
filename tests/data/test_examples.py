"""One record becomes an example, or an error with file, line and remedy."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from helpers_data import CHARS, NESTED_CHARS, TEXT, TOKEN_SPANS, WORDS, read_one, spans_of, texts_of
from helpers_e2e import write_jsonl

from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import json_row, json_rows
from spanmatch.errors import InputError


class TestGold:
    @pytest.mark.parametrize(
        ("row", "text", "in_text", "in_tokens"),
        [
            ({"text": TEXT, "char_spans": CHARS}, TEXT, [(0, 3)], [(0, 3)]),
            ({"tokens": WORDS, "token_spans": TOKEN_SPANS}, "Ada met Bob .", [(8, 11)], [(8, 11)]),
            ({"tokens": WORDS, "tags": ["O", "O", "B-person", "O"]}, "Ada met Bob .", [(8, 11)], [(8, 11)]),
            # Tokens keep the white space of their text.
            ({"text": TEXT, "tokens": WORDS, "token_spans": TOKEN_SPANS}, TEXT, [(8, 11)], [(8, 11)]),
            ({"text": TEXT, "tokens": WORDS, "tags": ["B-person", "O", "O", "O"]}, TEXT, [(0, 3)], [(0, 3)]),
            # Without tokens, those of the word splitter count.
            ({"text": TEXT, "token_spans": TOKEN_SPANS}, TEXT, [(8, 11)], [(8, 11)]),
            ({"text": TEXT, "tags": ["O", "O", "O", "S-person"]}, TEXT, [(11, 12)], [(11, 12)]),
            # With both, each format reads its own.
            ({"text": TEXT, "tokens": WORDS, "char_spans": CHARS, "token_spans": TOKEN_SPANS}, TEXT, [(0, 3)], [(8, 11)]),
            ({"text": TEXT, "tokens": WORDS, "char_spans": CHARS, "tags": list("OOOO")}, TEXT, [(0, 3)], []),
            # Token spans come before tags.
            ({"tokens": WORDS, "token_spans": TOKEN_SPANS, "tags": list("OOOO")}, "Ada met Bob .", [(8, 11)], [(8, 11)]),
            ({"tokens": WORDS, "char_spans": CHARS}, "Ada met Bob .", [(0, 3)], [(0, 3)]),
            # Nested, crossing and repeated spans.
            ({"text": TEXT, "char_spans": NESTED_CHARS}, TEXT, [(0, 3), (0, 7)], [(0, 3), (0, 7)]),
            ({"text": TEXT, "char_spans": CHARS * 2}, TEXT, [(0, 3)], [(0, 3)]),
            ({"text": TEXT, "char_spans": []}, TEXT, [], []),
            ({"text": TEXT}, TEXT, [], []),
            ({"text": ""}, "", [], []),
            ({"tokens": []}, "", [], []),
        ],
    )
    def test_each_format_reads_its_own_first(
        self, tmp_path: Path, row: dict[str, Any], text: str, in_text: list[tuple[int, int]], in_tokens: list[tuple[int, int]]
    ) -> None:
        for format, expected in (("text", in_text), ("tokens", in_tokens)):
            example = read_one(tmp_path, row, format=format)
            assert example.text == text
            assert spans_of(example) == [(start, end, "person") for start, end in expected]

    def test_words_are_those_of_the_format(self, tmp_path: Path) -> None:
        row = {"text": "isn't it", "tokens": ["is", "n't", "it"]}
        assert read_one(tmp_path, row, format="text").words == ((0, 3), (3, 4), (4, 5), (6, 8))
        assert read_one(tmp_path, row, format="tokens").words == ((0, 2), (2, 5), (6, 8))

    @pytest.mark.parametrize(("given", "expected"), [("a1", "a1"), (7, "7"), (0, "0"), (None, None)])
    def test_id(self, tmp_path: Path, given: object, expected: str | None) -> None:
        assert read_one(tmp_path, {"text": TEXT, "id": given}).id == expected


def char_spans(**changes: Any) -> list[dict[str, Any]]:
    return [{"start": 0, "end": 3, "label": "x"} | changes]


BAD_LINES: dict[str, tuple[Any, str]] = {
    "not JSON": ('{"text": ', "not JSON (Expecting value at column"),
    "not UTF-8": (b'{"text": "\xff"}', "not UTF-8"),
    "half a character": ('{"text": "\\ud800"}', "lone surrogate (\\ud800)"),
    "a list": ([], "expected a JSON object, got list"),
    "another key": ({"txt": TEXT}, 'neither "text" nor "tokens"; "txt": did you mean "text"?'),
    "spans as id": ({"text": TEXT, "id": [{"start": 0, "end": 3, "label": "x"}]}, '"id" must be a text or a number, got list'),
    "text is a number": ({"text": 3}, '"text" must be a string, got int'),
    "tokens are a string": ({"tokens": "a b"}, '"tokens" must be a list of strings'),
    "a token is null": ({"tokens": ["a", None]}, '"tokens" must be a list of strings'),
    "a token elsewhere": ({"text": TEXT, "tokens": ["Bob", "Ada"]}, 'token 1 ("Ada") is not in the text after character 11'),
    "beyond the text": ({"text": TEXT, "char_spans": char_spans(end=13)}, "span [0, 13) ends beyond the text (12 characters)"),
    "empty span": ({"text": TEXT, "char_spans": char_spans(end=0)}, "a span needs 0 <= start < end, got [0, 0)"),
    "negative": ({"text": TEXT, "char_spans": char_spans(start=-1)}, "got [-1, 3)"),
    "not whole": ({"text": TEXT, "char_spans": char_spans(start=0.0)}, "start and end must be whole numbers"),
    "a truth value": ({"text": TEXT, "char_spans": char_spans(start=False)}, "start and end must be whole numbers"),
    "no label": ({"text": TEXT, "char_spans": char_spans(label="")}, "label a name"),
    "blank label": ({"text": TEXT, "char_spans": char_spans(label=" ")}, "is blank"),
    "spans by position": ({"text": TEXT, "char_spans": [[0, 3, "x"]]}, 'expected {"start", "end", "label"}'),
    "spans are an object": ({"text": TEXT, "char_spans": {}}, '"char_spans" must be a list, got dict'),
    "beyond the tokens": ({"tokens": ["a"], "token_spans": char_spans()}, "token span [0, 3) ends beyond the 1 tokens"),
    "too few tags": ({"tokens": ["a", "b"], "tags": ["O"]}, "1 tags for 2 tokens"),
    "tags are numbers": ({"tokens": ["a"], "tags": [0]}, '"tags" must be a list of strings'),
    "a tag of no scheme": ({"tokens": ["a"], "tags": ["b-PER"]}, 'tag 0 is "b-PER"; expected "O" or a prefix'),
    "tags of two kinds": ({"tokens": ["a", "b"], "tags": ["B-PER", "PER"]}, 'tag 1 is "PER"; expected "O" or a prefix and'),
    "numbers without names": ({"tokens": ["a"], "ner_tags": [0]}, '"ner_tags" are numbers without names'),
    "labels are a string": ({"text": TEXT, "labels": "x"}, '"labels" must be a list of strings'),
    "a label out of labels": (
        {"text": TEXT, "labels": ["y"], "char_spans": char_spans()},
        'spans of "x", which is not in the line\'s',
    ),
    "an empty token": ({"tokens": ["a", ""], "tags": ["O", "O"]}, "token 1 is empty; drop it, and its tag"),
    "an empty token with text": ({"text": "a", "tokens": ["a", ""]}, "token 1 is empty"),
    "a text without tokens": ({"text": "a", "tokens": []}, '"tokens" is empty and "text" is not'),
}


class TestBadLines:
    @staticmethod
    def write(folder: Path, bad: Any) -> Path:
        line = bad if isinstance(bad, bytes) else (bad if isinstance(bad, str) else json.dumps(bad)).encode()
        (folder / "bad.jsonl").write_bytes(b'{"text": "first"}\n' + line + b'\n{"text": "last"}\n')
        return folder / "bad.jsonl"

    @pytest.mark.parametrize(("bad", "message"), BAD_LINES.values(), ids=BAD_LINES)
    def test_names_file_line_and_reason(self, tmp_path: Path, bad: Any, message: str) -> None:
        file = self.write(tmp_path, bad)
        with pytest.raises(InputError) as caught:
            read_corpus(str(file))
        assert str(caught.value).startswith(f"{file}:2: ") and message in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("bad", [bad for bad, _ in BAD_LINES.values()], ids=BAD_LINES)
    def test_skipped_and_counted(self, tmp_path: Path, bad: Any, caplog: pytest.LogCaptureFixture) -> None:
        file = self.write(tmp_path, bad)
        with caplog.at_level(logging.WARNING):
            corpus = read_corpus([str(file), str(file)], skip_invalid=True)
        assert texts_of(corpus) == ["first", "last"] * 2
        assert corpus.num_skipped == 2
        assert f"skipped: {file}:2: " in caplog.text and "2 invalid records were skipped" in caplog.text

    def test_nothing_else_is_left(self, tmp_path: Path) -> None:
        file = write_jsonl(tmp_path / "bad.jsonl", [{"txt": "a"}])
        with pytest.raises(InputError, match="no example in it"):
            read_corpus(str(file), skip_invalid=True)


def test_rows_have_their_places(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_bytes('\ufeff{"a": "é"}\r\n\n{\n \n"😀"'.encode())
    [first, bad, last] = json_rows(file)
    assert first == (f"{file}:1", {"a": "é"}) and last == (f"{file}:5", "😀")
    assert bad[0] == f"{file}:3" and isinstance(bad[1], InputError)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "not JSON (Expecting property name enclosed in double quotes at column 2); write one JSON object per line"),
        (b'"\xff"', "not UTF-8 (invalid start byte at byte 1); save the file as UTF-8"),
        (b'"\\ud83d"', "holds a lone surrogate (\\ud83d), half a character; write it whole, or drop it"),
        (b'"\xed\xa0\xbd"', "holds a lone surrogate (\\ud83d), half a character; write it whole, or drop it"),
    ],
)
def test_bad_lines(line: bytes, message: str) -> None:
    assert str(json_row("a.jsonl:3", line)) == f"a.jsonl:3: {message}"


@pytest.mark.parametrize("line", [b"[" * 100_000, b"9" * 5_000])
def test_what_json_cannot_hold(line: bytes) -> None:
    assert str(json_row("a.jsonl:3", line)).startswith("a.jsonl:3: not JSON that can be read (")


def test_whole_pairs_are_characters() -> None:
    assert json_row("a.jsonl:1", b'"\\ud83d\\ude00"') == "\U0001f600"
