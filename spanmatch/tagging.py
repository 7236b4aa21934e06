"""The `spanmatch tag` command: texts in, entities out, as a person or as a program reads them."""

import glob
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spanmatch.corpus_chunks import CHUNK_TEXTS, Chunk, Chunks
from spanmatch.corpus_files import CorpusFiles, arriving_texts, find_files
from spanmatch.devices import default_device
from spanmatch.entities import Entity, EntityType, as_entity_types
from spanmatch.entity_types import read_entity_types
from spanmatch.errors import InputError, nearest
from spanmatch.predictor import SpanMatcher, TypeEmbeddings
from spanmatch.resumable_file import ResumableFile, check_target
from spanmatch.tag_formats import as_json, as_text
from spanmatch.tag_options import STANDARD_INPUT, TagOptions
from spanmatch.tag_progress import Progress
from spanmatch.tag_request import tag_request
from spanmatch.tag_workers import TagJob, WorkerError, Workers, tag_texts
from spanmatch.thresholds import check_names, parse_threshold

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


def asked_types(types: Sequence[str], entity_types: str | None) -> tuple[EntityType, ...]:
    """Types named on the command line, separated by commas, and those of a file.

    Raises:
        InputError: none, or one twice.
    """
    named = [name.strip() for item in types for name in item.split(",") if name.strip()]
    described = read_entity_types(Path(entity_types), is_inventory=True).inventory if entity_types else ()
    try:
        return as_entity_types([*(EntityType(name=name) for name in named), *described])
    except ValueError as error:
        raise InputError(f'{error} (--types "person,city" or --entity_types FILE)') from error


def open_files(source: str, text_column: str = "text") -> CorpusFiles | None:
    """The files of that name or glob; None where standard input is meant, or a sentence.

    Raises:
        InputError: no such file.
    """
    if source == STANDARD_INPUT:
        return None
    paths = find_files(source)
    if paths:
        return CorpusFiles(paths, text_column=text_column)
    if glob.has_magic(source) and not any(map(str.isspace, source)):
        raise InputError(f"{source}: no file matches; check the pattern and the folder ({Path.cwd()})")
    if any(map(str.isspace, source)):
        return None
    path = Path(source)
    siblings = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
    hint = nearest(path.name, siblings, otherwise="give a file, a sentence of several words, or - for standard input")
    raise InputError(f"{source}: no such file; {hint}")


def read_input(source: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Records with a "text" each, and where they stand: of files, of standard input, or the argument itself.

    Raises:
        InputError: no such file, or a record that is invalid.
    """
    for chunk in _chunks(source, open_files(source)):
        for (where, _), record in zip(chunk.texts, chunk.records, strict=True):
            yield where, record


def _chunks(source: str, files: CorpusFiles | None, *, text_column: str = "text", skip_invalid: bool = False) -> Chunks:
    if files is not None:
        return Chunks(
            files,
            size=CHUNK_TEXTS,
            text_column=text_column,
            skip_invalid=skip_invalid,
            position=lambda: files.num_bytes_read,
        )
    if source != STANDARD_INPUT:
        return Chunks([("argument:1", {"text": source})], size=1)
    # What a person types is tagged line by line; of what a program writes, the first results come at once.
    lines = arriving_texts("standard input", sys.stdin.buffer)
    return Chunks(lines, first_size=1, size=1 if sys.stdin.isatty() else CHUNK_TEXTS, skip_invalid=skip_invalid)


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
