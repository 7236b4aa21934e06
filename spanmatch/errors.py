"""The one error that a user can cause, and the hint that goes with it."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Something that the user gave is wrong: says where, what, and the remedy, in one line.

    Commands print it without a traceback and exit with status 2.
    """


def nearest(got: str, valid: Iterable[str], *, otherwise: str | None = None) -> str:
    """Return `did you mean "..."?`; where no name is near, `otherwise`, or the valid names."""
    names = sorted(set(valid))
    lowered = {name.lower(): name for name in names}
    near = difflib.get_close_matches(got.lower(), lowered, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{lowered[near[0]]}"?'
    if otherwise is not None:
        return otherwise
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"valid: {shown}" if names else "there are none"


