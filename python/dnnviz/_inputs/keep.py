"""Choice of the inputs whose values are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import RecorderError
from .._types import Indices

#: Inputs whose values a run can store; readers hold their list in memory.
MAX_INPUTS = 1 << 24


class KeepPolicy:
    """The options `keep` and `maps`: which inputs' values are stored.

    Raises:
        RecorderError: an option is neither a number nor a list of input numbers.
    """

    def __init__(self, keep: int | np.integer[Any] | Indices | None, maps: Indices | None) -> None:
        #: Numbers of the inputs whose feature maps are stored, ascending.
        self.maps = np.empty(0, np.int64) if maps is None else _parse_indices("maps", maps)
        #: A number of inputs, or their indices; `None`: all.
        self.keep: int | NDArray[np.int64] | None
        if keep is None:
            self.keep = None
        elif isinstance(keep, bool):
            raise RecorderError(f"keep={keep}; give a list of input numbers from 0 on")
        elif isinstance(keep, (int, np.integer)):
            if keep < 0:
                raise RecorderError(f"keep={keep}; give a number of inputs from 0 on, or their indices")
            self.keep = int(keep)
        else:
            self.keep = _parse_indices("keep", keep)

    @property
    def has_aggregates(self) -> bool:
        """Statistics are recorded."""
        return self.keep is not None

    @property
    def has_values(self) -> bool:
        """The values of at least one input are stored."""
        keep = self.keep
        some = keep > 0 if isinstance(keep, int) else keep is None or len(keep) > 0
        return some or len(self.maps) > 0

    def rows(self, start: int, count: int) -> NDArray[np.int64]:
        """Returns the rows to store of a batch of `count` inputs from input `start` on, while the total
        is not known."""
        rows = np.arange(count)
        if self.keep is None:
            return rows
        if isinstance(self.keep, int):
            kept = rows[: max(0, self.keep - start)]
        else:
            kept = rows_in_range(self.keep, start, count)
        return np.union1d(kept, rows_in_range(self.maps, start, count)).astype(np.int64)

    def indices(self, count: int, *, spread: bool) -> NDArray[np.int64]:
        """Returns the numbers of the stored ones of `count` inputs, ascending; of a number of them, those
        spread evenly or the first ones.

        Raises:
            RecorderError: an index is too large, or there are too many.
        """
        if self.keep is None:
            kept = np.arange(count)
        elif isinstance(self.keep, int):
            number = min(self.keep, count)
            kept = np.arange(number) * count // max(number, 1) if spread else np.arange(number)
        else:
            kept = self.keep
        kept = np.union1d(kept, self.maps).astype(np.int64)
        if len(kept) and kept[-1] >= count:
            raise RecorderError(f"keep= or maps= names input {kept[-1]}, there are {count} (the first is 0)")
        if len(kept) > MAX_INPUTS:
            raise RecorderError(
                f"the values of {len(kept)} inputs would be kept, the most is {MAX_INPUTS}; give keep="
            )
        return kept


def rows_in_range(numbers: NDArray[np.int64], start: int, count: int) -> NDArray[np.int64]:
    """Returns those of the ascending `numbers` in `start..start + count`, relative to `start`."""
    low, high = np.searchsorted(numbers, [start, start + count])
    return numbers[low:high] - start


def _parse_indices(option: str, values: Indices) -> NDArray[np.int64]:
    indices = np.asarray(values)
    if indices.size == 0:
        return np.empty(0, np.int64)
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or indices.min() < 0:
        raise RecorderError(f"{option}={values!r}; give a list of input numbers from 0 on")
    return np.unique(indices).astype(np.int64)
