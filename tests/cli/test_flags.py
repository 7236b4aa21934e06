"""Flags: each is declared by a field, and the parser takes name, type, help and default from there."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import pytest

from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.cli.convert import ConvertOptions
from spanmatch.cli.flags import Parser, add_command, add_flags, whole_number
from spanmatch.errors import InputError
from spanmatch.evaluation.options import BenchOptions, CalibrateOptions, EvaluateOptions, StatsOptions
from spanmatch.prediction.options import option
from spanmatch.tagging.options import TagOptions


@dataclass(frozen=True, kw_only=True)
class Options:
    """One field of each form."""

    model: str = option("where the model is", metavar="MODEL", positional=True)
    files: Sequence[str] = option("what to read", default=(), metavar="FILE", positional=True)
    types: Sequence[str] = option("types", default=(), flags=("--types", "--type"))
    name: str = option("a name", default="text", metavar="NAME")
    format: str | None = option("a format", default=None, choices=("text", "jsonl"))
    count: int = option("a count", default=3, metavar="N")
    workers: int | None = option("workers", default=None, least=0)
    overwrite: bool = option("replace it", default=False)
    inside: str = "no flag"


def parsed(*arguments: str, positional: bool = True) -> dict[str, Any]:
    parser = Parser(prog="program")
    add_flags(parser, Options, positional=positional)
    return vars(parser.parse_args(arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["m"], {}),
        (["m", "a", "b"], {"files": ["a", "b"]}),
        (["m", "--types", "a,b", "--type", "c"], {"types": ["a,b", "c"]}),
        (["--types", "a", "m", "b"], {"types": ["a"], "files": ["b"]}),
        (["m", "--name", "x", "--format", "jsonl"], {"name": "x", "format": "jsonl"}),
        (["m", "--count", "7", "--workers", "0"], {"count": 7, "workers": 0}),
        (["--overwrite", "m"], {"overwrite": True}),
    ],
)
def test_only_what_is_given_is_in_the_result(arguments: list[str], expected: dict[str, Any]) -> None:
    assert parsed(*arguments) == {"model": "m", **expected}


def test_defaults_are_those_of_the_fields() -> None:
    assert Options(**parsed("m")) == Options(model="m")


def test_a_positional_field_with_a_default_may_be_left_out() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Optional:
        model: str | None = option("where the model is", default=None, metavar="MODEL", positional=True)

    parser = Parser(prog="program")
    add_flags(parser, Optional)
    assert vars(parser.parse_args([])) == {} and vars(parser.parse_args(["m"])) == {"model": "m"}


def test_positional_fields_as_flags() -> None:
    assert parsed("--model", "m", "--files", "a", positional=False) == {"model": "m", "files": ["a"]}
    with pytest.raises(InputError, match="arguments are required: --model"):
        parsed(positional=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "arguments are required: MODEL"),
        (["m", "--count", "0"], "argument --count: expected a whole number, at least 1, got '0'; see program --help"),
        (["m", "--workers", "-1"], "argument --workers: expected a whole number, at least 0, got '-1'"),
        (["m", "--format", "xml"], "argument --format: invalid choice"),
        (["m", "--inside", "x"], "unrecognized arguments: --inside"),
        (["m", "--overwritten"], 'unrecognized arguments: --overwritten; did you mean "--overwrite"?'),
    ],
)
def test_what_is_wrong(arguments: list[str], message: str) -> None:
    with pytest.raises(InputError) as error:
        parsed(*arguments)
    assert message in str(error.value)


def test_help_says_the_default() -> None:
    parser = Parser(prog="program")
    add_flags(parser, Options)
    words = " ".join(parser.format_help().split())
    assert "--name NAME a name (text)" in words and "--count N a count (3)" in words
    assert "--overwrite replace it" in words and "(False)" not in words and "None" not in words
    assert "--types TYPES, --type TYPES types" in words and "inside" not in words


def test_a_command_gets_what_was_given() -> None:
    ran: list[dict[str, Any]] = []
    parser = Parser(prog="program")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)

    def do(**given: Any) -> None:
        """Do it.

        And more.
        """
        ran.append(given)

    add_command(commands, "do", do, Options)
    assert "do Do it." in " ".join(parser.format_help().split()) and "more" not in parser.format_help()
    given = vars(parser.parse_args(["do", "m", "--count", "2"]))
    assert given.pop("parser").prog == "program do"
    given.pop("command")(**given)
    assert ran == [{"model": "m", "count": 2}]
    with pytest.raises(InputError, match='did you mean "--count"'):
        parser.parse_args(["do", "m", "--coutn", "2"])


@pytest.mark.parametrize(
    "options", [TagOptions, EvaluateOptions, CalibrateOptions, BenchOptions, ConvertOptions, GenerateOptions, StatsOptions]
)
def test_every_option_explains_itself(options: type) -> None:
    """Only the model and the source of `spanmatch tag` are no flags: they are told apart first."""
    assert {item.name for item in fields(options) if not item.metadata.get("help")} <= {"model", "source"}
    add_flags(Parser(), options)


@pytest.mark.parametrize(("text", "least", "expected"), [("1", 1, 1), (" 12 ", 1, 12), ("0", 0, 0)])
def test_whole_numbers(text: str, least: int, expected: int) -> None:
    assert whole_number(text, least=least) == expected


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", "", "²", "1e3"])
def test_that_are_no_whole_numbers(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected a whole number, at least 1"):
        whole_number(text, least=1)
