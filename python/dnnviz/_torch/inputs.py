"""Arguments of a model's forward pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from .._errors import RecorderError

_Leaf: TypeAlias = Tensor | np.ndarray[Any, Any]


#: Ends of the names of arguments that tell padding, and whether their true or non-zero values are padding.
_MASKS = {"attention_mask": False, "key_padding_mask": True}


@dataclass
class Mask:
    """An argument that tells which positions are padding."""

    name: str
    #: `[inputs, positions]`, false at padding.
    valid: Tensor


@dataclass
class Argument:
    """A tensor among the arguments of a model, with a row for each input."""

    name: str
    tensor: Tensor
    #: The dimension that counts positions, if there is one.
    positions: int | None
    #: The mask of these positions.
    mask: Mask | None


def on_device(model: nn.Module, inputs: Any) -> Any:
    """Returns `inputs` as tensors on the device of `model`."""
    first = next(model.parameters(), None)
    dtypes = (parameter.dtype for parameter in model.parameters() if parameter.is_floating_point())
    return _to_device(inputs, None if first is None else first.device, next(dtypes, torch.float32))


def call(model: nn.Module, inputs: Any) -> Any:
    """Calls `model` with `inputs` on its device: a tensor as the one argument, a tuple or list as several, a
    dict by name."""
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


def find_masks(model: nn.Module, inputs: Any) -> dict[str, Mask]:
    """Returns the masks `[inputs, positions]` among the arguments, by name: `attention_mask`, true or 1 at
    positions that count, and `key_padding_mask`, true at those that do not; or with a prefix, such as
    `decoder_attention_mask`."""
    masks = {}
    for name, tensor in _named_tensors(model, inputs):
        ends = [end for end in _MASKS if name.endswith(end)]
        if ends and tensor.ndim == 2 and not tensor.is_complex():
            masks[name] = Mask(name, (tensor != 0) ^ _MASKS[ends[0]])
    return masks


def find_arguments(model: nn.Module, inputs: Any) -> list[Argument]:
    """Returns the tensors among the arguments that have a row for each input, with their masks: the mask
    of the same prefix, else the one without a prefix, unless they belong to a decoder."""
    count, masks = batch_size(inputs), find_masks(model, inputs)
    arguments = []
    for name, tensor in _named_tensors(model, inputs):
        if name in masks or not tensor.ndim or tensor.shape[0] != count:
            continue
        positions = 1 if tensor.ndim == 2 and not tensor.is_floating_point() else None
        best: Mask | None = None
        for mask in masks.values():
            prefix, fits = _prefix(mask), _position_dimension(tensor, mask)
            belongs = name.startswith(prefix) if prefix else not name.startswith("decoder")
            if fits is not None and belongs and (best is None or len(prefix) > len(_prefix(best))):
                best, positions = mask, fits
        arguments.append(Argument(name, tensor, positions, best))
    return arguments


def _prefix(mask: Mask) -> str:
    end = next(end for end in _MASKS if mask.name.endswith(end))
    return mask.name.removesuffix(end).rstrip("_")


def _position_dimension(tensor: Tensor, mask: Mask) -> int | None:
    """Returns the dimension of a tensor `[inputs, positions, …]` or `[inputs, channels, positions]` that has
    the positions of a mask."""
    dims = range(1, tensor.ndim if tensor.ndim <= 3 else 1)
    return next((dim for dim in dims if tensor.shape[dim] == mask.valid.shape[1]), None)


def _named_tensors(model: nn.Module, inputs: Any) -> Iterator[tuple[str, Tensor]]:
    """Iterates over the tensors among the arguments, with the names of the arguments."""
    if isinstance(inputs, Mapping):
        named = list(inputs.items())
    else:
        parts = inputs if isinstance(inputs, (tuple, list)) else [inputs]
        try:
            names = list(inspect.signature(model.forward).parameters)
        except (TypeError, ValueError):
            names = []
        named = list(zip(names + [""] * len(parts), parts, strict=False))
    for name, part in named:
        for leaf in _leaves(part):
            if isinstance(leaf, Tensor):
                yield str(name), leaf


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
