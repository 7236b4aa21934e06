"""Options: what commands share is one declaration, and each class has a field of its own from it."""

from dataclasses import dataclass, fields

import pytest

from spanmatch.evaluation.options import BenchOptions, EvaluateOptions
from spanmatch.prediction.options import DEVICE, option
from spanmatch.tagging.options import TagOptions


@dataclass(frozen=True, kw_only=True)
class Options:
    """One that has to be given and one that need not be."""

    model: str = option("the model", positional=True)
    device: str | None = DEVICE()


def test_defaults() -> None:
    assert Options(model="m").device is None
    with pytest.raises(TypeError, match="model"):
        Options()  # type: ignore[call-arg]


def test_what_a_field_says() -> None:
    model, device = (item.metadata for item in fields(Options))
    assert (model["help"], model["positional"], model["least"]) == ("the model", True, 1)
    assert device["metavar"] == "D" and "accelerator" in device["help"] and not device["positional"]


def test_shared_options_mean_the_same_everywhere() -> None:
    helps: dict[str, set[str]] = {}
    for options in (TagOptions, EvaluateOptions, BenchOptions):
        for item in fields(options):
            if item.name in {"device", "dtype", "types", "entity_types", "threshold", "overlap", "batch_size", "skip_invalid"}:
                helps.setdefault(item.name, set()).add(item.metadata["help"])
    assert len(helps) == 8 and all(len(found) == 1 for found in helps.values())
