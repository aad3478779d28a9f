"""What is known of the inputs before the first epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _pictures
from ._errors import RecorderError
from ._inputs import Arrays, Classes, Inputs, first_array
from ._options import Keep
from ._values import as_numpy


@dataclass
class Survey:
    """The classes, and the inputs whose values are kept."""

    classes: Classes
    #: Numbers of the kept inputs, ascending.
    kept: NDArray[np.int64]
    #: Class ids of the kept inputs; `None`: not known.
    labels: NDArray[np.int64] | None
    #: Names of the kept inputs; `None`: their numbers.
    ids: list[str] | None = None
    #: As arrays of the format.
    pictures: dict[str, NDArray[Any]] = field(default_factory=dict)

    def recorded_labels(self) -> NDArray[np.int64]:
        """As the format has them."""
        return np.full(len(self.kept), -1, np.int64) if self.labels is None else self.labels


def survey(
    inputs: Inputs, keep: Keep, classes: Classes | None, ids: Sequence[str] | None, pictures: Any
) -> Survey:
    """Looks at the inputs: at their labels, and at what pictures can be made of those that are kept.
    Batches are gone through once, unless classes are given and none is kept."""
    labels: NDArray[np.int64] | None
    if isinstance(inputs, Arrays):
        count, labels = inputs.count, inputs.labels
        kept = keep.among(count, spread=True)
        found = None
        if pictures is None and inputs.x is not None:
            found = _made(first_array(inputs.x), kept)
    elif classes is not None and not keep.anything:
        return Survey(classes, np.empty(0, np.int64), None)
    else:
        count, labels, found = _go_through(inputs, keep, pictures is None)
        kept = keep.among(count, spread=False)
    return _survey(kept, count, labels, classes, ids, _arrays(pictures, found, kept, count))


def of_labels(
    count: int,
    labels: NDArray[np.int64] | None,
    keep: Keep,
    classes: Classes | None,
    ids: Sequence[str] | None,
    pictures: Any,
) -> Survey:
    """As `survey`, of `count` inputs of which the labels alone are known."""
    kept = keep.among(count, spread=False)
    return _survey(kept, count, labels, classes, ids, _arrays(pictures, None, kept, count))


def _survey(
    kept: NDArray[np.int64],
    count: int,
    labels: NDArray[np.int64] | None,
    classes: Classes | None,
    ids: Sequence[str] | None,
    pictures: dict[str, NDArray[Any]],
) -> Survey:
    if classes is None:
        classes = Classes.among(np.empty(0, np.int64) if labels is None else labels)
    if labels is not None:
        classes.indices(labels)
        labels = labels[kept]
    return Survey(classes, kept, labels, _names(ids, kept, count), pictures)


def _names(ids: Sequence[str] | None, kept: NDArray[np.int64], count: int) -> list[str] | None:
    """Names of the kept ones of `count` inputs; `None` when the numbers of all of them will do."""
    if ids is not None:
        if len(ids) != count:
            raise RecorderError(f"{len(ids)} ids for {count} inputs; give one for each")
        return [str(ids[index]) for index in kept]
    return None if len(kept) == count else [str(index) for index in kept]


def _arrays(
    pictures: Any, found: NDArray[np.uint8] | None, kept: NDArray[np.int64], count: int
) -> dict[str, NDArray[Any]]:
    if pictures is not None:
        return _pictures.given(pictures, kept, count)
    return {} if found is None or len(found) != len(kept) else {"pictures": found}


def _made(images: Any, kept: NDArray[np.int64]) -> NDArray[np.uint8] | None:
    if (
        not len(kept)
        or len(kept) > _pictures.MOST
        or not _pictures.looks_like_images(getattr(images, "shape", ()))
    ):
        return None
    parts = [_pictures.made(as_numpy(images[kept[at : at + 256]])) for at in range(0, len(kept), 256)]
    return np.concatenate([part for part in parts if part is not None]) if parts[0] is not None else None


def _go_through(
    inputs: Inputs, keep: Keep, pictures: bool
) -> tuple[int, NDArray[np.int64] | None, NDArray[np.uint8] | None]:
    count, unlabelled, labels = 0, False, [np.empty(0, np.int64)]
    made: list[NDArray[np.uint8]] = []
    for rows in inputs.batches(0, 1):
        count = rows.start + rows.count
        if rows.labels is None:
            unlabelled = True
        else:
            labels.append(rows.labels)
        part = _made(first_array(rows.x), keep.pick(rows.start, rows.count)) if pictures else None
        if part is not None and (not made or part.shape[1:] == made[0].shape[1:]):
            made.append(part)
    if not count:
        raise RecorderError("there are no inputs: the iterable has no batch")
    return count, None if unlabelled else np.concatenate(labels), np.concatenate(made) if made else None
