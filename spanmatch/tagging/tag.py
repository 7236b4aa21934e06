"""The `spanmatch tag` command: texts in, entities out, for a person or for a program to read."""

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from spanmatch.data.files import check_can_write, check_not_read, is_standard_output, partial_path, target_of
from spanmatch.data.labels import asked_types
from spanmatch.entities import NO_TYPES, Entity, Inventory
from spanmatch.errors import InputError
from spanmatch.prediction.processes import has_accelerator
from spanmatch.prediction.tagger import Tagger
from spanmatch.prediction.thresholds import Threshold, check_names, parse_threshold
from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import SourceFiles
from spanmatch.tagging.lines import as_json, as_text
from spanmatch.tagging.options import TagOptions
from spanmatch.tagging.progress import Progress
from spanmatch.tagging.request import tag_request
from spanmatch.tagging.resumable_file import ResumableFile, check_target, files_of
from spanmatch.tagging.sources import open_files, source_chunks
from spanmatch.tagging.tool_formats import ToolWriter
from spanmatch.tagging.workers import TagJob, WorkerError, Workers

logger = logging.getLogger(__name__)

# Preparing so many types takes long enough for a bar.
MANY_TYPES = 1000


def tag(options: TagOptions) -> None:
    """Tag a source. The results are printed, or written to a file: as texts with their entities, or as JSON lines.

    Args:
        options: the options of the command.

    Raises:
        InputError: the options, the input or the model are not as they should be.
    """
    named = asked_types(options.types, options.entity_types) if options.types or options.entity_types else NO_TYPES
    threshold = parse_threshold(options.threshold) if options.threshold is not None else None
    written = [*(files_of(Path(options.output)) if options.output else []), *_kept_types(options)]
    files = open_files(options.source, options.text_column, written)
    _check(options, files)
    writer = None
    if options.tool_format is not None:
        suffix = "" if options.output is None else Path(options.output).suffix
        writer = ToolWriter(options.tool_format, model=options.model, text_column=options.text_column, suffix=suffix)
    if named:
        _check_types(named, threshold, writer)
    job = TagJob(options=options, types=named, threshold=threshold)
    with ExitStack() as stack:
        tagger = stack.enter_context(Workers(job, options.num_workers)) if options.num_workers else job.load()
        types = job.asked(tagger)
        if not named:
            _check_types(types, threshold, writer)
        output = None
        if options.output is not None:
            assert files is not None
            request = tag_request(options, types, threshold, files.paths, tagger.fingerprint())
            output = stack.enter_context(
                ResumableFile(
                    Path(options.output),
                    request,
                    overwrite=options.overwrite,
                    convert=writer.convert if writer is not None else None,
                )
            )
            if output.is_finished:
                print(f"{output.path}: complete already", file=sys.stderr)
                return
        # The lines of a format that is made at the end, and is printed.
        held = stack.enter_context(TemporaryFile(prefix="spanmatch-"))
        run = _Run(job, files, output, writer, held)
        run.begin()
        tagger.prepare(types, file=options.type_embeddings, progress=sys.stderr.isatty() and len(types) > MANY_TYPES)
        if not named:
            asked = ", ".join(item.name for item in types)
            print(f'no types given, so these are asked for: {asked}; give others with --types "brand,color"', file=sys.stderr)
        run.tag(tagger)


def _check_types(types: Inventory, threshold: Threshold | None, writer: ToolWriter | None) -> None:
    """Refuse types that the threshold does not name, or that the format of the output cannot hold."""
    check_names(threshold, types)
    if writer is not None:
        writer.check(types)


def _check(options: TagOptions, files: SourceFiles | None) -> None:
    """Refuse what cannot be done, before anything takes time."""
    if options.output is not None:
        if files is None:
            raise InputError("--output is for files, a sentence is printed; leave it out")
        read = [*files.paths, *map(Path, filter(None, [options.entity_types, options.type_embeddings]))]
        check_target(Path(options.output), read, overwrite=options.overwrite)
    if options.type_embeddings is not None:
        check_can_write(Path(options.type_embeddings))
        check_not_read(_kept_types(options), [] if options.entity_types is None else [Path(options.entity_types)])
    for path in files.paths if files is not None and options.output is None else ():
        if is_standard_output(path):
            raise InputError(f"{path}: is an input, too, and the results are printed there; redirect to another file")
    if files is None and options.text_column != "text":
        raise InputError("--text_column names the text in JSONL, CSV, TSV and Parquet, and none is given; leave it out")
    if options.num_workers and options.device is None and has_accelerator():
        problem = "processes share the cores of a CPU, but this machine has an accelerator"
        raise InputError(f"--num_workers {options.num_workers}: {problem}; leave it out, or give --device cpu, too")


def _kept_types(options: TagOptions) -> list[Path]:
    """Return the files that `--type_embeddings` writes."""
    file = options.type_embeddings
    return [] if file is None else [Path(file), partial_path(target_of(Path(file)))]


class _Run:
    """Tags chunk by chunk, prints or writes what is found, and shows how far it is."""

    def __init__(
        self, job: TagJob, files: SourceFiles | None, output: ResumableFile | None, writer: ToolWriter | None, held: IO[bytes]
    ) -> None:
        is_shown, options = sys.stdout.isatty() and output is None, job.options
        self.options, self.job, self.files, self.output, self.writer = options, job, files, output, writer
        self.as_text = (options.output_format or ("text" if is_shown else "jsonl")) == "text"
        self.is_talk = is_shown and files is None and self.as_text
        self.chunks = source_chunks(options.source, files, text_column=options.text_column, skip_invalid=options.skip_invalid)
        self.is_quiet = is_shown or not sys.stderr.isatty()
        self.todo: Iterator[Chunk] = iter(self.chunks)
        self.done: Chunk | None = None
        self.held = held

    def begin(self) -> None:
        """Read files up to the first chunk that no earlier run has written whole, so that a wrong record is found first."""
        if self.files is None:
            return
        num_written = self.output.num_lines if self.output is not None else 0
        for chunk in self.todo:
            if chunk.num_until > num_written:
                self.todo = chain([chunk], self.todo)
                break
            self.done = chunk
        if self.output is not None:
            self.output.keep(self.done.num_until if self.done is not None else 0)

    def tag(self, tagger: Tagger | Workers) -> None:
        """Tag everything, and say how much that was."""
        self.progress = Progress(self.files, hidden=self.is_quiet)
        if self.done is not None:
            self.progress.resume(self.done.num_until, self.done.num_bytes)
        try:
            if isinstance(tagger, Workers):
                self._put_all(tagger.tag(self.todo))
            else:
                self._put_all((chunk, self.job.tag(tagger, chunk.texts, self.progress.advance)) for chunk in self.todo)
            self._finish()
        except WorkerError as error:
            raise InputError(f"{error}{self._how_to_go_on()}") from error
        except KeyboardInterrupt:
            print(f"stopped after {self.progress.num_until:,} texts{self._how_to_go_on()}", file=sys.stderr)
            raise
        finally:
            self.progress.close()
        if not self.is_talk:
            print(self.progress.summary(self.chunks.num_skipped), file=sys.stderr)

    def _put_all(self, tagged: Iterable[tuple[Chunk, Iterable[list[Entity]]]]) -> None:
        """Print or write the texts of each chunk with their entities."""
        key = self.options.text_column
        for chunk, found in tagged:
            num_entities = 0
            lines: list[str] = []
            for record, entities in zip(chunk.records, found, strict=True):
                num_entities += len(entities)
                line = as_text(record[key], entities) if self.as_text else as_json(record, entities)
                if self.output is None and self.writer is None:
                    print(line)
                else:
                    lines.append(line)
            if self.output is not None:
                self.output.write(lines)
            elif self.writer is not None and self.writer.is_joined:
                sys.stdout.write(self.writer.text(lines))
            elif self.writer is not None:
                self.held.write("".join(f"{line}\n" for line in lines).encode())
            sys.stdout.flush()
            self.progress.end(chunk, num_entities)

    def _finish(self) -> None:
        """Put the file in its place, or print what is made at the end."""
        writer = self.writer
        if self.output is not None:
            self.output.finish()
        elif writer is not None and not writer.is_joined:
            self.held.seek(0)
            sys.stdout.write(writer.text(self.held))
            sys.stdout.flush()
        if writer is not None and writer.left_out.counts:
            logger.warning("%s does not hold everything: %s", self.options.tool_format, writer.left_out)

    def _how_to_go_on(self) -> str:
        is_begun = self.output is not None and self.output.partial.exists()
        return f"; the same command goes on from {self.output.partial}" if self.output is not None and is_begun else ""
