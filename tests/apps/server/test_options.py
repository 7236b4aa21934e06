"""The options, and how many cores there are for a batch."""

from typing import Any

import pytest

from spanmatch.apps.server import options
from spanmatch.apps.server.options import ServeOptions, cores_of
from spanmatch.errors import InputError


@pytest.mark.parametrize(
    "given, cores, threads",
    [
        ({}, 2, 2),
        ({}, 64, 8),
        ({"workers": 4}, 8, 2),
        ({"workers": 4}, 2, 1),
        ({"num_threads": 3}, 1, 3),
        ({"device": "cuda:0"}, 8, 1),
        ({"device": "cpu"}, 8, 8),
    ],
)
def test_batches_at_a_time(given: dict[str, Any], cores: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options.os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert ServeOptions(**given).threads == threads


def test_every_process_has_a_core() -> None:
    assert cores_of(10_000) == 1


def test_an_unknown_overlap_is_refused() -> None:
    with pytest.raises(InputError, match='did you mean "nested"'):
        ServeOptions(overlap="nestd")
