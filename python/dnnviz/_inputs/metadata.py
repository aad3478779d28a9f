"""Metadata of the probe inputs: classes, labels, names and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import RecorderError
from .._types import Pictures
from .arrays import ArrayInputs, first_array
from .classes import Classes
from .keep import KeepPolicy
from .pictures import parse_pictures, thumbnails_of_rows
from .probe import ProbeInputs


@dataclass
class InputMetadata:
    """The classes, and the inputs whose values are stored."""

    classes: Classes
    #: Numbers of the stored inputs, ascending.
    kept: NDArray[np.int64]
    #: Class ids of the stored inputs; `None`: not known.
    labels: NDArray[np.int64] | None
    #: Names of the stored inputs; `None`: their numbers.
    ids: list[str] | None = None
    #: As arrays of the format.
    pictures: dict[str, NDArray[Any]] = field(default_factory=dict)

    def stored_labels(self) -> NDArray[np.int64]:
        """Returns the labels as the format stores them, -1 where they are not known."""
        return np.full(len(self.kept), -1, np.int64) if self.labels is None else self.labels


def read_metadata(
    inputs: ProbeInputs,
    keep: KeepPolicy,
    classes: Classes | None,
    ids: Sequence[str] | None,
    pictures: Pictures | None,
) -> InputMetadata:
    """Reads the metadata of `inputs`. Batches are iterated once, unless classes are given and no values
    are stored.

    Args:
        inputs: the probe inputs.
        keep: which of them are stored.
        classes: if not given, those that occur among the labels.
        ids: names of all inputs.
        pictures: if not given, thumbnails are made of inputs that are images.

    Raises:
        RecorderError: the options do not fit the inputs.
    """
    labels: NDArray[np.int64] | None
    if isinstance(inputs, ArrayInputs):
        count, labels = inputs.count, inputs.labels
        kept = keep.indices(count, spread=True)
        made = None
        if pictures is None and inputs.x is not None:
            made = thumbnails_of_rows(first_array(inputs.x), kept)
    elif classes is not None and not keep.has_values:
        return InputMetadata(classes, np.empty(0, np.int64), None)
    else:
        count, labels, made = _read_batches(inputs, keep, with_thumbnails=pictures is None)
        kept = keep.indices(count, spread=False)
    return _metadata(kept, count, labels, classes, ids, pictures, made)


def metadata_from_labels(
    count: int,
    labels: NDArray[np.int64] | None,
    keep: KeepPolicy,
    classes: Classes | None,
    ids: Sequence[str] | None,
    pictures: Pictures | None,
) -> InputMetadata:
    """Returns the metadata of `count` inputs of which only the labels are known; see `read_metadata`."""
    return _metadata(keep.indices(count, spread=False), count, labels, classes, ids, pictures, None)


def _metadata(
    kept: NDArray[np.int64],
    count: int,
    labels: NDArray[np.int64] | None,
    classes: Classes | None,
    ids: Sequence[str] | None,
    pictures: Pictures | None,
    made: NDArray[np.uint8] | None,
) -> InputMetadata:
    stored: dict[str, NDArray[Any]] = {}
    if pictures is not None:
        stored = parse_pictures(pictures, kept, count)
    elif made is not None and len(made) == len(kept):
        stored = {"pictures": made}
    if classes is None:
        classes = Classes.from_labels(np.empty(0, np.int64) if labels is None else labels)
    if labels is not None:
        classes.indices(labels)
        labels = labels[kept]
    return InputMetadata(classes, kept, labels, _stored_ids(ids, kept, count), stored)


def _stored_ids(ids: Sequence[str] | None, kept: NDArray[np.int64], count: int) -> list[str] | None:
    """Returns the names of the stored ones of `count` inputs; `None` if all are stored by number."""
    if ids is not None:
        if len(ids) != count:
            raise RecorderError(f"{len(ids)} ids for {count} inputs; give one for each")
        return [str(ids[index]) for index in kept]
    return None if len(kept) == count else [str(index) for index in kept]


def _read_batches(
    inputs: ProbeInputs, keep: KeepPolicy, *, with_thumbnails: bool
) -> tuple[int, NDArray[np.int64] | None, NDArray[np.uint8] | None]:
    """Returns the number of inputs, their labels if all batches have some, and thumbnails."""
    count, all_labelled = 0, True
    labels = [np.empty(0, np.int64)]
    made: list[NDArray[np.uint8]] = []
    for batch in inputs.batches(0, 1):
        count = batch.start + batch.count
        if batch.labels is None:
            all_labelled = False
        else:
            labels.append(batch.labels)
        if with_thumbnails:
            part = thumbnails_of_rows(first_array(batch.x), keep.rows(batch.start, batch.count))
            if part is not None and (not made or part.shape[1:] == made[0].shape[1:]):
                made.append(part)
    if not count:
        raise RecorderError("there are no inputs: the iterable has no batch")
    return count, np.concatenate(labels) if all_labelled else None, np.concatenate(made) if made else None
