"""Statistics of classes, taken where the values are, in one pass and constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, distributed

from . import _torch_distributed as ranks
from ._capture import FinishedAggregates
from ._values import variance

#: Rows of every table: those without a class, then the classes. All inputs together are their sum.
UNLABELLED = 1


@dataclass
class _Tables:
    """What has been seen of one layer, `[1 + classes, units]` each."""

    #: Finite values only.
    sums: Tensor
    squares: Tensor
    #: Values above 0.
    firing: Tensor
    not_finite: Tensor
    smallest: Tensor
    largest: Tensor

    @classmethod
    def empty(cls, rows: int, units: int, device: torch.device) -> _Tables:
        sums, squares, firing = torch.zeros(3, rows, units, dtype=torch.float64, device=device)
        skipped = torch.zeros(rows, units, dtype=torch.int32, device=device)
        smallest = torch.full((rows, units), torch.inf, device=device)
        return cls(sums, squares, firing, skipped, smallest, -smallest)


class TorchAggregates:
    """Count, mean, variance, extremes and firing rate of every class and of all inputs.

    Values that are NaN or infinite are left out, and counted. Sums are kept in f64; a device that has
    no f64 hands its values, reduced as they are, to the processor.
    """

    def __init__(self, units: list[int], groups: int) -> None:
        self._units = units
        self._rows = UNLABELLED + groups
        self._tables: list[_Tables | None] = [None] * len(units)
        self._counts = torch.zeros(self._rows, dtype=torch.int64)
        #: By device, room for a batch in f64; taking fresh memory every time costs more than the sums.
        self._rooms: dict[torch.device, Tensor] = {}

    def add(self, layer: int, values: Any, groups: Any) -> None:
        """Takes in `values` `[b, units]`; `groups` `[b]` are class indices, -1 for none."""
        values = torch.as_tensor(values)
        rows = torch.as_tensor(groups, dtype=torch.int64) + UNLABELLED
        if layer == 0:
            self._counts += torch.bincount(rows.cpu(), minlength=self._rows)
        if not _has_f64(values.device):
            values = values.cpu()
        tables = self._tables[layer]
        if tables is None:
            tables = self._tables[layer] = _Tables.empty(self._rows, self._units[layer], values.device)
        device = tables.sums.device
        values, rows = values.to(device), rows.to(device)
        low, high = values, values
        # One sum tells whether all are finite, unless it overflows, and then the long way is right too.
        if not bool(values.sum().isfinite()):
            finite = values.isfinite()
            tables.not_finite.index_add_(0, rows, (~finite).int())
            low, high = values.where(finite, torch.inf), values.where(finite, -torch.inf)
            values = values.where(finite, 0)
        wide = self._room(values)
        tables.sums.index_add_(0, rows, wide.copy_(values))
        tables.squares.index_add_(0, rows, wide.mul_(wide))
        tables.firing.index_add_(0, rows, torch.gt(values, 0, out=wide))
        places = rows.unsqueeze(1).expand_as(values)
        tables.smallest.scatter_reduce_(0, places, low.float(), "amin")
        tables.largest.scatter_reduce_(0, places, high.float(), "amax")

    def _room(self, values: Tensor) -> Tensor:
        room = self._rooms.get(values.device)
        if room is None or room.numel() < values.numel():
            room = torch.empty(values.numel(), dtype=torch.float64, device=values.device)
            self._rooms[values.device] = room
        return room[: values.numel()].view(values.shape)

    def finish(self) -> FinishedAggregates:
        """The statistics of all ranks' inputs, the same on every rank."""
        counts = self._counts
        if ranks.is_distributed():
            counts = counts.to(ranks.device())
            distributed.all_reduce(counts)
        seen = _with_all(counts.cpu().numpy(), np.add)
        layers, not_finite = [], []
        for layer, units in enumerate(self._units):
            tables = self._tables[layer]
            if tables is None:
                tables = _Tables.empty(self._rows, units, torch.device("cpu"))
            statistics, skipped = _finish(_merge(tables), seen)
            layers.append(statistics)
            not_finite.append(skipped)
        return FinishedAggregates(seen, layers, not_finite)


def _merge(tables: _Tables) -> _Tables:
    """The same over all ranks, in two messages: what is added, and what the largest is taken of."""
    if not ranks.is_distributed():
        return tables
    device = ranks.device()
    added = torch.stack([tables.sums, tables.squares, tables.firing, tables.not_finite.double()]).to(device)
    extremes = torch.stack([tables.smallest.neg(), tables.largest]).to(device)
    distributed.all_reduce(added)
    distributed.all_reduce(extremes, distributed.ReduceOp.MAX)
    sums, squares, firing, not_finite = added
    return _Tables(sums, squares, firing, not_finite, extremes[0].neg(), extremes[1])


def _finish(tables: _Tables, seen: NDArray[np.int64]) -> tuple[dict[str, NDArray[np.float32]], int]:
    sums, squares, firing, not_finite = (
        _with_all(table.cpu().numpy().astype(np.float64), np.add)
        for table in (tables.sums, tables.squares, tables.firing, tables.not_finite)
    )
    smallest = _with_all(tables.smallest.cpu().numpy(), np.minimum)
    largest = _with_all(tables.largest.cpu().numpy(), np.maximum)
    count = seen[:, None] - not_finite
    known = count > 0
    divisor = np.where(known, count, np.nan)
    mean = sums / divisor
    statistics = {
        "mean": mean,
        "variance": variance(mean, squares / divisor),
        "min": np.where(known, smallest, np.nan),
        "max": np.where(known, largest, np.nan),
        "rate": firing / divisor,
    }
    with np.errstate(over="ignore"):
        narrow = {name: values.astype(np.float32) for name, values in statistics.items()}
    return narrow, int(not_finite[0].sum())


def _with_all(table: NDArray[Any], merge: np.ufunc) -> NDArray[Any]:
    """The row of inputs without a class becomes that of all inputs."""
    table = table.copy()
    table[0] = merge.reduce(table, axis=0)
    return table


def _has_f64(device: torch.device) -> bool:
    return device.type != "mps"
