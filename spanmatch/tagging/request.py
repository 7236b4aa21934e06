"""Describing what an output depends on, in words that a user can compare.

A run goes on where another one stopped only if both descriptions are the same.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from spanmatch import __version__
from spanmatch.entities import EntityType
from spanmatch.prediction.thresholds import Threshold
from spanmatch.tagging.chunks import CHUNK_CHARS, CHUNK_TEXTS
from spanmatch.tagging.options import TagOptions

# A file is known by its size and by so many bytes of its beginning and of its end.
SAMPLE_BYTES = 1 << 16
SHOWN_DIGITS = 12


def tag_request(
    options: TagOptions,
    types: Sequence[EntityType],
    threshold: Threshold | None,
    paths: Sequence[Path],
    fingerprint: Mapping[str, str],
) -> dict[str, str]:
    """Describe a tagging: one short text for each thing that changes its output (not the number of workers, say).

    Args:
        options: the options of the command.
        types: the types asked for, in order.
        threshold: the threshold as parsed, None for the default.
        paths: the input files, in order.
        fingerprint: what the tagger says of itself (see `Tagger.fingerprint`).
    """
    described = [[item.name, item.description, *item.aliases, item.label] for item in types]
    request = {
        "version": f"{__version__}, chunks of {CHUNK_TEXTS} texts or {CHUNK_CHARS} characters",
        "types": f"{len(types)} (SHA-256 {_digest(json.dumps(described).encode())})",
        "threshold": json.dumps(threshold, sort_keys=True) if isinstance(threshold, Mapping) else str(threshold or "the default"),
        "overlap": options.overlap,
        "line_breaks": options.line_breaks or "the default",
        "text_column": options.text_column,
        "batch_size": str(options.batch_size or "the default"),
        "device": fingerprint["device"],
        "dtype": fingerprint["dtype"],
        "compile": str(options.compile).lower(),
        "model": f"{options.model} ({fingerprint['model']})",
        "number of inputs": str(len(paths)),
    }
    if options.tool_format is not None:
        request["output_format"] = options.tool_format
    return request | {f"input {number}": _file(path) for number, path in enumerate(paths, 1)}


def _file(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        file.seek(max(0, size - SAMPLE_BYTES))
        sample += file.read(SAMPLE_BYTES)
    return f"{path} ({size} bytes, SHA-256 of both ends {_digest(sample)})"


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()[:SHOWN_DIGITS]
