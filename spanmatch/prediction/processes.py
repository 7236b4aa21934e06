"""Sharing work among the processes of a launch. With one process there is nothing to share, and no group is needed."""

import logging
import os
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from accelerate import PartialState

logger = logging.getLogger(__name__)


Item = TypeVar("Item")


def join_launch(device: str | None) -> None:
    """Join the other processes of a launch, where there are any: over NCCL on GPUs, elsewhere over gloo."""
    on_gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    PartialState(cpu=not on_gpu)  # left to itself, it takes the processes of a machine without a GPU for one each
    warn_if_alone()


def warn_if_alone() -> None:
    """Say so where several processes were asked for and accelerate started one.

    `accelerate launch --cpu --num_processes 2` does that without a word, short of MPI; it leaves the port of the others.
    """
    asked = os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_PORT" in os.environ
    if asked and num_processes() == 1 and "LOCAL_RANK" not in os.environ:
        logger.warning(
            "accelerate launch --cpu has started one process, whatever --num_processes says; "
            "for several use accelerate launch --config_file configs/accelerate/ddp_cpu.yaml"
        )


def num_processes() -> int:
    """Processes of the group, 1 without a group."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_main_process() -> bool:
    """Whether this process is the one that writes and prints."""
    return num_processes() == 1 or dist.get_rank() == 0


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """Every n-th item, from this process's rank on: together the processes have each item once."""
    return items if num_processes() == 1 else items[dist.get_rank() :: num_processes()]


def gather_all(items: list[Item]) -> list[Item]:
    """The items of all processes, on each; every process has to call it."""
    if num_processes() == 1:
        return items
    parts: list[Any] = [None] * num_processes()
    dist.all_gather_object(parts, items)
    return [item for part in parts for item in part]


def quiet_libraries() -> None:
    """Our progress bars and messages only: not one bar per weight file, nor the hub's advice."""
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
