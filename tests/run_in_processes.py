"""Runs commands one after another in the processes of one launch: importing takes longer than what they do.

    accelerate launch ... run_in_processes.py PLAN.json

The plan is a list of entries {"name": ..., and one of "script" with "arguments", "copy": [from, to], "predict": checkpoint}.
Beside it, NAME.RANK.json says of every entry what the process printed, how it ended, and what it had a part in.
"""

import io
import json
import os
import runpy
import shutil
import sys
from contextlib import redirect_stderr, redirect_stdout
from hashlib import sha256
from pathlib import Path
from typing import Any

import torch.distributed as dist
from accelerate import PartialState
from accelerate.utils import DistributedType
from helpers_e2e import ROOT, sentences

from spanmatch.prediction import span_tagger as predictor
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.prediction.processes import join_launch
from spanmatch.training import trainer as training
from spanmatch.training.dataset import TrainingViews
from spanmatch.training.trainer import MatcherTrainer

record: dict[str, Any] = {}


def watch() -> None:
    """Have the library note in `record` what it does."""
    drawn, scored, trained = TrainingViews.__getitem__, predictor.passing_candidates, MatcherTrainer.train
    written = training.save_checkpoint

    def getitem(self: TrainingViews, index: int) -> Any:
        record["drawn"].append((self.epoch, index))
        return drawn(self, index)

    def passing(*given: Any, **named: Any) -> Any:
        record["num_batches"] += 1
        return scored(*given, **named)

    def train(self: MatcherTrainer, **named: Any) -> Any:
        record["drawn"].clear()  # some texts are looked at before the first step, too
        result = trained(self, **named)
        model = self.whole_model()
        digest = sha256(b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values()))
        encoders = [encoder for encoder in (model.text_encoder, model.type_encoder) if encoder is not None]
        record.update(weights=digest.hexdigest(), steps=self.state.global_step, model=type(self.matcher.model).__name__)
        layers = [[getattr(module, "gradient_checkpointing", False) for module in encoder.modules()] for encoder in encoders]
        record["checkpointed"] = all(map(any, layers))
        return result

    def save(*given: Any, **named: Any) -> None:
        record["num_written"] += 1
        written(*given, **named)

    TrainingViews.__getitem__, MatcherTrainer.train = getitem, train  # type: ignore[method-assign]
    predictor.passing_candidates, training.save_checkpoint = passing, save


def pretend_gpus() -> None:
    """Have accelerate take the processors for GPUs: on processors it would leave FSDP out."""
    os.environ["ACCELERATE_TORCH_DEVICE"] = "cpu"
    PartialState._prepare_backend = lambda *given, **named: ("gloo", DistributedType.MULTI_GPU)


def run_script(script: str, arguments: list[str]) -> None:
    """One of the scripts at the top level, as it is run."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv = [script, *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err):
            runpy.run_path(str(ROOT / script), run_name="__main__")
    except SystemExit as end:
        record["status"] = int(end.code or 0)
    record.update(out=out.getvalue(), err=err.getvalue())


def main(plan: Path) -> None:
    """Run the plan."""
    join_launch("cpu")
    watch()
    rank = dist.get_rank()
    for entry in json.loads(plan.read_text(encoding="utf-8")):
        record.clear()
        record.update(
            drawn=[], num_batches=0, num_written=0, status=0, backend=dist.get_backend(), num_processes=dist.get_world_size()
        )
        if "environment" in entry:
            pretend_gpus()
            os.environ.update(entry["environment"])
        if "copy" in entry and rank == 0:
            shutil.copytree(*entry["copy"])
        if "predict" in entry:
            matcher = SpanMatcher.from_pretrained(entry["predict"], device="cpu", dtype="float32")
            found = matcher.predict([row["text"] for row in sentences(3 - 2 * rank)], ["person", "city"], batch_size=1)
            record["predicted"] = [[item.text for item in entities] for entities in found]
        if "script" in entry:
            run_script(entry["script"], entry["arguments"])
        plan.with_name(f"{entry['name']}.{rank}.json").write_text(json.dumps(record), encoding="utf-8")
        dist.barrier()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
