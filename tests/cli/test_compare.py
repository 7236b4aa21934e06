"""`spanmatch compare` on the command line."""

from pathlib import Path

import pytest
from helpers_compare import write_config
from helpers_e2e import ROOT, spanmatch

from spanmatch.baselines.compare_config import FOLDER, METHODS, CompareOptions, read_comparison
from spanmatch.cli.compare import COMMANDS


def test_every_method_has_its_command() -> None:
    assert set(COMMANDS) == set(METHODS) - {FOLDER}


def test_help_names_the_flags() -> None:
    result = spanmatch("compare", "--help")
    assert result.status == 0
    for flag in ("--fresh", "--row", "--max_train_samples", "--max_eval_samples", "--output_dir"):
        assert flag in result.out


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--row", "nobody"], '--row: no row "nobody"'),
        (["--max_eval_samples", 0], "at least 1"),
        (["--frehs"], 'did you mean "--fresh"?'),
    ],
)
def test_bad_input(flags: list[object], message: str, tmp_path: Path) -> None:
    config = write_config(tmp_path, [{"name": "a", "method": "folder", "model": "spanmatch-mini"}])
    result = spanmatch("compare", config, *flags)
    assert result.status == 2 and message in result.err
    assert not (tmp_path / "out").exists()


def test_a_configuration_that_is_missing(tmp_path: Path) -> None:
    result = spanmatch("compare", tmp_path / "nothing.json")
    assert result.status == 2 and "nothing.json: no such file" in result.err


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("compare_*.json")), ids=lambda path: path.stem)
def test_configurations_of_the_project_are_right(path: Path) -> None:
    comparison = read_comparison(CompareOptions(config=str(path)))
    if comparison.leave_out_types:  # it has few rows, since most methods cannot tag what they were not trained on
        assert {row.method for row in comparison.rows} == {"token", "bi", "folder"}
        return
    names = {row.name for row in comparison.rows}
    methods = {row.method for row in comparison.rows}
    assert methods == set(METHODS) and len(names) >= 15
    assert {"loss": len({row.settings["loss"] for row in comparison.rows if "loss" in row.settings})} == {"loss": 4}
    for row in comparison.rows:
        assert comparison.sizes_of(row)[0] is None
