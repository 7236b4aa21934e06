"""The loop of annotators: texts are tagged, corrected in a tool, read back, trained on and evaluated, and no correction is lost.

Each tool is played by a class that reads what `spanmatch tag` wrote, as the tool imports it, takes corrections, and saves its
own file, as the tool exports it. Sources: labelstud.io/guide/task_format and /guide/export (JSON), the tutorial of doccano
(doccano.github.io/doccano/tutorial, JSONL), prodi.gy/docs/api-interfaces (`ner_manual`), spacy.io/api/docbin.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest
from helpers_e2e import ROOT, evaluate, read_jsonl, spanmatch, write_jsonl, write_tiny_encoder
from helpers_training import run

from spanmatch.data.words import split_words

NUM_TEXTS = 50
TYPES = "person,organization,city,drug,disease,product,date"

# First character, the character after the last, label.
Span = tuple[int, int, str]


@dataclass(frozen=True, kw_only=True)
class Correction:
    """What a person changes: a span goes, comes, or becomes another."""

    text: int
    old: Span | None = None
    new: Span | None = None


class Tool(Protocol):
    """An annotation tool with one project."""

    name: str
    imported: str
    exported: str

    def load(self, path: Path) -> None: ...

    def spans(self) -> list[list[Span]]: ...

    def correct(self, correction: Correction) -> None: ...

    def save(self, path: Path) -> None: ...


class LabelStudio:
    name, imported, exported = "label-studio", "tasks.json", "project-1-at-2026-01-01.json"

    def load(self, path: Path) -> None:
        self.tasks = json.loads(path.read_text(encoding="utf-8"))
        for task in self.tasks:
            assert task.keys() == {"data", "predictions"} and isinstance(task["data"]["text"], str)
            [prediction] = task["predictions"]
            assert isinstance(prediction["model_version"], str)
            for region in prediction["result"]:
                assert (region["from_name"], region["to_name"], region["type"]) == ("label", "text", "labels")
                value = region["value"]
                assert value["text"] == task["data"]["text"][value["start"] : value["end"]] and len(value["labels"]) == 1
            # Opening a task copies the regions of its prediction to an annotation of one's own.
            task["annotations"] = [{"result": [region | {"origin": "prediction"} for region in prediction["result"]]}]

    @staticmethod
    def _span(region: dict[str, Any]) -> Span:
        return region["value"]["start"], region["value"]["end"], region["value"]["labels"][0]

    def spans(self) -> list[list[Span]]:
        return [[self._span(region) for region in task["annotations"][0]["result"]] for task in self.tasks]

    def correct(self, correction: Correction) -> None:
        task = self.tasks[correction.text]
        regions = task["annotations"][0]["result"]
        if correction.old is not None:
            regions[:] = [region for region in regions if self._span(region) != correction.old]
        if correction.new is not None:
            start, end, label = correction.new
            value = {"start": start, "end": end, "text": task["data"]["text"][start:end], "labels": [label]}
            names = {"from_name": "label", "to_name": "text", "type": "labels"}
            regions.append({"id": "aB3dE6gH9j", "origin": "manual", "value": value} | names)

    def save(self, path: Path) -> None:
        exported = []
        for number, task in enumerate(self.tasks, 1):
            annotation = {"id": 100 + number, "completed_by": 1, "was_cancelled": False, "ground_truth": False, "lead_time": 4.2}
            annotation |= dict.fromkeys(("created_at", "updated_at"), "2026-01-01T10:00:00.000000Z") | {"task": number}
            more = {"drafts": [], "meta": {}, "file_upload": "1a2b-tasks.json", "inner_id": number, "project": 1}
            more |= {"total_annotations": 1, "cancelled_annotations": 0, "total_predictions": 1, "comment_count": 0}
            exported.append(
                {"id": number, "data": task["data"], "predictions": [number], **more}
                | {"annotations": [annotation | task["annotations"][0]]}
            )
        path.write_text(json.dumps(exported), encoding="utf-8")


class Doccano:
    name, imported, exported = "doccano", "import.jsonl", "all.jsonl"

    def load(self, path: Path) -> None:
        self.lines = read_jsonl(path)
        for line in self.lines:
            assert isinstance(line["text"], str) and all([*map(type, item)] == [int, int, str] for item in line["label"])

    def spans(self) -> list[list[Span]]:
        return [[(start, end, label) for start, end, label in line["label"]] for line in self.lines]

    def correct(self, correction: Correction) -> None:
        spans = self.lines[correction.text]["label"]
        if correction.old is not None:
            spans.remove(list(correction.old))
        if correction.new is not None:
            spans.append(list(correction.new))

    def save(self, path: Path) -> None:
        write_jsonl(path, [{"id": number, **line, "Comments": []} for number, line in enumerate(self.lines, 1)])


class Prodigy:
    name, imported, exported = "prodigy", "tasks.jsonl", "dataset.jsonl"

    def load(self, path: Path) -> None:
        self.tasks = read_jsonl(path)
        for task in self.tasks:
            assert [token["id"] for token in task["tokens"]] == list(range(len(task["tokens"])))
            for token in task["tokens"]:
                assert task["text"][token["start"] : token["end"]] == token["text"]
            for span in task["spans"]:
                first, last = task["tokens"][span["token_start"]], task["tokens"][span["token_end"]]
                assert (first["start"], last["end"]) == (span["start"], span["end"])

    def spans(self) -> list[list[Span]]:
        return [[(span["start"], span["end"], span["label"]) for span in task["spans"]] for task in self.tasks]

    def correct(self, correction: Correction) -> None:
        task = self.tasks[correction.text]
        if correction.old is not None:
            is_old = [(span["start"], span["end"], span["label"]) == correction.old for span in task["spans"]]
            del task["spans"][is_old.index(True)]
        if correction.new is not None:
            start, end, label = correction.new
            first = next(token["id"] for token in task["tokens"] if token["start"] == start)
            last = next(token["id"] for token in task["tokens"] if token["end"] == end)
            task["spans"].append({"start": start, "end": end, "token_start": first, "token_end": last, "label": label})

    def save(self, path: Path) -> None:
        more = {"_is_binary": False, "_view_id": "ner_manual", "answer": "accept", "_timestamp": 1767261600}
        more |= {"_annotator_id": "2026-01-01_10-00-00", "_session_id": "2026-01-01_10-00-00"}
        hashes = ({"_input_hash": number, "_task_hash": -number} for number in range(len(self.tasks)))
        write_jsonl(path, [task | more | item for task, item in zip(self.tasks, hashes, strict=True)])


class Spacy:
    name, imported, exported = "spacy", "tagged.spacy", "corrected.spacy"

    def load(self, path: Path) -> None:
        spacy = pytest.importorskip("spacy")
        from spacy.tokens import DocBin

        self.docs = list(DocBin().from_disk(path).get_docs(spacy.blank("en").vocab))

    def spans(self) -> list[list[Span]]:
        return [[(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents] for doc in self.docs]

    def correct(self, correction: Correction) -> None:
        doc = self.docs[correction.text]
        kept = [ent for ent in doc.ents if (ent.start_char, ent.end_char, ent.label_) != correction.old]
        new = [doc.char_span(*correction.new)] if correction.new is not None else []
        doc.ents = [*kept, *new]

    def save(self, path: Path) -> None:
        from spacy.tokens import DocBin

        DocBin(docs=self.docs).to_disk(path)


class Spreadsheet:
    """A person who edits the rows of a table, and leaves offsets of new entities to the reader."""

    name, imported, exported = "csv", "tagged.csv", "corrected.csv"

    def load(self, path: Path) -> None:
        with path.open(encoding="utf-8-sig", newline="") as file:
            self.rows = list(csv.DictReader(file))

    def _rows(self, text: int) -> list[dict[str, str]]:
        return [row for row in self.rows if row["record"] == str(text + 1)]

    def spans(self) -> list[list[Span]]:
        numbers = sorted({int(row["record"]) for row in self.rows})
        rows = [[row for row in self._rows(number - 1) if row["label"]] for number in numbers]
        return [[(int(row["start"]), int(row["end"]), row["label"]) for row in found] for found in rows]

    def correct(self, correction: Correction) -> None:
        rows = self._rows(correction.text)
        text = rows[0]["text"]
        empty = dict.fromkeys(("start", "end", "label", "entity", "score"), "")
        if correction.old is not None:
            start, end, label = map(str, correction.old)
            old = next(row for row in rows if (row["start"], row["end"], row["label"]) == (start, end, label))
            old |= empty
        if correction.new is not None:
            start, end, label = correction.new
            self.rows.append(rows[0] | empty | {"label": label, "entity": text[start:end]})

    def save(self, path: Path) -> None:
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.DictWriter(file, list(self.rows[0]))
            writer.writeheader()
            writer.writerows(reversed(self.rows))


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("loop") / "encoder")


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifty sentences, without their gold."""
    rows = read_jsonl(ROOT / "data" / "mixed" / "test_unseen.jsonl")[:NUM_TEXTS]
    return write_jsonl(tmp_path_factory.mktemp("sentences") / "sentences.jsonl", [{"text": row["text"]} for row in rows])


def tagged(sentences: Path, output: Path, output_format: str) -> None:
    result = spanmatch("tag", "spanmatch-mini", sentences, "--types", TYPES, "--output_format", output_format, "--output", output)
    assert result.status == 0, result.err


@pytest.fixture(scope="module")
def predicted(sentences: Path) -> list[list[Span]]:
    """What the model finds."""
    tagged(sentences, sentences.with_name("tagged.jsonl"), "jsonl")
    rows = read_jsonl(sentences.with_name("tagged.jsonl"))
    return [[(item["start"], item["end"], item["label"]) for item in row["entities"]] for row in rows]


def corrections(texts: Sequence[str], predicted: Sequence[Sequence[Span]]) -> Iterator[Correction]:
    """Ten places: three spans go, two get another label, two another end, and three come where nothing was found."""
    found = [index for index, spans in enumerate(predicted) if spans]
    for index in found[:3]:
        yield Correction(text=index, old=predicted[index][0])
    for index in found[3:5]:
        start, end, label = predicted[index][-1]
        yield Correction(text=index, old=(start, end, label), new=(start, end, "city" if label != "city" else "person"))
    for index in found[5:7]:
        start, end, label = predicted[index][0]
        # The word before belongs to it, too.
        before = [word for word in split_words(texts[index]) if word[1] <= start]
        yield Correction(text=index, old=(start, end, label), new=(before[-1][0] if before else start, end, label))
    for index in [index for index, spans in enumerate(predicted) if not spans][:3]:
        word = next(word for word in split_words(texts[index]) if texts[index].count(texts[index][slice(*word)]) == 1)
        yield Correction(text=index, new=(*word, "disease"))


@pytest.mark.parametrize("tool", [LabelStudio(), Doccano(), Prodigy(), Spacy(), Spreadsheet()], ids=lambda tool: tool.name)
def test_corrections_arrive(tool: Tool, sentences: Path, predicted: list[list[Span]], encoder: Path, tmp_path: Path) -> None:
    texts = [row["text"] for row in read_jsonl(sentences)]
    tagged(sentences, tmp_path / tool.imported, tool.name)
    tool.load(tmp_path / tool.imported)
    assert tool.spans() == predicted

    gold = [list(spans) for spans in predicted]
    made = list(corrections(texts, predicted))
    assert len(made) == 10 and len({item.text for item in made}) == 10
    for item in made:
        gold[item.text] = [span for span in gold[item.text] if span != item.old] + ([item.new] if item.new else [])
        tool.correct(item)
    exported = tmp_path / tool.exported
    tool.save(exported)

    stats = spanmatch("data", "stats", exported)
    assert stats.status == 0 and str(sum(map(len, gold))) in stats.out, stats
    run(encoder, exported, tmp_path / "model", max_steps=3)
    given = {"pretrained_model_name_or_path": tmp_path / "model", "evaluation_file": exported, "output_dir": tmp_path / "out"}
    result = evaluate(*(part for key, value in given.items() for part in (f"--{key}", value)))
    assert result.status == 0, result.err
    rows = read_jsonl(tmp_path / "out" / "predictions.jsonl")
    read = [[(span["start"], span["end"], span["label"]) for span in row["gold"]] for row in rows]
    assert read == [sorted(spans) for spans in gold]
