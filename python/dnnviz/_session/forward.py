"""Forward passes of the probe inputs, whose activations go into an epoch's file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .._capture import Aggregator, Batch, Capture
from .._errors import RecorderError
from .._inputs import ProbeBatch, ProbeInputs, rows_in_range
from .._values import as_numpy
from .._writer import EpochWriter
from .predictions import PredictionReader


@dataclass
class CapturePass:
    """One pass of a rank's probe inputs through the network.

    The file is created with the first batch that has stored inputs.
    """

    capture: Capture
    writer: EpochWriter
    #: `None` if no statistics are recorded.
    aggregator: Aggregator | None
    predictions: PredictionReader
    #: Stored inputs with a label and a prediction, and how many of these are right.
    compared: int = 0
    right: int = 0
    #: Per layer, how many inputs have no value.
    absent: list[int] = field(default_factory=list)

    def run(self, inputs: ProbeInputs) -> None:
        """Runs the inputs of this rank through the network.

        Raises:
            RecorderError: the inputs or the layers are not those of the epochs before.
        """
        stop = 0
        self.absent = [0] * len(self.writer.plan.layers)
        with self.capture.open():
            for batch in inputs.batches(self.capture.rank, self.capture.world):
                self._process(batch)
                stop = batch.start + batch.count
        kept = self.writer.plan.kept
        if len(kept) and stop <= kept[-1]:
            raise RecorderError(
                f"there are {stop} inputs, input {kept[-1]} was there before; "
                "give the same inputs at every epoch"
            )

    def _process(self, inputs: ProbeBatch) -> None:
        writer, plan = self.writer, self.writer.plan
        low, high = (
            int(at) for at in np.searchsorted(plan.kept, [inputs.start, inputs.start + inputs.count])
        )
        map_rows = rows_in_range(plan.maps, inputs.start, inputs.count).tolist()
        opens = writer.shard is None and low < high
        # The file needs the shape of the maps; any row has it.
        needs_shape = opens and len(plan.maps) and not map_rows
        batch = self.capture.batch(inputs.x, [0] if needs_shape else map_rows)
        self._check_shapes(batch, inputs)
        # Layers may have one array in common, which is converted once.
        converted = {id(absent): as_numpy(absent) for absent in batch.absent.values()}
        absents = {layer: converted[id(absent)] for layer, absent in batch.absent.items()}
        for layer, absent in absents.items():
            self.absent[layer] += int(absent.sum())
        self._aggregate(batch, inputs)
        if low == high:
            return
        rows = plan.kept[low:high] - inputs.start
        self._check_order(inputs, rows, low, high)
        predicted = self.predictions.read(batch.output)
        if opens:
            shapes = [(layer, tuple(values.shape[1:])) for layer, values in batch.maps]
            writer.open(shapes, predictions=predicted is not None)
        for layer, values in enumerate(batch.values):
            missing = int(absents[layer][rows].sum()) if layer in absents else 0
            writer.write_units(layer, values if len(rows) == inputs.count else values[rows], low, missing)
        if map_rows:
            writer.write_maps(batch.maps, int(np.searchsorted(plan.maps, inputs.start)), len(map_rows))
        if predicted is not None:
            writer.write_predictions(predicted[rows], low)
            self._compare(predicted[rows], None if inputs.labels is None else inputs.labels[rows])

    def _compare(self, predicted: NDArray[np.int64], labels: NDArray[np.int64] | None) -> None:
        if labels is not None:
            self.compared += int((labels >= 0).sum())
            self.right += int(((labels >= 0) & (predicted == labels)).sum())

    def _aggregate(self, batch: Batch, inputs: ProbeBatch) -> None:
        if self.aggregator is None:
            return
        groups = np.full(inputs.count, -1, np.int64)
        if inputs.labels is not None:
            groups = self.writer.plan.classes.indices(inputs.labels, inputs.start)
        for layer, values in enumerate(batch.values):
            self.aggregator.add(layer, values, groups)

    def _check_shapes(self, batch: Batch, inputs: ProbeBatch) -> None:
        layers = self.writer.plan.layers
        if len(batch.values) != len(layers):
            raise RecorderError(
                f"the network gave values of {len(batch.values)} layers instead of {len(layers)}"
            )
        for layer, values in zip(layers, batch.values, strict=True):
            shape = tuple(values.shape)
            if shape == (inputs.count, layer.units):
                continue
            if len(shape) == 2 and shape[1] == layer.units:
                problem = f"gave {shape[0]} rows for {inputs.count} inputs"
            else:
                units = shape[1] if len(shape) == 2 else list(shape)
                problem = f"has {units} units, it had {layer.units} before"
            raise RecorderError(
                f"layer {layer.name} {problem}; leave it out with exclude=, or record a new run"
            )

    def _check_order(self, inputs: ProbeBatch, rows: NDArray[np.int64], low: int, high: int) -> None:
        before = self.writer.plan.labels
        if before is None or inputs.labels is None:
            return
        if not np.array_equal(inputs.labels[rows], before[low:high]):
            raise RecorderError(
                "the inputs come in another order than before; kept inputs need the same order at every "
                "epoch (shuffle=False), or keep=0"
            )
