"""The outputs of a Keras model, and the masks among its inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .._capture import Output, Scores
from .._values import as_numpy
from .layout import to_numpy

#: Ends of the names of inputs that are true or 1 at positions that are no padding.
_MASKS = ("attention_mask", "padding_mask")


def read_output(value: Any, inputs: int, sigmoids: set[int]) -> Output:
    """Returns the output of a model for so many inputs, and what may be scores in it; `sigmoids` are the
    identities of tensors that are outputs of a sigmoid."""
    scores, count = [], 0
    for name, tensor in _named_tensors(value, ""):
        count += 1
        is_float = keras.backend.is_float_dtype(tensor.dtype)
        if is_float and 1 <= len(tensor.shape) <= 2 and tensor.shape[0] == inputs:
            rows = to_numpy(keras.ops.cast(tensor, "float32")).reshape(inputs, -1)
            scores.append(Scores(name, rows, id(tensor) in sigmoids))
    return Output(value, inputs, scores, count)


def input_masks(model: Any, inputs: Any) -> dict[str, NDArray[np.bool_]]:
    """Returns the masks `[b, positions]` among the inputs of a model, by name: false at padding."""
    if isinstance(inputs, Mapping):
        named = inputs
    elif isinstance(inputs, (tuple, list)):
        named = dict(zip(getattr(model, "input_names", ()), inputs, strict=False))
    else:
        return {}
    return {
        name: as_numpy(value).astype(bool)
        for name, value in named.items()
        if name.endswith(_MASKS) and len(getattr(value, "shape", ())) == 2
    }


def fitting_mask(
    masks: Mapping[str, NDArray[np.bool_]], shape: tuple[int, ...], layer: str
) -> NDArray[np.bool_] | None:
    """Returns the mask of the positions of an output `[b, positions, features]`; of a decoder rather its
    own."""
    fitting = [name for name, mask in masks.items() if len(shape) == 3 and mask.shape == shape[:2]]
    fitting.sort(key=lambda name: name.startswith("decoder") != ("decoder" in layer))
    return masks[fitting[0]] if fitting else None


def _named_tensors(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if keras.ops.is_tensor(value):
        yield name, value
    elif isinstance(value, (Mapping, tuple, list)):
        parts = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, part in parts:
            yield from _named_tensors(part, f"{name}.{key}" if name else str(key))
