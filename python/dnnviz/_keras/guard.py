"""Forward passes of a Keras model without side effects on the training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import keras

from .._random import preserved_random_states


@contextmanager
def preserved_state(model: Any) -> Iterator[None]:
    """Restores on exit the state that a forward pass can change: variables that are not trained (moving
    means, states of recurrent layers, seeds), other attributes of the layers, and the random states outside
    of the model."""
    with ExitStack() as stack:
        if keras.backend.backend() == "torch":
            _preserve_torch(stack, model)
        _preserve_random_states(stack)
        for variable in _untrained_variables(model):
            stack.callback(variable.assign, keras.ops.copy(variable.value))
        for layer in model._flatten_layers():
            stack.callback(_restore, layer, dict(vars(layer)), list(layer._losses), set(layer._loss_ids))
        yield


def _untrained_variables(model: Any) -> list[Any]:
    """Returns the variables that no optimiser changes. The model's variables do not include the states of
    recurrent layers."""
    variables = {id(variable): variable for variable in model.non_trainable_variables}
    for layer in model._flatten_layers():
        own = _variables(list(vars(layer).values()))
        variables.update((id(variable), variable) for variable in own if not variable.trainable)
    return list(variables.values())


def _variables(value: Any) -> Iterator[Any]:
    if isinstance(value, keras.Variable):
        yield value
    elif isinstance(value, Mapping):
        yield from _variables(list(value.values()))
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _variables(part)


def _restore(layer: Any, saved: dict[str, Any], losses: list[Any], loss_ids: set[int]) -> None:
    attributes = vars(layer)
    attributes.update(saved)
    for name in attributes.keys() - saved.keys():
        del attributes[name]
    layer._losses[:] = losses
    layer._loss_ids.clear()
    layer._loss_ids.update(loss_ids)


def _preserve_torch(stack: ExitStack, model: Any) -> None:
    import torch

    stack.enter_context(torch.no_grad())
    # A torch module inside a Keras model takes its mode from `training=`.
    for module in model.modules():
        stack.callback(setattr, module, "training", module.training)


def _preserve_random_states(stack: ExitStack) -> None:
    """Preserves the generators of models without seeds of their own."""
    from keras.src.backend.common import global_state
    from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR

    stack.enter_context(preserved_random_states())
    seeds = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    if seeds is None:
        stack.callback(global_state.set_global_attribute, GLOBAL_SEED_GENERATOR, None)
    else:
        stack.callback(seeds.state.assign, keras.ops.copy(seeds.state.value))
