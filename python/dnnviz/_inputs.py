"""The probe inputs: whatever the user gives, as batches with labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ._errors import RecorderError
from ._random import random_states_kept
from ._values import as_numpy

_WANTED = "give inputs=(x, y), inputs=(x, None), or an iterable of such batches that can be iterated anew"


class Classes:
    """Class ids in ascending order, and their names."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = dict(sorted(names.items()))
        self.ids = np.array(list(self.names), np.int64)

    @classmethod
    def of(cls, classes: Any) -> Classes:
        """From the option `classes`: names, or names by id."""
        if isinstance(classes, str) or not isinstance(classes, (Mapping, Sequence, np.ndarray)):
            raise RecorderError(f"classes={classes!r}; give a list of names, or names by class id")
        pairs = classes.items() if isinstance(classes, Mapping) else enumerate(classes)
        names: dict[int, str] = {}
        for id, name in pairs:
            if isinstance(id, bool) or not isinstance(id, (int, np.integer)) or id < 0:
                raise RecorderError(f"class id {id!r} is not a whole number from 0 on")
            names[int(id)] = str(name)
        return cls(names)

    @classmethod
    def among(cls, labels: NDArray[np.int64]) -> Classes:
        """Those that occur, named by their numbers."""
        return cls({int(id): str(id) for id in np.unique(labels) if id >= 0})

    def indices(self, labels: NDArray[np.int64], first: int = 0) -> NDArray[np.int64]:
        """Index of each label's class, -1 for the label -1; `first` is the number of the first input."""
        if not len(self.ids):
            at, known = np.zeros(len(labels), np.int64), np.zeros(len(labels), bool)
        else:
            at = np.searchsorted(self.ids, labels).clip(0, len(self.ids) - 1)
            known = self.ids[at] == labels
        wrong = np.flatnonzero(~known & (labels != -1))
        if len(wrong):
            input = int(wrong[0])
            known_ids = "there are no classes"
            if len(self.ids):
                known_ids = f"the {len(self.ids)} classes are {self.ids[0]} to {self.ids[-1]}"
            raise RecorderError(
                f"label {labels[input]} of input {first + input} names no class: {known_ids}; "
                "-1 stands for no class"
            )
        return np.where(known, at, -1)

    def predicted(self, columns: NDArray[np.int64], outputs: int) -> NDArray[np.int64]:
        """Class ids for the output's greatest columns. With a column for each class they are in the
        order of the ids; otherwise a column's number is the id. -1 where that is no class."""
        if outputs in (0, len(self.ids)):
            inside = (columns >= 0) & (columns < len(self.ids))
            return np.where(inside, self.ids[np.where(inside, columns, 0)] if len(self.ids) else -1, -1)
        return np.where(np.isin(columns, self.ids), columns, -1)


@dataclass
class Rows:
    """A batch: `x` for the network, labels `[n]` if there are any, and where its first input stands."""

    start: int
    x: Any
    labels: NDArray[np.int64] | None
    count: int


class Inputs(Protocol):
    """Probe inputs, the same ones in the same order at every epoch."""

    #: Whether each rank has to be given its own part; otherwise `batches` cuts the share of a rank.
    own_share: bool

    def sample(self) -> Any:
        """A few inputs, as a network takes them."""
        ...

    def batches(self, rank: int, world: int) -> Iterator[Rows]:
        """The share of one rank."""
        ...


def inputs_of(inputs: Any, batch_size: int) -> Inputs:
    """Recognises the option `inputs`."""
    if isinstance(inputs, tuple) and len(inputs) == 2 and not _are_batches(inputs):
        return Arrays(inputs[0], inputs[1], batch_size)
    if isinstance(inputs, list) and len(inputs) == 2 and not _are_batches(inputs):
        return Arrays(inputs[0], inputs[1], batch_size)
    if (
        isinstance(inputs, (str, bytes, Mapping))
        or hasattr(inputs, "shape")
        or not hasattr(inputs, "__iter__")
    ):
        raise RecorderError(f"inputs is a {type(inputs).__name__}; {_WANTED}")
    if isinstance(inputs, Iterator):
        raise RecorderError(f"inputs can be iterated only once, every epoch needs them; {_WANTED}")
    return Batches(inputs)


def _are_batches(pair: Sequence[Any]) -> bool:
    """Whether two things are two batches rather than `x` and `y`."""
    return all(
        isinstance(part, (tuple, list))
        and len(part) == 2
        and hasattr(part[0], "shape")
        and _is_labels(part[1])
        for part in pair
    )


def _is_labels(value: Any) -> bool:
    return value is None or len(getattr(value, "shape", ())) == 1


class Arrays:
    """Inputs that lie in arrays."""

    own_share = False

    def __init__(self, x: Any, y: Any, batch_size: int) -> None:
        self.x = x
        self.count = 0 if x is None else count_of(x)
        self.labels = None if y is None else labels_of(y)
        if x is None and self.labels is not None:
            self.count = len(self.labels)
        if self.labels is not None and len(self.labels) != self.count:
            raise RecorderError(f"{self.count} inputs, but {len(self.labels)} labels; give a label for each")
        if not self.count:
            raise RecorderError("there are no inputs; give at least one")
        self._size = batch_size

    def sample(self) -> Any:
        return _cut(self.x, 0, min(self.count, 4))

    def batches(self, rank: int, world: int) -> Iterator[Rows]:
        begin, end = share(self.count, rank, world)
        for start in range(begin, end, self._size):
            stop = min(end, start + self._size)
            labels = None if self.labels is None else self.labels[start:stop]
            yield Rows(start, _cut(self.x, start, stop), labels, stop - start)


class Batches:
    """Inputs that come in batches, anew at every epoch."""

    own_share = True

    def __init__(self, batches: Any) -> None:
        self._batches = batches

    def sample(self) -> Any:
        # Labels are looked at later, when ranks can tell each other what is wrong.
        for rows in self.batches(0, 1, labelled=False):
            return rows.x
        raise RecorderError("there are no inputs: the iterable has no batch")

    def batches(self, rank: int, world: int, labelled: bool = True) -> Iterator[Rows]:
        start = 0
        for batch in _anew(self._batches):
            x, y = _parts(batch)
            labels = labels_of(y) if labelled and y is not None else None
            count = count_of(x)
            if labels is not None and len(labels) != count:
                raise RecorderError(
                    f"the batch from input {start} on has {count} inputs, but {len(labels)} labels"
                )
            if count:
                yield Rows(start, x, labels, count)
            start += count


def _anew(batches: Any) -> Iterator[Any]:
    """Goes through `batches`. To begin that draws random numbers, even where nothing is shuffled."""
    with random_states_kept(batches):
        yield from batches


def _parts(batch: Any) -> tuple[Any, Any]:
    """`x` and `y` of a batch; what stands between several arrays and the last goes to the network."""
    if not isinstance(batch, (tuple, list)):
        return batch, None
    if len(batch) < 2:
        return (batch[0] if batch else ()), None
    return (batch[0] if len(batch) == 2 else tuple(batch[:-1])), batch[-1]


def share(count: int, rank: int, world: int) -> tuple[int, int]:
    """Begin and end of the part of `count` inputs that a rank takes."""
    size, rest = divmod(count, world)
    begin = rank * size + min(rank, rest)
    return begin, begin + size + (rank < rest)


def count_of(x: Any) -> int:
    """How many inputs an array, a tuple, list or dict of arrays holds."""
    if isinstance(x, (tuple, list, Mapping)):
        parts = list(x.values() if isinstance(x, Mapping) else x)
        lengths = {count_of(part) for part in parts if part is not None}
        if len(lengths) != 1:
            found = " and ".join(map(str, sorted(lengths))) or "no"
            raise RecorderError(f"the arrays of one input set have {found} rows; give as many rows of each")
        return lengths.pop()
    shape = getattr(x, "shape", None)
    if shape is None or len(shape) == 0:
        raise RecorderError(f"inputs hold a {type(x).__name__} where an array with a row per input belongs")
    return int(shape[0])


def first_array(x: Any) -> Any:
    """The array of `x` that pictures are made of."""
    while isinstance(x, (tuple, list, Mapping)):
        x = next(iter(x.values() if isinstance(x, Mapping) else x), None)
    return x


def _cut(x: Any, start: int, stop: int) -> Any:
    if isinstance(x, Mapping):
        return {name: _cut(part, start, stop) for name, part in x.items()}
    if isinstance(x, (tuple, list)):
        return tuple(_cut(part, start, stop) for part in x)
    return None if x is None else x[start:stop]


def labels_of(y: Any) -> NDArray[np.int64]:
    """Labels `[n]` as class ids; -1 stands for no class."""
    try:
        labels = as_numpy(y)
    except (TypeError, ValueError) as error:
        raise RecorderError(f"labels cannot be turned into an array: {error}") from error
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise RecorderError(
            f"labels have the shape {list(labels.shape)}; "
            "give a class id for each input, of one-hot rows their argmax"
        )
    whole = labels.dtype.kind in "iu" or (
        labels.dtype.kind == "f" and bool((labels == np.rint(labels)).all())
    )
    if labels.size and not whole:
        raise RecorderError(f"labels are {labels.dtype}, not whole numbers; give one class id for each input")
    return labels.astype(np.int64)
