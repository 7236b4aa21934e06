"""Share work among the processes of a launch. Every function also works in a single process, without a process group."""

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

import torch
import torch.distributed as dist

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


def join_launch(device: str | None) -> None:
    """Join the other processes of a launch, if there are any: over NCCL on GPUs, else over gloo.

    Args:
        device: where this process computes, such as "cpu" or "cuda"; by default a GPU if there is one.
    """
    from accelerate import PartialState  # imported late, because a process that only tags does without

    on_gpu = torch.cuda.is_available() if device is None else device.startswith("cuda")
    # Without `cpu=True`, each process on a machine without a GPU takes itself for the only one.
    PartialState(cpu=not on_gpu)
    warn_if_alone()


def warn_if_alone() -> None:
    """Warn if the user requested several processes and accelerate started only one.

    Without MPI, `accelerate launch --cpu --num_processes 2` does so and says nothing.
    """
    # The port through which processes would meet is set only when several were requested.
    several = os.environ.get("ACCELERATE_USE_CPU", "").lower() == "true" and "MASTER_PORT" in os.environ
    if several and num_processes() == 1 and "LOCAL_RANK" not in os.environ:
        logger.warning(
            "accelerate launch --cpu has started one process, whatever --num_processes says; "
            "for several use accelerate launch --config_file configs/accelerate/ddp_cpu.yaml"
        )


def num_processes() -> int:
    """Return the number of processes of the launch."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_main_process() -> bool:
    """Return whether this process is the one that writes files and prints."""
    return num_processes() == 1 or dist.get_rank() == 0


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """Return this process's share of items: every n-th, starting at its rank. Together the processes have each item once.

    Args:
        items: the same items in every process.
    """
    return items if num_processes() == 1 else items[dist.get_rank() :: num_processes()]


def gather_all(items: list[Item]) -> list[Item]:
    """Return the items of all processes, in the order of their ranks. Every process has to call it, or the others wait forever.

    Args:
        items: the items of this process; they are pickled on the way.
    """
    if num_processes() == 1:
        return items
    parts: list[Any] = [None] * num_processes()
    dist.all_gather_object(parts, items)
    return [item for part in parts for item in part]


def quiet_libraries() -> None:
    """Turn off the progress bars of transformers and all of its messages but errors, whenever it is imported."""
    # It reads both when it is imported, which takes a second that a command without it saves.
    os.environ["TRANSFORMERS_VERBOSITY"], os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "error", "1"
    if "transformers" in sys.modules:
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()
        transformers_logging.set_verbosity_error()
