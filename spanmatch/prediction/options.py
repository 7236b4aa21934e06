"""Options that several commands share, and the way a field of a command's options describes its flag.

The options of a command are a frozen dataclass. `cli.flags` makes the command line from its fields, so help, default and
type of a flag are written in one place. Nothing here waits for torch.
"""

from collections.abc import Sequence
from dataclasses import MISSING, field
from functools import partial
from typing import Any

from spanmatch.data.formats.formats import FILE_FORMATS
from spanmatch.data.line_breaks import LINE_BREAKS
from spanmatch.data.words import FORMATS


def option(
    help: str,
    *,
    default: Any = MISSING,
    metavar: str | None = None,
    choices: Sequence[str] | None = None,
    least: int = 1,
    flags: Sequence[str] = (),
    positional: bool = False,
) -> Any:
    """Declare a field of a command's options, to be read from the command line.

    Args:
        help: explanation that `--help` shows; the default is added to it.
        default: value of an option that is not given; an option without a default has to be given.
        metavar: name of the value in `--help`.
        choices: the values that are allowed; by default any.
        least: the smallest whole number that is allowed, for a field of type `int`.
        flags: the flags; by default "--" and the name of the field.
        positional: read the value by its position instead of a flag.
    """
    described = {"help": help, "metavar": metavar, "choices": choices, "least": least, "flags": flags, "positional": positional}
    return field(default=default, metadata=described)


# Each of these declares the field of its name: `device: str | None = DEVICE()`.
TYPES = partial(option, 'types, separated by commas: "brand,color"', default=(), metavar="TYPES", flags=("--types", "--type"))
ENTITY_TYPES = partial(option, "JSON file of the types to ask for: {name: description}", default=None, metavar="FILE")
THRESHOLD = partial(
    option,
    "a number in (0, 1), one per type (person=0.4,date=0.2), calibrated, or a null slot, with or without a margin (cls, "
    "label_token, cls+0.5); by default calibrated where the checkpoint is, else its null slot, else 0.5",
    default=None,
)
OVERLAP = partial(option, "entities that may overlap: flat, nested or multi-label", default="flat")
LINE_BREAKS_CROSSED = partial(
    option,
    "line breaks that an entity may cross: auto (those that wrap prose, not those of forms and lists), cross (all), never; "
    "by default as the checkpoint was trained, which is auto unless its training said otherwise",
    default=None,
    choices=LINE_BREAKS,
)
FORMAT = partial(option, "character or token spans", default="text", choices=FORMATS)
SOURCE_FORMAT = partial(
    option,
    f"{', '.join(FILE_FORMATS)}; by default as name and content of each file say",
    default=None,
    metavar="FORMAT",
    flags=("--from",),
)
TEXT_COLUMN = partial(option, "column of the text, in a table", default=None, metavar="NAME")
TOKEN_COLUMN = partial(
    option,
    "column of the tokens, in a table or CoNLL columns: name or number (-1 is the last)",
    default=None,
    metavar="N",
)
TAG_COLUMN = partial(option, "column of the tags, there or in a DatasetDict", default=None, metavar="N")
SPLIT = partial(option, "split of a DatasetDict; by default test, else dev or validation", default=None, metavar="NAME")
SKIP_INVALID = partial(option, "leave out records that cannot be read, and count them", default=False)
DEVICE = partial(option, "cpu, cuda, mps; by default the accelerator where there is one", default=None, metavar="D")
DTYPE = partial(option, "float32, bfloat16, float16; by default what the device computes natively", default=None, metavar="D")
BATCH_SIZE = partial(option, "texts at a time; by default as many as fill the device's token budget", default=None, metavar="N")
