"""Capture of the activations of PyTorch models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter
from torch.utils._python_dispatch import _disable_current_modes

from .._capture import Aggregator, Batch, module_classes, parse_positions
from .._errors import RecorderError, one_line
from .._types import NetworkInputs, Positions, Selector
from . import distributed as ranks
from .activation import ActivationTracker, activation_modules
from .aggregate import TorchAggregator
from .guard import evaluation
from .inputs import batch_size, call, find_arguments, find_masks, on_device, repeat_rows
from .outputs import main_tensor, read_output, sequence_mask
from .probe import probe
from .rows import RowTrace
from .select import select_layers, unwrap

T = TypeVar("T")


class TorchCapture:
    """Runs inputs through a model and captures the outputs of its layers; implements `Capture`.

    Args:
        model: the network.
        sample: a batch of at least one input; the model is run on it to analyse the layers.
        layers, exclude, positions, after_activation, name: options of `Recorder`.

    Raises:
        RecorderError: no layer can be recorded, or one that is named by hand cannot; the message names it
            and a remedy. Others are left out with a warning.
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
        positions = parse_positions(positions)
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
        selected = select_layers(self._model, layers, exclude)
        masks = find_masks(self._model, on_device(self._model, sample))
        with evaluation(self._model), torch.no_grad():
            self._plan = probe(
                self._model,
                selected,
                lambda count, trace: self._probe(sample, count, trace),
                {name: mask.valid.shape[1] for name, mask in masks.items()},
                positions,
                after_activation,
            )
        self._modules = {module for module, _ in self._plan.calls}
        self.layers = [captured.layer for captured in self._plan.layers]
        graph = self._plan.graph
        self.edges = None if graph is None else graph.edges
        self.joints = [] if graph is None else graph.joints
        self.modules = module_classes(self.layers, selected.modules, ".")
        self.output = self._plan.output

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
        self._complete(state)
        return Batch(
            values=state.values,
            output=read_output(output, state.inputs, None),
            maps=sorted(state.maps, key=lambda entry: entry[0]),
            absent=state.absent,
        )

    def aggregates(self, groups: int) -> Aggregator:
        return TorchAggregator([layer.units for layer in self.layers], groups)

    def barrier(self, ok: bool) -> bool:
        return ranks.all_ok(ok)

    def gather(self, value: T) -> list[T]:
        return ranks.gather(value)

    def _close(self) -> None:
        self._pass = self._tracker = None

    def _probe(self, sample: NetworkInputs, count: int, trace: RowTrace | None) -> Any:
        """Runs a forward pass of `count` inputs of the sample."""
        try:
            return self._forward(repeat_rows(sample, count), trace)
        except RecorderError:
            raise
        except Exception as error:
            raise RecorderError(
                f"{type(self._model).__name__} fails on a batch of {count} inputs: {one_line(error)}"
            ) from error

    def _forward(self, inputs: NetworkInputs, trace: RowTrace | None) -> Any:
        moved = on_device(self._model, inputs)
        if trace is not None:
            trace.start(find_arguments(self._model, moved), batch_size(moved))
        if self._pass is not None and self._plan.has_masks:
            self._pass.masks = {name: mask.valid for name, mask in find_masks(self._model, moved).items()}
        return call(self._model, moved)

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
            state.trace = stack.enter_context(RowTrace()) if self._plan.is_routed else None
            return self._forward(inputs, state.trace)

    def _complete(self, state: _ForwardPass) -> None:
        """Checks that all layers have values; those that data decides the inputs of may have none."""
        for (module, number), index in self._plan.calls.items():
            captured = self._plan.layers[index]
            if state.values[index] is not None:
                continue
            if captured.reduction.is_routed:
                state.values[index] = torch.full((state.inputs, captured.reduction.units), torch.nan)
                state.absent[index] = torch.ones(state.inputs, dtype=torch.bool)
                continue
            if number < state.calls.get(module, 0):
                raise RecorderError(
                    f"layer {captured.layer.name} is recorded after {captured.activation}, which did not "
                    "follow this time; after_activation=False records layers as they are"
                )
            raise RecorderError(f"layer {captured.layer.name} did not fire, as it did at first")

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
                self._add(index, tensor, sequence_mask(output))

    def _on_activation(self, index: int, _name: str, tensor: Tensor) -> None:
        self._add(index, tensor, None)

    def _add(self, index: int, tensor: Tensor, mask: Tensor | None) -> None:
        """Reduces a layer's output. Done immediately, because later operations may change it in place, and
        so that it need not be kept. `mask` is that of a packed sequence."""
        state, reduction, layer = self._pass, self._plan.layers[index].reduction, self.layers[index]
        if state is None:
            return
        if reduction.is_routed:
            self._add_routed(index, tensor, state)
            return
        absent = None if mask is None else reduction.absent(mask)
        if mask is None and (mask := state.masks.get(reduction.mask)) is not None:
            # Layers of one mask have it in common, which is looked at once.
            absent = state.absent_of.setdefault(reduction.mask, reduction.absent(mask))
        value = reduction(tensor, state.inputs, mask)
        if absent is not None:
            state.absent[index] = absent
        if value.data_ptr() == tensor.data_ptr():
            if index in self._copied or tensor.is_inference():
                value = value.clone()
            else:
                state.borrowed[index] = (tensor, tensor._version)
        state.values[index] = value
        if state.map_rows and layer.kind == "feature-map" and len(layer.shape) == 3 and not reduction.folded:
            rows = torch.tensor(state.map_rows, device=tensor.device)
            state.maps.append((index, reduction.rows(tensor, state.inputs).index_select(0, rows).float()))

    def _add_routed(self, index: int, tensor: Tensor, state: _ForwardPass) -> None:
        assert state.trace is not None
        with _disable_current_modes():
            rows = state.trace.rows(tensor)
            if rows is None:
                raise RecorderError(
                    f"layer {self.layers[index].name}: it is not known which inputs reached it this time"
                )
            value, absent = self._plan.layers[index].reduction.gather(tensor, rows, state.inputs)
        state.values[index], state.absent[index] = value, absent


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
        #: By layer: bool `[inputs]`, true where it has no value.
        self.absent: dict[int, Any] = {}
        #: Masks `[inputs, positions]` among the arguments, false at padding.
        self.masks: dict[str, Tensor] = {}
        #: By mask: the inputs without a position.
        self.absent_of: dict[str, Tensor | None] = {}
        self.trace: RowTrace | None = None
        #: By layer: values that are the network's own tensors, and their versions.
        self.borrowed: dict[int, tuple[Tensor, int]] = {}

    def overwritten(self) -> list[int]:
        """Returns the layers whose values were changed in place after they had been captured."""
        return [index for index, (tensor, version) in self.borrowed.items() if tensor._version != version]
