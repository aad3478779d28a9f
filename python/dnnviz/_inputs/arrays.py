"""Probe inputs in arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .._errors import RecorderError
from .._types import ArrayLike, NetworkInputs
from .labels import parse_labels
from .probe import ProbeBatch, rank_range


class ArrayInputs:
    """Inputs `x` with labels `y` in arrays; implements `ProbeInputs`.

    Raises:
        RecorderError: `x` and `y` differ in length, or there are no inputs.
    """

    is_per_rank = False

    def __init__(self, x: NetworkInputs | None, y: ArrayLike | None, batch_size: int) -> None:
        self.x = x
        self.count = 0 if x is None else input_count(x)
        self.labels = None if y is None else parse_labels(y)
        if x is None and self.labels is not None:
            self.count = len(self.labels)
        if self.labels is not None and len(self.labels) != self.count:
            raise RecorderError(f"{self.count} inputs, but {len(self.labels)} labels; give a label for each")
        if not self.count:
            raise RecorderError("there are no inputs; give at least one")
        self._batch_size = batch_size

    def sample(self) -> NetworkInputs:
        sample: NetworkInputs = _rows(self.x, 0, min(self.count, 4))
        return sample

    def batches(self, rank: int, world: int) -> Iterator[ProbeBatch]:
        begin, end = rank_range(self.count, rank, world)
        for start in range(begin, end, self._batch_size):
            stop = min(end, start + self._batch_size)
            labels = None if self.labels is None else self.labels[start:stop]
            yield ProbeBatch(start, _rows(self.x, start, stop), labels, stop - start)


def input_count(x: Any) -> int:
    """Returns the number of inputs in an array, or a tuple, list or dict of arrays. Settings of the forward
    pass beside the arrays do not count.

    Raises:
        RecorderError: the arrays differ in length, or there is something else than an array.
    """
    if isinstance(x, (tuple, list, Mapping)):
        parts = list(x.values() if isinstance(x, Mapping) else x)
        lengths = {input_count(part) for part in parts if not is_setting(part)}
        if not lengths and parts:
            raise RecorderError(
                "inputs hold a list of numbers where an array with a row per input belongs; of a tokenizer, "
                "return_tensors= makes arrays"
            )
        if len(lengths) != 1:
            found = " and ".join(map(str, sorted(lengths))) or "no"
            raise RecorderError(f"the arrays of one input set have {found} rows; give as many rows of each")
        return lengths.pop()
    shape = getattr(x, "shape", None)
    if shape is None or len(shape) == 0:
        raise RecorderError(f"inputs hold a {type(x).__name__} where an array with a row per input belongs")
    return int(shape[0])


def is_setting(value: Any) -> bool:
    """Returns whether an argument of a forward pass is the same for all inputs: `None`, a number, a text, an
    array without dimensions."""
    return value is None or isinstance(value, (bool, int, float, str)) or getattr(value, "shape", None) == ()


def first_array(x: Any) -> Any:
    """Returns the first array of an input, which its picture is made of; `None` if there is none."""
    if not isinstance(x, (tuple, list, Mapping)):
        return None if is_setting(x) else x
    parts = map(first_array, x.values() if isinstance(x, Mapping) else x)
    return next((part for part in parts if part is not None), None)


def _rows(x: Any, start: int, stop: int) -> Any:
    if isinstance(x, Mapping):
        return {name: _rows(part, start, stop) for name, part in x.items()}
    if isinstance(x, (tuple, list)):
        return tuple(_rows(part, start, stop) for part in x)
    return x if is_setting(x) else x[start:stop]
