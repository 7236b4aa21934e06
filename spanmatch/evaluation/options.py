"""The options of the commands that evaluate, calibrate, and measure speed and data. Nothing here waits for torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.data.formats.reading import Reading
from spanmatch.data.formats.records import LeftOut
from spanmatch.model.pretrained import DEFAULT_ENCODER
from spanmatch.prediction import options as shared
from spanmatch.prediction.options import option


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """Holds the options of an evaluation, by the names of its flags."""

    pretrained_model_name_or_path: str = option("checkpoint folder or hub id", metavar="FOLDER", positional=True)
    evaluation_file: str = option("file, glob, DatasetDict folder or hub id", metavar="FILE", positional=True)
    threshold: str | None = shared.THRESHOLD()
    evaluation_format: str = shared.FORMAT()
    overlap: str = shared.OVERLAP()
    line_breaks: str | None = shared.LINE_BREAKS_CROSSED()
    max_samples: int | None = option("evaluate the first N examples only", default=None, metavar="N")
    skip_invalid: bool = shared.SKIP_INVALID()
    output_dir: str | None = option("write metrics.json, predictions.jsonl and timings.json there", default=None, metavar="DIR")
    report: str | None = option("write an HTML report there (pip install 'spanmatch[report]')", default=None, metavar="FILE")
    split: str | None = shared.SPLIT()
    entity_types: str | None = shared.ENTITY_TYPES()
    device: str | None = shared.DEVICE()
    dtype: str | None = shared.DTYPE()
    batch_size: int | None = shared.BATCH_SIZE()
    source_format: str | None = shared.SOURCE_FORMAT()
    text_column: str | None = shared.TEXT_COLUMN()
    token_column: str | None = shared.TOKEN_COLUMN()
    tag_column: str | None = shared.TAG_COLUMN()


@dataclass(frozen=True, kw_only=True)
class CalibrateOptions:
    """Holds the options of `spanmatch calibrate`, by the names of its flags."""

    model: str = option("checkpoint folder", metavar="MODEL", positional=True)
    file: str = option("file, glob or DatasetDict folder", metavar="FILE", positional=True)
    source_format: str | None = shared.SOURCE_FORMAT()
    format: str = shared.FORMAT()
    text_column: str | None = shared.TEXT_COLUMN()
    token_column: str | None = shared.TOKEN_COLUMN()
    tag_column: str | None = shared.TAG_COLUMN()
    split: str | None = option("split of a DatasetDict; by default dev, else validation", default=None, metavar="NAME")
    entity_types: str | None = shared.ENTITY_TYPES()
    batch_size: int | None = shared.BATCH_SIZE()


@dataclass(frozen=True, kw_only=True)
class BenchOptions:
    """Holds the options of `spanmatch bench`, by the names of its flags."""

    model: str = option("checkpoint folder or hub id", metavar="MODEL", positional=True)
    file: str = option("texts, as `spanmatch tag` reads them", metavar="FILE", positional=True)
    types: Sequence[str] = shared.TYPES()
    entity_types: str | None = shared.ENTITY_TYPES()
    num_texts: int = option("texts of the file to measure with", default=200, metavar="N")
    repeats: int = option("runs, of which the median counts", default=5, metavar="N")
    threads: int | None = option("threads on a CPU; by default torch's", default=None, metavar="N")
    device: str | None = shared.DEVICE()
    dtype: str | None = shared.DTYPE()
    compile: bool = option("with torch.compile, as `spanmatch tag --compile`", default=False)
    json: bool = option("print JSON", default=False)


@dataclass(frozen=True, kw_only=True)
class StatsOptions:
    """Holds the options of `spanmatch data stats`, by the names of its flags."""

    files: Sequence[str] = option("files, globs or DatasetDict folders", metavar="FILE", positional=True)
    format: str = shared.FORMAT()
    source_format: str | None = shared.SOURCE_FORMAT()
    misaligned: bool = option("list the spans that are off a word boundary, or have white space at an end", default=False)
    tokenizer: str = option("encoder or checkpoint whose subwords to count", default=DEFAULT_ENCODER, metavar="NAME_OR_DIR")
    max_span_width: int = option("the widest candidate, in words or subwords", default=12, metavar="N")
    json: bool = option("print JSON", default=False)
    split: str | None = shared.SPLIT()
    entity_types: str | None = shared.ENTITY_TYPES()
    text_column: str | None = shared.TEXT_COLUMN()
    token_column: str | None = shared.TOKEN_COLUMN()
    tag_column: str | None = shared.TAG_COLUMN()


def reading_of(options: EvaluateOptions | CalibrateOptions | StatsOptions) -> Reading:
    """Return which columns to read.

    Args:
        options: the options that the user gave.
    """
    columns = {name: getattr(options, name) for name in ("text_column", "token_column", "tag_column")}
    return Reading(left_out=LeftOut(), **columns)
