"""Command lines with flags combined at random: done, or refused in one line with nothing written or changed."""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from helpers_bad_input import Place, training
from helpers_e2e import Result, evaluate, snapshot, spanmatch, train
from helpers_fuzz import Fuzz, odd_texts
from hypothesis import strategies as st

from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.cli.convert import ConvertOptions
from spanmatch.evaluation.options import BenchOptions, CalibrateOptions, EvaluateOptions, StatsOptions
from spanmatch.tagging.options import TagOptions
from spanmatch.training.arguments import MatcherArguments

# Paths are of the folder in which the command runs.
FILES = [
    "good.jsonl",
    "checkpoint",
    "contrastive",
    "nothing",
    "",
    ".",
    "*.jsonl",
    "empty.txt",
    "texts.txt",
    "binary.parquet",
    "labels.json",
]
OUTPUTS = ["out", "out.jsonl", "out.json", "out.conll", "out.html", "out/deep", "good.jsonl", "checkpoint", "", ".", "x" * 300]
VALUES = [
    "",
    "0",
    "1",
    "2",
    "-1",
    "0.5",
    "1e-9",
    "nan",
    "inf",
    "1e400",
    "true",
    "None",
    "cls",
    "label_token",
    "cls+0.5",
    "calibrated",
]
VALUES += [
    "person=0.3",
    "person=",
    "=0.3",
    "person,city",
    ",",
    "flat",
    "nested",
    "text",
    "tokens",
    "cpu",
    "cuda:7",
    "float16",
    "é",
    "\u200b",
    "{}",
]
# A start of these takes seconds and shows nothing here; the tests of each have them.
SLOW = {"compile", "num_workers", "num_texts", "repeats", "threads"}
COMMANDS: dict[str, tuple[Sequence[str], tuple[type, ...]]] = {
    "tag": (["checkpoint", "texts.txt", "--types", "person,city"], (TagOptions,)),
    "evaluate": (["checkpoint", "good.jsonl"], (EvaluateOptions,)),
    "calibrate": (["checkpoint", "good.jsonl"], (CalibrateOptions,)),
    "bench": (["checkpoint", "texts.txt", "--types", "person", "--repeats", "1", "--num_texts", "2"], (BenchOptions,)),
    "convert": (["good.jsonl", "out.conll"], (ConvertOptions,)),
    "generate": (
        ["--output", "made.jsonl", "--types", "person", "--engine", "templates", "--patterns", "patterns.json"],
        (GenerateOptions,),
    ),
    "data stats": (["good.jsonl", "--tokenizer", "checkpoint"], (StatsOptions,)),
}


# No shell can pass a NUL character.
arguments = odd_texts.map(lambda text: text.replace("\0", ""))


@pytest.fixture
def messy_place(place: Place, monkeypatch: pytest.MonkeyPatch) -> Place:
    """The folder in which the commands run."""
    place.file("texts.txt", "Ada moved to Paris .\n\nBob\u200b\n")
    place.file("empty.txt", "")
    place.file("binary.parquet", bytes(range(256)))
    place.file("patterns.json", '{"patterns": ["{person} has {1-999}."], "values": {"person": ["Ada", "Bob"]}}')
    place.file("labels.json", '{"person": "a human being"}')
    monkeypatch.chdir(place.folder)
    return place


def flag_values(item: Any) -> st.SearchStrategy[list[str]]:
    """A flag of an option, with a value that may be meant for another."""
    flag = (item.metadata["flags"] or (f"--{item.name}",))[-1]
    if item.type is bool or item.type == "bool":
        return st.just([flag])
    valid = [*(item.metadata["choices"] or ()), *(str(default) for default in [item.default] if isinstance(default, (str, int)))]
    pool = st.sampled_from([*valid, *valid, *VALUES, *FILES, *OUTPUTS]) | arguments
    if "output" in item.name or item.name == "report":
        pool = st.sampled_from(OUTPUTS)
    return pool.map(lambda value: [flag, value] if not value.startswith("-") else [f"{flag}={value}"])


def command_lines() -> st.SearchStrategy[list[str]]:
    """A command that would succeed, with up to four flags more and perhaps another file."""

    def lines(name: str) -> st.SearchStrategy[list[str]]:
        given, options = COMMANDS[name]
        found = [item for group in options for item in fields(group) if "help" in item.metadata and item.name not in SLOW]
        flags = st.lists(
            st.sampled_from([item for item in found if not item.metadata["positional"]]).flatmap(flag_values), max_size=4
        )
        places = st.sampled_from([None, None, None, 0, 1])
        return st.builds(_assemble, st.just(name), st.just(given), flags, places, st.sampled_from([*FILES, *OUTPUTS]))

    return st.sampled_from(sorted(COMMANDS)).flatmap(lines)


def _assemble(name: str, given: Sequence[str], flags: list[list[str]], place: int | None, path: str) -> list[str]:
    parts = list(given)
    if place is not None:
        parts[place] = path
    return [*name.split(), *parts, *(part for flag in flags for part in flag)]


def assert_done_or_refused(place: Place, command: Callable[..., Result], line: Sequence[str]) -> None:
    before = snapshot(place.folder)
    try:
        result = command(*line)
        assert result.status in {0, 2}, result
        assert "Traceback" not in result.err
        if result.status == 2:
            *warnings, last = [part for part in result.err.splitlines() if part.strip()]
            assert last.startswith("error: "), result.err
            assert all(part.startswith("WARNING") for part in warnings), result.err
            after = snapshot(place.folder)
            assert after == before, sorted(after.keys() ^ before.keys()) or "a file was changed"
    finally:
        restore(place.folder, before)


def restore(folder: Path, before: dict[str, bytes | None]) -> None:
    """Put back what a command wrote or changed."""
    for name in sorted(snapshot(folder).keys() - before.keys(), reverse=True):
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, content in before.items():
        if content is not None and (not (folder / name).is_file() or (folder / name).read_bytes() != content):
            (folder / name).write_bytes(content)


def test_commands(fuzz: Fuzz, messy_place: Place) -> None:
    fuzz("command lines", lambda line: assert_done_or_refused(messy_place, spanmatch, line), command_lines())


def test_scripts(fuzz: Fuzz, messy_place: Place) -> None:
    """The evaluation scripts, whose every option is a flag."""

    def check(flags: list[list[str]]) -> None:
        usual = ["--pretrained_model_name_or_path", "checkpoint", "--evaluation_file", "good.jsonl"]
        assert_done_or_refused(messy_place, evaluate, [*usual, *(part for flag in flags for part in flag)])

    known = [item for item in fields(EvaluateOptions) if "help" in item.metadata]
    fuzz("evaluation scripts", check, st.lists(st.sampled_from(known).flatmap(flag_values), max_size=4))


def test_training(fuzz: Fuzz, messy_place: Place) -> None:
    """A training of one step, with keys of the configuration set to anything."""
    names = sorted(item.name for item in fields(MatcherArguments))
    others = [
        "warmup_steps",
        "num_train_epochs",
        "max_steps",
        "seed",
        "learning_rate",
        "eval_strategy",
        "save_strategy",
        "resume_from_checkpoint",
    ]
    keys = st.sampled_from([*names, *others])
    values = st.sampled_from([*VALUES, *FILES])
    sizes = {"max_steps": "1", "per_device_train_batch_size": "2", "use_cpu": "true", "bf16": "false", "disable_tqdm": "true"}

    def check(changed: dict[str, str]) -> None:
        if int_or_none(changed.get("max_steps")) not in {None, 0, 1, 2}:
            return
        line = [part for key, value in (sizes | changed).items() for part in (f"--{key}={value}",)]
        assert_done_or_refused(messy_place, train, [*training(messy_place, max_steps=None), *line])

    fuzz("trainings", check, st.dictionaries(keys, values, min_size=1, max_size=3))


def int_or_none(text: str | None) -> int | None:
    return int(text) if text is not None and text.lstrip("-").isdecimal() else None
