"""Which recorded layer feeds which, from the graph of a functional or sequential Keras model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import keras

from ._keras_layers import children

Sources = frozenset[int]


def edges(model: Any, sites: Mapping[tuple[int, int], int]) -> list[tuple[int, int]] | None:
    """`sites`: the index in the recording of each recorded call, by the layer's `id` and which call of
    it this is. `None` when part of the model that holds recorded layers has no graph."""
    recorded = {layer for layer, _ in sites}
    calls: Counter[int] = Counter()
    found: set[tuple[int, int]] = set()

    def holds(layer: Any) -> bool:
        return any(id(child) in recorded or holds(child) for child in children(layer))

    def run(graph: Any, inputs: list[Sources]) -> list[Sources] | None:
        reached = {id(tensor): sources for tensor, sources in zip(graph.inputs, inputs, strict=True)}
        # The order in which Keras itself runs the graph, so that calls of a shared layer count alike.
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.is_input or any(id(tensor) not in reached for tensor in node.input_tensors):
                    continue
                incoming = [reached[id(tensor)] for tensor in node.input_tensors]
                outgoing = step(node.operation, incoming, len(node.output_tensors))
                if outgoing is None:
                    return None
                for tensor, sources in zip(node.output_tensors, outgoing, strict=True):
                    reached[id(tensor)] = sources
        return [reached[id(tensor)] for tensor in graph.outputs]

    def step(operation: Any, incoming: list[Sources], outputs: int) -> list[Sources] | None:
        sources = frozenset[int]().union(*incoming)
        if id(operation) in recorded:
            site = sites.get((id(operation), calls[id(operation)]))
            calls[id(operation)] += 1
            if site is not None:
                found.update((source, site) for source in sources)
                return [frozenset({site})] * outputs
        elif isinstance(operation, keras.Layer) and holds(operation):
            inner = _graph(operation)
            if inner is None or len(inner.inputs) != len(incoming):
                return None
            return run(inner, incoming)
        return [sources] * outputs

    graph = _graph(model)
    if graph is None or run(graph, [frozenset[int]()] * len(graph.inputs)) is None:
        return None
    return sorted(found)


def _graph(layer: Any) -> Any | None:
    """The part of a model that has nodes. A class that extends `Model` with inputs and outputs, but
    runs something else in its own `call`, is not what its graph says."""
    if isinstance(layer, keras.Sequential):
        return layer._functional
    functional = getattr(layer, "_nodes_by_depth", None) is not None
    return layer if functional and type(layer).call is _functional_call() else None


def _functional_call() -> Any:
    from keras.src.models.functional import Functional

    return Functional.call
