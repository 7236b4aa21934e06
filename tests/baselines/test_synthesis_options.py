"""The options of `spanmatch generate`: each engine reads its own."""

from typing import Any

import pytest

from spanmatch.baselines.synthesis_options import GenerateOptions
from spanmatch.errors import InputError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"engine": "templates"}, "--engine templates needs --patterns FILE; give one"),
        ({"engine": "file"}, "--engine file needs --answers FILE; give one"),
        ({"patterns": "p.json"}, "--patterns has no effect with --engine llm; give --engine templates, or leave it out"),
        ({"answers": "a.json"}, "--answers has no effect with --engine llm; give --engine file, or leave it out"),
        (
            {"engine": "templates", "patterns": "p.json", "model": "x"},
            "--model has no effect with --engine templates; give --engine llm, or leave it out",
        ),
        ({"engine": "file", "answers": "a.json", "batch": 3}, "--batch has no effect with --engine file"),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        GenerateOptions(output="made.jsonl", types=["person"], **given)
    assert str(caught.value).startswith(message)


def test_endpoint() -> None:
    given = GenerateOptions(output="made.jsonl", temperature="0.5", input_price="0.4", output_price="1.6", timeout=7)
    assert (given.chat.temperature, given.chat.input_price, given.chat.output_price, given.chat.timeout) == (0.5, 0.4, 1.6, 7)
    assert (given.chat.base_url, given.chat.model) == ("https://api.openai.com/v1", "gpt-4.1-mini")
    assert GenerateOptions(output="made.jsonl", temperature="default").chat.temperature is None
    with pytest.raises(InputError, match="--temperature: expected a number, got 'warm'"):
        _ = GenerateOptions(output="made.jsonl", temperature="warm").chat
