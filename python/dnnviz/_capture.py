"""Interface between the recorder and the frameworks.

`_torch.TorchCapture` and `_keras.KerasCapture` implement `Capture`. Both are constructed as
`(model, sample, **CaptureOptions)`, where `sample` is one batch of inputs. The recorder feeds batches to
the capture and writes the activations.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypedDict, TypeVar, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ._errors import RecorderError
from ._types import Array, LayerKind, NetworkInputs, Positions, Selector, Statistic

T = TypeVar("T")

#: In the order in which they are written.
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)


@dataclass
class Layer:
    """A layer's entry in the manifest; `docs/recording-format.md` describes the fields."""

    name: str
    units: int
    module: str = ""
    text: str = ""
    kind: LayerKind = "other"
    shape: tuple[int, ...] = ()
    parameters: int | None = None
    dtype: str = ""
    reduction: str = "none"


@dataclass
class Scores:
    """One tensor of a network's output, which may be its scores of the classes."""

    #: Its key or number among several, such as `logits` or `1`; empty if it is the output itself.
    name: str
    #: `[b, columns]`; one column as well for one number per input.
    values: Any
    #: The values are those of a sigmoid.
    is_probability: bool = False


@dataclass
class Output:
    """The output of a network for a batch of `b` inputs."""

    #: As the network returned it.
    value: Any
    inputs: int
    #: Those of its tensors that have a float row for each input, the main one first.
    scores: list[Scores]
    #: Number of all its tensors.
    tensors: int


@dataclass
class Batch:
    """Activations of one batch of `b` inputs."""

    #: Per layer `[b, units]`: torch tensors on any device, or NumPy arrays; a float type.
    values: list[Array]
    output: Output | None = None
    #: Layer index and `[k, channels, h, w]`, a row for each of `map_rows`, for layers that have maps.
    maps: list[tuple[int, Array]] = field(default_factory=list)
    #: By layer index: bool `[b]`, true where the layer has no value of an input, which did not reach it or is
    #: all padding. The values are NaN there.
    absent: dict[int, Array] = field(default_factory=dict)


@dataclass
class AggregateStatistics:
    """Statistics of groups of inputs. Row 0 stands for all inputs, row `1 + c` for class index `c`."""

    #: `[1 + classes]`, inputs of each group.
    counts: NDArray[np.int64]
    #: Per layer, each of `STATISTICS` as float32 `[1 + classes, units]`; NaN where a unit had no
    #: finite value in a group.
    layers: list[dict[Statistic, NDArray[np.float32]]]
    #: Per layer, the number of NaN or infinite values over all inputs. They are left out of the
    #: statistics.
    not_finite: list[int]


class Aggregator(Protocol):
    """Accumulates the statistics of groups of inputs, in constant memory."""

    def add(self, layer: int, values: Array, groups: NDArray[np.int64]) -> None:
        """Adds `values` `[b, units]` of a layer; `groups` `[b]` are class indices, -1 for no class
        (such rows count for "all" alone)."""
        ...

    def finish(self) -> AggregateStatistics:
        """Returns the statistics of everything added, by all ranks when distributed."""
        ...


@runtime_checkable
class Capture(Protocol):
    """Access to the activations of a network."""

    #: Name of the network.
    model: str
    layers: list[Layer]
    #: Pairs of indices into `layers` or, from their number on, into `joints`; `None` when only the order of
    #: the layers is known.
    edges: list[tuple[int, int]] | None
    #: The operation of each joint: of an operation that is no layer and combines the data of several nodes.
    joints: list[str]
    #: The class of each module that contains layers, by its name.
    modules: Mapping[str, str]
    #: The network's output for a few inputs; `None` when not known.
    output: Output | None
    #: 0 and 1 unless distributed.
    rank: int
    world: int

    def open(self) -> AbstractContextManager[None]:
        """Guards a sequence of `batch` calls: on exit, also by an exception, the state that the training
        depends on is restored."""
        ...

    def batch(self, inputs: NetworkInputs, map_rows: Sequence[int] = ()) -> Batch:
        """Runs a forward pass of `inputs`; `map_rows` are rows of the batch whose whole feature maps are
        captured. Makes no collective calls: ranks may have different numbers of batches."""
        ...

    def aggregates(self, groups: int) -> Aggregator:
        """Returns an empty aggregator over `groups` classes."""
        ...

    def barrier(self, ok: bool) -> bool:
        """Waits for all ranks and returns the conjunction of their `ok`."""
        ...

    def gather(self, value: T) -> list[T]:
        """Returns `value` of every rank, in rank order, on every rank."""
        ...


#: A `torch.nn.Module`, a `keras.Model`, or a capture of any other network.
Model: TypeAlias = Callable[..., Any] | Capture


class CaptureOptions(TypedDict, total=False):
    """Options of `Recorder` that its capture takes."""

    layers: Selector | Iterable[Selector] | None
    exclude: Selector | Iterable[Selector] | None
    positions: Positions
    after_activation: bool
    name: str | None


def module_classes(layers: Iterable[Layer], modules: Mapping[str, object], separator: str) -> dict[str, str]:
    """Returns the class names of the modules that contain some of `layers`, by the names of the modules.
    Outer modules come before inner ones.

    Args:
        layers: the recorded layers.
        modules: every module of the network by its name.
        separator: what stands between the parts of a name.
    """
    classes: dict[str, str] = {}
    for layer in layers:
        parts = layer.name.split(separator)
        for end in range(1, len(parts)):
            name = separator.join(parts[:end])
            if name not in classes and name in modules:
                classes[name] = type(modules[name]).__name__
    return classes


def parse_positions(positions: Positions) -> Positions:
    """Returns the option `positions`, with Python's numbers.

    Raises:
        RecorderError: there is no such choice.
    """
    if isinstance(positions, str) and positions in ("mean", "keep", "first", "last"):
        return positions
    if isinstance(positions, slice):
        try:
            start, stop, step = (None if one is None else operator.index(one) for one in _ends(positions))
        except TypeError:
            pass
        else:
            if step is None or step > 0:
                return slice(start, stop, step)
    elif isinstance(positions, (int, np.integer)) and not isinstance(positions, bool):
        return int(positions)
    raise RecorderError(
        f"positions={positions!r}: 'mean', 'keep', 'first', 'last', a whole number or a forward slice"
    )


def _ends(positions: slice) -> tuple[Any, Any, Any]:
    return positions.start, positions.stop, positions.step
