"""Arguments of a model's forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import RecorderError

_Leaf: TypeAlias = Tensor | np.ndarray[Any, Any]


def forward(model: nn.Module, inputs: Any) -> Any:
    """Calls `model` with `inputs` on its device: a tensor or array as the one argument, a tuple or list as
    several, a dict by name."""
    first = next(model.parameters(), None)
    dtypes = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    inputs = _to_device(inputs, None if first is None else first.device, next(dtypes, torch.float32))
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, (tuple, list)):
        return model(*inputs)
    return model(inputs)


def batch_size(inputs: Any) -> int:
    """Returns the number of inputs of a batch, the first dimension of its first tensor or array.

    Raises:
        RecorderError: there is none.
    """
    first = next(_leaves(inputs), None)
    if first is None:
        raise RecorderError(
            f"inputs of type {type(inputs).__name__} have no tensor or array with a first dimension"
        )
    return int(first.shape[0])


def repeat_rows(inputs: Any, count: int) -> Any:
    """Returns a batch of `count` inputs, repeating those of `inputs` if they are fewer."""
    rows = torch.arange(count) % max(batch_size(inputs), 1)

    def take(leaf: _Leaf) -> _Leaf:
        if not leaf.ndim:
            return leaf
        return leaf[rows.to(leaf.device) if isinstance(leaf, Tensor) else rows.numpy()]

    return _map_leaves(inputs, take)


def _leaves(inputs: Any) -> Iterator[_Leaf]:
    """Iterates over the tensors and arrays that have a first dimension."""
    if isinstance(inputs, (Tensor, np.ndarray)):
        if inputs.ndim:
            yield inputs
    elif isinstance(inputs, (Mapping, tuple, list)):
        for part in inputs.values() if isinstance(inputs, Mapping) else inputs:
            yield from _leaves(part)


def _map_leaves(inputs: Any, function: Callable[[_Leaf], _Leaf]) -> Any:
    """Applies `function` to every tensor and array; anything else is left as it is."""
    if isinstance(inputs, (Tensor, np.ndarray)):
        return function(inputs)
    if isinstance(inputs, Mapping):
        return {key: _map_leaves(value, function) for key, value in inputs.items()}
    if isinstance(inputs, (tuple, list)):
        return [_map_leaves(value, function) for value in inputs]
    return inputs


def _to_device(inputs: Any, device: torch.device | None, dtype: torch.dtype) -> Any:
    """Moves tensors to `device`. Arrays become tensors; those of a float type, which is float64 by default
    in NumPy, become `dtype`."""

    def move(leaf: _Leaf) -> Tensor:
        if isinstance(leaf, np.ndarray):
            leaf = torch.from_numpy(np.require(leaf, requirements=("C", "W")))
            leaf = leaf.to(dtype) if leaf.is_floating_point() else leaf
        return leaf if device is None else leaf.to(device, non_blocking=True)

    return _map_leaves(inputs, move)
