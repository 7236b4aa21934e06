"""Say with which software and seed, and on which machine, a result was computed."""

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Any

import spanmatch

# The line of a pyproject.toml that names the project of this package.
_OWN_PROJECT = re.compile(rb'^name\s*=\s*"spanmatch"', re.MULTILINE)
_PACKAGES = ("torch", "transformers", "tokenizers", "numpy")
# What tells git to use another repository than the one around a folder: a hook of that repository sets these.
_OTHER_REPOSITORY = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX"}


def provenance(seed: int) -> dict[str, Any]:
    """Return the versions, the commit of the code and the seed, to be stored with a result.

    Args:
        seed: the seed that the result was computed with.

    Returns:
        "versions" by package, "commit" and "seed". The commit ends in "+" if the package differs from it. It is None if
        the package is not in a checkout of its own repository, also where it is installed or copied into another one.
    """
    versions = {"spanmatch": spanmatch.__version__, "python": platform.python_version()}
    versions |= {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"versions": versions, "commit": _commit(), "seed": seed}


def machine() -> str:
    """Return the processor, and the number of threads that torch takes: times mean nothing without them."""
    import torch  # imported late, because it takes seconds

    name = torch.cpu.get_capabilities().get("cpu_name") or platform.processor()
    return f"{name}, {torch.get_num_threads()} threads"


def _commit() -> str | None:
    folder = Path(spanmatch.__file__).resolve().parent
    try:
        if not _is_own_repository(folder, Path(_git(folder, "rev-parse", "--show-toplevel"))):
            return None
        _git(folder, "ls-files", "--error-unmatch", Path(spanmatch.__file__).name)  # an error if the package is ignored
        changes = _git(folder, "status", "--porcelain", "-uno", ".")
        return _git(folder, "rev-parse", "HEAD") + ("+" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _is_own_repository(package: Path, root: Path) -> bool:
    """Return whether a repository is that of the package, and not one that the package was installed or copied into."""
    if root.resolve() != package.parent:
        return False
    project = root / "pyproject.toml"
    return project.is_file() and bool(_OWN_PROJECT.search(project.read_bytes()))


def _git(folder: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name not in _OTHER_REPOSITORY}
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout.strip()
