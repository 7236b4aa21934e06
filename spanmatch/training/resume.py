"""Decide where a training continues: at a checkpoint, or from the start."""

import logging
from pathlib import Path

from transformers import TrainingArguments

from spanmatch.data.files import read_json
from spanmatch.errors import InputError
from spanmatch.training.arguments import DataArguments
from spanmatch.training.output_folder import numbered_checkpoints

logger = logging.getLogger(__name__)


def where_to_resume(arguments: DataArguments, training: TrainingArguments, output_dir: Path) -> str | None:
    """Return the checkpoint that a training continues from, or None if it starts from the beginning.

    Args:
        arguments: say whether a training in the folder may be replaced.
        training: say whether, and from which checkpoint, to resume.
        output_dir: the output folder.

    Raises:
        InputError: the checkpoint to resume from is none, or the folder holds a training and the configuration says
            neither to resume nor to overwrite it.
    """
    asked = str(training.resume_from_checkpoint or "false")
    last = find_last_checkpoint(output_dir)
    if asked.lower() in {"true", "1", "yes"}:
        if last is None:
            logger.warning("no finished checkpoint in %s: training starts from the beginning", output_dir)
        return last
    if asked.lower() not in {"false", "0", "no"}:
        if not (Path(asked) / "trainer_state.json").is_file():
            remedy = "give a checkpoint-N folder, or true for the last one"
            raise InputError(f"resume_from_checkpoint: {asked} is no checkpoint of a training; {remedy}")
        return asked
    has_weights = any((output_dir / name).is_file() for name in ("model.safetensors", "adapter_model.safetensors"))
    if training.do_train and not arguments.overwrite_output_dir and (last or has_weights):
        remedy = "continue it (--resume_from_checkpoint true), replace it (--overwrite_output_dir true)"
        raise InputError(f"{output_dir} already holds a training; {remedy}, or give another --output_dir")
    return None


def find_last_checkpoint(output_dir: Path) -> str | None:
    """Return the complete checkpoint with the most steps, or None if there is none.

    Args:
        output_dir: the output folder of a training.
    """
    complete = {number: folder for number, folder in numbered_checkpoints(output_dir).items() if _is_complete(folder)}
    return str(complete[max(complete)]) if complete else None


def steps_of(checkpoint: Path) -> int:
    """Return how many steps a checkpoint was trained.

    Args:
        checkpoint: a `checkpoint-N` folder of the Trainer.

    Raises:
        InputError: its `trainer_state.json` is missing or broken.
    """
    return int(read_json(checkpoint / "trainer_state.json")["global_step"])


def _is_complete(checkpoint: Path) -> bool:
    """Return whether a checkpoint was written to its end: the Trainer writes `trainer_state.json` last."""
    try:
        read_json(checkpoint / "trainer_state.json")
    except InputError:
        return False
    return True
