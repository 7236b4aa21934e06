"""The folder that a command writes to: whether it may, and from where a training in it goes on."""

import logging
import shutil
from pathlib import Path

from spanmatch.config import MatcherArguments, MatcherTrainingArguments
from spanmatch.errors import InputError
from spanmatch.training import find_last_checkpoint

logger = logging.getLogger(__name__)


def folder_to_write(output_dir: str) -> Path:
    """The folder of the results, which may not be there yet."""
    if Path(output_dir).is_file():
        raise InputError(f"{output_dir}: output_dir is a file; give a folder")
    return Path(output_dir)


def where_to_resume(arguments: MatcherArguments, training: MatcherTrainingArguments, output_dir: Path) -> str | None:
    """The checkpoint to go on from, or None to start; a folder that holds a training is not trained into unasked."""
    asked = training.resume_from_checkpoint
    if asked and str(asked).lower() not in {"true", "1", "yes", "false", "0", "no"}:
        if not (Path(asked) / "trainer_state.json").is_file():
            raise InputError(
                f"resume_from_checkpoint: {asked} is no checkpoint of a training; "
                "give a checkpoint-N folder, or true for the last"
            )
        return str(asked)
    last = find_last_checkpoint(output_dir)
    if asked and str(asked).lower() in {"true", "1", "yes"}:
        if last is None:
            logger.warning("no finished checkpoint in %s: training starts from the beginning", output_dir)
        return last
    if training.do_train and not arguments.overwrite_output_dir and (last or (output_dir / "model.safetensors").is_file()):
        raise InputError(
            f"{output_dir} already holds a training; go on with --resume_from_checkpoint true, give another --output_dir, "
            "or --overwrite_output_dir true"
        )
    return None


def remove_checkpoints(output_dir: Path) -> None:
    """Remove the checkpoint-N folders of a training that is overwritten: their N would pass for later steps of the new one."""
    for folder in output_dir.glob("checkpoint-*"):
        if folder.name.rpartition("-")[2].isdigit() and (folder / "trainer_state.json").is_file():
            shutil.rmtree(folder)
