"""Speed: the `spanmatch bench` command, and what the benchmarks measure with.

The measure of tagging is its encoder alone, over the same batches (see `encoder_alone`). Runs of the two take turns.
"""

import argparse

from spanmatch.cli.flags import types_argument


def bench_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `spanmatch bench`."""
    parser.add_argument("model", metavar="MODEL", help="checkpoint folder or hub id")
    parser.add_argument("file", metavar="FILE", help="texts, as `spanmatch tag` reads them")
    types_argument(parser)
    parser.add_argument("--entity_types", metavar="FILE", help="JSON file of types {name: description}")
    parser.add_argument("--num_texts", type=int, default=200, metavar="N", help="texts of the file to measure with (200)")
    parser.add_argument("--repeats", type=int, default=5, metavar="N", help="runs, of which the median counts (5)")
    parser.add_argument("--threads", type=int, metavar="N", help="threads on a CPU; by default torch's")
    parser.add_argument("--device", metavar="D", help="cpu, cuda, mps; by default the accelerator where there is one")
    parser.add_argument("--dtype", metavar="D", help="float32, bfloat16, float16; by default what the device computes natively")
    parser.add_argument("--compile", action="store_true", help="with torch.compile, as `spanmatch tag --compile`")
    parser.add_argument("--json", action="store_true", help="print JSON")


