"""The model card: a checkpoint's README.md, with what was trained on what, and how well it does."""

import json
from pathlib import Path
from typing import Any

from spanmatch.config import MatcherConfig
from spanmatch.prediction.thresholds import Calibration, default_slot, default_threshold

_TEMPLATE = """---
library_name: spanmatch
pipeline_tag: token-classification
base_model: {encoder}
tags: [named-entity-recognition, zero-shot, span-matching]
---

# {name}

A spanmatch {architecture}-encoder: it finds spans of text that match the entity types you name or describe.

```python
from spanmatch import SpanMatcher

matcher = SpanMatcher.from_pretrained("{name}")
matcher.predict("Ada Lovelace was born in London.", ["person", "city"])
```

## Results

{results}

## Training

| | |
|---|---|
| encoder | {encoder}, type encoder: {type_encoder}, {pooling} pooling |
| objective | {objective} |
| candidates | {candidates}, at most {max_span_width} wide |
| window | {window} |
| data | {data} |
| examples | {num_examples} in {num_views} views, {num_types} types |
| steps, time | {steps} steps, {seconds:.0f} s |
| seed, commit | {seed}, {commit} |
| versions | {versions} |

{thresholds}

## Limits

Trained on the data named above only; on other domains and types expect less, and measure before relying on it.
A span wider than {max_span_width} {candidates} cannot be found.

## Configuration

```json
{arguments}
```
"""


def write_model_card(
    folder: Path,
    *,
    config: MatcherConfig,
    calibration: Calibration | None,
    results: dict[str, dict[str, Any]],
    facts: dict[str, Any],
    arguments: dict[str, Any],
) -> None:
    """Write `README.md` into a checkpoint folder.

    Args:
        results: metrics by file, as in metrics.json.
        facts: encoder, type_encoder, data, num_examples, num_views, num_types, steps, seconds, seed, commit, versions.
        arguments: the configuration of the training.
    """
    rows = [
        f"| {file} | {metrics['micro']['precision']:.4f} | {metrics['micro']['recall']:.4f} | {metrics['micro']['f1']:.4f} "
        f"| {metrics['macro']['f1']:.4f} | {metrics['num_gold']} |"
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
    content = _TEMPLATE.format(
        name=folder.name,
        architecture=config.architecture,
        results="\n".join([header, *rows]) if rows else "Not evaluated when it was trained.",
        objective=config.objective,
        pooling=config.type_pooling,
        window=f"{config.max_length} subwords of text" + (f", {config.max_types} types beside it" if config.max_types else ""),
        candidates=config.candidates,
        max_span_width=config.max_span_width,
        thresholds=thresholds,
        arguments=json.dumps(arguments, indent=1, ensure_ascii=False),
        **facts,
    )
    (folder / "README.md").write_text(content, encoding="utf-8")
