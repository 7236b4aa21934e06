"""Say with which software and seed a result was computed."""

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

import spanmatch

_PACKAGES = ("torch", "transformers", "tokenizers", "numpy")


def provenance(seed: int) -> dict[str, Any]:
    """Return the versions, the commit of the code and the seed, to be stored with a result.

    Args:
        seed: the seed that the result was computed with.

    Returns:
        "versions" by package, "commit" and "seed". The commit ends in "+" if the package differs from it; it is None
        outside a checkout.
    """
    versions = {"spanmatch": spanmatch.__version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"versions": versions, "commit": _commit(), "seed": seed}


def _commit() -> str | None:
    folder = Path(spanmatch.__file__).parent
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "-uno", "."], cwd=folder, capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+" if changes.strip() else "")
