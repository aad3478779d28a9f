"""Which layers of a Keras model are recorded, and what is said of them."""

from __future__ import annotations

import difflib
import fnmatch
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from ._capture import Layer
from ._errors import RecorderError

#: `name` is the path of names from the model down, joined by slashes as Keras does it.
Named = tuple[str, Any]


def comes_from(layer: Any, *packages: str) -> bool:
    """Whether the class of `layer`, or one that it extends, is of one of these packages of Keras."""
    return any(
        base.__module__.startswith(f"keras.src.layers.{package}")
        for base in type(layer).__mro__
        for package in packages
    )


def is_whole(layer: Any) -> bool:
    """Keras' own layers (and what extends them) are recorded as one, whatever they are made of: the
    projections inside an attention and the cell inside a recurrent layer are not layers of the network."""
    own = any(
        base.__module__.startswith("keras.src.layers.") and base.__module__ != "keras.src.layers.layer"
        for base in type(layer).__mro__
    )
    return own and not isinstance(layer, keras.Model)


def is_activation(layer: Any) -> bool:
    """Softmax is none: it weighs units against each other; which of them fire cannot be told behind it."""
    function = getattr(layer, "activation", None)
    return comes_from(layer, "activations.") and not (
        isinstance(layer, keras.layers.Softmax) or function is keras.activations.softmax
    )


def is_normalisation(layer: Any) -> bool:
    return comes_from(layer, "normalization.", "preprocessing.normalization")


def children(layer: Any) -> list[Any]:
    if is_whole(layer):
        return []
    found = layer._flatten_layers(include_self=False, recursive=False)
    return [child for child in found if not isinstance(child, (keras.layers.InputLayer, keras.Metric))]


def named_layers(model: Any) -> list[Named]:
    """Every layer below `model`, once, in the order of creation; names are unique."""
    found: list[Named] = []
    seen: set[int] = {id(model)}
    taken: set[str] = set()

    def visit(parent: Any, prefix: str) -> None:
        for child in children(parent):
            if id(child) in seen:
                continue
            seen.add(id(child))
            name, again = prefix + child.name, 1
            while name in taken:
                again += 1
                name = f"{prefix}{child.name}_{again}"
            taken.add(name)
            found.append((name, child))
            visit(child, name + "/")

    visit(model, "")
    return found


def by_default(layer: Any) -> bool:
    """Layers that have weights of their own, except normalisations and activations."""
    if is_normalisation(layer) or is_activation(layer) or isinstance(layer, keras.Model):
        return False
    if is_whole(layer):
        return bool(layer.weights)
    inner = {id(weight) for child in children(layer) for weight in child.weights}
    return any(id(weight) not in inner for weight in layer.weights)


def chosen(named: Sequence[Named], layers: Any, exclude: Any) -> list[Named]:
    """The layers to record. Raises `RecorderError` when a choice means none, or nothing is left."""
    usual = {name for name, layer in named if by_default(layer)}
    kept = usual if layers is None else set()
    for one in _each(layers):
        kept = kept | _meant(one, named, usual, "layers")
    for one in _each(exclude):
        for outer in _meant(one, named, set(), "exclude"):
            kept = {name for name in kept if name != outer and not name.startswith(f"{outer}/")}
    if not kept:
        raise RecorderError("no layer is left to record: look at layers=… and exclude=…")
    return [(name, layer) for name, layer in named if name in kept]


def _each(choice: Any) -> list[Any]:
    if choice is None:
        return []
    if isinstance(choice, (str, int, type)) or not isinstance(choice, Iterable):
        return [choice]
    return list(choice)


def _meant(choice: Any, named: Sequence[Named], usual: set[str], option: str) -> set[str]:
    """Names of the layers that one choice speaks of. A pattern prefers those that are recorded anyway, so
    that `"block1/*"` means no dropout or pooling where there is something else."""
    names = [name for name, _ in named]
    if isinstance(choice, str):
        if choice in names:
            return {choice}
        found = set(fnmatch.filter(names, choice))
        if found:
            return found & usual or found
        near = difflib.get_close_matches(choice, names, 3) or names[:3]
        raise RecorderError(f"{option}={choice!r} matches no layer; there are {', '.join(near)}, …")
    if isinstance(choice, type):
        found = {name for name, layer in named if isinstance(layer, choice)}
    elif isinstance(choice, int) and not isinstance(choice, bool) and choice >= 1:
        found = {name for name, layer in named if _depth(name) == choice and _has_part(layer)}
        found |= {name for name in usual if _depth(name) < choice}
    elif callable(choice):
        found = {name for name, layer in named if choice(name, layer)}
    else:
        raise RecorderError(f"{option}: {choice!r} is no name, pattern, type, depth (from 1 on) or function")
    if not found and option == "layers":
        what = choice.__name__ if isinstance(choice, type) else repr(choice)
        raise RecorderError(f"layers={what} matches no layer of the model")
    return found


def _depth(name: str) -> int:
    return name.count("/") + 1


def _has_part(layer: Any) -> bool:
    """Worth recording as a whole: has weights and is no mere normalisation or activation."""
    return bool(layer.weights) and not is_normalisation(layer) and not is_activation(layer)


@dataclass(frozen=True)
class Layout:
    """How an output becomes one value per unit."""

    kind: str
    units: int
    reduction: str = "none"
    #: Axes of a batch that the mean is taken over.
    mean: tuple[int, ...] = ()
    #: Permutation that makes `[b, channels, h, w]`, for outputs that have maps.
    maps: tuple[int, ...] | None = None


def layout(layer: Any, shape: tuple[int, ...], positions: str) -> Layout:
    """`shape` is that of a batch of the layer's output. A layer that has a `data_format` says where its
    channels are; in others they are where Keras' settings put them."""
    rank, kind = len(shape), _kind(layer)
    if rank <= 2:
        return Layout(kind, math.prod(shape[1:]))
    if rank == 3 and not comes_from(layer, "convolutional.", "pooling."):
        # [b, positions, features]
        if positions == "mean":
            return Layout(kind, shape[2], "sequence-mean", mean=(1,))
        return Layout(kind, math.prod(shape[1:]))
    last = _channels_last(layer)
    space = tuple(range(1, rank - 1)) if last else tuple(range(2, rank))
    channels = rank - 1 if last else 1
    maps = (0, channels, *space) if rank == 4 else None
    return Layout("feature-map", shape[channels], "spatial-mean", mean=space, maps=maps)


def _channels_last(layer: Any) -> bool:
    if comes_from(layer, "core.dense"):
        return True
    return (getattr(layer, "data_format", None) or keras.config.image_data_format()) == "channels_last"


def _kind(layer: Any) -> str:
    for kind, packages in (
        ("feature-map", ("convolutional.",)),
        ("attention", ("attention.",)),
        ("embedding", ("core.embedding", "core.reversible_embedding")),
        ("dense", ("core.dense", "core.einsum_dense")),
    ):
        if comes_from(layer, *packages):
            return kind
    return "other"


def describe(name: str, layer: Any, layout: Layout, output: Any, *, after: str | None, again: bool) -> Layer:
    """`output` is what is taken of `layer`, `after` the activation behind which it is; `again` when the
    layer's weights are already counted, in an earlier call of it."""
    return Layer(
        name=name,
        units=layout.units,
        module=type(layer).__name__,
        text=_text(layer) + (f"\nrecorded after {after}" if after else ""),
        kind=layout.kind,
        shape=tuple(output.shape)[1:],
        parameters=None if again else sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        dtype=keras.backend.standardize_dtype(output.dtype),
        reduction=layout.reduction,
    )


def _text(layer: Any) -> str:
    """`Dense(units=10, activation='relu', use_bias=True)`: what the layer was made with, its plain
    settings only; initialisers, regularisers and the like are objects with settings of their own."""
    try:
        config: dict[str, Any] = layer.get_config()
    except Exception:  # a layer of the user's whose arguments Keras cannot tell
        return f"{type(layer).__name__}()"
    plain = (
        f"{key}={value!r}"
        for key, value in config.items()
        if key not in ("name", "trainable", "dtype")
        and (isinstance(value, (bool, int, float, str)) or _is_numbers(value))
    )
    return f"{type(layer).__name__}({', '.join(plain)})"


def _is_numbers(value: Any) -> bool:
    return isinstance(value, (tuple, list)) and all(isinstance(one, (int, float)) for one in value)
