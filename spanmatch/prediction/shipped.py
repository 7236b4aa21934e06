"""Find checkpoints: in a folder, in the package, or on the hub. Nothing here imports torch."""

import json
from pathlib import Path
from typing import Any

import spanmatch
from spanmatch.data.files import home_path, no_such_file
from spanmatch.errors import InputError, one_line

# The checkpoint that ships with the package.
DEFAULT_MODEL = "spanmatch-mini"
CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
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
    return next((place for place in places if name == DEFAULT_MODEL and (place / WEIGHTS_FILE).is_file()), None)


def checkpoint_folder(name_or_path: str | Path) -> Path:
    """Find the folder of a checkpoint: a local one, else one that ships, else one of the hub, which is downloaded.

    A local folder hides a name that ships only if it holds a configuration or weights. To say that a local folder is meant,
    write "./spanmatch-mini".

    Args:
        name_or_path: a folder, a name that ships, or a hub id ("owner/name").

    Raises:
        InputError: there is no such folder, or files are missing from it.
    """
    folder = home_path(name_or_path)
    if not any((folder / name).is_file() for name in (CONFIG_FILE, WEIGHTS_FILE)):
        folder = shipped(str(name_or_path)) or folder
    # "owner/name" is a hub id, unless a local folder "owner" exists: then it is a path with a mistake in its last part.
    if not folder.exists() and str(name_or_path).count("/") == 1 and not folder.parent.is_dir():
        # Imported here because it takes as long as the rest of what `--help` imports.
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

        try:
            patterns = ["*.json", "*.safetensors", "*.onnx*", "*.txt", "*.model", "README.md"]
            folder = Path(snapshot_download(str(name_or_path), allow_patterns=patterns))
        except (OSError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
            problem = f"neither a local folder nor a hub model that can be read ({one_line(error)})"
            raise InputError(f"{name_or_path}: {problem}; check the path") from error
    if not folder.is_dir():
        raise no_such_file(folder, kind="folder", otherwise="give the folder that a training wrote")
    # Taggers of other kinds have files of their own, which they check.
    for name in (CONFIG_FILE, WEIGHTS_FILE) if tagger_kind(folder) == MATCHER else (CONFIG_FILE,):
        if not (folder / name).is_file():
            raise InputError(f"{folder}: no {name} in it{_what_instead(folder)}")
    return folder


def _what_instead(folder: Path) -> str:
    """Return what to give instead of a folder that holds no checkpoint: the last checkpoint below it, if there is one."""
    below = [path for path in folder.iterdir() if is_checkpoint(path) and (path / WEIGHTS_FILE).is_file()]
    if below:
        # By number: checkpoint-1000 is later than checkpoint-200.
        last = max(below, key=lambda path: (int("".join(filter(str.isdecimal, path.name)) or 0), path.name))
        return f", but there is a checkpoint below it; give {last}"
    remedy = "give the folder that a training wrote, or its checkpoint-N"
    return f"; {remedy}" if any(folder.iterdir()) else f", the folder is empty; {remedy}"
