"""The objective of a configuration: what it names, and what is refused."""

import json
from typing import Any

import pytest
import torch

from spanmatch.errors import InputError
from spanmatch.model.head import CellScores, SpanScores
from spanmatch.training.losses import LOSSES, binary_cross_entropy, focal
from spanmatch.training.objective import Objective

BOTH = ("label_token", "cls")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("bce", Objective(name="bce"), id="a name"),
        pytest.param("focal", Objective(name="focal"), id="another name"),
        pytest.param("contrastive", Objective(name="contrastive", null_slots=BOTH), id="both slots by default"),
        pytest.param({"name": "bce"}, Objective(name="bce"), id="an object"),
        pytest.param(
            {"name": "bce", "positive_weight": 3}, Objective(name="bce", options={"positive_weight": 3}), id="an option"
        ),
        pytest.param(
            {"gamma": 0, "name": "focal", "alpha": 1},
            Objective(name="focal", options={"gamma": 0, "alpha": 1}),
            id="options at their limits",
        ),
        pytest.param(
            {"name": "contrastive", "temperature": 0.05, "entity_weight": 0, "threshold_weight": 1},
            Objective(
                name="contrastive",
                options={"temperature": 0.05, "entity_weight": 0, "threshold_weight": 1},
                null_slots=BOTH,
            ),
            id="options of the contrastive one",
        ),
        pytest.param(
            {"name": "contrastive", "null_slots": ["cls"]}, Objective(name="contrastive", null_slots=("cls",)), id="one slot"
        ),
        pytest.param(
            {"name": "focal", "span_weight": 0, "start_weight": 2, "end_weight": 0.5},
            Objective(name="focal", span_weight=0.0, start_weight=2.0, end_weight=0.5),
            id="weights",
        ),
    ],
)
def test_parse(given: Any, expected: Objective) -> None:
    assert Objective.parse(given if isinstance(given, str) else json.dumps(given)) == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("bec", 'loss: unknown objective "bec"; did you mean "bce"?', id="near a name"),
        pytest.param("mse", 'loss: unknown objective "mse"; valid: bce, contrastive, focal', id="near no name"),
        pytest.param("", 'loss: unknown objective ""; valid: bce', id="empty"),
        pytest.param({"gamma": 2}, 'loss: "name" is missing; valid: bce, contrastive, focal', id="no name"),
        pytest.param({"name": 3}, 'loss: unknown objective "3"', id="a number for a name"),
        pytest.param({"name": ["bce"]}, "loss: unknown objective", id="a list for a name"),
        pytest.param({"name": {}}, "loss: unknown objective", id="an object for a name"),
        pytest.param('{"name": "bce"', "loss: not JSON", id="half an object"),
        pytest.param({"name": "focal", "gama": 2}, '"focal" has no option "gama"; did you mean "gamma"?', id="near an option"),
        pytest.param(
            {"name": "bce", "gamma": 2},
            '"bce" has no option "gamma"; valid: end_weight, positive_weight, span_weight, start_weight',
            id="an option of another",
        ),
        pytest.param(
            {"name": "contrastive", "scores": 1}, '"contrastive" has no option "scores"', id="an argument that is no option"
        ),
        pytest.param({"name": "focal", "gamma": -1}, '"gamma" of "focal" must be at least 0, got -1', id="negative"),
        pytest.param({"name": "focal", "alpha": 1.5}, '"alpha" of "focal" must lie in [0, 1], got 1.5', id="alpha above 1"),
        pytest.param({"name": "focal", "alpha": -0.1}, '"alpha" of "focal" must be at least 0, got -0.1', id="alpha below 0"),
        pytest.param({"name": "focal", "gamma": "2"}, '"gamma" of "focal" must be a number, got "2"', id="text for a number"),
        pytest.param({"name": "focal", "gamma": True}, '"gamma" of "focal" must be a number, got true', id="truth for a number"),
        pytest.param({"name": "focal", "gamma": None}, '"gamma" of "focal" must be a number, got null', id="null for a number"),
        pytest.param('{"name": "focal", "gamma": NaN}', '"gamma" of "focal" must be a number, got NaN', id="not a number"),
        pytest.param('{"name": "focal", "gamma": 1e999}', '"gamma" of "focal" must be a number', id="infinite"),
        pytest.param(
            {"name": "contrastive", "temperature": 0}, '"temperature" of "contrastive" must be above 0, got 0', id="temperature 0"
        ),
        pytest.param({"name": "bce", "start_weight": -1}, '"start_weight" of "bce" must be at least 0', id="negative weight"),
        pytest.param({"name": "bce", "span_weight": 0}, "are all 0; nothing would be learnt", id="all weights zero"),
        pytest.param(
            {"name": "contrastive", "entity_weight": 0, "threshold_weight": 0}, "nothing would be learnt", id="both terms zero"
        ),
        pytest.param({"name": "bce", "null_slots": ["cls"]}, '"bce" has no option "null_slots"', id="slots without use"),
        pytest.param({"name": "focal", "null_slots": []}, '"focal" has no option "null_slots"', id="no slots without use"),
        pytest.param({"name": "contrastive", "null_slots": []}, '"contrastive" needs a null slot', id="no slots"),
        pytest.param(
            {"name": "contrastive", "null_slots": ["cls", "cls"]},
            '"null_slots" must be a list of label_token, cls, got ["cls", "cls"]',
            id="a slot twice",
        ),
        pytest.param({"name": "contrastive", "null_slots": ["clss"]}, 'got ["clss"]', id="unknown slot"),
        pytest.param({"name": "contrastive", "null_slots": "cls"}, 'must be a list of label_token, cls, got "cls"', id="no list"),
        pytest.param({"name": "contrastive", "null_slots": [["cls"]]}, 'got [["cls"]]', id="a list in the list"),
        pytest.param({"name": "contrastive", "null_slots": None}, "got null", id="null for a list"),
    ],
)
def test_refused(given: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        Objective.parse(given if isinstance(given, str) else json.dumps(given))
    assert str(caught.value).startswith("loss: ") and message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_it_is_the_loss_with_its_options() -> None:
    generator = torch.Generator().manual_seed(0)
    cells = [CellScores(logits=torch.randn((1, 4, width, 2), generator=generator), nulls=None) for width in (2, 1, 1)]
    scores = SpanScores(spans=cells[0], starts=cells[1], ends=cells[2])
    valid = torch.ones((1, 4, 2, 2), dtype=torch.bool)
    valid[:, 3, 1] = False  # would end beyond the text
    positives = valid & (torch.rand(valid.shape, generator=generator) < 0.4)
    spans = Objective.parse('{"name": "focal", "gamma": 1, "alpha": 0.75}')
    assert not spans.boundaries
    expected = focal(cells[0], positives, valid, gamma=1, alpha=0.75)
    assert torch.equal(spans.loss(scores, positives, valid), expected) and expected > 0
    weighted = Objective.parse('{"name": "bce", "positive_weight": 2, "span_weight": 0.5, "end_weight": 2}')
    assert weighted.boundaries
    ends = torch.zeros((1, 4, 1, 2), dtype=torch.bool)
    for _, unit, width, column in positives.nonzero().tolist():
        ends[0, unit + width, 0, column] = True
    by_hand = 0.5 * binary_cross_entropy(cells[0], positives, valid, positive_weight=2)
    by_hand += 2 * binary_cross_entropy(cells[2], ends, torch.ones_like(ends), positive_weight=2)
    torch.testing.assert_close(weighted.loss(scores, positives, valid), by_hand)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_can_be_named(name: str) -> None:
    assert Objective.parse(name).name == Objective.parse(json.dumps({"name": name})).name == name
