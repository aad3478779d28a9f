"""Collection of the arrays that `Recorder.layer` and `Recorder.predictions` take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from .._aggregate import NumpyAggregator
from .._capture import Layer
from .._errors import RecorderError
from .._inputs import Classes, KeepPolicy, parse_labels, rows_in_range
from .._positions import reduce_positions
from .._types import ArrayLike, LayerKind, Positions
from .._values import as_floats, as_numpy

_KINDS: tuple[LayerKind, ...] = get_args(LayerKind)


@dataclass
class LayerArrays:
    """Arrays of one layer since the last epoch."""

    layer: Layer
    #: Number of inputs so far.
    rows: int = 0
    #: Unit values of the stored ones among them.
    units: list[NDArray[Any]] = field(default_factory=list)
    #: Feature maps `[k, channels, h, w]` of those whose maps are stored.
    maps: list[NDArray[Any]] = field(default_factory=list)
    labels: list[NDArray[np.int64]] = field(default_factory=list)
    #: Number of inputs that are all padding, and of the stored ones among them.
    absent: int = 0
    absent_kept: int = 0


@dataclass
class EpochArrays:
    """Arrays of one epoch."""

    #: In the order of the recording.
    layers: list[LayerArrays]
    #: Number of inputs.
    count: int
    #: Class ids of all inputs.
    labels: NDArray[np.int64] | None
    #: Parts of the predictions of all inputs: class ids, or columns of scores with their number.
    predictions: list[tuple[NDArray[np.int64], int | None]]

    def predicted_ids(self, classes: Classes) -> NDArray[np.int64] | None:
        """Returns the predicted class ids of all inputs."""
        parts = [
            part if columns is None else classes.ids_from_columns(part, columns)
            for part, columns in self.predictions
        ]
        return np.concatenate(parts) if parts else None


class ArrayCollector:
    """Collects the arrays of one epoch after another.

    Args:
        keep: the inputs whose values are stored.
        labels: class ids of all inputs, if they are known beforehand.
        positions: the option of `Recorder`.
    """

    def __init__(
        self, keep: KeepPolicy, labels: NDArray[np.int64] | None, positions: Positions = "mean"
    ) -> None:
        self._keep = keep
        self._positions = positions
        self.labels = labels
        #: In the order of the first epoch; empty before it.
        self.layers: list[Layer] = []
        self.aggregator: NumpyAggregator | None = None
        self._arrays: dict[str, LayerArrays] = {}
        #: Class ids, or columns of scores with their number.
        self._predictions: list[tuple[NDArray[np.int64], int | None]] = []

    def clear(self) -> None:
        """Discards everything since the last epoch."""
        self._arrays, self._predictions, self.aggregator = {}, [], None

    def add_layer(
        self,
        name: str,
        array: ArrayLike,
        *,
        labels: ArrayLike | None,
        mask: ArrayLike | None,
        kind: LayerKind | None,
        module: str,
        text: str,
        channels_last: bool,
        classes: Classes | None,
    ) -> None:
        """Adds the next inputs' activations of a layer; `classes` if they are aggregated. The other
        arguments are those of `Recorder.layer`.

        Raises:
            RecorderError: they do not fit the layer, or the layers of the run.
        """
        if kind is not None and kind not in _KINDS:
            raise RecorderError(f"layer {name}: kind={kind!r}; the kinds are {', '.join(_KINDS)}")
        activations = as_floats(array, f"layer {name}")
        valid = None if mask is None else _parse_mask(name, mask, activations, kind)
        layer, values, absent = _reduce(name, activations, kind, channels_last, self._positions, valid)
        layer.module, layer.text = module, text
        layer.dtype = str(getattr(array, "dtype", activations.dtype)).removeprefix("torch.")
        known = {layer.name: layer for layer in self.layers} or {
            name: arrays.layer for name, arrays in self._arrays.items()
        }
        before = known.get(name)
        if before is None and self.layers:
            raise RecorderError(f"layer {name} was not in the first epoch; its layers are {', '.join(known)}")
        if before is not None and before.units != layer.units:
            raise RecorderError(
                f"layer {name} has {layer.units} units, it had {before.units} before; record a new run"
            )
        arrays = self._arrays.setdefault(name, LayerArrays(before or layer))
        start, count = arrays.rows, len(values)
        ids = self._batch_labels(name, labels, start, count)
        if classes is not None:
            groups = np.full(count, -1, np.int64) if ids is None else classes.indices(ids, start)
            self.aggregator = self.aggregator or NumpyAggregator(len(classes.ids))
            self.aggregator.add(list(known).index(name) if before else len(known), values, groups)
        kept = self._keep.rows(start, count)
        if absent is not None:
            arrays.absent += int(absent.sum())
            arrays.absent_kept += int(absent[kept].sum())
        # Indexing copies: the caller may reuse the array.
        arrays.units.append(values[kept])
        maps = rows_in_range(self._keep.maps, start, count)
        if len(maps) and activations.ndim == 4:
            channels_first = np.moveaxis(activations, 3, 1) if channels_last else activations
            arrays.maps.append(channels_first[maps])
        arrays.rows += count
        if ids is not None:
            arrays.labels.append(ids)

    def add_predictions(self, array: ArrayLike) -> None:
        """Adds the next inputs' predicted class ids `[n]`, or scores `[n, classes]`."""
        values = as_numpy(array)
        if values.ndim == 2 and values.shape[1] > 1:
            self._predictions.append((values.argmax(axis=1).astype(np.int64), values.shape[1]))
            return
        self._predictions.append((parse_labels(values), None))

    def finish(self) -> EpochArrays:
        """Returns the arrays of this epoch.

        Raises:
            RecorderError: layers are missing, or differ in the number or the labels of their inputs.
        """
        order = [layer.name for layer in self.layers] or list(self._arrays)
        if not self._arrays:
            raise RecorderError("nothing to record: call rec.layer(name, array) before rec.epoch")
        for name in order:
            if name not in self._arrays:
                raise RecorderError(f"layer {name} was not given in this epoch; call rec.layer({name!r}, …)")
        layers = [self._arrays[name] for name in order]
        count = layers[0].rows
        for other in layers:
            if other.rows != count:
                raise RecorderError(
                    f"layer {other.layer.name} has {other.rows} inputs, layer {order[0]} has {count}; "
                    "give the same inputs of every layer"
                )
        labels = self._common_labels(layers, count)
        predicted = sum(len(part) for part, _ in self._predictions)
        if self._predictions and predicted != count:
            raise RecorderError(f"{predicted} predictions for {count} inputs; give one for each")
        return EpochArrays(layers, count, labels, self._predictions)

    def _common_labels(self, layers: Sequence[LayerArrays], count: int) -> NDArray[np.int64] | None:
        """Returns the labels of all inputs, which must be the same for every layer."""
        labels = self.labels
        for arrays in layers:
            if not arrays.labels:
                continue
            found = np.concatenate(arrays.labels)
            if len(found) != count:
                raise RecorderError(f"layer {arrays.layer.name}: {count} inputs, but {len(found)} labels")
            if labels is not None and not np.array_equal(found, labels):
                raise RecorderError(
                    f"layer {arrays.layer.name}: its labels differ from those given before; "
                    "give the same inputs of every layer, in the same order"
                )
            labels = found
        if labels is not None and len(labels) != count:
            raise RecorderError(f"{count} inputs, but {len(labels)} labels; give a label for each")
        return labels

    def _batch_labels(
        self, name: str, labels: ArrayLike | None, start: int, count: int
    ) -> NDArray[np.int64] | None:
        if labels is None:
            return None if self.labels is None else self.labels[start : start + count]
        ids = parse_labels(labels)
        if len(ids) != count:
            raise RecorderError(f"layer {name}: {count} inputs, but {len(ids)} labels; give a label for each")
        return ids


def _reduce(
    name: str,
    activations: NDArray[Any],
    kind: LayerKind | None,
    channels_last: bool,
    positions: Positions,
    mask: NDArray[np.bool_] | None,
) -> tuple[Layer, NDArray[Any], NDArray[np.bool_] | None]:
    """Reduces activations `[n, …]` to one value per unit and input. Returns the layer, `[n, units]`, and
    which inputs are all padding."""
    shape = activations.shape[1:]
    if activations.ndim == 0 or 0 in activations.shape:
        raise RecorderError(
            f"layer {name} has the shape {list(activations.shape)}; give [inputs, units], none of them 0"
        )
    if activations.ndim <= 2:
        units = activations.reshape(len(activations), -1)
        return Layer(name, units.shape[1], kind=kind or "dense", shape=shape), units, None
    # Sums of half floats would overflow.
    wide = activations.astype(np.float32, copy=False)
    is_spatial = activations.ndim > 3 or kind == "feature-map"
    if not is_spatial:
        if positions == "keep":
            flat = activations.reshape(len(activations), -1)
            return Layer(name, flat.shape[1], kind=kind or "other", shape=shape), flat, None
        values, absent = reduce_positions(wide, positions, mask, name)
        is_mean = positions == "mean" or isinstance(positions, slice)
        layer = Layer(
            name,
            values.shape[1],
            kind=kind or "other",
            shape=shape if is_mean else shape[1:],
            reduction="sequence-mean" if is_mean else "none",
        )
        return layer, values, absent
    rank = activations.ndim
    axes = tuple(range(1, rank - 1) if channels_last else range(2, rank))
    with np.errstate(over="ignore", invalid="ignore"):
        means = wide.mean(axis=axes)
    layer = Layer(
        name,
        means.shape[1],
        kind=kind or "feature-map",
        shape=shape,
        reduction="spatial-mean",
    )
    return layer, means, None


def _parse_mask(
    name: str, mask: ArrayLike, activations: NDArray[Any], kind: LayerKind | None
) -> NDArray[np.bool_]:
    """Returns the mask of the positions of `activations`.

    Raises:
        RecorderError: it is not one, or there are no positions.
    """
    valid = as_numpy(mask)
    if activations.ndim != 3 or kind == "feature-map":
        raise RecorderError(
            f"layer {name} has no positions for mask=; give activations [inputs, positions, features]"
        )
    if valid.shape != activations.shape[:2] or valid.dtype.kind not in "biuf":
        raise RecorderError(
            f"layer {name}: mask= has the shape {list(valid.shape)}; give {list(activations.shape[:2])}, "
            "true or 1 at positions that are no padding"
        )
    return valid.astype(bool)
