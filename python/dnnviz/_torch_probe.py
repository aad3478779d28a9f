"""What a forward pass of a few inputs tells of a model: which layers fire, in which order, what flows
into which, what activation follows, and how an output becomes one value per unit."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ._capture import Layer
from ._errors import RecorderError
from ._torch_activation import Scout, steps_of
from ._torch_reduce import LARGE, SMALL, Reduction, find, main_tensor, tensors

#: Runs the model on a batch of so many inputs.
Forward = Callable[[int], Any]
#: A module's n-th call of a forward pass, from 0.
Call = tuple[nn.Module, int]


@dataclass
class Recorded:
    """One layer of the recording."""

    layer: Layer
    reduction: Reduction
    #: Name of the activation function after which it is recorded.
    activation: str | None


@dataclass
class Plan:
    """What to record of a model, in the order in which layers fire."""

    calls: dict[Call, int]
    recorded: list[Recorded]
    edges: list[tuple[int, int]] | None
    #: Whether some activations are functions, so that function calls must be watched.
    by_function: bool


class Trace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Follows data from layer to layer: what an operation makes comes from wherever its arguments come."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        #: By storage, so that views and changes in place count: layers, and the storage itself, kept
        #: alive so that its address stays its own.
        self._sources: dict[int, tuple[frozenset[int], Any]] = {}

    def sources(self, value: Any) -> frozenset[int]:
        """Layers that flow into the tensors in `value`, directly."""
        known = (self._sources.get(_storage(tensor)[0]) for tensor in tensors(value))
        return frozenset().union(*(entry[0] for entry in known if entry is not None))

    def mark(self, value: Any, sources: frozenset[int]) -> None:
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
class Run:
    """One forward pass with every chosen module watched."""

    names: dict[nn.Module, str]
    trace: Trace | None
    #: Layers in firing order, and what they gave.
    calls: list[Call] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)
    scout: Scout = field(default_factory=Scout)

    def forward(self, model: nn.Module, forward: Forward, inputs: int) -> None:
        with ExitStack() as stack:
            for module in steps_of(model):
                # A step that is a layer of its own ends the way of the layer before it.
                if module in self.names:
                    stack.callback(module.register_forward_pre_hook(self._before, with_kwargs=True).remove)
                else:
                    for handle in self.scout.attach(module):
                        stack.callback(handle.remove)
            for module in self.names:
                stack.callback(module.register_forward_hook(self._after).remove)
            if self.trace is not None:
                stack.enter_context(self.trace)
            stack.enter_context(self.scout)
            forward(inputs)

    def _before(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.scout.spoil([*args, *kwargs.values()])

    def _after(self, module: nn.Module, _args: Any, output: Any) -> None:
        number = sum(1 for called, _ in self.calls if called is module)
        layer = len(self.calls)
        tensor = main_tensor(output)
        if tensor is None:
            name = self.names[module]
            raise RecorderError(
                f"layer {name} gives no tensor but {type(output).__name__}; exclude={name!r} leaves it out"
            )
        self.calls.append((module, number))
        self.outputs.append(tensor.detach())
        if self.trace is not None:
            self.edges += [(source, layer) for source in sorted(self.trace.sources(output))]
            self.trace.mark(output, frozenset([layer]))
        self.scout.expect(layer, tensor)


def probe(
    model: nn.Module, names: dict[nn.Module, str], forward: Forward, positions: str, after_activation: bool
) -> Plan:
    """Runs `model` on batches of 2 and 3 inputs to learn what there is to record of the modules `names`.

    Raises `RecorderError` naming a module that does not fire, fires differently from batch to batch,
    or gives nothing that can be recorded.
    """
    try:
        small = Run(names, Trace())
        small.forward(model, forward, SMALL)
    except Exception:
        # Whether the model fails or only cannot be traced shows without the trace.
        small = Run(names, None)
        small.forward(model, forward, SMALL)
    large = Run(names, None)
    large.forward(model, forward, LARGE)
    _check_calls(names, small, large)
    recorded = []
    positions_of = {call: index for index, call in enumerate(large.calls)}
    for index, call in enumerate(small.calls):
        module, number = call
        name = names[module] + (f":{number + 1}" if number else "")
        reduction, layer = find(
            module, name, small.outputs[index], large.outputs[positions_of[call]], positions
        )
        activation = small.scout.activation(index) if after_activation else None
        if activation is not None and small.scout.found[index][1].shape != small.outputs[index].shape:
            activation = None
        if activation is not None:
            layer.text += f"\nrecorded after {activation}"
        if number:
            layer.parameters = None
        recorded.append(Recorded(layer, reduction, activation))
    calls = {call: index for index, call in enumerate(small.calls)}
    by_function = any(recorded[index].activation for index in small.scout.by_function if index is not None)
    return Plan(calls, recorded, None if small.trace is None else small.edges, by_function)


def _check_calls(names: dict[nn.Module, str], small: Run, large: Run) -> None:
    fired = {module for module, _ in small.calls}
    silent = [name for module, name in names.items() if module not in fired]
    if silent:
        shown = ", ".join(silent[:3]) + (f" and {len(silent) - 3} more" if silent[3:] else "")
        raise RecorderError(
            f"{shown}: chosen, but never called in a forward pass (a fused fast path, or a part that is not "
            f"in use); leave out what is not called: exclude={_covering(silent, set(names.values()))!r}"
        )
    for module, name in names.items():
        counts = [sum(1 for called, _ in run.calls if called is module) for run in (small, large)]
        if counts[0] != counts[1]:
            raise RecorderError(
                f"layer {name} is called {counts[0]} times for {SMALL} inputs and {counts[1]} times "
                f"for {LARGE}; exclude={name!r} leaves it out"
            )


def _covering(silent: list[str], all_names: set[str]) -> str | list[str]:
    """What to write after `exclude=` for the layers `silent` and no other."""
    patterns = list(dict.fromkeys(re.sub(r"\d+", "*", name) for name in silent))
    covered = {name for pattern in patterns for name in fnmatch.filter(all_names, pattern)}
    chosen = patterns if len(patterns) < len(silent) and covered == set(silent) else silent
    return chosen if chosen[1:] else chosen[0]
