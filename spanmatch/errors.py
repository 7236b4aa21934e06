"""Define the one error that a user can cause, and the hints that go with it."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Says what is wrong with something that the user gave: where, what, and the remedy, in one line.

    Commands print the line without a traceback and exit with status 2.
    """


def nearest(got: str, valid: Iterable[str], *, otherwise: str | None = None) -> str:
    """Return a hint: `did you mean "..."?` with the most similar valid name, if one is similar enough.

    Args:
        got: the name that the user gave.
        valid: the names that are valid here.
        otherwise: the hint if no name is similar; by default the valid names, at most 12 of them.
    """
    names = sorted(set(valid))
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(str(got).lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{lowered[near[0]]}"?'
    if otherwise is not None:
        return otherwise
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"valid: {shown}" if names else "there are none"


def one_line(error: BaseException, max_chars: int = 160) -> str:
    """Return the message of a library's error as one line, or its class if it has no message.

    Args:
        error: what the library raised.
        max_chars: how many characters to keep.
    """
    return " ".join(str(error).split())[:max_chars] or type(error).__name__


def printable(message: str) -> str:
    """Return a message with what would break its line, or could not be printed, written as escapes.

    Names of files and values that a user gave may hold line breaks, control characters and halves of surrogate pairs.

    Args:
        message: any text.
    """
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in message)
