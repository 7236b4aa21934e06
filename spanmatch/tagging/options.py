"""The options of `spanmatch tag`. Nothing here waits for torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from spanmatch.errors import InputError
from spanmatch.prediction import options as shared
from spanmatch.prediction.options import option

STANDARD_INPUT = "-"


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
    text_column: str = option("key or column that holds the text", default="text", metavar="NAME")
    skip_invalid: bool = shared.SKIP_INVALID()
    output: str | None = option(
        "write JSONL there, whole or not at all; after a kill, the same command resumes", default=None, metavar="FILE"
    )
    overwrite: bool = option("begin anew, and replace the output if it is there", default=False)
    output_format: str | None = option("by default text on a terminal, jsonl elsewhere", default=None, choices=("text", "jsonl"))
    num_workers: int = option(
        "processes that tag, on a CPU; each loads the model; with 0 this process tags", default=0, metavar="N", least=0
    )
    type_embeddings: str | None = option(
        "embeddings of the types (.safetensors): written if missing, else read", default=None, metavar="FILE"
    )
    compile: bool = option("compile the encoder: slower to start, then faster", default=False)
    device: str | None = shared.DEVICE()
    dtype: str | None = shared.DTYPE()
    batch_size: int | None = shared.BATCH_SIZE()

    def __post_init__(self) -> None:
        if self.output is not None and self.output_format == "text":
            raise InputError("--output writes JSONL, --output_format text is for reading; leave one of them out")
        if self.output is not None and self.source == STANDARD_INPUT:
            raise InputError("--output resumes by reading again, standard input cannot; name a file, or redirect (> FILE)")
        if self.overwrite and self.output is None:
            raise InputError("--overwrite replaces a file of --output, and none is named; leave it out")
        if self.num_workers and self.device is not None and self.device.partition(":")[0] != "cpu":
            problem = f"processes share the cores of a CPU, but --device is {self.device}"
            raise InputError(f"--num_workers {self.num_workers}: {problem}; leave out one of the two")
