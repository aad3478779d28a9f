"""Inference of a layer's reduction from its outputs for a few inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from .._capture import Layer
from .._errors import RecorderError
from .._types import LayerKind, Positions
from .outputs import shape_text
from .places import Rows
from .reduce import Reduction
from .select import has_weights

#: Sizes of the batches of the probe.
SMALL, LARGE = 2, 3


class LayerProblem(Exception):
    """Why a layer cannot be recorded: a predicate, without the name of the layer."""


def infer_reduction(
    module: nn.Module,
    name: str,
    small: Tensor,
    large: Tensor,
    positions: Positions,
    traced: tuple[str, int] | None,
    masks: Mapping[str, int],
) -> tuple[Reduction, Layer]:
    """Returns the reduction of a layer and its manifest entry.

    Args:
        module: the layer.
        name: its name.
        small: its output for 2 inputs.
        large: its output for 3 inputs, the first two of which are the same.
        positions: the option of `Recorder`.
        traced: the mask and the dimension of the positions of `small`, as `RowTrace.positions` gives them.
        masks: the numbers of positions of the masks among the inputs.

    Raises:
        LayerProblem: the output cannot be reduced.
    """
    _check_layout(small)
    _check_layout(large)
    batch = _batch_dimension(small, large)
    rest = list(small.shape)
    parts = rest.pop(batch) // SMALL if batch is not None else 1
    channels_first = len(rest) > 1 and _has_channels_first(module, rest)
    extra = [parts] if parts > 1 else []
    average = len(rest) + len(extra) > 1 and (channels_first or positions != "keep")
    shape = (*extra, *rest)
    units = (rest[0] if channels_first else rest[-1]) if average and rest else math.prod(shape)
    reduction = Reduction(name, units, shape, batch, parts > 1, True, channels_first, average, small.ndim)
    if units < 1:
        raise LayerProblem(f"has no units: its output is of shape {shape_text(small)}")
    if parts > 1 and not _agrees(reduction, small, large):
        reduction.by_input = False
        # If neither order agrees, the inputs of a batch influence each other: by input, as in most models.
        reduction.by_input = not _agrees(reduction, small, large)
    if average:
        reduction.place, reduction.mask = _place(reduction, small, name, traced, masks)
    averaged = reduction.averaged(small.ndim + (batch is None) + (parts > 1))
    notes = ["recorded as magnitude"] if small.is_complex() else []
    if average and not channels_first and averaged == [reduction.place] and positions != "mean":
        reduction.positions = positions
        _check_positions(reduction, small)
        notes.append(f"positions={positions!r}")
    is_single = reduction.positions != "mean" and not isinstance(positions, slice)
    layer = _entry(module, reduction, small, len(rest), notes)
    if is_single:
        layer.shape, layer.reduction = (units,), "none"
    return reduction, layer


def infer_routed_reduction(
    module: nn.Module, name: str, output: Tensor, rows: Rows, positions: Positions
) -> tuple[Reduction, Layer]:
    """Returns the reduction of a layer that the data decides which inputs reach, and its manifest entry; with
    `positions="keep"` it is averaged as well.

    Raises:
        LayerProblem: the output cannot be reduced.
    """
    _check_layout(output)
    rest = [size for dim, size in enumerate(output.shape) if dim not in rows.dims]
    channels_first = len(rest) > 1 and _has_channels_first(module, rest)
    units = (rest[0] if channels_first else rest[-1]) if rest else 1
    if units < 1:
        raise LayerProblem(f"has no units: its output is of shape {shape_text(output)}")
    reduction = Reduction(
        name, units, tuple(rest), rows.dims[0], False, True, channels_first, len(rest) > 1, output.ndim,
        positions="mean" if positions == "keep" else positions, is_routed=True,
    )  # fmt: skip
    notes = ["recorded for the inputs that reach it"]
    layer = _entry(module, reduction, output, len(rest), notes)
    if not channels_first:
        layer.reduction = "sequence-mean"
    return reduction, layer


def _entry(module: nn.Module, reduction: Reduction, output: Tensor, rank: int, notes: list[str]) -> Layer:
    notes += ["recorded dequantised"] if output.is_quantized else []
    average = "spatial-mean" if reduction.channels_first else "sequence-mean"
    parameters = list(module.parameters())
    return Layer(
        name=reduction.name,
        units=reduction.units,
        module=type(module).__name__,
        text="\n".join([str(module), *notes]),
        kind=_kind(module, rank, reduction.channels_first),
        shape=reduction.shape,
        # Of quantised layers, which have weights but no parameters, the number is not known.
        parameters=None
        if not parameters and has_weights(module)
        else sum(parameter.numel() for parameter in parameters if parameter.requires_grad),
        dtype=str(output.dtype).removeprefix("torch."),
        reduction=average if reduction.average else "none",
    )


def _check_layout(output: Tensor) -> None:
    if output.layout is not torch.strided or output.is_nested:
        raise LayerProblem("gives a sparse or nested tensor")


def _place(
    reduction: Reduction, output: Tensor, name: str, traced: tuple[str, int] | None, masks: Mapping[str, int]
) -> tuple[int | None, str]:
    """Returns the dimension of `Reduction.rows` that counts positions, and the mask of these."""
    rows = reduction.rows(output, SMALL)
    averaged = reduction.averaged(rows.ndim)
    if traced is not None:
        mask, dim = traced
        batch = reduction.batch
        if batch is not None and dim == batch:
            found = 1 if reduction.folded else None
        elif batch is None:
            found = dim + 1
        else:
            found = dim + (dim < batch) + reduction.folded
        if found in averaged:
            return found, mask
    else:
        # A decoder's positions are those of its own mask.
        ordered = sorted(masks, key=lambda mask: mask.startswith("decoder") != ("decoder" in name))
        for mask in ordered:
            fitting = [dim for dim in averaged if rows.shape[dim] == masks[mask]]
            if len(fitting) == 1:
                return fitting[0], mask
    return (averaged[0] if len(averaged) == 1 and not reduction.channels_first else None), ""


def _check_positions(reduction: Reduction, output: Tensor) -> None:
    try:
        reduction.choose(reduction.rows(output, SMALL), None)
    except RecorderError as error:
        raise LayerProblem(str(error).removeprefix(f"layer {reduction.name} ")) from error


def _batch_dimension(small: Tensor, large: Tensor) -> int | None:
    """Returns the dimension whose size is proportional to the number of inputs."""
    shapes = f"{shape_text(small)} for {SMALL} inputs, {shape_text(large)} for {LARGE}"
    if small.ndim != large.ndim:
        raise LayerProblem(f"changes its dimensions with the batch: {shapes}")
    grown = [dim for dim in range(small.ndim) if small.shape[dim] != large.shape[dim]]
    if not grown:
        return None
    if len(grown) > 1 or small.shape[grown[0]] * LARGE != large.shape[grown[0]] * SMALL:
        raise LayerProblem(f"has no dimension for the inputs: {shapes}")
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
        is_builtin = base.__module__.startswith(("torch.nn", "torch.ao.nn"))
        if is_builtin and base.__name__[-2:] in ("1d", "2d", "3d"):
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
