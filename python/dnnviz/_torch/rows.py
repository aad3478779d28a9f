"""Trace of the inputs through a forward pass: which input, and which position of it, each row of a tensor
stands for.

Most layers have a row, or the same number of rows, for each input in the order of the batch. The experts of a
sparse mixture have rows for the positions that are routed to them, in any order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.weak import WeakTensorKeyDictionary

from .inputs import Argument
from .outputs import tensors
from .places import UNKNOWN, Places, Rows

#: Operations that move elements without changing them, besides those that reshape.
_MOVES = frozenset((
    "transpose", "t", "permute", "slice", "select", "unsqueeze", "squeeze", "expand", "split",
    "split_with_sizes", "unbind", "chunk", "narrow", "index", "index_select", "gather", "flip", "roll",
    "repeat", "constant_pad_nd", "unfold", "movedim", "diagonal", "masked_select", "take_along_dim",
    "swapaxes", "unsafe_split", "unsafe_chunk", "repeat_interleave",
))  # fmt: skip
_RESHAPES = frozenset(("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten"))
_JOINS = frozenset(("cat", "stack"))
#: Those that choose among rows by data.
_SELECTIONS = frozenset((
    "index", "index_select", "gather", "masked_select", "take_along_dim", "split_with_sizes", "slice",
    "select",
))  # fmt: skip
_WRITES = frozenset(("index_add", "index_copy", "index_put", "_index_put_impl"))
#: By the position of the left one of the two matrices among the arguments.
_PRODUCTS = {"mm": 0, "bmm": 0, "_grouped_mm": 0, "addmm": 1, "baddbmm": 1}
_REDUCTIONS = frozenset((
    "mean", "sum", "amax", "amin", "max", "min", "std", "var", "logsumexp", "prod", "any", "all",
))  # fmt: skip
#: Their results have rows of their own.
_UNRELATED = frozenset((
    "sort", "argsort", "topk", "nonzero", "unique", "_unique2", "unique_consecutive", "unique_dim",
    "bincount", "histc", "searchsorted", "multinomial", "mode", "kthvalue", "zeros_like", "ones_like",
    "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones", "new_empty", "new_full",
    "eye", "arange", "randperm", "as_strided",
))  # fmt: skip
_SIGMOIDS = frozenset(("sigmoid", "hardsigmoid"))
_COPIES = frozenset(("_to_copy", "clone", "alias", "detach", "dequantize", "lift_fresh"))


class RowTrace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While active, follows the rows of tensors. After an operation that is not understood, they are not
    known."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        #: Numbers of places, int32, with as many dimensions as the tensor; of size 1 in those along which
        #: they are the same.
        self._places: Any = WeakTensorKeyDictionary()
        #: Outputs of a sigmoid, and tensors made of rows that data chose; the values mean nothing.
        self._sigmoids: Any = WeakTensorKeyDictionary()
        self._selected: Any = WeakTensorKeyDictionary()
        self._table = Places.of([], 0)

    def start(self, arguments: Sequence[Argument], count: int) -> None:
        """Starts a forward pass of `count` inputs with these arguments."""
        self._places.clear()
        self._sigmoids.clear()
        self._selected.clear()
        self._table = Places.of(arguments, count)
        first = count
        for argument in arguments:
            tensor = argument.tensor
            numbers = torch.arange(count, dtype=torch.int32)
            if argument.positions is not None:
                places = count * tensor.shape[argument.positions]
                numbers = torch.arange(first, first + places, dtype=torch.int32)
                first += places
            shape = [1] * tensor.ndim
            shape[0] = count
            if argument.positions is not None:
                shape[argument.positions] = tensor.shape[argument.positions]
            self._places[tensor] = numbers.to(tensor.device).view(shape)

    def is_sigmoid(self, tensor: Tensor) -> bool:
        """Returns whether the values are those of a sigmoid, moved but not changed."""
        return tensor in self._sigmoids

    def is_selected(self, tensor: Tensor) -> bool:
        """Returns whether data chose the rows of a tensor."""
        return tensor in self._selected

    def rows(self, tensor: Tensor, *, whole: bool = False) -> Rows | None:
        """Returns the rows of a layer's output, `None` if they are not known; `whole`: with inputs as a
        whole for their positions."""
        places = self._places.get(tensor)
        if not tensor.numel():
            return Rows((0,), torch.zeros(0, dtype=torch.int64), self._table)
        if places is None or not tensor.ndim or bool((places == UNKNOWN).any()):
            return None
        places = _compacted(self._coarse(places)) if whole else places
        dims = tuple(dim for dim in range(tensor.ndim) if places.shape[dim] > 1) or (0,)
        places = places.expand([size if dim in dims else 1 for dim, size in enumerate(tensor.shape)])
        return Rows(dims, places.flatten().cpu().long(), self._table)

    def positions(self, tensor: Tensor) -> tuple[str, int] | None:
        """Returns how an output that has all positions of an argument, in order, counts them: the name of
        their mask, empty if there is none, and the dimension, which may be that of the inputs. `None` for
        other outputs."""
        places = self._places.get(tensor)
        if places is None or not places.numel():
            return None
        first = int(places.min())
        if first not in self._table.arguments:
            return None
        name, length = self._table.arguments[first]
        dims = [dim for dim in range(places.ndim) if places.shape[dim] > 1]
        count = int(self._table.inputs.max()) + 1
        expected = torch.arange(first, first + count * length)
        flat = places.cpu().long()
        if len(dims) == 2 and torch.equal(flat.transpose(*dims).flatten(), expected):
            return name, dims[0]
        if len(dims) in (1, 2) and torch.equal(flat.flatten(), expected):
            return name, dims[-1]
        return None

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = func.overloadpacket.__name__
        in_place = name.endswith("_") and not name.endswith("__")
        result = func(*args, **kwargs)
        try:
            self._flag(name.rstrip("_"), args, kwargs, result, in_place=in_place)
            self._follow(func, name.rstrip("_") if in_place else name, args, kwargs, result)
        except Exception:  # an argument of an unusual form; a trace must not make the model fail
            for tensor in tensors(result):
                self._places.pop(tensor, None)
        return result

    def _coarse(self, places: Tensor) -> Tensor:
        """Returns the inputs as a whole for places of positions."""
        inputs = self._table.inputs.to(places.device, torch.int32)
        return torch.where(places == UNKNOWN, places, inputs[places.clamp(min=0).long()])

    def _flag(self, name: str, args: Any, kwargs: Any, result: Any, *, in_place: bool) -> None:
        results, arguments = list(tensors(result)), list(tensors([args, kwargs]))
        moves = name in _MOVES or name in _RESHAPES or name in _COPIES
        is_sigmoid = name in _SIGMOIDS or (moves and any(one in self._sigmoids for one in arguments[:1]))
        subject = self._places.get(arguments[0]) if arguments else None
        selects = subject is not None and name in _SELECTIONS and self._chooses(name, args, subject)
        selected = selects or (name not in _WRITES and any(one in self._selected for one in arguments))
        for tensor in results:
            if is_sigmoid:
                self._sigmoids[tensor] = True
            elif in_place:
                self._sigmoids.pop(tensor, None)
            if selected:
                self._selected[tensor] = True

    def _chooses(self, name: str, args: Any, places: Tensor) -> bool:
        """Returns whether an operation selects along a dimension in which the inputs differ."""
        inputs = _compacted(self._coarse(places))
        differing = {dim for dim in range(inputs.ndim) if inputs.shape[dim] > 1}
        if name == "index":
            dims = _indexed(args[1])
        elif name == "masked_select":
            dims = set(range(inputs.ndim))
        else:
            dims = {_argument(args, 2 if name == "split_with_sizes" else 1, 0) % inputs.ndim}
        return bool(differing & dims)

    def _follow(self, func: Any, name: str, args: Any, kwargs: Any, result: Any) -> None:
        """Sets the places of the results of an operation."""
        results = list(tensors(result))
        if not results or not any(one in self._places for one in tensors([args, kwargs])):
            return
        found: list[Tensor | None] = [None] * len(results)
        if name in _UNRELATED:
            pass
        elif name in _RESHAPES:
            found = [_reshaped(self._places[args[0]], args[0].shape, result.shape)]
        elif name in _MOVES:
            if (places := self._places.get(args[0])) is not None:
                moved = _moved(func, name, places, args, kwargs)
                found = [_compacted(one) for one in tensors(moved)]
        elif name in _JOINS:
            found = [self._joined(func, args, kwargs)]
        elif name == "embedding":
            found = [self._places[args[1]].unsqueeze(-1)]
        elif name in _PRODUCTS:
            found = [self._product(*args[_PRODUCTS[name] : _PRODUCTS[name] + 2])]
        elif name in _REDUCTIONS and len(args) > 1:
            found = [self._reduced(args[0], args[1], one) for one in results]
        elif name in _WRITES:
            found = [self._written(name, args, result)]
        else:
            found = [self._like_argument(args, kwargs, one) for one in results]
        for tensor, places in zip(results, found, strict=True):
            if places is not None and _spans(places, tensor):
                self._places[tensor] = places
            else:
                self._places.pop(tensor, None)

    def _like_argument(self, args: Any, kwargs: Any, result: Tensor) -> Tensor | None:
        """Returns the places of the argument that spans most of the result; of inputs as a whole, if the
        positions have changed."""
        known = [places for one in tensors([args, kwargs]) if (places := self._places.get(one)) is not None]
        for candidates in (known, [_compacted(self._coarse(places)) for places in known]):
            fitting = [places for places in candidates if _spans(places, result)]
            if fitting:
                return max(fitting, key=torch.Tensor.numel)
        return None

    def _product(self, left: Tensor, right: Tensor) -> Tensor | None:
        for matrix, dim in ((left, -1), (right, -2)):
            places = self._places.get(matrix)
            if places is None:
                continue
            if places.shape[dim] > 1:
                places = _compacted(self._coarse(places))
            if places.shape[dim] == 1:
                return places
        return None

    def _reduced(self, tensor: Tensor, dims: int | Sequence[int], result: Tensor) -> Tensor | None:
        places = self._places[tensor]
        numbers = [dims] if isinstance(dims, int) else dims
        axes = sorted({dim % tensor.ndim for dim in numbers}, reverse=True)
        if any(places.shape[dim] > 1 for dim in axes):
            places = _compacted(self._coarse(places))
        if any(places.shape[dim] > 1 for dim in axes):
            return None
        for dim in axes if result.ndim < tensor.ndim else ():
            places = places.squeeze(dim)
        return places

    def _joined(self, func: Any, args: Any, kwargs: Any) -> Tensor | None:
        """Parts whose places are not known, such as a class token, are those of the inputs as a whole."""
        parts = [(one, self._places.get(one)) for one in args[0]]
        known = [places for _, places in parts if places is not None]
        dim = _argument(args, 1, kwargs.get("dim", 0)) % known[0].ndim
        whole = _compacted(self._coarse(known[0]))
        blank = whole if whole.shape[dim] == 1 else torch.full_like(whole.narrow(dim, 0, 1), UNKNOWN)
        full = [(blank if places is None else places).expand(one.shape) for one, places in parts]
        return _compacted(func(full, *args[1:], **kwargs))

    def _written(self, name: str, args: Any, result: Tensor) -> Tensor | None:
        """Rows that are written to places of a tensor; others are not known."""
        target = self._places.get(args[0])
        target = result.new_full(result.shape, UNKNOWN, dtype=torch.int32) if target is None else target
        target = target.expand(result.shape).clone()
        if "index_put" in name:
            values = self._places.get(args[2])
            if values is None:
                return None
            target[tuple(slice(None) if one is None else one for one in args[1])] = values
        else:
            values = self._places.get(args[3])
            if values is None:
                return None
            target.index_copy_(args[1], args[2], values.expand(args[3].shape).contiguous())
        return _compacted(target)


def _spans(places: Tensor, tensor: Tensor) -> bool:
    """Returns whether places can be those of a tensor."""
    pairs = zip(places.shape, tensor.shape, strict=False)
    return places.ndim == tensor.ndim and all(one in (1, size) for one, size in pairs)


def _argument(args: Sequence[Any], index: int, default: Any) -> Any:
    return args[index] if len(args) > index else default


def _indexed(indices: Sequence[Tensor | None]) -> set[int]:
    """Returns the dimensions that `aten.index` indexes."""
    dims: set[int] = set()
    dim = 0
    for index in indices:
        width = index.ndim if index is not None and index.dtype in (torch.bool, torch.uint8) else 1
        if index is not None:
            dims.update(range(dim, dim + width))
        dim += width
    return dims


def _compacted(places: Tensor) -> Tensor:
    """Reduces dimensions along which places are the same to size 1."""
    for dim in reversed(range(places.ndim)):
        if places.shape[dim] > 1:
            first = places.narrow(dim, 0, 1)
            if places.stride(dim) == 0 or bool((places == first).all()):
                places = first
    return places


def _reshaped(places: Tensor, before: torch.Size, after: torch.Size) -> Tensor:
    # Trailing dimensions that stay need not be expanded.
    same = 0
    while same < min(len(before), len(after)) and before[-1 - same] == after[-1 - same]:
        if places.shape[-1 - same] > 1:
            break
        same += 1
    kept = len(before) - same
    reshaped = places.expand(*before[:kept], *[1] * same).reshape(*after[: len(after) - same], *[1] * same)
    return _compacted(reshaped)


def _moved(func: Any, name: str, places: Tensor, args: Any, kwargs: Any) -> Any:
    shape = list(args[0].shape)
    if name == "index":
        # Others need not be expanded.
        shape = [size if dim in _indexed(args[1]) else places.shape[dim] for dim, size in enumerate(shape)]
    elif name == "index_select":
        shape = [size if dim == args[1] % len(shape) else places.shape[dim] for dim, size in enumerate(shape)]
    elif name == "constant_pad_nd":
        return func(places.expand(shape), args[1], UNKNOWN)
    return func(places.expand(shape), *args[1:], **kwargs)
