"""Probe inputs from an iterable of batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .._errors import RecorderError
from .._random import preserved_random_states
from .._types import Batch, NetworkInputs
from .._values import as_numpy
from .arrays import input_count
from .labels import parse_labels
from .probe import ProbeBatch

#: Names of the labels among the arguments of a model.
_LABELS = ("labels", "label", "label_ids")


class BatchInputs:
    """Inputs that are iterated at every epoch; implements `ProbeInputs`."""

    is_per_rank = True

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = batches

    def sample(self) -> NetworkInputs:
        # Labels are parsed later, when ranks can report errors to each other.
        for batch in self.batches(0, 1, with_labels=False):
            return batch.x
        raise RecorderError("there are no inputs: the iterable has no batch")

    def batches(self, rank: int, world: int, with_labels: bool = True) -> Iterator[ProbeBatch]:
        start = 0
        with preserved_random_states(self._batches):
            for batch in self._batches:
                x, y = _split(batch)
                labels = parse_labels(y) if with_labels and y is not None else None
                count = input_count(x)
                if labels is not None and len(labels) != count:
                    raise RecorderError(
                        f"the batch from input {start} on has {count} inputs, but {len(labels)} labels"
                    )
                if count:
                    yield ProbeBatch(start, x, labels, count)
                start += count


def _split(batch: Batch) -> tuple[Any, Any]:
    """Splits a batch into `x`, all arrays but the last of several, and `y`; of a dict, `y` is the entry of
    class ids."""
    if isinstance(batch, Mapping):
        name = next((name for name in _LABELS if name in batch and _are_class_ids(batch[name])), None)
        return {key: part for key, part in batch.items() if key != name}, name and batch[name]
    if not isinstance(batch, (tuple, list)):
        return batch, None
    if len(batch) < 2:
        return (batch[0] if batch else ()), None
    return (batch[0] if len(batch) == 2 else tuple(batch[:-1])), batch[-1]


def _are_class_ids(values: Any) -> bool:
    """Returns whether there is one whole number per input, rather than one per position, or targets."""
    array = as_numpy(values)
    return array.dtype.kind in "iu" and (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1))
