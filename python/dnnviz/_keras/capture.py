"""Capture of Keras 3 models: functional, sequential and subclassed, on any backend.

While a capture is open, the method `call` of the recorded layers is replaced by a function that also keeps
the layer's output; the model itself runs eagerly with `training=False`. Nothing is added to the model's
graph and nothing is compiled, so that the functions that Keras has compiled for the training stay valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import keras
import numpy as np

from .._aggregate import NumpyAggregator
from .._capture import Aggregator, Batch, Layer, check_positions
from .._errors import RecorderError
from .._types import NetworkInputs, Positions, Selector
from .._values import as_numpy
from .calls import (
    LayerCall,
    TracedCall,
    consumers,
    first_tensor,
    followed_by_activation,
    intercepted_calls,
)
from .graph import trace_edges
from .guard import preserved_state
from .layers import NamedLayer, children, named_layers, select_layers
from .layout import Layout, infer_layout, layer_entry, to_numpy

T = TypeVar("T")

#: Number of inputs from which the layers' shapes are inferred.
_PROBED = 2


class KerasCapture:
    """Runs inputs through a Keras model and captures the outputs of its layers; implements `Capture`.

    Args:
        model: a `keras.Model`.
        sample: a batch of at least one input; the model is run on it to analyse the layers.
        layers, exclude, positions, after_activation, name: options of `Recorder`.

    Raises:
        RecorderError: a selected layer cannot be recorded; the message names it and a remedy.
    """

    rank = 0
    world = 1

    def __init__(
        self,
        model: Any,
        sample: NetworkInputs,
        *,
        layers: Selector | Iterable[Selector] | None = None,
        exclude: Selector | Iterable[Selector] | None = None,
        positions: Positions = "mean",
        after_activation: bool = True,
        name: str | None = None,
    ) -> None:
        check_positions(positions)
        self.model = name or model.name
        self._network = model
        probe_inputs = _repeat_rows(sample, _fixed_batch_size(model) or _PROBED)
        if not all(layer.built for layer in model._flatten_layers()):
            # Weights are drawn when a model is built; the training needs the same random numbers.
            model(probe_inputs, training=False)
        named = named_layers(model)
        selected = select_layers(named, layers, exclude)
        self.layers: list[Layer] = []
        #: Per layer: the call whose output is recorded, and its layout.
        self._recorded: list[tuple[LayerCall, Layout]] = []
        names = {id(layer): name for name, layer in selected}
        indices: dict[tuple[int, int], int] = {}
        calls = self._trace(probe_inputs, named, selected)
        by_input = consumers(calls)
        for traced in calls:
            layer, number = traced.call.layer, traced.call.number
            if id(layer) not in names:
                continue
            last = followed_by_activation(traced, by_input) if after_activation else traced
            layout = infer_layout(layer, tuple(last.output.shape), positions)
            layer_name = names[id(layer)] + (f":{number + 1}" if number else "")
            activation = None if last is traced else type(last.call.layer).__name__
            indices[traced.call.key] = len(self.layers)
            entry = layer_entry(
                layer_name, layer, layout, last.output, activation=activation, repeated=number > 0
            )
            self.layers.append(entry)
            self._recorded.append((last.call, layout))
        self.edges = trace_edges(model, indices)
        self._outputs: dict[tuple[int, int], Any] = {}

    def _trace(
        self, inputs: Any, named: Sequence[NamedLayer], selected: Sequence[NamedLayer]
    ) -> list[TracedCall]:
        """Runs `inputs` and returns every call of a layer that is selected or contains no layers."""
        calls: list[TracedCall] = []

        def on_call(call: LayerCall, inputs: list[Any], output: Any) -> None:
            tensor = first_tensor(output)
            if tensor is not None and len(tensor.shape) > 0:
                calls.append(TracedCall(call, inputs, tensor))

        traced = {id(layer): layer for _, layer in selected}
        traced.update((id(layer), layer) for _, layer in named if not children(layer))
        with preserved_state(self._network), intercepted_calls(list(traced.values()), on_call):
            self._network(inputs, training=False)
        called = {id(traced_call.call.layer) for traced_call in calls}
        uncalled = [name for name, layer in selected if id(layer) not in called]
        if uncalled:
            raise RecorderError(
                f"{', '.join(uncalled)}: put out nothing when the model ran (not in use, inside a compiled "
                "function, or no array); leave out what puts out nothing: "
                f"exclude={uncalled if uncalled[1:] else uncalled[0]!r}"
            )
        return calls

    @contextmanager
    def open(self) -> Iterator[None]:
        recorded = {call.key for call, _ in self._recorded}

        def on_call(call: LayerCall, inputs: list[Any], output: Any) -> None:
            if call.key in recorded:
                self._outputs[call.key] = first_tensor(output)

        layers = {id(call.layer): call.layer for call, _ in self._recorded}
        try:
            with (
                preserved_state(self._network),
                intercepted_calls(list(layers.values()), on_call) as self._restart,
            ):
                yield
        finally:
            self._outputs.clear()

    def batch(self, inputs: NetworkInputs, map_rows: Sequence[int] = ()) -> Batch:
        self._outputs.clear()
        self._restart()
        output = self._network(inputs, training=False)
        batch = Batch([])
        for index, (call, layout) in enumerate(self._recorded):
            value = self._outputs.pop(call.key, None)
            if value is None:
                raise RecorderError(
                    f"{self.model}: layer {self.layers[index].name} put out nothing this time"
                )
            batch.values.append(layout.reduce(value))
            if layout.channels_first is not None and len(map_rows):
                rows = keras.ops.take(value, np.asarray(map_rows), axis=0)
                batch.maps.append((index, to_numpy(keras.ops.transpose(rows, layout.channels_first))))
        scores = output if keras.ops.is_tensor(output) else None
        if scores is not None and len(scores.shape) == 2 and scores.shape[1] > 1:
            batch.outputs = int(scores.shape[1])
            batch.predictions = to_numpy(keras.ops.argmax(scores, axis=1))
        return batch

    def aggregates(self, groups: int) -> Aggregator:
        return NumpyAggregator(groups)

    def barrier(self, ok: bool) -> bool:
        return ok

    def gather(self, value: T) -> list[T]:
        return [value]


def _fixed_batch_size(model: Any) -> int | None:
    """Returns the only batch size that a model accepts, as stateful ones do; `None` if there is none."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[0] if inputs else None


def _repeat_rows(inputs: NetworkInputs, count: int) -> Any:
    """Returns a batch of `count` inputs, repeating those of `inputs` if they are fewer."""

    def take(array: Any) -> Any:
        if array is None:
            return None
        rows = as_numpy(array)
        return rows[np.arange(count) % len(rows)]

    return keras.tree.map_structure(take, inputs)
