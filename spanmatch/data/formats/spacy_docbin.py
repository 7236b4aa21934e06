"""spaCy's training data: `.spacy` files, which are a DocBin, and the lists `[text, {"entities": [[start, end, label]]}]`.

Source: spacy.io/api/docbin, spacy.io/api/doc#set_ents (what is missing, and what is outside of all entities),
spacy.io/api/spancategorizer (`doc.spans["sc"]`, with scores in its attributes), and v2.spacy.io/usage/training for the lists.
NER Annotator (github.com/tecoholic/ner-annotator) writes such a list as `{"classes": [label], "annotations": [pair]}`.

A DocBin is compressed msgpack, which runs no code when it is read. Of its columns we read only words, spaces and entities; the
user data of its documents stays packed.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from spanmatch.data.examples import json_rows
from spanmatch.data.formats.char_spans import (
    CharSpan,
    as_list,
    as_object,
    char_spans,
    check_any_left,
    count_filled,
    further_keys,
    read_values,
    shown,
    span_of,
    tokens_of,
    visible,
)
from spanmatch.data.formats.reading import Reading, Rows, json_values
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, write_json
from spanmatch.errors import InputError, one_line

# Where spaCy's span categoriser looks for spans, which may overlap.
SPANS_KEY = "sc"
_SUFFIX = ".spacy"
_OTHER_KINDS = {"cats": "categories of texts", "links": "links to a knowledge base", "relations": "relations"}


def is_spacy(path: Path, first: Any) -> bool:
    """Say whether a file is spaCy's training data.

    Args:
        path: the file.
        first: its first JSON value, None if it has none. The first item of a list, which in JSON lines is a text.
    """
    if path.suffix == _SUFFIX:
        return True
    if isinstance(first, str):
        first = next((row for _, row in json_rows(path)), None)
    if isinstance(first, dict):
        return {"classes", "annotations"} <= first.keys()
    return isinstance(first, list) and len(first) == 2 and isinstance(first[0], str) and isinstance(first[1], dict)


def read_spacy(path: Path, reading: Reading) -> Rows:
    """Read a `.spacy` file, a JSON list of `[text, {"entities": ...}]`, or such a pair per line.

    Args:
        path: the file.
        reading: counts what is left out, such as documents whose entities are missing.

    Raises:
        InputError: spaCy is not installed, the file is no DocBin or no JSON, or everything was left out. A record of another
            form is an `InputError` in its place.
    """
    if path.suffix == _SUFFIX:
        return _docbin_rows(path, reading.left_out)

    def read_one(where: str, item: Any) -> dict[str, Any]:
        return _pair_row(where, item, reading.left_out)

    return read_values(path, reading, read_one, _pairs(path, reading.left_out))


def _pairs(path: Path, left_out: LeftOut) -> Rows:
    """Read the pairs of text and annotation, after their places; NER Annotator's classes are put into each annotation."""
    _, first = next(json_values(path), ("", None))
    # A list per line looks like the list of a whole file, of which the first item is a text.
    for where, item in json_rows(path) if isinstance(first, str) else json_values(path):
        if not isinstance(item, dict) or "annotations" not in item:
            yield where, item
            continue
        for number, pair in enumerate(as_list(where, "annotations", item["annotations"])):
            if pair is None:
                left_out.add("texts that were not annotated", where)
            elif isinstance(pair, list) and pair and isinstance(pair[-1], dict):
                yield f"{where}, item {number}", [*pair[:-1], {"classes": item.get("classes")} | pair[-1]]
            else:
                yield f"{where}, item {number}", pair


def _pair_row(where: str, item: Any, left_out: LeftOut) -> dict[str, Any]:
    if not (isinstance(item, list) and len(item) == 2 and isinstance(item[0], str)):
        raise InputError(f'{where}: expected [text, {{"entities": [[start, end, label], ...]}}], got {shown(item)}')
    text, given = item[0], as_object(where, item[1], "the annotation of a text")
    groups = as_object(where, {} if given.get("spans") is None else given["spans"], 'the "spans" of a text')
    lists = {"entities": given.get("entities"), SPANS_KEY: groups.get(SPANS_KEY)}
    if all(value is None for value in lists.values()):
        raise InputError(f'{where}: no "entities" in {shown(given)}; give a list, which is empty for a text without an entity')
    items = [span for key, value in lists.items() if value is not None for span in as_list(where, key, value)]
    spans = [_pair_span(where, span, text) for span in items]
    count_filled(where, given, _OTHER_KINDS, left_out)
    others = given.keys() - {"entities", "spans", "classes"} - _OTHER_KINDS.keys()
    left_out.add("annotation besides entities", where, len(others) + len(groups.keys() - {SPANS_KEY}))
    row = {"text": text, "char_spans": list({tuple(span.values()): span for span in spans}.values())}
    if given.get("classes") is None:
        return row
    classes = as_list(where, "classes", given["classes"])
    if not all(isinstance(label, str) for label in classes):
        raise InputError(f'{where}: "classes" holds {shown(classes)}; expected the labels, strings')
    return row | {"labels": list(dict.fromkeys([*classes, *(span["label"] for span in spans)]))}


def _pair_span(where: str, span: Any, text: str) -> dict[str, Any]:
    if not isinstance(span, list) or len(span) != 3:
        hint = "; tags per token are read as columns or from .spacy" if isinstance(span, str) else ""
        raise InputError(f'{where}: "entities" holds {shown(span)}; expected [start, end, label]{hint}')
    return span_of(where, span, text, *span)


def _docbin_rows(path: Path, left_out: LeftOut) -> Rows:
    num_rows = 0
    for number, doc in enumerate(_docs(path)):
        where = f"{path}, item {number}"
        with _spacy_errors(where):
            row = _doc_row(where, doc, left_out)
        if row is not None:
            num_rows += 1
            yield where, row
    check_any_left(path, num_rows, left_out)


@contextmanager
def _spacy_errors(where: str) -> Iterator[None]:
    """Turn what spaCy raises into an `InputError`: a damaged file makes it raise errors of a dozen kinds."""
    was_enabled = gc.isenabled()
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{where}: not a DocBin that spaCy can read ({one_line(error)}); write the file anew") from error
    finally:
        if was_enabled:  # srsly leaves it off after an error
            gc.enable()


def _docs(path: Path) -> Iterator[Any]:
    """Read the documents of a DocBin, with words, spaces, entities and groups of spans."""
    docbin_class, vocab_class = _spacy_classes()[:2]
    with _spacy_errors(str(path)):
        docs = docbin_class().from_disk(path)
        _keep_columns(docs)
    reader = docs.get_docs(vocab_class())
    for number in range(len(docs)):
        with _spacy_errors(f"{path}, item {number}"):
            doc = next(reader)
        yield doc
    if not len(docs):
        raise InputError(f"{path}: no document in it; give at least one")


def _keep_columns(docs: Any) -> None:
    """Drop the columns that we do not read, because a damaged one stops spaCy, and the user data."""
    import numpy as np
    from spacy.attrs import ENT_IOB, ENT_TYPE, ORTH

    kept = [column for column, attribute in enumerate(docs.attrs) if attribute in (ORTH, ENT_IOB, ENT_TYPE)]
    docs.attrs = [docs.attrs[column] for column in kept]
    docs.tokens = [np.ascontiguousarray(tokens[:, kept]) for tokens in docs.tokens]
    docs.user_data = []


def _doc_row(where: str, doc: Any, left_out: LeftOut) -> dict[str, Any] | None:
    """Return the record of a document, None if its entities are missing, wholly or in part."""
    groups = {key: list(group) for key, group in doc.spans.items()}
    left_out.add(
        f'spans of other groups than "{SPANS_KEY}"', where, sum(map(len, groups.values())) - len(groups.get(SPANS_KEY, ()))
    )
    num_missing = sum(token.ent_iob_ == "" for token in doc)
    if num_missing and (SPANS_KEY not in groups or num_missing < len(doc)):
        is_whole = num_missing == len(doc)
        left_out.add(f"documents whose entities are {'' if is_whole else 'partly '}missing", where)
        return None
    found = {}
    for span in [*doc.ents, *groups.get(SPANS_KEY, ())]:
        if not 0 <= span.start < span.end <= len(doc):
            raise InputError(f"{where}: a span of the tokens [{span.start}, {span.end}) of {len(doc)}; write the file anew")
        if not span.label_.strip():
            if span.label:
                raise InputError(f"{where}: the label of [{span.start}, {span.end}) is blank; give every label a name")
            continue  # spaCy marks so what is known to be no entity
        last = doc[span.end - 1]
        key = (doc[span.start].idx, last.idx + len(last), span.label_)
        found[key] = {"start": key[0], "end": key[1], "label": key[2]}
    tokens = visible(token.text for token in doc)
    return {"text": doc.text, "tokens": tokens, "char_spans": list(found.values())}


def _spacy_classes() -> tuple[Any, Any, Any, Any]:
    """Import spaCy: it takes two seconds, and is an extra."""
    try:
        from spacy.tokens import Doc, DocBin, Span
        from spacy.vocab import Vocab
    except ImportError as error:
        raise InputError("a .spacy file needs spacy; pip install 'spanmatch[spacy]'") from error
    return DocBin, Vocab, Doc, Span


def write_spacy(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as a DocBin; as `.json` or `.jsonl`, as `[text, {"entities": [[start, end, label]]}]`.

    The spans of a DocBin stand in one place, so that whoever corrects them corrects all there is: in `doc.ents`, which is for
    spaCy's recogniser of entities. If any of them overlap, those of all documents are in `doc.spans["sc"]`, with their scores,
    which is for its span categoriser; then `doc.ents` is missing.

    Args:
        records: the records.
        path: the file to write.
        writing: what happens to spans that overlap; counts what is left out.

    Raises:
        InputError: spaCy is not installed.
    """
    if writing.suffix in (".json", ".jsonl"):
        write_json((_pair(record, writing) for record in records), path, is_list=writing.suffix == ".json")
        return
    docbin_class, vocab_class, *classes = _spacy_classes()
    docs, vocab, held = docbin_class(), vocab_class(), list(records)
    is_flat = writing.on_overlap == "longest" or all(len(_longest(spans)) == len(spans) for spans in map(char_spans, held))
    for record in held:
        docs.add(_doc(record, writing, is_flat, vocab, *classes))
    docs.to_disk(path)


def _pair(record: Record, writing: Writing) -> list[Any]:
    _count_keys(record, writing, keeps_tokens=False)
    spans = char_spans(record)
    writing.left_out.add("scores", record.example.where, sum(span.score is not None for span in spans))
    return [record.example.text, {"entities": [[span.start, span.end, span.label] for span in spans]}]


def _count_keys(record: Record, writing: Writing, *, keeps_tokens: bool) -> None:
    for key in further_keys(record, (), writing, keeps_tokens=keeps_tokens):
        writing.left_out.add(f'values of "{key}"', record.example.where)


def _doc(record: Record, writing: Writing, is_flat: bool, vocab: Any, doc_class: Any, span_class: Any) -> Any:
    text, where, given = record.example.text, record.example.where, char_spans(record)
    _count_keys(record, writing, keeps_tokens=True)
    spans = _longest(given) if is_flat else given
    writing.left_out.add("spans that overlap a longer one", where, len(given) - len(spans))
    pieces = tokens_of(record, spans, writing)
    words = [text[piece.start : piece.end] for piece in pieces]
    doc = doc_class(vocab, words=words, spaces=[piece.has_space for piece in pieces])
    starts = {piece.start: number for number, piece in enumerate(pieces)}
    ends = {piece.end: number + 1 for number, piece in enumerate(pieces)}
    placed = [span_class(doc, starts[span.start], ends[span.end], label=span.label) for span in spans]
    scores = [span.score for span in spans if span.score is not None]
    if is_flat:
        doc.set_ents(placed)
        writing.left_out.add("scores", where, len(scores))
        return doc
    doc.spans[SPANS_KEY] = placed
    if scores and len(scores) == len(spans):
        doc.spans[SPANS_KEY].attrs["scores"] = scores
    else:
        writing.left_out.add("scores", where, len(scores))
    return doc


def _longest(spans: Iterable[CharSpan]) -> list[CharSpan]:
    """Return spans that do not overlap: of those that do, the longest, then the first."""
    kept: list[CharSpan] = []
    for span in sorted(spans, key=lambda item: (item.start - item.end, item.start, item.label)):
        if all(span.end <= other.start or other.end <= span.start for other in kept):
            kept.append(span)
    return kept
