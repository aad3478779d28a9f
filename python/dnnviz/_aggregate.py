"""Statistics of groups of inputs: accumulation in NumPy, and the last step of every accumulation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._capture import AggregateStatistics
from ._types import Array, Statistic
from ._values import as_floats, variance


class NumpyAggregator:
    """Implements `Aggregator` for arrays on the host.

    Sums are accumulated in float64: sums of float32 values are exact to about 1e-16 of the largest term,
    so that the variance remains accurate where the mean is ten thousand times the standard deviation.
    """

    def __init__(self, groups: int) -> None:
        self._groups = groups
        self._layers: dict[int, _LayerAccumulator] = {}
        # The last row: inputs without a class.
        self._counts = np.zeros(groups + 1, np.int64)

    def add(self, layer: int, values: Array, groups: NDArray[np.int64]) -> None:
        rows = as_floats(values, f"layer {layer}")
        groups = np.where(groups < 0, self._groups, groups)
        if not len(rows):
            return
        accumulator = self._layers.setdefault(layer, _LayerAccumulator(self._groups + 1, rows.shape[1]))
        if layer == min(self._layers):
            self._counts += np.bincount(groups, minlength=self._groups + 1)
        order = np.argsort(groups, kind="stable")
        present, starts = np.unique(groups[order], return_index=True)
        # All of one class, or sorted already: no copy.
        if len(present) > 1 and not np.array_equal(order, np.arange(len(order))):
            rows = rows[order]
        accumulator.add(rows, present, starts)

    def finish(self) -> AggregateStatistics:
        layers = [self._layers[layer] for layer in sorted(self._layers)]
        return AggregateStatistics(
            _all_first(self._counts, np.add),
            [layer.finish() for layer in layers],
            [int(layer.not_finite.sum()) for layer in layers],
        )


class _LayerAccumulator:
    """Accumulators `[groups, units]` of one layer."""

    def __init__(self, groups: int, units: int) -> None:
        shape = (groups, units)
        self.rows = np.zeros(groups, np.int64)
        self.not_finite = np.zeros(shape, np.int64)
        self.sums = np.zeros(shape)
        self.squares = np.zeros(shape)
        #: Number of values above 0.
        self.positive = np.zeros(shape, np.int64)
        self.minimum = np.full(shape, np.inf, np.float32)
        self.maximum = np.full(shape, -np.inf, np.float32)

    def add(self, rows: NDArray[Any], present: NDArray[Any], starts: NDArray[Any]) -> None:
        """Adds rows that are sorted by group; group `present[i]` starts at row `starts[i]`."""
        for group, start, stop in zip(present, starts, [*starts[1:], len(rows)], strict=True):
            values = rows[start:stop]
            minimum, maximum = values.min(axis=0), values.max(axis=0)
            self.rows[group] += len(values)
            if not (np.isfinite(minimum).all() and np.isfinite(maximum).all()):
                finite = np.isfinite(values)
                self.not_finite[group] += (~finite).sum(axis=0)
                minimum = np.where(finite, values, np.inf).min(axis=0)
                maximum = np.where(finite, values, -np.inf).max(axis=0)
                values = np.where(finite, values, 0)
            wide = values.astype(np.float64)
            self.sums[group] += wide.sum(axis=0)
            self.squares[group] += np.einsum("ij,ij->j", wide, wide)
            self.positive[group] += (values > 0).sum(axis=0)
            np.minimum(self.minimum[group], minimum, out=self.minimum[group])
            np.maximum(self.maximum[group], maximum, out=self.maximum[group])

    def finish(self) -> dict[Statistic, NDArray[np.float32]]:
        return statistics_from_sums(
            count=_all_first(self.rows[:, None] - self.not_finite, np.add),
            sums=_all_first(self.sums, np.add),
            squares=_all_first(self.squares, np.add),
            positive=_all_first(self.positive, np.add),
            minimum=_all_first(self.minimum, np.minimum),
            maximum=_all_first(self.maximum, np.maximum),
        )


def _all_first(table: NDArray[Any], reduction: np.ufunc) -> NDArray[Any]:
    """Replaces the last row, inputs without a class, by a first row of all inputs."""
    return np.concatenate([reduction.reduce(table, axis=0)[None], table[:-1]])


def statistics_from_sums(
    *,
    count: NDArray[Any],
    sums: NDArray[Any],
    squares: NDArray[Any],
    positive: NDArray[Any],
    minimum: NDArray[Any],
    maximum: NDArray[Any],
) -> dict[Statistic, NDArray[np.float32]]:
    """Returns the statistics `[groups, units]` of finite values: their number, sum, sum of squares, number
    above 0 and extremes. NaN where there are none."""
    known = count > 0
    divisor = np.where(known, count, np.nan)
    mean = sums / divisor
    statistics: dict[Statistic, NDArray[Any]] = {
        "mean": mean,
        "variance": variance(mean, squares / divisor),
        "min": np.where(known, minimum, np.nan),
        "max": np.where(known, maximum, np.nan),
        "rate": positive / divisor,
    }
    with np.errstate(over="ignore"):
        return {name: values.astype(np.float32) for name, values in statistics.items()}
