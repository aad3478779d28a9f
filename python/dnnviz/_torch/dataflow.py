"""The data flow between layers, through all operations on tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .._graph import GraphBuilder, Node
from .outputs import tensors


class DataflowTrace(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Traces data between layers: the result of an operation depends on the layers of its arguments; if these
    are several, a joint stands for the operation."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.builder = GraphBuilder()
        #: By storage, to include views and changes in place: the node, and the storage itself, kept alive so
        #: that its address is unique.
        self._sources: dict[int, tuple[Node, Any]] = {}

    def sources(self, value: Any) -> list[Node]:
        """Returns the nodes whose data reaches the tensors in `value` directly."""
        known = (self._sources.get(_storage(tensor)[0]) for tensor in tensors(value))
        return [entry[0] for entry in known if entry is not None]

    def mark(self, value: Any, source: Node) -> None:
        """Sets the source of the tensors in `value`."""
        for tensor in tensors(value):
            address, storage = _storage(tensor)
            self._sources[address] = (source, storage)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        operation = func.__name__.partition(".")[0]
        if operation.endswith("_like") or operation.startswith("new_"):
            # Only the shape is that of an argument.
            return result
        source = self.builder.join(operation, self.sources((args, kwargs)))
        if source is not None:
            for tensor in tensors(result):
                # A tensor that is changed in part keeps its other sources.
                whole = self.builder.join(operation, [*self.sources(tensor), source])
                self.mark(tensor, source if whole is None else whole)
        return result


def _storage(tensor: Tensor) -> tuple[int, Any]:
    if tensor.layout is torch.strided and not tensor.is_nested:
        storage = tensor.untyped_storage()
        return storage._cdata, storage
    return id(tensor), tensor
