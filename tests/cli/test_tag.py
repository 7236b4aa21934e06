"""`spanmatch tag`: what is given without a flag is told apart, the rest reaches the tagging by its name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import spanmatch

from spanmatch.cli.tag import START_ENGINE, model_and_source
from spanmatch.errors import InputError
from spanmatch.prediction.shipped import DEFAULT_MODEL
from spanmatch.tagging.options import ENGINES, TagOptions


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([], (DEFAULT_MODEL, "-")),
        (["-"], (DEFAULT_MODEL, "-")),
        (["Ada met Bob"], (DEFAULT_MODEL, "Ada met Bob")),
        (["data/*.jsonl"], (DEFAULT_MODEL, "data/*.jsonl")),
        (["{folder}/texts.txt"], (DEFAULT_MODEL, "{folder}/texts.txt")),
        (["{folder}"], ("{folder}", "-")),
        (["someone/model"], ("someone/model", "-")),
        (["model", "Ada"], ("model", "Ada")),
    ],
)
def test_model_and_source(places: Sequence[str], expected: tuple[str, str], tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("Ada\n")
    named = [place.replace("{folder}", str(tmp_path)) for place in places]
    assert model_and_source(named) == tuple(part.replace("{folder}", str(tmp_path)) for part in expected)


def test_a_sentence_without_quotes() -> None:
    with pytest.raises(InputError, match='got also "met"; put a sentence in quotes'):
        model_and_source(["model", "Ada", "met"])


def test_flags_become_options(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[TagOptions] = []
    monkeypatch.setattr("spanmatch.tagging.tag.tag", asked.append)
    given: list[Any] = ["--type", "person", "--types", "a,b", "--num_workers", 2, "--batch_size", 8, "--compile"]
    assert spanmatch("tag", "model", "Ada met Bob", *given).status == 0
    assert spanmatch("tag").status == 0
    options = {"types": ["person", "a,b"], "num_workers": 2, "batch_size": 8, "compile": True}
    assert asked == [TagOptions(model="model", source="Ada met Bob", **options), TagOptions(model=DEFAULT_MODEL)]


def test_options_are_refused_before_anything_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanmatch.tagging.tag.tag", lambda options: pytest.fail("it began"))
    result = spanmatch("tag", "model", "Ada met Bob", "--overwrite")
    assert (result.status, result.err) == (2, "error: --overwrite replaces a file of --output, and none is named; leave it out\n")


def test_every_engine_can_be_started() -> None:
    assert tuple(START_ENGINE) == ENGINES
