"""Writing what was tagged in the formats of other tools, such as doccano's or spaCy's, for people to correct there.

The writers are those of `spanmatch convert`. What a format cannot hold, such as scores, is counted and told.
"""

import json
from collections.abc import Iterable, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spanmatch.data.formats.formats import FORMATS
from spanmatch.data.formats.records import LeftOut, Record, check_record
from spanmatch.data.formats.writing import Writing
from spanmatch.data.further_keys import KEYS, check_further_keys
from spanmatch.entities import EntityType
from spanmatch.errors import InputError

# Formats of which one file can be put behind another. Of the others, with a list or a header, a file is made at the end.
JOINED_FORMATS = {"conll", "doccano", "gliner", "prodigy", "spans", "tags"}

# Formats that know no scores at all.
FORMATS_WITHOUT_SCORES = {"conll", "gliner", "tags"}


class ToolWriter:
    """Makes files of lines of JSON that `lines.as_json` wrote.

    Attributes:
        is_joined: whether what is made of some lines can be put behind what was made of those before.
        left_out: counts what the format cannot hold.
    """

    def __init__(self, name: str, *, model: str, text_column: str = "text", suffix: str = "") -> None:
        """Choose the format.

        Args:
            name: a name of `FORMATS` that has a writer.
            model: what found the entities; some formats have a place for that.
            text_column: the key of the text in each line.
            suffix: suffix of the file, which some formats go by; by default the first of the format.
        """
        self.is_joined, self.left_out = name in JOINED_FORMATS, LeftOut()
        self._format, self._text_column, self._model = FORMATS[name], text_column, model
        joined_suffix = next((item for item in self._format.suffixes if item == ".jsonl"), "") if self.is_joined else ""
        self._suffix = suffix or joined_suffix or self._format.suffixes[0]
        self._number = count(1)

    def check(self, types: Sequence[EntityType]) -> None:
        """Refuse what the format can never hold, such as a label with a tab, before anything takes time.

        Args:
            types: the types of the entities.

        Raises:
            InputError: the format cannot hold a label, or the package that writes it is not installed.
        """
        spans = [{"start": 0, "end": 1, "score": 0.5}]
        rows = ((f'type "{item.name}"', {"text": "x", "char_spans": [spans[0] | {"label": item.label}]}) for item in types)
        with TemporaryDirectory(prefix="spanmatch-") as folder:
            self._write((check_record(where, row) for where, row in rows), Path(folder) / "check", LeftOut())

    def write(self, lines: Iterable[str | bytes], path: Path) -> None:
        """Write a file.

        Args:
            lines: the lines.
            path: the file to write.

        Raises:
            InputError: the format cannot hold a text; says which.
        """
        records = (self._record(f"text {next(self._number)}", line) for line in lines)
        self._write(records, path, self.left_out)

    def convert(self, lines: Path, target: Path) -> None:
        """Write a file of the lines in another one.

        Args:
            lines: the file of the lines.
            target: the file to write.

        Raises:
            InputError: the format cannot hold a text; says which.
        """
        with lines.open("rb") as file:
            self.write(file, target)

    def text(self, lines: Iterable[str | bytes]) -> str:
        """Return what `write` would write.

        Args:
            lines: the lines.
        """
        with TemporaryDirectory(prefix="spanmatch-") as folder:
            self.write(lines, Path(folder) / "part")
            return (Path(folder) / "part").read_bytes().decode()

    def _write(self, records: Iterable[Record], path: Path, left_out: LeftOut) -> None:
        assert self._format.write is not None
        writing = Writing(left_out=left_out, as_predictions=True, model_version=self._model, suffix=self._suffix)
        self._format.write(records, path, writing)

    def _record(self, where: str, line: str | bytes) -> Record:
        """Make a record of our schema; gold that the input had gives way to the entities that were found."""
        row: dict[str, Any] = json.loads(line)
        text, entities = row.pop(self._text_column), row.pop("entities")
        for key in [key for key, value in row.items() if _is_gold(key, value)]:
            self.left_out.add(f'values of "{key}"', where)
            del row[key]
        keys = ("start", "end", "label") if self._format.name in FORMATS_WITHOUT_SCORES else ("start", "end", "label", "score")
        self.left_out.add("scores", where, len(entities) if "score" not in keys else 0)
        spans = [{key: entity[key] for key in keys} for entity in entities]
        return check_record(where, row | {"text": text, "char_spans": spans})


def _is_gold(key: str, value: Any) -> bool:
    """Say whether a key of the input is one that would stand for gold, or that is refused because it may hold such."""
    try:
        check_further_keys("input", {"text": "", "char_spans": [], key: value})
    except InputError:
        return True
    return key in KEYS and key != "id"
