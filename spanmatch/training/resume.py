"""The folder that a command writes to: whether it may, and from where a training in it goes on."""

import json
from pathlib import Path

from spanmatch.errors import InputError
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.output_folder import logger


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


def find_last_checkpoint(output_dir: Path) -> str | None:
    """The newest checkpoint that was written to its end: the Trainer writes `trainer_state.json` last."""
    found = [folder for folder in output_dir.glob("checkpoint-*") if folder.name.rpartition("-")[2].isdigit()]
    whole = [folder for folder in found if _is_whole(folder)]
    return str(max(whole, key=lambda folder: int(folder.name.rpartition("-")[2]))) if whole else None


def _is_whole(checkpoint: Path) -> bool:
    try:
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return True


