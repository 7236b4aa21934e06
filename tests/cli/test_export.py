"""`spanmatch export`: its flags, and the extra that it needs."""

from typing import Any

import pytest
from helpers_e2e import spanmatch


def test_flags_become_arguments(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def export(**given: Any) -> str:
        asked.append(given)
        return "written"

    monkeypatch.setattr("spanmatch.integrations.onnx_export.export", export)
    result = spanmatch("export", "m", "--output", "o", "--quantize", "int8", "--check_file", "f", "--entity_types", "t")
    assert (result.status, result.out) == (0, "written\n"), result.err
    assert asked == [{"model": "m", "output": "o", "quantize": "int8", "check_file": "f", "entity_types": "t"}]


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spanmatch.apps.extras.missing_modules", lambda *names: ["onnx", "onnxscript"])
    result = spanmatch("export", "m", "--output", "o")
    assert result.status == 2
    assert result.err == "error: spanmatch export needs onnx and onnxscript; pip install 'spanmatch[export]'\n"


@pytest.mark.parametrize("arguments", [["m"], ["m", "--output", "o", "--quantize", "int4"]])
def test_what_it_refuses(arguments: list[str]) -> None:
    result = spanmatch("export", *arguments)
    assert result.status == 2 and len(result.err.splitlines()) == 1
