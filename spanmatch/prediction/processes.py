"""Share work among the processes of a launch, and the threads of a machine among processes.

Every function also works in a single process, without a process group, and where torch is not installed.
"""

import importlib.util
import logging
import os
import sys
from collections.abc import Sequence
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


def join_launch(device: str | None) -> None:
    """Join the other processes of a launch, if there are any: over NCCL on GPUs, else over gloo.

    Args:
        device: where this process computes, such as "cpu" or "cuda"; by default a GPU if there is one.
    """
    if not _is_installed("torch"):
        return
    import torch
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
    group = _distributed()
    return int(group.get_world_size()) if group is not None and group.is_available() and group.is_initialized() else 1


def is_main_process() -> bool:
    """Return whether this process is the one that writes files and prints."""
    return num_processes() == 1 or _distributed().get_rank() == 0


def own_share(items: Sequence[Item]) -> Sequence[Item]:
    """Return this process's share of items: every n-th, starting at its rank. Together the processes have each item once.

    Args:
        items: the same items in every process.
    """
    return items if num_processes() == 1 else items[_distributed().get_rank() :: num_processes()]


def gather_all(items: list[Item]) -> list[Item]:
    """Return the items of all processes, in the order of their ranks. Every process has to call it, or the others wait forever.

    Args:
        items: the items of this process; they are pickled on the way.
    """
    if num_processes() == 1:
        return items
    parts: list[Any] = [None] * num_processes()
    _distributed().all_gather_object(parts, items)
    return [item for part in parts for item in part]


def _distributed() -> Any:
    """Return torch.distributed, None if nothing imported it: whoever joins a launch does."""
    return sys.modules.get("torch.distributed")


def has_accelerator() -> bool:
    """Return whether models of torch are computed on an accelerator here, unless another device is named."""
    if not _is_installed("torch"):
        return False
    from spanmatch.model.devices import default_device

    return default_device().type != "cpu"


def num_threads() -> int:
    """Return how many threads this process computes with."""
    if _is_installed("torch"):
        import torch

        return torch.get_num_threads()
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def use_threads(count: int) -> None:
    """Compute with so many threads from now on, also in libraries that are loaded later.

    Args:
        count: the number of threads.
    """
    os.environ["OMP_NUM_THREADS"] = str(count)
    if _is_installed("torch"):
        import torch

        torch.set_num_threads(count)


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def quiet_libraries() -> None:
    """Turn off the progress bars of transformers and all of its messages but errors, whenever it is imported."""
    # It reads both when it is imported, which takes a second that a command without it saves.
    os.environ["TRANSFORMERS_VERBOSITY"], os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "error", "1"
    imported: Any = sys.modules.get("transformers.utils.logging")
    if imported is not None:
        imported.disable_progress_bar()
        imported.set_verbosity_error()
