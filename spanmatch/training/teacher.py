"""Learn from another matcher, too: its scores of every candidate and every type of a batch are targets beside the annotation.

A text is annotated for the types of its data set, and what its other words are is unknown. A teacher has an opinion of any text
and any type, so all types of a batch are targets in all of its texts. Where a text was annotated, both count. The teacher's
scores are those before the correction for the list (`SpanHead.corrected`), which the student makes itself.

Source: Hinton et al., "Distilling the Knowledge in a Neural Network", 2015, section 2 (soft targets).

Legend: B batch, U units, W widths, C types, D the teacher's head size.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from spanmatch.batching.batcher import Batcher
from spanmatch.batching.collate import TextBatch, collate_texts
from spanmatch.batching.views import View
from spanmatch.errors import InputError
from spanmatch.model.head import gather_tokens
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.type_anchor import KeptByText


class TeacherViews:
    """Collates the texts of a batch for the teacher, in the process that loads data. It holds no model."""

    def __init__(self, batcher: Batcher) -> None:
        """Keep the teacher's batcher.

        Args:
            batcher: its batcher.
        """
        self.batcher = batcher

    def __call__(self, views: Sequence[View]) -> dict[str, Any]:
        """Return what the teacher reads of a batch, by name.

        Args:
            views: windows of the student.

        Returns:
            "teacher_texts", a `TextBatch`; "teacher_rows", the rows of the batch that it has; "teacher_units", the place of the
            first unit of each row in the teacher's window. A text of which no window of the teacher shows all units that
            the student's does is left out.
        """
        shown, rows, units = [], [], []
        windows = self.batcher.windows([view.tokenized.example for view in views])
        for row, (view, own) in enumerate(zip(views, windows, strict=True)):
            whole = [item for item in own if item.start_unit <= view.start_unit and view.end_unit <= item.end_unit]
            if whole:
                shown.append(whole[0])
                rows.append(row)
                units.append(view.start_unit - whole[0].start_unit)
        texts = collate_texts(shown, self.batcher) if shown else None
        return {"teacher_texts": texts, "teacher_rows": torch.tensor(rows), "teacher_units": torch.tensor(units)}


class Teacher:
    """Scores what a student is trained on.

    Attributes:
        matcher: the teacher.
        temperature: what its logits are divided by.
        views: collates texts for it.
    """

    def __init__(self, name_or_path: str, student: Batcher, device: torch.device | str, *, temperature: float = 1.0) -> None:
        """Load a teacher.

        Args:
            name_or_path: a checkpoint, a bi-encoder whose candidates are words.
            student: the batcher of the student.
            device: where the teacher computes, in the precision that the device computes natively.
            temperature: what its logits are divided by. One whose scores were shifted for a threshold of 0.5 may say of
                most candidates that they are a little likely, and all of these together outweigh the entities.

        Raises:
            InputError: it cannot be loaded, or its candidates are not the student's.
        """
        self.matcher, self.temperature = SpanMatcher.from_pretrained(name_or_path, device=str(device)), temperature
        own, other = self.matcher.config, student.config
        if own.architecture != "bi" or other.architecture != "bi":
            raise InputError(f"teacher: {name_or_path} teaches bi-encoders as a bi-encoder; give another one, or none")
        if own.candidates != "words" or other.candidates != "words" or own.max_span_width < other.max_span_width:
            has, needs = (f"{config.max_span_width} {config.candidates}" for config in (own, other))
            problem = f"its candidates are of at most {has}, the student's of {needs}"
            remedy = "both must be words, and the teacher's as wide"
            raise InputError(f"teacher: {name_or_path}: {problem}; {remedy}")
        self.views = TeacherViews(self.matcher.batcher)
        self._embeddings = KeptByText(self.matcher.batcher, lambda batch: self.matcher.model.type_embeddings(batch))

    def embeddings(self, texts: Sequence[str]) -> torch.Tensor:
        """Return embedded types, each of which is embedded once.

        Args:
            texts: the types as they are read.

        Shape: (C, D).
        """
        return self._embeddings(texts, self.matcher.device)

    def logits(
        self, texts: TextBatch, first_unit_B: torch.Tensor, type_texts: Sequence[str], num_units: int, num_widths: int
    ) -> torch.Tensor:
        """Return the teacher's logit of each cell of the student's grid, divided by the temperature.

        Args:
            texts: "teacher_texts".
            first_unit_B: "teacher_units".
            type_texts: the types of the batch.
            num_units: units of the student's grid. What lies beyond the teacher's has any value.
            num_widths: widths of the student's grid.

        Returns:
            Shape: (B, U, W, C), float32.
        """
        model, texts = self.matcher.model, texts.to(self.matcher.device)
        with self.matcher.inference():
            spans_BUWD = model.head.represent_spans(model.encode_texts(texts), texts)[:, :, :num_widths]
            logits = model.head.score_spans(spans_BUWD, self.embeddings(type_texts)[None]).float() / self.temperature
            place_BU = first_unit_B.to(logits.device)[:, None] + torch.arange(num_units, device=logits.device)
            found = gather_tokens(logits.flatten(2), place_BU.clamp(max=logits.shape[1] - 1)).unflatten(2, logits.shape[2:])
        return F.pad(found, (0, 0, 0, num_widths - found.shape[2]))


def soft_loss(logits: torch.Tensor, taught: torch.Tensor, candidates: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy between what a teacher finds likely and what a student does.

    The sum over candidates and types, divided by the number of entities that the teacher expects: the same measure as of
    `losses.binary_cross_entropy`.

    Args:
        logits: the student's. Shape: (B, U, W, C).
        taught: the teacher's, the same shape.
        candidates: which cells are candidates. Shape: (B, U, W) bool.
    """
    likely = taught.sigmoid() * candidates[..., None]
    total = F.binary_cross_entropy_with_logits(logits.float(), likely, reduction="none")
    return (total * candidates[..., None]).sum() / likely.sum().clamp(min=1)
