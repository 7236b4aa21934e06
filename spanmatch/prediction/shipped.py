"""What commands share: flags, and the quiet of libraries. Light: `spanmatch --help` reads this and must not wait for torch."""

import json
from pathlib import Path

import spanmatch

# The checkpoint that comes with the package.
DEFAULT_MODEL = "spanmatch-mini"


CONFIG_FILE = "config.json"


WEIGHTS_FILE = "model.safetensors"


TEXT_TOKENIZER, TYPE_TOKENIZER = "tokenizer", "type_tokenizer"


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder is a checkpoint of ours, rather than of a bare encoder."""
    config = folder / CONFIG_FILE
    try:
        return config.is_file() and "text_encoder" in json.loads(config.read_text(encoding="utf-8"))
    except ValueError:
        return False


def shipped(name: str) -> Path | None:
    """The folder of a checkpoint that comes with the package, None where there is none of that name.

    It stands in the package where that was built, and in `models` beside it where it is worked on.
    """
    package = Path(spanmatch.__file__).parent
    places = (package / "pretrained" / name, package.parent / "models" / name)
    return next((place for place in places if name == DEFAULT_MODEL and (place / WEIGHTS_FILE).is_file()), None)


