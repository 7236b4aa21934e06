"""Sharing work among the processes of a launch. With one process there is nothing to share, and no group is needed."""

from collections.abc import Sequence
from typing import Any, TypeVar

import torch.distributed as dist

Item = TypeVar("Item")


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
