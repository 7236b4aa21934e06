"""Training from configuration to checkpoint: it learns, it depends on its seed alone, and a killed run can go on unchanged."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import make_example
from helpers_e2e import (
    NAMES,
    ROOT,
    Result,
    offline_environment,
    read_json,
    sentences,
    train,
    trained_checkpoint,
    write_jsonl,
    write_tiny_encoder,
)
from safetensors.torch import load_file

from spanmatch.data.corpus import Corpus, read_corpus
from spanmatch.entities import EntityType
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.build import build_matcher
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingCollator, TrainingViews, training_windows, write_type
from spanmatch.training.resume import find_last_checkpoint
from spanmatch.training.sampler import BatchPlan, EpochSampler
from spanmatch.training.trainer import MatcherTrainer

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("one_thread")]
TYPES = sorted(NAMES)


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With dropout, as encoders have it."""
    return write_tiny_encoder(tmp_path_factory.mktemp("training") / "encoder")


@pytest.fixture(scope="module")
def still_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without dropout: a step is a function of weights and batch."""
    folder = write_tiny_encoder(tmp_path_factory.mktemp("training") / "encoder")
    config = read_json(folder / "config.json")
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train.jsonl (60), dev.jsonl (30) and test.jsonl (30): eight steps of eight an epoch."""
    folder = tmp_path_factory.mktemp("data")
    for seed, (name, count) in enumerate({"train": 60, "dev": 30, "test": 30}.items()):
        write_jsonl(folder / f"{name}.jsonl", sentences(count, seed))
    return folder


def arguments(encoder: Path, file: Path, output_dir: Path, **flags: object) -> list[str]:
    """The arguments of a small training; None drops a flag."""
    given: dict[str, object] = {
        "train_file": file,
        "text_encoder": encoder,
        "output_dir": output_dir,
        "per_device_train_batch_size": 8,
        "learning_rate": 3e-3,
        "max_span_width": 4,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "bf16": False,
        "use_cpu": True,
    }
    return [str(part) for key, value in (given | flags).items() if value is not None for part in (f"--{key}", value)]


def run(encoder: Path, file: Path, output_dir: Path, **flags: object) -> Result:
    result = train(*arguments(encoder, file, output_dir, **flags))
    assert result.status == 0, result.err
    return result


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def difference(left: Path, right: Path) -> float:
    """The largest difference of any weight of two checkpoints."""
    one, other = weights(left), weights(right)
    assert one.keys() == other.keys()
    return max((one[name] - other[name]).abs().max().item() for name in one)


def card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def card_config(folder: Path) -> dict[str, Any]:
    """The configuration that the model card shows."""
    found = re.search(r"```json\n(.*?)```", card(folder), flags=re.DOTALL)
    assert found is not None
    config: dict[str, Any] = json.loads(found.group(1))
    return config


class TestLearning:
    @pytest.fixture(scope="class")
    def trained(self, encoder: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("learning") / "out"
        files = {"validation_file": data / "dev.jsonl", "test_file": data / "test.jsonl"}
        schedule = {"num_train_epochs": 6, "save_strategy": "epoch", "logging_steps": 1, "seed": 7}
        run(encoder, data / "train.jsonl", folder, **files, **schedule)
        return folder

    def test_the_loss_falls(self, trained: Path) -> None:
        history = read_json(trained / "checkpoint-48" / "trainer_state.json")["log_history"]
        losses = [entry["loss"] for entry in history if "loss" in entry]
        assert len(losses) == 48
        assert sum(losses[-8:]) < 0.2 * sum(losses[:8])

    def test_it_learned(self, trained: Path) -> None:
        assert read_json(trained / "validation" / "metrics.json")["micro"]["f1"] > 0.9
        assert read_json(trained / "test" / "metrics.json")["micro"]["f1"] > 0.9

    def test_what_is_kept(self, trained: Path) -> None:
        assert {"config.json", "model.safetensors", "thresholds.json", "README.md", "tokenizer"} <= {
            path.name for path in trained.iterdir()
        }
        for split in ("validation", "test"):
            assert {"metrics.json", "predictions.jsonl"} <= {path.name for path in (trained / split).iterdir()}
        # save_total_limit: the best and the last.
        assert 1 <= len(list(trained.glob("checkpoint-*"))) <= 2
        assert not list(trained.rglob("*.partial"))

    def test_the_best_checkpoint_is_the_result(self, trained: Path) -> None:
        state = read_json(trained / "checkpoint-48" / "trainer_state.json")
        scores = {entry["step"]: entry["eval_f1"] for entry in state["log_history"] if "eval_f1" in entry}
        assert sorted(scores) == [8, 16, 24, 32, 40, 48]
        best = Path(state["best_model_checkpoint"])
        assert scores[int(best.name.rpartition("-")[2])] == max(scores.values())
        assert difference(best, trained) == 0

    def test_a_checkpoint_loads_and_predicts_the_same(self, trained: Path, tmp_path: Path) -> None:
        texts = [row["text"] for row in sentences(20, 9)]
        loaded = SpanMatcher.from_pretrained(trained, device="cpu", dtype="float32")
        expected = loaded.predict(texts, TYPES)
        assert any(expected)
        loaded.save_pretrained(tmp_path / "again")
        again = SpanMatcher.from_pretrained(tmp_path / "again", device="cpu", dtype="float32")
        assert again.predict(texts, TYPES) == expected
        assert again.calibration == loaded.calibration
        middle = SpanMatcher.from_pretrained(next(trained.glob("checkpoint-*")), device="cpu", dtype="float32")
        assert any(middle.predict(texts, TYPES))

    def test_the_model_card(self, trained: Path, data: Path) -> None:
        content = card(trained)
        for split, file in (("validation", "dev.jsonl (thresholds were chosen on it)"), ("test", "test.jsonl")):
            metrics = read_json(trained / split / "metrics.json")
            numbers = [*(metrics["micro"][name] for name in ("precision", "recall", "f1")), metrics["macro"]["f1"]]
            assert f"| {data / file} | {' | '.join(f'{number:.4f}' for number in numbers)} | {metrics['num_gold']} |" in content
        commit = read_json(trained / "test" / "metrics.json")["commit"]
        assert f"| seed, commit | 7, {commit} |" in content
        assert "| examples | 60 in 60 views, 3 types |" in content
        assert "| steps, time | 48 steps" in content
        assert f"threshold {read_json(trained / 'thresholds.json')['threshold']:.3f}" in content
        config = card_config(trained)
        assert (config["learning_rate"], config["seed"], config["num_train_epochs"]) == (3e-3, 7, 6)
        assert config["train_file"] == [str(data / "train.jsonl")]

    def test_two_runs_of_one_seed_are_one(self, trained: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        files = {"validation_file": data / "dev.jsonl", "test_file": data / "test.jsonl"}
        schedule = {"num_train_epochs": 6, "save_strategy": "epoch", "logging_steps": 1, "seed": 7}
        run(encoder, data / "train.jsonl", tmp_path / "again", **files, **schedule)
        assert difference(trained, tmp_path / "again") == 0
        for split in ("validation", "test"):
            for name in ("metrics.json", "predictions.jsonl"):
                assert (trained / split / name).read_bytes() == (tmp_path / "again" / split / name).read_bytes()
        assert (trained / "thresholds.json").read_bytes() == (tmp_path / "again" / "thresholds.json").read_bytes()


class TestPicture:
    def test_loss_and_f1_are_drawn(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        result = run(encoder, data / "train.jsonl", tmp_path / "out", validation_file=data / "dev.jsonl", eval_strategy="epoch")
        assert "training.png" in result.out
        assert (tmp_path / "out" / "training.png").read_bytes().startswith(b"\x89PNG")

    def test_without_the_extra_it_says_so(
        self, encoder: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("spanmatch.apps.training_curves.missing_modules", lambda *names: list(names))
        result = run(encoder, data / "train.jsonl", tmp_path / "out")
        assert result.status == 0 and "pip install 'spanmatch[report]'" in result.out
        assert not (tmp_path / "out" / "training.png").exists()


def plan(lengths: list[int], inventories: list[int], *, batch_size: int = 8, seed: int = 0) -> BatchPlan:
    return BatchPlan(lengths=np.array(lengths), inventories=np.array(inventories), batch_size=batch_size, seed=seed)


class TestSampling:
    @pytest.fixture
    def views(self, encoder: Path, data: Path, tmp_path: Path) -> Iterator[Any]:
        flags = {"num_negative_types": 1, "type_dropout": 0.3, "type_texts": "mixed"}
        given, training = read_config(arguments(encoder, data / "train.jsonl", tmp_path / "out", **flags), "bi")
        matcher = build_matcher(given, "bi", training)
        views = training_windows(read_corpus(str(data / "train.jsonl")), matcher.batcher)
        yield lambda seed: TrainingViews(views, given, seed)

    @staticmethod
    def drawn(dataset: TrainingViews, order: Any) -> dict[int, Any]:
        return {index: (dataset[index].types, dataset[index].type_texts) for index in order}

    def test_a_function_of_seed_epoch_and_index(self, views: Any) -> None:
        one, other = views(3), views(3)
        for epoch in (0, 1):
            one.set_epoch(epoch)
            other.set_epoch(epoch)
            assert self.drawn(one, range(60)) == self.drawn(other, reversed(range(60)))
        first = self.drawn(one, range(60))
        one.set_epoch(2)
        assert self.drawn(one, range(60)) != first
        reseeded = views(4)
        reseeded.set_epoch(1)
        assert self.drawn(reseeded, range(60)) != first

    def test_global_randomness_has_no_part(self, views: Any) -> None:
        torch.manual_seed(1)
        first = self.drawn(views(3), range(60))
        torch.manual_seed(2)
        assert self.drawn(views(3), range(60)) == first

    def test_an_epoch_holds_every_text_once(self) -> None:
        lengths = [3 + index % 17 for index in range(61)]

        def sampler_of(seed: int) -> EpochSampler:
            return EpochSampler(plan(lengths, [index % 3 for index in range(61)], seed=seed))

        sampler = sampler_of(5)
        orders = []
        for epoch in range(3):
            sampler.set_epoch(epoch)
            orders.append(list(sampler))
            assert sorted(orders[-1]) == list(range(61)) and len(sampler) == 61
        assert orders[0] != orders[1] != orders[2]
        again, reseeded = sampler_of(5), sampler_of(6)
        again.set_epoch(2)
        reseeded.set_epoch(2)
        assert list(again) == orders[2] != list(reseeded)

    def test_batches_are_of_about_one_length(self) -> None:
        lengths = [(index * 37) % 400 for index in range(400)]
        order = list(EpochSampler(plan(lengths, [0] * 400)))
        batches = [order[start : start + 8] for start in range(0, 400, 8)]
        spread = [max(lengths[index] for index in batch) - min(lengths[index] for index in batch) for batch in batches]
        # Eight neighbours among the hundred texts that are sorted together span 33 of 400; eight at random 310.
        assert sum(spread) / len(spread) < 60

    def test_texts_of_a_group_have_one_inventory(self) -> None:
        """All but the few that are left over of each."""
        inventories = [index % 5 for index in range(200)] + list(range(5, 25))
        groups = plan([10] * 220, inventories).groups(0)
        assert sorted(index for group in groups for index in group) == list(range(220))
        shared = [group for group in groups if len({inventories[index] for index in group}) == 1]
        assert len(groups) == 110 and len(shared) == 100  # twenty texts are alone with their inventory

    def test_a_group_shares_its_negatives(self, tiny_matcher: SpanMatcher) -> None:
        """As far as they are not mentioned: a batch has few type columns, and each is known for many texts."""
        types = tuple(EntityType(name=f"type {index}") for index in range(40))
        examples = [make_example("Ada met Bob", [(0, 3, f"type {index % 4}")], types) for index in range(64)]
        views = [view for own in tiny_matcher.batcher.windows(examples) for view in own]
        dataset = TrainingViews(views, MatcherArguments(text_encoder="unused", num_negative_types=6), 0)
        for group in dataset.group(16).groups(0):
            drawn = {item.key for index in group for item in dataset[index].types}
            assert all(len(dataset[index].types) == 7 for index in group) and len(drawn) <= 10
        assert len({item.key for view in dataset for item in view.types}) > 35

    def test_how_a_type_is_written(self) -> None:
        rng = np.random.default_rng(0)
        described = EntityType(name="city", description="a large town", aliases=("town",))
        assert write_type(described, "name", rng) == "city"
        assert write_type(described, "both", rng) == "city: a large town"
        assert {write_type(described, "mixed", rng) for _ in range(100)} == {
            "city",
            "city: a large town",
            "town",
            "a large town",
        }


class TestResuming:
    """Twelve steps, saved every four, eight to an epoch: what goes on from step 4 ends in the next epoch."""

    SCHEDULE = {"max_steps": 12, "save_strategy": "steps", "save_steps": 4, "save_total_limit": 5}

    @pytest.mark.parametrize(
        "flags",
        [
            {"train_sampling_strategy": "group_by_length"},
            {"train_sampling_strategy": "random"},
            {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2},
            {"type_dropout": 0.5, "num_negative_types": 1, "type_encoder": "separate"},
        ],
        ids=["group_by_length", "random", "accumulation", "types"],
    )
    @pytest.mark.parametrize("step", [4, 8])
    def test_a_resumed_run_is_the_same_run(
        self, encoder: Path, data: Path, tmp_path: Path, flags: dict[str, object], step: int
    ) -> None:
        through, resumed = tmp_path / "through", tmp_path / "resumed"
        run(encoder, data / "train.jsonl", through, **self.SCHEDULE, **flags)
        shutil.copytree(through / f"checkpoint-{step}", resumed / f"checkpoint-{step}")
        run(encoder, data / "train.jsonl", resumed, **self.SCHEDULE, **flags, resume_from_checkpoint=True)
        assert difference(through, resumed) <= 1e-6
        assert difference(through / f"checkpoint-{step}", resumed) > 1e-3  # it did go on

    def test_a_named_checkpoint(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        through, resumed = tmp_path / "through", tmp_path / "resumed"
        run(encoder, data / "train.jsonl", through, **self.SCHEDULE)
        named = through / "checkpoint-4"
        run(encoder, data / "train.jsonl", resumed, **self.SCHEDULE, resume_from_checkpoint=named)
        assert difference(through, resumed) <= 1e-6

    def test_a_killed_run_goes_on(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        through, killed = tmp_path / "through", tmp_path / "killed"
        run(encoder, data / "train.jsonl", through, **self.SCHEDULE)
        # Steps that take as long as those of a larger model, so that there is time between two checkpoints.
        slowly = (
            "import time, spanmatch.training.trainer as training\n"
            "compute = training.MatcherTrainer.compute_loss\n"
            "training.MatcherTrainer.compute_loss = lambda *given, **named: (time.sleep(0.25), compute(*given, **named))[1]\n"
            "from spanmatch.cli.main import train_command\n"
            "train_command('bi')\n"
        )
        given = arguments(encoder, data / "train.jsonl", killed, **self.SCHEDULE)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen([sys.executable, "-c", slowly, *given], cwd=ROOT, env=offline_environment(), **quiet)
        try:
            deadline = time.monotonic() + 60
            while not (killed / "checkpoint-4" / "trainer_state.json").is_file():
                assert process.poll() is None and time.monotonic() < deadline, "no checkpoint came"
                time.sleep(0.02)
            time.sleep(0.3)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        assert find_last_checkpoint(killed) == str(killed / "checkpoint-4")
        assert not (killed / "checkpoint-8").exists() and not (killed / "model.safetensors").exists()
        refused = train(*given)
        assert refused.status == 2 and "already holds a training" in refused.err
        run(encoder, data / "train.jsonl", killed, **self.SCHEDULE, resume_from_checkpoint="true")
        assert difference(through, killed) <= 1e-6

    def test_half_a_checkpoint_is_passed_over(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        through, resumed = tmp_path / "through", tmp_path / "resumed"
        run(encoder, data / "train.jsonl", through, **self.SCHEDULE)
        shutil.copytree(through / "checkpoint-4", resumed / "checkpoint-4")
        shutil.copytree(through / "checkpoint-8", resumed / "checkpoint-8")
        (resumed / "checkpoint-8" / "trainer_state.json").unlink()
        (resumed / "checkpoint-8" / "model.safetensors").write_bytes(b"half")
        assert find_last_checkpoint(resumed) == str(resumed / "checkpoint-4")
        run(encoder, data / "train.jsonl", resumed, **self.SCHEDULE, resume_from_checkpoint=True)
        assert difference(through, resumed) <= 1e-6

    def test_which_checkpoint_is_the_last(self, tmp_path: Path) -> None:
        states = {"checkpoint-9": "{}", "checkpoint-10": "{}", "checkpoint-11": '{"a"', "checkpoint-best": "{}"}
        for name, state in states.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "trainer_state.json").write_text(state)
        assert find_last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
        assert find_last_checkpoint(tmp_path / "nowhere") is None

    def test_with_nothing_to_resume_it_starts_afresh(
        self, encoder: Path, data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        run(encoder, data / "train.jsonl", tmp_path / "plain", max_steps=3)
        run(encoder, data / "train.jsonl", tmp_path / "resumed", max_steps=3, resume_from_checkpoint=True)
        assert "starts from the beginning" in caplog.text
        assert difference(tmp_path / "plain", tmp_path / "resumed") == 0

    def test_a_finished_training_is_not_trained_over(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        run(encoder, data / "train.jsonl", tmp_path / "out", max_steps=1)
        assert train(*arguments(encoder, data / "train.jsonl", tmp_path / "out", max_steps=1)).status == 2
        run(encoder, data / "train.jsonl", tmp_path / "out", max_steps=2, overwrite_output_dir=True)

    def test_nothing_of_what_is_overwritten_is_left(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        first = {"max_steps": 1, "type_encoder": "separate", "validation_file": data / "dev.jsonl"}
        run(encoder, data / "train.jsonl", tmp_path / "out", **first)
        assert {"thresholds.json", "type_tokenizer"} <= {path.name for path in (tmp_path / "out").iterdir()}
        run(encoder, data / "train.jsonl", tmp_path / "out", max_steps=1, overwrite_output_dir=True)
        loaded = SpanMatcher.from_pretrained(tmp_path / "out", device="cpu")
        assert loaded.calibration is None and loaded.type_tokenizer is loaded.text_tokenizer

    def test_checkpoints_of_what_is_overwritten_are_not_resumed(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        out, kept = tmp_path / "out", tmp_path / "out" / "checkpoint-notes"
        run(encoder, data / "train.jsonl", out, **self.SCHEDULE)
        kept.mkdir()
        again = self.SCHEDULE | {"max_steps": 4, "seed": 1}
        run(encoder, data / "train.jsonl", out, **again, overwrite_output_dir=True)
        assert find_last_checkpoint(out) == str(out / "checkpoint-4") and kept.is_dir()
        assert not (out / "checkpoint-12").exists()


class TestSteps:
    @pytest.fixture(scope="class")
    def checkpoint(self, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return trained_checkpoint(tmp_path_factory.mktemp("steps") / "checkpoint", encoder)

    def test_continuing_from_a_checkpoint(self, checkpoint: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        ours: dict[str, object] = {
            "pretrained_model_name_or_path": checkpoint,
            "text_encoder": None,
            "max_span_width": None,
            "max_steps": 2,
        }
        run(encoder, data / "train.jsonl", tmp_path / "still", **ours | {"learning_rate": 0.0})
        assert difference(checkpoint, tmp_path / "still") == 0
        run(encoder, data / "train.jsonl", tmp_path / "on", **ours)
        assert 1e-4 < difference(checkpoint, tmp_path / "on") < 0.2

    def test_without_training(self, checkpoint: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        ours: dict[str, object] = {
            "pretrained_model_name_or_path": checkpoint,
            "text_encoder": None,
            "max_span_width": None,
            "train_file": None,
        }
        files = {"validation_file": data / "dev.jsonl", "test_file": data / "test.jsonl"}
        result = run(encoder, data / "train.jsonl", tmp_path / "out", **ours, **files, do_train=False)
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["test", "validation"]
        assert read_json(tmp_path / "out" / "test" / "metrics.json")["micro"]["f1"] > 0.9
        assert "validation\n" in result.out and "test\n" in result.out

    def test_early_stopping(self, checkpoint: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        # Nothing is learned at a rate of 0: the second evaluation is no better than the first.
        ours: dict[str, object] = {
            "pretrained_model_name_or_path": checkpoint,
            "text_encoder": None,
            "max_span_width": None,
            "learning_rate": 0.0,
        }
        schedule = {"num_train_epochs": 9, "save_strategy": "epoch", "early_stopping_patience": 1}
        run(encoder, data / "train.jsonl", tmp_path / "out", **ours, **schedule, validation_file=data / "dev.jsonl")
        assert "| steps, time | 16 steps" in card(tmp_path / "out")

    def test_the_command_line_beats_the_file(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        config = tmp_path / "config.json"
        values = {"train_file": str(data / "train.jsonl"), "text_encoder": str(encoder), "output_dir": str(tmp_path / "out")}
        values |= {"learning_rate": 1e-4, "max_steps": 1, "report_to": "none", "loss": {"name": "bce", "positive_weight": 3.0}}
        config.write_text(json.dumps(values | {"seed": 1, "head_size": 16}), encoding="utf-8")
        result = train(config, "--learning_rate", "5e-4", "--head_size", "24")
        assert result.status == 0, result.err
        shown = card_config(tmp_path / "out")
        assert (shown["learning_rate"], shown["seed"], shown["head_size"]) == (5e-4, 1, 24)
        assert read_json(tmp_path / "out" / "config.json")["head_size"] == 24
        own, _ = read_config([str(config), "--loss", "bce"], "bi")
        assert (own.objective.name, own.objective.options) == ("bce", {})

    @pytest.mark.parametrize("type_encoder", ["shared", "separate"])
    def test_type_encoders(self, encoder: Path, data: Path, tmp_path: Path, type_encoder: str) -> None:
        run(encoder, data / "train.jsonl", tmp_path / "out", max_steps=2, type_encoder=type_encoder)
        state = weights(tmp_path / "out")
        own = {name for name in state if name.startswith("type_encoder.")}
        assert bool(own) == (type_encoder == "separate")
        if own:
            # A copy of the text encoder at the start, trained apart from it.
            assert any(not torch.equal(state[name], state[name.replace("type_encoder", "text_encoder")]) for name in own)
        assert SpanMatcher.from_pretrained(tmp_path / "out", device="cpu").predict("Bob", ["person"], threshold=0.99) == []

    @pytest.mark.parametrize("type_texts", ["both", "name", "mixed"])
    def test_type_texts(self, encoder: Path, tmp_path: Path, type_texts: str) -> None:
        file = write_jsonl(tmp_path / "train.jsonl", sentences(16))
        described = {name: {"name": name, "description": f"a {name} of note", "aliases": [f"{name} name"]} for name in TYPES}
        (tmp_path / "labels.json").write_text(json.dumps(described), encoding="utf-8")
        run(encoder, file, tmp_path / "out", max_steps=2, type_texts=type_texts)
        assert card_config(tmp_path / "out")["type_texts"] == type_texts

    @pytest.mark.parametrize("bf16", [False, True])
    def test_precision(self, encoder: Path, data: Path, tmp_path: Path, bf16: bool) -> None:
        run(encoder, data / "train.jsonl", tmp_path / "out", max_steps=4, bf16=bf16, validation_file=data / "dev.jsonl")
        assert {tensor.dtype for tensor in weights(tmp_path / "out").values()} == {torch.float32}
        assert card_config(tmp_path / "out")["bf16"] is bf16

    def test_each_part_has_its_rate(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        rates = {"learning_rate": 1e-3, "type_encoder_learning_rate": 2e-3, "head_learning_rate": 3e-3}
        flags = {"type_encoder": "separate", "weight_decay": 0.25}
        given, training = read_config(arguments(encoder, data / "train.jsonl", tmp_path / "out", **rates, **flags), "bi")
        matcher = build_matcher(given, "bi", training)
        trainer = MatcherTrainer(matcher=matcher, arguments=given, args=training, train_dataset=None, validation=None)
        rate_of, decay_of = {}, {}
        for group in trainer.create_optimizer().param_groups:
            for parameter in group["params"]:
                assert id(parameter) not in rate_of
                rate_of[id(parameter)], decay_of[id(parameter)] = group["lr"], group["weight_decay"]
        expected = {"text_encoder": 1e-3, "type_encoder": 2e-3, "head": 3e-3}
        parameters = dict(matcher.model.named_parameters())
        assert len(rate_of) == len(parameters)
        for name, parameter in parameters.items():
            assert rate_of[id(parameter)] == expected[name.partition(".")[0]], name
            is_bare = parameter.ndim < 2 or "LayerNorm" in name
            assert decay_of[id(parameter)] == (0.0 if is_bare else 0.25), name

    def test_rates_by_default(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        given, training = read_config(arguments(encoder, data / "train.jsonl", tmp_path / "out", learning_rate=1e-3), "bi")
        matcher = build_matcher(given, "bi", training)
        trainer = MatcherTrainer(matcher=matcher, arguments=given, args=training, train_dataset=None, validation=None)
        head = {id(parameter) for parameter in matcher.model.head.parameters()}
        for group in trainer.create_optimizer().param_groups:
            for parameter in group["params"]:
                assert group["lr"] == pytest.approx(5e-3 if id(parameter) in head else 1e-3)


class TestAccumulation:
    """The loss is per positive of a micro-batch, and micro-batches are averaged: with as many positives in each of two
    micro-batches of 4, a step is that of one batch of 8; in general it is the mean of their steps."""

    PLAIN = {
        "max_steps": 1, "optim": "sgd", "learning_rate": 0.01, "weight_decay": 0, "max_grad_norm": 0, "warmup_steps": 0,
        "lr_scheduler_type": "constant", "train_sampling_strategy": "sequential",
    }  # fmt: skip

    @staticmethod
    def rows(*positives: int) -> list[dict[str, Any]]:
        """Texts of one length and so many spans each."""
        words = ["Paris", "Lima", "Oslo"]
        return [
            {
                "text": "Paris Lima Oslo .",
                "char_spans": [
                    {"start": 6 * index - (index == 2), "end": 6 * index - (index == 2) + len(words[index]), "label": "city"}
                    for index in range(count)
                ],
                "labels": TYPES,
            }
            for count in positives
        ]

    def moved(self, encoder: Path, folder: Path, rows: list[dict[str, Any]], **flags: object) -> dict[str, torch.Tensor]:
        """What one plain step adds to the weights."""
        file = write_jsonl(folder / "train.jsonl", rows)
        run(encoder, file, folder / "start", **self.PLAIN | {"learning_rate": 0.0}, **flags)
        run(encoder, file, folder / "end", **self.PLAIN, **flags)
        start, end = weights(folder / "start"), weights(folder / "end")
        return {name: end[name] - start[name] for name in end}

    def assert_equal(self, one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> None:
        assert max(step.abs().max().item() for step in one.values()) > 1e-4
        for name in one:
            torch.testing.assert_close(one[name], other[name], atol=2e-6, rtol=1e-4)

    def test_equal_positives_make_one_batch(self, still_encoder: Path, tmp_path: Path) -> None:
        rows = self.rows(1, 2, 1, 2, 2, 1, 2, 1)
        two = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
        accumulated = self.moved(still_encoder, tmp_path / "accumulated", rows, **two)
        whole = self.moved(still_encoder, tmp_path / "whole", rows, per_device_train_batch_size=8)
        self.assert_equal(accumulated, whole)

    def test_in_general_the_mean_of_the_steps(self, still_encoder: Path, tmp_path: Path) -> None:
        rows = self.rows(3, 3, 3, 3, 1, 0, 1, 0)
        two = {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
        accumulated = self.moved(still_encoder, tmp_path / "accumulated", rows, **two)
        first = self.moved(still_encoder, tmp_path / "first", rows[:4], per_device_train_batch_size=4)
        second = self.moved(still_encoder, tmp_path / "second", rows[4:], per_device_train_batch_size=4)
        self.assert_equal(accumulated, {name: (first[name] + second[name]) / 2 for name in first})


class TestLongTexts:
    @pytest.fixture
    def long(self, tmp_path: Path) -> Path:
        """One text of many windows with a city every ten words."""
        text, spans = "", []
        for index in range(40):
            text += "It rained again in the office of nobody , "
            spans.append({"start": len(text), "end": len(text) + 4, "label": "city"})
            text += ("Lima", "Oslo")[index % 2] + " "
        return write_jsonl(tmp_path / "long.jsonl", [{"text": text, "char_spans": spans, "labels": TYPES}])

    def test_every_gold_span_is_trained_once(self, encoder: Path, long: Path, tmp_path: Path) -> None:
        given, training = read_config(arguments(encoder, long, tmp_path / "out"), "bi")
        matcher = build_matcher(given, "bi", training)
        views = training_windows(read_corpus(str(long)), matcher.batcher)
        assert len(views) > 4
        collator = TrainingCollator(batcher=matcher.batcher)
        dataset = TrainingViews(views, given, 0)
        batch = collator([dataset[index] for index in range(len(views))])
        assert batch["positives"].sum().item() == 40
        assert not (batch["positives"] & ~batch["valid"]).any()
        words = len(read_corpus(str(long)).examples[0].words)
        candidates = sum(words - width for width in range(4))
        assert batch["texts"].candidates.sum().item() == candidates  # each owned by one window
        assert batch["texts"].input_ids.shape[1] <= 64

    def test_windows_are_trained(self, encoder: Path, long: Path, tmp_path: Path) -> None:
        schedule = {"num_train_epochs": 12, "per_device_train_batch_size": 4}
        run(encoder, long, tmp_path / "out", **schedule, validation_file=long, eval_strategy="no")
        shown = re.search(r"\| examples \| 1 in (\d+) views", card(tmp_path / "out"))
        assert shown is not None and int(shown.group(1)) > 4
        metrics = read_json(tmp_path / "out" / "validation" / "metrics.json")
        assert metrics["num_gold"] == 40 and metrics["micro"]["f1"] > 0.95


class TestWindow:
    """The window of the text encoder follows the training texts, unless it is asked for."""

    @pytest.mark.parametrize(
        ("asked", "num_words", "expected"), [(None, 5, 64), (None, 100, 128), (None, 1000, 512), (200, 100, 200)]
    )
    def test_window(self, tmp_path: Path, asked: int | None, num_words: int, expected: int) -> None:
        encoder = write_tiny_encoder(tmp_path / "encoder", max_positions=512)
        arguments = MatcherArguments(text_encoder=str(encoder), max_length=asked)
        training = MatcherTrainingArguments(output_dir=str(tmp_path), report_to="none")
        texts = ["in " * num_words] * 99 + ["in " * 2000]
        corpus = Corpus(examples=[make_example(text) for text in texts])
        assert build_matcher(arguments, "bi", training, corpus).config.max_length == expected
