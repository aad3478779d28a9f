"""One pass of the probe inputs through a network, on its way into a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._capture import Aggregates, Batch, Capture, FinishedAggregates, Layer
from ._errors import RecorderError
from ._inputs import Classes, Inputs, Rows
from ._options import within
from ._shard import Plan, Shard
from ._values import as_floats, as_numpy, encode, examine, overflows

#: What to make of half floats that do not suffice.
WIDE = "F32"


@dataclass
class Wanted:
    """What is to be written of a pass."""

    layers: Sequence[Layer]
    #: Element type of each layer's values, as stored.
    stored: list[str]
    classes: Classes
    #: Numbers of the inputs whose values this rank writes, ascending, and those whose maps.
    kept: NDArray[np.int64]
    maps: NDArray[np.int64]
    #: Where `kept` begins in the run's list of inputs; `None` when this rank writes all of it.
    first: int | None
    #: Labels of `kept`, to see that the inputs still come in the same order.
    labels: NDArray[np.int64] | None
    #: Which statistics of groups go into this file; none of them, no groups.
    statistics: tuple[str, ...]


@dataclass
class Pass:
    """Takes batches in and streams their values into a file that appears with the first of them."""

    wanted: Wanted
    final: Path
    aggregates: Aggregates | None
    shard: Shard | None = None
    #: Values per layer that were NaN or infinite, among those written.
    not_finite: list[int] = field(default_factory=list)
    #: Layers whose values are too large for half floats.
    overflowed: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.not_finite = [0] * len(self.wanted.layers)

    def run(self, capture: Capture, inputs: Inputs) -> None:
        """Runs all inputs of this rank through the network."""
        seen = 0
        with capture.open():
            for rows in inputs.batches(capture.rank, capture.world):
                self._take(capture, rows)
                seen = rows.start + rows.count
        if len(self.wanted.kept) and seen <= self.wanted.kept[-1]:
            raise RecorderError(
                f"there are {seen} inputs, input {self.wanted.kept[-1]} was there before; "
                "give the same inputs at every epoch"
            )

    def _take(self, capture: Capture, rows: Rows) -> None:
        kept, maps = self.wanted.kept, self.wanted.maps
        low, high = (int(at) for at in np.searchsorted(kept, [rows.start, rows.start + rows.count]))
        map_rows = within(maps, rows.start, rows.count).tolist()
        opens = self.shard is None and low < high
        # The file needs the shape of maps; any row tells it.
        batch = capture.batch(rows.x, [0] if opens and len(maps) and not map_rows else map_rows)
        self._check(batch, rows)
        if self.aggregates is not None:
            groups = np.full(rows.count, -1, np.int64)
            if rows.labels is not None:
                groups = self.wanted.classes.indices(rows.labels, rows.start)
            for layer, values in enumerate(batch.values):
                self.aggregates.add(layer, values, groups)
        if low == high:
            return
        picked = kept[low:high] - rows.start
        self._check_order(rows, picked, low, high)
        if opens:
            shapes = [(layer, tuple(values.shape[1:])) for layer, values in batch.maps]
            self.open(shapes, predictions=batch.predictions is not None)
        for layer, values in enumerate(batch.values):
            self.write_rows(layer, values if len(picked) == rows.count else values[picked], low)
        if map_rows:
            self.write_maps(batch.maps, int(np.searchsorted(maps, rows.start)), len(map_rows))
        if batch.predictions is not None:
            self.write_predictions(self._predicted(batch)[picked], low)

    def open(self, maps: Sequence[tuple[int, tuple[int, ...]]], *, predictions: bool) -> None:
        """Takes room for everything; `maps` are layers and shapes `(channels, h, w)` of their maps."""
        wanted, count = self.wanted, len(self.wanted.kept)
        plans: dict[str, Plan] = {}
        if count:
            if wanted.first is not None:
                plans["inputs"] = Plan("I64", (count,))
            if predictions:
                plans["predictions"] = Plan("I64", (count,))
            for layer, described in enumerate(wanted.layers):
                plans[f"{layer}/units"] = Plan(wanted.stored[layer], (count, described.units))
            for layer, shape in maps:
                plans[f"{layer}/maps.inputs"] = Plan("I64", (len(wanted.maps),))
                plans[f"{layer}/maps"] = Plan(wanted.stored[layer], (len(wanted.maps), *shape))
        if wanted.statistics:
            groups = 1 + len(wanted.classes.ids)
            plans |= {name: Plan("I64", (groups,)) for name in ("groups", "counts")}
            for layer, described in enumerate(wanted.layers):
                for name in wanted.statistics:
                    stored = self._statistic_type(layer, name)
                    plans[f"{layer}/{name}"] = Plan(stored, (groups, described.units))
        self._plans = plans
        self.shard = Shard(self.final, plans)
        listed = np.arange(count, dtype=np.int64) + (wanted.first or 0)
        if "inputs" in plans:
            self.shard.write("inputs", listed)
        for layer, _ in maps:
            self.shard.write(f"{layer}/maps.inputs", listed[np.searchsorted(wanted.kept, wanted.maps)])

    def write_rows(self, layer: int, values: Any, row: int) -> None:
        """Writes unit values `[b, units]` from a row on."""
        array = as_floats(values, f"layer {self.wanted.layers[layer].name}")
        missing, greatest = examine(array)
        self.not_finite[layer] += missing
        self._write(layer, f"{layer}/units", array, greatest, row)

    def write_predictions(self, ids: NDArray[np.int64], row: int) -> None:
        """Writes predicted class ids from a row on."""
        self._shard().write("predictions", ids, row)

    def write_aggregates(self, finished: FinishedAggregates) -> None:
        """Writes statistics; opens the file if no input's values did."""
        if self.shard is None:
            self.open([], predictions=False)
        shard = self._shard()
        shard.write("groups", np.concatenate([[-1], self.wanted.classes.ids]).astype(np.int64))
        shard.write("counts", finished.counts.astype(np.int64))
        for layer, statistics in enumerate(finished.layers):
            for name in self.wanted.statistics:
                shard.write(f"{layer}/{name}", encode(statistics[name], self._statistic_type(layer, name)))

    def examine_aggregates(self, finished: FinishedAggregates) -> None:
        """Notes layers whose statistics are too large for half floats."""
        for layer, statistics in enumerate(finished.layers):
            greatest = max(examine(statistics[name])[1] for name in ("min", "max"))
            if overflows(greatest, self.wanted.stored[layer]):
                self.overflowed.add(layer)

    def _statistic_type(self, layer: int, name: str) -> str:
        """A variance's range is the square of the values' own."""
        return WIDE if name == "variance" else self.wanted.stored[layer]

    def abort(self) -> None:
        """Leaves no file behind."""
        if self.shard is not None:
            self.shard.abort()

    def _write(self, layer: int, name: str, array: NDArray[Any], greatest: float, row: int) -> None:
        if overflows(greatest, self.wanted.stored[layer]):
            self.overflowed.add(layer)
        else:
            self._shard().write(name, encode(array, self.wanted.stored[layer]), row)

    def write_maps(self, maps: Sequence[tuple[int, Any]], row: int, count: int) -> None:
        """Writes feature maps `[count, channels, h, w]` of layers from a row on."""
        for layer, values in maps:
            name, described = f"{layer}/maps", self.wanted.layers[layer].name
            array = as_floats(values, f"layer {described}")
            plan = self._plans.get(name)
            if plan is None or array.shape != (count, *plan.shape[1:]):
                raise RecorderError(
                    f"layer {described}: its feature maps have the shape {list(array.shape[1:])}, "
                    f"others {list(plan.shape[1:]) if plan else 'none'}; give maps= inputs of one size"
                )
            self._write(layer, name, array, examine(array)[1], row)

    def _check(self, batch: Batch, rows: Rows) -> None:
        layers = self.wanted.layers
        if len(batch.values) != len(layers):
            raise RecorderError(
                f"the network gave values of {len(batch.values)} layers instead of {len(layers)}"
            )
        for layer, values in zip(layers, batch.values, strict=True):
            shape = tuple(values.shape)
            if shape != (rows.count, layer.units):
                what = (
                    f"has {shape[1] if len(shape) == 2 else list(shape)} units, it had {layer.units} before"
                )
                if len(shape) == 2 and shape[1] == layer.units:
                    what = f"gave {shape[0]} rows for {rows.count} inputs"
                raise RecorderError(
                    f"layer {layer.name} {what}; leave it out with exclude=, or record a new run"
                )

    def _check_order(self, rows: Rows, picked: NDArray[np.int64], low: int, high: int) -> None:
        before = self.wanted.labels
        if before is None or rows.labels is None:
            return
        if not np.array_equal(rows.labels[picked], before[low:high]):
            raise RecorderError(
                "the inputs come in another order than before; kept inputs need the same order at every "
                "epoch (shuffle=False), or keep=0"
            )

    def _predicted(self, batch: Batch) -> NDArray[np.int64]:
        columns = as_numpy(batch.predictions).astype(np.int64)
        return self.wanted.classes.predicted(columns, batch.outputs)

    def _shard(self) -> Shard:
        assert self.shard is not None
        return self.shard
