"""Write the model card of a checkpoint: a README.md that says how it was trained, and how good it is."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from spanmatch.config import MatcherConfig
from spanmatch.evaluation.metrics import Metrics
from spanmatch.prediction.shipped import shipped
from spanmatch.prediction.thresholds import Calibration, default_slot, default_threshold

_TEMPLATE = Path(__file__).with_name("model_card.md")
_HUB_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?", re.ASCII)
_EXAMPLE = "Ada Lovelace was born in London."


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """Holds what a model card says about a training that is over.

    Attributes:
        encoder: hub id or folder of the text encoder, or of the checkpoint that the training started from.
        type_encoder: "shared", "separate", hub id or folder.
        data: names of the training files.
        num_examples: number of training examples.
        num_views: number of windows that the examples were cut into.
        num_types: number of entity types in the training data.
        steps: number of optimizer steps, those before a resumption included.
        train_seconds: duration of this run, without reading the data.
        train_examples_per_second: windows that this run trained on, per second.
        seed: seed of the training.
        commit: commit of the code, None outside a checkout.
        versions: names and versions of the libraries.
        log_history: what the Trainer logged, in order; not in the card.
    """

    encoder: str
    type_encoder: str
    data: str
    num_examples: int
    num_views: int
    num_types: int
    steps: int
    train_seconds: float
    train_examples_per_second: float
    seed: int
    commit: str | None
    versions: str
    log_history: list[dict[str, float]]


def write_model_card(
    folder: Path,
    *,
    config: MatcherConfig,
    calibration: Calibration | None,
    results: Mapping[str, Metrics],
    facts: TrainingFacts,
    arguments: dict[str, Any],
) -> None:
    """Write `README.md` into a checkpoint folder.

    Args:
        folder: the checkpoint; the card is named after it.
        config: configuration of the model.
        calibration: calibrated thresholds, None if it is not calibrated.
        results: metrics by name of the file that they were measured on.
        facts: what is said about the training.
        arguments: configuration of the training, shown as JSON.
    """
    rows = [
        f"| {file} | {metrics.micro.precision:.4f} | {metrics.micro.recall:.4f} | {metrics.micro.f1:.4f} "
        f"| {metrics.macro_f1:.4f} | {metrics.num_gold} |"
        for file, metrics in results.items()
    ]
    header = "| file | precision | recall | micro-F1 | macro-F1 | gold spans |\n|---|---|---|---|---|---|"
    thresholds = (
        f"The checkpoint is not calibrated: the default threshold is {default_threshold(None, default_slot(config.null_slots))}."
    )
    if calibration is not None:
        own = f"{len(calibration.per_type)} types have their own"
        slot = f" above the null slot `{calibration.slot}`" if calibration.slot else ""
        thresholds = f"Calibrated on {calibration.source}: threshold {calibration.threshold:.3f}{slot} ({own})."
    if config.null_slots:
        thresholds += f" Null slots, which need no calibration: {', '.join(f'`{slot}`' for slot in config.null_slots)}."
    content = _TEMPLATE.read_text(encoding="utf-8").format(
        metadata=card_metadata(folder.name, facts.encoder, results).to_yaml(),
        name=folder.name,
        example=_EXAMPLE,
        config=config,
        facts=facts,
        results="\n".join([header, *rows]) if rows else "Not evaluated when it was trained.",
        window=f"{config.max_length} subwords of text" + (f", {config.max_types} types beside it" if config.max_types else ""),
        thresholds=thresholds,
        arguments=json.dumps(arguments, indent=1, ensure_ascii=False),
    )
    (folder / "README.md").write_text(content, encoding="utf-8")


def card_metadata(name: str, encoder: str, results: Mapping[str, Metrics]) -> ModelCardData:
    """Return what the hub reads of a model card. Licence and language are not known here: whoever shares the model adds them.

    Args:
        name: name of the model.
        encoder: hub id or folder that the training started from.
        results: metrics by name of the file that they were measured on.
    """
    measured = [
        EvalResult(
            task_type="token-classification",
            task_name="named-entity recognition",
            dataset_type="unknown",  # for a hub id; these are files
            dataset_name=file,
            dataset_config=file,  # results of one type and configuration become one, whatever their names
            metric_type=kind,
            metric_name=f"micro-{kind}",
            metric_value=round(getattr(metrics.micro, kind), 4),
        )
        for file, metrics in results.items()
        for kind in ("f1", "precision", "recall")
    ]
    return ModelCardData(
        library_name="spanmatch",
        pipeline_tag="token-classification",
        base_model=_hub_id(encoder),
        tags=["named-entity-recognition", "zero-shot", "span-matching"],
        widget=[{"text": _EXAMPLE}],
        model_name=name if measured else None,
        eval_results=measured or None,
    )


def _hub_id(name: str) -> str | None:
    """Return the hub id of an encoder, None for a folder of this machine and for what ships with the package."""
    repo_id = name.partition("@")[0]
    is_elsewhere = not Path(name).exists() and shipped(name) is None
    return repo_id if is_elsewhere and _HUB_ID.fullmatch(repo_id) else None
