"""The tokenizer of a checkpoint without transformers: what transformers reads of the same folder."""

import json
from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS
from helpers_encoders import FAMILIES, write_encoder
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from spanmatch.batching.stored_tokenizer import StoredTokenizer
from spanmatch.batching.tokenizer import THRESHOLD_TOKEN, TYPE_MARKER, SequenceTokenizer
from spanmatch.errors import InputError

FIELDS = ("prefix", "middle", "suffix", "pad_id", "max_tokens", "special_ids", "unknown_id")


@pytest.fixture(scope="module", params=FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tokenizer of each family, as a checkpoint holds it: written by transformers, with our tokens."""
    root = tmp_path_factory.mktemp("tokenizers")
    tokenizer = AutoTokenizer.from_pretrained(write_encoder(root / "encoder", request.param))
    tokenizer.add_tokens([TYPE_MARKER, THRESHOLD_TOKEN], special_tokens=True)
    tokenizer.save_pretrained(root / "tokenizer")
    return root / "tokenizer"


def test_is_what_transformers_reads(folder: Path, tmp_path: Path) -> None:
    stored = StoredTokenizer.load(folder)
    stored.save_pretrained(tmp_path / "again")
    texts = [*TEXTS.values(), f"a {TYPE_MARKER} <extra_id_0> [UNK] <unk> </s> |||URL|||"]
    expected = SequenceTokenizer.of(AutoTokenizer.from_pretrained(folder), 32, has_threshold_token=True)
    for tokenizer in (stored, StoredTokenizer.load(tmp_path / "again"), AutoTokenizer.from_pretrained(tmp_path / "again")):
        found = SequenceTokenizer.of(tokenizer, 32, has_threshold_token=True)
        assert found.encode(texts) == expected.encode(texts)
        for name in FIELDS:
            assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.parametrize("extra", [["<x>"], {"image": "<x>"}, [{"content": "<x>", "special": True}]])
def test_special_tokens_in_every_form(extra: Any, folder: Path, tmp_path: Path) -> None:
    StoredTokenizer.load(folder).save_pretrained(tmp_path)
    file = tmp_path / "tokenizer_config.json"
    settings = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(settings | {"extra_special_tokens": extra, "unk_token": None}), encoding="utf-8")
    found = StoredTokenizer.load(tmp_path)
    assert found.unk_token_id is None
    found.backend_tokenizer.add_tokens(["<x>"])
    assert found.backend_tokenizer.token_to_id("<x>") in found.all_special_ids


@pytest.mark.parametrize("settings", [[], {"unk_token": True}, {"pad_token": ["a"]}, {"extra_special_tokens": [{"content": 3}]}])
def test_settings_that_name_no_tokens(settings: Any, folder: Path, tmp_path: Path) -> None:
    StoredTokenizer.load(folder).save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(InputError, match=r"tokenizer_config\.json: (expected a JSON object|a special token must be a text)"):
        StoredTokenizer.load(tmp_path)


def test_a_special_token_that_has_no_id(folder: Path, tmp_path: Path) -> None:
    StoredTokenizer.load(folder).save_pretrained(tmp_path)
    whole = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    content = json.loads(whole.to_str())
    pair = [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[NONE]", "type_id": 0}}]
    content["post_processor"] = {"type": "TemplateProcessing", "single": pair[:1], "pair": pair, "special_tokens": {}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"tokenizer\.json: cannot be used"):
        StoredTokenizer.load(tmp_path)
