"""`OnnxMatcher`: a matcher that was exported to ONNX. It needs neither torch nor transformers.

Its folder holds the encoder as one graph and each part of the head that has weights as another, so that encoders can be
quantised apart. All else of a prediction is that of every matcher (see `prediction.span_tagger`).

Legend: B batch, T text tokens, C types, H hidden, D head size, S candidate spans of the batch, N null slots.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from spanmatch.batching.batcher import Batcher, text_arrays
from spanmatch.batching.stored_tokenizer import StoredTokenizer
from spanmatch.batching.views import View
from spanmatch.data.files import read_json
from spanmatch.errors import InputError, one_line
from spanmatch.prediction.backend import SpanEmbeddings
from spanmatch.prediction.matcher_config import read_calibration, read_matcher_config
from spanmatch.prediction.scoring import block_sizes
from spanmatch.prediction.shipped import CONFIG_FILE, TEXT_TOKENIZER, TYPE_TOKENIZER, checkpoint_folder
from spanmatch.prediction.span_tagger import SpanTagger
from spanmatch.prediction.thresholds import Calibration

# The key of config.json that an exported folder has beside those of every matcher.
ONNX_KEY = "onnx"
# The graphs of a folder, by the names of their files. Not every model has all of them.
TEXT_ENCODER, TYPE_ENCODER, SPANS, TYPES, TYPES_BEHIND, MENTIONS, RIVALS = (
    "text_encoder", "type_encoder", "spans", "types", "types_behind", "mentions", "rivals",
)  # fmt: skip
# Tokens of a batch: few enough for a CPU's caches.
BATCH_TOKENS = 1024
# The correction of types: types that are corrected at a time, and types of a list that others are compared with at most.
# The same as in `model.rivals`, which needs torch.
CORRECTED_TOGETHER, MAX_COMPARED = 256, 8192


class OnnxMatcher(SpanTagger):
    """Tags texts with an exported model; a `Tagger` (see `prediction.tagger`). Several threads may use it at the same time.

    >>> matcher = OnnxMatcher.from_pretrained("models/mini-onnx")
    >>> matcher.predict("Ada Lovelace met Charles Babbage in London.", ["person", "city"])
    """

    def __init__(self, batcher: Batcher, calibration: Calibration | None, graphs: "Graphs") -> None:
        """Make a matcher.

        Args:
            batcher: cuts texts and types into batches.
            calibration: calibrated thresholds, if there are any.
            graphs: the graphs of its model.
        """
        super().__init__(batcher, calibration, OnnxBackend(batcher, graphs))
        self._graphs = graphs

    @classmethod
    def from_pretrained(
        cls, name_or_path: str | Path, *, device: str | None = None, dtype: str | None = None, compile: bool = False
    ) -> "OnnxMatcher":
        """Load a folder that `spanmatch export` wrote.

        Args:
            name_or_path: the folder, or a hub id.
            device: "cpu", which is the only device that this kind of matcher computes on.
            dtype: what the folder was exported in: "float32" or "int8".
            compile: not for this kind of matcher.

        Raises:
            InputError: no such folder, files missing from it or broken, or an option that it cannot fulfil.
        """
        folder = checkpoint_folder(name_or_path)
        config = read_matcher_config(folder, further=(ONNX_KEY,))
        stored = _stored(folder)
        if device is not None and device.partition(":")[0] != "cpu":
            raise InputError(f"{folder}: an exported model computes on the CPU, not on {device}; leave --device out")
        if dtype not in {None, stored["dtype"]}:
            raise InputError(f"{folder}: exported in {stored['dtype']}, not in {dtype}; leave --dtype out, or export it anew")
        if compile:
            raise InputError(f"{folder}: an exported model is not compiled any more; leave --compile out")
        text_tokenizer = _read_tokenizer(folder / TEXT_TOKENIZER)
        separate = folder / TYPE_TOKENIZER
        type_tokenizer = _read_tokenizer(separate) if separate.is_dir() else text_tokenizer
        batcher = Batcher.of(config, text_tokenizer, type_tokenizer)
        return cls(batcher, read_calibration(folder, config), Graphs(folder, stored["dtype"], stored["digest"]))

    def fingerprint(self) -> dict[str, str]:
        """Return what the output depends on: a digest of graphs, configuration and calibration, the device, the dtype."""
        found = self.calibration
        calibration = [found.threshold, dict(found.per_type), found.slot] if found is not None else None
        settings = json.dumps([self.config.as_dict(), calibration], sort_keys=True, default=str)
        digest = hashlib.sha256((settings + self._graphs.digest).encode()).hexdigest()
        return {"model": f"SHA-256 {digest[:12]}", "device": "cpu", "dtype": self._graphs.dtype}


def _stored(folder: Path) -> dict[str, Any]:
    """Read what the configuration says of the export."""
    stored = read_json(folder / CONFIG_FILE, "export the model again").get(ONNX_KEY)
    needed = {"dtype", "digest"}
    if not isinstance(stored, dict) or not needed <= stored.keys():
        raise InputError(f'{folder / CONFIG_FILE}: "{ONNX_KEY}" must hold {", ".join(sorted(needed))}; export the model again')
    return stored


def _read_tokenizer(folder: Path) -> StoredTokenizer:
    try:
        return StoredTokenizer.load(folder)
    except InputError:
        raise
    except Exception as error:  # the library raises a bare Exception for a file that it cannot parse
        raise InputError(f"{folder}: no tokenizer that can be read ({one_line(error)}); export the model again") from error


class Graphs:
    """Runs the graphs of a folder. Each is loaded when it is first run.

    Attributes:
        folder: the folder.
        dtype: what its encoders compute in: "float32" or "int8".
        digest: SHA-256 of all graphs.
    """

    def __init__(self, folder: Path, dtype: str, digest: str) -> None:
        """Load the graph that every text needs, so that a folder without it is refused at once.

        Args:
            folder: the folder.
            dtype: what its encoders compute in.
            digest: SHA-256 of all graphs, as the export computed it.

        Raises:
            InputError: onnxruntime is not installed, or there is no graph that it can load.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise InputError(f"{folder}: an exported model needs onnxruntime; pip install 'spanmatch[onnx]'") from error
        self.folder, self.dtype, self.digest, self._library = folder, dtype, digest, onnxruntime
        self._sessions: dict[str, Any] = {}
        self._session(TEXT_ENCODER)

    def has(self, name: str) -> bool:
        """Return whether the model has a graph.

        Args:
            name: name of the graph.
        """
        return name in self._sessions or self._file(name).is_file()

    def run(self, name: str, **arrays: np.ndarray) -> list[np.ndarray]:
        """Run a graph and return its outputs.

        Args:
            name: name of the graph.
            arrays: its inputs, by name; those that it does not have are left out.
        """
        session = self._session(name)
        inputs = [item.name for item in session.get_inputs()]
        outputs: list[np.ndarray] = session.run(None, {key: arrays[key] for key in inputs})
        return outputs

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.onnx"

    def _session(self, name: str) -> Any:
        if name not in self._sessions:
            options = self._library.SessionOptions()
            options.log_severity_level = 3  # errors; what it warns of concerns the exporter, not the user
            options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)  # 0: as many as there are cores
            try:
                session = self._library.InferenceSession(self._file(name), options, providers=["CPUExecutionProvider"])
            except Exception as error:  # of a broken file, the library raises many kinds
                reason = one_line(error, 120)
                raise InputError(f"{self._file(name)}: cannot be loaded ({reason}); export the model again") from error
            self._sessions[name] = session
        return self._sessions[name]


class OnnxBackend:
    """Computes with the graphs of an exported model (see `prediction.backend`).

    Attributes:
        batch_tokens: how many tokens a batch should have.
        framework: "np" (see `Backend`).
    """

    batch_tokens, framework = BATCH_TOKENS, "np"

    def __init__(self, batcher: Batcher, graphs: Graphs) -> None:
        """Make the backend of a model.

        Args:
            batcher: the batcher of the model.
            graphs: its graphs.
        """
        self._batcher, self._graphs = batcher, graphs
        self._encoder_of_types = TYPE_ENCODER if graphs.has(TYPE_ENCODER) else TEXT_ENCODER

    @property
    def reads_types_behind(self) -> bool:
        """Return whether types are read behind each text."""
        return self._batcher.is_cross_encoder

    @property
    def corrects_types(self) -> bool:
        """Return whether the embedding of a type depends on what else is asked for."""
        return self._graphs.has(RIVALS)

    def inference(self) -> AbstractContextManager[None]:
        """Return a context that changes nothing: a graph has no dropout and no gradients."""
        return nullcontext()

    def version(self) -> object:
        """Return a constant: the weights of a graph do not change."""
        return None

    def type_digest(self) -> str:
        """Return the SHA-256 of all graphs."""
        return self._graphs.digest

    def join(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """Join arrays along their first dimension.

        Args:
            parts: at least one.
        """
        return np.concatenate(parts)

    def embed_types(self, sequences: Sequence[np.ndarray]) -> np.ndarray:
        """Return the embeddings of types, not corrected yet.

        Args:
            sequences: token ids of each type, without special tokens.

        Shape: (C, D).
        """
        ids, mask = self._batcher.lone_type_tokenizer.pad(sequences)
        [states_CLH] = self._graphs.run(self._encoder_of_types, input_ids=ids, attention_mask=mask)
        [embeddings_CD] = self._graphs.run(TYPES, states=states_CLH, attention_mask=mask)
        return embeddings_CD

    def corrected(self, types_CD: np.ndarray) -> np.ndarray:
        """Return the embeddings of the types of one list, corrected for each other.

        Args:
            types_CD: embedded types.

        Shape: (C, D) to the same.
        """
        if not self.corrects_types or not len(types_CD):
            return types_CD
        blocks = [slice(start, start + CORRECTED_TOGETHER) for start in range(0, len(types_CD), CORRECTED_TOGETHER)]
        tops = [self._graphs.run(MENTIONS, types=types_CD[block]) for block in blocks]
        highest_CT, mentions_CT = (np.concatenate(parts) for parts in zip(*tops, strict=True))
        everything = np.arange(len(types_CD))
        compared = everything[:: -(-len(types_CD) // MAX_COMPARED)]
        whole = {"types": types_CD, "compared": compared, "highest": highest_CT, "mentions": mentions_CT}
        return np.concatenate([self._graphs.run(RIVALS, own=everything[block], **whole)[0] for block in blocks])

    def embed_spans(
        self, views: Sequence[View], slot: str | None, types_apart: Sequence[np.ndarray] | None = None
    ) -> SpanEmbeddings:
        """Return the candidate spans of a batch.

        Args:
            views: what `Batcher.passes` returned.
            slot: name of the null slot that is subtracted, None for none.
            types_apart: embedded types of each view, where they are read apart from texts, too.
        """
        batcher, config = self._batcher, self._batcher.config
        types_after = batcher.type_tokenizer if batcher.is_cross_encoder else None
        batch = text_arrays(views, batcher.text_tokenizer, config.max_span_width, types_after)
        [states_BTH] = self._graphs.run(TEXT_ENCODER, **batch)
        cells_S3 = np.argwhere(batch["candidates"])
        spans_SD, *nulls = self._graphs.run(SPANS, states=states_BTH, cells=cells_S3, **batch)
        if slot is not None:
            [nulls_BND] = nulls
            spans_SD = spans_SD - nulls_BND[cells_S3[:, 0], list(config.null_slots).index(slot)]
        behind_BCD = None
        if self.reads_types_behind:
            apart = {}
            if types_apart is not None:
                most = max(map(len, types_apart))
                apart["apart"] = np.stack([np.pad(own, ((0, most - len(own)), (0, 0))) for own in types_apart])
            [behind_BCD] = self._graphs.run(TYPES_BEHIND, states=states_BTH, **batch, **apart)
        return SpanEmbeddings(cells=cells_S3, spans=spans_SD, types_behind=behind_BCD)

    def blocks(self, spans_SD: np.ndarray, types_CD: np.ndarray) -> "NumpyBlocks":
        """Return what scores spans against types.

        Args:
            spans_SD: representations of spans.
            types_CD: embedded types.
        """
        return NumpyBlocks(spans_SD, types_CD)


class NumpyBlocks:
    """Scores spans against types in NumPy, in float32 throughout (see `Blocks`).

    Attributes:
        num_types: number of all types.
        num_spans: number of all spans.
        types_at_once: types of a block.
        spans_at_once: spans of a block.
    """

    def __init__(self, spans_SD: np.ndarray, types_CD: np.ndarray) -> None:
        """Prepare to score.

        Args:
            spans_SD: representations of spans.
            types_CD: embedded types.
        """
        self.num_types, self.num_spans = len(types_CD), len(spans_SD)
        self.types_at_once, self.spans_at_once = block_sizes(self.num_types, self.num_spans)
        self._spans, self._types = spans_SD, types_CD

    def near(self, first_type: int, first_span: int, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the spans of a block that score above a floor, and their scores (see `Blocks.near`).

        Args:
            first_type: the first type of the block.
            first_span: the first span of the block.
            floor: a logit.
        """
        types = self._types[first_type : first_type + self.types_at_once]
        spans = self._spans[first_span : first_span + self.spans_at_once]
        scores_CS = types @ spans.T
        rows = np.flatnonzero(scores_CS.max(axis=0) > floor)
        return rows + first_span, scores_CS[:, rows]
