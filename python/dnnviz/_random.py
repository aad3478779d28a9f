"""Preservation of random states: capturing must not change the course of a training."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np


class _Generator(Protocol):
    def get_state(self) -> Any: ...

    def set_state(self, state: Any, /) -> Any: ...


@contextmanager
def preserved_random_states(loader: object = None) -> Iterator[None]:
    """Restores on exit the random states of Python, NumPy and, where it is imported, PyTorch, and those of
    the generators that `loader` (a `DataLoader`) shuffles with.

    The start of an iteration over a `DataLoader` draws from PyTorch's random state or the loader's own.
    """
    python, numpy = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    states = [] if torch is None else _torch_states(torch)
    states += [(generator.set_state, generator.get_state()) for generator in _generators(loader)]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        for restore, state in states:
            restore(state)


def _torch_states(torch: Any) -> list[tuple[Callable[[Any], Any], Any]]:
    """Returns the random state of each kind of device, after the function that restores it."""
    states = [(torch.set_rng_state, torch.get_rng_state())]
    for name in ("cuda", "xpu"):
        device = getattr(torch, name, None)
        if device is not None and device.is_initialized():
            states.append((device.set_rng_state_all, device.get_rng_state_all()))
    if torch.backends.mps.is_available():
        states.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    return states


def _generators(loader: object) -> list[_Generator]:
    """Returns the generators of a loader and its samplers, each once."""
    sampler = getattr(loader, "sampler", None)
    inner = getattr(getattr(loader, "batch_sampler", None), "sampler", None)
    found: dict[int, _Generator] = {}
    for owner in (loader, sampler, inner):
        generator = getattr(owner, "generator", None)
        if generator is not None and hasattr(generator, "get_state") and hasattr(generator, "set_state"):
            found[id(generator)] = generator
    return list(found.values())
