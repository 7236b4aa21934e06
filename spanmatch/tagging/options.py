"""The options of `spanmatch tag`. Nothing here waits for torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from spanmatch.data.formats.formats import FORMATS
from spanmatch.errors import InputError, nearest
from spanmatch.prediction import options as shared
from spanmatch.prediction.decoding import check_overlap
from spanmatch.prediction.options import option

STANDARD_INPUT = "-"
TOOL_FORMATS = tuple(sorted(name for name, item in FORMATS.items() if item.write is not None and not item.is_folder))
OUTPUT_FORMATS = ("text", "jsonl", "parquet", *TOOL_FORMATS)
# Formats with one tag per token, which hold no entities that overlap.
ONE_TAG_FORMATS = {"conll", "tags"}
# Formats that are no text.
PACKED_FORMATS = {"parquet", "spacy"}
# Suffixes of --output that stand for a format; others, such as .json and .txt, stand for JSONL.
NAMED_BY_SUFFIX = {
    suffix: item.name
    for item in FORMATS.values()
    if item.name in TOOL_FORMATS
    for suffix in item.target_suffixes
    if suffix in {".bio", ".conll", ".csv", ".iob", ".spacy"}
} | {".parquet": "parquet"}
# What tags: this process and those of --num_workers, or the actors of a Ray cluster.
ENGINES = ("local", "ray")


@dataclass(frozen=True, kw_only=True)
class TagOptions:
    """Holds the options of `spanmatch tag`, by the names of its flags.

    Attributes:
        model: checkpoint folder, name that ships, or hub id.
        source: a file, a glob, a sentence, or "-" for standard input.

    Raises:
        InputError: two options exclude each other.
    """

    model: str
    source: str = STANDARD_INPUT
    types: Sequence[str] = shared.TYPES()
    entity_types: str | None = shared.ENTITY_TYPES()
    threshold: str | None = shared.THRESHOLD()
    overlap: str = shared.OVERLAP()
    line_breaks: str | None = shared.LINE_BREAKS_CROSSED()
    text_column: str = option("key or column that holds the text", default="text", metavar="NAME")
    skip_invalid: bool = shared.SKIP_INVALID()
    output: str | None = option(
        "write the results there, whole or not at all; after a kill, the same command resumes", default=None, metavar="FILE"
    )
    overwrite: bool = option("begin anew, and replace the output if it is there", default=False)
    output_format: str | None = option(
        "text, jsonl and parquet, or what another tool imports: conll, csv, doccano, label-studio, prodigy, spacy, ...; "
        f"by default as --output is named ({', '.join(sorted(NAMED_BY_SUFFIX))}), else text on a terminal and jsonl elsewhere",
        default=None,
        metavar="FORMAT",
    )
    num_workers: int = option(
        "processes that tag, on a CPU; each loads the model; with 0 this process tags; with --engine ray: actors, by default "
        "one for each core of the cluster, or for each GPU with --device cuda",
        default=0,
        metavar="N",
        least=0,
    )
    engine: str = option(
        "what tags files: this machine, or ray (Ray Data: actors on this machine or on a cluster)",
        default="local",
        choices=ENGINES,
    )
    ray_address: str | None = option(
        "Ray cluster to join, auto or HOST:PORT, from one of its machines; by default Ray is started on this machine",
        default=None,
        metavar="ADDRESS",
    )
    type_embeddings: str | None = option(
        "embeddings of the types (.safetensors): written if missing, else read", default=None, metavar="FILE"
    )
    compile: bool = option("compile the encoder: slower to start, then faster", default=False)
    device: str | None = shared.DEVICE()
    dtype: str | None = shared.DTYPE()
    batch_size: int | None = shared.BATCH_SIZE()

    def __post_init__(self) -> None:
        if self.output_format is not None and self.output_format not in OUTPUT_FORMATS:
            raise InputError(f'unknown --output_format "{self.output_format}"; {nearest(self.output_format, OUTPUT_FORMATS)}')
        if self.output is not None and self.output_format == "text":
            raise InputError("--output writes JSONL, --output_format text is for reading; leave one of them out")
        check_overlap(self.overlap)
        if self.tool_format in ONE_TAG_FORMATS and self.overlap != "flat":
            problem = f"a token of {self.tool_format} has one tag, and entities may overlap with --overlap {self.overlap}"
            raise InputError(f"{problem}; leave out --overlap, or give --output_format jsonl, doccano or label-studio")
        if self.file_format in PACKED_FORMATS and self.output is None:
            raise InputError(f"--output_format {self.file_format} is no text that can be printed; name a file (--output FILE)")
        if self.output is not None and self.source == STANDARD_INPUT:
            raise InputError("--output resumes by reading again, standard input cannot; name a file, or redirect (> FILE)")
        if self.overwrite and self.output is None:
            raise InputError("--overwrite replaces a file of --output, and none is named; leave it out")
        if self.ray_address is not None and self.engine != "ray":
            raise InputError("--ray_address names a Ray cluster; give --engine ray, too, or leave it out")
        if self.engine == "ray" and self.output is None:
            raise InputError("--engine ray prints what Ray has to say, too, so results need a file; name one (--output FILE)")
        if self.uses_processes and self.device is not None and self.device.partition(":")[0] != "cpu":
            problem = f"processes share the cores of a CPU, but --device is {self.device}"
            raise InputError(f"--num_workers {self.num_workers}: {problem}; leave out one of the two")

    @property
    def uses_processes(self) -> bool:
        """Return whether processes that share the cores of this machine tag."""
        return self.engine == "local" and self.num_workers > 0

    @property
    def file_format(self) -> str | None:
        """Return the format that is asked for, by name or by the suffix of the output; None if neither says one."""
        return self.output_format or NAMED_BY_SUFFIX.get("" if self.output is None else Path(self.output).suffix)

    @property
    def tool_format(self) -> str | None:
        """Return the format of another tool that is asked for, None for our own."""
        return self.file_format if self.file_format in TOOL_FORMATS else None
