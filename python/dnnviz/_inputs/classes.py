"""Classes of the probe inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .._errors import RecorderError
from .._types import ClassNames


class Classes:
    """Class ids in ascending order, and their names."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = dict(sorted(names.items()))
        self.ids = np.array(list(self.names), np.int64)

    @classmethod
    def from_option(cls, classes: ClassNames) -> Classes:
        """Creates them from the option `classes`: names, or names by id."""
        if isinstance(classes, str) or not isinstance(classes, (Mapping, Sequence, np.ndarray)):
            raise RecorderError(f"classes={classes!r}; give a list of names, or names by class id")
        pairs: Iterable[tuple[int, str]] = (
            classes.items() if isinstance(classes, Mapping) else enumerate(classes)
        )
        names: dict[int, str] = {}
        for id, name in pairs:
            if isinstance(id, bool) or not isinstance(id, (int, np.integer)) or id < 0:
                raise RecorderError(f"class id {id!r} is not a whole number from 0 on")
            names[int(id)] = str(name)
        return cls(names)

    @classmethod
    def from_labels(cls, labels: NDArray[np.int64]) -> Classes:
        """Creates those that occur, named by their numbers."""
        return cls({int(id): str(id) for id in np.unique(labels) if id >= 0})

    def indices(self, labels: NDArray[np.int64], first: int = 0) -> NDArray[np.int64]:
        """Returns the index of each label's class, -1 for the label -1.

        Args:
            labels: class ids `[n]`.
            first: number of the first input, for error messages.

        Raises:
            RecorderError: a label is the id of no class.
        """
        if not len(self.ids):
            index, known = np.zeros(len(labels), np.int64), np.zeros(len(labels), bool)
        else:
            index = np.searchsorted(self.ids, labels).clip(0, len(self.ids) - 1)
            known = self.ids[index] == labels
        unknown = np.flatnonzero(~known & (labels != -1))
        if len(unknown):
            input = int(unknown[0])
            known_ids = "there are no classes"
            if len(self.ids):
                known_ids = f"the {len(self.ids)} classes are {self.ids[0]} to {self.ids[-1]}"
            raise RecorderError(
                f"label {labels[input]} of input {first + input} names no class: {known_ids}; "
                "-1 stands for no class"
            )
        return np.where(known, index, -1)

    def ids_from_columns(self, columns: NDArray[np.int64], outputs: int) -> NDArray[np.int64]:
        """Returns class ids for the output's greatest columns, -1 where that is no class.

        With a column for each class, the columns are in the order of the ids; otherwise a column's number
        is the id. `outputs` is the number of columns, 0 if not known.
        """
        if outputs in (0, len(self.ids)):
            inside = (columns >= 0) & (columns < len(self.ids))
            return np.where(inside, self.ids[np.where(inside, columns, 0)] if len(self.ids) else -1, -1)
        return np.where(np.isin(columns, self.ids), columns, -1)
