"""Statistics of classes, accumulated on the device of the values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

from .._aggregate import statistics_from_sums
from .._capture import AggregateStatistics
from .._types import Array, Statistic
from . import distributed as ranks

#: Rows of every table before those of the classes: inputs without a class.
_UNLABELLED_ROWS = 1


@dataclass
class _Accumulators:
    """Accumulators `[1 + classes, units]` of one layer, over finite values."""

    sums: Tensor
    squares: Tensor
    #: Number of values above 0.
    positive: Tensor
    not_finite: Tensor
    minimum: Tensor
    maximum: Tensor

    @classmethod
    def zeros(cls, rows: int, units: int, device: torch.device) -> _Accumulators:
        sums, squares, positive = torch.zeros(3, rows, units, dtype=torch.float64, device=device)
        not_finite = torch.zeros(rows, units, dtype=torch.int32, device=device)
        minimum = torch.full((rows, units), torch.inf, device=device)
        return cls(sums, squares, positive, not_finite, minimum, -minimum)


class TorchAggregator:
    """Implements `Aggregator` for tensors, over all ranks.

    NaN and infinite values are left out and counted. Sums are accumulated in f64; on a device without
    f64, the reduced values are moved to the CPU.

    Args:
        units: number of units of each layer.
        groups: number of classes.
    """

    def __init__(self, units: list[int], groups: int) -> None:
        self._units = units
        self._rows = _UNLABELLED_ROWS + groups
        self._layers: list[_Accumulators | None] = [None] * len(units)
        self._counts = torch.zeros(self._rows, dtype=torch.int64)
        #: By device, a buffer for a batch in f64; allocating one per batch costs more than the sums.
        self._buffers: dict[torch.device, Tensor] = {}

    def add(self, layer: int, values: Array, groups: NDArray[np.int64]) -> None:
        tensor = torch.as_tensor(values)
        rows = torch.as_tensor(groups, dtype=torch.int64) + _UNLABELLED_ROWS
        if layer == 0:
            self._counts += torch.bincount(rows.cpu(), minlength=self._rows)
        if not _has_f64(tensor.device):
            tensor = tensor.cpu()
        accumulators = self._layers[layer]
        if accumulators is None:
            accumulators = _Accumulators.zeros(self._rows, self._units[layer], tensor.device)
            self._layers[layer] = accumulators
        device = accumulators.sums.device
        tensor, rows = tensor.to(device), rows.to(device)
        low, high = tensor, tensor
        # A finite sum means finite values; where a sum overflows, the longer path is right as well.
        if not bool(tensor.sum().isfinite()):
            finite = tensor.isfinite()
            accumulators.not_finite.index_add_(0, rows, (~finite).int())
            low, high = tensor.where(finite, torch.inf), tensor.where(finite, -torch.inf)
            tensor = tensor.where(finite, 0)
        wide = self._buffer(tensor)
        accumulators.sums.index_add_(0, rows, wide.copy_(tensor))
        accumulators.squares.index_add_(0, rows, wide.mul_(wide))
        accumulators.positive.index_add_(0, rows, torch.gt(tensor, 0, out=wide))
        index = rows.unsqueeze(1).expand_as(tensor)
        accumulators.minimum.scatter_reduce_(0, index, low.float(), "amin")
        accumulators.maximum.scatter_reduce_(0, index, high.float(), "amax")

    def finish(self) -> AggregateStatistics:
        """Returns the statistics of all ranks' inputs, the same on every rank."""
        counts = self._counts
        if ranks.is_distributed():
            counts = counts.to(ranks.device())
            distributed.all_reduce(counts)
        inputs = _with_all(counts, np.add)
        layers, not_finite = [], []
        for units, accumulators in zip(self._units, self._layers, strict=True):
            if accumulators is None:
                accumulators = _Accumulators.zeros(self._rows, units, torch.device("cpu"))
            statistics, layer_not_finite = _finish(_all_reduce(accumulators), inputs)
            layers.append(statistics)
            not_finite.append(layer_not_finite)
        return AggregateStatistics(inputs, layers, not_finite)

    def _buffer(self, values: Tensor) -> Tensor:
        buffer = self._buffers.get(values.device)
        if buffer is None or buffer.numel() < values.numel():
            buffer = torch.empty(values.numel(), dtype=torch.float64, device=values.device)
            self._buffers[values.device] = buffer
        return buffer[: values.numel()].view(values.shape)


def _all_reduce(layer: _Accumulators) -> _Accumulators:
    """Combines the accumulators of all ranks in two messages, of sums and of maxima."""
    if not ranks.is_distributed():
        return layer
    device = ranks.device()
    sums = torch.stack([layer.sums, layer.squares, layer.positive, layer.not_finite.double()]).to(device)
    maxima = torch.stack([layer.minimum.neg(), layer.maximum]).to(device)
    distributed.all_reduce(sums)
    distributed.all_reduce(maxima, distributed.ReduceOp.MAX)
    total, squares, positive, not_finite = sums
    return _Accumulators(total, squares, positive, not_finite, maxima[0].neg(), maxima[1])


def _finish(
    layer: _Accumulators, inputs: NDArray[np.int64]
) -> tuple[dict[Statistic, NDArray[np.float32]], int]:
    """Returns the statistics of a layer, and its number of NaN or infinite values."""
    not_finite = _with_all(layer.not_finite.double(), np.add)
    statistics = statistics_from_sums(
        count=inputs[:, None] - not_finite,
        sums=_with_all(layer.sums, np.add),
        squares=_with_all(layer.squares, np.add),
        positive=_with_all(layer.positive, np.add),
        minimum=_with_all(layer.minimum, np.minimum),
        maximum=_with_all(layer.maximum, np.maximum),
    )
    return statistics, int(not_finite[0].sum())


def _with_all(table: Tensor, reduction: np.ufunc) -> NDArray[Any]:
    """Replaces the row of inputs without a class by that of all inputs."""
    rows: NDArray[Any] = table.cpu().numpy().copy()
    rows[0] = reduction.reduce(rows, axis=0)
    return rows


def _has_f64(device: torch.device) -> bool:
    return device.type != "mps"
