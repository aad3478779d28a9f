"""Capture of the activations of PyTorch models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from .._capture import Aggregator, Batch, check_positions
from .._errors import RecorderError
from .._types import NetworkInputs, Positions, Selector
from . import distributed as ranks
from .activation import ActivationTracker, activation_modules
from .aggregate import TorchAggregator
from .guard import evaluation
from .inputs import batch_size, forward, repeat_rows
from .probe import probe
from .reduce import main_tensor, sequence_lengths
from .select import select_layers, unwrap

T = TypeVar("T")


class TorchCapture:
    """Runs inputs through a model and captures the outputs of its layers; implements `Capture`.

    Args:
        model: the network.
        sample: a batch of at least one input; the model is run on it to analyse the layers.
        layers, exclude, positions, after_activation, name: options of `Recorder`.

    Raises:
        RecorderError: a selected layer cannot be recorded; the message names it and a remedy.
    """

    def __init__(
        self,
        model: nn.Module,
        sample: NetworkInputs,
        *,
        layers: Selector | Iterable[Selector] | None = None,
        exclude: Selector | Iterable[Selector] | None = None,
        positions: Positions = "mean",
        after_activation: bool = True,
        name: str | None = None,
    ) -> None:
        check_positions(positions)
        self._model = unwrap(model)
        self._pass: _ForwardPass | None = None
        self._tracker: ActivationTracker | None = None
        #: Layers whose output the network changes in place afterwards.
        self._copied: set[int] = set()
        self.model = name or type(self._model).__name__
        self.rank, self.world = ranks.rank(), ranks.world()
        for key, value in (*self._model.named_parameters(), *self._model.named_buffers()):
            if isinstance(value, (UninitializedParameter, UninitializedBuffer)):
                raise RecorderError(
                    f"{key} has no shape yet: run one batch through the model before it is recorded"
                )
        names = select_layers(self._model, layers, exclude)
        with evaluation(self._model), torch.no_grad():
            plan = probe(
                self._model, names, lambda count: self._probe(sample, count), positions, after_activation
            )
        self._plan = plan
        self._modules = {module for module, _ in plan.calls}
        self.layers = [captured.layer for captured in plan.layers]
        self.edges = plan.edges

    @contextmanager
    def open(self) -> Iterator[None]:
        """Guards a sequence of `batch` calls; hooks are attached only inside.

        On exit, training modes, random states, gradients, buffers, attributes of modules, autocast and
        hooks are as before.
        """
        if self._pass is not None:
            raise RecorderError("the model is being captured already")
        with ExitStack() as stack:
            stack.enter_context(evaluation(self._model))
            stack.callback(self._close)
            self._pass = _ForwardPass(0, [], len(self.layers))
            if any(captured.activation for captured in self._plan.layers):
                self._tracker = ActivationTracker(self._on_activation)
                for module in activation_modules(self._model):
                    for handle in [] if module in self._modules else self._tracker.attach(module):
                        stack.callback(handle.remove)
            for module in self._modules:
                stack.callback(module.register_forward_hook(self._on_forward).remove)
            yield

    def batch(self, inputs: NetworkInputs, map_rows: Sequence[int] = ()) -> Batch:
        """Returns the values of every layer `[inputs, units]` on the model's device, in f32, or f64 where
        the layer is.

        The values may be the network's own tensors: they are to be read before the next batch, and not to
        be changed. To be called inside `open`. Exceptions of the model are passed on.

        Args:
            inputs: moved to the model's device and passed to its forward: a tensor or array as the one
                argument, a tuple or list as several, a dict by name. Their first dimension counts the
                inputs.
            map_rows: rows of the batch whose feature maps are captured.
        """
        if self._pass is None:
            raise RecorderError("batches are captured inside open()")
        state = _ForwardPass(batch_size(inputs), list(map_rows), len(self.layers))
        output = self._run(inputs, state)
        if overwritten := state.overwritten():
            # Copying everything costs a small dense network more than the rest of the capture. Outputs that
            # the network changes in place are copied from now on.
            self._copied.update(overwritten)
            state = _ForwardPass(state.inputs, state.map_rows, len(self.layers))
            output = self._run(inputs, state)
        self._check_complete(state)
        batch = Batch(values=state.values, maps=sorted(state.maps, key=lambda entry: entry[0]))
        scores = main_tensor(output)
        if (
            scores is not None
            and scores.ndim == 2
            and scores.shape[0] == state.inputs
            and scores.is_floating_point()
        ):
            batch.predictions, batch.outputs = scores.argmax(1), scores.shape[1]
        return batch

    def aggregates(self, groups: int) -> Aggregator:
        return TorchAggregator([layer.units for layer in self.layers], groups)

    def barrier(self, ok: bool) -> bool:
        return ranks.all_ok(ok)

    def gather(self, value: T) -> list[T]:
        return ranks.gather(value)

    def _close(self) -> None:
        self._pass = self._tracker = None

    def _probe(self, sample: NetworkInputs, count: int) -> None:
        """Runs a forward pass of `count` inputs of the sample."""
        try:
            forward(self._model, repeat_rows(sample, count))
        except RecorderError:
            raise
        except Exception as error:
            raise RecorderError(
                f"{type(self._model).__name__} fails on a batch of {count} inputs: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _run(self, inputs: NetworkInputs, state: _ForwardPass) -> Any:
        """Runs a forward pass whose values are added to `state`; returns the model's output."""
        self._pass = state
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            if self._tracker is not None:
                self._tracker.reset()
                stack.callback(self._tracker.reset)
                if self._plan.has_functions:
                    stack.enter_context(self._tracker)
            return forward(self._model, inputs)

    def _check_complete(self, state: _ForwardPass) -> None:
        for (module, number), index in self._plan.calls.items():
            if state.values[index] is not None:
                continue
            layer, activation = self.layers[index].name, self._plan.layers[index].activation
            if number < state.calls.get(module, 0):
                raise RecorderError(
                    f"layer {layer} is recorded after {activation}, which did not follow this time; "
                    "after_activation=False records layers as they are"
                )
            raise RecorderError(f"layer {layer} did not fire, as it did at first")

    def _on_forward(self, module: nn.Module, _args: Any, output: Any) -> None:
        """Forward hook of a recorded module."""
        state = self._pass
        if state is None:
            return
        number = state.calls.get(module, 0)
        state.calls[module] = number + 1
        index = self._plan.calls.get((module, number))
        if index is None:
            name = self.layers[self._plan.calls[module, 0]].name
            raise RecorderError(
                f"layer {name} is called more often than at first ({number} times in a forward pass)"
            )
        with torch._C.DisableTorchFunction():
            tensor = main_tensor(output)
            if tensor is None:
                raise RecorderError(
                    f"layer {self.layers[index].name} gives no tensor but {type(output).__name__}"
                )
            if self._tracker is not None and self._plan.layers[index].activation is not None:
                self._tracker.track(index, tensor)
            else:
                self._add(index, tensor, sequence_lengths(output))

    def _on_activation(self, index: int, _name: str, tensor: Tensor) -> None:
        self._add(index, tensor, None)

    def _add(self, index: int, tensor: Tensor, positions: Tensor | None) -> None:
        """Reduces a layer's output. Done immediately, because later operations may change it in place, and
        so that it need not be kept."""
        state, reduction, layer = self._pass, self._plan.layers[index].reduction, self.layers[index]
        if state is None:
            return
        value = reduction(tensor, state.inputs, positions)
        if value.data_ptr() == tensor.data_ptr():
            if index in self._copied or tensor.is_inference():
                value = value.clone()
            else:
                state.borrowed[index] = (tensor, tensor._version)
        state.values[index] = value
        if state.map_rows and layer.kind == "feature-map" and len(layer.shape) == 3 and not reduction.folded:
            rows = torch.tensor(state.map_rows, device=tensor.device)
            state.maps.append((index, reduction.rows(tensor, state.inputs).index_select(0, rows).float()))


class _ForwardPass:
    """State of one forward pass."""

    def __init__(self, inputs: int, map_rows: list[int], layers: int) -> None:
        #: Number of inputs.
        self.inputs = inputs
        #: Rows of the batch whose feature maps are captured.
        self.map_rows = map_rows
        #: Number of calls of each module so far.
        self.calls: dict[nn.Module, int] = {}
        #: Per layer; `None` until it is captured.
        self.values: list[Any] = [None] * layers
        self.maps: list[tuple[int, Tensor]] = []
        #: By layer: values that are the network's own tensors, and their versions.
        self.borrowed: dict[int, tuple[Tensor, int]] = {}

    def overwritten(self) -> list[int]:
        """Returns the layers whose values were changed in place after they had been captured."""
        return [index for index, (tensor, version) in self.borrowed.items() if tensor._version != version]
