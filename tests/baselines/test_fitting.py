"""What all trainings of other methods share: the order of their steps, and the files they leave."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import read_json, sentences, write_jsonl

from spanmatch.baselines.fitting import Method, fit
from spanmatch.baselines.token_training import TOKEN
from spanmatch.errors import InputError


@dataclass
class Noted:
    """Notes which steps a method took."""

    steps: list[str]

    def taking(self, name: str, step: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            self.steps.append(name)
            return step(*arguments)

        return noted

    def method(self) -> Method:
        steps = {name: self.taking(name, getattr(TOKEN, name)) for name in ("build", "trainer", "finish", "facts")}
        return replace(TOKEN, made="thing", **steps)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def encoder(encoder_folders: dict[str, Path]) -> Path:
    return encoder_folders["WordPiece"]


def command_line(folder: Path, encoder: Path, **keys: Any) -> list[str]:
    data = write_jsonl(folder / "train.jsonl", sentences(16))
    given = {
        "train_file": data, "model": encoder, "output_dir": folder / "out", "max_steps": 1, "save_strategy": "no",
        "report_to": "none", "disable_tqdm": True, "bf16": False, "use_cpu": True,
    }  # fmt: skip
    return [str(part) for name, value in (given | keys).items() for part in (f"--{name}", value)]


def test_steps_and_files(encoder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = write_jsonl(tmp_path / "test.jsonl", sentences(4, seed=1))
    noted = Noted([])
    drawn: list[Path] = []

    def draw(log: Any, folder: Path) -> str:
        drawn.append(folder)
        return "a picture"

    fit(command_line(tmp_path, encoder, test_file=test), noted.method(), draw)
    assert noted.steps == ["build", "trainer", "finish", "facts"]
    folder = tmp_path / "out"
    assert drawn == [folder] and capsys.readouterr().out.endswith(f"{folder}: thing, a picture\n")
    timings = read_json(folder / "timings.json")
    assert timings.keys() == {"train_seconds", "trained_parameters"} and timings["train_seconds"] > 0
    assert {"model.safetensors", "test", "timings.json"} <= {path.name for path in folder.iterdir()}


def test_further_facts_are_written(encoder: Path, tmp_path: Path) -> None:
    fit(command_line(tmp_path, encoder), replace(TOKEN, facts=lambda tagger: {"tags": len(tagger.labels.tags)}))
    assert read_json(tmp_path / "out" / "timings.json")["tags"] == 7


def test_nothing_is_built_of_wrong_keys(encoder: Path, tmp_path: Path) -> None:
    noted = Noted([])
    with pytest.raises(InputError, match='"do_train" is false; to evaluate a thing, use spanmatch evaluate'):
        fit([*command_line(tmp_path, encoder), "--do_train", "false"], noted.method())
    assert noted.steps == [] and not (tmp_path / "out").exists()
