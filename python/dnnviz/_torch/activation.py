"""Tracking of a layer's output to the activation function that follows it.

Dead units and firing rates are defined on activations, after the activation function. It may be a module,
a function or a method, in place or not, after a normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from .outputs import tensors
from .select import is_activation, is_normalisation

#: Name of a normalisation between a layer and its activation.
_NORMALISATION = ""


def _activation_functions() -> dict[Any, str]:
    """Returns the functions that are activations, with the names of the equivalent modules, and those that
    are normalisations."""
    activations = {
        "relu": "ReLU", "relu6": "ReLU6", "leaky_relu": "LeakyReLU", "prelu": "PReLU", "rrelu": "RReLU",
        "elu": "ELU", "selu": "SELU", "celu": "CELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish",
        "tanh": "Tanh", "sigmoid": "Sigmoid", "logsigmoid": "LogSigmoid", "hardtanh": "Hardtanh",
        "hardswish": "Hardswish", "hardsigmoid": "Hardsigmoid", "softplus": "Softplus",
        "softsign": "Softsign", "threshold": "Threshold", "tanhshrink": "Tanhshrink",
        "softshrink": "Softshrink", "hardshrink": "Hardshrink",
    }  # fmt: skip
    normalisations = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")
    functions: dict[Any, str] = {}
    for namespace in (F, torch, torch.Tensor):
        for name, module_name in activations.items():
            for function in (getattr(namespace, name, None), getattr(namespace, f"{name}_", None)):
                if function is not None:
                    functions[function] = module_name
        for name in normalisations:
            if (function := getattr(namespace, name, None)) is not None:
                functions[function] = _NORMALISATION
    return functions


_FUNCTIONS = _activation_functions()


class ActivationTracker(TorchFunctionMode):
    """While active, tracks outputs through a normalisation to an activation.

    Args:
        on_activation: called with the layer, the name of its activation and the result, before anything
            can change the result in place.
    """

    def __init__(self, on_activation: Callable[[int, str, Tensor], None]) -> None:
        super().__init__()
        self._on_activation = on_activation
        #: By identity: the layer, and the tensor, which is kept alive so that its identity is unique.
        self._tracked: dict[int, tuple[int, Tensor]] = {}
        #: Layers whose outputs are the inputs of the modules that are being called.
        self._call_stack: list[int | None] = []

    def track(self, layer: int, output: Tensor) -> None:
        """Starts to track the output of `layer`."""
        self._tracked[id(output)] = (layer, output)

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = _FUNCTIONS.get(func)
        if name is None:
            return func(*args, **kwargs)
        layer = self._consume(args, kwargs)
        self._on_function(layer)
        result = func(*args, **kwargs)
        self._produce(layer, name, result)
        return result

    def _on_function(self, layer: int | None) -> None:
        """Called when the output of `layer` is the input of a function that is not inside a module."""

    def _consume(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
        """Returns the layer whose output is the first argument, which is no longer tracked."""
        subject = args[0] if args else kwargs.get("input")
        entry = self._tracked.pop(id(subject), None)
        return None if entry is None else entry[0]

    def _produce(self, layer: int | None, name: str, result: Any) -> None:
        """Processes the result of a normalisation or activation of the output of `layer`."""
        if layer is None or not isinstance(result, Tensor):
            return
        if name == _NORMALISATION:
            self.track(layer, result)
        else:
            self._on_activation(layer, name, result)

    def reset(self) -> None:
        """Discards the state of a forward pass."""
        self._tracked.clear()
        self._call_stack.clear()

    def attach(self, module: nn.Module) -> list[RemovableHandle]:
        """Adds hooks that track through `module` as a whole, regardless of the functions inside."""
        name = _NORMALISATION if is_normalisation(module) else type(module).__name__

        def before(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._call_stack.append(self._consume(args, kwargs))

        def after(_module: nn.Module, _args: Any, output: Any) -> None:
            self._produce(self._call_stack.pop(), name, output)

        return [
            module.register_forward_pre_hook(before, with_kwargs=True),
            module.register_forward_hook(after),
        ]


class ActivationDetector(ActivationTracker):
    """Detects the layers whose output is used by an activation and nothing else.

    A layer whose output is used otherwise as well, as in `x * sigmoid(x)`, has no activation.
    """

    def __init__(self) -> None:
        super().__init__(self._detect)
        #: By layer: the activation's name and its output.
        self.detected: dict[int, tuple[str, Tensor]] = {}
        #: Layers whose activation or normalisation is a function, not a module.
        self.by_function: set[int | None] = set()
        #: Layers whose output has another use.
        self._shared: set[int] = set()
        #: Outputs up to the activation, by identity.
        self._outputs: dict[int, tuple[int, Tensor]] = {}
        #: Identities of those that were used.
        self._used: set[int] = set()

    def track(self, layer: int, output: Tensor) -> None:
        super().track(layer, output)
        self._outputs[id(output)] = (layer, output)

    def activation(self, layer: int) -> str | None:
        """Returns the name of the activation of `layer`, if there is one."""
        return None if layer in self._shared or layer not in self.detected else self.detected[layer][0]

    def mark_shared(self, args: Iterable[Any]) -> None:
        """Marks the layers whose outputs are among `args` as used otherwise."""
        for tensor in tensors(list(args)):
            if id(tensor) in self._outputs:
                self._shared.add(self._outputs[id(tensor)][0])

    def __torch_function__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = super().__torch_function__(func, types, args, kwargs)
        # A shape, a comparison or a single number is no use of the output.
        is_use = func not in _FUNCTIONS and any(map(_is_activation_like, tensors(result)))
        if is_use and not self._call_stack:
            self.mark_shared([*args, *(kwargs or {}).values()])
        return result

    def _consume(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int | None:
        subject = args[0] if args else kwargs.get("input")
        if id(subject) in self._outputs and not self._call_stack:
            if id(subject) in self._used:
                self.mark_shared([subject])
            self._used.add(id(subject))
        return super()._consume(args, kwargs)

    def _produce(self, layer: int | None, name: str, result: Any) -> None:
        if layer is not None:
            # In place: the tensor is the activation from now on.
            self._outputs.pop(id(result), None)
        super()._produce(layer, name, result)

    def _on_function(self, layer: int | None) -> None:
        self.by_function.add(layer)

    def _detect(self, layer: int, name: str, result: Tensor) -> None:
        self.detected[layer] = (name, result)


def _is_activation_like(tensor: Tensor) -> bool:
    return tensor.ndim > 0 and tensor.dtype != torch.bool


def activation_modules(model: nn.Module) -> list[nn.Module]:
    """Returns the modules that are activations or normalisations as a whole."""
    return [
        module
        for module in model.modules()
        if (is_activation(module) or is_normalisation(module))
        and not isinstance(module, torch.jit.ScriptModule)
    ]
