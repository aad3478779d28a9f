"""Statistics of groups of inputs in NumPy, one batch after the other, in constant memory."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._capture import FinishedAggregates
from ._values import as_floats, variance


class NumpyAggregates:
    """Implements `Aggregates` for arrays that are on the host.

    Sums are taken in float64: of float32 values they are exact to about 1e-16 of the largest term, so
    that a mean that is ten thousand times the spread costs nothing.
    """

    def __init__(self, groups: int) -> None:
        self._groups = groups
        self._layers: dict[int, _Layer] = {}
        # The last row: inputs of no class.
        self._counts = np.zeros(groups + 1, np.int64)

    def add(self, layer: int, values: Any, groups: Any) -> None:
        rows = as_floats(values, f"layer {layer}")
        groups = np.where(groups < 0, self._groups, groups)
        if not len(rows):
            return
        into = self._layers.setdefault(layer, _Layer(self._groups + 1, rows.shape[1]))
        if layer == min(self._layers):
            self._counts += np.bincount(groups, minlength=self._groups + 1)
        order = np.argsort(groups, kind="stable")
        present, begins = np.unique(groups[order], return_index=True)
        # All of one class, or sorted already: no copy.
        if len(present) > 1 and not np.array_equal(order, np.arange(len(order))):
            rows = rows[order]
        into.add(rows, present, begins)

    def finish(self) -> FinishedAggregates:
        layers = [self._layers[layer] for layer in sorted(self._layers)]
        counts = np.concatenate([[self._counts.sum()], self._counts[:-1]]).astype(np.int64)
        return FinishedAggregates(
            counts, [layer.finish() for layer in layers], [int(layer.missing.sum()) for layer in layers]
        )


class _Layer:
    """Accumulators `[groups, units]` of one layer."""

    def __init__(self, groups: int, units: int) -> None:
        shape = (groups, units)
        self.rows = np.zeros(groups, np.int64)
        #: Values that were NaN or infinite.
        self.missing = np.zeros(shape, np.int64)
        self.sums = np.zeros(shape)
        self.squares = np.zeros(shape)
        self.firing = np.zeros(shape, np.int64)
        self.least = np.full(shape, np.inf, np.float32)
        self.greatest = np.full(shape, -np.inf, np.float32)

    def add(self, rows: NDArray[Any], present: NDArray[Any], begins: NDArray[Any]) -> None:
        """Takes in rows that are sorted by group; group `present[i]` begins at row `begins[i]`."""
        for group, begin, end in zip(present, begins, [*begins[1:], len(rows)], strict=True):
            values = rows[begin:end]
            least, greatest = values.min(axis=0), values.max(axis=0)
            self.rows[group] += len(values)
            if not (np.isfinite(least).all() and np.isfinite(greatest).all()):
                finite = np.isfinite(values)
                self.missing[group] += (~finite).sum(axis=0)
                least = np.where(finite, values, np.inf).min(axis=0)
                greatest = np.where(finite, values, -np.inf).max(axis=0)
                values = np.where(finite, values, 0)
            wide = values.astype(np.float64)
            self.sums[group] += wide.sum(axis=0)
            self.squares[group] += np.einsum("ij,ij->j", wide, wide)
            self.firing[group] += (values > 0).sum(axis=0)
            np.minimum(self.least[group], least, out=self.least[group])
            np.maximum(self.greatest[group], greatest, out=self.greatest[group])

    def finish(self) -> dict[str, NDArray[np.float32]]:
        def with_all(parts: NDArray[Any], everything: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([everything[None], parts[:-1]])

        count = self.rows[:, None] - self.missing
        counts = with_all(count, count.sum(axis=0))
        some = counts > 0

        def over(parts: NDArray[Any]) -> NDArray[Any]:
            return np.where(some, with_all(parts, parts.sum(axis=0)) / np.maximum(counts, 1), np.nan)

        mean = over(self.sums)
        statistics = {
            "mean": mean,
            "variance": variance(mean, over(self.squares)),
            "min": np.where(some, with_all(self.least, self.least.min(axis=0)), np.nan),
            "max": np.where(some, with_all(self.greatest, self.greatest.max(axis=0)), np.nan),
            "rate": over(self.firing),
        }
        with np.errstate(over="ignore"):
            return {name: values.astype(np.float32) for name, values in statistics.items()}
