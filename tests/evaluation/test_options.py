"""Options of evaluating and calibrating: what has to be given, and the defaults of the rest."""

from dataclasses import MISSING, fields

import pytest

from spanmatch.evaluation.options import CalibrateOptions, EvaluateOptions


@pytest.mark.parametrize(
    ("options", "format", "expected"),
    [
        (EvaluateOptions, "evaluation_format", ["pretrained_model_name_or_path", "evaluation_file"]),
        (CalibrateOptions, "format", ["model", "file"]),
    ],
)
def test_model_and_file_are_required(options: type, format: str, expected: list[str]) -> None:
    defaults = {item.name: item.default for item in fields(options)}
    assert [name for name, default in defaults.items() if default is MISSING] == expected
    assert [item.name for item in fields(options) if item.metadata["positional"]] == expected
    assert defaults[format] == "text"
