"""The data flow between recorded layers.

An operation that is no layer and combines the data of several nodes, a sum for instance, is a joint. Without
joints, every layer of a residual network would be connected with every later one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import accumulate
from operator import or_
from typing import NamedTuple, TypeAlias

#: A layer by its index, or a joint by the complement (`~`) of its index.
Node: TypeAlias = int

_OPERATIONS = {
    "bmm": "matmul",
    "cat": "concat",
    "concatenate": "concat",
    "index_add": "add",
    "mm": "matmul",
    "multiply": "mul",
    "subtract": "sub",
}


class RecordedGraph(NamedTuple):
    """The graph of a recording."""

    #: Pairs of indices into the layers or, from their number on, into `joints`; in the order of the targets.
    edges: list[tuple[int, int]]
    #: The operation of each joint, in the order of the data flow.
    joints: list[str]


class GraphBuilder:
    """Collects layers and joints in the order of the data flow."""

    def __init__(self) -> None:
        #: Of each joint: its operation, its inputs, and the layers whose data it combines, as a bit set.
        self._operations: list[str] = []
        self._inputs: list[list[Node]] = []
        self._origins: list[int] = []
        #: Joints by operation and origins.
        self._known: dict[tuple[str, int], Node] = {}
        #: Of each layer: its inputs, and the number of joints before its call.
        self._layers: dict[int, tuple[list[Node], int]] = {}

    @property
    def joints(self) -> int:
        """The number of joints so far."""
        return len(self._operations)

    def add_layer(self, layer: int, inputs: Iterable[Node], joints: int) -> None:
        """Adds a layer.

        Args:
            layer: its index.
            inputs: nodes whose data reaches its output directly.
            joints: the number of joints before its call; later ones that lead to it alone are a part of it.
        """
        self._layers[layer] = (self._distinct(inputs), joints)

    def join(self, operation: str, inputs: Iterable[Node]) -> Node | None:
        """Returns the node of the result of an operation on data of `inputs`; `None` if there are none. The
        same joint stands for all results of one operation on data of the same layers."""
        parts = self._distinct(inputs)
        if len(parts) < 2:
            return parts[0] if parts else None
        operation = _operation_name(operation)
        origins = [self._origin(part) for part in parts]
        # A dense block concatenates all its layers again and again: what is known already is an input.
        first, last = (list(accumulate(some, or_)) for some in (origins, reversed(origins)))
        if (known := self._known.get((operation, first[-1]))) is not None:
            return known
        for length in range(len(parts) - 1, 1, -1):
            if (known := self._known.get((operation, first[length - 1]))) is not None:
                return self.join(operation, [known, *parts[length:]])
            if (known := self._known.get((operation, last[length - 1]))) is not None:
                return self.join(operation, [*parts[:-length], known])
        joint = ~self.joints
        self._operations.append(operation)
        self._inputs.append(parts)
        self._origins.append(first[-1])
        self._known[operation, first[-1]] = joint
        return joint

    def graph(self, layers: int) -> RecordedGraph:
        """Returns the graph of so many layers.

        A joint that leads nowhere is left out. Its inputs take the place of one that leads to a single node,
        if that is a joint of the same operation, or a layer whose call contains it.
        """
        inputs: dict[Node, dict[Node, None]] = {}
        targets: dict[Node, set[Node]] = {}

        def connect(node: Node, sources: Iterable[Node]) -> None:
            for source in sources:
                inputs.setdefault(node, {})[source] = None
                targets.setdefault(source, set()).add(node)

        for layer, (sources, _) in self._layers.items():
            connect(layer, sources)
        for index in reversed(range(self.joints)):
            joint = ~index
            leads_to = targets.get(joint, set())
            if not leads_to:
                continue
            target = next(iter(leads_to))
            if target < 0:
                is_part = self._operations[~target] == self._operations[index]
            else:
                is_part = index >= self._layers[target][1]
            if len(leads_to) == 1 and is_part:
                del inputs[target][joint]
                connect(target, self._inputs[index])
            else:
                connect(joint, self._inputs[index])
        left = sorted(~node for node in inputs if node < 0)
        numbers = {~index: layers + number for number, index in enumerate(left)}
        edges = [
            (numbers.get(source, source), numbers.get(target, target))
            for target, sources in inputs.items()
            for source in sources
        ]
        edges.sort(key=lambda edge: (edge[1], edge[0]))
        return RecordedGraph(edges, [self._operations[index] for index in left])

    def _origin(self, node: Node) -> int:
        return self._origins[~node] if node < 0 else 1 << node

    def _distinct(self, nodes: Iterable[Node]) -> list[Node]:
        """Returns the nodes with data of layers that no other one has, in order."""
        distinct: list[Node] = []
        for node in nodes:
            origin = self._origin(node)
            if any(origin | self._origin(other) == self._origin(other) for other in distinct):
                continue
            distinct = [other for other in distinct if self._origin(other) | origin != origin]
            distinct.append(node)
        return distinct


def _operation_name(name: str) -> str:
    """Returns the name of an operation in a recording, for that of a function or class in a framework:
    `add` for `add_`, `concat` for `Concatenate`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
    return "attention" if "attention" in name else _OPERATIONS.get(name, name)
