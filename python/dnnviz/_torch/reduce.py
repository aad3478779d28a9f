"""Reduction of a layer's output to one value per input and unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .._errors import RecorderError
from .._types import Positions
from .outputs import shape_text
from .places import Rows


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
    #: The dimension of `rows` that counts positions, and the name of their mask, if there are such.
    place: int | None = None
    mask: str = ""
    #: The positions that are recorded, an option of `Recorder`.
    positions: Positions = "mean"
    #: Data decides which inputs have rows, and which.
    is_routed: bool = False

    def __call__(self, value: Tensor, inputs: int, mask: Tensor | None = None) -> Tensor:
        """Returns `[inputs, units]` in f32, of f64 in f64; a view of `value` where possible. NaN where `mask`
        leaves no position of an input.

        Args:
            value: the layer's output.
            inputs: number of inputs.
            mask: `[inputs, positions]`, false at padding.

        Raises:
            RecorderError: `value` has another shape than in the probe.
        """
        rows = self.rows(value, inputs)
        if rows.is_complex():
            rows = rows.abs()
        dtype = torch.float64 if rows.dtype == torch.float64 else torch.float32
        averaged = self.averaged(rows.ndim)
        if not averaged:
            reduced = rows.flatten(1) if rows.ndim > 1 else rows.unsqueeze(1)
            reduced = reduced.to(dtype).contiguous()
        else:
            rows, mask = self.choose(rows, mask)
            if mask is not None:
                reduced = self._masked_mean(rows, mask, averaged, dtype)
            elif rows.is_floating_point():
                reduced = rows.mean(averaged, dtype=dtype)
            else:
                reduced = rows.to(dtype).mean(averaged)
        if reduced.shape[1] != self.units:
            raise RecorderError(f"layer {self.name} had {self.units} units and now has {reduced.shape[1]}")
        return reduced if len(reduced) == inputs else reduced.expand(inputs, -1)

    def absent(self, mask: Tensor | None) -> Tensor | None:
        """Returns which inputs have no value because `mask` leaves no position: bool `[inputs]`."""
        if mask is None or self.place is None or isinstance(self.positions, int):
            return None
        chosen = mask[:, self.positions] if isinstance(self.positions, slice) else mask
        return ~chosen.any(1)

    def gather(self, value: Tensor, rows: Rows, inputs: int) -> tuple[Tensor, Tensor]:
        """Returns the means `[inputs, units]` of the rows of an output that belong to an input, NaN where
        there are none, and which inputs have none: bool `[inputs]`.

        Raises:
            RecorderError: `value` has another shape than in the probe.
        """
        chosen = rows.places.chosen(rows.numbers, self.positions).nonzero().squeeze(1)
        numbers = rows.inputs[chosen]
        dims = list(range(len(rows.dims)))
        value = value.movedim(list(rows.dims), dims).flatten(0, dims[-1])
        value = value.index_select(0, chosen.to(value.device))
        value = value.abs() if value.is_complex() else value
        dtype = torch.float64 if value.dtype == torch.float64 else torch.float32
        averaged = self.averaged(value.ndim)
        value = value.to(dtype).mean(averaged) if averaged else value.to(dtype).flatten(1)
        if value.shape[1] != self.units:
            raise RecorderError(f"layer {self.name} had {self.units} units and now has {value.shape[1]}")
        sums = torch.zeros(inputs, self.units, dtype=dtype, device=value.device)
        sums.index_add_(0, numbers.to(value.device), value)
        counts = torch.bincount(numbers, minlength=inputs)
        return sums / counts.to(value.device).unsqueeze(1), counts == 0

    def averaged(self, rank: int) -> list[int]:
        """Returns the averaged dimensions of rows."""
        channels = (1 + self.folded) if self.channels_first else rank - 1
        return [dim for dim in range(1, rank) if dim != channels] if self.average else []

    def choose(self, rows: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Returns the rows of the chosen positions, and their mask."""
        place, positions = self.place, self.positions
        if place is None:
            return rows, None
        # Parts of a model may be on different devices.
        mask = None if mask is None else mask.to(rows.device)
        if mask is not None and mask.shape[1] != rows.shape[place]:
            raise RecorderError(
                f"layer {self.name} has {rows.shape[place]} positions, its {self.mask} {mask.shape[1]}"
            )
        if positions in ("first", "last"):
            if mask is None:
                return rows.narrow(place, 0 if positions == "first" else rows.shape[place] - 1, 1), None
            order = mask if positions == "first" else mask.flip(1)
            at = order.int().argmax(1)
            at = at if positions == "first" else mask.shape[1] - 1 - at
            if len(rows) != len(mask):
                rows = rows.expand(len(mask), *rows.shape[1:])
            rows = rows.movedim(place, 1)[torch.arange(len(mask), device=rows.device), at]
            return rows.unsqueeze(1).movedim(1, place), mask.any(1, keepdim=True)
        if isinstance(positions, str):
            return rows, mask
        length = rows.shape[place]
        found = range(length)[positions] if isinstance(positions, slice) else [positions]
        if not found or not -length <= found[0] < length:
            raise RecorderError(
                f"layer {self.name} has {length} positions; positions={positions!r} is none of them"
            )
        index = torch.tensor(found, device=rows.device) % length
        mask = mask[:, index] if mask is not None and isinstance(positions, slice) else None
        return rows.index_select(place, index), mask

    def _masked_mean(self, rows: Tensor, mask: Tensor, averaged: list[int], dtype: torch.dtype) -> Tensor:
        assert self.place is not None
        shape = [1] * rows.ndim
        shape[0], shape[self.place] = mask.shape
        others = math.prod(rows.shape[dim] for dim in averaged if dim != self.place)
        sums = rows.masked_fill(~mask.view(shape), 0).sum(averaged, dtype=dtype)
        return sums / (mask.sum(1, keepdim=True) * others)

    def rows(self, value: Tensor, inputs: int) -> Tensor:
        """Returns `value` with the inputs as the first dimension, followed by the parts of folded ones."""
        if value.is_quantized:
            value = value.dequantize()
        if value.ndim != self.rank:
            raise RecorderError(
                f"layer {self.name} had an output of {self.rank} dimensions "
                f"and now has one of shape {shape_text(value)}"
            )
        if self.batch is None:
            return value.unsqueeze(0)
        rows = value.movedim(self.batch, 0) if self.batch else value
        if rows.shape[0] != inputs and not (self.folded and rows.shape[0] % inputs == 0):
            raise RecorderError(
                f"layer {self.name} gave {rows.shape[0]} rows (shape {shape_text(value)}) for {inputs} inputs"
            )
        if not self.folded:
            return rows
        parts = rows.shape[0] // inputs
        if self.by_input:
            return rows.reshape(inputs, parts, *rows.shape[1:])
        return rows.reshape(parts, inputs, *rows.shape[1:]).transpose(0, 1)
