"""Sharing work: in a single process there is nothing to share. Several processes are tested in end_to_end/test_processes.py."""

import logging
import os

import pytest
import torch
from helpers_e2e import run_subprocess
from transformers.utils import logging as transformers_logging

from spanmatch.prediction.processes import (
    gather_all,
    has_accelerator,
    is_main_process,
    join_launch,
    num_processes,
    num_threads,
    own_share,
    quiet_libraries,
    use_threads,
    warn_if_alone,
)


def test_one_process_has_all() -> None:
    items = [1, 2, 3]
    assert num_processes() == 1 and is_main_process()
    assert own_share(items) == gather_all(items) == items


@pytest.mark.parametrize(("rank", "expected"), [(0, [0, 3, 6]), (1, [1, 4]), (2, [2, 5])])
def test_shares_are_disjoint(rank: int, expected: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of seven items among three processes."""
    monkeypatch.setattr("spanmatch.prediction.processes.num_processes", lambda: 3)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: rank)
    assert own_share(range(7)) == range(rank, 7, 3) and list(own_share(range(7))) == expected
    assert is_main_process() == (rank == 0)


def test_libraries_are_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRANSFORMERS_VERBOSITY", "HF_HUB_DISABLE_PROGRESS_BARS"):
        monkeypatch.setenv(name, "")  # and as it was, afterwards
    before, bars = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    try:
        transformers_logging.set_verbosity_info()
        quiet_libraries()
        assert transformers_logging.get_verbosity() == transformers_logging.ERROR
        assert not transformers_logging.is_progress_bar_enabled()
    finally:
        transformers_logging.set_verbosity(before)
        if bars:
            transformers_logging.enable_progress_bar()


def test_libraries_that_are_imported_later_are_quiet() -> None:
    quiet = "from spanmatch.prediction.processes import quiet_libraries\nquiet_libraries()"
    imports = f"{quiet}\nfrom transformers.utils import logging"
    told = "print(logging.get_verbosity() == logging.ERROR, logging.is_progress_bar_enabled())"
    assert run_subprocess("-c", f"{imports}\n{told}").out.split() == ["True", "False"]


@pytest.mark.parametrize(
    ("environment", "warned"),
    [
        ({"ACCELERATE_USE_CPU": "True", "MASTER_PORT": "29500"}, True),
        ({"ACCELERATE_USE_CPU": "True"}, False),
        ({"MASTER_PORT": "29500"}, False),
        ({"ACCELERATE_USE_CPU": "True", "MASTER_PORT": "29500", "LOCAL_RANK": "0"}, False),
    ],
)
def test_warning(
    environment: dict[str, str], warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("ACCELERATE_USE_CPU", "MASTER_PORT", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with caplog.at_level(logging.WARNING):
        warn_if_alone()
    assert ("configs/accelerate/ddp_cpu.yaml" in caplog.text) == warned


def test_threads_are_those_of_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """... and of libraries that are loaded later, which read the variable."""
    before = torch.get_num_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    try:
        use_threads(3)
        assert num_threads() == torch.get_num_threads() == 3 and os.environ["OMP_NUM_THREADS"] == "3"
    finally:
        torch.set_num_threads(before)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanmatch.prediction.processes._is_installed", lambda package: False)
    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    before = torch.get_num_threads()
    use_threads(7)
    assert num_threads() == 7 and torch.get_num_threads() == before
    assert not has_accelerator()
    join_launch(None)
    quiet_libraries()


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_an_accelerator(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanmatch.model.devices.default_device", lambda: torch.device(device))
    assert has_accelerator() == (device == "cuda")
