"""Analysis of a model by forward passes of a few inputs: the layers in the order of their calls, the edges
between them, their activations and reductions."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from .._capture import Layer
from .._errors import RecorderError
from .._types import Positions
from .activation import ActivationDetector, activation_modules
from .reduce import LARGE, SMALL, Reduction, infer_reduction, main_tensor, tensors

#: Runs the model on a batch of so many inputs.
Forward: TypeAlias = Callable[[int], Any]
#: A module and the number of its call in a forward pass, from 0.
Call: TypeAlias = tuple[nn.Module, int]


@dataclass
class CapturedLayer:
    """One layer of the recording."""

    layer: Layer
    reduction: Reduction
    #: Name of the activation function after which it is recorded.
    activation: str | None


@dataclass
class CapturePlan:
    """The layers to record of a model, in the order of their calls."""

    #: Index of each call among `layers`.
    calls: dict[Call, int]
    layers: list[CapturedLayer]
    edges: list[tuple[int, int]] | None
    #: Some activations are functions, so that function calls have to be tracked.
    has_functions: bool


class DataflowTrace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Traces data between layers: the result of an operation depends on the layers of its arguments."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        #: By storage, to include views and changes in place: layers, and the storage itself, kept alive so
        #: that its address is unique.
        self._sources: dict[int, tuple[frozenset[int], Any]] = {}

    def sources(self, value: Any) -> frozenset[int]:
        """Returns the layers whose outputs reach the tensors in `value` directly."""
        known = (self._sources.get(_storage(tensor)[0]) for tensor in tensors(value))
        return frozenset().union(*(entry[0] for entry in known if entry is not None))

    def mark(self, value: Any, sources: frozenset[int]) -> None:
        """Sets the sources of the tensors in `value`."""
        for tensor in tensors(value):
            address, storage = _storage(tensor)
            self._sources[address] = (sources, storage)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        sources = self.sources((args, kwargs))
        if sources:
            for tensor in tensors(result):
                self.mark(tensor, sources | self.sources(tensor))
        return result


def _storage(tensor: Tensor) -> tuple[int, Any]:
    if tensor.layout is torch.strided and not tensor.is_nested:
        storage = tensor.untyped_storage()
        return storage._cdata, storage
    return id(tensor), tensor


@dataclass
class ProbePass:
    """One forward pass with hooks on every selected module."""

    names: dict[nn.Module, str]
    trace: DataflowTrace | None
    #: Layers in the order of their calls, and their outputs.
    calls: list[Call] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)
    detector: ActivationDetector = field(default_factory=ActivationDetector)

    def run(self, model: nn.Module, forward: Forward, inputs: int) -> None:
        """Runs a forward pass of so many inputs."""
        with ExitStack() as stack:
            for module in activation_modules(model):
                # One that is recorded itself does not belong to the layer before it.
                if module in self.names:
                    stack.callback(module.register_forward_pre_hook(self._before, with_kwargs=True).remove)
                else:
                    for handle in self.detector.attach(module):
                        stack.callback(handle.remove)
            for module in self.names:
                stack.callback(module.register_forward_hook(self._after).remove)
            if self.trace is not None:
                stack.enter_context(self.trace)
            stack.enter_context(self.detector)
            forward(inputs)

    def count(self, module: nn.Module) -> int:
        """Returns the number of calls of a module."""
        return sum(1 for called, _ in self.calls if called is module)

    def _before(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.detector.mark_shared([*args, *kwargs.values()])

    def _after(self, module: nn.Module, _args: Any, output: Any) -> None:
        layer = len(self.calls)
        tensor = main_tensor(output)
        if tensor is None:
            name = self.names[module]
            raise RecorderError(
                f"layer {name} gives no tensor but {type(output).__name__}; exclude={name!r} leaves it out"
            )
        self.calls.append((module, self.count(module)))
        self.outputs.append(tensor.detach())
        if self.trace is not None:
            self.edges += [(source, layer) for source in sorted(self.trace.sources(output))]
            self.trace.mark(output, frozenset([layer]))
        self.detector.track(layer, tensor)


def probe(
    model: nn.Module,
    names: dict[nn.Module, str],
    forward: Forward,
    positions: Positions,
    after_activation: bool,
) -> CapturePlan:
    """Runs `model` on batches of 2 and 3 inputs to determine how the modules `names` are recorded.

    Raises:
        RecorderError: a module is not called, is called differently from batch to batch, or has an output
            that cannot be recorded.
    """
    try:
        small = ProbePass(names, DataflowTrace())
        small.run(model, forward, SMALL)
    except Exception:
        # If the model itself fails, it fails without the trace as well.
        small = ProbePass(names, None)
        small.run(model, forward, SMALL)
    large = ProbePass(names, None)
    large.run(model, forward, LARGE)
    _check_calls(names, small, large)
    large_outputs = dict(zip(large.calls, large.outputs, strict=True))
    layers = [
        _captured_layer(index, call, names, small, large_outputs[call], positions, after_activation)
        for index, call in enumerate(small.calls)
    ]
    calls = {call: index for index, call in enumerate(small.calls)}
    by_function = small.detector.by_function
    has_functions = any(layers[index].activation for index in by_function if index is not None)
    return CapturePlan(calls, layers, None if small.trace is None else small.edges, has_functions)


def _captured_layer(
    index: int,
    call: Call,
    names: dict[nn.Module, str],
    small: ProbePass,
    large_output: Tensor,
    positions: Positions,
    after_activation: bool,
) -> CapturedLayer:
    module, number = call
    name = names[module] + (f":{number + 1}" if number else "")
    output = small.outputs[index]
    reduction, layer = infer_reduction(module, name, output, large_output, positions)
    activation = small.detector.activation(index) if after_activation else None
    if activation is not None and small.detector.detected[index][1].shape != output.shape:
        activation = None
    if activation is not None:
        layer.text += f"\nrecorded after {activation}"
    if number:
        layer.parameters = None
    return CapturedLayer(layer, reduction, activation)


def _check_calls(names: dict[nn.Module, str], small: ProbePass, large: ProbePass) -> None:
    called = {module for module, _ in small.calls}
    uncalled = [name for module, name in names.items() if module not in called]
    if uncalled:
        listed = ", ".join(uncalled[:3]) + (f" and {len(uncalled) - 3} more" if uncalled[3:] else "")
        exclude = _exclude_option(uncalled, set(names.values()))
        raise RecorderError(
            f"{listed}: chosen, but never called in a forward pass (a fused fast path, or a part that is not "
            f"in use); leave out what is not called: exclude={exclude!r}"
        )
    for module, name in names.items():
        if small.count(module) != large.count(module):
            raise RecorderError(
                f"layer {name} is called {small.count(module)} times for {SMALL} inputs and "
                f"{large.count(module)} times for {LARGE}; exclude={name!r} leaves it out"
            )


def _exclude_option(names: list[str], all_names: set[str]) -> str | list[str]:
    """Returns the shortest value of `exclude` that matches exactly `names`."""
    patterns = list(dict.fromkeys(re.sub(r"\d+", "*", name) for name in names))
    matching = {name for pattern in patterns for name in fnmatch.filter(all_names, pattern)}
    value = patterns if len(patterns) < len(names) and matching == set(names) else names
    return value if value[1:] else value[0]
