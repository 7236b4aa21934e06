"""The `spanmatch tag` command: texts in, entities out, for a person or for a program to read."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

from spanmatch.data.files import check_folder_of
from spanmatch.data.labels import asked_types
from spanmatch.entities import Entity
from spanmatch.errors import InputError
from spanmatch.model.devices import default_device
from spanmatch.prediction.tagger import Tagger
from spanmatch.prediction.thresholds import check_names, parse_threshold
from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import SourceFiles
from spanmatch.tagging.lines import as_json, as_text
from spanmatch.tagging.options import TagOptions
from spanmatch.tagging.progress import Progress
from spanmatch.tagging.request import tag_request
from spanmatch.tagging.resumable_file import ResumableFile, check_target
from spanmatch.tagging.sources import open_files, source_chunks
from spanmatch.tagging.workers import TagJob, WorkerError, Workers

# Preparing so many types takes long enough for a bar.
MANY_TYPES = 1000


def tag(options: TagOptions) -> None:
    """Tag a source. The results are printed, or written to a file: as texts with their entities, or as JSON lines.

    Args:
        options: the options of the command.

    Raises:
        InputError: the options, the input or the model are not as they should be.
    """
    types = asked_types(options.types, options.entity_types)
    threshold = parse_threshold(options.threshold) if options.threshold is not None else None
    check_names(threshold, types)
    files = open_files(options.source, options.text_column)
    _check(options, files)
    job = TagJob(options=options, types=types, threshold=threshold)
    with ExitStack() as stack:
        tagger = stack.enter_context(Workers(job, options.num_workers)) if options.num_workers else job.load()
        output = None
        if options.output is not None:
            assert files is not None
            request = tag_request(options, types, threshold, files.paths, tagger.fingerprint())
            output = stack.enter_context(ResumableFile(Path(options.output), request, overwrite=options.overwrite))
            if output.is_finished:
                print(f"{output.path}: complete already", file=sys.stderr)
                return
        tagger.prepare(types, file=options.type_embeddings, progress=sys.stderr.isatty() and len(types) > MANY_TYPES)
        _Run(job, files, output).tag(tagger)


def _check(options: TagOptions, files: SourceFiles | None) -> None:
    """Refuse what cannot be done, before anything takes time."""
    if options.output is not None:
        if files is None:
            raise InputError("--output is for files, a sentence is printed; leave it out")
        check_target(Path(options.output), files.paths, overwrite=options.overwrite)
    if options.type_embeddings is not None:
        check_folder_of(Path(options.type_embeddings))
    if files is None and options.text_column != "text":
        raise InputError("--text_column names the text in JSONL, CSV, TSV and Parquet, and none is given; leave it out")
    if options.num_workers and options.device is None and default_device().type != "cpu":
        problem = "processes share the cores of a CPU, but this machine has an accelerator"
        raise InputError(f"--num_workers {options.num_workers}: {problem}; leave it out, or give --device cpu, too")


class _Run:
    """Tags chunk by chunk, prints or writes what is found, and shows how far it is."""

    def __init__(self, job: TagJob, files: SourceFiles | None, output: ResumableFile | None) -> None:
        is_shown, options = sys.stdout.isatty() and output is None, job.options
        self.options, self.job, self.output = options, job, output
        self.as_json = (options.output_format or ("text" if is_shown else "jsonl")) == "jsonl"
        self.is_talk = is_shown and files is None and not self.as_json
        self.chunks = source_chunks(options.source, files, text_column=options.text_column, skip_invalid=options.skip_invalid)
        self.progress = Progress(files, hidden=is_shown or not sys.stderr.isatty())

    def tag(self, tagger: Tagger | Workers) -> None:
        """Tag everything, and say how much that was."""
        todo = self._remaining()
        try:
            if isinstance(tagger, Workers):
                self._put_all(tagger.tag(todo))
            else:
                self._put_all((chunk, self.job.tag(tagger, chunk.texts, self.progress.advance)) for chunk in todo)
            if self.output is not None:
                self.output.finish()
        except WorkerError as error:
            raise InputError(f"{error}{self._how_to_go_on()}") from error
        except KeyboardInterrupt:
            print(f"stopped after {self.progress.num_until:,} texts{self._how_to_go_on()}", file=sys.stderr)
            raise
        finally:
            self.progress.close()
        if not self.is_talk:
            print(self.progress.summary(self.chunks.num_skipped), file=sys.stderr)

    def _remaining(self) -> Iterator[Chunk]:
        """Yield the chunks that no earlier run has written whole."""
        chunks = iter(self.chunks)
        if self.output is None:
            yield from chunks
            return
        last = first = None
        for chunk in chunks:
            if chunk.num_until > self.output.num_lines:
                first = chunk
                break
            last = chunk
        self.output.keep(last.num_until if last is not None else 0)
        if last is not None:
            self.progress.resume(last.num_until, last.num_bytes)
        if first is not None:
            yield from chain([first], chunks)

    def _put_all(self, tagged: Iterable[tuple[Chunk, Iterable[list[Entity]]]]) -> None:
        """Print or write the texts of each chunk with their entities."""
        key = self.options.text_column
        for chunk, found in tagged:
            num_entities = 0
            lines = []
            for record, entities in zip(chunk.records, found, strict=True):
                num_entities += len(entities)
                line = as_json(record, entities) if self.as_json else as_text(record[key], entities)
                if self.output is None:
                    print(line)
                else:
                    lines.append(line)
            if self.output is None:
                sys.stdout.flush()
            else:
                self.output.write(lines)
            self.progress.end(chunk, num_entities)

    def _how_to_go_on(self) -> str:
        return f"; the same command goes on from {self.output.partial}" if self.output is not None else ""
