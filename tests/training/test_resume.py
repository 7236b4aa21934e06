"""A resumed training is the same training, and none is written over unasked."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import ROOT, offline_environment, train
from helpers_training import arguments, difference, run

from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training.arguments import MatcherArguments, MatcherTrainingArguments
from spanmatch.training.resume import find_last_checkpoint, steps_of, where_to_resume

pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.usefixtures("one_thread")]


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
            {"lora_rank": 2, "type_encoder": "separate"},
        ],
        ids=["group_by_length", "random", "accumulation", "types", "adapters"],
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


def checkpoint(folder: Path, state: str = '{"global_step": 4}') -> Path:
    """A checkpoint as far as resuming looks at it."""
    folder.mkdir(parents=True)
    (folder / "trainer_state.json").write_text(state)
    return folder


class TestWhereToResume:
    """From a folder with checkpoint-4 and the unfinished checkpoint-8."""

    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        checkpoint(tmp_path / "out" / "checkpoint-8", "")
        return checkpoint(tmp_path / "out" / "checkpoint-4").parent

    @staticmethod
    def where(out: Path, resume: object = None, *, overwrite: bool = False, **options: Any) -> str | None:
        training = MatcherTrainingArguments(output_dir=str(out), resume_from_checkpoint=resume, report_to="none", **options)
        return where_to_resume(MatcherArguments(overwrite_output_dir=overwrite), training, out)

    @pytest.mark.parametrize("asked", ["true", "True", "1", "yes", True])
    def test_from_the_last_whole_checkpoint(self, asked: object, out: Path) -> None:
        assert self.where(out, asked) == str(out / "checkpoint-4")

    def test_from_a_named_one(self, out: Path) -> None:
        assert self.where(out, str(out / "checkpoint-8")) == str(out / "checkpoint-8")
        with pytest.raises(InputError, match="checkpoint-6 is no checkpoint of a training; give a checkpoint-N folder"):
            self.where(out, str(out / "checkpoint-6"))

    @pytest.mark.parametrize("asked", [None, "false", "0", "no"])
    def test_from_the_start(self, asked: object, out: Path, tmp_path: Path) -> None:
        assert self.where(tmp_path / "new", asked) is None
        assert self.where(out, asked, overwrite=True) is None
        assert self.where(out, asked, do_train=False) is None
        with pytest.raises(InputError, match=r"already holds a training; continue it .*--resume_from_checkpoint true"):
            self.where(out, asked)

    def test_steps_of_a_checkpoint(self, out: Path) -> None:
        assert steps_of(out / "checkpoint-4") == 4
        with pytest.raises(InputError, match="not JSON"):
            steps_of(out / "checkpoint-8")
