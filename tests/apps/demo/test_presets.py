"""The examples: what ships finds something of every type in them, so that the page begins with a sensible picture."""

import pytest

from spanmatch.apps.demo.presets import PRESETS
from spanmatch.entities import as_entity_types
from spanmatch.prediction.tagger import Tagger, load_tagger


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return load_tagger("spanmatch-mini", device="cpu", dtype="float32")


@pytest.mark.parametrize("name", PRESETS)
def test_every_type_is_found(name: str, tagger: Tagger) -> None:
    preset = PRESETS[name]
    types = as_entity_types(preset.types)
    [found] = tagger.predict([preset.text], types)
    assert {item.label for item in found} == {item.label for item in types}
