"""What commands share: flags, and the quiet of libraries. Light: `spanmatch --help` reads this and must not wait for torch."""

import argparse

THRESHOLD_HELP = (
    "a number in (0, 1), one per type (person=0.4,date=0.2), calibrated, or a null slot, with or without a margin (cls, "
    "label_token, cls+0.5); by default calibrated where the checkpoint is, else its null slot, else 0.5"
)


def count(text: str) -> int:
    """A whole number of at least 1."""
    return _whole(text, least=1)


def count_or_none(text: str) -> int:
    """A whole number of at least 0."""
    return _whole(text, least=0)


def _whole(text: str, *, least: int) -> int:
    if not text.strip().isdigit() or int(text) < least:
        raise argparse.ArgumentTypeError(f"expected a whole number, at least {least}, got {text!r}")
    return int(text)


def types_argument(parser: argparse.ArgumentParser) -> None:
    """The types to ask for. One value each time, so that what follows it is not taken for a type."""
    parser.add_argument(
        "--types", "--type", action="append", default=[], metavar="TYPES", help='types, separated by commas: "brand,color"'
    )


def device_arguments(parser: argparse.ArgumentParser) -> None:
    """Where and in what precision to compute."""
    parser.add_argument("--device", metavar="D", help="cpu, cuda, mps; by default the accelerator where there is one")
    parser.add_argument("--dtype", metavar="D", help="float32, bfloat16, float16; by default what the device computes natively")


def batch_size_argument(parser: argparse.ArgumentParser) -> None:
    """How many texts make a batch."""
    parser.add_argument(
        "--batch_size", type=count, metavar="N", help="texts at a time; by default as many as fill the device's token budget"
    )


