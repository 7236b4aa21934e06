"""Computes with the weights of a matcher in torch (see `prediction.backend`).

Legend: B batch, T text tokens, C types, H hidden, D head size, S candidate spans of the batch.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.collate import collate_texts, collate_types
from spanmatch.batching.views import View
from spanmatch.model.devices import batch_tokens, check_range, use_no_lost_threads
from spanmatch.model.model import SpanMatcherModel
from spanmatch.prediction.backend import SpanEmbeddings
from spanmatch.prediction.scoring import block_sizes
from spanmatch.prediction.type_embeddings import weights_digest

# How near a limit a score in half precision has to be to be computed again, relative to 1 + |limit|. This is more than the
# rounding of a score.
SLACK = 0.02
# Spans are scored in multiples of this on a CPU.
SPAN_STEP = 256


class TorchBackend:
    """Computes with a model of torch.

    Attributes:
        model: the model.
        batcher: its batcher.
        inference: makes a context without gradients and dropout.
        framework: "pt" (see `Backend`).
    """

    framework = "pt"

    def __init__(self, model: SpanMatcherModel, batcher: Batcher, inference: Callable[[], AbstractContextManager[None]]) -> None:
        """Make the backend of a model.

        Args:
            model: the model.
            batcher: its batcher.
            inference: makes a context without gradients and dropout.
        """
        self.model, self.batcher, self.inference = model, batcher, inference
        self._watch = WeightsWatch()

    @property
    def device(self) -> torch.device:
        """Return the device that the model is on."""
        return self.model.head.scale.device

    @property
    def batch_tokens(self) -> int:
        """Return how many tokens a batch should have on the device of the model."""
        return batch_tokens(self.device)

    @property
    def reads_types_behind(self) -> bool:
        """Return whether types are read behind each text."""
        return self.batcher.is_cross_encoder

    @property
    def corrects_types(self) -> bool:
        """Return whether the embedding of a type depends on what else is asked for."""
        return self.model.head.background is not None and bool(self.batcher.config.background_weight)

    def version(self) -> object:
        """Return a value that changes when the weights change that types are embedded with (see `WeightsWatch`)."""
        use_no_lost_threads()
        head = self.model.head
        own = (head.scale, head.bias, head.background, head.usual_affinity)
        return self._watch.version([self.model.encoder_of_types, head.type_proj], [item for item in own if item is not None])

    def type_digest(self) -> str:
        """Return the SHA-256 of the weights that type embeddings are computed with."""
        return weights_digest(self.model.type_weights().items())

    def join(self, parts: Sequence[torch.Tensor]) -> torch.Tensor:
        """Join tensors along their first dimension.

        Args:
            parts: at least one.
        """
        return torch.cat(list(parts))

    def embed_types(self, sequences: Sequence[np.ndarray]) -> torch.Tensor:
        """Return the embeddings of types, not corrected yet (see `Backend.embed_types`).

        Args:
            sequences: token ids of each type, without special tokens.

        Raises:
            InputError: the encoder leaves the range of float16.

        Shape: (C, D).
        """
        batch = collate_types(sequences, self.batcher.lone_type_tokenizer)
        embeddings = self.model.type_embeddings(batch.to(self.device))
        if embeddings.dtype == torch.float16:
            check_range(embeddings)
        return embeddings

    def corrected(self, types_CD: torch.Tensor) -> torch.Tensor:
        """Return the embeddings of the types of one list, corrected for each other.

        Args:
            types_CD: embedded types.

        Shape: (C, D) to the same.
        """
        return self.model.corrected(types_CD)

    def embed_spans(
        self, views: Sequence[View], slot: str | None, types_apart: Sequence[torch.Tensor] | None = None
    ) -> SpanEmbeddings:
        """Return the candidate spans of a batch (see `Backend.embed_spans`).

        Args:
            views: what `Batcher.passes` returned.
            slot: name of the null slot that is subtracted, None for none.
            types_apart: embedded types of each view, where they are read apart from texts, too.

        Raises:
            InputError: the encoder leaves the range of float16.
        """
        model, batch = self.model, collate_texts(views, self.batcher).to(self.device)
        states_BTH = model.encode_texts(batch)
        if states_BTH.dtype == torch.float16:
            check_range(states_BTH)
        cells_S3 = batch.candidates.nonzero()
        spans_SD = model.head.represent_cells(states_BTH, batch, cells_S3)
        null_BD = model.head.represent_null(states_BTH, slot)
        if null_BD is not None:
            # A score is a product, so (span - null slot) times a type is the score of the span minus that of the null slot.
            spans_SD = spans_SD.float() - null_BD.float().index_select(0, cells_S3[:, 0])
        behind_BCD = None
        if self.reads_types_behind:
            apart_BCD = None if types_apart is None else pad_sequence(list(types_apart), batch_first=True)
            behind_BCD = model.type_embeddings_behind(states_BTH, batch, apart_BCD)
        return SpanEmbeddings(cells=cells_S3.cpu().numpy(), spans=spans_SD, types_behind=behind_BCD)

    def blocks(self, spans_SD: torch.Tensor, types_CD: torch.Tensor) -> "TorchBlocks":
        """Return what scores spans against types, in the precision of the model.

        Args:
            spans_SD: representations of spans.
            types_CD: embedded types.
        """
        return TorchBlocks(spans_SD, types_CD.to(device=spans_SD.device, dtype=self.model.head.type_proj.weight.dtype))


class TorchBlocks:
    """Computes scores, some types and some spans at a time. All blocks share one buffer, so the next one overwrites the last.

    Attributes:
        num_types: number of all types.
        num_spans: number of all spans.
        types_at_once: types of a block.
        spans_at_once: spans of a block.
    """

    def __init__(self, spans_SD: torch.Tensor, types_CD: torch.Tensor) -> None:
        """Prepare to score.

        Args:
            spans_SD: representations of spans.
            types_CD: embedded types, in the precision that is searched in.
        """
        self.num_types, self.num_spans = len(types_CD), len(spans_SD)
        self._spans, self._types = spans_SD, types_CD
        self._rounded_spans = spans_SD.to(types_CD.dtype)
        if spans_SD.device.type == "cpu":  # oneDNN keeps memory for each number of spans that it met
            self._rounded_spans = F.pad(self._rounded_spans, (0, 0, 0, -self.num_spans % SPAN_STEP))
        num_rows = len(self._rounded_spans)
        self.types_at_once, self.spans_at_once = block_sizes(self.num_types, num_rows, spans_SD.device.type)
        self._rounding = spans_SD.new_zeros(len(spans_SD))
        if spans_SD.dtype != types_CD.dtype and len(types_CD):
            # Spans above a null slot are differences in float32, which are rounded to the precision of the types. bfloat16
            # is off by at most 1/256 of a number, so a score is off by at most 1/256 of |span| |type| (Cauchy-Schwarz).
            longest = torch.linalg.vector_norm(types_CD, dim=1, dtype=torch.float32).max()
            self._rounding = torch.linalg.vector_norm(spans_SD, dim=1, dtype=torch.float32) * longest / 256
        self._buffer = types_CD.new_empty(self.types_at_once * self.spans_at_once)
        self._exact_types: tuple[int, torch.Tensor] | None = None

    def near(self, first_type: int, first_span: int, floor: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the spans of a block that may score above a floor, and their scores (see `Blocks.near`).

        Args:
            first_type: the first type of the block.
            first_span: the first span of the block.
            floor: a logit.
        """
        rounding = self._rounding[first_span : first_span + self.spans_at_once]
        best = self._scores(first_type, first_span).amax(0)[: len(rounding)] + rounding
        rows = (best > floor - SLACK * (1 + abs(floor))).nonzero()[:, 0] + first_span
        if not len(rows):
            return np.empty(0, np.int64), np.empty((0, 0), np.float32)
        return rows.cpu().numpy(), self._exact_scores(first_type, rows).cpu().numpy()

    def _scores(self, first_type: int, first_span: int) -> torch.Tensor:
        """Return the scores of one block in the precision of the types. Shape: (C, S)."""
        # Types are the first dimension, because the maximum over the first dimension is found eight times as fast.
        types = self._types[first_type : first_type + self.types_at_once]
        spans = self._rounded_spans[first_span : first_span + self.spans_at_once]
        out = self._buffer[: len(types) * len(spans)].view(len(types), len(spans))
        return torch.mm(types, spans.T, out=out)  # autocast does not change a product with `out`

    def _exact_scores(self, first_type: int, rows: torch.Tensor) -> torch.Tensor:
        """Return the scores of some spans against the types of a block, in float32. Shape: (C, S)."""
        if self._exact_types is None or self._exact_types[0] != first_type:
            self._exact_types = first_type, self._types[first_type : first_type + self.types_at_once].float()
        with torch.autocast(rows.device.type, enabled=False):
            return self._exact_types[1] @ self._spans.index_select(0, rows).float().T


class WeightsWatch:
    """Notices when weights change, without reading all of them.

    PyTorch counts writes to a weight, but not those of fused optimizers, nor those to its `data`, such as a moving average
    of weights. So a few elements of each weight are read, too. A change of single elements through `data`, which no
    training makes, goes unnoticed.
    """

    def __init__(self) -> None:
        """Start without knowing any weights."""
        self._addresses: list[int] = []
        self._samples: list[list[torch.Tensor]] = []

    def version(self, modules: Iterable[torch.nn.Module], weights: Iterable[torch.Tensor]) -> tuple[object, ...]:
        """Return a value that changes when weights change: the address and the number of writes of each, and some elements.

        Args:
            modules: the modules whose weights and buffers are watched.
            weights: further weights that are watched.
        """
        # This runs before every prediction, and `Module.parameters()` takes several times as long as this walk.
        found: list[torch.Tensor | None] = list(weights)
        waiting: list[torch.nn.Module | None] = list(modules)
        while waiting:
            module = waiting.pop()
            if module is not None:  # a module may be taken out, such as a pooler
                found += module._parameters.values()
                found += module._buffers.values()
                waiting += module._modules.values()
        watched = [weight for weight in found if weight is not None]
        addresses = [weight.data_ptr() for weight in watched]
        if addresses != self._addresses:
            self._addresses = addresses
            self._samples = _sampled(watched)
        writes = tuple(0 if weight.is_inference() else weight._version for weight in watched)
        read = tuple(sample.contiguous().view(torch.uint8).cpu().numpy().tobytes() for sample in map(torch.cat, self._samples))
        return tuple(addresses), writes, read


def _sampled(weights: Sequence[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Return views of three elements of each weight, those of one precision and device together."""
    groups: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = {}
    for weight in weights:
        group = groups.setdefault((weight.dtype, weight.device), [])
        for quarter in (1, 2, 3) if weight.numel() else ():
            element = weight.detach()
            for size in weight.shape:
                element = element[size * quarter // 4]  # a view of the same memory, whatever the strides
            group.append(element[None])
    return [group for group in groups.values() if group]
