"""The systems of the quality benchmark: trained on one file of sentences, asked for scored spans in words.

Each is a folder that is made once: a killed benchmark goes on with what is missing.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import ROOT, Worker, encoder_folder, environment
from quality_data import TestSet
from quality_scorer import Scored

from spanmatch.data.examples import Example
from spanmatch.data.words import join_tokens
from spanmatch.entities import Entity, EntityType, Inventory
from spanmatch.model.packaged import MINILM
from spanmatch.model.pretrained import resolve_encoder
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import above

# What is below is never worth finding.
FLOOR = 0.01
GLINER = ("gliner==0.2.29", "accelerate")
CHUNK = 500  # sentences of one request
Predict = Callable[[TestSet], list[list[Scored]]]


@dataclass(frozen=True, kw_only=True)
class System:
    """A way to train and to ask. `settings` are options of our training command, or of GLiNER's worker."""

    name: str
    kind: str  # bi, cross, gliner_uni, gliner_bi
    settings: Mapping[str, Any] = field(default_factory=dict)
    described: bool = True  # whether types are asked for with their descriptions
    trained_as: str = ""  # another system whose training it shares
    slot: str | None = None  # the null slot that is its threshold, if any
    data: str = "training"  # the folder of what it is trained on
    encoder: str = MINILM  # what it starts from


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where things are, and how many threads a process may have."""

    work: Path
    envs: Path
    threads: int
    seed: int

    def model(self, system: System) -> Path:
        """The folder of a system's weights."""
        return self.work / "models" / (system.trained_as or system.name)

    def predictions(self, system: System) -> Path:
        """The folder of what a system found."""
        return self.work / "predictions" / system.name


def train(system: System, place: Place, num_examples: int) -> None:
    """Train where there is no finished model."""
    folder = place.model(system)
    if (folder / "trained.json").is_file():
        return
    if system.kind.startswith("gliner"):
        facts = _train_gliner(system, place, folder, num_examples)
    else:
        facts = _train_ours(system, place, folder)
    (folder / "trained.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


def _train_ours(system: System, place: Place, folder: Path) -> dict[str, Any]:
    settings = {
        "train_file": str(place.work / system.data / "*" / "train.jsonl"), "format": "tokens", "do_eval": False,
        "save_strategy": "no", "eval_strategy": "no", "output_dir": str(folder), "overwrite_output_dir": True, "seed": place.seed,
        "text_encoder": system.encoder,
    } | dict(system.settings)  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    config = folder.with_suffix(".config.json")
    config.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    environ = os.environ | {"OMP_NUM_THREADS": str(place.threads), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / f"train_{system.kind}_encoder.py"), str(config)]
    subprocess.run(command, check=True, cwd=ROOT, env=environ)
    timings: dict[str, Any] = json.loads((folder / "timings.json").read_text(encoding="utf-8"))
    return {"settings": dict(system.settings), "seconds": timings["train_seconds"]}


def _train_gliner(system: System, place: Place, folder: Path, num_examples: int) -> dict[str, Any]:
    python = environment(place.envs / "gliner", GLINER)
    encoder = encoder_folder(python) if system.encoder == MINILM else resolve_encoder(system.encoder)
    settings = {"encoder": encoder, "is_bi": system.kind == "gliner_bi", "threads": place.threads}
    worker = Worker(python, "gliner_quality.py", settings | {"seed": place.seed}, place.work / "gliner.log")
    worker.receive()
    file, partial = str(place.work / system.data / "all.jsonl"), folder.with_suffix(".partial")
    asked = {"file": file, "folder": str(partial), "num_examples": num_examples, "seed": place.seed} | dict(system.settings)
    facts = worker.ask("train", **asked)
    worker.close()
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return {"settings": dict(system.settings)} | facts


def predictions(system: System, place: Place, tests: list[tuple[str, TestSet]]) -> dict[str, list[list[Scored]]]:
    """Scored spans of every test set, {kind/name: spans of each sentence}; what was asked before is read again."""
    folder = place.predictions(system)
    folder.mkdir(parents=True, exist_ok=True)
    predict: Predict | None = None
    found = {}
    for kind, test in tests:
        file = folder / f"{kind}_{test.name}.json"
        if not file.is_file():
            predict = predict or _predictor(system, place)
            partial = file.with_suffix(".partial")
            partial.write_text(json.dumps(predict(test)), encoding="utf-8")
            partial.rename(file)
        found[f"{kind}/{test.name}"] = [
            [(start, end, name, score) for start, end, name, score in spans]
            for spans in json.loads(file.read_text(encoding="utf-8"))
        ]
    return found


def _predictor(system: System, place: Place) -> Predict:
    if system.kind.startswith("gliner"):
        python = environment(place.envs / "gliner", GLINER)
        settings = {"model": str(place.model(system)), "is_bi": system.kind == "gliner_bi", "threads": place.threads}
        worker = Worker(python, "gliner_quality.py", settings, place.work / "gliner.log")
        worker.receive()
        return lambda test: _ask_gliner(worker, test)
    matcher = SpanMatcher.from_pretrained(place.model(system))
    return lambda test: ask_ours(matcher, test, described=system.described, slot=system.slot)


def _ask_gliner(worker: Worker, test: TestSet) -> list[list[Scored]]:
    sentences = [item.tokens for item in test.sentences]
    found: list[list[Scored]] = []
    for start in range(0, len(sentences), CHUNK):
        chunk = sentences[start : start + CHUNK]
        found += worker.ask("predict", sentences=chunk, types=list(test.types), floor=FLOOR)["spans"]
    return found


def ask_ours(matcher: SpanMatcher, test: TestSet, *, described: bool, slot: str | None = None) -> list[list[Scored]]:
    """Scored spans in words, above a null slot where one is named."""
    floor = above(FLOOR, slot or matcher.null_slot)
    examples = _examples(test, described)
    return [_in_words(*item) for item in zip(examples, matcher.stream(examples, threshold=floor), strict=True)]


def _examples(test: TestSet, described: bool) -> list[Example]:
    types = Inventory(EntityType(name=name, description=text if described else "") for name, text in test.types.items())
    examples = []
    for index, item in enumerate(test.sentences):
        text, words = join_tokens(item.tokens)
        examples.append(Example(where=str(index), text=text, words=words, mentions=(), types=types))
    return examples


def _in_words(example: Example, entities: list[Entity]) -> list[Scored]:
    start_of = {start: word for word, (start, _) in enumerate(example.words)}
    end_of = {end: word + 1 for word, (_, end) in enumerate(example.words)}
    return [(start_of[item.start], end_of[item.end], item.label, item.score) for item in entities]
