"""Reduction of a layer's output to one value per input and unit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from .._capture import Layer
from .._errors import RecorderError
from .._types import LayerKind, Positions

#: Names of the main output among several.
_MAIN_OUTPUTS = ("logits", "last_hidden_state")
#: Sizes of the batches of the probe.
SMALL, LARGE = 2, 3


def tensors(value: Any) -> Iterator[Tensor]:
    """Iterates over the tensors in an output or among arguments, the main one first."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for key in (*_MAIN_OUTPUTS, *(key for key in value if key not in _MAIN_OUTPUTS)):
            if key in value:
                yield from tensors(value[key])
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors(part)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from tensors({field.name: getattr(value, field.name) for field in fields(value)})


def main_tensor(value: Any) -> Tensor | None:
    """Returns the main tensor of an output; of a packed sequence `[inputs, positions, units]`, padded with
    zeros."""
    sequence = _packed_sequence(value)
    if sequence is not None:
        return pad_packed_sequence(sequence, batch_first=True)[0]
    return next(tensors(value), None)


def sequence_lengths(value: Any) -> Tensor | None:
    """Returns the number of positions of each input of a packed sequence, `None` for other outputs."""
    sequence = _packed_sequence(value)
    return None if sequence is None else pad_packed_sequence(sequence, batch_first=True)[1]


def _packed_sequence(value: Any) -> PackedSequence | None:
    # A packed sequence is a tuple itself.
    if isinstance(value, (tuple, list)) and not isinstance(value, PackedSequence) and value:
        value = value[0]
    return value if isinstance(value, PackedSequence) else None


@dataclass
class Reduction:
    """Reduction of the output of one layer to `[inputs, units]`."""

    name: str
    units: int
    #: Shape of one input's activation.
    shape: tuple[int, ...]
    #: The dimension that grows with the batch; `None` for an output that is the same for all inputs.
    batch: int | None
    #: The batch dimension holds several rows per input, such as windows.
    folded: bool
    #: Folded rows are ordered by input; otherwise by part.
    by_input: bool
    #: Units are the first dimension of an input's activation (channels), or the last.
    channels_first: bool
    #: Dimensions besides batch and units are averaged; otherwise flattened into units.
    average: bool
    #: Number of dimensions of the output.
    rank: int

    def __call__(self, value: Tensor, inputs: int, positions: Tensor | None = None) -> Tensor:
        """Returns `[inputs, units]` in f32, of f64 in f64; a view of `value` where possible.

        Args:
            value: the layer's output.
            inputs: number of inputs.
            positions: number of positions of each input of a packed sequence.

        Raises:
            RecorderError: `value` has another shape than in the probe.
        """
        rows = self.rows(value, inputs)
        if rows.is_complex():
            rows = rows.abs()
        dtype = torch.float64 if rows.dtype == torch.float64 else torch.float32
        channels = (1 + self.folded) if self.channels_first else rows.ndim - 1
        averaged = [dim for dim in range(1, rows.ndim) if dim != channels] if self.average else []
        if not averaged:
            reduced = rows.flatten(1) if rows.ndim > 1 else rows.unsqueeze(1)
            reduced = reduced.to(dtype).contiguous()
        elif positions is not None:
            reduced = rows.sum(averaged, dtype=dtype) / positions.to(rows.device, dtype).unsqueeze(1)
        elif rows.is_floating_point():
            reduced = rows.mean(averaged, dtype=dtype)
        else:
            reduced = rows.to(dtype).mean(averaged)
        if reduced.shape[1] != self.units:
            raise RecorderError(f"layer {self.name} had {self.units} units and now has {reduced.shape[1]}")
        return reduced if self.batch is not None else reduced.expand(inputs, -1)

    def rows(self, value: Tensor, inputs: int) -> Tensor:
        """Returns `value` with the inputs as the first dimension, followed by the parts of folded ones."""
        if value.ndim != self.rank:
            raise RecorderError(
                f"layer {self.name} had an output of {self.rank} dimensions "
                f"and now has one of shape {_shape(value)}"
            )
        if self.batch is None:
            return value.unsqueeze(0)
        rows = value.movedim(self.batch, 0) if self.batch else value
        if rows.shape[0] != inputs and not (self.folded and rows.shape[0] % inputs == 0):
            raise RecorderError(
                f"layer {self.name} gave {rows.shape[0]} rows (shape {_shape(value)}) for {inputs} inputs"
            )
        if not self.folded:
            return rows
        parts = rows.shape[0] // inputs
        if self.by_input:
            return rows.reshape(inputs, parts, *rows.shape[1:])
        return rows.reshape(parts, inputs, *rows.shape[1:]).transpose(0, 1)


def infer_reduction(
    module: nn.Module, name: str, small: Tensor, large: Tensor, positions: Positions
) -> tuple[Reduction, Layer]:
    """Returns the reduction of a layer and its manifest entry.

    Args:
        module: the layer.
        name: its name.
        small: its output for 2 inputs.
        large: its output for 3 inputs, the first two of which are the same.
        positions: the option of `Recorder`.

    Raises:
        RecorderError: the output cannot be reduced.
    """
    for value in (small, large):
        if value.layout is not torch.strided or value.is_quantized or value.is_nested:
            raise RecorderError(
                f"layer {name} gives a sparse, nested or quantised tensor; leave it out: exclude={name!r}"
            )
    batch = _batch_dimension(name, small, large)
    rest = list(small.shape)
    parts = rest.pop(batch) // SMALL if batch is not None else 1
    channels_first = len(rest) > 1 and _has_channels_first(module, rest)
    extra = [parts] if parts > 1 else []
    average = len(rest) + len(extra) > 1 and (channels_first or positions == "mean")
    shape = (*extra, *rest)
    units = (rest[0] if channels_first else rest[-1]) if average and rest else math.prod(shape)
    reduction = Reduction(name, units, shape, batch, parts > 1, True, channels_first, average, small.ndim)
    if units < 1:
        raise RecorderError(f"layer {name} has no units: its output is of shape {_shape(small)}")
    if parts > 1 and not _agrees(reduction, small, large):
        reduction.by_input = False
        # If neither order agrees, the inputs of a batch influence each other: by input, as in most models.
        reduction.by_input = not _agrees(reduction, small, large)
    layer = Layer(
        name=name,
        units=units,
        module=type(module).__name__,
        text=str(module) + ("\nrecorded as magnitude" if small.is_complex() else ""),
        kind=_kind(module, len(rest), channels_first),
        shape=shape,
        parameters=sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad),
        dtype=str(small.dtype).removeprefix("torch."),
        reduction=("spatial-mean" if channels_first else "sequence-mean") if average else "none",
    )
    return reduction, layer


def _batch_dimension(name: str, small: Tensor, large: Tensor) -> int | None:
    """Returns the dimension whose size is proportional to the number of inputs."""
    shapes = f"{_shape(small)} for {SMALL} inputs, {_shape(large)} for {LARGE}"
    if small.ndim != large.ndim:
        raise RecorderError(
            f"layer {name} changes its dimensions with the batch: {shapes}; exclude={name!r} leaves it out"
        )
    grown = [dim for dim in range(small.ndim) if small.shape[dim] != large.shape[dim]]
    if not grown:
        return None
    if len(grown) > 1 or small.shape[grown[0]] * LARGE != large.shape[grown[0]] * SMALL:
        raise RecorderError(
            f"layer {name} has no dimension for the inputs: {shapes}; exclude={name!r} leaves it out"
        )
    return grown[0]


def _agrees(reduction: Reduction, small: Tensor, large: Tensor) -> bool:
    """Returns whether the two inputs that both batches have get the same values."""
    first, second = reduction(small, SMALL), reduction(large, LARGE)[:SMALL]
    return torch.allclose(first, second, rtol=1e-3, atol=1e-5 * float(first.abs().max()), equal_nan=True)


def _has_channels_first(module: nn.Module, shape: list[int]) -> bool:
    """Returns whether the units of an activation of this shape are its first dimension.

    `torch.nn` names modules on channels with their number of spatial dimensions: Conv1d, MaxPool2d.
    Otherwise two dimensions are positions and units; more are channels and space, unless a bias or a
    normalisation inside fits only the last one.
    """
    for base in type(module).__mro__:
        if base.__module__.startswith("torch.nn") and base.__name__[-2:] in ("1d", "2d", "3d"):
            return True
    if len(shape) < 3 or _is_dense(module) or isinstance(module, nn.Embedding):
        return False
    widths = {parameter.shape[0] for parameter in module.parameters() if parameter.ndim == 1}
    return shape[0] in widths or shape[-1] not in widths


def _is_dense(module: nn.Module) -> bool:
    return isinstance(module, (nn.Linear, nn.Bilinear)) or "Linear" in type(module).__name__


def _kind(module: nn.Module, rank: int, channels_first: bool) -> LayerKind:
    if isinstance(module, nn.MultiheadAttention) or "Attention" in type(module).__name__:
        return "attention"
    if isinstance(module, (nn.Embedding, nn.EmbeddingBag)):
        return "embedding"
    if channels_first:
        return "feature-map"
    if isinstance(module, (nn.RNNBase, nn.RNNCellBase)):
        return "other"
    return "dense" if rank <= 1 or _is_dense(module) else "other"


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "()"
