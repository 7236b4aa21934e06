"""The options of the commands that evaluate and calibrate. Nothing here waits for torch."""

from dataclasses import dataclass

from spanmatch.prediction.options import (
    BATCH_SIZE,
    DEVICE,
    DTYPE,
    ENTITY_TYPES,
    FORMAT,
    OVERLAP,
    SKIP_INVALID,
    SPLIT,
    THRESHOLD,
    option,
)


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Holds the options of an evaluation, by the names of its flags."""

    pretrained_model_name_or_path: str = option("checkpoint folder or hub id", metavar="FOLDER", positional=True)
    evaluation_file: str = option("JSONL file, glob, DatasetDict folder or hub id", metavar="FILE", positional=True)
    threshold: str | None = THRESHOLD()
    evaluation_format: str = FORMAT()
    overlap: str = OVERLAP()
    max_samples: int | None = option("evaluate the first N examples only", default=None, metavar="N")
    skip_invalid: bool = SKIP_INVALID()
    output_dir: str | None = option("write metrics.json, predictions.jsonl and timings.json there", default=None, metavar="DIR")
    report: str | None = option("write an HTML report there (pip install 'spanmatch[report]')", default=None, metavar="FILE")
    split: str | None = SPLIT()
    entity_types: str | None = ENTITY_TYPES()
    device: str | None = DEVICE()
    dtype: str | None = DTYPE()
    batch_size: int | None = BATCH_SIZE()


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """Holds the options of `spanmatch calibrate`, by the names of its flags."""

    model: str = option("checkpoint folder", metavar="MODEL", positional=True)
    file: str = option("JSONL file, glob or DatasetDict folder", metavar="FILE", positional=True)
    format: str = FORMAT()
    split: str | None = option("split of a DatasetDict; by default dev, else validation", default=None, metavar="NAME")
    entity_types: str | None = ENTITY_TYPES()
    batch_size: int | None = BATCH_SIZE()
