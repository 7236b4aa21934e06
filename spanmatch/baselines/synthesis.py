"""Make annotated texts, from the options of `spanmatch generate` to the file. All access to disk is here."""

import json
import unicodedata
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from spanmatch.baselines.synthesis_drafts import Draft
from spanmatch.baselines.synthesis_engines import ENGINES, Engine, Wanted
from spanmatch.baselines.synthesis_options import DEFAULT_NUM, GenerateOptions
from spanmatch.data.files import check_not_read, read_json, write_whole
from spanmatch.data.labels import SIDECAR, asked_types
from spanmatch.data.tags import write_tags
from spanmatch.data.words import chars_to_tokens, split_words
from spanmatch.entities import Inventory, Mention
from spanmatch.errors import InputError
from spanmatch.tagging.resumable_file import ResumableFile, check_target, files_of

# After so many requests in a row without a new text, none is expected any more.
MAX_VAIN = 5


def generate(options: GenerateOptions) -> str:
    """Make annotated texts, and write them with the names and descriptions of their types beside them.

    Args:
        options: what to make, and by which engine.

    Returns:
        How many texts and mentions there are, what was rejected, what was used.

    Raises:
        InputError: an option or a file is wrong, the endpoint gives no answers, or there are not so many different texts.
    """
    types = asked_types(options.types, options.entity_types)
    output = Path(options.output)
    read = [Path(file) for file in (options.entity_types, options.patterns, options.answers, options.prompt) if file is not None]
    check_target(output, read, overwrite=options.overwrite)
    check_not_read([output.parent / SIDECAR], [output])
    _check_sidecar(output.parent / SIDECAR, types)
    if options.cache_file is not None:
        check_not_read([Path(options.cache_file)], [*files_of(output), *read])
    engine = ENGINES[options.engine](options, types)
    asked = {"types": "; ".join(types.texts), "engine": options.engine, "form": options.form, "seed": str(options.seed)}
    convert = _write_tags if options.form == "tags" else None
    with ResumableFile(output, asked | dict(engine.asked), overwrite=options.overwrite, convert=convert) as file:
        if file.is_finished:
            return f"{output}: complete already"
        made = _Made(types, file, options)
        made.go_on(engine)
        if not (output.parent / SIDECAR).exists():
            write_whole(output.parent / SIDECAR, json.dumps(_sidecar(types), indent=1, ensure_ascii=False) + "\n")
        file.finish()
    return _summary(made, engine)


def same_text(text: str) -> str:
    """Return what two texts have in common that count as one: case, white space and forms of characters make no difference.

    Args:
        text: any text.
    """
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


class _Made:
    """Holds the texts so far, and goes on until there are enough."""

    def __init__(self, types: Inventory, file: ResumableFile, options: GenerateOptions) -> None:
        self.types, self.file, self.options = types, file, options
        self.most = options.n or (DEFAULT_NUM if options.engine != "file" else None)
        if self.most is not None:  # an earlier run may have been asked for more
            file.keep(min(file.num_lines, self.most))
        self.seen: set[str] = set()
        self.mentions: Counter[str] = Counter({item.label: 0 for item in types})
        if file.num_lines:
            with file.partial.open(encoding="utf-8") as lines:
                for line in islice(lines, file.num_lines):
                    self._add(json.loads(line))

    def _add(self, row: Mapping[str, Any]) -> None:
        self.seen.add(same_text(row["text"]))
        self.mentions.update(span["label"] for span in row["char_spans"])

    def go_on(self, engine: Engine) -> None:
        """Ask the engine until there are enough texts. Whatever it gives is on the disk before it is asked again."""
        vain = 0
        with tqdm(total=self.most, initial=len(self.seen), unit="text", desc="generating") as bar:
            while self.most is None or len(self.seen) < self.most:
                rows = self._rows(engine, vain)
                if rows:
                    self.file.write(json.dumps(row, ensure_ascii=False) for row in rows)
                bar.update(len(rows))
                vain = 0 if rows else vain + 1
                if vain == MAX_VAIN or self.options.engine == "file":  # a file has given all
                    break
        if len(self.seen) < (self.most or 1):
            raise self._too_few(engine)

    def _rows(self, engine: Engine, vain: int) -> list[dict[str, Any]]:
        """Return new texts as lines of JSON, at most as many as are missing."""
        missing = None if self.most is None else self.most - len(self.seen)
        fewest = sorted(self.types, key=lambda item: self.mentions[item.label])[: -(-len(self.types) // 3)]
        request = f"{self.options.seed}-{len(self.seen)}-{vain}"
        wanted = Wanted(num=missing or 0, focus=fewest, request=request, seen=self.seen, same_as=same_text)
        rows: list[dict[str, Any]] = []
        for draft in engine.drafts(wanted):
            if same_text(draft.text) in self.seen:
                engine.rejected["duplicates"] += 1
            elif missing is None or len(rows) < missing:
                rows.append(_row(draft, self.types))
                self._add(rows[-1])
        return rows

    def _too_few(self, engine: Engine) -> InputError:
        why = f"; rejected: {_listed(engine.rejected)}" if engine.rejected else ""
        kept = f"; give --n {len(self.seen)} to finish with these, which are kept" if self.seen else ""
        problem = f"only {len(self.seen)} of {self.most or 1} different texts{why}"
        return InputError(f"{self.options.output}: {problem}{kept}, or change what is asked for")


def _row(draft: Draft, types: Inventory) -> dict[str, Any]:
    spans = [{"start": item.start, "end": item.end, "label": item.label} for item in draft.mentions]
    return {"text": draft.text, "char_spans": spans, "labels": [item.label for item in types]}


def _write_tags(source: Path, target: Path) -> None:
    """Write lines of texts with spans as lines of tokens with BIO tags."""
    with source.open(encoding="utf-8") as lines, target.open("w", encoding="utf-8", newline="\n") as written:
        for row in map(json.loads, lines):
            words = split_words(row["text"])
            spans = [chars_to_tokens(Mention(**span), words) for span in row["char_spans"]]
            tokens = [row["text"][start:end] for start, end in words]
            tagged = {"tokens": tokens, "tags": write_tags(spans, len(words)), "labels": row["labels"]}
            written.write(json.dumps(tagged, ensure_ascii=False) + "\n")


def _sidecar(types: Inventory) -> dict[str, Any]:
    """Return the types as `labels.json` has them."""
    return {
        item.label: {"name": item.name, "description": item.description}
        | ({"aliases": list(item.aliases)} if item.aliases else {})
        for item in types
    }


def _check_sidecar(path: Path, types: Inventory) -> None:
    """Refuse a folder whose `labels.json` says something else of a type, because it would count for the new texts, too."""
    there = read_json(path) if path.exists() else None
    if there is not None and not (isinstance(there, dict) and _sidecar(types).items() <= there.items()):
        raise InputError(f"{path}: is there already, and says something else of the types; write to another folder")


def _summary(made: _Made, engine: Engine) -> str:
    per_type = ", ".join(f"{label} {count:,}" for label, count in made.mentions.items())
    parts = [f"{made.options.output}: {len(made.seen):,} texts, {made.mentions.total():,} mentions ({per_type})"]
    if engine.rejected:
        parts.append(f"rejected: {_listed(engine.rejected)}")
    return "\n".join([*parts, *filter(None, [engine.summary()])])


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{what} {count:,}" for what, count in sorted(counts.items()) if count)
