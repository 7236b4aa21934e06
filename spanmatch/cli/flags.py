"""The command line of a command, made from the fields of its options. Light: `spanmatch --help` must not wait for torch."""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, Field, fields
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, get_args, get_origin, get_type_hints

from spanmatch.errors import InputError, nearest

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]


class Parser(argparse.ArgumentParser):
    """Parses a command line, and raises an `InputError` with the nearest flag where that is wrong."""

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong.

        Args:
            message: what argparse says.

        Raises:
            InputError: always.
        """
        unknown = message.partition("unrecognized arguments: ")[2].partition(" ")[0]
        others = (flag for flag in self._flags() if flag != unknown)  # another command may have a flag of this name
        hint = nearest(unknown, others, otherwise="") if unknown else ""
        raise InputError(f"{message}; {hint or f'see {self.prog} --help'}")

    def _flags(self) -> Iterator[str]:
        """Yield the flags of the command and of those below it."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action.choices, dict):
                for parser in action.choices.values():
                    yield from parser._flags()


def add_command(commands: "Commands", name: str, run: Callable[..., None], *options: type) -> None:
    """Add a command to a command line.

    Args:
        commands: what it is added to.
        name: its name.
        run: runs the command; gets what the user gave, by the names of the options. The first line of its docstring is the
            help of the command.
        options: dataclasses of its options.
    """
    help = (run.__doc__ or "").partition("\n")[0]
    parser = commands.add_parser(name, help=help, description=help)
    for group in options:
        add_flags(parser, group)
    parser.set_defaults(command=run, parser=parser)


def add_flags(parser: argparse.ArgumentParser, options: type, *, positional: bool = True) -> None:
    """Add an argument for each field of a dataclass that `option` declares.

    An argument that the user does not give is not in the result of the parser, so the dataclass alone has the defaults.

    Args:
        parser: what the arguments are added to.
        options: the dataclass.
        positional: read positional fields by their position; if not, by a flag, as all others.
    """
    kinds = get_type_hints(options)
    for item in fields(options):
        if "help" in item.metadata:
            _add_flag(parser, item, kinds[item.name], is_positional=positional and item.metadata["positional"])


def _add_flag(parser: argparse.ArgumentParser, item: "Field[Any]", kind: Any, *, is_positional: bool) -> None:
    declared = item.metadata
    is_number_or_name = isinstance(item.default, (str, int)) and not isinstance(item.default, bool)
    given: dict[str, Any] = {"default": argparse.SUPPRESS}
    given["help"] = f"{declared['help']} ({item.default})" if is_number_or_name else declared["help"]
    is_list = get_origin(kind) is Sequence
    if kind is bool:
        given["action"] = "store_true"
    else:
        given |= {"metavar": declared["metavar"], "choices": declared["choices"]}
        if int in {kind, *get_args(kind)}:
            given["type"] = partial(whole_number, least=declared["least"])
    if is_list and is_positional:
        given["nargs"] = "+" if item.default is MISSING else "*"
    elif is_list:
        given["action"] = "append"  # one value each time: what follows it is not taken for another
    elif is_positional and item.default is not MISSING:
        given["nargs"] = "?"
    if is_positional:
        parser.add_argument(item.name, **given)
        return
    names = declared["flags"] or (f"--{item.name}",)
    parser.add_argument(*names, dest=item.name, required=item.default is MISSING, **given)


def whole_number(text: str, *, least: int) -> int:
    """Read a whole number.

    Args:
        text: what the user gave.
        least: the smallest number that is allowed.

    Raises:
        argparse.ArgumentTypeError: anything else; argparse adds the flag.
    """
    if not text.strip().isdecimal() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number, at least {least}, got {text!r}")
    return int(text)
