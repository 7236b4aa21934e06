"""Every family of encoders, in both architectures, through the real commands: train, save, load, predict."""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import helpers
import numpy as np
import pytest
import torch
from helpers import assert_same, make_example, scores_of, token_ids
from helpers_e2e import Result, run_in_process, sentences, write_jsonl
from helpers_encoders import FAMILIES, HIDDEN, POSITIONS, write_encoder

from spanmatch.batching.collate import collate_texts
from spanmatch.batching.tokenizer import THRESHOLD_TOKEN, TYPE_MARKER, SequenceTokenizer
from spanmatch.cli import main as cli
from spanmatch.config import ARCHITECTURES
from spanmatch.data.words import split_words
from spanmatch.entities import as_entity_types
from spanmatch.errors import InputError
from spanmatch.model.encoders import PretrainedEncoder, add_tokens, encoder_from_config, load_pretrained
from spanmatch.model.model import text_states
from spanmatch.model.pretrained import max_positions
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.build import build_matcher
from spanmatch.training.trainer import MatcherTrainer

TYPES = ["city", "company", "person"]
WIDTH = 3
WINDOW = 32
OURS = f"Ada {TYPE_MARKER} in {THRESHOLD_TOKEN} of <extra_id_0> [UNK] <unk> |||URL||| Bob"
LONG = " ".join(["Ada Lovelace  moved to New York, Zoë Müller to Montréal 👩‍💻; 马云在杭州."] * 6)
TEXTS = [*helpers.TEXTS.values(), OURS, LONG, "Bob"]
# Every candidate and type passes: a probability for one objective, far below the null slot for the other.
EVERYTHING: dict[str, Any] = {"bce": 1e-15, "contrastive": "label_token-60"}
# One without null slots, and one with them.
LOSS = {"bi": "bce", "cross": "contrastive"}
STEPS = 6


@dataclass(kw_only=True)
class Training:
    """What a training command did, step by step, and what it left."""

    folder: Path
    result: Result
    losses: list[float] = field(default_factory=list)
    without_gradient: set[str] = field(default_factory=set)
    checkpointed: bool = False
    matcher: SpanMatcher | None = None


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A family's pretrained encoder, written when it is first asked for."""
    root = tmp_path_factory.mktemp("families")

    def folder(name: str) -> Path:
        return root / name if (root / name).is_dir() else write_encoder(root / name, name)

    return folder


@pytest.fixture(scope="module")
def run_training(folders: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Training]:
    """Train a family a few steps with the real command; every step has all of the data. Equal trainings are run once."""
    data = write_jsonl(tmp_path_factory.mktemp("data") / "train.jsonl", sentences(24))
    done: dict[tuple[object, ...], Training] = {}

    def run(name: str, architecture: str, *options: object) -> Training:
        key = (name, architecture, *options)
        if key not in done:
            done[key] = _train(folders(name), data, tmp_path_factory.mktemp("out") / "out", architecture, options)
        return done[key]

    return run


def _train(encoder: Path, data: Path, out: Path, architecture: str, options: Sequence[object]) -> Training:
    given = ["--train_file", data, "--text_encoder", encoder, "--output_dir", out, "--loss", LOSS[architecture]]
    given += ["--num_train_epochs", STEPS, "--per_device_train_batch_size", 24, "--learning_rate", 2e-3, "--warmup_steps", 0]
    given += ["--max_span_width", WIDTH, "--max_length", WINDOW, "--head_size", 16, "--save_strategy", "no"]
    given += ["--report_to", "none", "--disable_tqdm", "true", *(() if "--bf16" in options else ("--bf16", "false")), *options]
    training = Training(folder=out, result=Result(status=-1, out="", err=""))
    step = MatcherTrainer.training_step

    def watched(self: MatcherTrainer, *arguments: Any, **named: Any) -> torch.Tensor:
        loss = step(self, *arguments, **named)
        parameters = self.matcher.model.named_parameters()
        training.without_gradient |= {name for name, weight in parameters if weight.grad is None}
        modules = self.matcher.model.text_encoder.modules()
        training.checkpointed = any(getattr(module, "gradient_checkpointing", False) for module in modules)
        training.losses.append(float(loss))
        training.matcher = self.matcher
        return loss

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MatcherTrainer, "training_step", watched)
        command = f"train_{architecture}_encoder.py"
        training.result = run_in_process(lambda: cli.train_command(architecture), command, *given)
    assert training.result.status == 0, training.result.err
    return training


@pytest.fixture(scope="module", params=FAMILIES)
def name(request: pytest.FixtureRequest) -> str:
    """Each family in turn."""
    return str(request.param)


@pytest.fixture(scope="module", params=ARCHITECTURES)
def architecture(request: pytest.FixtureRequest) -> str:
    """Each architecture in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def loaded(name: str, folders: Callable[[str], Path]) -> PretrainedEncoder:
    """The family's encoder. Not to be changed."""
    encoder = load_pretrained(str(folders(name)))
    encoder.model.eval()
    return encoder


def everything(matcher: SpanMatcher, texts: Sequence[str], batch_size: int = 32) -> list[dict[tuple[int, int, str], float]]:
    """The score of every candidate and type of each text, over lines too, once and with its own stretch of the text."""
    given: dict[str, Any] = {"threshold": EVERYTHING[matcher.config.objective], "overlap": "multi-label", "line_breaks": "cross"}
    predicted = matcher.predict(texts, TYPES, **given, batch_size=batch_size)
    scores = [{(item.start, item.end, item.label): item.score for item in found} for found in predicted]
    for text, found, own in zip(texts, predicted, scores, strict=True):
        assert len(found) == len(own)
        assert all(item.text == text[item.start : item.end] for item in found)
    return scores


def word_spans(text: str) -> set[tuple[int, int, str]]:
    """Every run of at most `WIDTH` words, as every type."""
    words = split_words(text)
    runs = [(first, last) for first in range(len(words)) for last in range(first, min(first + WIDTH, len(words)))]
    return {(words[first][0], words[last][1], label) for first, last in runs for label in TYPES}


def batch_of(encoder: PretrainedEncoder, texts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
    tokenizer = SequenceTokenizer.of(encoder.tokenizer, WINDOW)
    ids, mask = tokenizer.pad([np.array(ids[: tokenizer.max_tokens]) for ids in token_ids(texts, tokenizer)])
    return torch.from_numpy(ids), torch.from_numpy(mask)


class TestCommands:
    @pytest.fixture
    def training(self, name: str, architecture: str, run_training: Callable[..., Training]) -> Training:
        return run_training(name, architecture)

    @pytest.fixture
    def matcher(self, training: Training) -> SpanMatcher:
        return SpanMatcher.from_pretrained(training.folder, device="cpu", dtype="float32")

    def test_it_learns(self, training: Training) -> None:
        assert len(training.losses) == STEPS and all(map(math.isfinite, training.losses))
        assert training.losses[-1] < 0.97 * training.losses[0]

    def test_every_weight_has_a_gradient(self, training: Training) -> None:
        """A weight without one breaks data-parallel training."""
        assert training.losses and not training.without_gradient

    def test_loaded_is_trained(self, training: Training, matcher: SpanMatcher) -> None:
        assert training.matcher is not None
        state = training.matcher.model.state_dict()
        assert matcher.config == training.matcher.config and matcher.model.state_dict().keys() == state.keys()
        assert all(torch.equal(state[key], weight) for key, weight in matcher.model.state_dict().items())
        assert_same(everything(matcher, TEXTS), everything(training.matcher, TEXTS))
        assert_same(*(list(map(scores_of, either.predict(TEXTS, TYPES))) for either in (matcher, training.matcher)))

    def test_every_candidate_is_found(self, matcher: SpanMatcher) -> None:
        """With the characters that it stands at, through windows, whatever the tokenizer makes of a text."""
        [views] = matcher.batcher.windows([make_example(LONG)])
        assert len(views) > 3
        for text, found in zip(TEXTS, everything(matcher, TEXTS), strict=True):
            assert found.keys() == word_spans(text), text

    def test_padding_has_no_influence(self, matcher: SpanMatcher) -> None:
        together, alone = everything(matcher, TEXTS, 64), everything(matcher, TEXTS, 1)
        for one, other in zip(together, alone, strict=True):
            assert list(one.values()) == pytest.approx([other[key] for key in one], rel=0, abs=1e-5)
        assert max(max(found.values()) - min(found.values()) for found in together) > 1e-3, "or there is nothing to compare"

    def test_bfloat16_with_less_memory(self, name: str, run_training: Callable[..., Training]) -> None:
        """Activations that are computed again take the same steps, half precision nearly the same."""
        plain = run_training(name, "bi")
        half = run_training(name, "bi", "--gradient_checkpointing", "true", "--bf16", "true")
        assert half.checkpointed and not plain.checkpointed and not half.without_gradient
        assert half.losses == pytest.approx(plain.losses, rel=0.05) and half.losses != plain.losses
        matcher = SpanMatcher.from_pretrained(half.folder, device="cpu", dtype="bfloat16")
        exact = SpanMatcher.from_pretrained(half.folder, device="cpu", dtype="float32")
        for one, other in zip(everything(matcher, TEXTS[:4]), everything(exact, TEXTS[:4]), strict=True):
            assert list(one.values()) == pytest.approx([other[key] for key in one], rel=0, abs=0.05)


def matcher_around(folder: Path, architecture: str, loss: str = "contrastive") -> SpanMatcher:
    """An untrained matcher, as a training begins with it."""
    arguments = MatcherArguments(text_encoder=str(folder), loss=loss, head_size=16, max_length=WINDOW)
    training = MatcherTrainingArguments(output_dir="unused", bf16=False, use_cpu=True, report_to="none")
    return build_matcher(arguments, architecture, training)


class TestNullSlots:
    def test_those_that_the_encoder_has(self, name: str, architecture: str, folders: Callable[[str], Path]) -> None:
        matcher = matcher_around(folders(name), architecture)
        has_cls = FAMILIES[name].has_cls
        before = FAMILIES[name].around[0]  # a decoder has a token there that is no cls_token
        assert matcher.config.null_slots == ({"cls": 0, "label_token": 1} if has_cls else {"label_token": len(before)})
        [views] = matcher.batcher.windows([make_example("Ada met Bob")])
        ids = collate_texts(views, matcher.batcher).input_ids[0].tolist()
        expected = [*before, THRESHOLD_TOKEN]
        assert matcher.text_tokenizer.convert_ids_to_tokens(ids[: len(expected)]) == expected

    def test_cls_alone(self, name: str, folders: Callable[[str], Path]) -> None:
        loss = '{"name": "contrastive", "null_slots": ["cls"]}'
        if FAMILIES[name].has_cls:
            matcher = matcher_around(folders(name), "bi", loss)
            assert matcher.config.null_slots == {"cls": 0} and THRESHOLD_TOKEN not in matcher.text_tokenizer.get_vocab()
        else:
            with pytest.raises(InputError, match=r'no cls_token for the null slot "cls"; use "null_slots": \["label_token"\]'):
                matcher_around(folders(name), "bi", loss)


class TestEncoders:
    def test_it_is_the_pretrained_one(self, name: str, loaded: PretrainedEncoder, folders: Callable[[str], Path]) -> None:
        """Without heads, pooler and decoder, and with the states that it had among them."""
        whole = FAMILIES[name].pretrained.from_pretrained(folders(name)).eval()
        encoder = whole.get_encoder() if type(whole.config).is_encoder_decoder else whole.base_model
        if FAMILIES[name].is_decoder:
            whole.config.is_causal = False  # the library's own way to have a token see what follows it
        ids, mask = batch_of(loaded, ["Ada Lovelace met Bob in New York", "Lima"])
        with torch.inference_mode():
            expected = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
            states = loaded.model(input_ids=ids, attention_mask=mask).last_hidden_state
        torch.testing.assert_close(states, expected, rtol=0, atol=0)
        assert states.shape == (*ids.shape, HIDDEN) and loaded.model.config.hidden_size == HIDDEN
        parts = {part for key in loaded.model.state_dict() for part in key.split(".")}
        assert not parts & {"pooler", "decoder", "cls", "head", "lm_head", "discriminator_predictions", "shared"}

    def test_a_token_sees_both_sides(self, name: str, folders: Callable[[str], Path]) -> None:
        """... whether or not there is padding, which the library builds other masks for, and when it is built again."""
        matcher = matcher_around(folders(name), "bi")
        encoder, built = matcher.model.text_encoder.eval(), encoder_from_config(matcher.config.text_encoder)
        built.load_state_dict(encoder.state_dict())
        ids = torch.arange(5, 15).unsqueeze(0)
        other = ids.clone()
        other[0, 6] += 20
        for model in (encoder, built.eval()):
            for padding in (0, 3):
                mask = torch.nn.functional.pad(torch.ones_like(ids), (0, padding))
                padded = [torch.nn.functional.pad(item, (0, padding)) for item in (ids, other)]
                with torch.inference_mode():
                    one, two = (model(input_ids=item, attention_mask=mask).last_hidden_state for item in padded)
                changed = (one - two).abs().amax(dim=-1)[0, :10] > 1e-6
                assert changed[2:].all(), changed

    def test_it_is_built_again(self, name: str, architecture: str, folders: Callable[[str], Path]) -> None:
        matcher = matcher_around(folders(name), architecture)
        described = matcher.config.text_encoder
        assert json.loads(json.dumps(described)) == described
        built, encoder = encoder_from_config(described), matcher.model.text_encoder
        assert type(built) is type(encoder)
        built.load_state_dict(encoder.state_dict(), strict=True)
        ids, mask = torch.arange(5, 35).reshape(2, 15), torch.ones(2, 15, dtype=torch.int64)
        with torch.inference_mode():
            states = [model.eval()(input_ids=ids, attention_mask=mask).last_hidden_state for model in (built, encoder)]
        assert torch.equal(*states)

    def test_the_longest_sequence(self, name: str, loaded: PretrainedEncoder) -> None:
        tokenizer, asked = loaded.tokenizer, loaded.tokenizer.model_max_length
        longest = max_positions(loaded.model.config, tokenizer)
        assert longest == (512 if name == "mT5" else POSITIONS)
        tokenizer.model_max_length = 10**9
        assert max_positions(loaded.model.config, tokenizer) == (512 if "T5" in name else POSITIONS)
        tokenizer.model_max_length = asked

        def run(length: int) -> torch.Tensor:
            ids = torch.full((1, length), len(tokenizer) - 1)
            states: torch.Tensor = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            return states

        with torch.inference_mode():
            assert run(longest).isfinite().all()
            if FAMILIES[name].positions is not None:
                with pytest.raises((IndexError, RuntimeError)):
                    run(longest + 1)

    def test_segments_where_there_are_some(self, name: str, folders: Callable[[str], Path]) -> None:
        """A cross-encoder's types are another segment than the text; other encoders are not asked."""
        matcher = matcher_around(folders(name), "cross")
        example = make_example("Ada met Bob")
        [[window]] = matcher.batcher.windows([replace(example, types=as_entity_types(TYPES))])
        batch = collate_texts(matcher.batcher.passes([window]), matcher.batcher)
        assert batch.segment_ids.any() and not batch.segment_ids.all()
        encoder = matcher.model.text_encoder.eval()
        with torch.inference_mode():
            states = text_states(encoder, batch)
            batch.segment_ids.zero_()
            same = torch.equal(text_states(encoder, batch), states)
        assert same is not FAMILIES[name].segments

    def test_tokens_are_added(self, name: str, folders: Callable[[str], Path]) -> None:
        """Behind the vocabulary, into embeddings that have no token where there are such."""
        encoder = load_pretrained(str(folders(name)))
        model, tokenizer, spare = encoder.model, encoder.tokenizer, FAMILIES[name].spare
        before = model.get_input_embeddings().weight.detach().clone()
        known = len(tokenizer)
        assert len(before) == known + spare
        add_tokens(model, tokenizer, [TYPE_MARKER, THRESHOLD_TOKEN])
        after = model.get_input_embeddings().weight.detach()
        assert tokenizer.convert_tokens_to_ids([TYPE_MARKER, THRESHOLD_TOKEN]) == [known, known + 1]
        assert len(after) == model.config.vocab_size == max(len(before), known + 2)
        assert torch.equal(after[:known], before[:known]) and torch.equal(after[known + 2 :], before[known + 2 :])
        assert after[known : known + 2].std() == pytest.approx(float(before.std()), rel=0.5)
        assert not torch.equal(after[known], after[known + 1])


class TestTokenizers:
    def test_the_special_tokens_of_a_sequence(self, name: str, loaded: PretrainedEncoder) -> None:
        tokenizer = SequenceTokenizer.of(loaded.tokenizer, WINDOW)
        parts = tokenizer.prefix, tokenizer.middle, tokenizer.suffix
        assert tuple(tuple(loaded.tokenizer.convert_ids_to_tokens(list(part))) for part in parts) == FAMILIES[name].around
        assert tokenizer.max_tokens == WINDOW - len(tokenizer.prefix) - len(tokenizer.suffix)
        assert tokenizer.pad_id == loaded.tokenizer.pad_token_id

    @pytest.mark.parametrize(("text", "other"), [("Ada met Bob", "in Lima"), ("a", "a"), ("", "x"), ("杭州 😀", "  x")])
    def test_they_are_those_of_the_tokenizer(self, text: str, other: str, loaded: PretrainedEncoder) -> None:
        tokenizer = SequenceTokenizer.of(loaded.tokenizer, WINDOW)
        first, second = ([*ids] for ids in token_ids([text, other], tokenizer))
        prefix, middle, suffix = ([*part] for part in (tokenizer.prefix, tokenizer.middle, tokenizer.suffix))
        assert loaded.tokenizer(text)["input_ids"] == [*prefix, *first, *suffix]
        assert loaded.tokenizer(text, other)["input_ids"] == [*prefix, *first, *middle, *second, *suffix]

    def test_a_special_token_in_a_text_is_text(self, name: str, architecture: str, folders: Callable[[str], Path]) -> None:
        matcher = matcher_around(folders(name), architecture)
        tokenizer, texts = matcher.text_tokenizer, [helpers.TEXTS["markers"], OURS]
        special = {*tokenizer.all_special_tokens, TYPE_MARKER, THRESHOLD_TOKEN} - {tokenizer.unk_token}
        found = [set(tokenizer.convert_ids_to_tokens(ids)) for ids in tokenizer(texts)["input_ids"]]
        assert special & found[1] >= {THRESHOLD_TOKEN}, "the tokenizer alone would find them"
        for ids in token_ids(texts, matcher.batcher.text_tokenizer):
            assert not special & set(tokenizer.convert_ids_to_tokens(ids))
