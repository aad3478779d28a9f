"""Axes of a layer's output, its reduction to one value per unit, and the layer's manifest entry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from .._capture import Layer
from .._positions import reduce_positions
from .._types import LayerKind, Positions
from .layers import is_from, layer_kind


@dataclass(frozen=True)
class Layout:
    """Axes of the output `[b, …]` of a layer."""

    kind: LayerKind
    units: int
    reduction: str = "none"
    #: Axes that are averaged.
    averaged: tuple[int, ...] = ()
    #: Permutation to `[b, channels, h, w]`, for outputs that are feature maps.
    channels_first: tuple[int, ...] | None = None
    #: Which positions of `[b, positions, features]` are recorded; `None` for other outputs.
    positions: Positions | None = None

    def reduce(
        self, output: Any, mask: NDArray[np.bool_] | None, name: str
    ) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
        """Returns one value per unit `[b, units]`, and which inputs are all padding, for `None` none.

        Args:
            output: of the layer.
            mask: `[b, positions]`, false at padding.
            name: that of the layer, for errors.
        """
        if self.positions is not None and (mask is not None or self.positions != "mean"):
            values = to_numpy(keras.ops.cast(output, "float32"))
            return reduce_positions(values, self.positions, mask, name)
        if keras.backend.standardize_dtype(output.dtype) not in ("float16", "float32"):
            output = keras.ops.cast(output, "float32")
        if self.averaged:
            # In float32: sums of half floats overflow.
            output = keras.ops.mean(keras.ops.cast(output, "float32"), axis=self.averaged)
        values = to_numpy(output)
        return values.reshape(len(values), -1), None


def to_numpy(value: Any) -> NDArray[Any]:
    """Returns a tensor of Keras' backend as an array."""
    return np.asarray(keras.ops.convert_to_numpy(value))


def infer_layout(layer: Any, shape: tuple[int, ...], positions: Positions) -> Layout:
    """Returns the layout of a layer's output of this shape, batch included. The channels are where the
    layer's `data_format` says, or Keras' setting for layers without one."""
    rank, kind = len(shape), layer_kind(layer)
    if rank <= 2:
        return Layout(kind, math.prod(shape[1:]))
    if rank == 3 and not is_from(layer, "convolutional.", "pooling."):
        # [b, positions, features]
        if positions == "keep":
            return Layout(kind, math.prod(shape[1:]))
        is_mean = positions == "mean" or isinstance(positions, slice)
        reduction = "sequence-mean" if is_mean else "none"
        return Layout(kind, shape[2], reduction, averaged=(1,), positions=positions)
    channels_last = _is_channels_last(layer)
    space = tuple(range(1, rank - 1)) if channels_last else tuple(range(2, rank))
    channels = rank - 1 if channels_last else 1
    channels_first = (0, channels, *space) if rank == 4 else None
    return Layout(
        "feature-map", shape[channels], "spatial-mean", averaged=space, channels_first=channels_first
    )


def layer_entry(
    name: str, layer: Any, layout: Layout, output: Any, *, activation: str | None, repeated: bool
) -> Layer:
    """Returns the manifest entry of a layer.

    Args:
        name: unique in the recording.
        layer: the Keras layer.
        layout: of its output.
        output: of the layer, or of the activation after it.
        activation: class of that activation.
        repeated: the layer's parameters are counted in an earlier call of it.
    """
    text, shape = _text(layer), tuple(output.shape)[1:]
    if layout.positions not in (None, "mean"):
        text += f"\npositions={layout.positions!r}"
        shape = shape if isinstance(layout.positions, slice) else shape[1:]
    return Layer(
        name=name,
        units=layout.units,
        module=type(layer).__name__,
        text=text + (f"\nrecorded after {activation}" if activation else ""),
        kind=layout.kind,
        shape=shape,
        parameters=None if repeated else sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        dtype=keras.backend.standardize_dtype(output.dtype),
        reduction=layout.reduction,
    )


def _is_channels_last(layer: Any) -> bool:
    if is_from(layer, "core.dense"):
        return True
    data_format = getattr(layer, "data_format", None) or keras.config.image_data_format()
    return bool(data_format == "channels_last")


def _text(layer: Any) -> str:
    """Returns `Dense(units=10, activation='relu', use_bias=True)`: the plain settings of a layer, without
    objects with settings of their own, such as initialisers."""
    try:
        config: dict[str, Any] = layer.get_config()
    except Exception:  # a user's layer with arguments that Keras cannot serialise
        return f"{type(layer).__name__}()"
    plain = (
        f"{key}={value!r}"
        for key, value in config.items()
        if key not in ("name", "trainable", "dtype")
        and (isinstance(value, (bool, int, float, str)) or _is_numbers(value))
    )
    return f"{type(layer).__name__}({', '.join(plain)})"


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(part, (int, float)) for part in value)
