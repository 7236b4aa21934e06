"""What the tests of the other methods share: small trainings, run as a user runs them."""

from pathlib import Path
from typing import Any

from helpers_e2e import Result, sentences, spanmatch, write_jsonl

FLAGS: dict[str, Any] = {
    "per_device_train_batch_size": 8,
    "learning_rate": 3e-3,
    "num_train_epochs": 4,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "bf16": False,
    "use_cpu": True,
}


def fit(method: str, folder: Path, **flags: object) -> Result:
    """`spanmatch fit METHOD` on generated sentences; None drops a flag."""
    data = folder.parent / "train.jsonl"
    if not data.exists():
        write_jsonl(data, sentences(200))
    given = FLAGS | {"train_file": data, "output_dir": folder} | flags
    return spanmatch(
        "fit", method, *(part for name, value in given.items() if value is not None for part in (f"--{name}", value))
    )
