"""Odd texts tagged by several processes, and by one: the same bytes."""

import random
from pathlib import Path

import pytest
from helpers import make_matcher
from helpers_e2e import write_jsonl
from helpers_fuzz import EMOJI, INVISIBLE, SPACES, WORDS
from helpers_tag import tagged

from spanmatch.tagging import sources


@pytest.mark.usefixtures("one_thread")
def test_workers(tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    choice = random.Random(pytestconfig.getoption("--fuzz-seed"))
    pieces = [*WORDS, *WORDS, *SPACES, *INVISIBLE, *EMOJI]
    texts = [choice.choice(["", " "]).join(choice.choices(pieces, k=choice.randrange(30))) for _ in range(500)]
    source = write_jsonl(tmp_path / "texts.jsonl", [{"text": text} for text in texts])
    make_matcher(tiny_encoder).save_pretrained(tmp_path / "checkpoint")
    monkeypatch.setattr(sources, "CHUNK_TEXTS", 64)
    one, two = (tagged(tmp_path / "checkpoint", source, tmp_path / f"{n}.jsonl", "--num_workers", n) for n in (0, 2))
    assert one == two and one.count(b"\n") == len(texts) and one.count(b'"score"') > len(texts)
