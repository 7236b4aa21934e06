"""The folder that a command writes to: whether it may, and from where a training in it goes on."""

import logging
import shutil
from pathlib import Path

logger = logging.getLogger(__name__)


def remove_checkpoints(output_dir: Path) -> None:
    """Remove the checkpoint-N folders of a training that is overwritten: their N would pass for later steps of the new one."""
    for folder in output_dir.glob("checkpoint-*"):
        if folder.name.rpartition("-")[2].isdigit() and (folder / "trainer_state.json").is_file():
            shutil.rmtree(folder)


