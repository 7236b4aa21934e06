"""A training from its configuration to its files: it learns, and it depends on its seed alone."""

import csv
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers_e2e import (
    NAMES,
    end_in_time,
    evaluate,
    offline_environment,
    read_json,
    read_jsonl,
    sentences,
    snapshot,
    train,
    trained_checkpoint,
    write_jsonl,
)
from helpers_training import arguments, card, card_config, difference, run, weights

from spanmatch.batching.tokenizer import SequenceTokenizer
from spanmatch.data.formats.convert import convert
from spanmatch.prediction.matcher import SpanMatcher

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("one_thread")]
TYPES = sorted(NAMES)
# What `run` gives of itself and has no effect where nothing is trained.
OF_TRAINING = ("text_encoder", "max_span_width", "train_file", "learning_rate", "per_device_train_batch_size")
UNTRAINED: dict[str, object] = dict.fromkeys(OF_TRAINING) | {"do_train": False}


class TestAdapters:
    """Adapters of the text encoder, over the weights that the frozen type encoder has, too."""

    FLAGS = {"lora_rank": 2, "type_encoder": "separate", "max_steps": 6}

    def test_what_is_trained_and_stored(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        saved = {"save_strategy": "steps", "save_steps": 3, "validation_file": data / "dev.jsonl", "eval_strategy": "no"}
        run(encoder, data / "train.jsonl", tmp_path / "out", **self.FLAGS, **saved)
        for folder in (tmp_path / "out", tmp_path / "out" / "checkpoint-3"):
            stored = [name for name in weights(folder) if name.startswith("text_encoder")]
            assert stored and all(name.endswith((".lora_A", ".lora_B")) for name in stored)
        matcher = SpanMatcher.from_pretrained(tmp_path / "out", device="cpu", dtype="float32")
        text, types = (own.state_dict() for own in (matcher.model.text_encoder, matcher.model.encoder_of_types))
        changed = {name for name in types if not torch.equal(text[name], types[name])}
        assert changed and all(types[name].ndim == 2 and "embeddings" not in name for name in changed)
        start = weights(encoder)
        assert all(torch.equal(weight, start[name]) for name, weight in types.items())
        timings = read_json(tmp_path / "out" / "timings.json")
        factors = sum(weight.numel() for name, weight in weights(tmp_path / "out").items() if ".lora_" in name)
        head = sum(weight.numel() for name, weight in weights(tmp_path / "out").items() if name.startswith("head"))
        assert timings["trained_parameters"] == factors + head

    def test_types_learn_where_a_rate_says_so(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        """By default they are frozen: the high rate of the adapters would spoil them."""
        run(encoder, data / "train.jsonl", tmp_path / "out", **self.FLAGS, type_encoder_learning_rate=1e-3)
        start = weights(encoder)
        matcher = SpanMatcher.from_pretrained(tmp_path / "out", device="cpu", dtype="float32")
        types = matcher.model.encoder_of_types.state_dict()
        assert any(not torch.equal(weight, start[name]) for name, weight in types.items())

    @pytest.mark.parametrize("rate", [0, 1e-3], ids=["types_frozen", "types_trained"])
    def test_what_was_evaluated_is_what_is_loaded(self, encoder: Path, data: Path, tmp_path: Path, rate: float) -> None:
        """The training evaluates with adapters beside the weights, `from_pretrained` merges them."""
        flags = self.FLAGS | {"type_encoder_learning_rate": rate, "test_file": data / "test.jsonl", "max_steps": 40}
        run(encoder, data / "train.jsonl", tmp_path / "out", **flags)
        given = {"pretrained_model_name_or_path": tmp_path / "out", "evaluation_file": data / "test.jsonl"}
        given |= {"output_dir": tmp_path / "again", "dtype": "float32"}
        result = evaluate(*(part for key, value in given.items() for part in (f"--{key}", value)))
        assert result.status == 0, result.err
        one, other = (read_json(place / "metrics.json")["micro"] for place in (tmp_path / "out" / "test", tmp_path / "again"))
        assert one == other and one["f1"] > 0


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


def test_the_hash_seed_has_no_influence(encoder: Path, data: Path, tmp_path: Path) -> None:
    """Nothing depends on the order of a set."""
    for seed in ("1", "2"):
        given = arguments(encoder, data / "train.jsonl", tmp_path / seed, max_steps=3)
        command = [sys.executable, "train_bi_encoder.py", *given]
        result = end_in_time(command, offline_environment() | {"PYTHONHASHSEED": seed}, 120)
        assert result.status == 0, result.err
    assert difference(tmp_path / "1", tmp_path / "2") == 0


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


class TestSpellings:
    """Labels whose names agree are one type: data that spell it in several ways train as data that spell it in one."""

    @staticmethod
    def write(folder: Path, source: Path, **spellings: list[str]) -> Path:
        """Copy data without the lists of types, each label in its spellings in turn; the first sorts before the others."""
        for file in ("train", "dev", "test"):
            rows = read_jsonl(source / f"{file}.jsonl")
            for index, row in enumerate(rows):
                del row["labels"]
                for span in row["char_spans"]:
                    ways = spellings.get(span["label"], [span["label"]])
                    span["label"] = ways[index % len(ways)]
            write_jsonl(folder / f"{file}.jsonl", rows)
        return folder

    @pytest.mark.parametrize("architecture", ["bi", "cross"])
    def test_the_same_weights_thresholds_and_scores(
        self, architecture: str, encoder: Path, data: Path, tmp_path: Path
    ) -> None:
        # These spellings sort next to each other, so the order of types, which the draws of a training depend on, is the same.
        one = self.write(tmp_path / "one", data)
        several = self.write(tmp_path / "several", data, person=["person", "person_", "person-"], city=["city", "city-"])
        for place in (one, several):
            files = {"validation_file": place / "dev.jsonl", "test_file": place / "test.jsonl"}
            given = arguments(encoder, place / "train.jsonl", place / "out", **files, max_steps=3, num_negative_types=1)
            assert train(*given, architecture=architecture).status == 0
        assert difference(one / "out", several / "out") == 0
        thresholds = [read_json(place / "out" / "thresholds.json") | {"source": ""} for place in (one, several)]
        assert thresholds[0] == thresholds[1]
        metrics = [read_json(place / "out" / "test" / "metrics.json") for place in (one, several)]
        assert metrics[0] == metrics[1] and sorted(metrics[0]["per_type"]) == ["city", "company", "person"]
        assert " views, 3 types |" in card(several / "out")

    def test_each_file_may_spell_in_its_own_way(self, encoder: Path, data: Path, tmp_path: Path) -> None:
        place = self.write(tmp_path / "data", data)
        spelled = self.write(tmp_path / "spelled", data, person=["PER"], city=["City"])
        files = {"validation_file": spelled / "dev.jsonl", "test_file": spelled / "test.jsonl"}
        run(encoder, place / "train.jsonl", tmp_path / "out", **files, num_train_epochs=6)
        assert set(read_json(tmp_path / "out" / "thresholds.json")["per_type"]) == {"city", "company", "person"}
        metrics = read_json(tmp_path / "out" / "test" / "metrics.json")
        assert metrics["micro"]["f1"] > 0.9 and sorted(metrics["per_type"]) == ["City", "PER", "company"]


def test_validation_data_without_gold_are_refused(encoder: Path, data: Path, tmp_path: Path) -> None:
    """... before anything is trained or written: no threshold could be chosen on them."""
    nobody = write_jsonl(tmp_path / "nobody.jsonl", [{"text": "Nobody was there .", "labels": TYPES}])
    result = train(*arguments(encoder, data / "train.jsonl", tmp_path / "out", validation_file=nobody))
    assert result.status == 2 and f"{nobody}: none of its 1 texts has a gold span" in result.err
    assert not (tmp_path / "out").exists()


def test_columns(encoder: Path, tmp_path: Path) -> None:
    """A table and numbered columns of CoNLL train the same weights as the JSON lines that they were made of."""
    rows = sentences(16)
    tags = [[*map(str.split, conll.splitlines())] for conll in _conll(tmp_path, rows).split("\n\n") if conll]
    numbered = "\n\n".join("\n".join(f"{n}\t{token}\t{tag}\tx" for n, (token, tag) in enumerate(one, 1)) for one in tags)
    (tmp_path / "a.conll").write_text(numbered + "\n", encoding="utf-8")
    with (tmp_path / "a.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["sentence", "entities"])
        table.writerows([row["text"], json.dumps(row["char_spans"])] for row in rows)
    jsonl = write_jsonl(tmp_path / "a.jsonl", [{key: row[key] for key in ("text", "char_spans")} for row in rows])
    given: dict[str, Any] = {"max_steps": 2, "do_eval": False}
    run(encoder, jsonl, tmp_path / "lines", **given)
    run(encoder, tmp_path / "a.csv", tmp_path / "table", text_column="sentence", **given)
    run(encoder, tmp_path / "a.conll", tmp_path / "columns", token_column=2, tag_column=3, **given)
    assert difference(tmp_path / "lines", tmp_path / "table") == 0
    assert difference(tmp_path / "lines", tmp_path / "columns") == 0
    assert "text_column" in train(*arguments(encoder, jsonl, tmp_path / "no", text_column="sentence", **given)).err


def _conll(folder: Path, rows: list[dict[str, Any]]) -> str:
    convert(str(write_jsonl(folder / "source.jsonl", rows)), str(folder / "source.conll"))
    return (folder / "source.conll").read_text(encoding="utf-8")


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
        """A checkpoint is evaluated with its own thresholds, or with those chosen on a validation file; it stays as it is."""
        strict = shutil.copytree(checkpoint, tmp_path / "strict")
        thresholds = read_json(strict / "thresholds.json") | {"threshold": 1 - 1e-9, "per_type": {}}
        (strict / "thresholds.json").write_text(json.dumps(thresholds), encoding="utf-8")
        before = snapshot(strict)
        ours = UNTRAINED | {"pretrained_model_name_or_path": strict, "test_file": data / "test.jsonl"}
        result = run(encoder, data / "train.jsonl", tmp_path / "own", **ours)
        assert [path.name for path in (tmp_path / "own").iterdir()] == ["test"]
        assert read_json(tmp_path / "own" / "test" / "metrics.json")["num_predicted"] == 0
        assert "validation\n" not in result.out and "test\n" in result.out
        result = run(encoder, data / "train.jsonl", tmp_path / "chosen", **ours, validation_file=data / "dev.jsonl")
        assert sorted(path.name for path in (tmp_path / "chosen").iterdir()) == ["test", "validation"]
        assert read_json(tmp_path / "chosen" / "test" / "metrics.json")["micro"]["f1"] > 0.9
        assert "validation\n" in result.out and "test\n" in result.out
        assert snapshot(strict) == before

    @pytest.mark.parametrize(("architecture", "loss"), [("bi", "bce"), ("bi", "contrastive"), ("cross", "bce")])
    def test_without_training_as_the_command_that_evaluates(
        self, encoder: Path, data: Path, tmp_path: Path, architecture: str, loss: str
    ) -> None:
        """... with the thresholds of the checkpoint, whatever its objective was; some of them are not the default."""
        checkpoint = trained_checkpoint(tmp_path / "checkpoint", encoder, "--loss", loss, architecture=architecture)
        thresholds = read_json(checkpoint / "thresholds.json")
        thresholds |= {"threshold": 0.9, "per_type": {"city": 0.999999}}
        (checkpoint / "thresholds.json").write_text(json.dumps(thresholds), encoding="utf-8")
        ours = UNTRAINED | {"pretrained_model_name_or_path": checkpoint, "test_file": data / "test.jsonl"}
        result = train(*arguments(encoder, data / "train.jsonl", tmp_path / "own", **ours), architecture=architecture)
        assert result.status == 0, result.err
        given = ["--evaluation_file", data / "test.jsonl", "--evaluation_format", "text", "--dtype", "float32"]
        given += ["--pretrained_model_name_or_path", checkpoint, "--output_dir", tmp_path / "evaluated"]
        result = evaluate(*given, architecture=architecture)
        assert result.status == 0, result.err
        one, other = (read_json(path / "metrics.json") for path in (tmp_path / "own" / "test", tmp_path / "evaluated"))
        assert one["micro"] == other["micro"] and one["per_type"] == other["per_type"]
        assert one["num_predicted"] > 0 and one["per_type"]["city"]["recall"] < one["per_type"]["person"]["recall"]

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

    @pytest.mark.parametrize("type_encoder", ["shared", "separate"])
    def test_type_encoders(self, encoder: Path, data: Path, tmp_path: Path, type_encoder: str) -> None:
        files = {"validation_file": data / "dev.jsonl", "eval_strategy": "no"}
        run(encoder, data / "train.jsonl", tmp_path / "out", num_train_epochs=6, type_encoder=type_encoder, **files)
        assert read_json(tmp_path / "out" / "validation" / "metrics.json")["micro"]["f1"] > 0.8
        state = weights(tmp_path / "out")
        own = {name for name in state if name.startswith("type_encoder.")}
        assert bool(own) == (type_encoder == "separate")
        if own:
            # A copy of the text encoder at the start, trained apart from it.
            assert any(not torch.equal(state[name], state[name.replace("type_encoder", "text_encoder")]) for name in own)
        found = SpanMatcher.from_pretrained(tmp_path / "out", device="cpu").predict("Bob works for Globex in Paris .", TYPES)
        assert [(entity.text, entity.label) for entity in found] == [("Bob", "person"), ("Globex", "company"), ("Paris", "city")]

    @pytest.mark.parametrize("type_texts", ["both", "name", "mixed"])
    def test_type_texts(self, encoder: Path, tmp_path: Path, type_texts: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """What the type encoder reads, of all drawn types."""
        file = write_jsonl(tmp_path / "train.jsonl", sentences(16))
        described = {name: {"name": name, "description": f"a {name} of note", "aliases": [f"{name} name"]} for name in TYPES}
        (tmp_path / "labels.json").write_text(json.dumps(described), encoding="utf-8")
        read: set[str] = set()
        encode = SequenceTokenizer.tokenize_types
        monkeypatch.setattr(SequenceTokenizer, "tokenize_types", lambda self, texts: read.update(texts) or encode(self, texts))
        run(encoder, file, tmp_path / "out", num_train_epochs=8, type_texts=type_texts)
        both = {f"{name}: a {name} of note" for name in TYPES}
        forms = [{*TYPES}, both, {f"a {name} of note" for name in TYPES}, {f"{name} name" for name in TYPES}]
        if type_texts == "mixed":
            assert read <= set().union(*forms) and all(read & form for form in forms)
        else:
            assert read == (both if type_texts == "both" else {*TYPES})
        assert card_config(tmp_path / "out")["type_texts"] == type_texts

    @pytest.mark.parametrize("bf16", [False, True])
    def test_precision(self, encoder: Path, data: Path, tmp_path: Path, bf16: bool) -> None:
        run(encoder, data / "train.jsonl", tmp_path / "out", max_steps=4, bf16=bf16, validation_file=data / "dev.jsonl")
        assert {tensor.dtype for tensor in weights(tmp_path / "out").values()} == {torch.float32}
        assert card_config(tmp_path / "out")["bf16"] is bf16


class TestWorkers:
    """Processes that load the data change nothing but the time."""

    SCHEDULE = {"num_train_epochs": 2, "save_strategy": "epoch", "num_negative_types": 1, "type_texts": "mixed"}

    @pytest.fixture(scope="class")
    def alone(self, encoder: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        folder = tmp_path_factory.mktemp("workers") / "alone"
        run(encoder, data / "train.jsonl", folder, validation_file=data / "dev.jsonl", **self.SCHEDULE)
        return folder

    def test_as_a_user_starts_it(self, alone: Path, encoder: Path, data: Path, tmp_path: Path) -> None:
        """The types are tokenised in several threads before the workers are forked, which have none of these threads."""
        environment = {key: value for key, value in offline_environment().items() if key != "TOKENIZERS_PARALLELISM"}
        flags = {"validation_file": data / "dev.jsonl", "dataloader_num_workers": 1, **self.SCHEDULE}
        given = arguments(encoder, data / "train.jsonl", tmp_path / "out", **flags)
        command = [sys.executable, "-m", "accelerate.commands.launch", "-q", "train_bi_encoder.py", *given]
        ended = end_in_time(command, environment, 100)
        assert ended.status == 0, ended.err
        assert difference(alone, tmp_path / "out") == 0
        assert (alone / "thresholds.json").read_bytes() == (tmp_path / "out" / "thresholds.json").read_bytes()

    @pytest.mark.parametrize(
        "flags",
        [
            {"dataloader_num_workers": 2},
            {"dataloader_num_workers": 2, "dataloader_persistent_workers": True},
            {"dataloader_num_workers": 1, "dataloader_prefetch_factor": 4},
            {"dataloader_num_workers": 1, "dataloader_persistent_workers": True, "dataloader_multiprocessing_context": "spawn"},
        ],
        ids=["two", "persistent", "one that runs ahead", "spawned"],
    )
    def test_the_weights_are_the_same(
        self, alone: Path, encoder: Path, data: Path, tmp_path: Path, flags: dict[str, object]
    ) -> None:
        run(encoder, data / "train.jsonl", tmp_path / "out", validation_file=data / "dev.jsonl", **self.SCHEDULE, **flags)
        assert difference(alone, tmp_path / "out") == 0


def test_windows_are_trained(encoder: Path, long: Path, tmp_path: Path) -> None:
    schedule = {"num_train_epochs": 12, "per_device_train_batch_size": 4}
    run(encoder, long, tmp_path / "out", **schedule, validation_file=long, eval_strategy="no")
    shown = re.search(r"\| examples \| 1 in (\d+) views", card(tmp_path / "out"))
    assert shown is not None and int(shown.group(1)) > 4
    metrics = read_json(tmp_path / "out" / "validation" / "metrics.json")
    assert metrics["num_gold"] == 40 and metrics["micro"]["f1"] > 0.95
