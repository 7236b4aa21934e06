"""Label Studio's JSON: tasks with annotations and predictions, and its JSON-MIN export.

Source: labelstud.io/guide/task_format (tasks and results), labelstud.io/guide/predictions ("Import span pre-annotations for
text", with scores) and the exporter of JSON_MIN (github.com/HumanSignal/label-studio-sdk, `converter/converter.py`).

Offsets of a region of a `<Text>` count code points, as Python does. Releases before 1.4 counted UTF-16 code units instead, so
that an emoji before a region shifted it by one (github.com/HumanSignal/label-studio/issues/1347, pull request 1559). A region
also has its text, which tells the two apart.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from spanmatch.data.formats.char_spans import (
    as_list,
    as_object,
    as_text,
    char_spans,
    further_keys,
    kept_keys,
    read_values,
    shown,
    span_of,
)
from spanmatch.data.formats.reading import Reading, Rows
from spanmatch.data.formats.records import LeftOut, Record
from spanmatch.data.formats.writing import Writing, write_json
from spanmatch.errors import InputError

# The names of `<Labels>` and `<Text>` in the template for named entities, and in `labeling_config`.
_FROM_NAME, _TO_NAME = "label", "text"
# What JSON-MIN adds to the data of a task, besides the results.
_MIN_KEYS = frozenset({"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement"})
# Label Studio shows some white space in other ways than the text has it, and writes a line break as "\n" of two characters.
_SPACE = re.compile(r"(?:\s|\\n|\\r|\\t)+")
_OWN = frozenset({"text", "annotations", "predictions"})


def is_label_studio(path: Path, first: Any) -> bool:
    """Say whether a file is an export or an import of Label Studio.

    Args:
        path: the file.
        first: its first JSON value, None if it has none.
    """
    del path
    if not isinstance(first, dict):
        return False
    return isinstance(first.get("data"), dict) or {"annotation_id", "annotator"} <= first.keys()


def read_label_studio(path: Path, reading: Reading) -> Rows:
    """Read Label Studio's JSON or JSON-MIN export: the regions of type "labels" of one annotation per task.

    Cancelled annotations, predictions, tasks without an annotation and results of other types are counted and left out. Of
    several annotations that differ, the only one that is a ground truth counts.

    Args:
        path: the file.
        reading: counts what is left out.

    Raises:
        InputError: the list is no JSON, or it has no labelled region. A task of another form, or one whose annotations differ,
            is an `InputError` in its place.
    """
    types: Counter[str] = Counter()
    of_task: dict[str, list[dict[str, Any]]] = {}

    def read_one(where: str, item: Any) -> dict[str, Any] | None:
        item = as_object(where, item, "a task of Label Studio")
        if "data" in item:
            return _task_row(where, item, reading.left_out, types)
        return _min_row(where, item, reading.left_out, of_task)

    has_spans = False
    for where, row in read_values(path, reading, read_one):
        has_spans = has_spans or isinstance(row, InputError) or bool(row["char_spans"])
        yield where, row
    others = sorted(types.keys() - {"labels"})
    if others and not types["labels"]:
        found = f"only results of type {', '.join(others)}"
        raise InputError(f'{path}: no region of type "labels" in it, {found}; spans are labelled with <Labels> on a <Text>')
    if of_task and not has_spans:
        raise InputError(f"{path}: no labelled region in any task; JSON-MIN does not say which spans were asked for, export JSON")


def _task_row(where: str, task: Mapping[str, Any], left_out: LeftOut, types: Counter[str]) -> dict[str, Any] | None:
    data = as_object(where, task["data"], 'the "data" of a task')
    text_key, text = _text(where, data, set())
    annotations = task.get("annotations", task.get("completions"))
    given = [] if annotations is None else as_list(where, "annotations", annotations)
    live = []
    for annotation in given:
        if not isinstance(annotation, dict):
            raise InputError(f"{where}: the annotation {shown(annotation)} is no object; export complete annotations, not ids")
        if annotation.get("was_cancelled") or annotation.get("skipped"):
            left_out.add("cancelled annotations", where)
        else:
            live.append(annotation)
    for key in ("predictions", "drafts"):
        left_out.add(key, where, len(as_list(where, key, [] if task.get(key) is None else task[key])))
    if not live:
        left_out.add("tasks without an annotation", where)
        return None
    spans = _agreed(where, live, text, left_out, types)
    row = {"text": text, "char_spans": spans} | kept_keys(where, data, {text_key}, left_out)
    if "id" not in row and task.get("id") is not None:
        row["id"] = task["id"]
    return row


def _text(where: str, data: Mapping[str, Any], other: Iterable[str]) -> tuple[str, str]:
    """Find the text of a task: "text", else the only string."""
    strings = [key for key, value in data.items() if isinstance(value, str) and key not in other]
    key = strings[0] if "text" not in data and len(strings) == 1 else "text"
    return key, as_text(where, data, key)


def _agreed(
    where: str, annotations: Sequence[Mapping[str, Any]], text: str, left_out: LeftOut, types: Counter[str]
) -> list[dict[str, Any]]:
    """Return the spans on which the annotations of a task agree, else those of its ground truth."""
    truths = [item for item in annotations if item.get("ground_truth") is True]
    chosen = truths if len(truths) == 1 else annotations
    read = [_result_spans(where, item, text, left_out, types) for item in chosen]
    if any(_as_set(spans) != _as_set(read[0]) for spans in read):
        names = ", ".join(str(item.get("id", "without id")) for item in chosen)
        remedy = "mark one as ground truth in Label Studio, or delete the others"
        raise InputError(f"{where}: {len(chosen)} annotations that differ ({names}); {remedy}")
    left_out.add("further annotations of a task", where, len(annotations) - 1)
    return read[0]


def _as_set(spans: Iterable[Mapping[str, Any]]) -> set[tuple[int, int, str]]:
    return {(span["start"], span["end"], span["label"]) for span in spans}


def _result_spans(
    where: str, annotation: Mapping[str, Any], text: str, left_out: LeftOut, types: Counter[str]
) -> list[dict[str, Any]]:
    spans, objects = [], set()
    for region in as_list(where, "result", annotation.get("result")):
        kind = region.get("type") if isinstance(region, dict) else None
        if not isinstance(kind, str):
            raise InputError(f'{where}: "result" holds {shown(region)}; expected an object with "type" and "value"')
        types[kind] += 1
        if kind == "labels":
            objects.add(str(region.get("to_name")))
            spans += _region_spans(where, region.get("value"), text, left_out)
        else:
            left_out.add(f'results of type "{kind}"', where)
    if len(objects) > 1:
        names = " and ".join(sorted(objects))
        raise InputError(f"{where}: regions of several objects ({names}), and a record has one text; export a project for each")
    return spans


def _region_spans(where: str, value: Any, text: str, left_out: LeftOut) -> list[dict[str, Any]]:
    """Return a span for each label of a region; offsets that count UTF-16 code units are turned into code points."""
    if not isinstance(value, dict) or not {"start", "end"} <= value.keys():
        raise InputError(
            f'{where}: a region of type "labels" has the value {shown(value)}; expected {{"start", "end", "labels"}}'
        )
    labels = value.get("labels")
    if labels is None or labels == []:
        left_out.add("regions without a label", where)
        return []
    start, end = _code_points(where, value, text)
    return [span_of(where, value, text, start, end, label) for label in as_list(where, "labels", labels)]


def _code_points(where: str, value: Mapping[str, Any], text: str) -> tuple[Any, Any]:
    start, end, quoted = value["start"], value["end"], value.get("text")
    if type(start) is not int or type(end) is not int or not isinstance(quoted, str):
        return start, end
    readings = [(start, end), *_from_code_units(start, end, text)]
    # White space is compared last, because it may be all that tells the two readings apart.
    for same in (str.__eq__, _same_but_space):
        for first, last in readings:
            if first >= 0 and same(text[first:last], quoted):
                return first, last
    problem = "neither in characters nor in UTF-16 code units; was the text changed?"
    raise InputError(f"{where}: the region {shown(value)} does not have its text there, {problem}")


def _from_code_units(start: int, end: int, text: str) -> list[tuple[int, int]]:
    """Return what offsets in UTF-16 code units are in code points, if they lie within the text."""
    units = text.encode("utf-16-le")
    if not 0 <= start < end <= len(units) // 2:
        return []
    first, last = (len(units[: 2 * offset].decode("utf-16-le", errors="ignore")) for offset in (start, end))
    return [(first, last)]


def _same_but_space(inside: str, quoted: str) -> bool:
    return _SPACE.sub("", inside) == _SPACE.sub("", quoted)


def _min_row(
    where: str, item: Mapping[str, Any], left_out: LeftOut, of_task: dict[str, list[dict[str, Any]]]
) -> dict[str, Any] | None:
    """Read an item of JSON-MIN, which is one annotation: data, results by the name of their control, and who made it."""
    if not {"annotation_id", "annotator"} <= item.keys():
        raise InputError(f'{where}: neither "data" nor "annotation_id" and "annotator"; expected a task of Label Studio')
    text_key, text = _text(where, item, _MIN_KEYS)
    if item["annotation_id"] is None:
        left_out.add("tasks without an annotation", where)
        return None
    spans, others = [], {}
    for key, value in item.items():
        is_regions = isinstance(value, list) and value and all(isinstance(part, dict) for part in value)
        if key in _MIN_KEYS or not is_regions:
            continue
        others[key] = value
        if any("labels" in part or "start" in part for part in value):
            spans += [span for part in value for span in _region_spans(where, part, text, left_out)]
        else:
            left_out.add(f'results "{key}"', where, len(value))
    task = shown(item.get("id"))
    before = of_task.get(task) if item.get("id") is not None else None
    if before is not None and _as_set(before) != _as_set(spans):
        raise InputError(f"{where}: another annotation of task {task} that differs; delete one of them in Label Studio")
    of_task[task] = spans
    if before is not None:
        left_out.add("further annotations of a task", where)
        return None
    kept = kept_keys(where, item, {text_key, *others, *(_MIN_KEYS - {"id"})}, left_out)
    return {"text": text, "char_spans": spans} | kept


def write_label_studio(records: Iterable[Record], path: Path, writing: Writing) -> None:
    """Write records as a list of tasks that Label Studio imports: gold as annotations, what a model found as predictions.

    The score of a prediction is that of its least sure span. So Label Studio can show the least sure texts first.

    Args:
        records: the records.
        path: the file to write.
        writing: says whether the spans are predictions, and of which model; counts what is left out.
    """
    tasks = (_task(number, record, writing) for number, record in enumerate(records, 1))
    write_json(tasks, path, is_list=writing.suffix != ".jsonl")


def _task(number: int, record: Record, writing: Writing) -> dict[str, Any]:
    text, spans = record.example.text, char_spans(record)
    result = [
        {
            "id": f"{number}-{index}",
            "from_name": _FROM_NAME,
            "to_name": _TO_NAME,
            "type": "labels",
            "value": {"start": span.start, "end": span.end, "text": text[span.start : span.end], "labels": [span.label]}
            | ({} if span.score is None else {"score": span.score}),
        }
        for index, span in enumerate(spans, 1)
    ]
    task: dict[str, Any] = {"data": {"text": text} | further_keys(record, _OWN, writing)}
    if not writing.as_predictions:
        return task | {"annotations": [{"result": result, "was_cancelled": False, "ground_truth": False}]}
    prediction: dict[str, Any] = {"model_version": writing.model_version, "result": result}
    scores = [span.score for span in spans if span.score is not None]
    return task | {"predictions": [prediction | ({"score": min(scores)} if scores else {})]}


def labeling_config(labels: Iterable[str]) -> str:
    """Return the labelling configuration, XML, of a Label Studio project for what `write_label_studio` writes.

    Args:
        labels: the labels of the spans that can be annotated.
    """
    from xml.sax.saxutils import quoteattr  # imported late, because it imports what reads the web

    choices = "".join(f"    <Label value={quoteattr(label)}/>\n" for label in dict.fromkeys(labels))
    head = f'<View>\n  <Labels name="{_FROM_NAME}" toName="{_TO_NAME}">\n'
    return f'{head}{choices}  </Labels>\n  <Text name="{_TO_NAME}" value="$text"/>\n</View>\n'
