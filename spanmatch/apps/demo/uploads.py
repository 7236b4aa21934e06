"""Read the texts of a file that was uploaded: text (the whole file is one text), JSON lines, or a table (CSV)."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spanmatch.data.files import not_utf8
from spanmatch.entities import as_texts, is_blank
from spanmatch.errors import InputError
from spanmatch.tagging.files import SourceFiles

SUFFIXES = (".txt", ".jsonl", ".csv")
MAX_UPLOAD_MB = 5
MAX_TEXTS = 500
MAX_CHARS = 100_000  # of all texts together: a few seconds of tagging on a small machine


def read_upload(name: str, content: bytes, *, column: str = "text") -> list[dict[str, Any]]:
    """Return the records of a file.

    Args:
        name: the name of the file, which says its format.
        content: its bytes.
        column: the key or column that holds the text. A text file has one record, with the key "text".

    Raises:
        InputError: the file cannot be read as what its name says, or has too many texts.
    """
    suffix = Path(name).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{name}: expected a file {', '.join(SUFFIXES)}; save it as one of these")
    if suffix == ".txt":
        try:
            return [{"text": content.decode("utf-8-sig")}]
        except UnicodeDecodeError as error:
            raise not_utf8(name, error) from error
    with TemporaryDirectory(prefix="spanmatch-") as folder:
        path = Path(folder) / f"upload{suffix}"
        path.write_bytes(content)
        try:
            return _records(path, column)
        except InputError as error:
            # The reader of `spanmatch tag` knows another name of the file, and a flag for what is a field here.
            said = str(error).replace(str(path), name).replace(" (--text_column NAME)", " (name it beside the file)")
            raise InputError(said) from error


def _records(path: Path, column: str) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    for _, row in SourceFiles([path], text_column=column):
        if isinstance(row, InputError):
            raise row
        if len(records) == MAX_TEXTS:
            raise InputError(f"{path}: more than {MAX_TEXTS} texts; give fewer, or tag the file with spanmatch tag")
        records.append(row)
    return records


def check_texts(texts: Sequence[str]) -> None:
    """Refuse texts without a word, and more than the page takes.

    Args:
        texts: the texts.

    Raises:
        InputError: says which.
    """
    as_texts(texts)
    if all(map(is_blank, texts)):
        raise InputError("There is no text yet; write or paste one, or upload a file that has some.")
    num_chars = sum(map(len, texts))
    if num_chars > MAX_CHARS:
        raise InputError(
            f"The text has {num_chars:,} characters, and the page takes {MAX_CHARS:,}; shorten it, or use spanmatch tag."
        )
