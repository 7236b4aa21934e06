"""Checkpoints with one of their files changed: loaded, or refused in one line that names the file."""

import random

from helpers_bad_input import Place
from helpers_e2e import spanmatch
from helpers_fuzz import Fuzz
from helpers_fuzz_records import broken_bytes, broken_json
from hypothesis import strategies as st

FILES = ["config.json", "thresholds.json", "labels.json", "tokenizer_config.json", "tokenizer.json", "model.safetensors"]


def test_checkpoints(fuzz: Fuzz, place: Place) -> None:
    place.file(
        "labels.json", '{"person": {"name": "person", "description": "a human being", "aliases": ["who"]}, "city": "a town"}'
    )
    found = {path.name: path for path in [*place.checkpoint.rglob("*"), place.folder / "labels.json"] if path.name in FILES}
    good = {name: path.read_bytes() for name, path in found.items()}
    types = ["--entity_types", place.folder / "labels.json"]

    def check(choice: random.Random) -> None:
        name = choice.choice(sorted(found))
        broken = broken_json if name.endswith(".json") and choice.random() < 0.7 else broken_bytes
        content = broken(good[name], choice)
        found[name].write_bytes(content)
        try:
            result = spanmatch("tag", place.checkpoint, "Ada moved to Paris .", *types, "--output_format", "jsonl")
        finally:
            found[name].write_bytes(good[name])
        assert result.status in {0, 2}, (name, result)
        if result.status == 2:
            lines = [line for line in result.err.splitlines() if line.startswith("error: ")]
            assert len(lines) == 1, (name, content[:2000], result.err)

    assert found.keys() >= {"config.json", "labels.json", "model.safetensors"}
    fuzz("checkpoints", check, st.randoms(use_true_random=False))
