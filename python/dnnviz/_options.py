"""Checks of what is given to the recorder besides arrays."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._capture import STATISTICS
from ._errors import RecorderError

#: Inputs whose values a run can keep; readers hold their list in memory.
MOST_INPUTS = 1 << 24


def statistics_of(statistics: Any) -> tuple[str, ...]:
    """The option `statistics`, in the order in which they are written; the mean is always among them."""
    if statistics is None:
        return STATISTICS
    wanted = {statistics} if isinstance(statistics, str) else set(statistics)
    if unknown := sorted(map(str, wanted - set(STATISTICS))):
        raise RecorderError(f"statistics={unknown[0]!r}; there are {', '.join(STATISTICS)}")
    return tuple(name for name in STATISTICS if name == "mean" or name in wanted)


class Keep:
    """Whose values are kept: the options `keep` and `maps`."""

    def __init__(self, keep: Any, maps: Any) -> None:
        self.maps = np.empty(0, np.int64) if maps is None else _indices("maps", maps)
        #: How many, or which; `None`: all.
        self.wanted: int | NDArray[np.int64] | None
        if keep is None:
            self.wanted = None
        elif isinstance(keep, (int, np.integer)) and not isinstance(keep, bool):
            if keep < 0:
                raise RecorderError(f"keep={keep}; give a number of inputs from 0 on, or their indices")
            self.wanted = int(keep)
        else:
            self.wanted = _indices("keep", keep)

    @property
    def aggregates(self) -> bool:
        """Whether statistics are recorded."""
        return self.wanted is not None

    @property
    def anything(self) -> bool:
        """Whether the values of any input are kept."""
        some = (
            self.wanted > 0 if isinstance(self.wanted, int) else self.wanted is None or len(self.wanted) > 0
        )
        return some or len(self.maps) > 0

    def pick(self, start: int, count: int) -> NDArray[np.int64]:
        """Rows to keep of a batch of `count` inputs from input `start` on, before it is known how many
        there are."""
        rows = np.arange(count)
        if self.wanted is None:
            return rows
        if isinstance(self.wanted, int):
            chosen = rows[: max(0, self.wanted - start)]
        else:
            chosen = within(self.wanted, start, count)
        return np.union1d(chosen, within(self.maps, start, count)).astype(np.int64)

    def among(self, count: int, *, spread: bool) -> NDArray[np.int64]:
        """Numbers of the kept ones of `count` inputs, ascending; a number of them is spread evenly, or the
        first ones are taken."""
        if self.wanted is None:
            kept = np.arange(count)
        elif isinstance(self.wanted, int):
            number = min(self.wanted, count)
            kept = np.arange(number) * count // max(number, 1) if spread else np.arange(number)
        else:
            kept = self.wanted
        kept = np.union1d(kept, self.maps).astype(np.int64)
        if len(kept) and kept[-1] >= count:
            raise RecorderError(f"keep= or maps= names input {kept[-1]}, there are {count} (the first is 0)")
        if len(kept) > MOST_INPUTS:
            raise RecorderError(
                f"the values of {len(kept)} inputs would be kept, the most is {MOST_INPUTS}; give keep="
            )
        return kept


def within(numbers: NDArray[np.int64], start: int, count: int) -> NDArray[np.int64]:
    """Those of the ascending `numbers` that are among `count` from `start` on, relative to it."""
    low, high = np.searchsorted(numbers, [start, start + count])
    return numbers[low:high] - start


def entry_of(number: Any, accuracy: Any, loss: Any, step: Any, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of an epoch, besides its files."""
    entry: dict[str, Any] = {"number": _whole("epoch number", number)}
    if step is not None:
        entry["step"] = _whole("step", step)
    entry["time"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if accuracy is not None:
        share = _scalar("accuracy", accuracy)
        if share < 0 or share > 1:
            raise RecorderError(f"accuracy={share:g}; give the share of right answers, from 0 to 1")
        entry["accuracy"] = 100 * share
    if loss is not None:
        entry["loss"] = _scalar("loss", loss)
    scalars = {name: _scalar(name, value) for name, value in metrics.items() if value is not None}
    if scalars:
        entry["metrics"] = scalars
    return entry


def _indices(name: str, values: Any) -> NDArray[np.int64]:
    indices = np.asarray(values)
    if indices.size == 0:
        return np.empty(0, np.int64)
    if indices.ndim != 1 or indices.dtype.kind not in "iu" or indices.min() < 0:
        raise RecorderError(f"{name}={values!r}; give a list of input numbers from 0 on")
    return np.unique(indices).astype(np.int64)


def _whole(name: str, value: Any) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        whole = -1
    if whole < 0 or whole >= 1 << 63:
        raise RecorderError(f"{name} {value!r} is not a whole number from 0 on")
    return whole


def _scalar(name: str, value: Any) -> float:
    if not isinstance(value, (str, bytes)):
        try:
            # A loss may still hold its graph.
            return float(value.detach() if hasattr(value, "detach") else value)
        except (TypeError, ValueError, RuntimeError):
            pass
    raise RecorderError(f"{name} is a {type(value).__name__}, not one number")
