"""What the tests of comparisons share: small configurations, and rows that run in this process, which is faster."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import sentences, spanmatch, train, write_jsonl

from spanmatch.baselines import compare, compare_row
from spanmatch.baselines.measured_process import ProcessFailed

TRAINING = {
    "per_device_train_batch_size": 8, "learning_rate": 3e-3, "num_train_epochs": 6, "save_strategy": "no", "bf16": False,
    "use_cpu": True,
}  # fmt: skip


class Steps:
    """Runs the steps of rows in this process, and counts them.

    Attributes:
        done: the commands that were run, one word each and the name of the row: "token a", "evaluate a".
        stop_before: the step before which the comparison is killed.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.stop_before: str | None = None

    def run_measured(self, arguments: Sequence[str], log: Path) -> int:
        """Stand in for `measured_process.run_measured`."""
        is_evaluation = "spanmatch.baselines.compare_row" in arguments
        method = "evaluate" if is_evaluation else arguments[-2] if arguments[1] == "spanmatch" else arguments[1].split("'")[1]
        step = f"{method} {log.name.rpartition('.')[0].rpartition('.')[0]}"
        if step == self.stop_before:
            raise KeyboardInterrupt
        self.done.append(step)
        if is_evaluation:
            compare_row.main(*arguments[-2:])
            return 1 << 20
        result = (
            train(arguments[-1], architecture=method) if method in {"bi", "cross"} else spanmatch("fit", method, arguments[-1])
        )
        if result.status != 0:
            raise ProcessFailed(result.err.strip().splitlines()[-1].removeprefix("error: "))
        return 1 << 21


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """The steps of rows, run in this process."""
    found = Steps()
    monkeypatch.setattr(compare, "run_measured", found.run_measured)
    return found


def write_config(folder: Path, rows: Sequence[dict[str, Any]], **keys: Any) -> Path:
    """A configuration of a comparison on generated sentences."""
    files = {}
    for name, count, seed in (("train", 80, 0), ("validation", 20, 1), ("test", 20, 2)):
        files[f"{name}_file"] = str(write_jsonl(folder / f"{name}.jsonl", sentences(count, seed=seed)))
    config = files | {"output_dir": str(folder / "out"), "training": TRAINING, "rows": list(rows)} | keys
    path = folder / "config.json"
    path.write_text(json.dumps(config), encoding="utf-8")
    return path
