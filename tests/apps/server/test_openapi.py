"""The OpenAPI document: made-up requests, right and wrong, get what it says and never a 500."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from spanmatch.apps.server.app import create_app
from spanmatch.apps.server.options import ServeOptions
from spanmatch.apps.server.serve import USUAL_TYPES

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


OPERATIONS = ["POST /predict/", "GET /health", "GET /ready", "GET /models", "GET /metrics"]


@pytest.fixture(scope="module")
def document(matcher: Any) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(matcher, USUAL_TYPES, ServeOptions()))


def test_what_is_described(document: Any) -> None:
    assert sorted(operation.ok().label for operation in document.get_all_operations()) == sorted(OPERATIONS)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=str)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_requests_get_what_the_document_says(operation: str, mode: GenerationMode, document: Any) -> None:
    method, _, path = operation.partition(" ")
    if mode == GenerationMode.NEGATIVE and method == "GET":
        return  # without parameters there is nothing to get wrong

    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(document[path][method].as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        case.call_and_validate(checks=CHECKS)

    check()
