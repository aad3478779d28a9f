"""Parsing of the option `inputs`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from .._errors import RecorderError
from .._types import ArrayLike, Batch, Inputs, NetworkInputs
from .arrays import ArrayInputs
from .batches import BatchInputs
from .probe import ProbeInputs

_USAGE = "give inputs=(x, y), inputs=(x, None), or an iterable of such batches that can be iterated anew"


def parse_inputs(inputs: Inputs, batch_size: int) -> ProbeInputs:
    """Returns the probe inputs for the option `inputs`.

    Raises:
        RecorderError: `inputs` is neither `(x, y)` nor an iterable of batches.
    """
    if isinstance(inputs, (tuple, list)) and len(inputs) == 2 and not _are_batches(inputs):
        x, y = cast("tuple[NetworkInputs | None, ArrayLike | None]", inputs)
        return ArrayInputs(x, y, batch_size)
    if (
        isinstance(inputs, (str, bytes, Mapping))
        or hasattr(inputs, "shape")
        or not hasattr(inputs, "__iter__")
    ):
        raise RecorderError(f"inputs is a {type(inputs).__name__}; {_USAGE}")
    if isinstance(inputs, Iterator):
        raise RecorderError(f"inputs can be iterated only once, every epoch needs them; {_USAGE}")
    return BatchInputs(cast("Iterable[Batch]", inputs))


def _are_batches(pair: Sequence[Any]) -> bool:
    """Returns whether two values are two batches rather than `x` and `y`."""
    return all(isinstance(part, Mapping) for part in pair) or all(
        isinstance(part, (tuple, list))
        and len(part) == 2
        and hasattr(part[0], "shape")
        and _are_labels(part[1])
        for part in pair
    )


def _are_labels(value: Any) -> bool:
    return value is None or len(getattr(value, "shape", ())) == 1
