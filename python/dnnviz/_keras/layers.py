"""The layers of a Keras model: their names and kinds, and the selection of the recorded ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import keras

from .._errors import RecorderError
from .._selection import Candidates
from .._types import LayerKind, Selector

#: A layer and its name, the path of names from the model down, joined by slashes as in Keras.
NamedLayer: TypeAlias = tuple[str, Any]

_KINDS: tuple[tuple[LayerKind, tuple[str, ...]], ...] = (
    ("feature-map", ("convolutional.",)),
    ("attention", ("attention.",)),
    ("embedding", ("core.embedding", "core.reversible_embedding")),
    ("dense", ("core.dense", "core.einsum_dense")),
)


def is_from(layer: Any, *packages: str) -> bool:
    """Returns whether the class of `layer`, or a base of it, is from one of these packages of Keras'
    layers."""
    return any(
        base.__module__.startswith(f"keras.src.layers.{package}")
        for base in type(layer).__mro__
        for package in packages
    )


def is_atomic(layer: Any) -> bool:
    """Returns whether a layer is recorded as one. Keras' own layers are, and subclasses of them: the
    projections inside an attention and the cell inside a recurrent layer are not layers of the network."""
    is_builtin = any(
        base.__module__.startswith("keras.src.layers.") and base.__module__ != "keras.src.layers.layer"
        for base in type(layer).__mro__
    )
    return is_builtin and not isinstance(layer, keras.Model)


def is_activation(layer: Any) -> bool:
    """Returns whether a layer is an activation function. Softmax is not one: it normalises units against
    each other, so that its output does not show which of them are active."""
    function = getattr(layer, "activation", None)
    is_softmax = isinstance(layer, keras.layers.Softmax) or function is keras.activations.softmax
    return is_from(layer, "activations.") and not is_softmax


def is_sigmoid(layer: Any) -> bool:
    """Returns whether the last function of a layer is a sigmoid."""
    function = getattr(layer, "activation", None)
    return function in (keras.activations.sigmoid, keras.activations.hard_sigmoid)


def is_normalisation(layer: Any) -> bool:
    return is_from(layer, "normalization.", "preprocessing.normalization")


def layer_kind(layer: Any) -> LayerKind:
    return next((kind for kind, packages in _KINDS if is_from(layer, *packages)), "other")


def children(layer: Any) -> list[Any]:
    """Returns the layers directly inside `layer`."""
    if is_atomic(layer):
        return []
    inner = layer._flatten_layers(include_self=False, recursive=False)
    return [child for child in inner if not isinstance(child, (keras.layers.InputLayer, keras.Metric))]


def named_layers(model: Any) -> list[NamedLayer]:
    """Returns every layer inside `model`, once, in the order of creation, with unique names."""
    named: list[NamedLayer] = []
    visited: set[int] = {id(model)}
    names: set[str] = set()

    def visit(parent: Any, prefix: str) -> None:
        for child in children(parent):
            if id(child) in visited:
                continue
            visited.add(id(child))
            name, count = prefix + child.name, 1
            while name in names:
                count += 1
                name = f"{prefix}{child.name}_{count}"
            names.add(name)
            named.append((name, child))
            visit(child, name + "/")

    visit(model, "")
    return named


def select_layers(
    named: Sequence[NamedLayer],
    layers: Selector | Iterable[Selector] | None,
    exclude: Selector | Iterable[Selector] | None,
) -> tuple[list[NamedLayer], set[str]]:
    """Returns the layers to record, and the names that `layers` holds one by one.

    Raises:
        RecorderError: a selector matches nothing, or no layer is left.
    """
    default = {name for name, layer in named if _is_default(layer)}
    candidates = Candidates(dict(named), default, _is_composite, separator="/", noun="layer")
    selected = candidates.select(layers, exclude)
    if not selected:
        raise RecorderError("no layer is left to record: look at layers=… and exclude=…")
    by_hand = candidates.spelled_out(layers)
    return [(name, layer) for name, layer in named if name in selected], by_hand


def _is_default(layer: Any) -> bool:
    """Returns whether a layer has weights of its own and is no normalisation or activation."""
    if is_normalisation(layer) or is_activation(layer) or isinstance(layer, keras.Model):
        return False
    if is_atomic(layer):
        return bool(layer.weights)
    inner = {id(weight) for child in children(layer) for weight in child.weights}
    return any(id(weight) not in inner for weight in layer.weights)


def _is_composite(layer: Any) -> bool:
    """Returns whether a layer has weights and is no normalisation or activation."""
    return bool(layer.weights) and not is_normalisation(layer) and not is_activation(layer)
