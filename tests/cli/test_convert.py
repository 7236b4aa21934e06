"""`spanmatch convert` gives its flags to `convert`, and does not wait for torch."""

import inspect
from dataclasses import fields
from pathlib import Path

from helpers_e2e import read_jsonl, run_subprocess, spanmatch, write_jsonl

from spanmatch.cli.convert import ConvertOptions
from spanmatch.data.formats.convert import convert

ROW = {"text": "Ada met Bob .", "char_spans": [{"start": 0, "end": 3, "label": "person"}]}


def test_flags_reach_the_function(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "source.jsonl", [ROW])
    flags = ["--from", "spans", "--to", "tags", "--scheme", "iobes", "--on_overlap", "longest"]
    result = spanmatch("convert", source, tmp_path / "target.jsonl", *flags)
    assert result.status == 0, result.err
    assert result.out == f"1 texts with 1 spans -> {tmp_path / 'target.jsonl'}\n"
    assert read_jsonl(tmp_path / "target.jsonl")[0]["tags"] == ["S-person", "O", "O", "O"]
    again = spanmatch("convert", source, tmp_path / "target.jsonl", *flags)
    assert again.status == 2 and "--overwrite" in again.err
    assert spanmatch("convert", source, tmp_path / "target.jsonl", *flags, "--overwrite").status == 0


def test_options_are_the_parameters() -> None:
    assert [item.name for item in fields(ConvertOptions)] == list(inspect.signature(convert).parameters)
    defaults = convert.__kwdefaults__
    assert {item.name: item.default for item in fields(ConvertOptions)[2:]} == defaults


def test_it_does_not_wait_for_torch(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "source.jsonl", [ROW])
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\nfrom spanmatch.cli.main import main\nmain()\nprint({'torch', 'transformers', 'datasets'} & {*sys.modules})"
    )
    result = run_subprocess(program, "convert", source, tmp_path / "target.conll")
    assert result.status == 0, result.err
    assert result.out.splitlines()[-1] == "set()"
