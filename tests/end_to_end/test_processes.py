"""Two processes on processors, really launched: they share the work, and what they write is what one process writes.

Most of it runs in one launch, through `run_in_processes.py`. A launch that hangs is ended, and fails.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import datasets
import psutil
import pytest
import torch
import yaml
from accelerate.commands.config.config_args import load_config_from_file
from helpers_e2e import (
    NAMES,
    ROOT,
    Result,
    offline_environment,
    read_json,
    run_in_process,
    sentences,
    trained_checkpoint,
    write_jsonl,
    write_tiny_encoder,
)
from safetensors.torch import load_file

from spanmatch.cli import main as cli
from spanmatch.prediction.checkpoint import load_checkpoint

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("one_thread")]
CONFIGS = ROOT / "configs" / "accelerate"
ON_CPU = ("--config_file", CONFIGS / "ddp_cpu.yaml")
TIMEOUT = 300
LONG = "It rained again in the office of nobody . " * 20 + "Ada Lovelace moved to Paris ."
# What is evaluated: checkpoint, file, flags.
EVALUATIONS: dict[str, tuple[str, str, list[object]]] = {
    "calibrated": ("bi", "odd.jsonl", []),
    "one-example": ("bi", "one.jsonl", ["--threshold", 0.3]),
    "null-slot": ("contrastive", "odd.jsonl", ["--threshold", "cls+0.5", "--overlap", "nested"]),
    "tokens": ("cross", "dataset", ["--evaluation_format", "tokens", "--threshold", 0.3]),
}
# Trainings of 2 processes, to be compared with one process that accumulates over twice as many micro-batches.
TRAININGS: dict[str, dict[str, object]] = {
    "shared": {},
    "shared-checkpointing": {"gradient_checkpointing": True},
    "separate-checkpointing": {"type_encoder": "separate", "gradient_checkpointing": True},
    "cross-checkpointing": {"architecture": "cross", "gradient_checkpointing": True, "max_types_per_pass": 2},
    "contrastive-accumulation": {"loss": "contrastive", "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2},
    "batches-without-types": {"type_encoder": "separate", "train_file": "bare.jsonl"},
    "fsdp": {"save_strategy": "epoch"},
}


def launch(*arguments: object) -> Result:
    """`accelerate launch ...`; where it hangs, it is ended with all of its processes, and the test fails."""
    command = [sys.executable, "-m", "accelerate.commands.launch", *map(str, arguments)]
    environment = offline_environment() | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True, **pipes)
    try:
        out, err = process.communicate(timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        workers = psutil.Process(process.pid).children(recursive=True)  # each is the leader of a group of its own
        for one in (*workers, process):
            one.send_signal(signal.SIGKILL)
        out, err = process.communicate()
        pytest.fail(f"hung for {TIMEOUT} s: {' '.join(command)}\n{out}\n{err}")
    return Result(status=process.returncode, out=out, err=err)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums of floats depend on the number of threads; runs of this process and of others are compared here."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Encoders with and without dropout, checkpoints and data."""
    folder = tmp_path_factory.mktemp("processes")
    still = write_tiny_encoder(folder / "still")
    without = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (still / "config.json").write_text(json.dumps(read_json(still / "config.json") | without), encoding="utf-8")
    encoder = write_tiny_encoder(folder / "encoder")
    trained_checkpoint(folder / "bi", encoder)
    trained_checkpoint(folder / "contrastive", encoder, "--loss", "contrastive", "--num_train_epochs", 3)
    write_jsonl(folder / "train.jsonl", sentences(64))
    write_jsonl(folder / "uneven.jsonl", sentences(61))
    bare = [row if index // 4 % 2 else row | {"char_spans": [], "labels": []} for index, row in enumerate(sentences(64))]
    write_jsonl(folder / "bare.jsonl", bare)
    odd = [
        *sentences(30, 1),
        {"text": LONG, "char_spans": [{"start": 840, "end": 852, "label": "person"}], "labels": sorted(NAMES)},
    ]
    write_jsonl(folder / "odd.jsonl", odd)
    write_jsonl(folder / "one.jsonl", odd[:1])
    tags = [{"tokens": row["text"].split(), "tags": ["O"] * len(row["text"].split()), "labels": row["labels"]} for row in odd]
    datasets.disable_progress_bars()
    datasets.DatasetDict({"test": datasets.Dataset.from_list(tags)}).save_to_disk(str(folder / "dataset"))
    cross = {
        "architecture": "cross",
        "train_file": "train.jsonl",
        "text_encoder": "encoder",
        "optim": None,
        "learning_rate": 3e-3,
    }
    assert alone("cross", training(folder, "cross", cross)).status == 0
    return folder


def training(folder: Path, name: str, flags: Mapping[str, object]) -> list[str]:
    """The arguments of a training without randomness beside the types that are drawn; None drops one."""
    given: dict[str, object] = {
        "train_file": "train.jsonl", "text_encoder": "still", "output_dir": name, "max_span_width": 4, "num_negative_types": 1,
        "num_train_epochs": 2, "per_device_train_batch_size": 4, "train_sampling_strategy": "sequential", "optim": "sgd",
        "learning_rate": 0.005, "warmup_steps": 0, "max_grad_norm": 0, "logging_steps": 1, "save_strategy": "no",
        "report_to": "none", "disable_tqdm": True, "bf16": False, "use_cpu": True,
    }  # fmt: skip
    given |= {key: value for key, value in flags.items() if key != "architecture"}
    for key in {"train_file", "text_encoder", "output_dir"} & given.keys():
        given[key] = folder / str(given[key])
    return [str(part) for key, value in given.items() if value is not None for part in (f"--{key}", value)]


def evaluation(folder: Path, name: str, output_dir: Path) -> list[str]:
    checkpoint, file, flags = EVALUATIONS[name]
    given = [
        "--pretrained_model_name_or_path",
        folder / checkpoint,
        "--evaluation_file",
        folder / file,
        "--output_dir",
        output_dir,
    ]
    return [str(part) for part in (*given, "--batch_size", 4, "--dtype", "float32", "--device", "cpu", *flags)]


def alone(architecture: str, arguments: list[str], command: Any = cli.train_command) -> Result:
    """The same in this process, by itself."""
    return run_in_process(lambda: command(architecture), f"{architecture}_encoder.py", *arguments)


def architecture_of(flags: Mapping[str, object]) -> str:
    return str(flags.get("architecture", "bi"))


@pytest.fixture(scope="module")
def together(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """What each of two processes of one launch has to say of everything that is compared below."""
    resuming = {
        "text_encoder": "encoder", "max_steps": 12, "save_strategy": "steps", "save_steps": 4, "save_total_limit": 5,
        "train_sampling_strategy": "group_by_length", "optim": None, "learning_rate": 3e-3, "num_train_epochs": None,
    }  # fmt: skip
    # At the rate of the others this one diverges.
    random = {"train_file": "uneven.jsonl", "train_sampling_strategy": "random", "learning_rate": 0.0005}
    sharded = yaml.safe_load((CONFIGS / "fsdp.yaml").read_text(encoding="utf-8"))["fsdp_config"]
    plan: list[dict[str, Any]] = [
        {"name": name, "script": f"evaluate_{checkpoint.replace('contrastive', 'bi')}_encoder.py",
         "arguments": evaluation(folder, name, folder / "together" / name)}
        for name, (checkpoint, _, _) in EVALUATIONS.items()
    ]  # fmt: skip
    plan += [
        {"name": "predict", "predict": str(folder / "bi")},
        {"name": "through", "script": "train_bi_encoder.py", "arguments": training(folder, "through", resuming)},
        {"name": "copy", "copy": [str(folder / "through" / "checkpoint-4"), str(folder / "resumed" / "checkpoint-4")]},
        {"name": "resumed", "script": "train_bi_encoder.py",
         "arguments": training(folder, "resumed", resuming | {"resume_from_checkpoint": True})},
        {"name": "uneven", "script": "train_bi_encoder.py", "arguments": training(folder, "uneven", random)},
        *({"name": name, "script": f"train_{architecture_of(flags)}_encoder.py", "arguments": training(folder, name, flags)}
          for name, flags in TRAININGS.items()),
    ]  # fmt: skip
    assert plan[-1]["name"] == "fsdp"
    shown = {key.upper(): str(value).lower() if isinstance(value, bool) else str(value) for key, value in sharded.items()}
    plan[-1]["environment"] = {"ACCELERATE_USE_FSDP": "true"} | shown
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    result = launch(*ON_CPU, ROOT / "tests" / "run_in_processes.py", folder / "plan.json")
    assert result.status == 0, result.err
    return {entry["name"]: [read_json(folder / f"{entry['name']}.{rank}.json") for rank in (0, 1)] for entry in plan}


@pytest.fixture(scope="module")
def launches(folder: Path) -> dict[str, Result]:
    """Commands as a user launches them: a training that stops early, one without any gold, and `--cpu`."""
    values = {
        "train_file": str(folder / "train.jsonl"),
        "validation_file": str(folder / "odd.jsonl"),
        "learning_rate": 0.0,
        "use_cpu": True,
    }
    values |= {"pretrained_model_name_or_path": str(folder / "bi"), "early_stopping_patience": 1, "num_train_epochs": 9}
    values |= {"output_dir": str(folder / "stopped"), "per_device_train_batch_size": 8, "report_to": "none", "bf16": False}
    (folder / "stopping.json").write_text(json.dumps(values), encoding="utf-8")
    wide = [row | {"char_spans": [{"start": 0, "end": len(row["text"]), "label": "city"}]} for row in sentences(8)]
    no_gold = {"train_file": write_jsonl(folder / "wide.jsonl", wide).name, "max_span_width": 1}
    commands: dict[str, tuple[object, ...]] = {
        "stopped": (*ON_CPU, "train_bi_encoder.py", folder / "stopping.json"),
        "refused": (*ON_CPU, "train_bi_encoder.py", *training(folder, "refused", no_gold)),
        "cpu": ("--num_processes", 2, "--cpu", "evaluate_bi_encoder.py", *evaluation(folder, "calibrated", folder / "cpu")),
    }
    with ThreadPoolExecutor(len(commands)) as pool:
        running = {name: pool.submit(launch, *command) for name, command in commands.items()}
        return {name: future.result() for name, future in running.items()}


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def difference(left: Path, right: Path) -> float:
    """The largest difference of any weight of two checkpoints."""
    one, other = weights(left), weights(right)
    assert {name: tensor.shape for name, tensor in one.items()} == {name: tensor.shape for name, tensor in other.items()}
    return max((one[name] - other[name]).abs().max().item() for name in one)


def moved(encoder: Path, trained: Path) -> float:
    """The largest change of a weight of the text encoder."""
    before, after = weights(encoder), weights(trained)
    pairs = [(before[name], after[f"text_encoder.{name}"]) for name in before if "word_embeddings" not in name]
    return max((new - old).abs().max().item() for old, new in pairs)


@pytest.mark.parametrize("name", EVALUATIONS)
class TestEvaluation:
    def test_two_processes_write_what_one_writes(self, folder: Path, together: dict[str, Any], name: str) -> None:
        checkpoint, _, _ = EVALUATIONS[name]
        result = alone(
            checkpoint.replace("contrastive", "bi"), evaluation(folder, name, folder / "alone" / name), cli.evaluate_command
        )
        assert result.status == 0, result.err
        for file in ("metrics.json", "predictions.jsonl"):
            assert (folder / "together" / name / file).read_bytes() == (folder / "alone" / name / file).read_bytes()
        assert sorted(path.name for path in (folder / "together" / name).iterdir()) == [
            "metrics.json", "predictions.jsonl", "timings.json"
        ]  # fmt: skip
        if name != "tokens":
            assert read_json(folder / "alone" / name / "metrics.json")["num_predicted"] > 0
        first = together[name][0]
        assert [line for line in first["out"].splitlines() if " texts in " not in line] == [
            line for line in result.out.splitlines() if " texts in " not in line
        ]

    def test_they_share_the_batches(self, together: dict[str, Any], name: str) -> None:
        first, second = together[name]
        assert (first["num_processes"], first["backend"], first["status"], second["status"]) == (2, "gloo", 0, 0)
        shares = first["num_batches"], second["num_batches"]
        assert shares == (1, 0) if name == "one-example" else min(shares) >= 4 and shares[0] - shares[1] in {0, 1}

    def test_one_speaks(self, together: dict[str, Any], name: str) -> None:
        first, second = together[name]
        assert first["out"].count("micro F1") == 1 and "tagging" in first["err"]
        assert (second["out"], second["err"]) == ("", "")


def test_predict_is_not_shared(together: dict[str, Any]) -> None:
    first, second = (one["predicted"] for one in together["predict"])
    assert (len(first), len(second)) == (3, 1) and first[0] == second[0]
    assert [one["num_batches"] for one in together["predict"]] == [3, 1]


class TestTraining:
    @pytest.mark.parametrize("name", TRAININGS)
    def test_two_processes_are_one_that_accumulates(
        self, folder: Path, together: dict[str, Any], tmp_path: Path, name: str
    ) -> None:
        # The gradient is the mean over processes of each one's mean over its micro-batches.
        first, second = together[name]
        assert (first["status"], second["status"]) == (0, 0), first["err"] + second["err"]
        flags = dict(TRAININGS[name])
        assert first["checkpointed"] == bool(flags.pop("gradient_checkpointing", False))
        assert first["model"] == ("FSDPSpanMatcherModel" if name == "fsdp" else "SpanMatcherModel")
        flags |= {"gradient_accumulation_steps": 2 * int(str(flags.get("gradient_accumulation_steps", 1)))}
        assert alone(architecture_of(flags), training(folder, str(tmp_path / "alone"), flags)).status == 0
        assert difference(tmp_path / "alone", folder / name) < 1e-5 < 1e-3 < moved(folder / "still", folder / name)

    @pytest.mark.parametrize("name", [*TRAININGS, "through", "resumed", "uneven"])
    def test_both_end_with_the_same_weights(self, together: dict[str, Any], name: str) -> None:
        first, second = together[name]
        assert first["weights"] == second["weights"] and first["steps"] == second["steps"] > 0

    def test_every_text_once_an_epoch(self, together: dict[str, Any]) -> None:
        # 61 texts in steps of 2 x 4: the last step is filled up with three of the first.
        first, second = ([tuple(item) for item in one["drawn"]] for one in together["uneven"])
        orders = []
        for epoch in (0, 1):
            mine, others = ([index for its, index in drawn if its == epoch] for drawn in (first, second))
            assert len(mine) == len(others) == 32
            assert set(mine) | set(others) == set(range(61)) and len(set(mine[:28]) & set(others[:28])) == 0
            orders.append(mine)
        assert orders[0] != orders[1] and len(first) == len(second) == 64

    def test_one_writes_checkpoints(self, folder: Path, together: dict[str, Any]) -> None:
        assert [one["num_written"] for one in together["through"]] == [3, 0]
        assert [one["num_written"] for one in together["fsdp"]] == [2, 0]
        # The shards come together in a checkpoint that loads like any.
        saved = load_checkpoint(folder / "fsdp" / "checkpoint-16").model.state_dict()
        for name, tensor in weights(folder / "fsdp").items():
            assert torch.equal(saved[name], tensor), name

    def test_resumed_is_uninterrupted(self, folder: Path, together: dict[str, Any]) -> None:
        assert [one["steps"] for name in ("through", "resumed") for one in together[name]] == [12] * 4
        assert len(together["resumed"][0]["drawn"]) < len(together["through"][0]["drawn"])
        assert difference(folder / "through", folder / "resumed") <= 1e-6
        assert difference(folder / "through" / "checkpoint-4", folder / "resumed") > 1e-3

    def test_one_speaks(self, together: dict[str, Any]) -> None:
        for name in ("through", "shared"):
            first, second = together[name]
            assert first["out"].count("checkpoint, model card") == 1
            assert (second["out"], second["err"]) == ("", "")


class TestLaunching:
    def test_early_stopping_ends_both(self, folder: Path, launches: dict[str, Result]) -> None:
        # Nothing is learned at a rate of 0: the second evaluation is no better than the first.
        result, stopped = launches["stopped"], folder / "stopped"
        assert result.status == 0, result.err
        state = read_json(stopped / "checkpoint-8" / "trainer_state.json")
        assert (state["global_step"], state["best_global_step"], state["num_train_epochs"]) == (8, 4, 9)
        assert difference(stopped, folder / "bi") == 0
        assert result.out.count("validation\n") == result.out.count("checkpoint, model card") == 1
        assert "| steps, time | 8 steps" in (stopped / "README.md").read_text(encoding="utf-8")
        assert read_json(stopped / "validation" / "metrics.json")["num_examples"] == 31

    def test_what_the_user_did_wrong_is_told_once(self, folder: Path, launches: dict[str, Result]) -> None:
        result = launches["refused"]
        assert result.status != 0 and "exitcode  : 2" in result.err
        told = [line for line in result.err.splitlines() if line.startswith("error:")]
        assert len(told) == 1 and "no gold span that a candidate can represent" in told[0]
        assert result.err.count("training: ") == 1  # the warning before it: how much gold is lost
        assert not (folder / "refused").exists()

    def test_cpu_alone_starts_one_process_and_says_so(self, folder: Path, launches: dict[str, Result]) -> None:
        result = launches["cpu"]
        assert result.status == 0, result.err
        assert result.err.count("has started one process") == result.out.count("micro F1") == 1

    @pytest.mark.parametrize(("name", "kind"), [("ddp_cpu", "MULTI_GPU"), ("ddp", "MULTI_GPU"), ("fsdp", "FSDP")])
    def test_configurations(self, name: str, kind: str) -> None:
        read = load_config_from_file(str(CONFIGS / f"{name}.yaml"))  # refuses keys that it does not know
        assert (read.distributed_type.value, read.num_processes, read.use_cpu) == (kind, 2, name == "ddp_cpu")
