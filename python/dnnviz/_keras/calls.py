"""Interception of the calls of layers."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from .layers import is_activation, is_normalisation


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer during a forward pass."""

    layer: Any
    #: From 0, among the calls of this layer.
    number: int

    @property
    def key(self) -> tuple[int, int]:
        return id(self.layer), self.number


@dataclass
class TracedCall:
    """A call with its inputs and output."""

    call: LayerCall
    #: Tensors, which are kept alive so that their identities are unique.
    inputs: list[Any]
    output: Any


@contextmanager
def intercepted_calls(
    layers: Sequence[Any], on_call: Callable[[LayerCall, list[Any], Any, Any], None]
) -> Iterator[Callable[[], None]]:
    """Calls `on_call(call, inputs, output, mask)` after each call of these layers whose output has values;
    the mask is that of the output's positions, or `None`. Yields a function that restarts the numbering of
    calls."""
    counts: Counter[int] = Counter()

    def intercept(layer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            output = original(*args, **kwargs)
            tensor = first_tensor(output)
            if tensor is not None and _has_values(tensor):
                number = counts[id(layer)]
                counts[id(layer)] += 1
                inputs = [value for value in keras.tree.flatten(args) if keras.ops.is_tensor(value)]
                on_call(LayerCall(layer, number), inputs, output, _output_mask(layer, args, tensor))
            return output

        return call

    with ExitStack() as stack:
        for layer in layers:
            method = "call" if layer.quantization_mode is None else "quantized_call"
            # `Layer.__setattr__` would register it as part of the model.
            attributes = vars(layer)
            if method in attributes:
                stack.callback(attributes.__setitem__, method, attributes[method])
            else:
                stack.callback(attributes.pop, method, None)
            attributes[method] = intercept(layer, getattr(layer, method))
        yield counts.clear


def first_tensor(output: Any) -> Any | None:
    """Returns the first tensor of a nested output."""
    return next((value for value in keras.tree.flatten(output) if keras.ops.is_tensor(value)), None)


def consumers(calls: Sequence[TracedCall]) -> dict[int, list[TracedCall]]:
    """Returns the calls that a tensor is an input of, by its `id`."""
    by_input: dict[int, list[TracedCall]] = {}
    for call in calls:
        for identity in {id(tensor) for tensor in call.inputs}:
            by_input.setdefault(identity, []).append(call)
    return by_input


def followed_by_activation(call: TracedCall, by_input: dict[int, list[TracedCall]]) -> TracedCall:
    """Returns the call of the activation that follows, directly or after a normalisation; else `call`."""
    current = call
    while True:
        # Layers that return their input, such as dropout in inference, are skipped.
        following = [
            other for other in by_input.get(id(current.output), []) if other.output is not current.output
        ]
        if len(following) != 1:
            return call
        current = following[0]
        if is_activation(current.call.layer):
            return current
        if not is_normalisation(current.call.layer):
            return call


def _output_mask(layer: Any, args: tuple[Any, ...], output: Any) -> Any | None:
    """Returns Keras' mask `[b, positions]` of a layer's output, which it attaches after the call."""
    if not args or not layer.supports_masking:
        return None
    before = keras.tree.map_structure(keras.src.backend.get_keras_mask, args[0])
    mask = first_tensor(layer.compute_mask(args[0], before))
    fits = mask is not None and len(mask.shape) == 2 and tuple(mask.shape) == tuple(output.shape)[:2]
    return mask if fits else None


def _has_values(tensor: Any) -> bool:
    """Returns whether a tensor has values; those inside `jax.jit` or `tf.function` have none yet."""
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    if keras.backend.backend() == "tensorflow":
        return hasattr(tensor, "numpy")
    return True
