"""The one protocol of everything that tags, and the loading of whatever a folder holds.

Evaluation, calibration, tagging and resuming know a tagger by this protocol and nothing else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from numbers import Integral
from pathlib import Path
from typing import Any, Protocol

from tqdm.auto import tqdm

from spanmatch.batching.batcher import LAST_BUFFER
from spanmatch.batching.candidates import Unrepresentable
from spanmatch.data.examples import Example
from spanmatch.data.line_breaks import LINE_BREAKS
from spanmatch.data.words import split_words
from spanmatch.entities import Entity, EntityType, Inventory, Types, as_texts, types_per_text
from spanmatch.errors import InputError, nearest
from spanmatch.prediction.shipped import CONFIG_FILE, MATCHER, checkpoint_folder, tagger_kind
from spanmatch.prediction.thresholds import Calibration, Threshold, check_names

# What the key "tagger" of a folder's config.json names: "module:class", imported when such a folder is loaded.
TAGGERS = {
    MATCHER: "spanmatch.prediction.matcher:SpanMatcher",
    "onnx": "spanmatch.integrations.onnx:OnnxMatcher",
    "token-classifier": "spanmatch.baselines.token_classifier:TokenClassifier",
    "token-classifier-adapters": "spanmatch.baselines.adapters:AdaptedClassifier",
    "prompted": "spanmatch.baselines.prompted:PromptedTagger",
    "generative": "spanmatch.baselines.generative:GenerativeTagger",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamOptions:
    """Says how a tagger goes through many texts. What it finds does not depend on it, but for `line_breaks`.

    Attributes:
        batch_size: texts at a time; by default as many as suit the device.
        buffer_size: texts that are sorted by length together; by default few at first, so that a result comes soon.
        is_shared: share the work among the processes of a launch. Each process gets all entities, and all of them have to
            make the same call.
        advance: called with the number of texts that were done since its last call, in parts where a text is long.
        line_breaks: which line breaks an entity may cross, a name of `LINE_BREAKS`; by default what the tagger was
            configured to.
    """

    batch_size: int | None = None
    buffer_size: int | None = None
    is_shared: bool = False
    advance: Callable[[float], object] | None = None
    line_breaks: str | None = None

    def __post_init__(self) -> None:
        if self.line_breaks not in {None, *LINE_BREAKS}:
            raise InputError(f'unknown line_breaks "{self.line_breaks}"; {nearest(str(self.line_breaks), LINE_BREAKS)}')
        size: Any = self.batch_size
        if size is not None and not (isinstance(size, Integral) and int(size) >= 1):
            raise InputError(f"batch_size must be at least 1, a whole number, got {size!r}")


PLAIN_STREAM = StreamOptions()


class Tagger(Protocol):
    """Finds entities in texts."""

    calibration: Calibration | None

    @property
    def kind(self) -> str:
        """Return what it is, in a word or two: "bi-encoder", "token classifier"."""

    @property
    def types(self) -> tuple[EntityType, ...] | None:
        """Return the types that it knows, None if any type can be requested."""

    @property
    def null_slot(self) -> str | None:
        """Return the null slot whose score is subtracted from that of a span, None if there is none."""

    @property
    def default_threshold(self) -> Threshold | None:
        """Return the threshold of a prediction for which none is given; None if then everything counts that it lists."""

    def predict(
        self, texts: Sequence[str], types: Types, *, threshold: Threshold | None = None, overlap: str = "flat"
    ) -> list[list[Entity]]:
        """Return the entities of each text, with character offsets.

        Args:
            texts: any texts.
            types: the types to look for.
            threshold: what a score must exceed (see `thresholds.cutoffs`); by default the tagger's own.
            overlap: which entities may overlap (see `decoding.OVERLAPS`).
        """

    def stream(
        self, examples: Iterable[Example], *, threshold: Threshold | None, overlap: str, options: StreamOptions
    ) -> Iterator[list[Entity]]:
        """Yield the entities of each example, looking for the types of its inventory, in order and with flat memory.

        Args:
            examples: texts with their words and types.
            threshold: what a score must exceed; None for the tagger's own.
            overlap: which entities may overlap.
            options: how to go through the texts.
        """

    def stream_scored(
        self, examples: Iterable[Example], *, floor: float, threshold: Threshold | None, overlap: str, options: StreamOptions
    ) -> Iterator[tuple[list[Entity], list[Entity]]]:
        """Yield what `stream` yields and, from the same pass, what flat decoding finds above a low probability.

        Args:
            examples: texts with their words and types.
            floor: probability that the scores of the second list exceed.
            threshold: what the scores of the first list exceed; None for the tagger's own.
            overlap: which entities of the first list may overlap.
            options: how to go through the texts.
        """

    def prepare(self, types: Inventory, *, file: str | None = None, progress: bool = False) -> None:
        """Do once what can be done for types before the first text.

        Args:
            types: the types that will be requested.
            file: keeps what was done: it is read if it is there, else written.
            progress: show a bar.

        Raises:
            InputError: the tagger keeps nothing in files, or the file is of another tagger or of other types.
        """

    def check_threshold(self, threshold: Threshold | None) -> None:
        """Refuse a threshold that the tagger cannot answer, before anything takes time.

        Args:
            threshold: as in `stream`.

        Raises:
            InputError: says why, and what to give instead.
        """

    def unrepresentable(self, examples: Sequence[Example], *, line_breaks: str | None = None) -> Unrepresentable:
        """Count the gold that the tagger can never find, such as spans wider than its widest candidate.

        Args:
            examples: texts with their gold.
            line_breaks: as in `StreamOptions`.
        """

    def fingerprint(self) -> dict[str, str]:
        """Return what its output depends on, by names that a user knows: "model" (a digest), "device", "dtype"."""


def predict_with(
    stream: Callable[..., Iterator[list[Entity]]],
    texts: Iterable[str],
    types: Types | Iterable[Types],
    *,
    threshold: Threshold | None,
    overlap: str,
    line_breaks: str | None,
    batch_size: int | None,
    progress: bool,
) -> list[list[Entity]]:
    """Return the entities of texts that are given as a user gives them: what a tagger's `predict` does with its `stream`.

    Args:
        stream: the method of the tagger.
        texts: the texts.
        types: for all texts, or a list of them for each.
        threshold: as in `Tagger.predict`.
        overlap: as in `Tagger.predict`.
        line_breaks: as in `StreamOptions`.
        batch_size: as in `StreamOptions`.
        progress: show a bar.

    Raises:
        InputError: something is no text or no type, or a threshold is given for a type that is not asked for.
    """
    listed = as_texts(texts)
    per_text = types_per_text(types, len(listed))
    if isinstance(threshold, Mapping):
        check_names(threshold, [item for own in set(per_text) for item in own])
    examples = (
        Example(where=str(index), text=text, words=split_words(text), mentions=(), types=own)
        for index, (text, own) in enumerate(zip(listed, per_text, strict=True))
    )
    with tqdm(total=len(listed), unit="text", unit_scale=True, desc="tagging", disable=not progress) as bar:
        options = StreamOptions(batch_size=batch_size, buffer_size=LAST_BUFFER, advance=bar.update, line_breaks=line_breaks)
        return list(stream(examples, threshold=threshold, overlap=overlap, options=options))


def load_tagger(
    name_or_path: str | Path,
    *,
    device: str | None = None,
    dtype: str | None = None,
    compile: bool = False,
    revision: str | None = None,
    token: str | bool | None = None,
    local_files_only: bool = False,
) -> Tagger:
    """Load whatever tagger a folder holds.

    Args:
        name_or_path: a folder, a name that ships, or a hub id ("owner/name", "owner/name@revision").
        device: "cpu", "cuda", "mps", ...; by default the accelerator where there is one.
        dtype: "float32", "bfloat16", "float16"; by default what the device computes natively.
        compile: compile the encoder with torch.compile.
        revision: a branch, a tag or a commit of the hub; by default the main branch.
        token: a token of the hub, or False for none; by default that of `hf auth login` or of HF_TOKEN.
        local_files_only: take what was downloaded before, and ask no hub.

    Raises:
        InputError: no such folder, or one that holds no tagger that is known here.
    """
    folder = checkpoint_folder(name_or_path, revision=revision, token=token, local_files_only=local_files_only)
    kind = tagger_kind(folder)
    if kind not in TAGGERS:
        raise InputError(f'{folder / CONFIG_FILE}: unknown tagger "{kind}"; {nearest(kind, TAGGERS)}')
    module, _, name = TAGGERS[kind].partition(":")
    try:
        kind_of_tagger = getattr(import_module(module), name)
    except ModuleNotFoundError as error:  # as where only exported models are tagged with
        problem = f"it needs {error.name}, which is not installed"
        raise InputError(f"{name_or_path}: {problem}; install it, or give a folder of spanmatch export") from error
    tagger: Tagger = kind_of_tagger.from_pretrained(folder, device=device, dtype=dtype, compile=compile)
    return tagger
