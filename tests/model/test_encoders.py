"""Loading encoders: sentence-transformers folders, encoder-decoders, and their dropout."""

import json
from pathlib import Path

import pytest
import torch
from helpers import HIDDEN, TYPES, collate_types, make_matcher
from helpers_e2e import run_subprocess, write_tiny_encoder
from helpers_encoders import FAMILIES, write_encoder
from transformers import AutoTokenizer, T5Config, T5Model

from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.errors import InputError
from spanmatch.model.encoders import encoder_from_config, frozen_copy, load_pretrained, load_type_encoder, set_dropout
from spanmatch.model.model import type_states
from spanmatch.prediction.matcher import SpanMatcher


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("encoders") / "tiny")


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": "lasttoken"}, "mean"),
    ],
)
def test_the_pooling_of_a_sentence_transformers_folder(
    folder: Path, tmp_path: Path, config: dict[str, object], expected: str
) -> None:
    sentence = write_tiny_encoder(tmp_path / "sentence")
    (sentence / "modules.json").write_text(
        json.dumps([{"path": "", "type": "x.Transformer"}, {"path": "1_Pooling", "type": "x.Pooling"}])
    )
    (sentence / "1_Pooling").mkdir()
    (sentence / "1_Pooling" / "config.json").write_text(json.dumps(config))
    assert load_pretrained(str(sentence)).pooling == expected
    assert load_pretrained(str(folder)).pooling is None


def test_there_is_no_pooler(folder: Path) -> None:
    assert not [name for name, _ in load_pretrained(str(folder)).model.named_parameters() if "pooler" in name]


def test_an_encoder_is_built_again_from_its_configuration(folder: Path) -> None:
    loaded = load_pretrained(str(folder)).model
    config = loaded.config.to_diff_dict() | {"model_type": loaded.config.model_type}
    built = encoder_from_config(json.loads(json.dumps(config)))
    assert {name: value.shape for name, value in built.state_dict().items()} == {
        name: value.shape for name, value in loaded.state_dict().items()
    }


def test_an_encoder_decoder_is_used_by_its_encoder(folder: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    config = T5Config(vocab_size=len(tokenizer), d_model=16, d_kv=4, d_ff=32, num_layers=1, num_heads=2)
    T5Model(config).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    loaded = load_pretrained(str(tmp_path))
    assert not [name for name, _ in loaded.model.named_parameters() if "decoder" in name]
    batch = collate_types(["person", "city"], SequenceTokenizer.of(loaded.tokenizer, 32))
    assert type_states(loaded.model, batch, "mean").shape == (2, 16)


@pytest.mark.parametrize("family", FAMILIES)
def test_dropout_is_set_everywhere(family: str, tmp_path: Path) -> None:
    """Of 0, an encoder in training computes what it does otherwise, also in attention; of a half, no two passes are alike."""
    loaded = load_pretrained(str(write_encoder(tmp_path / "encoder", family)))
    model, batch = (
        loaded.model,
        collate_types(["person who writes about a city", "city"], SequenceTokenizer.of(loaded.tokenizer, 32)),
    )
    dropping = [module for module in model.modules() if isinstance(module, torch.nn.Dropout)]
    with torch.no_grad():
        still = type_states(model.eval(), batch, "mean")
        set_dropout(model.train(), 0.0)
        assert torch.equal(type_states(model, batch, "mean"), still)
        set_dropout(model, 0.5)
        assert {module.p for module in dropping} <= {0.5}, "BART has numbers alone"
        one, other = type_states(model, batch, "mean"), type_states(model, batch, "mean")
    assert bool(((one - other).abs().amax(dim=1) > 0.1).all())


def test_dropout_of_attention_that_is_a_number() -> None:
    """... and what is no share of anything stays: other numbers, a flag, and modules by that name."""
    module = torch.nn.Linear(2, 2)
    module.attention_dropout, module.scaling, module.drop = 0.1, 0.25, 0.3
    module.dropout = torch.nn.Dropout(0.1)
    flagged = torch.nn.ReLU()
    flagged.dropout = True
    set_dropout(torch.nn.Sequential(module, flagged), 0.4)
    assert (module.attention_dropout, module.scaling, module.drop, module.dropout.p) == (0.4, 0.25, 0.3, 0.4)
    assert flagged.dropout is True


@pytest.fixture(scope="module")
def sentence_encoder(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    words = Transformer(str(tiny_encoder))
    pooling = Pooling(HIDDEN, pooling_mode="cls")
    prompts = {"prompts": {"type": "a kind of thing: "}, "default_prompt_name": "type"}
    made = SentenceTransformer(modules=[words, pooling, Normalize()], device="cpu", **prompts)
    folder = tmp_path_factory.mktemp("sentences") / "encoder"
    made.save(str(folder))
    return folder


class TestTypeEncoderOfSentenceTransformers:
    """Loaded through that library: its pooling, its normalisation, its prompt."""

    def test_it_is_what_the_library_computes(self, tiny_encoder: Path, sentence_encoder: Path) -> None:
        """... up to the length that all states have."""
        from sentence_transformers import SentenceTransformer

        matcher = make_matcher(tiny_encoder, type_encoder=str(sentence_encoder))
        config = matcher.config
        assert (config.type_pooling, config.type_prompt) == ("cls", "a kind of thing: ") and config.type_norm
        batch = collate_types(TYPES, matcher.batcher.lone_type_tokenizer)
        with torch.inference_mode():
            states = type_states(matcher.model.type_encoder, batch, config.type_pooling, norm=config.type_norm)
        library = SentenceTransformer(str(sentence_encoder), device="cpu")
        expected = library.encode(TYPES, prompt_name="type", convert_to_tensor=True)
        torch.testing.assert_close(states / config.type_norm, expected, rtol=0, atol=1e-5)

    def test_a_checkpoint_keeps_it(self, tiny_encoder: Path, sentence_encoder: Path, tmp_path: Path) -> None:
        matcher = make_matcher(tiny_encoder, type_encoder=str(sentence_encoder))
        matcher.save_pretrained(tmp_path / "checkpoint")
        loaded = SpanMatcher.from_pretrained(tmp_path / "checkpoint", device="cpu", dtype="float32")
        assert loaded.config == matcher.config
        assert torch.equal(loaded.encode_types(TYPES).embeddings, matcher.encode_types(TYPES).embeddings)

    def test_a_module_that_cannot_be_kept(self, tiny_encoder: Path, tmp_path: Path) -> None:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import Dense, Pooling, Transformer

        modules = [Transformer(str(tiny_encoder)), Pooling(HIDDEN), Dense(HIDDEN, 8)]
        SentenceTransformer(modules=modules, device="cpu").save(str(tmp_path / "encoder"))
        with pytest.raises(InputError, match=r'has a module "Dense", which is not supported'):
            load_type_encoder(str(tmp_path / "encoder"))

    def test_the_library_is_imported_for_it_alone(self, tiny_encoder: Path) -> None:
        code = (
            "import sys\n"
            "from spanmatch.model.encoders import load_type_encoder\n"
            f"load_type_encoder({str(tiny_encoder)!r})\n"
            "print('sentence_transformers' in sys.modules)"
        )
        assert run_subprocess("-c", code).out.strip() == "False"


@pytest.mark.parametrize("family", FAMILIES)
def test_a_frozen_copy_computes_the_same(family: str, tmp_path: Path) -> None:
    """... also in the middle of a training, whose weights it does not share."""
    loaded = load_pretrained(str(write_encoder(tmp_path / "encoder", family)))
    types = collate_types(TYPES, SequenceTokenizer.of(loaded.tokenizer, 32))
    loaded.model.eval()
    expected = type_states(loaded.model, types, "mean")
    copied = frozen_copy(loaded.model, device="cpu", dtype=torch.float32)
    with torch.no_grad():
        for weight in loaded.model.train().parameters():
            weight.zero_()
    assert not any(weight.requires_grad for weight in copied.parameters()) and not copied.training
    torch.testing.assert_close(type_states(copied, types, "mean"), expected.detach(), rtol=1e-4, atol=1e-5)
