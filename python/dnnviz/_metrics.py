"""Which of a framework's metrics are the epoch's accuracy and loss."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._errors import RecorderError

#: Where a metric was taken, in the order of preference; the empty one is what Keras calls its training's.
_TAKEN = ("val", "valid", "validation", "", "train", "training", "test")
_ACCURACY = re.compile(
    r"(?:(?:sparse_)?categorical_|binary_?|multiclass_?)?acc(?:uracy)?(?:@1|_?(?:top_?)?1)?|top_?1",
    re.IGNORECASE,
)
_LOSS = re.compile(r"loss", re.IGNORECASE)
#: `val_acc`, `val/acc`, with Lightning's `_epoch` behind what is logged by step as well.
_NAME = re.compile(
    r"(?:(?P<taken>val|valid|validation|train|training|test)[_/.\- ])?(?P<what>.+?)(?:_epoch)?$"
)


#: What a metric cannot be called, because `Recorder.epoch` has arguments of these names.
_ARGUMENTS = ("self", "number", "accuracy", "loss", "step")


@dataclass
class Metrics:
    """Scalars of one epoch; `accuracy` is a share in 0..1."""

    accuracy: float | None = None
    loss: float | None = None
    others: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Mapping[str, Any], accuracy: str | None = None, loss: str | None = None) -> Metrics:
        """Sorts `values`, numbers or tensors of one element; others are left out. `accuracy` and `loss`
        are keys; left out, they are guessed from the names, an accuracy only if its value can be one.

        Raises `RecorderError` when a key is not there.
        """
        found = ((str(key), _number(value)) for key, value in values.items())
        numbers = {key: number for key, number in found if number is not None}
        for key in (accuracy, loss):
            if key is not None and key not in numbers:
                raise RecorderError(f"there is no metric {key!r}; there are {', '.join(numbers) or 'none'}")
        shares = [key for key, number in numbers.items() if 0 <= number <= 1]
        accuracy = accuracy or _guess(shares, _ACCURACY)
        loss = loss or _guess(list(numbers), _LOSS)
        others = {key: number for key, number in numbers.items() if key not in (accuracy, loss)}
        for key in [key for key in others if key in _ARGUMENTS]:
            name = f"train_{key}" if key in ("accuracy", "loss") else f"{key}_"
            others.setdefault(name, others.pop(key))
        return cls(
            None if accuracy is None else numbers[accuracy], None if loss is None else numbers[loss], others
        )


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError):
        return None


def _guess(keys: list[str], what: re.Pattern[str]) -> str | None:
    found = []
    for key in keys:
        parts = _NAME.match(key)
        if parts is not None and what.fullmatch(parts["what"]):
            found.append((_TAKEN.index(parts["taken"] or ""), key))
    return min(found)[1] if found else None
