"""What the speed benchmark compares, and the checkpoints that it needs for that."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import ROOT, Worker, encoder_folder, environment

from spanmatch.prediction.shipped import BASE_MODEL, DEFAULT_MODEL

GLINER = ("gliner==0.2.29", "accelerate")
GLINER2 = ("gliner2==2.1.0",)
SPAN_MARKER = ("span_marker==1.8.1", "transformers<5")  # which it asks for; said here, so that pip need not search
FEW, MANY = (5, 25, 100, 1000), (5, 25, 100, 1000, 10_000, 100_000)
BI, CROSS, COMPILED = "ours, bi-encoder", "ours, cross-encoder", "ours, bi-encoder, compiled"
ENCODER = "encoder alone"
SHIPPED = (DEFAULT_MODEL, BASE_MODEL)  # with the correction between types of a list
ENCODERS = {BI: ENCODER, COMPILED: f"{ENCODER}, compiled"} | {name: f"{ENCODER}, {name}" for name in SHIPPED}
UNI_GLINER, BI_GLINER = "GLiNER uni-encoder", "GLiNER bi-encoder"
HELPED = ", bf16 + sorted"


@dataclass(frozen=True, kw_only=True)
class System:
    """A tagger. Without packages it runs in this environment."""

    script: str
    packages: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    num_types: tuple[int, ...] = FEW
    sets: tuple[str, ...] = ("conll2003", "crossner", "long")

    @property
    def is_ours(self) -> bool:
        """Whether it is spanmatch."""
        return not self.packages


SYSTEMS = {
    BI: System(script="ours.py", settings={"model": "bi"}, num_types=MANY),
    COMPILED: System(script="ours.py", settings={"model": "bi", "compile": True}),
    CROSS: System(script="ours.py", settings={"model": "cross"}),
    **{name: System(script="ours.py", settings={"model": name}, sets=("conll2003",)) for name in SHIPPED},
    UNI_GLINER: System(script="gliner_peer.py", packages=GLINER, settings={"model": "gliner_uni", "helped": False}),
    UNI_GLINER + HELPED: System(script="gliner_peer.py", packages=GLINER, settings={"model": "gliner_uni", "helped": True}),
    BI_GLINER: System(script="gliner_peer.py", packages=GLINER, settings={"model": "gliner_bi", "helped": False}),
    BI_GLINER + HELPED: System(script="gliner_peer.py", packages=GLINER, settings={"model": "gliner_bi", "helped": True}),
    "GLiNER2": System(script="gliner2_peer.py", packages=GLINER2),
    "SpanMarker (closed set)": System(
        script="span_marker_peer.py", packages=SPAN_MARKER, num_types=(5, 25), sets=("conll2003", "crossner")
    ),
}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where environments, checkpoints and data are, and the threads of each process."""

    environments: Path
    models: Path
    datasets: Path
    threads: int

    def python(self, packages: tuple[str, ...]) -> Path:
        """The interpreter for these packages."""
        if not packages:
            return Path(sys.executable)
        return environment(self.environments.resolve() / packages[0].split("=")[0], packages)

    def start(self, system: System) -> Worker:
        """A process of a system; its first answer comes when the model is loaded."""
        python = self.python(system.packages)
        settings = system.settings | {"threads": self.threads}
        if settings.get("model") in SHIPPED:
            pass  # found by its name
        elif "model" in settings:
            settings["model"] = str(self.models.resolve() / settings["model"])
        elif system.packages:
            settings["encoder"] = encoder_folder(python)
        return Worker(python, system.script, settings, self.environments.resolve() / f"{Path(system.script).stem}.log")


def build_missing(place: Place, names: list[str]) -> None:
    """Train the checkpoints that are not there: briefly, for the speed does not depend on it."""
    wanted = dict.fromkeys(SYSTEMS[name].settings.get("model") for name in names)
    makers: dict[str, Callable[[Place, str], None]] = {
        "bi": _train_ours, "cross": _train_ours, "gliner_uni": _train_gliner, "gliner_bi": _train_gliner
    }  # fmt: skip
    for model in wanted:
        if model not in {None, *SHIPPED} and not any((place.models / str(model)).glob("*.safetensors")):
            print(f"training {model}", flush=True)
            makers[str(model)](place, str(model))


def _train_ours(place: Place, model: str) -> None:
    data = place.datasets.resolve() / "pile_ner_subset"
    command = [
        sys.executable, f"train_{model}_encoder.py",
        "--train_file", str(data / "train.jsonl"), "--format", "text", "--per_device_train_batch_size", "16",
        "--max_steps", "100", "--eval_strategy", "no", "--save_strategy", "no", "--report_to", "none",
        "--output_dir", str(place.models.resolve() / model), "--overwrite_output_dir", "true",
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def training_worker(place: Place, *, is_bi: bool) -> Worker:
    """GLiNER's trainer on CoNLL-2003."""
    python = place.python(GLINER)
    file = place.datasets.resolve() / "conll2003" / "train.jsonl"
    settings = {"encoder": encoder_folder(python), "is_bi": is_bi, "train_file": str(file), "threads": place.threads}
    worker = Worker(python, "gliner_training.py", settings, place.environments.resolve() / "gliner_training.log")
    worker.receive()
    return worker


def _train_gliner(place: Place, model: str) -> None:
    worker = training_worker(place, is_bi=model == "gliner_bi")
    worker.ask("block", steps=60, warm_up=1, batch_size=16, learning_rate=1e-4)
    worker.ask("save", folder=str(place.models.resolve() / model))
    worker.close()
