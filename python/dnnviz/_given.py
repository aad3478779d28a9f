"""Arrays that are handed over one by one: what `Recorder.layer` and `Recorder.predictions` collect."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._aggregate import NumpyAggregates
from ._capture import Layer
from ._errors import RecorderError
from ._inputs import Classes, labels_of
from ._options import Keep, within
from ._values import as_floats, as_numpy

KINDS = ("dense", "feature-map", "attention", "embedding", "other")


@dataclass
class GivenLayer:
    """What came of one layer since the last epoch."""

    layer: Layer
    #: Inputs so far.
    rows: int = 0
    #: Unit values of the kept ones among them.
    parts: list[NDArray[Any]] = field(default_factory=list)
    #: Whole feature maps `[k, channels, h, w]` of those whose maps are wanted.
    maps: list[NDArray[Any]] = field(default_factory=list)
    labels: list[NDArray[np.int64]] = field(default_factory=list)


@dataclass
class Finished:
    """An epoch's arrays."""

    #: In their order.
    layers: list[GivenLayer]
    #: How many inputs there are.
    count: int
    #: Class ids of all inputs.
    labels: NDArray[np.int64] | None
    #: Predicted class ids of all inputs.
    predictions: NDArray[np.int64] | None


class Given:
    """Collects the arrays of one epoch after the other."""

    def __init__(self, keep: Keep, labels: NDArray[np.int64] | None) -> None:
        self._keep = keep
        #: Labels of all inputs, where they were given beforehand.
        self.labels = labels
        #: In the order of the first epoch; empty before it.
        self.layers: list[Layer] = []
        self.aggregates: NumpyAggregates | None = None
        self._given: dict[str, GivenLayer] = {}
        self._predictions: list[NDArray[Any]] = []

    def clear(self) -> None:
        """Forgets what was given since the last epoch."""
        self._given, self._predictions, self.aggregates = {}, [], None

    def layer(
        self,
        name: str,
        array: Any,
        labels: Any,
        kind: str | None,
        module: str,
        text: str,
        channels_last: bool,
        classes: Classes | None,
    ) -> None:
        """Takes the next inputs' activations of a layer; `classes` when they are to be aggregated."""
        if kind is not None and kind not in KINDS:
            raise RecorderError(f"layer {name}: kind={kind!r}; the kinds are {', '.join(KINDS)}")
        whole = as_floats(array, f"layer {name}")
        described, values = reduced(name, whole, kind, channels_last)
        described.module, described.text = module, text
        described.dtype = str(getattr(array, "dtype", whole.dtype)).removeprefix("torch.")
        known = {layer.name: layer for layer in self.layers} or {
            name: given.layer for name, given in self._given.items()
        }
        before = known.get(name)
        if before is None and self.layers:
            raise RecorderError(f"layer {name} was not in the first epoch; its layers are {', '.join(known)}")
        if before is not None and before.units != described.units:
            raise RecorderError(
                f"layer {name} has {described.units} units, it had {before.units} before; record a new run"
            )
        given = self._given.setdefault(name, GivenLayer(before or described))
        start, count = given.rows, len(values)
        ids = self._labels(name, labels, start, count)
        if classes is not None:
            groups = np.full(count, -1, np.int64) if ids is None else classes.indices(ids, start)
            self.aggregates = self.aggregates or NumpyAggregates(len(classes.ids))
            self.aggregates.add(list(known).index(name) if before else len(known), values, groups)
        # Picking copies: the caller may go on with the array.
        given.parts.append(values[self._keep.pick(start, count)])
        maps = within(self._keep.maps, start, count)
        if len(maps) and whole.ndim == 4:
            given.maps.append(np.moveaxis(whole[maps], 3, 1) if channels_last else whole[maps])
        given.rows += count
        if ids is not None:
            given.labels.append(ids)

    def predictions(self, array: Any) -> None:
        """Takes the next inputs' predicted class ids `[n]`, or scores `[n, classes]`."""
        values = as_numpy(array)
        if values.ndim == 2 and values.shape[1] > 1:
            values = values.argmax(axis=1)
        self._predictions.append(labels_of(values))

    def finished(self) -> Finished:
        """Everything of this epoch, checked."""
        order = [layer.name for layer in self.layers] or list(self._given)
        if not self._given:
            raise RecorderError("nothing to record: call rec.layer(name, array) before rec.epoch")
        for name in order:
            if name not in self._given:
                raise RecorderError(f"layer {name} was not given in this epoch; call rec.layer({name!r}, …)")
        given = [self._given[name] for name in order]
        rows = given[0].rows
        for other in given:
            if other.rows != rows:
                raise RecorderError(
                    f"layer {other.layer.name} has {other.rows} inputs, layer {order[0]} has {rows}; "
                    "give the same inputs of every layer"
                )
        labels = self.labels
        for other in given:
            if not other.labels:
                continue
            found = np.concatenate(other.labels)
            if len(found) != rows:
                raise RecorderError(f"layer {other.layer.name}: {rows} inputs, but {len(found)} labels")
            if labels is not None and not np.array_equal(found, labels):
                raise RecorderError(
                    f"layer {other.layer.name}: its labels differ from those given before; "
                    "give the same inputs of every layer, in the same order"
                )
            labels = found
        if labels is not None and len(labels) != rows:
            raise RecorderError(f"{rows} inputs, but {len(labels)} labels; give a label for each")
        predictions = np.concatenate(self._predictions) if self._predictions else None
        if predictions is not None and len(predictions) != rows:
            raise RecorderError(f"{len(predictions)} predictions for {rows} inputs; give one for each")
        return Finished(given, rows, labels, predictions)

    def _labels(self, name: str, labels: Any, start: int, count: int) -> NDArray[np.int64] | None:
        if labels is None:
            return None if self.labels is None else self.labels[start : start + count]
        ids = labels_of(labels)
        if len(ids) != count:
            raise RecorderError(f"layer {name}: {count} inputs, but {len(ids)} labels; give a label for each")
        return ids


def reduced(
    name: str, values: NDArray[Any], kind: str | None, channels_last: bool
) -> tuple[Layer, NDArray[Any]]:
    """One value per unit and input `[n, units]`, and the layer that they are of."""
    shape = values.shape[1:]
    if values.ndim == 0 or 0 in values.shape:
        raise RecorderError(
            f"layer {name} has the shape {list(values.shape)}; give [inputs, units], none of them 0"
        )
    if values.ndim <= 2:
        flat = values.reshape(len(values), -1)
        return Layer(name, flat.shape[1], kind=kind or "dense", shape=shape), flat
    # Sums of half floats would overflow.
    wide = values.astype(np.float32, copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        if values.ndim > 3 or kind == "feature-map":
            axes = tuple(range(1, values.ndim - 1)) if channels_last else tuple(range(2, values.ndim))
            means = wide.mean(axis=axes)
            reduction = "spatial-mean"
        else:
            means = wide.mean(axis=1)
            reduction = "sequence-mean"
    kind = kind or ("feature-map" if reduction == "spatial-mean" else "other")
    return Layer(name, means.shape[1], kind=kind, shape=shape, reduction=reduction), means
