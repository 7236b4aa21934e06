"""Read the objective of a training from its configuration, such as `{"name": "focal", "gamma": 2}`."""

import inspect
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import torch

from spanmatch.errors import InputError, nearest
from spanmatch.prediction.thresholds import NULL_SLOTS
from spanmatch.training.losses import LOSSES, NEED_NULL_SLOTS, Loss, matching_loss

_WEIGHTS = ("span_weight", "start_weight", "end_weight")


@dataclass(frozen=True, kw_only=True)
class Objective:
    """Holds an objective as it was configured.

    Attributes:
        name: name of the loss, a key of `LOSSES`.
        options: keyword arguments of the loss.
        span_weight: weight of the loss on spans.
        start_weight: weight of the loss on starts of spans.
        end_weight: weight of the loss on ends of spans.
        null_slots: names of the null slots that are trained; empty for a loss without.
    """

    name: str
    options: dict[str, float] = field(default_factory=dict)
    span_weight: float = 1.0
    start_weight: float = 0.0
    end_weight: float = 0.0
    null_slots: tuple[str, ...] = ()

    @classmethod
    def parse(cls, loss: str) -> "Objective":
        """Read an objective from the configuration's `loss`.

        Args:
            loss: the name of a loss, or a JSON object with "name" and its options.

        Raises:
            InputError: the JSON is broken, the name or an option is unknown, or a value is out of range.
        """
        given = _read(loss)
        name = given.pop("name", None)
        if name is None:
            raise InputError(f'loss: "name" is missing; {nearest("", LOSSES)}')
        if not isinstance(name, str) or name not in LOSSES:
            raise InputError(f'loss: unknown objective "{name}"; {nearest(str(name), LOSSES)}')
        # The options of a loss are its keyword-only parameters.
        own = [item.name for item in inspect.signature(LOSSES[name]).parameters.values() if item.kind is item.KEYWORD_ONLY]
        valid = [*own, *_WEIGHTS, *(["null_slots"] if name in NEED_NULL_SLOTS else [])]
        for option in given:
            if option not in valid:
                raise InputError(f'loss: "{name}" has no option "{option}"; {nearest(option, valid)}')
        slots = given.pop("null_slots", list(NULL_SLOTS)) if name in NEED_NULL_SLOTS else []
        if not isinstance(slots, list) or len(set(map(str, slots))) != len(slots) or not set(map(str, slots)) <= set(NULL_SLOTS):
            raise InputError(f'loss: "null_slots" must be a list of {", ".join(NULL_SLOTS)}, got {json.dumps(slots)}')
        if name in NEED_NULL_SLOTS and not slots:
            raise InputError(f'loss: "{name}" needs a null slot; leave "null_slots" out, or name one')
        for option, value in given.items():
            _check_number(name, option, value)
        span, start, end = (float(given.pop(option, default)) for option, default in zip(_WEIGHTS, (1, 0, 0), strict=True))
        if not span + start + end:
            raise InputError("loss: span_weight, start_weight and end_weight are all 0; nothing would be learnt")
        if not any(given.get(option, 1) for option in ("entity_weight", "threshold_weight")):
            raise InputError("loss: entity_weight and threshold_weight are both 0; nothing would be learnt")
        return cls(name=name, options=given, null_slots=tuple(slots), span_weight=span, start_weight=start, end_weight=end)

    @property
    def boundaries(self) -> bool:
        """Return whether the loss needs the scores of starts and ends."""
        return bool(self.start_weight or self.end_weight)

    @cached_property
    def loss(self) -> Callable[..., torch.Tensor]:
        """Return the function that computes the loss of a batch from scores, positives and valid cells.

        Its parameters are those of `losses.matching_loss`, which it calls.
        """
        loss: Loss = partial(LOSSES[self.name], **self.options)  # type: ignore[arg-type]  # the options are the loss's own
        return partial(
            matching_loss, loss, span_weight=self.span_weight, start_weight=self.start_weight, end_weight=self.end_weight
        )


def _read(loss: str) -> dict[str, Any]:
    try:
        given: dict[str, Any] = json.loads(loss) if loss.lstrip().startswith("{") else {"name": loss}
    except json.JSONDecodeError as error:
        raise InputError(f"loss: not JSON ({error.msg}): {loss}") from error
    return given


def _check_number(name: str, option: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InputError(f'loss: option "{option}" of "{name}" must be a number, got {json.dumps(value)}')
    if value < 0 or (option == "temperature" and value == 0):
        least = "above 0" if option == "temperature" else "at least 0"
        raise InputError(f'loss: option "{option}" of "{name}" must be {least}, got {value}')
    if option == "alpha" and value > 1:
        raise InputError(f'loss: option "alpha" of "{name}" must lie in [0, 1], got {value}')
