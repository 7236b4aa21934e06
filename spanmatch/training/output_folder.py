"""Know the files in the output folder of a training, and find and remove the Trainer's checkpoints there."""

import shutil
from pathlib import Path

from spanmatch.evaluation.results import written_files
from spanmatch.prediction.shipped import CONFIG_FILE, TEXT_TOKENIZER, TYPE_TOKENIZER
from spanmatch.prediction.thresholds import THRESHOLDS_FILE


def numbered_checkpoints(output_dir: Path) -> dict[int, Path]:
    """Return the `checkpoint-N` folders of a training by their N, the number of steps.

    Args:
        output_dir: the output folder of the training; if it is missing, there are no checkpoints.
    """
    named = {folder.name.removeprefix("checkpoint-"): folder for folder in output_dir.glob("checkpoint-*")}
    return {int(number): folder for number, folder in named.items() if number.isdecimal()}


def written_by_training(output_dir: Path) -> list[Path]:
    """Return the files of a training that a glob could take for data: those that it will write, and those of an earlier run.

    Args:
        output_dir: the output folder of the training; it may be missing.
    """
    folders = [output_dir / TEXT_TOKENIZER, output_dir / TYPE_TOKENIZER, *numbered_checkpoints(output_dir).values()]
    own = [output_dir / name for name in (CONFIG_FILE, THRESHOLDS_FILE, "timings.json", "README.md")]
    results = [path for name in ("validation", "test") for path in written_files(output_dir / name)]
    return [*own, *results, *(path for folder in folders for path in folder.rglob("*"))]


def remove_checkpoints(output_dir: Path) -> None:
    """Remove the checkpoints of a training that is overwritten, which could be mistaken for later steps of the new one.

    Args:
        output_dir: the output folder of the training. All else in it stays.
    """
    for folder in numbered_checkpoints(output_dir).values():
        if (folder / "trainer_state.json").is_file():
            shutil.rmtree(folder)
