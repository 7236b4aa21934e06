"""Find and remove the Trainer's checkpoints in the output folder of a training."""

import shutil
from pathlib import Path


def numbered_checkpoints(output_dir: Path) -> dict[int, Path]:
    """Return the `checkpoint-N` folders of a training by their N, the number of steps.

    Args:
        output_dir: the output folder of the training; if it is missing, there are no checkpoints.
    """
    named = {folder.name.removeprefix("checkpoint-"): folder for folder in output_dir.glob("checkpoint-*")}
    return {int(number): folder for number, folder in named.items() if number.isdecimal()}


def remove_checkpoints(output_dir: Path) -> None:
    """Remove the checkpoints of a training that is overwritten, which could be mistaken for later steps of the new one.

    Args:
        output_dir: the output folder of the training. All else in it stays.
    """
    for folder in numbered_checkpoints(output_dir).values():
        if (folder / "trainer_state.json").is_file():
            shutil.rmtree(folder)
