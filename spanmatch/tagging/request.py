"""What an output depends on, in words that a user can compare: a run goes on where another stopped only for the same."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path

from spanmatch import __version__
from spanmatch.entities import EntityType
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import Threshold
from spanmatch.prediction.type_embeddings import weights_digest
from spanmatch.tagging.chunks import CHUNK_CHARS, CHUNK_TEXTS
from spanmatch.tagging.options import TagOptions

# Of a file, as much from its beginning and its end is looked at, besides its size.
SAMPLE_BYTES = 1 << 16


SHOWN_DIGITS = 12


def tag_request(
    options: TagOptions, types: Sequence[EntityType], threshold: Threshold | None, paths: Sequence[Path], matcher: SpanMatcher
) -> dict[str, str]:
    """What was asked for, one short text per flag. What does not change the output (workers, invalid records) is not in it."""
    described = [[item.name, item.description, *item.aliases, item.label] for item in types]
    request = {
        "version": f"{__version__}, chunks of {CHUNK_TEXTS} texts or {CHUNK_CHARS} characters",
        "types": f"{len(types)} (SHA-256 {_digest(json.dumps(described))})",
        "threshold": json.dumps(threshold, sort_keys=True) if isinstance(threshold, Mapping) else str(threshold or "the default"),
        "overlap": options.overlap,
        "text_column": options.text_column,
        "batch_size": str(options.batch_size or "the default"),
        "device": matcher.device.type,
        "dtype": str(next(matcher.model.parameters()).dtype).removeprefix("torch."),
        "compile": str(options.compile).lower(),
        "model": f"{options.model} (SHA-256 {model_digest(matcher)})",
        "number of inputs": str(len(paths)),
    }
    return request | {f"input {number}": _file(path) for number, path in enumerate(paths, 1)}


def model_digest(matcher: SpanMatcher) -> str:
    """Of the weights, the configuration and the calibrated thresholds."""
    found = matcher.calibration
    calibration = [found.threshold, dict(found.per_type), found.slot] if found is not None else None
    settings = json.dumps([matcher.config.as_dict(), calibration], sort_keys=True, default=str)
    return _digest(settings + weights_digest(matcher.model.state_dict().items()))


def _file(path: Path) -> str:
    size = path.stat().st_size
    with path.open("rb") as file:
        sample = file.read(SAMPLE_BYTES)
        file.seek(max(0, size - SAMPLE_BYTES))
        digest = sha256(sample + file.read(SAMPLE_BYTES)).hexdigest()
    return f"{path} ({size} bytes, SHA-256 of both ends {digest[:SHOWN_DIGITS]})"


def _digest(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:SHOWN_DIGITS]


