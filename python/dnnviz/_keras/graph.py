"""The graph of the recorded layers, from that of a functional or sequential Keras model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import keras

from .._graph import GraphBuilder, Node, RecordedGraph
from .layers import children


def trace_graph(model: Any, indices: Mapping[tuple[int, int], int]) -> RecordedGraph | None:
    """Returns the graph of the recorded layers, `None` if a part of the model with recorded layers has no
    graph.

    Args:
        model: the model.
        indices: the index of each recorded call, by the `id` of the layer and the number of its call.
    """
    recorded = {layer for layer, _ in indices}
    calls: Counter[int] = Counter()
    builder = GraphBuilder()

    def contains_recorded(layer: Any) -> bool:
        return any(id(child) in recorded or contains_recorded(child) for child in children(layer))

    def trace_nodes(graph: Any, inputs: list[Node | None]) -> list[Node | None] | None:
        sources = dict(zip(map(id, graph.inputs), inputs, strict=True))
        # The order in which Keras itself runs the graph, so that calls of a shared layer count alike.
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.is_input or any(id(tensor) not in sources for tensor in node.input_tensors):
                    continue
                incoming = [sources[id(tensor)] for tensor in node.input_tensors]
                outgoing = trace_operation(node.operation, incoming, len(node.output_tensors))
                if outgoing is None:
                    return None
                sources.update(zip(map(id, node.output_tensors), outgoing, strict=True))
        return [sources[id(tensor)] for tensor in graph.outputs]

    def trace_operation(
        operation: Any, incoming: list[Node | None], outputs: int
    ) -> list[Node | None] | None:
        sources = [source for source in incoming if source is not None]
        if id(operation) in recorded:
            index = indices.get((id(operation), calls[id(operation)]))
            calls[id(operation)] += 1
            if index is not None:
                builder.add_layer(index, sources, builder.joints)
                return [index] * outputs
        elif isinstance(operation, keras.Layer) and contains_recorded(operation):
            inner = _graph(operation)
            if inner is None or len(inner.inputs) != len(incoming):
                return None
            return trace_nodes(inner, incoming)
        return [builder.join(type(operation).__name__, sources)] * outputs

    graph = _graph(model)
    if graph is None or trace_nodes(graph, [None] * len(graph.inputs)) is None:
        return None
    return builder.graph(len(indices))


def _graph(layer: Any) -> Any | None:
    """Returns the part of a model that has nodes. The graph of a subclass of `Model` with inputs and outputs
    and a `call` of its own does not count, because `call` need not follow it."""
    if isinstance(layer, keras.Sequential):
        return layer._functional
    has_nodes = getattr(layer, "_nodes_by_depth", None) is not None
    return layer if has_nodes and type(layer).call is _functional_call() else None


def _functional_call() -> Any:
    from keras.src.models.functional import Functional

    return Functional.call
