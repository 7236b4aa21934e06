"""Every architecture with every objective and every format: it trains, every weight learns, and the commands answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from helpers_e2e import NAMES, evaluate, read_json, read_jsonl, sentences, write_jsonl, write_tiny_encoder

from spanmatch.data.corpus import read_corpus
from spanmatch.errors import InputError
from spanmatch.prediction.matcher import SpanMatcher
from spanmatch.training import train as recipes
from spanmatch.training.config_file import read_config
from spanmatch.training.dataset import TrainingCollator, TrainingViews
from spanmatch.training.losses import NEED_NULL_SLOTS

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
TYPES = sorted(NAMES)
CASES = [
    (architecture, objective, format)
    for architecture in ("bi", "cross")
    for objective in ("bce", "focal", "contrastive")
    for format in ("text", "tokens")
]
STEPS = 24


def in_tokens(row: Mapping[str, Any]) -> dict[str, Any]:
    """A generated sentence in the token format: its words and a BIO tag for each."""
    tokens, tags, start = row["text"].split(" "), [], 0
    for token in tokens:
        inside = [span for span in row["char_spans"] if span["start"] <= start < span["end"]]
        tags.append(f"{'B' if inside[0]['start'] == start else 'I'}-{inside[0]['label']}" if inside else "O")
        start += len(token) + 1
    return {"tokens": tokens, "tags": tags, "labels": row["labels"]}


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A training: the matcher as it was when it ended, what it wrote, what it read, and its losses, step by step."""

    architecture: str
    objective: str
    format: str
    matcher: SpanMatcher
    folder: Path
    file: Path
    arguments: list[str]
    losses: list[float]

    @property
    def slots(self) -> tuple[str, ...]:
        return ("cls", "label_token") if self.objective in NEED_NULL_SLOTS else ()


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_encoder(tmp_path_factory.mktemp("composition") / "encoder")


@pytest.fixture(scope="module", params=CASES, ids=["-".join(case) for case in CASES])
def trained(request: pytest.FixtureRequest, encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    architecture, objective, format = request.param
    folder = tmp_path_factory.mktemp("-".join(request.param))
    rows = sentences(40)
    file = write_jsonl(folder / "data.jsonl", rows if format == "text" else [in_tokens(row) for row in rows])
    given = {
        "train_file": file,
        "validation_file": file,
        "text_encoder": encoder,
        "output_dir": folder / "out",
        "format": format,
        "loss": objective,
        "max_steps": STEPS,
        "max_span_width": 4,
        "learning_rate": 3e-3,
        "per_device_train_batch_size": 8,
        "logging_steps": 1,
        "save_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "bf16": False,
        "use_cpu": True,
    }
    arguments = [str(part) for key, value in given.items() for part in (f"--{key}", value)]
    built: list[SpanMatcher] = []
    losses: list[float] = []
    build = recipes.build_matcher

    def draw(history: Sequence[Mapping[str, Any]], output_dir: Path) -> str:
        losses.extend(entry["loss"] for entry in history if "loss" in entry)
        return ""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "build_matcher", lambda *given: built.append(build(*given)) or built[-1])
        recipes.train(architecture, arguments, draw=draw)
    return Trained(
        architecture=architecture,
        objective=objective,
        format=format,
        matcher=built[0],
        folder=folder / "out",
        file=file,
        arguments=arguments,
        losses=losses,
    )


def test_the_loss_falls(trained: Trained) -> None:
    assert len(trained.losses) == STEPS
    assert sum(trained.losses[-4:]) < 0.7 * sum(trained.losses[:4])


@pytest.mark.parametrize("boundaries", [False, True], ids=["spans", "spans, starts and ends"])
def test_every_weight_learns(trained: Trained, boundaries: bool, tmp_path: Path) -> None:
    """From the loss itself: a weight without a gradient breaks data-parallel training."""
    weights = '"start_weight": 0.2, "end_weight": 0.2, ' if boundaries else ""
    loss = f'{{{weights}"name": "{trained.objective}"}}'
    arguments, _ = read_config([*trained.arguments, "--loss", loss, "--output_dir", str(tmp_path)], trained.architecture)
    matcher, model = trained.matcher, trained.matcher.model
    examples = read_corpus(str(trained.file), format=trained.format).examples[:4]
    dataset = TrainingViews([view for own in matcher.batcher.windows(examples) for view in own], arguments, 0)
    step = TrainingCollator(batcher=matcher.batcher)([dataset[index] for index in range(len(dataset))])
    assert step["positives"].any()
    model.zero_grad(set_to_none=True)
    scores = model(step["texts"], step["types"], boundaries=boundaries)
    arguments.objective.loss(scores, step["positives"], step["valid"]).backward()
    assert not [name for name, weight in model.named_parameters() if weight.grad is None]
    assert all(weight.grad.any() for weight in model.head.parameters() if weight.grad is not None)
    model.zero_grad(set_to_none=True)


def test_saved_is_loaded(trained: Trained) -> None:
    """What was written when the training ended is the matcher that was trained."""
    texts = [row["text"] for row in sentences(12, 5)]
    loaded = SpanMatcher.from_pretrained(trained.folder, device="cpu", dtype="float32")
    assert loaded.config == trained.matcher.config and loaded.calibration == trained.matcher.calibration
    assert (loaded.config.architecture, loaded.config.objective) == (trained.architecture, trained.objective)
    assert sorted(loaded.config.null_slots) == sorted(trained.slots)
    assert loaded.calibration is not None and loaded.calibration.slot == ("label_token" if trained.slots else None)
    for threshold in (None, 0.3, "calibrated", *trained.slots):
        expected = trained.matcher.predict(texts, TYPES, threshold=threshold, overlap="multi-label")
        assert loaded.predict(texts, TYPES, threshold=threshold, overlap="multi-label") == expected
        assert threshold == 0.3 or any(expected)


def test_evaluation(trained: Trained, tmp_path: Path) -> None:
    """The command answers every threshold that the checkpoint can, and says so of one that it cannot."""
    given = ["--pretrained_model_name_or_path", trained.folder, "--evaluation_file", trained.file, "--device", "cpu"]
    given += ["--dtype", "float32", "--evaluation_format", trained.format]
    for threshold in ("calibrated", *(trained.slots or ("0.4",)), *(f"{slot}-1" for slot in trained.slots[:1])):
        out = tmp_path / threshold
        result = evaluate(*given, "--threshold", threshold, "--output_dir", out, architecture=trained.architecture)
        assert result.status == 0, result.err
        metrics = read_json(out / "metrics.json")
        assert metrics["num_examples"] == 40 and metrics["num_gold"] > 40
        assert [len(row["gold"]) for row in read_jsonl(out / "predictions.jsonl")] == [
            len(row["char_spans"]) for row in sentences(40)
        ]
        if threshold == "calibrated":
            # The threshold was chosen on this very file: the training's own evaluation is the command's.
            assert metrics["micro"] == read_json(trained.folder / "validation" / "metrics.json")["micro"]
            assert metrics["micro"]["f1"] > 0.3
    if not trained.slots:
        with pytest.raises(InputError, match=f'trained with "{trained.objective}", has none'):
            trained.matcher.predict("Ada", TYPES, threshold="cls")
