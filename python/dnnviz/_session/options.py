"""Options of a recording, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .._capture import STATISTICS
from .._errors import RecorderError
from .._inputs import Classes, KeepPolicy
from .._types import Pictures, Positions, Predictions, Statistic
from .._values import StoredType


@dataclass
class RecordingOptions:
    """Options of `Recorder`, checked."""

    path: Path
    name: str | None
    #: Element type of stored values.
    stored: StoredType
    keep: KeepPolicy
    #: Recorded statistics of groups.
    statistics: tuple[Statistic, ...]
    #: `None`: those among the labels.
    classes: Classes | None
    ids: Sequence[str] | None
    pictures: Pictures | None
    positions: Positions
    #: Reads the predictions from the network's output; `None`: its scores are found.
    predictions: Predictions | None
    resume: bool


def parse_statistics(statistics: Statistic | Iterable[Statistic] | None) -> tuple[Statistic, ...]:
    """Returns the statistics of the option, in the order in which they are written. The mean is always
    among them.

    Raises:
        RecorderError: a statistic does not exist.
    """
    if statistics is None:
        return STATISTICS
    names = {statistics} if isinstance(statistics, str) else set(statistics)
    if unknown := sorted(map(str, names - set(STATISTICS))):
        raise RecorderError(f"statistics={unknown[0]!r}; there are {', '.join(STATISTICS)}")
    return tuple(name for name in STATISTICS if name == "mean" or name in names)
