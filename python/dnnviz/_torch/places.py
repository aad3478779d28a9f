"""Places in the inputs of a forward pass, and the rows of an output that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .._types import Positions
from .inputs import Argument

#: Neither an input nor a position, or one that is not known.
UNKNOWN = -1


@dataclass
class Places:
    """The places of a forward pass, numbered: the inputs `0..n` as a whole, then the positions of arguments.

    All tensors are `[places]`, on the CPU.
    """

    #: Number of the input.
    inputs: Tensor
    #: Number of the position, -1 for an input as a whole; and how many there are.
    positions: Tensor
    lengths: Tensor
    #: False at padding.
    valid: Tensor
    #: By the number of its first place: the name of an argument's mask, if there is one, and its positions.
    arguments: dict[int, tuple[str, int]]

    @classmethod
    def of(cls, arguments: Sequence[Argument], count: int) -> Places:
        """Returns the places of `count` inputs."""
        whole = torch.full((count,), UNKNOWN)
        parts = [(torch.arange(count), whole, whole, torch.ones(count, dtype=torch.bool))]
        first, named = count, {}
        for argument in arguments:
            if argument.positions is None:
                continue
            length, mask = argument.tensor.shape[argument.positions], argument.mask
            parts.append(
                (
                    torch.arange(count).repeat_interleave(length),
                    torch.arange(length).repeat(count),
                    torch.full((count * length,), length),
                    torch.ones(count * length).bool() if mask is None else mask.valid.cpu().flatten(),
                )
            )
            named[first] = ("" if mask is None else mask.name, length)
            first += count * length
        inputs, positions, lengths, valid = (torch.cat(columns) for columns in zip(*parts, strict=True))
        return cls(inputs, positions, lengths, valid, named)

    def chosen(self, rows: Tensor, positions: Positions) -> Tensor:
        """Returns which of the places `rows` the option `positions` chooses: bool `[rows]`; of inputs as a
        whole, all."""
        number, length, valid = self.positions[rows], self.lengths[rows], self.valid[rows]
        if isinstance(positions, slice):
            chosen = number < 0
            for one in length.unique().tolist():
                inside = torch.tensor(range(max(one, 0))[positions], dtype=torch.int64)
                chosen |= (length == one) & torch.isin(number, inside)
            return chosen & valid
        if isinstance(positions, int):
            return (number < 0) | (number == (positions if positions >= 0 else length + positions))
        if positions in ("first", "last"):
            return (number < 0) | self._ends(last=positions == "last")[rows]
        return valid

    def _ends(self, *, last: bool) -> Tensor:
        """Returns which places are the first or last position of an input that is no padding."""
        ends = torch.zeros(len(self.inputs), dtype=torch.bool)
        for first, (_, length) in self.arguments.items():
            count = int(self.inputs.max()) + 1
            valid = self.valid[first : first + count * length].view(count, length)
            order = valid.flip(1) if last else valid
            at = order.int().argmax(1)
            at = length - 1 - at if last else at
            numbers = first + torch.arange(count) * length + at
            ends[numbers[valid.any(1)]] = True
        return ends


@dataclass
class Rows:
    """The rows of an output."""

    #: The dimensions of the output that count rows, ascending.
    dims: tuple[int, ...]
    #: `[rows]`, numbers of places.
    numbers: Tensor
    places: Places

    @property
    def inputs(self) -> Tensor:
        """`[rows]`, the number of the input of each."""
        return self.places.inputs[self.numbers]

    def is_regular(self, count: int) -> bool:
        """Returns whether each of `count` inputs has as many rows, in the order of the inputs, or of the
        rows of each."""
        rows, inputs = len(self.numbers), self.inputs
        if len(self.dims) != 1 or not rows or rows % count:
            return False
        order = torch.arange(count)
        return torch.equal(inputs, order.repeat_interleave(rows // count)) or torch.equal(
            inputs, order.repeat(rows // count)
        )
