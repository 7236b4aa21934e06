"""The `spanmatch tag` command: texts in, entities out, as a person or as a program reads them."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory

from spanmatch.data.labels import asked_types
from spanmatch.entities import Entity, EntityType
from spanmatch.errors import InputError
from spanmatch.model.devices import default_device
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.thresholds import check_names, parse_threshold
from spanmatch.prediction.type_embeddings import TypeEmbeddings
from spanmatch.tagging.chunks import Chunk
from spanmatch.tagging.files import CorpusFiles
from spanmatch.tagging.lines import as_json, as_text
from spanmatch.tagging.options import TagOptions
from spanmatch.tagging.progress import Progress
from spanmatch.tagging.request import tag_request
from spanmatch.tagging.resumable_file import ResumableFile, check_target
from spanmatch.tagging.sources import _chunks, open_files
from spanmatch.tagging.workers import TagJob, WorkerError, Workers, tag_texts

# From so many on, encoding them is worth a bar.
MANY_TYPES = 1000


def tag(options: TagOptions) -> None:
    """Tag what is asked for and print it, or write it to a file: a text and its entities, or a JSON line per text."""
    types = asked_types(options.types, options.entity_types)
    threshold = parse_threshold(options.threshold) if options.threshold is not None else None
    check_names(threshold, types)
    files = open_files(options.source, options.text_column)
    _check(options, files)
    device = "cpu" if options.num_workers else options.device
    matcher = SpanMatcher.from_pretrained(options.model, device=device, dtype=options.dtype, compile=options.compile)
    with ExitStack() as stack:
        output = None
        if options.output is not None:
            assert files is not None
            request = tag_request(options, types, threshold, files.paths, matcher)
            output = stack.enter_context(ResumableFile(Path(options.output), request, overwrite=options.overwrite))
            if output.is_finished:
                print(f"{output.path}: complete already", file=sys.stderr)
                return
        embedded = type_embeddings(matcher, types, options.type_embeddings)
        embeddings_file = options.type_embeddings
        if options.num_workers and embedded is not None and embeddings_file is None:
            embeddings_file = f"{stack.enter_context(TemporaryDirectory(prefix='spanmatch-'))}/types.safetensors"
            embedded.save(embeddings_file)
        job = TagJob(
            model=options.model,
            types=types if embedded is None else (),
            embeddings_file=embeddings_file,
            threshold=threshold,
            overlap=options.overlap,
            batch_size=options.batch_size,
            dtype=options.dtype,
            compile=options.compile,
        )
        run = _Run(options, job, files, output)
        if options.num_workers:
            del matcher, embedded
            run.tag(None, None)
        else:
            run.tag(matcher, embedded)


def type_embeddings(matcher: SpanMatcher, types: tuple[EntityType, ...], file: str | None) -> TypeEmbeddings | None:
    """The types, encoded; None for a cross-encoder. Where a file is named, they are read from it, or else written to it.

    Raises:
        InputError: the file is of another model or of other types, or the model is a cross-encoder.
    """
    if matcher.config.architecture == "cross":
        if file is not None:
            raise InputError("--type_embeddings: a cross-encoder reads types with each text; leave it out, or take a bi-encoder")
        return None
    if file is None or not Path(file).exists():
        embedded = matcher.encode_types(types, progress=sys.stderr.isatty() and len(types) > MANY_TYPES)
        if file is not None:
            embedded.save(file)
        return embedded
    embedded = TypeEmbeddings.load(file)
    remedy = "name another file, or remove this one to have it written anew"
    if embedded.digest != matcher.encode_types(types[:1]).digest:
        raise InputError(f"{file}: embeddings of another model; {remedy}")
    if embedded.types != types:
        known = set(embedded.types)
        other = next((item for item in types if item not in known), None)
        reason = f'"{other.name}" is not among them, as it is asked for' if other else "they are more, or in another order"
        raise InputError(f"{file}: embeddings of {len(embedded.types)} other types: {reason}; {remedy}")
    return embedded


def _check(options: TagOptions, files: CorpusFiles | None) -> None:
    """Refuse what cannot be done before anything takes time."""
    if options.output is not None:
        if files is None:
            raise InputError("--output is for files, a sentence is printed; leave it out")
        check_target(Path(options.output), files.paths, overwrite=options.overwrite)
    if options.type_embeddings is not None and not Path(options.type_embeddings).parent.is_dir():
        raise InputError(f"{options.type_embeddings}: there is no folder {Path(options.type_embeddings).parent}; make it first")
    if files is None and options.text_column != "text":
        raise InputError("--text_column names the text in JSONL and Parquet, and none is given; leave it out")
    if options.num_workers and options.device is None and default_device().type != "cpu":
        raise InputError(
            f"--num_workers {options.num_workers}: processes share the cores of a CPU, but this machine has an accelerator; "
            "leave it out, or give --device cpu, too"
        )


class _Run:
    """A tagging under way: chunks are tagged here or by workers, then printed or written."""

    def __init__(self, options: TagOptions, job: TagJob, files: CorpusFiles | None, output: ResumableFile | None) -> None:
        is_shown = sys.stdout.isatty() and output is None
        self.options, self.job, self.output = options, job, output
        self.as_json = (options.output_format or ("text" if is_shown else "jsonl")) == "jsonl"
        self.is_talk = is_shown and files is None and not self.as_json
        self.chunks = _chunks(options.source, files, text_column=options.text_column, skip_invalid=options.skip_invalid)
        self.progress = Progress(files, hidden=is_shown or not sys.stderr.isatty())

    def tag(self, matcher: SpanMatcher | None, embedded: TypeEmbeddings | None) -> None:
        """Tag everything, and say how much that was. Without a matcher, workers do it."""
        todo = self._remaining()
        try:
            if matcher is None:
                with Workers(self.job, self.options.num_workers) as workers:
                    self._put_all(workers.tag(todo))
            else:
                advance = self.progress.advance
                self._put_all((chunk, tag_texts(matcher, self.job, embedded, chunk.texts, advance)) for chunk in todo)
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
        """The chunks that no earlier run has written whole."""
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


