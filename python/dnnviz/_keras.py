"""Capture from Keras 3 models: functional, sequential and subclassed, on any backend.

While a capture is open, `call` of the recorded layers is replaced by a function that also keeps what the
layer put out; the model itself runs eagerly with `training=False`. Nothing is added to the model's graph
and nothing is compiled, so that what Keras has compiled for the training stays as it is.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from ._aggregate import NumpyAggregates
from ._capture import Aggregates, Batch, Layer
from ._errors import RecorderError
from ._keras_graph import edges
from ._keras_layers import (
    Layout,
    Named,
    children,
    chosen,
    describe,
    is_activation,
    is_normalisation,
    layout,
    named_layers,
)
from ._random import random_states_kept
from ._values import as_numpy

#: Inputs of the sample that the layers' shapes are read from.
_PROBED = 2


@dataclass(frozen=True)
class _Call:
    """One call of a layer during a run of the model: which layer, and which time it is called."""

    layer: Any
    number: int

    @property
    def key(self) -> tuple[int, int]:
        return id(self.layer), self.number


@dataclass
class _Seen:
    """What came of a call when the model was tried out."""

    call: _Call
    #: Tensors that went in. Held, so that no other tensor gets the `id` of one of them.
    taken: list[Any]
    output: Any


def capture(
    model: Any,
    sample: Any,
    *,
    layers: Any = None,
    exclude: Any = None,
    positions: str = "mean",
    after_activation: bool = True,
    name: str | None = None,
) -> KerasCapture:
    return KerasCapture(
        model,
        sample,
        layers=layers,
        exclude=exclude,
        positions=positions,
        after_activation=after_activation,
        name=name,
    )


class KerasCapture:
    """Implements `Capture` for a Keras model. The options are those of `Recorder`."""

    rank = 0
    world = 1

    def __init__(
        self,
        model: Any,
        sample: Any,
        *,
        layers: Any = None,
        exclude: Any = None,
        positions: str = "mean",
        after_activation: bool = True,
        name: str | None = None,
    ) -> None:
        if positions not in ("mean", "keep"):
            raise RecorderError(f"positions={positions!r}: 'mean' or 'keep'")
        self.model = name or model.name
        self._network = model
        few = _some(sample, _batch_size(model) or _PROBED)
        if not all(layer.built for layer in model._flatten_layers()):
            # Weights are drawn when a model is built, and the training has to draw the same ones.
            model(few, training=False)
        named = named_layers(model)
        picked = chosen(named, layers, exclude)
        seen = self._try_out(few, named, picked)
        sites: dict[tuple[int, int], int] = {}
        self.layers: list[Layer] = []
        #: Per layer: the call whose output is taken, and how.
        self._taken: list[tuple[_Call, Layout]] = []
        names = {id(layer): name for name, layer in picked}
        by_input = _readers(seen)
        for one in seen:
            layer, number = one.call.layer, one.call.number
            if id(layer) not in names:
                continue
            end = _followed(one, by_input) if after_activation else one
            how = layout(layer, tuple(end.output.shape), positions)
            label = names[id(layer)] + (f":{number + 1}" if number else "")
            after = None if end is one else type(end.call.layer).__name__
            sites[one.call.key] = len(self.layers)
            self.layers.append(describe(label, layer, how, end.output, after=after, again=number > 0))
            self._taken.append((end.call, how))
        self.edges = edges(model, sites)
        self._outputs: dict[tuple[int, int], Any] = {}

    def _try_out(self, few: Any, named: Sequence[Named], picked: Sequence[Named]) -> list[_Seen]:
        """Runs a few inputs and tells every call of a layer that is picked or has no layers in it."""
        seen: list[_Seen] = []

        def look(call: _Call, taken: list[Any], output: Any) -> None:
            first = _first_tensor(output)
            if first is not None and len(first.shape) > 0:
                seen.append(_Seen(call, taken, first))

        watched = {id(layer): layer for _, layer in picked}
        watched.update((id(layer), layer) for _, layer in named if not children(layer))
        with self._untouched(), _watching(list(watched.values()), look):
            self._network(few, training=False)
        called = {id(one.call.layer) for one in seen}
        silent = [name for name, layer in picked if id(layer) not in called]
        if silent:
            raise RecorderError(
                f"{', '.join(silent)}: put out nothing when the model ran (not in use, inside a compiled "
                "function, or no array); leave out what puts out nothing: "
                f"exclude={silent if silent[1:] else silent[0]!r}"
            )
        return seen

    @contextmanager
    def open(self) -> Iterator[None]:
        wanted = {call.key for call, _ in self._taken}

        def keep(call: _Call, taken: list[Any], output: Any) -> None:
            if call.key in wanted:
                self._outputs[call.key] = _first_tensor(output)

        layers = {id(call.layer): call.layer for call, _ in self._taken}
        try:
            with self._untouched(), _watching(list(layers.values()), keep) as self._restart:
                yield
        finally:
            self._outputs.clear()

    def batch(self, inputs: Any, want_maps: Sequence[int] = ()) -> Batch:
        self._outputs.clear()
        self._restart()
        output = self._network(inputs, training=False)
        batch = Batch([])
        for index, (call, how) in enumerate(self._taken):
            value = self._outputs.pop(call.key, None)
            if value is None:
                raise RecorderError(
                    f"{self.model}: layer {self.layers[index].name} put out nothing this time"
                )
            batch.values.append(_units(value, how))
            if how.maps is not None and len(want_maps):
                rows = keras.ops.take(value, np.asarray(want_maps), axis=0)
                batch.maps.append((index, _host(keras.ops.transpose(rows, how.maps))))
        scores = output if keras.ops.is_tensor(output) else None
        if scores is not None and len(scores.shape) == 2 and scores.shape[1] > 1:
            batch.outputs = int(scores.shape[1])
            batch.predictions = _host(keras.ops.argmax(scores, axis=1))
        return batch

    def aggregates(self, groups: int) -> Aggregates:
        return NumpyAggregates(groups)

    def barrier(self, ok: bool) -> bool:
        return ok

    def gather(self, value: Any) -> list[Any]:
        return [value]

    @contextmanager
    def _untouched(self) -> Iterator[None]:
        """Puts back, on leaving, what running a model can change: variables that are not trained (moving
        means, states of recurrent layers, seeds), what else the layers keep, and the random states outside
        of the model."""
        model = self._network
        with ExitStack() as stack:
            if keras.backend.backend() == "torch":
                _guard_torch(stack, model)
            _guard_random(stack)
            for variable in _untrained(model):
                stack.callback(variable.assign, keras.ops.copy(variable.value))
            for layer in model._flatten_layers():
                stack.callback(_put_back, layer, dict(vars(layer)), list(layer._losses), set(layer._loss_ids))
            yield


def _batch_size(model: Any) -> int | None:
    """The only number of inputs that a model takes, if there is one: those with states of their own."""
    inputs = getattr(model, "inputs", None)
    return inputs[0].shape[0] if inputs else None


def _some(sample: Any, count: int) -> Any:
    """So many inputs of the sample, over and over when it has fewer."""

    def rows(array: Any) -> Any:
        array = as_numpy(array)
        return array[np.arange(count) % len(array)]

    return keras.tree.map_structure(lambda array: None if array is None else rows(array), sample)


def _readers(seen: Sequence[_Seen]) -> dict[int, list[_Seen]]:
    """Which calls took a tensor, by its `id`."""
    found: dict[int, list[_Seen]] = {}
    for one in seen:
        for identity in {id(tensor) for tensor in one.taken}:
            found.setdefault(identity, []).append(one)
    return found


def _followed(one: _Seen, readers: dict[int, list[_Seen]]) -> _Seen:
    """The call of the activation that follows directly, or behind a normalisation; else the call itself."""
    at = one
    while True:
        # What hands on what it got, such as dropout outside of the training, does not come between.
        following = [one for one in readers.get(id(at.output), []) if one.output is not at.output]
        if len(following) != 1:
            return one
        at = following[0]
        if is_activation(at.call.layer):
            return at
        if not is_normalisation(at.call.layer):
            return one


@contextmanager
def _watching(
    layers: Sequence[Any], look: Callable[[_Call, list[Any], Any], None]
) -> Iterator[Callable[[], None]]:
    """Has `look` called after each call of these layers with real values. Yields a function that begins to
    count the calls anew."""
    counts: Counter[int] = Counter()

    def watched(layer: Any, original: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(original)
        def call(*args: Any, **kwargs: Any) -> Any:
            output = original(*args, **kwargs)
            first = _first_tensor(output)
            if first is not None and _is_real(first):
                number = counts[id(layer)]
                counts[id(layer)] += 1
                taken = [one for one in keras.tree.flatten(args) if keras.ops.is_tensor(one)]
                look(_Call(layer, number), taken, output)
            return output

        return call

    with ExitStack() as stack:
        for layer in layers:
            method = "call" if layer.quantization_mode is None else "quantized_call"
            # In the instance itself: `Layer.__setattr__` would note it as part of the model.
            attributes = vars(layer)
            if method in attributes:
                stack.callback(attributes.__setitem__, method, attributes[method])
            else:
                stack.callback(attributes.pop, method, None)
            attributes[method] = watched(layer, getattr(layer, method))
        yield counts.clear


def _first_tensor(output: Any) -> Any | None:
    return next((one for one in keras.tree.flatten(output) if keras.ops.is_tensor(one)), None)


def _is_real(tensor: Any) -> bool:
    """Whether a tensor has values; those inside `jax.jit` or `tf.function` have none yet."""
    if keras.backend.backend() == "jax":
        import jax

        return not isinstance(tensor, jax.core.Tracer)
    if keras.backend.backend() == "tensorflow":
        return hasattr(tensor, "numpy")
    return True


def _units(value: Any, how: Layout) -> Any:
    if keras.backend.standardize_dtype(value.dtype) not in ("float16", "float32"):
        value = keras.ops.cast(value, "float32")
    if how.mean:
        # In float32: sums of half floats overflow.
        value = keras.ops.mean(keras.ops.cast(value, "float32"), axis=how.mean)
    host = _host(value)
    return host.reshape(len(host), -1)


def _host(value: Any) -> np.ndarray[Any, Any]:
    return np.asarray(keras.ops.convert_to_numpy(value))


def _untrained(model: Any) -> list[Any]:
    """Variables that no optimiser changes. States of recurrent layers are none of the model's variables."""
    found = {id(one): one for one in model.non_trainable_variables}
    for layer in model._flatten_layers():
        found.update((id(one), one) for one in _variables(list(vars(layer).values())) if not one.trainable)
    return list(found.values())


def _variables(value: Any) -> Iterator[Any]:
    if isinstance(value, keras.Variable):
        yield value
    elif isinstance(value, Mapping):
        yield from _variables(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _variables(one)


def _put_back(layer: Any, kept: dict[str, Any], losses: list[Any], loss_ids: set[int]) -> None:
    attributes = vars(layer)
    attributes.update(kept)
    for name in attributes.keys() - kept.keys():
        del attributes[name]
    layer._losses[:] = losses
    layer._loss_ids.clear()
    layer._loss_ids.update(loss_ids)


def _guard_torch(stack: ExitStack, model: Any) -> None:
    import torch

    stack.enter_context(torch.no_grad())
    # A torch module within a Keras model takes its mode from `training=`.
    for module in model.modules():
        stack.callback(setattr, module, "training", module.training)


def _guard_random(stack: ExitStack) -> None:
    """The states of the generators that a model without seeds of its own draws from."""
    from keras.src.backend.common import global_state
    from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

    stack.enter_context(random_states_kept())
    seeds = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    if seeds is None:
        stack.callback(global_state.set_global_attribute, GLOBAL_SEED_GENERATOR, None)
    else:
        stack.callback(seeds.state.assign, keras.ops.copy(seeds.state.value))
