"""A small trained checkpoint, and a model whose predictions are known exactly."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_e2e import trained_checkpoint, write_tiny_encoder
from helpers_evaluation import WANTED

from spanmatch.batching.collate import TextBatch
from spanmatch.batching.views import View
from spanmatch.entities import EntityType
from spanmatch.prediction import span_tagger as predictor
from spanmatch.prediction.backend import Backend
from spanmatch.prediction.decoding import Candidates
from spanmatch.prediction.type_encoder import TypeEncoder


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a bi-encoder with candidates of at most four words and a window of 64 subwords. Not to be changed."""
    folder = tmp_path_factory.mktemp("evaluation")
    return trained_checkpoint(folder / "checkpoint", write_tiny_encoder(folder / "encoder"))


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the logits of every model those of WANTED, else -10. Windows, candidates, masks and decoding stay the real ones."""
    current: list[Sequence[View]] = []
    real = predictor.passing_candidates

    def passing(backend: Backend, views: Sequence[View], *given: Any, **named: Any) -> list[Candidates]:
        current[:] = [views]
        return real(backend, views, *given, **named)

    def represent(self: torch.nn.Module, states: torch.Tensor, batch: TextBatch, cells: torch.Tensor) -> torch.Tensor:
        """Represent a candidate by its logits against every type there is; types are unit vectors, without a bias."""
        (views,) = current
        logits = torch.full((len(cells), len(names)), -10.0)
        for cell, (row, first, width) in enumerate(cells.tolist()):
            view = views[row]
            units, text = view.tokenized.units, view.tokenized.example.text
            bounds = units.start_char[view.start_unit + first], units.end_char[view.start_unit + first + width]
            for (surface, label), logit in WANTED.get(text, {}).items():
                start = text.rindex(surface)
                if bounds == (start, start + len(surface)):
                    logits[cell, names.index(label)] = logit
        return logits

    def embed(self: TypeEncoder, types: Sequence[EntityType]) -> torch.Tensor:
        return torch.eye(len(names))[[names.index(item.name) if item.name in names else -1 for item in types]]

    names = [*dict.fromkeys(label for wanted in WANTED.values() for _, label in wanted), "any other"]
    monkeypatch.setattr(predictor, "passing_candidates", passing)
    monkeypatch.setattr("spanmatch.model.head.SpanHead.represent_cells", represent)
    monkeypatch.setattr(TypeEncoder, "embed", embed)
