"""Finds what a layer's output becomes in the activation function right after it.

What fires is the activation: dead units and firing rates can be told only behind it. It may be a
module, a function or a method, in place or not, with a normalisation before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from ._torch_reduce import tensors
from ._torch_select import is_activation, is_normalisation

#: What a step between a layer and its activation is called when it is a normalisation.
NORMALISATION = ""


def _steps() -> dict[Any, str]:
    """Functions that are activations, with the name of the module of that kind, or normalisations."""
    activations = {
        "relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "prelu": "PReLU", "rrelu": "RReLU",
        "elu": "ELU", "selu": "SELU", "celu": "CELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish",
        "tanh": "Tanh", "sigmoid": "Sigmoid", "logsigmoid": "LogSigmoid", "hardtanh": "Hardtanh",
        "hardswish": "Hardswish", "hardsigmoid": "Hardsigmoid", "softplus": "Softplus",
        "softsign": "Softsign", "threshold": "Threshold", "tanhshrink": "Tanhshrink",
        "softshrink": "Softshrink", "hardshrink": "Hardshrink",
    }  # fmt: skip
    normalisations = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")
    steps: dict[Any, str] = {}
    for place in (F, torch, torch.Tensor):
        for name, title in activations.items():
            for function in (getattr(place, name, None), getattr(place, f"{name}_", None)):
                if function is not None:
                    steps[function] = title
        for name in normalisations:
            if (function := getattr(place, name, None)) is not None:
                steps[function] = NORMALISATION
    return steps


STEPS = _steps()


class Follower(TorchFunctionMode):
    """While active, follows the outputs given to `expect` through a normalisation to an activation,
    and calls `found(layer, title, result)` with what comes out of it, before anything else can change it."""

    def __init__(self, found: Callable[[int, str, Tensor], None]) -> None:
        super().__init__()
        self._found = found
        #: By identity: the layer, and the tensor itself so that its identity stays its own.
        self._expected: dict[int, tuple[int, Tensor]] = {}
        #: What modules being called were given.
        self._inside: list[int | None] = []

    def expect(self, layer: int, output: Tensor) -> None:
        self._expected[id(output)] = (layer, output)

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        title = STEPS.get(func)
        if title is None:
            return func(*args, **kwargs)
        layer = self.take(args, kwargs)
        self.met(layer)
        result = func(*args, **kwargs)
        self.give(layer, title, result)
        return result

    def met(self, layer: int | None) -> None:
        """The output of `layer` went into a step that is a function, not a module."""

    def take(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
        """The layer whose output is the first argument; it is no longer expected elsewhere."""
        subject = args[0] if args else kwargs.get("input")
        entry = self._expected.pop(id(subject), None)
        return None if entry is None else entry[0]

    def give(self, layer: int | None, title: str, result: Any) -> None:
        """`result` is what a step made of the output of `layer`."""
        if layer is None or not isinstance(result, Tensor):
            return
        if title == NORMALISATION:
            self.expect(layer, result)
        else:
            self._found(layer, title, result)

    def reset(self) -> None:
        """Forgets what a forward pass left behind."""
        self._expected.clear()
        self._inside.clear()

    def attach(self, module: nn.Module) -> list[RemovableHandle]:
        """Follows through `module` as a whole, whatever functions it is made of."""
        title = NORMALISATION if is_normalisation(module) else type(module).__name__

        def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._inside.append(self.take(args, kwargs))

        def after(_module: nn.Module, _args: Any, output: Any) -> None:
            self.give(self._inside.pop(), title, output)

        return [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after),
        ]


class Scout(Follower):
    """Finds out, on probe inputs, which layers go into an activation and nowhere else.

    A layer whose output is also used otherwise, as in `x * sigmoid(x)`, is not recorded after it.
    """

    def __init__(self) -> None:
        super().__init__(self._activated)
        #: By layer: the activation's name, and what came out of it.
        self.found: dict[int, tuple[str, Tensor]] = {}
        #: Layers for which functions must be watched, and not only modules.
        self.by_function: set[int | None] = set()
        self._spoiled: set[int] = set()
        #: Every tensor on the way, by identity, and whether it has been used.
        self._watched: dict[int, tuple[int, Tensor]] = {}
        self._used: set[int] = set()

    def expect(self, layer: int, output: Tensor) -> None:
        super().expect(layer, output)
        self._watched[id(output)] = (layer, output)

    def activation(self, layer: int) -> str | None:
        """The activation right after `layer`, if there is one."""
        return None if layer in self._spoiled or layer not in self.found else self.found[layer][0]

    def spoil(self, args: Iterable[Any]) -> None:
        """What is among `args` is used by something else."""
        for tensor in tensors(list(args)):
            if id(tensor) in self._watched:
                self._spoiled.add(self._watched[id(tensor)][0])

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs)
        # A shape, a comparison, a single number is no use of the activation.
        if not self._inside and func not in STEPS and any(map(_is_activation_like, tensors(result))):
            self.spoil([*args, *(kwargs or {}).values()])
        return result

    def take(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
        subject = args[0] if args else kwargs.get("input")
        if id(subject) in self._watched and not self._inside:
            if id(subject) in self._used:
                self.spoil([subject])
            self._used.add(id(subject))
        return super().take(args, kwargs)

    def give(self, layer: int | None, title: str, result: Any) -> None:
        if layer is not None:
            # In place: from here on, the tensor is the activation.
            self._watched.pop(id(result), None)
        super().give(layer, title, result)

    def met(self, layer: int | None) -> None:
        self.by_function.add(layer)

    def _activated(self, layer: int, title: str, result: Tensor) -> None:
        self.found[layer] = (title, result)


def _is_activation_like(tensor: Tensor) -> bool:
    return tensor.ndim > 0 and tensor.dtype != torch.bool


def steps_of(model: nn.Module) -> list[nn.Module]:
    """The modules of `model` that are activations or normalisations as a whole."""
    return [
        module
        for module in model.modules()
        if (is_activation(module) or is_normalisation(module))
        and not isinstance(module, torch.jit.ScriptModule)
    ]
