"""What `spanmatch tag` can be asked for: its flags, and the options that they become."""

from argparse import ArgumentParser

from spanmatch.cli.flags import THRESHOLD_HELP, batch_size_argument, count_or_none, device_arguments, types_argument
from spanmatch.prediction.shipped import DEFAULT_MODEL


def tag_arguments(parser: ArgumentParser) -> None:
    """The flags of the command; they are the fields of `TagOptions`."""
    parser.add_argument(
        "places",
        nargs="*",
        metavar="[MODEL] [INPUT]",
        help=f"checkpoint folder or hub id ({DEFAULT_MODEL}, which comes with the package); and a text file (a text per line), "
        ".jsonl, .parquet, each of the first two also .gz; a glob of such; a sentence; or - (standard input)",
    )
    types_argument(parser)
    parser.add_argument("--entity_types", metavar="FILE", help="JSON file of types {name: description}")
    parser.add_argument("--threshold", help=THRESHOLD_HELP)
    parser.add_argument("--overlap", default="flat", help="flat, nested or multi-label (flat)")
    parser.add_argument("--text_column", default="text", metavar="NAME", help="key or column that holds the text (text)")
    parser.add_argument("--skip_invalid", action="store_true", help="leave out records that cannot be read, and count them")
    parser.add_argument(
        "--output", metavar="FILE", help="write JSONL there, whole or not at all; when killed, the same command goes on"
    )
    parser.add_argument("--overwrite", action="store_true", help="begin anew, and replace the output where it is there")
    parser.add_argument("--output_format", choices=("text", "jsonl"), help="by default text on a terminal, jsonl elsewhere")
    parser.add_argument(
        "--num_workers",
        type=count_or_none,
        default=0,
        metavar="N",
        help="processes that tag, on a CPU; each loads the model (0: this process tags)",
    )
    parser.add_argument(
        "--type_embeddings", metavar="FILE", help="embeddings of the types (.safetensors): written if missing, else read"
    )
    parser.add_argument("--compile", action="store_true", help="compile the encoder: slower to start, then faster")
    device_arguments(parser)
    batch_size_argument(parser)


