"""The positions of sequences in arrays: means without padding, and choices of positions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import RecorderError
from ._types import Positions


def check_range(positions: Positions, length: int, layer: str) -> None:
    """Raises `RecorderError` if the option `positions` chooses none of `length` positions of a layer."""
    found = range(length)[positions] if isinstance(positions, slice) else range(length)
    if not found or (isinstance(positions, int) and not -length <= positions < length):
        raise RecorderError(f"layer {layer} has {length} positions; positions={positions!r} is none of them")


def reduce_positions(
    values: NDArray[Any], positions: Positions, mask: NDArray[np.bool_] | None, layer: str
) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Returns one value per feature `[n, features]` of float `values` `[n, positions, features]`, NaN for
    inputs that are all padding, and which inputs are.

    Args:
        values: activations.
        positions: the option of `Recorder`, but for `"keep"`.
        mask: `[n, positions]`, false at padding.
        layer: its name, for errors.

    Raises:
        RecorderError: none of the positions is chosen.
    """
    check_range(positions, values.shape[1], layer)
    if isinstance(positions, int):
        return values[:, positions], None
    if isinstance(positions, slice):
        values, mask = values[:, positions], None if mask is None else mask[:, positions]
    if mask is None:
        if positions in ("first", "last"):
            return values[:, 0 if positions == "first" else -1], None
        with np.errstate(over="ignore", invalid="ignore"):
            return values.mean(axis=1), None
    absent: NDArray[np.bool_] = np.logical_not(mask.any(axis=1))
    if positions in ("first", "last"):
        order = mask if positions == "first" else mask[:, ::-1]
        at = order.argmax(axis=1)
        rows = values[np.arange(len(values)), at if positions == "first" else mask.shape[1] - 1 - at]
        return np.where(absent[:, None], np.nan, rows), absent
    counts = np.where(absent, np.nan, mask.sum(axis=1))[:, None].astype(values.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(mask[:, :, None], values, 0).sum(axis=1) / counts, absent
