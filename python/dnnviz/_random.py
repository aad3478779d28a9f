"""Random states, put back after they were drawn from: capturing must not change a training's course."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np


@contextmanager
def random_states_kept(batches: Any = None) -> Iterator[None]:
    """The states of Python, NumPy and, where it is in use, PyTorch are afterwards what they were; so are
    those of the generators that `batches` (a `DataLoader`) shuffles with.

    To begin iterating over a `DataLoader` is to draw from PyTorch's random state, or the loader's own.
    """
    python, numpy = random.getstate(), np.random.get_state()
    torch = sys.modules.get("torch")
    states = [] if torch is None else _of_torch(torch)
    own = [(generator, generator.get_state()) for generator in _generators(batches)]
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        for restore, state in states:
            restore(state)
        for generator, state in own:
            generator.set_state(state)


def _of_torch(torch: Any) -> list[tuple[Any, Any]]:
    """How to put back the state of each kind of device, and the state."""
    states = [(torch.set_rng_state, torch.get_rng_state())]
    for name in ("cuda", "xpu"):
        device = getattr(torch, name, None)
        if device is not None and device.is_initialized():
            states.append((device.set_rng_state_all, device.get_rng_state_all()))
    if torch.backends.mps.is_available():
        states.append((torch.mps.set_rng_state, torch.mps.get_rng_state()))
    return states


def _generators(batches: Any) -> list[Any]:
    """The generators that a loader and its samplers draw from, each once."""
    sampler = getattr(batches, "sampler", None)
    inner = getattr(getattr(batches, "batch_sampler", None), "sampler", None)
    found = {}
    for holder in (batches, sampler, inner):
        generator = getattr(holder, "generator", None)
        if hasattr(generator, "get_state") and hasattr(generator, "set_state"):
            found[id(generator)] = generator
    return list(found.values())
