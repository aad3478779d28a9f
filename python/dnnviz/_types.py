"""Types of the arguments that users give."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypedDict

import numpy as np
from numpy.typing import NDArray

StrPath: TypeAlias = str | os.PathLike[str]

#: Statistics of a group of inputs, besides its count.
Statistic: TypeAlias = Literal["mean", "variance", "min", "max", "rate"]
#: Element type of stored values.
DType: TypeAlias = Literal["float32", "float16", "bfloat16"]
#: Treatment of the positions of a sequence.
Positions: TypeAlias = Literal["mean", "keep", "first", "last"] | int | slice
LayerKind: TypeAlias = Literal["dense", "feature-map", "attention", "embedding", "other"]


class Array(Protocol):
    """An array or tensor of any framework."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, index: Any, /) -> Any: ...


#: Anything that converts to an array of numbers.
ArrayLike: TypeAlias = Array | Sequence[float] | Sequence[Sequence[float]] | Sequence[Array]

#: Input numbers: one list of indices from 0 on.
Indices: TypeAlias = Sequence[int] | NDArray[np.integer[Any]]

#: An argument of a forward pass that is the same for all inputs.
Scalar: TypeAlias = bool | int | float | None

#: The arguments of a network's forward pass; every array has a row per input. A dict holds arrays and
#: settings; a literal of both is a dict of objects to type checkers.
NetworkInputs: TypeAlias = Array | Sequence[Array | Scalar] | Mapping[str, object]

#: `x` alone, or the arrays of `x` followed by the labels.
Batch: TypeAlias = NetworkInputs | Sequence[NetworkInputs | ArrayLike | None]

#: `(x, y)`, or an iterable of batches that can be iterated more than once.
Inputs: TypeAlias = tuple[NetworkInputs | None, ArrayLike | None] | Iterable[Batch]

ClassNames: TypeAlias = Sequence[str] | Mapping[int, str] | NDArray[np.str_]

#: A name, a pattern, a depth, a type, or a predicate of a module's name and the module.
Selector: TypeAlias = str | int | type | Callable[[str, Any], bool]

#: A function of a network's output that returns class ids `[n]` or scores `[n, classes]`; `False` for none.
Predictions: TypeAlias = Callable[[Any], Any] | Literal[False]

Pictures: TypeAlias = Array | Sequence[bytes | None]


class RecorderOptions(TypedDict, total=False):
    """Options of `Recorder`."""

    classes: ClassNames | None
    layers: Selector | Iterable[Selector] | None
    exclude: Selector | Iterable[Selector] | None
    keep: int | np.integer[Any] | Indices | None
    maps: Indices | None
    statistics: Statistic | Iterable[Statistic] | None
    dtype: DType
    batch_size: int
    positions: Positions
    predictions: Predictions | None
    after_activation: bool
    name: str | None
    ids: Sequence[str] | None
    pictures: Pictures | None
    resume: bool
    strict: bool
    background: bool
