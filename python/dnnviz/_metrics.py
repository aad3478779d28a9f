"""Recognition of an epoch's accuracy and loss among a framework's metrics."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import SupportsFloat

from ._errors import RecorderError

#: Data splits in the order of preference; the empty one is Keras' name for the training's.
_SPLITS = ("val", "valid", "validation", "", "train", "training", "test")
_ACCURACY = re.compile(
    r"(?:(?:sparse_)?categorical_|binary_?|multiclass_?)?acc(?:uracy)?(?:@1|_?(?:top_?)?1)?|top_?1",
    re.IGNORECASE,
)
_LOSS = re.compile(r"loss", re.IGNORECASE)
#: `val_acc`, `val/acc`; Lightning appends `_epoch` to metrics that are logged by step as well.
_NAME = re.compile(
    r"(?:(?P<split>val|valid|validation|train|training|test)[_/.\- ])?(?P<metric>.+?)(?:_epoch)?$"
)

#: Names of arguments of `Recorder.epoch`, which a metric cannot have.
_RESERVED = ("self", "number", "accuracy", "loss", "step")


@dataclass
class Metrics:
    """Scalars of one epoch; `accuracy` is a fraction in 0..1."""

    accuracy: float | None = None
    loss: float | None = None
    others: dict[str, float] = field(default_factory=dict)

    @classmethod
    def from_logs(
        cls, logs: Mapping[str, object], accuracy: str | None = None, loss: str | None = None
    ) -> Metrics:
        """Classifies `logs`, numbers or tensors of one element; others are left out.

        Args:
            logs: values by name.
            accuracy: key of the accuracy. Left out, it is found by name, among the values in 0..1.
            loss: key of the loss. Left out, it is found by name.

        Raises:
            RecorderError: a key does not exist.
        """
        converted = ((str(key), _as_float(value)) for key, value in logs.items())
        numbers = {key: number for key, number in converted if number is not None}
        for key in (accuracy, loss):
            if key is not None and key not in numbers:
                raise RecorderError(f"there is no metric {key!r}; there are {', '.join(numbers) or 'none'}")
        fractions = [key for key, number in numbers.items() if 0 <= number <= 1]
        accuracy = accuracy or _preferred(fractions, _ACCURACY)
        loss = loss or _preferred(list(numbers), _LOSS)
        others = {key: number for key, number in numbers.items() if key not in (accuracy, loss)}
        for key in [key for key in others if key in _RESERVED]:
            name = f"train_{key}" if key in ("accuracy", "loss") else f"{key}_"
            others.setdefault(name, others.pop(key))
        return cls(
            None if accuracy is None else numbers[accuracy], None if loss is None else numbers[loss], others
        )


def _as_float(value: object) -> float | None:
    try:
        return float(value) if isinstance(value, (SupportsFloat, str)) else None
    except (TypeError, ValueError, RuntimeError):
        return None


def _preferred(keys: Sequence[str], metric: re.Pattern[str]) -> str | None:
    """Returns the key of a metric, of the preferred split."""
    found = []
    for key in keys:
        parts = _NAME.match(key)
        if parts is not None and metric.fullmatch(parts["metric"]):
            found.append((_SPLITS.index(parts["split"] or ""), key))
    return min(found)[1] if found else None
