"""Check that the packages of an extra are installed, before anything imports them."""

import importlib.util

from spanmatch.errors import InputError


def missing_modules(*names: str) -> list[str]:
    """Return the modules that are not installed, in the given order.

    Args:
        names: names of top-level modules, such as "matplotlib".
    """
    return [name for name in names if importlib.util.find_spec(name) is None]


def require_extra(extra: str, *modules: str, purpose: str) -> None:
    """Refuse to go on unless the modules of an extra are installed.

    Args:
        extra: name of the extra in `pip install 'spanmatch[EXTRA]'`.
        modules: names of the top-level modules that the extra installs.
        purpose: what needs them, in the user's words, such as "--report".

    Raises:
        InputError: a module is missing; names it and the pip command.
    """
    missing = missing_modules(*modules)
    if missing:
        raise InputError(f"{purpose} needs {' and '.join(missing)}; pip install 'spanmatch[{extra}]'")
