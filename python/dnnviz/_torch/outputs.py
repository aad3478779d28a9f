"""The tensors in the outputs of layers and networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from .._capture import Output, Scores

#: Names of the main output among several.
_MAIN_OUTPUTS = ("logits", "last_hidden_state")


def tensors(value: Any) -> Iterator[Tensor]:
    """Iterates over the tensors in an output or among arguments, the main one first."""
    return (tensor for _, tensor in named_tensors(value))


def named_tensors(value: Any, name: str = "") -> Iterator[tuple[str, Tensor]]:
    """Iterates over the tensors in `value`, the main one first, with the keys and numbers that lead to them:
    `logits`, `states.0`."""
    if isinstance(value, Tensor):
        yield name, value
        return
    if is_dataclass(value) and not isinstance(value, (type, Mapping)):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    elif isinstance(value, (tuple, list)):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        return
    for key in (*_MAIN_OUTPUTS, *(key for key in value if key not in _MAIN_OUTPUTS)):
        if key in value:
            yield from named_tensors(value[key], f"{name}.{key}" if name else str(key))


def main_tensor(value: Any) -> Tensor | None:
    """Returns the main tensor of an output; of a packed sequence `[inputs, positions, units]`, padded with
    zeros."""
    sequence = _packed_sequence(value)
    if sequence is not None:
        return pad_packed_sequence(sequence, batch_first=True)[0]
    return next(tensors(value), None)


def sequence_mask(value: Any) -> Tensor | None:
    """Returns which positions of a packed sequence are valid, bool `[inputs, positions]`; `None` for other
    outputs."""
    sequence = _packed_sequence(value)
    if sequence is None:
        return None
    padded, lengths = pad_packed_sequence(sequence, batch_first=True)
    return (torch.arange(padded.shape[1]) < lengths.unsqueeze(1)).to(padded.device)


def _packed_sequence(value: Any) -> PackedSequence | None:
    # A packed sequence is a tuple itself.
    if isinstance(value, (tuple, list)) and not isinstance(value, PackedSequence) and value:
        value = value[0]
    return value if isinstance(value, PackedSequence) else None


def read_output(value: Any, inputs: int, is_sigmoid: Callable[[Tensor], bool] | None) -> Output:
    """Returns the output of a network for so many inputs, and what may be scores in it; `is_sigmoid` tells
    whether a tensor is the output of a sigmoid, without it that is not known."""
    scores, count = [], 0
    for name, tensor in named_tensors(value):
        count += 1
        if tensor.layout is not torch.strided or tensor.is_nested or not tensor.ndim:
            continue
        is_probability = is_sigmoid is not None and is_sigmoid(tensor)
        tensor = tensor.detach().dequantize() if tensor.is_quantized else tensor.detach()
        if tensor.ndim == 1:
            tensor = tensor.unsqueeze(1)
        if tensor.ndim == 2 and len(tensor) == inputs and tensor.is_floating_point():
            scores.append(Scores(name, tensor, is_probability))
    return Output(value, inputs, scores, count)


def shape_text(value: Tensor) -> str:
    """Returns `2×3` for a tensor of that shape."""
    return "×".join(map(str, value.shape)) or "()"
