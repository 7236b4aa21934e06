"""The command line: `spanmatch tag | calibrate | bench | convert | data stats`, and what the four scripts call."""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from spanmatch import __version__
from spanmatch.cli.flags import THRESHOLD_HELP, batch_size_argument, count, device_arguments
from spanmatch.errors import InputError, nearest
from spanmatch.prediction.processes import quiet_libraries

Arguments = argparse.Namespace


TAG_DESCRIPTION = "Tag text with the types you name: a sentence, standard input, or a corpus of any size (--output resumes)."


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        unknown = message.partition("unrecognized arguments: ")[2].partition(" ")[0]
        hint = nearest(unknown, self._flags(), otherwise="") if unknown else ""
        raise InputError(f"{message}; {hint or f'see {self.prog} --help'}")

    def _flags(self) -> Iterator[str]:
        """The flags of the command and of those below it."""
        for action in self._actions:
            yield from action.option_strings
            if isinstance(action.choices, dict):
                for parser in action.choices.values():
                    yield from parser._flags()


def run(command: Callable[[], None]) -> None:
    """Run a command: what the user did wrong is one line and exit status 2, Ctrl-C is 130, a closed pipe is no error."""
    speaks = os.environ.get("LOCAL_RANK", "0") == "0"  # of several processes, the first of each machine
    logging.basicConfig(level=logging.WARNING if speaks else logging.ERROR, format="%(levelname)s: %(message)s")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    try:
        command()
    except InputError as error:
        if not speaks:
            time.sleep(20)  # the first tells the same and ends, and the launcher then ends this one
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output is gone (`| head`); keep the interpreter from complaining when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        print(
            f"error: {error.filename or 'output'}: {error.strerror or error}; check the disk and the permissions", file=sys.stderr
        )
        sys.exit(2)


def train_command(architecture: str) -> None:
    """`train_*_encoder.py`: a JSON configuration, then `--key value` to override it."""

    def command() -> None:
        quiet_libraries()
        from spanmatch.apps import draw_training
        from spanmatch.training.train import train

        train(architecture, sys.argv[1:], draw=draw_training)

    run(command)


def evaluate_command(architecture: str) -> None:
    """`evaluate_*_encoder.py`: flags as below."""

    def command() -> None:
        parser = _Parser(description=f"Evaluate a spanmatch {architecture}-encoder on annotated text.")
        parser.add_argument("--pretrained_model_name_or_path", required=True, metavar="DIR", help="checkpoint folder or hub id")
        parser.add_argument("--evaluation_file", required=True, metavar="FILE_OR_DIR", help="JSONL, glob, DatasetDict or hub id")
        parser.add_argument("--threshold", help=THRESHOLD_HELP)
        parser.add_argument(
            "--evaluation_format", choices=("text", "tokens"), default="text", help="character or token spans (text)"
        )
        parser.add_argument("--overlap", default="flat", help="flat, nested or multi-label (flat)")
        parser.add_argument("--max_samples", type=count, metavar="N", help="evaluate the first N examples only")
        parser.add_argument("--skip_invalid", action="store_true", help="leave out records that cannot be read, and count them")
        parser.add_argument("--output_dir", metavar="DIR", help="write metrics.json, predictions.jsonl and timings.json there")
        parser.add_argument("--report", metavar="FILE", help="write an HTML report there (pip install 'spanmatch[report]')")
        _data_arguments(parser)
        device_arguments(parser)
        batch_size_argument(parser)
        options = vars(parser.parse_args())
        if options["report"] is not None:
            from spanmatch.apps import report_to

            options["report"] = report_to(options["report"])
        quiet_libraries()
        from spanmatch.evaluation.run import evaluate
        from spanmatch.prediction.thresholds import parse_threshold

        options["threshold"] = parse_threshold(options["threshold"]) if options["threshold"] is not None else None
        evaluate(**options, architecture=architecture)

    run(command)


def main() -> None:
    """`spanmatch ...`"""
    run(lambda: _main(sys.argv[1:]))


def _main(argv: list[str]) -> None:
    parser = _Parser(prog="spanmatch", description="Zero-shot named-entity recognition: tag, calibrate, look at data.")
    parser.add_argument("--version", action="version", version=f"spanmatch {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    from spanmatch.cli.convert import convert_arguments
    from spanmatch.cli.tag import tag_arguments

    tag = commands.add_parser("tag", help="tag text, JSONL, Parquet or standard input", description=TAG_DESCRIPTION)
    tag_arguments(tag)
    tag.set_defaults(command=_tag)

    calibrate = commands.add_parser("calibrate", help="find thresholds on a development file and store them in the checkpoint")
    calibrate.add_argument("model", metavar="MODEL", help="checkpoint folder")
    calibrate.add_argument("file", metavar="FILE", help="JSONL file, glob or DatasetDict folder")
    calibrate.add_argument("--format", choices=("text", "tokens"), default="text", help="character or token spans (text)")
    _data_arguments(calibrate)
    batch_size_argument(calibrate)
    calibrate.set_defaults(command=_calibrate)

    bench = commands.add_parser("bench", help="measure the speed of your model, with your types, on your texts")
    if argv[:1] == ["bench"]:  # it waits for torch, the help of the other commands should not
        from spanmatch.cli.bench import bench_arguments

        bench_arguments(bench)
    bench.set_defaults(command=_bench)

    convert = commands.add_parser("convert", help="annotated text from one format to another")
    convert_arguments(convert)
    convert.set_defaults(command=_convert)

    data = commands.add_parser("data", help="look at data").add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    stats = data.add_parser("stats", help="sizes, types, widths, overlaps, duplicates, and gold that no candidate represents")
    stats.add_argument("files", nargs="+", metavar="FILE", help="JSONL files, globs or DatasetDict folders")
    stats.add_argument("--format", choices=("text", "tokens"), default="text", help="character or token spans (text)")
    stats.add_argument("--tokenizer", metavar="NAME_OR_DIR", help="whose units to count with (the default encoder's)")
    stats.add_argument("--max_span_width", type=count, default=12, metavar="N", help="the widest candidate (12)")
    stats.add_argument("--json", action="store_true", help="print JSON")
    _data_arguments(stats)
    stats.set_defaults(command=_data_stats)

    options = parser.parse_args(argv)
    options.command(options)


def _data_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--split", metavar="NAME", help="split of a DatasetDict (test, else dev or validation)")
    parser.add_argument(
        "--entity_types", metavar="FILE", help="JSON file of types {tag: description}: exactly these are asked for"
    )


def _tag(options: Arguments) -> None:
    from spanmatch.tagging.options import TagOptions, model_and_source

    flags = _flags(options)
    model, source = model_and_source(flags.pop("places"))
    asked = TagOptions(model=model, source=source, **flags)
    quiet_libraries()
    from spanmatch.tagging.tag import tag

    tag(asked)


def _flags(options: Arguments) -> dict[str, Any]:
    """What was given to a command, by the names of its flags."""
    return {key: value for key, value in vars(options).items() if key != "command"}


def _bench(options: Arguments) -> None:
    quiet_libraries()
    from spanmatch.evaluation.speed import bench

    bench(**_flags(options))


def _calibrate(options: Arguments) -> None:
    quiet_libraries()
    from spanmatch.evaluation.run import calibrate_checkpoint

    calibrate_checkpoint(
        options.model,
        options.file,
        format=options.format,
        split=options.split,
        entity_types=options.entity_types,
        batch_size=options.batch_size,
    )


def _convert(options: Arguments) -> None:
    from spanmatch.data.formats.convert import convert

    print(convert(**_flags(options)))


def _data_stats(options: Arguments) -> None:
    quiet_libraries()
    from spanmatch.evaluation.data_stats import corpus_stats, print_stats
    from spanmatch.model.pretrained import DEFAULT_ENCODER

    stats = corpus_stats(
        options.files,
        format=options.format,
        split=options.split,
        entity_types=options.entity_types,
        tokenizer=options.tokenizer or DEFAULT_ENCODER,
        max_span_width=options.max_span_width,
    )
    print(json.dumps(stats, indent=1, ensure_ascii=False)) if options.json else print_stats(stats)


if __name__ == "__main__":
    main()


