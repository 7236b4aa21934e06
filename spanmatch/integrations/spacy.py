"""The spaCy component `spanmatch`: entities of any tagger in `doc.ents` or `doc.spans`. spaCy finds it by its entry point.

>>> nlp = spacy.blank("en")
>>> nlp.add_pipe("spanmatch", config={"types": ["person", "city"]})
>>> nlp("Ada Lovelace lived in London.").ents

Source: spacy.io/usage/processing-pipelines (components), spacy.io/usage/saving-loading (what is written where).
"""

import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from spanmatch.data.examples import Example
from spanmatch.data.files import home_path
from spanmatch.data.formats.spacy_docbin import SPANS_KEY
from spanmatch.data.labels import unnamed_type
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, Inventory, as_entity_types
from spanmatch.errors import InputError
from spanmatch.prediction.decoding import OVERLAPS, check_overlap
from spanmatch.prediction.shipped import DEFAULT_MODEL, TEXT_TOKENIZER, TYPE_TOKENIZER, checkpoint_folder
from spanmatch.prediction.tagger import StreamOptions, Tagger, load_tagger
from spanmatch.prediction.thresholds import check_names, parse_threshold

try:
    from spacy import util
    from spacy.language import Language
    from spacy.pipeline import Pipe
    from spacy.tokens import Doc, Span, SpanGroup
    from thinc.api import Config
except ImportError as error:
    raise ImportError("spanmatch.integrations.spacy needs spacy; pip install 'spanmatch[spacy]'") from error

logger = logging.getLogger(__name__)

# The extension of a span that holds its score: `span._.spanmatch_score`.
SCORE = "spanmatch_score"
# Where a saved pipeline has its model, in the folder of the component.
_MODEL = "model"
_DEFAULTS = {
    "model": DEFAULT_MODEL,
    "threshold": None,
    "overlap": "flat",
    "spans_key": None,
    "device": None,
    "dtype": None,
    "batch_size": None,
}


@Language.factory("spanmatch", assigns=["doc.ents", "doc.spans", f"span._.{SCORE}"], default_config=_DEFAULTS)
class SpanMatchPipe(Pipe):
    """Finds entities with a tagger, which is loaded at the first text.

    What stands in `doc.ents` before stays, and what would overlap it is left out. A group of `doc.spans` is replaced.
    """

    def __init__(
        self,
        nlp: Language,
        name: str,
        *,
        model: str,
        types: list[str] | dict[str, str],
        threshold: float | str | dict[str, float] | None,
        overlap: str,
        spans_key: str | None,
        device: str | None,
        dtype: str | None,
        batch_size: int | None,
    ) -> None:
        """Make a component; `nlp.add_pipe("spanmatch", config={...})` does.

        Args:
            nlp: the pipeline.
            name: name of the component in it.
            model: a folder, a name that ships, or a hub id.
            types: the types to look for: labels, or `{label: description}`. A label is the name of its type, except that
                the usual tags stand for words ("ORG" for "organization"), and underscores for spaces.
            threshold: as in `SpanMatcher.predict`, or as on the command line.
            overlap: "flat", "nested" or "multi-label".
            spans_key: group of `doc.spans` to write to; by default `doc.ents` if the entities are flat, else "sc".
            device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
            dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.
            batch_size: texts at a time in the model; by default as many as suit the device. `nlp.pipe(batch_size=...)` says
                how many documents are read for that.

        Raises:
            InputError: the types, the threshold or the overlap are not as they should be.
        """
        check_overlap(overlap)
        self.name, self.model, self.overlap = name, model, overlap
        self.types = _inventory(types)
        self.threshold = parse_threshold(threshold) if isinstance(threshold, str) else threshold
        check_names(self.threshold, self.types)
        self.spans_key = spans_key or (None if overlap == "flat" else SPANS_KEY)
        self._device, self._dtype = device, dtype
        self._options = StreamOptions(batch_size=batch_size)
        self._tagger: Tagger | None = None
        self._has_told = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels that spans may get."""
        return tuple(item.label for item in self.types)

    @property
    def tagger(self) -> Tagger:
        """Return the tagger, loading it if it is not.

        Raises:
            InputError: there is no such model, or it cannot answer the threshold.
        """
        if self._tagger is None:
            # Not earlier: a saved pipeline is made with the model's old place, and then told the new one.
            tagger = load_tagger(self.model, device=self._device, dtype=self._dtype)
            tagger.check_threshold(self.threshold)
            tagger.prepare(self.types)
            self._tagger = tagger
        return self._tagger

    def __call__(self, doc: Doc) -> Doc:
        """Annotate a document.

        Args:
            doc: the document, which is changed.
        """
        for annotated in self.pipe([doc]):
            doc = annotated
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Annotate documents, many at a time.

        Args:
            stream: the documents, which are changed.
            batch_size: how many are read before they are tagged together.
        """
        for docs in util.minibatch(stream, size=batch_size):
            try:
                self.set_annotations(docs, self.predict(docs))
            except Exception as error:
                self.get_error_handler()(self.name, self, docs, error)  # raises, unless the user set another handler
            else:
                yield from docs

    def predict(self, docs: Sequence[Doc]) -> list[list[Entity]]:
        """Return the entities of each document, with character offsets.

        Args:
            docs: the documents, which are not changed.
        """
        examples = (
            Example(where=self.name, text=doc.text, words=split_words(doc.text), mentions=(), types=self.types) for doc in docs
        )
        options = replace(self._options, buffer_size=len(docs))
        return list(self.tagger.stream(examples, threshold=self.threshold, overlap=self.overlap, options=options))

    def set_annotations(self, docs: Sequence[Doc], found: Sequence[Sequence[Entity]]) -> None:
        """Write entities into their documents.

        Args:
            docs: the documents, which are changed.
            found: what `predict` returned.
        """
        for doc, entities in zip(docs, found, strict=True):
            if self.spans_key is None:
                doc.ents = [*doc.ents, *self._spans(doc, entities, doc.ents)]
            else:
                spans = self._spans(doc, entities)
                scores = [span._.get(SCORE) for span in spans]  # where spaCy's span categoriser has them
                doc.spans[self.spans_key] = SpanGroup(doc, name=self.spans_key, attrs={"scores": scores}, spans=spans)

    def _spans(self, doc: Doc, entities: Sequence[Entity], existing: Sequence[Span] = ()) -> list[Span]:
        """Return entities as spans of tokens, in order. Where widening makes them overlap, the better score stays."""
        kept = OVERLAPS[self.overlap]()
        for earlier in existing:
            kept.admits(earlier.start, earlier.end)
        chosen: list[Span] = []
        scores: dict[Any, float] = {}
        for entity in sorted(entities, key=lambda entity: -entity.score):
            span = doc.char_span(entity.start, entity.end, label=entity.label, alignment_mode="expand")
            assert span is not None  # an entity lies within the text
            if (span.start_char, span.end_char) != (entity.start, entity.end):
                self._tell_widened(entity, span)
            key = _score_key(span)
            if key not in scores and kept.admits(span.start, span.end):
                chosen.append(span)
                scores[key] = entity.score
        doc.user_data.update(scores)
        # Not by spaCy's own order, which compares labels by their hashes.
        return sorted(chosen, key=lambda span: (span.start, -span.end, span.label_))

    def _tell_widened(self, entity: Entity, span: Span) -> None:
        """Log once that an entity ends within a token. Its text may be personal, so it is not in the message."""
        if not self._has_told:
            place = f"[{entity.start}, {entity.end}) became [{span.start_char}, {span.end_char})"
            message = "%s: an entity that starts or ends within a token of spaCy is widened to whole tokens (%s, %s)"
            logger.warning(message + "; further ones are not told", self.name, entity.label, place)
        self._has_told = True

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Copy the model beside the pipeline, unless it ships or is on the hub: then its name in `config.cfg` is enough.

        Args:
            path: folder of the component.
            exclude: not used; spaCy gives it.

        Raises:
            InputError: there is no such model.
        """
        source, target = checkpoint_folder(self.model), Path(path) / _MODEL
        is_local = source == home_path(self.model)
        if is_local and target.exists() and source.samefile(target):
            return
        if target.exists():
            shutil.rmtree(target)  # of a pipeline that was saved here before
        if is_local:
            shutil.copytree(source, target, ignore=_not_of_model)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> "SpanMatchPipe":
        """Take the model that `to_disk` copied, if it copied one.

        Args:
            path: folder of the component.
            exclude: not used; spaCy gives it.
        """
        folder = Path(path) / _MODEL
        return self.from_bytes(str(folder).encode()) if folder.is_dir() else self

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return the name or folder of the model, not its weights.

        Args:
            exclude: not used; spaCy gives it.
        """
        return self.model.encode()

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> "SpanMatchPipe":
        """Take the model that `to_bytes` names.

        Args:
            data: what `to_bytes` returned.
            exclude: not used; spaCy gives it.
        """
        self.model, self._tagger = data.decode(), None
        return self


def _inventory(types: list[str] | dict[str, str]) -> Inventory:
    """Return the types of a configuration.

    Raises:
        InputError: there is none, one is given twice, or config.cfg could not hold its label.
    """
    if isinstance(types, list):
        return as_entity_types([unnamed_type(label) for label in types])
    if Config().from_str(Config({"types": types}).to_str()) != {"types": types}:
        problem = 'a label that config.cfg cannot hold as a key (it has "=" or ":" in it, or starts with "#", ";" or "[")'
        raise InputError(f"types: {problem}; rename it, or give a list of labels without descriptions")
    return as_entity_types([replace(unnamed_type(label), description=text) for label, text in types.items()])


def _not_of_model(folder: str, names: list[str]) -> list[str]:
    """Return what a training left beside its model: earlier states, and the texts that it was evaluated on."""
    return [name for name in names if (Path(folder) / name).is_dir() and name not in {TEXT_TOKENIZER, TYPE_TOKENIZER}]


def _score_key(span: Span) -> tuple[str, str, int, int]:
    """Return where the score of a span stands in `doc.user_data`.

    spaCy moves keys of this form with the text, but knows a span by its bounds alone. The label is there, too, because a span
    may have two types.
    """
    return "._.", f"{SCORE}.{span.label_}", span.start_char, span.end_char


def _score(span: Span) -> float | None:
    data: dict[Any, Any] = span.doc.user_data
    return data.get(_score_key(span))


Span.set_extension(SCORE, getter=_score, force=True)  # by force, because a module may be imported anew
