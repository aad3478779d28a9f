"""What stands between a recorder and a framework.

A framework's module (`_torch`, `_keras`) offers

    def capture(model, sample, *, layers, exclude, positions, after_activation, name) -> Capture

where `sample` is one batch of inputs as `Capture.batch` will get them, and the rest are the options
of `Recorder` of the same names. The recorder feeds batches to the capture and writes what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

#: Statistics of a group, besides its count, in the order in which they are written.
STATISTICS = ("mean", "variance", "min", "max", "rate")


@dataclass
class Layer:
    """A layer as the manifest has it; `docs/recording-format.md` explains the fields."""

    name: str
    units: int
    module: str = ""
    text: str = ""
    kind: str = "other"
    shape: tuple[int, ...] = ()
    parameters: int | None = None
    dtype: str = ""
    reduction: str = "none"


@dataclass
class Batch:
    """What one batch of inputs made of the network."""

    #: Per layer `[b, units]`: torch tensors on any device, or NumPy arrays; a float type.
    values: list[Any]
    #: `[b]`, the output's greatest column; `None` when the output is not one row of scores per input.
    predictions: Any | None = None
    #: Layer index and `[k, channels, h, w]`, a row for each of `want_maps`, for layers that have maps.
    maps: list[tuple[int, Any]] = field(default_factory=list)
    #: Columns of the output that `predictions` were taken from; 0 when not known.
    outputs: int = 0


@dataclass
class FinishedAggregates:
    """Statistics of groups of inputs. Row 0 stands for all inputs, row `1 + c` for class index `c`."""

    #: `[1 + classes]`, inputs that went into each group.
    counts: NDArray[np.int64]
    #: Per layer, each of `STATISTICS` as float32 `[1 + classes, units]`; NaN where a unit had no
    #: finite value in a group.
    layers: list[dict[str, NDArray[np.float32]]]
    #: Per layer, how many values were NaN or infinite, over all inputs. Such values are left out of
    #: the statistics.
    not_finite: list[int]


class Aggregates(Protocol):
    """Takes in batches, in constant memory."""

    def add(self, layer: int, values: Any, groups: Any) -> None:
        """Takes in `values` `[b, units]` of a layer; `groups` is an int64 NumPy array `[b]`: the class
        index of each row, -1 for none (such rows count for "all" alone)."""
        ...

    def finish(self) -> FinishedAggregates:
        """The statistics of everything taken in, by all ranks when distributed."""
        ...


@runtime_checkable
class Capture(Protocol):
    """A network whose activations can be had."""

    #: Name of the network.
    model: str
    layers: list[Layer]
    #: Pairs of indices into `layers`; `None` when only their order is known.
    edges: list[tuple[int, int]] | None
    #: 0 and 1 unless distributed.
    rank: int
    world: int

    def open(self) -> AbstractContextManager[None]:
        """Guards a run of `batch` calls: on leaving, also by an exception, everything that the
        training can see is as it was."""
        ...

    def batch(self, inputs: Any, want_maps: Sequence[int] = ()) -> Batch:
        """Runs `inputs` (an array or tensor, a tuple or a dict of them) through the network;
        `want_maps` are rows of the batch whose whole feature maps are wanted. No collective calls:
        ranks may have different numbers of batches."""
        ...

    def aggregates(self, groups: int) -> Aggregates:
        """Fresh aggregates over `groups` classes."""
        ...

    def barrier(self, ok: bool) -> bool:
        """Waits for all ranks; whether all of them said `ok`. Alone: `ok`."""
        ...

    def gather(self, value: Any) -> list[Any]:
        """`value` of every rank, in their order, on every rank. Alone: `[value]`."""
        ...
