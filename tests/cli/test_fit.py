"""`spanmatch fit`: its methods, and where its arguments go."""

import pytest
from helpers_e2e import spanmatch

from spanmatch.cli.fit import METHODS


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_lists_the_methods(arguments: tuple[str, ...]) -> None:
    result = spanmatch("fit", *arguments)
    assert result.status == 0 and all(name in result.out for name in METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_help_of_a_method_lists_its_keys(method: str) -> None:
    result = spanmatch("fit", method, "--help")
    assert result.status == 0 and "--train_file" in result.out and "--output_dir" in result.out


def test_an_unknown_method() -> None:
    result = spanmatch("fit", "tokn", "config.json")
    assert (result.status, result.out) == (2, "")
    assert result.err == 'error: fit: unknown method "tokn"; did you mean "token"?\n'


def test_it_is_among_the_commands() -> None:
    assert "fit" in spanmatch("--help").out
