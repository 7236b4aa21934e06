"""What a request may hold."""

from typing import Any

import pytest
from pydantic import ValidationError

from spanmatch.apps.server.messages import PredictAnswer, PredictRequest


@pytest.mark.parametrize("example", PredictRequest.model_config["json_schema_extra"]["examples"])  # type: ignore[index,call-overload]
def test_the_examples_of_the_document_are_requests(example: dict[str, Any]) -> None:
    assert PredictRequest.model_validate(example).listed


@pytest.mark.parametrize("example", PredictAnswer.model_config["json_schema_extra"]["examples"])  # type: ignore[index,call-overload]
def test_the_examples_of_answers_are_answers(example: dict[str, Any]) -> None:
    assert PredictAnswer.model_validate(example).entities


@pytest.mark.parametrize("threshold", [0.5, "cls+0.5", {"person": 0.3}, None])
def test_thresholds(threshold: Any) -> None:
    assert PredictRequest(text="a", threshold=threshold).threshold == threshold


@pytest.mark.parametrize("given", [{}, {"text": "a", "texts": ["a"]}, {"text": "a", "threshold": {"a": 2}}, {"texts": [1]}])
def test_what_is_no_request(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PredictRequest(**given)
