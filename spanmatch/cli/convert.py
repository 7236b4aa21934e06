"""The `spanmatch convert` command: annotated text from one format to another, whole or not at all."""

from argparse import ArgumentParser

from spanmatch.data.formats.splits import FORMATS


def convert_arguments(parser: ArgumentParser) -> None:
    """The flags of the command; they are the arguments of `convert`."""
    known = ", ".join(FORMATS)
    parser.add_argument("source", metavar="SOURCE", help="a file, a folder with a file per split, or a DatasetDict folder")
    parser.add_argument("target", metavar="TARGET", help="a file; without a suffix a folder, with a file per split")
    parser.add_argument(
        "--from", dest="source_format", metavar="FORMAT", help=f"{known}; by default as the content of SOURCE says"
    )
    parser.add_argument("--to", dest="target_format", metavar="FORMAT", help=f"{known}; by default as TARGET's suffix says")
    parser.add_argument("--scheme", default="bio", help="tags to write: bio (IOB2) or iobes (bio)")
    parser.add_argument("--split", metavar="NAME", help="the one split to read; the name of the split that a file becomes")
    parser.add_argument(
        "--on_overlap",
        default="error",
        help="where spans overlap and the target holds tags: error, or longest to keep that (error)",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace TARGET where it is there")


