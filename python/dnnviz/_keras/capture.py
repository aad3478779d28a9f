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
from .._capture import Aggregator, Batch, Layer, Output, module_classes, parse_positions
from .._errors import RecorderError, warn
from .._inputs import input_count
from .._positions import check_range
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
from .graph import trace_graph
from .guard import preserved_state
from .layers import NamedLayer, children, is_sigmoid, named_layers, select_layers
from .layout import Layout, infer_layout, layer_entry, to_numpy
from .outputs import fitting_mask, input_masks, read_output

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
        RecorderError: no layer can be recorded, or one that is named by hand cannot; the message names it
            and a remedy. Others are left out with a warning.
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
        positions = parse_positions(positions)
        self.model = name or model.name
        self._network = model
        probe_inputs = _repeat_rows(sample, _fixed_batch_size(model) or _PROBED)
        if not all(layer.built for layer in model._flatten_layers()):
            # Weights are drawn when a model is built; the training needs the same random numbers.
            model(probe_inputs, training=False)
        named = named_layers(model)
        selected, by_hand = select_layers(named, layers, exclude)
        self.layers: list[Layer] = []
        self.output: Output | None = None
        #: Per layer: the call whose output is recorded, and its layout.
        self._recorded: list[tuple[LayerCall, Layout]] = []
        names = {id(layer): name for name, layer in selected}
        indices: dict[tuple[int, int], int] = {}
        calls = self._trace(probe_inputs, named, selected)
        called = {id(traced.call.layer) for traced in calls}
        left_out = {
            name: "puts out nothing when the model runs (not in use, inside a compiled function, or no array)"
            for name, layer in selected
            if id(layer) not in called
        }
        by_input = consumers(calls)
        for traced in calls:
            layer, number = traced.call.layer, traced.call.number
            if id(layer) not in names:
                continue
            last = followed_by_activation(traced, by_input) if after_activation else traced
            layout = infer_layout(layer, tuple(last.output.shape), positions)
            layer_name = names[id(layer)] + (f":{number + 1}" if number else "")
            try:
                if layout.positions is not None:
                    check_range(layout.positions, last.output.shape[1], layer_name)
            except RecorderError as error:
                left_out[names[id(layer)]] = str(error).removeprefix(f"layer {layer_name} ")
                continue
            activation = None if last is traced else type(last.call.layer).__name__
            indices[traced.call.key] = len(self.layers)
            entry = layer_entry(
                layer_name, layer, layout, last.output, activation=activation, repeated=number > 0
            )
            self.layers.append(entry)
            self._recorded.append((last.call, layout))
        _check_left_out(left_out, by_hand, is_empty=not self.layers)
        graph = trace_graph(model, indices)
        self.edges = None if graph is None else graph.edges
        self.joints = [] if graph is None else graph.joints
        self.modules = module_classes(self.layers, dict(named), "/")
        #: By call: the output and its mask.
        self._outputs: dict[tuple[int, int], tuple[Any, Any]] = {}

    def _trace(
        self, inputs: Any, named: Sequence[NamedLayer], selected: Sequence[NamedLayer]
    ) -> list[TracedCall]:
        """Runs `inputs` and returns every call of a layer that is selected or contains no layers."""
        calls: list[TracedCall] = []

        def on_call(call: LayerCall, inputs: list[Any], output: Any, _mask: Any) -> None:
            tensor = first_tensor(output)
            if tensor is not None and len(tensor.shape) > 0:
                calls.append(TracedCall(call, inputs, tensor))

        traced = {id(layer): layer for _, layer in selected}
        traced.update((id(layer), layer) for _, layer in named if not children(layer))
        with preserved_state(self._network), intercepted_calls(list(traced.values()), on_call):
            output = self._network(inputs, training=False)
        sigmoids = {id(call.output) for call in calls if is_sigmoid(call.call.layer)}
        self.output = read_output(output, input_count(inputs), sigmoids)
        return calls

    @contextmanager
    def open(self) -> Iterator[None]:
        recorded = {call.key for call, _ in self._recorded}

        def on_call(call: LayerCall, inputs: list[Any], output: Any, mask: Any) -> None:
            if call.key in recorded:
                self._outputs[call.key] = first_tensor(output), mask

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
        count = input_count(inputs)
        masks = input_masks(self._network, inputs)
        batch = Batch([], output=read_output(output, count, set()))
        for index, (call, layout) in enumerate(self._recorded):
            value, mask = self._outputs.pop(call.key, (None, None))
            name = self.layers[index].name
            if value is None:
                raise RecorderError(f"{self.model}: layer {name} put out nothing this time")
            mask = fitting_mask(masks, tuple(value.shape), name) if mask is None else to_numpy(mask)
            values, absent = layout.reduce(value, mask, name)
            batch.values.append(values)
            if absent is not None and absent.any():
                batch.absent[index] = absent
            if layout.channels_first is not None and len(map_rows):
                rows = keras.ops.take(value, np.asarray(map_rows), axis=0)
                batch.maps.append((index, to_numpy(keras.ops.transpose(rows, layout.channels_first))))
        return batch

    def aggregates(self, groups: int) -> Aggregator:
        return NumpyAggregator(groups)

    def barrier(self, ok: bool) -> bool:
        return ok

    def gather(self, value: T) -> list[T]:
        return [value]


def _check_left_out(left_out: dict[str, str], by_hand: set[str], *, is_empty: bool) -> None:
    """Warns of layers that cannot be recorded, by name with the reason.

    Raises:
        RecorderError: one was named by hand, or none is left.
    """
    for name, reason in left_out.items():
        if name in by_hand:
            raise RecorderError(f"layer {name} {reason}; take it out of layers=")
    described = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
    if is_empty:
        raise RecorderError(
            f"no layer can be recorded: {described}; name others with layers=, or leave the model out and "
            "give its arrays to rec.layer"
        )
    if left_out:
        names = list(left_out)
        option = names if names[1:] else names[0]
        warn(f"not recorded: {described}; exclude={option!r} leaves out the same without this warning")


def _fixed_batch_size(model: Any) -> int | None:
    """Returns the only batch size that a model accepts, as stateful ones do; `None` if there is none."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[0] if inputs else None


def _repeat_rows(inputs: NetworkInputs, count: int) -> Any:
    """Returns a batch of `count` inputs, repeating those of `inputs` if they are fewer."""

    def take(array: Any) -> Any:
        if not getattr(array, "shape", ()):
            return array
        rows = as_numpy(array)
        return rows[np.arange(count) % len(rows)]

    return keras.tree.map_structure(take, inputs)
