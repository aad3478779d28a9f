"""Interface of the probe inputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .._types import NetworkInputs


@dataclass
class ProbeBatch:
    """A batch of the probe inputs."""

    #: Number of its first input.
    start: int
    #: Arguments of the network.
    x: NetworkInputs
    #: Class ids `[count]`, if there are any.
    labels: NDArray[np.int64] | None
    count: int


class ProbeInputs(Protocol):
    """The probe inputs: the same ones in the same order at every epoch."""

    #: True if each rank is given its own part; otherwise `batches` divides the inputs among the ranks.
    is_per_rank: bool

    def sample(self) -> NetworkInputs:
        """Returns a few inputs as arguments of the network."""
        ...

    def batches(self, rank: int, world: int) -> Iterator[ProbeBatch]:
        """Iterates over the inputs of one rank."""
        ...


def rank_range(count: int, rank: int, world: int) -> tuple[int, int]:
    """Returns start and stop of the part of `count` inputs that a rank processes."""
    size, rest = divmod(count, world)
    start = rank * size + min(rank, rest)
    return start, start + size + (rank < rest)
