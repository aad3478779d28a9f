"""The file of one epoch, or of one rank's part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._capture import AggregateStatistics, Layer
from .._errors import RecorderError
from .._inputs import Classes
from .._types import Array, Statistic
from .._values import StoredType, as_floats, encode, overflows, value_range
from .shard import ShardWriter, TensorSpec


@dataclass
class EpochPlan:
    """Contents of an epoch's file."""

    layers: Sequence[Layer]
    #: Element type of each layer's stored values.
    stored: list[StoredType]
    classes: Classes
    #: Numbers of the inputs whose values this rank writes, ascending.
    kept: NDArray[np.int64]
    #: Those whose feature maps it writes.
    maps: NDArray[np.int64]
    #: Index of `kept[0]` among the run's stored inputs; `None` when this rank writes all of them.
    first: int | None
    #: Labels of `kept`, to check that the inputs still come in the same order.
    labels: NDArray[np.int64] | None
    #: Statistics of groups in this file; empty: there are none.
    statistics: tuple[Statistic, ...]

    def tensors(
        self, maps: Sequence[tuple[int, tuple[int, ...]]], *, predictions: bool
    ) -> dict[str, TensorSpec]:
        """Returns the tensors of the file; `maps` are layers and shapes `(channels, h, w)` of their maps."""
        specs: dict[str, TensorSpec] = {}
        count = len(self.kept)
        if count:
            if self.first is not None:
                specs["inputs"] = TensorSpec("I64", (count,))
            if predictions:
                specs["predictions"] = TensorSpec("I64", (count,))
            for index, layer in enumerate(self.layers):
                specs[f"{index}/units"] = TensorSpec(self.stored[index], (count, layer.units))
            for index, shape in maps:
                specs[f"{index}/maps.inputs"] = TensorSpec("I64", (len(self.maps),))
                specs[f"{index}/maps"] = TensorSpec(self.stored[index], (len(self.maps), *shape))
        if self.statistics:
            groups = 1 + len(self.classes.ids)
            specs |= {name: TensorSpec("I64", (groups,)) for name in ("groups", "counts")}
            for index, layer in enumerate(self.layers):
                for name in self.statistics:
                    dtype = self.statistic_type(index, name)
                    specs[f"{index}/{name}"] = TensorSpec(dtype, (groups, layer.units))
        return specs

    def statistic_type(self, layer: int, name: Statistic) -> StoredType:
        """Returns the element type of a statistic; a variance has the squared range of the values."""
        return "F32" if name == "variance" else self.stored[layer]


class EpochWriter:
    """Writes an epoch's values row by row into a file that `open` creates."""

    def __init__(self, plan: EpochPlan, path: Path) -> None:
        self.plan = plan
        self.path = path
        self.shard: ShardWriter | None = None
        #: Number of written values per layer that were NaN or infinite.
        self.not_finite = [0] * len(plan.layers)
        #: Layers whose values exceed the range of their element type.
        self.overflowed: set[int] = set()
        self._specs: dict[str, TensorSpec] = {}

    def open(self, maps: Sequence[tuple[int, tuple[int, ...]]], *, predictions: bool) -> None:
        """Creates the file and reserves its space; the arguments are those of `EpochPlan.tensors`."""
        plan = self.plan
        self._specs = plan.tensors(maps, predictions=predictions)
        self.shard = ShardWriter(self.path, self._specs)
        numbers = np.arange(len(plan.kept), dtype=np.int64) + (plan.first or 0)
        if "inputs" in self._specs:
            self.shard.write("inputs", numbers)
        for layer, _ in maps:
            self.shard.write(f"{layer}/maps.inputs", numbers[np.searchsorted(plan.kept, plan.maps)])

    def write_units(self, layer: int, values: Array, row: int, absent: int = 0) -> None:
        """Writes unit values `[b, units]` of a layer from a row on; `absent` of the inputs have no value, but
        NaN."""
        array = as_floats(values, f"layer {self.plan.layers[layer].name}")
        not_finite, magnitude = value_range(array)
        self.not_finite[layer] += not_finite - absent * self.plan.layers[layer].units
        self._write_values(layer, f"{layer}/units", array, magnitude, row)

    def write_maps(self, maps: Sequence[tuple[int, Array]], row: int, count: int) -> None:
        """Writes feature maps `[count, channels, h, w]` of layers from a row on.

        Raises:
            RecorderError: their shape differs from that of `open`.
        """
        for layer, values in maps:
            tensor, name = f"{layer}/maps", self.plan.layers[layer].name
            array = as_floats(values, f"layer {name}")
            spec = self._specs.get(tensor)
            if spec is None or array.shape != (count, *spec.shape[1:]):
                raise RecorderError(
                    f"layer {name}: its feature maps have the shape {list(array.shape[1:])}, "
                    f"others {list(spec.shape[1:]) if spec else 'none'}; give maps= inputs of one size"
                )
            self._write_values(layer, tensor, array, value_range(array).magnitude, row)

    def write_predictions(self, ids: NDArray[np.int64], row: int) -> None:
        """Writes predicted class ids from a row on."""
        self._open_shard().write("predictions", ids, row)

    def write_aggregates(self, aggregates: AggregateStatistics) -> None:
        """Writes statistics, after creating the file if there are no values in it."""
        if self.shard is None:
            self.open([], predictions=False)
        shard, plan = self._open_shard(), self.plan
        shard.write("groups", np.concatenate([[-1], plan.classes.ids]).astype(np.int64))
        shard.write("counts", aggregates.counts.astype(np.int64))
        for layer, statistics in enumerate(aggregates.layers):
            for name in plan.statistics:
                shard.write(f"{layer}/{name}", encode(statistics[name], plan.statistic_type(layer, name)))

    def check_range(self, aggregates: AggregateStatistics) -> None:
        """Adds the layers whose statistics exceed the range of their element type to `overflowed`."""
        for layer, statistics in enumerate(aggregates.layers):
            extremes = (statistics["min"], statistics["max"])
            magnitude = max(value_range(values).magnitude for values in extremes)
            if overflows(magnitude, self.plan.stored[layer]):
                self.overflowed.add(layer)

    def finalize(self) -> None:
        """Completes the file, if there is one."""
        if self.shard is not None:
            self.shard.finalize()

    def abort(self) -> None:
        """Removes the unfinished file."""
        if self.shard is not None:
            self.shard.abort()

    def _write_values(self, layer: int, tensor: str, array: NDArray[Any], magnitude: float, row: int) -> None:
        if overflows(magnitude, self.plan.stored[layer]):
            self.overflowed.add(layer)
        else:
            self._open_shard().write(tensor, encode(array, self.plan.stored[layer]), row)

    def _open_shard(self) -> ShardWriter:
        assert self.shard is not None
        return self.shard
