"""Uploaded files: the three formats, and a sentence for each that is none of them."""

import json

import pytest

from spanmatch.apps.demo.uploads import MAX_CHARS, MAX_TEXTS, check_texts, read_upload
from spanmatch.errors import InputError


def test_a_text_file_is_one_text() -> None:
    content = "\ufeffAda left.\n\nShe went to Zürich.".encode()
    assert read_upload("notes.TXT", content) == [{"text": "Ada left.\n\nShe went to Zürich."}]


def test_lines_of_json_keep_their_keys() -> None:
    content = b'{"text": "Ada", "id": 1}\n\n{"text": "", "id": 2}\n'
    assert read_upload("a.jsonl", content) == [{"text": "Ada", "id": 1}, {"text": "", "id": 2}]


def test_a_table_has_a_text_a_row() -> None:
    content = b'review;stars\n"Ada\nleft";5\n'
    assert read_upload("a.csv", content, column="review") == [{"review": "Ada\nleft", "stars": "5"}]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.pdf", b"%PDF", "a.pdf: expected a file .txt, .jsonl, .csv"),
        ("a.txt", b"\xff\xfe", "a.txt: "),
        ("a.txt", b"caf\xe9", "a.txt: not UTF-8"),
        ("my [file].jsonl", b'{"text": "a"}\n{"text": \n', "my [file].jsonl:2: "),
        ("a.jsonl", b'{"body": "a"}\n', "a.jsonl:1: no \"text\"; it has 'body' (name it beside the file)"),
        ("a.jsonl", b"[1]\n", "a.jsonl:1: expected a JSON object"),
        ("a.jsonl", b'{"text": 1}\n', 'a.jsonl:1: "text" must be a string, got a number'),
        ("a.csv", b"tekst\nAda\n", 'a.csv:1: no column "text"; did you mean "tekst"? (name it beside the file)'),
        ("a.csv", b"", "a.csv"),
        ("../../etc/passwd.csv", b"a\nb\n", '../../etc/passwd.csv:1: no column "text"'),
    ],
)
def test_what_cannot_be_read(name: str, content: bytes, said: str) -> None:
    with pytest.raises(InputError) as raised:
        read_upload(name, content)
    assert str(raised.value).startswith(said) and "spanmatch-" not in str(raised.value), raised.value


def test_too_many_texts() -> None:
    lines = "".join(json.dumps({"text": "a"}) + "\n" for _ in range(MAX_TEXTS + 1)).encode()
    with pytest.raises(InputError, match=f"a.jsonl: more than {MAX_TEXTS} texts"):
        read_upload("a.jsonl", lines)
    assert len(read_upload("a.jsonl", lines[: lines.rindex(b"{")])) == MAX_TEXTS


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([], "There is no text yet"),
        ([" \n", "\u200b"], "There is no text yet"),
        (["a" * MAX_CHARS, "b"], "The text has 100,001 characters, and the page takes 100,000"),
        (["\ud800"], "lone surrogate"),
    ],
)
def test_texts_that_are_refused(texts: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_texts(texts)


def test_a_blank_text_among_others_is_taken() -> None:
    check_texts(["", "a" * MAX_CHARS])
