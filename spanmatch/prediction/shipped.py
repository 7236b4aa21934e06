"""Find checkpoints: in a folder, in the package, or on the hub. Nothing here imports torch."""

import json
from pathlib import Path
from typing import Any

import spanmatch
from spanmatch.data.files import home_path, no_such_file
from spanmatch.errors import InputError
from spanmatch.prediction.hub import download

# The checkpoint that ships with the package, and a larger one that ships with the repository alone.
DEFAULT_MODEL, BASE_MODEL = "spanmatch-mini", "spanmatch-base"
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"  # of weights in several files
TEXT_TOKENIZER, TYPE_TOKENIZER = "tokenizer", "type_tokenizer"
# The kind of tagger that a folder holds if its configuration names none.
MATCHER = "matcher"


def tagger_kind(folder: Path) -> str:
    """Return the kind of tagger that a folder holds. Errors in its configuration are reported when the tagger is loaded.

    Args:
        folder: any folder.
    """
    try:
        values: Any = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return MATCHER
    return str(values.get("tagger", MATCHER)) if isinstance(values, dict) else MATCHER


def is_checkpoint(folder: Path) -> bool:
    """Return whether a folder holds a checkpoint of spanmatch, rather than an encoder alone.

    Args:
        folder: any path.
    """
    config = folder / CONFIG_FILE
    try:
        values = json.loads(config.read_text(encoding="utf-8-sig")) if config.is_file() else None
    except ValueError:
        return False
    return isinstance(values, dict) and "text_encoder" in values


def shipped(name: str) -> Path | None:
    """Return the folder of a checkpoint that ships with the package, None if no checkpoint of this name ships.

    An installed package contains it. In a clone of the repository it is in `models`, beside the package.

    Args:
        name: name of the checkpoint.
    """
    package = Path(spanmatch.__file__).parent
    places = (package / "pretrained" / name, package.parent / "models" / name)
    return next((place for place in places if name in {DEFAULT_MODEL, BASE_MODEL} and has_weights(place)), None)


def has_weights(folder: Path) -> bool:
    """Return whether a folder holds weights, in one file or in several.

    Args:
        folder: any path.
    """
    return any((folder / name).is_file() for name in (WEIGHTS_FILE, INDEX_FILE))


def checkpoint_folder(
    name_or_path: str | Path,
    *,
    revision: str | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
) -> Path:
    """Find the folder of a checkpoint: a local one, else one that ships, else one of the hub, which is downloaded.

    A local folder hides a name that ships only if it holds a configuration or weights. To say that a local folder is meant,
    write "./spanmatch-mini".

    Args:
        name_or_path: a folder, a name that ships, or a hub id: "owner/name", also with a revision, "owner/name@v1".
        revision: a branch, a tag or a commit of the hub; by default the main branch.
        token: a token of the hub, or False for none; by default that of `hf auth login` or of HF_TOKEN.
        local_files_only: take what was downloaded before, and ask no hub.

    Raises:
        InputError: there is no such folder, files are missing from it, or it cannot be downloaded.
    """
    folder = home_path(name_or_path)
    if not (folder / CONFIG_FILE).is_file() and not has_weights(folder):
        folder = shipped(str(name_or_path)) or folder
    # "owner/name" is a hub id, unless a local folder "owner" exists: then it is a path with a mistake in its last part.
    repo_id, _, named = str(name_or_path).partition("@")
    if not folder.exists() and repo_id.count("/") == 1 and not folder.parent.is_dir():
        if named and revision:
            raise InputError(f'{name_or_path}: another revision, "{revision}", is given, too; give one of them')
        folder = download(repo_id, revision=revision or named or None, token=token, local_files_only=local_files_only)
    elif folder.is_dir() and revision:
        raise InputError(f'{name_or_path}: a local folder, which has no revision "{revision}"; leave out the revision')
    if not folder.is_dir() and str(name_or_path) == BASE_MODEL:
        place = Path(spanmatch.__file__).parent.parent / "models" / BASE_MODEL
        remedy = f"take a clone of the repository, or make it there by benchmarks/{BASE_MODEL.replace('-', '_')}.py"
        raise InputError(f"{BASE_MODEL}: does not come with the package and would be in {place}; {remedy}")
    if not folder.is_dir():
        raise no_such_file(folder, kind="folder", otherwise="give the folder that a training wrote")
    # Taggers of other kinds have files of their own, which they check.
    if not (folder / CONFIG_FILE).is_file():
        raise InputError(f"{folder}: no {CONFIG_FILE} in it{_what_instead(folder)}")
    if tagger_kind(folder) == MATCHER and not has_weights(folder):
        raise InputError(f"{folder}: no {WEIGHTS_FILE} in it{_what_instead(folder)}")
    return folder


def _what_instead(folder: Path) -> str:
    """Return what to give instead of a folder that holds no checkpoint: the last checkpoint below it, if there is one."""
    below = [path for path in folder.iterdir() if is_checkpoint(path) and has_weights(path)]
    if below:
        # By number: checkpoint-1000 is later than checkpoint-200.
        last = max(below, key=lambda path: (int("".join(filter(str.isdecimal, path.name)) or 0), path.name))
        return f", but there is a checkpoint below it; give {last}"
    remedy = "give the folder that a training wrote, or its checkpoint-N"
    return f"; {remedy}" if any(folder.iterdir()) else f", the folder is empty; {remedy}"
