"""Prodigy's JSON lines: `{"text", "tokens", "spans": [{"start", "end", "label"}], "answer"}`.

Source: prodi.gy/docs/api-interfaces ("ner_manual", "spans_manual": `token_end` is the last token, and included) and
prodi.gy/docs/named-entity-recognition (what "accept", "reject" and "ignore" mean, binary annotation).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from spanmatch.data.formats.char_spans import (
    as_list,
    as_object,
    as_text,
    char_spans,
    count_filled,
    further_keys,
    kept_keys,
    read_values,
    shown,
    span_of,
    tokens_of,
    visible,
)
from spanmatch.data.formats.reading import Reading, Rows
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, write_json
from spanmatch.errors import InputError, nearest

_ANSWERS = ("accept", "reject", "ignore")
# In these views the question is whether the shown spans are right, not which there are.
_BINARY_VIEWS = ("ner", "spans")
_OTHER_KINDS = {"relations": "relations", "cats": "categories of texts", "label": "labels of texts", "accept": "chosen options"}
_OURS = frozenset({"char_spans", "token_spans", "tags", "ner_tags", "entities"})
_OWN = frozenset({"text", "tokens", "spans", "answer", "options", *_OTHER_KINDS})


def is_prodigy(path: Path, first: Any) -> bool:
    """Say whether a file is an export or an import of Prodigy.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    if not isinstance(first, dict) or first.keys() & _OURS:
        return False
    return isinstance(first.get("spans"), list) or first.get("answer") in _ANSWERS or "_input_hash" in first


def read_prodigy(path: Path, reading: Reading) -> Rows:
    """Read what Prodigy's `db-out` writes.

    Only accepted texts are gold. Rejected and ignored ones are counted and left out, and so are yes-or-no answers on single
    spans (`ner.teach`), which do not say whether there are other entities in the text.

    Args:
        path: the file.
        reading: counts what is left out.

    Raises:
        InputError: the list is no JSON, or everything was left out. A record of another form is an `InputError` in its place.
    """
    return read_values(path, reading, lambda where, item: _row(where, item, reading.left_out))


def _row(where: str, item: Any, left_out: LeftOut) -> dict[str, Any] | None:
    item = as_object(where, item, "a task of Prodigy")
    text = as_text(where, item)
    answer = item.get("answer")
    if answer is not None and answer not in _ANSWERS:
        hint = nearest(answer, _ANSWERS) if isinstance(answer, str) else "give accept, reject or ignore"
        raise InputError(f'{where}: "answer" is {shown(answer)}; {hint}')
    is_binary = item.get("_is_binary") is True or item.get("_view_id") in _BINARY_VIEWS
    if answer in ("reject", "ignore") or is_binary:
        kind = "yes-or-no answers on single spans" if is_binary and answer != "ignore" else f'texts with the answer "{answer}"'
        left_out.add(kind, where)
        return None
    tokens = None if item.get("tokens") is None else _tokens(where, item["tokens"], text)
    spans = item.get("spans")
    if spans is None:
        if answer is None or tokens is None:
            raise InputError(f'{where}: no "spans"; give a list, which is empty for a text without an entity, or drop the line')
        spans = []
    found = [_span(where, span, text, tokens) for span in as_list(where, "spans", spans)]
    count_filled(where, item, _OTHER_KINDS, left_out)
    row: dict[str, Any] = {"text": text}
    if tokens is not None:
        row["tokens"] = visible(text[start:end] for start, end in tokens)
    return row | {"char_spans": found} | kept_keys(where, item, _OWN, left_out)


def _tokens(where: str, tokens: Any, text: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for token in as_list(where, "tokens", tokens):
        start, end = (token.get("start"), token.get("end")) if isinstance(token, dict) else (None, None)
        if type(start) is not int or type(end) is not int or not 0 <= start < end or text[start:end] != token.get("text"):
            raise InputError(f'{where}: the token {shown(token)} is not {{"text", "start", "end"}} of a part of the text')
        if found and start < found[-1][1]:
            raise InputError(f"{where}: the token {shown(token)} starts before the end of the one before; order the tokens")
        found.append((start, end))
    return found


def _span(where: str, span: Any, text: str, tokens: list[tuple[int, int]] | None) -> dict[str, Any]:
    if not isinstance(span, dict) or not {"start", "end", "label"} <= span.keys():
        raise InputError(f'{where}: "spans" holds {shown(span)}; expected {{"start", "end", "label"}}')
    found = span_of(where, span, text, span["start"], span["end"], span["label"])
    inside = text[found["start"] : found["end"]]
    if isinstance(span.get("text"), str) and span["text"] != inside:
        raise InputError(f"{where}: the span {shown(span)} is {shown(inside)} in the text; were the offsets of another text?")
    first, last = span.get("token_start"), span.get("token_end")
    if tokens is None or type(first) is not int or type(last) is not int:
        return found
    if not 0 <= first <= last < len(tokens) or (tokens[first][0], tokens[last][1]) != (found["start"], found["end"]):
        raise InputError(f'{where}: the span {shown(span)} does not go from token "token_start" to token "token_end"')
    return found


def write_prodigy(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as Prodigy's tasks. Gold is accepted; predictions have no answer yet, but their scores.

    `ner.manual` takes spans that consist of tokens. So a token is divided where a span starts or ends within it.

    Args:
        records: the records.
        path: the file to write.
        writing: says whether the spans are predictions; counts what is left out.
    """
    write_json((_task(record, writing) for record in records), path)


def _task(record: Record, writing: Writing) -> dict[str, Any]:
    text, spans = record.example.text, char_spans(record)
    pieces = tokens_of(record, spans, writing)
    starts = {piece.start: number for number, piece in enumerate(pieces)}
    ends = {piece.end: number for number, piece in enumerate(pieces)}
    task: dict[str, Any] = {
        "text": text,
        "tokens": [
            {"text": text[piece.start : piece.end], "start": piece.start, "end": piece.end, "id": number, "ws": piece.has_space}
            for number, piece in enumerate(pieces)
        ],
        "spans": [
            {"start": span.start, "end": span.end, "label": span.label}
            | {"token_start": starts[span.start], "token_end": ends[span.end]}
            | ({} if span.score is None else {"score": span.score})
            for span in spans
        ],
    }
    if not writing.as_predictions:
        task["answer"] = "accept"
    return task | further_keys(record, _OWN, writing, keeps_tokens=True)
