"""The two walks of docs/architecture.md, followed through a real run: which files of the package run code on the way.

python benchmarks/walks.py [--functions]

Training: from a line of `train_file` to the loss, by the command `train_bi_encoder.py`. Tagging: from a text to its
entities, by `SpanMatcher.stream`, where the types are encoded and the thresholds known. A file counts if a function of it
runs while the data is on its way. Building the model and setting up the Trainer happen beside the way and do not count.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import spanmatch
from spanmatch import SpanMatcher
from spanmatch.data.corpus import read_corpus
from spanmatch.data.examples import Example
from spanmatch.data.words import split_words
from spanmatch.entities import as_entity_types
from spanmatch.prediction.shipped import DEFAULT_MODEL
from spanmatch.prediction.tagger import StreamOptions
from spanmatch.training.dataset import TrainingCollator, TrainingViews, training_windows
from spanmatch.training.train import train
from spanmatch.training.trainer import MatcherTrainer

PACKAGE = Path(spanmatch.__file__).parent
TEXT, TYPES = "Ada Lovelace met Charles Babbage in London.", ["person", "city"]
ROWS = [{"text": TEXT, "char_spans": [{"start": 0, "end": 12, "label": "person"}, {"start": 36, "end": 42, "label": "city"}]}] * 4
# Where an example is on its way: what these functions call is the walk of a training.
STEPS: tuple[Callable[..., Any], ...] = (
    read_corpus, training_windows, TrainingViews.__getitem__, TrainingCollator.__call__, MatcherTrainer.compute_loss,
)  # fmt: skip
# Frames that Python makes for an expression are no functions of a reader.
EXPRESSIONS = {"<module>", "<lambda>", "<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>"}


class Walk:
    """Notes the files of the package whose functions run, in the order in which they first do."""

    def __init__(self, steps: tuple[Callable[..., Any], ...] = ()) -> None:
        self.functions: dict[str, list[str]] = {}
        self._steps = {step.__code__ for step in steps}
        self._open: list[CodeType] = []

    @contextmanager
    def follow(self) -> Iterator[None]:
        """Note what runs inside a `with` statement; with steps, only what runs inside one of them."""
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if code in self._steps:
            self._open += [code] if event == "call" else []
            if event == "return" and self._open:
                self._open.pop()
        path = Path(code.co_filename)
        if event != "call" or code.co_name in EXPRESSIONS or not path.is_relative_to(PACKAGE):
            return
        if self._open or not self._steps:
            names = self.functions.setdefault(str(path.relative_to(PACKAGE)), [])
            names += [code.co_name] if code.co_name not in names else []


def training_walk() -> Walk:
    """From a line of a training file to the loss."""
    walk = Walk(STEPS)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "train.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
        options = {"train_file": file, "output_dir": f"{folder}/out", "max_steps": 1, "save_strategy": "no", "report_to": "none"}
        with walk.follow():
            train("bi", [f"--{key}={value}" for key, value in options.items()])
    return walk


def tagging_walk() -> Walk:
    """From a text to its entities: the second text of a stream, for which types and thresholds are ready."""
    matcher, types, walk = SpanMatcher.from_pretrained(DEFAULT_MODEL, device="cpu"), as_entity_types(TYPES), Walk()
    examples = (Example(where="", text=TEXT, words=split_words(TEXT), mentions=(), types=types) for _ in range(2))
    stream = matcher.stream(examples, options=StreamOptions(buffer_size=1))
    next(stream)
    with walk.follow():
        assert next(stream), "a walk that finds nothing is none"
    return walk


def main() -> None:
    """Follow both walks, and print them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--functions", action="store_true", help="print the functions of each file, too")
    options = parser.parse_args()
    for title, walk in (("From train_file to the loss", training_walk()), ("From a text to its entities", tagging_walk())):
        print(f"\n{title}: {len(walk.functions)} files")
        for number, (file, functions) in enumerate(walk.functions.items(), 1):
            print(f"{number:3} {file}" + (f"  ({', '.join(functions)})" if options.functions else ""))


if __name__ == "__main__":
    main()
