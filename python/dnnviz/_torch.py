"""Captures the activations of PyTorch models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from . import _torch_distributed as ranks
from ._capture import Aggregates, Batch, Capture
from ._errors import RecorderError
from ._torch_activation import Follower, steps_of
from ._torch_aggregate import TorchAggregates
from ._torch_guard import guarded
from ._torch_probe import probe
from ._torch_reduce import lengths, main_tensor
from ._torch_select import Selector, choose, unwrap


def capture(
    model: nn.Module,
    sample: Any,
    *,
    layers: Selector | Iterable[Selector] | None = None,
    exclude: Selector | Iterable[Selector] | None = None,
    positions: str = "mean",
    after_activation: bool = True,
    name: str | None = None,
) -> Capture:
    """A capture of `model`; see `TorchCapture`."""
    return TorchCapture(
        model,
        sample,
        layers=layers,
        exclude=exclude,
        positions=positions,
        after_activation=after_activation,
        name=name,
    )


class TorchCapture:
    """Runs inputs through a model and takes what its layers make of them.

    `sample` is a batch of inputs, at least one, as `batch` will get them: the model is run on some of
    them once to see what there is to record.

    Raises `RecorderError` when a choice of layers cannot be recorded, naming the layer and the way out.
    """

    def __init__(
        self,
        model: nn.Module,
        sample: Any,
        *,
        layers: Selector | Iterable[Selector] | None = None,
        exclude: Selector | Iterable[Selector] | None = None,
        positions: str = "mean",
        after_activation: bool = True,
        name: str | None = None,
    ) -> None:
        if positions not in ("mean", "keep"):
            raise RecorderError(f"positions={positions!r}: 'mean' or 'keep'")
        self._model = unwrap(model)
        self._pass: _Pass | None = None
        self._follower: Follower | None = None
        #: Layers whose output the network changes afterwards.
        self._copied: set[int] = set()
        self.model = name or type(self._model).__name__
        self.rank, self.world = ranks.rank(), ranks.world()
        for key, value in (*self._model.named_parameters(), *self._model.named_buffers()):
            if isinstance(value, (UninitializedParameter, UninitializedBuffer)):
                raise RecorderError(
                    f"{key} has no shape yet: run one batch through the model before it is recorded"
                )
        names = choose(self._model, layers, exclude)
        with guarded(self._model), torch.no_grad():
            plan = probe(
                self._model, names, lambda inputs: self._try(sample, inputs), positions, after_activation
            )
        self._plan = plan
        self._modules = {module for module, _ in plan.calls}
        self.layers = [recorded.layer for recorded in plan.recorded]
        self.edges = plan.edges

    @contextmanager
    def open(self) -> Iterator[None]:
        """Guards a run of `batch` calls; hooks are attached only inside.

        Training modes, random states, gradients, buffers, attributes of modules, autocast and hooks
        are afterwards as they were.
        """
        if self._pass is not None:
            raise RecorderError("the model is being captured already")
        with ExitStack() as stack:
            stack.enter_context(guarded(self._model))
            stack.callback(self._close)
            self._pass = _Pass(0, [], len(self.layers))
            if any(recorded.activation for recorded in self._plan.recorded):
                self._follower = Follower(self._take_activated)
                for module in steps_of(self._model):
                    for handle in [] if module in self._modules else self._follower.attach(module):
                        stack.callback(handle.remove)
            for module in self._modules:
                stack.callback(module.register_forward_hook(self._after).remove)
            yield

    def batch(self, inputs: Any, want_maps: Sequence[int] = ()) -> Batch:
        """Values of every layer `[inputs, units]` on the model's device, in f32, or f64 where the layer is.

        `inputs` go to the model's device and into its forward: a tensor or array as the one argument, a
        tuple or list as several, a dict by name. Their first dimension counts the inputs.
        The values may be the network's own tensors: read them before the next batch, do not write.
        Call it inside `open`. What the model raises is passed on.
        """
        if self._pass is None:
            raise RecorderError("batches are captured inside open()")
        state = _Pass(_count(inputs), list(want_maps), len(self.layers))
        output = self._run(inputs, state)
        if changed := state.changed():
            # Copying everything costs a small dense network more than the rest of the capture. What a
            # network changes in place after it was taken is copied from now on.
            self._copied.update(changed)
            state = _Pass(state.inputs, state.rows, len(self.layers))
            output = self._run(inputs, state)
        self._check_complete(state)
        scores = main_tensor(output)
        batch = Batch(values=state.values, maps=sorted(state.maps, key=lambda entry: entry[0]))
        if (
            scores is not None
            and scores.ndim == 2
            and scores.shape[0] == state.inputs
            and scores.is_floating_point()
        ):
            batch.predictions, batch.outputs = scores.argmax(1), scores.shape[1]
        return batch

    def _run(self, inputs: Any, state: _Pass) -> Any:
        """A forward pass whose values go to `state`; what the model returns."""
        self._pass = state
        with ExitStack() as stack:
            stack.enter_context(torch.no_grad())
            if self._follower is not None:
                self._follower.reset()
                stack.callback(self._follower.reset)
                if self._plan.by_function:
                    stack.enter_context(self._follower)
            return self._forward(inputs)

    def aggregates(self, groups: int) -> Aggregates:
        """Fresh statistics over `groups` classes, kept where the values are."""
        return TorchAggregates([layer.units for layer in self.layers], groups)

    def barrier(self, ok: bool) -> bool:
        """Waits for all ranks; whether all of them said `ok`."""
        return ranks.all_ok(ok)

    def gather(self, value: Any) -> list[Any]:
        """`value` of every rank, in their order, on every rank."""
        return ranks.gather(value)

    def _close(self) -> None:
        self._pass = self._follower = None

    def _try(self, sample: Any, inputs: int) -> None:
        """A forward pass of `inputs` rows of the sample, over and over when it has fewer."""
        rows = torch.arange(inputs) % max(_count(sample), 1)
        try:
            self._forward(_rows(sample, rows))
        except RecorderError:
            raise
        except Exception as error:
            raise RecorderError(
                f"{type(self._model).__name__} fails on a batch of {inputs} inputs: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _forward(self, inputs: Any) -> Any:
        first = next(self._model.parameters(), None)
        floating = next(
            (one.dtype for one in self._model.parameters() if one.is_floating_point()), torch.float32
        )
        inputs = _to_device(inputs, None if first is None else first.device, floating)
        if isinstance(inputs, Mapping):
            return self._model(**inputs)
        if isinstance(inputs, (tuple, list)):
            return self._model(*inputs)
        return self._model(inputs)

    def _check_complete(self, state: _Pass) -> None:
        for (module, number), index in self._plan.calls.items():
            if state.values[index] is not None:
                continue
            layer, activation = self.layers[index].name, self._plan.recorded[index].activation
            if number < state.calls.get(module, 0):
                raise RecorderError(
                    f"layer {layer} is recorded after {activation}, which did not follow this time; "
                    "after_activation=False records layers as they are"
                )
            raise RecorderError(f"layer {layer} did not fire, as it did at first")

    def _after(self, module: nn.Module, _args: Any, output: Any) -> None:
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
            if self._follower is not None and self._plan.recorded[index].activation is not None:
                self._follower.expect(index, tensor)
            else:
                self._take(index, tensor, lengths(output))

    def _take_activated(self, index: int, _title: str, tensor: Tensor) -> None:
        self._take(index, tensor, None)

    def _take(self, index: int, tensor: Tensor, positions: Tensor | None) -> None:
        """Reduces at once: what comes after may change `tensor` in place, and need not be kept."""
        state, reduction, layer = self._pass, self._plan.recorded[index].reduction, self.layers[index]
        if state is None:
            return
        value = reduction(tensor, state.inputs, positions)
        if value.data_ptr() == tensor.data_ptr():
            if index in self._copied or tensor.is_inference():
                value = value.clone()
            else:
                state.borrowed[index] = (tensor, tensor._version)
        state.values[index] = value
        if state.rows and layer.kind == "feature-map" and len(layer.shape) == 3 and not reduction.folded:
            rows = torch.tensor(state.rows, device=tensor.device)
            state.maps.append((index, reduction.rows(tensor, state.inputs).index_select(0, rows).float()))


class _Pass:
    """What one forward pass has given so far."""

    def __init__(self, inputs: int, rows: list[int], layers: int) -> None:
        self.inputs = inputs
        #: Rows of the batch whose maps are wanted.
        self.rows = rows
        self.calls: dict[nn.Module, int] = {}
        self.values: list[Any] = [None] * layers
        self.maps: list[tuple[int, Tensor]] = []
        #: Values that are the network's own tensors, and how often these had been changed when taken.
        self.borrowed: dict[int, tuple[Tensor, int]] = {}

    def changed(self) -> list[int]:
        """Layers whose values were overwritten after they had been taken."""
        return [index for index, (tensor, version) in self.borrowed.items() if tensor._version != version]


def _count(inputs: Any) -> int:
    """How many inputs a batch has: the first dimension of its first tensor or array."""
    first = next(_arrays(inputs), None)
    if first is None:
        raise RecorderError(
            f"inputs of type {type(inputs).__name__} have no tensor or array with a first dimension"
        )
    return int(first.shape[0])


def _arrays(inputs: Any) -> Iterator[Any]:
    if isinstance(inputs, (Tensor, np.ndarray)):
        if inputs.ndim:
            yield inputs
    elif isinstance(inputs, Mapping):
        for value in inputs.values():
            yield from _arrays(value)
    elif isinstance(inputs, (tuple, list)):
        for value in inputs:
            yield from _arrays(value)


def _map(inputs: Any, change: Any) -> Any:
    """`inputs` with every tensor and array changed, the rest as it is."""
    if isinstance(inputs, (Tensor, np.ndarray)):
        return change(inputs)
    if isinstance(inputs, Mapping):
        return {key: _map(value, change) for key, value in inputs.items()}
    if isinstance(inputs, (tuple, list)):
        return [_map(value, change) for value in inputs]
    return inputs


def _rows(inputs: Any, rows: Tensor) -> Any:
    """The given rows of every tensor and array."""
    return _map(
        inputs,
        lambda one: (
            one[rows.to(one.device) if isinstance(one, Tensor) else rows.numpy()] if one.ndim else one
        ),
    )


def _to_device(inputs: Any, device: torch.device | None, floating: torch.dtype) -> Any:
    """Tensors on `device`. Arrays become tensors; NumPy's usual float64 the float type of the model."""

    def move(one: Tensor | np.ndarray) -> Tensor:
        if isinstance(one, np.ndarray):
            one = torch.from_numpy(np.require(one, requirements=("C", "W")))
            one = one.to(floating) if one.is_floating_point() else one
        return one if device is None else one.to(device, non_blocking=True)

    return _map(inputs, move)
