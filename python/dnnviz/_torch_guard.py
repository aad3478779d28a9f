"""Runs a PyTorch model so that afterwards everything the training can see is as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from ._random import random_states_kept

#: A module's tables, besides its plain attributes.
TABLES = ("_parameters", "_buffers", "_modules")


@contextmanager
def guarded(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, no fused attention, nothing compiled; all of it, the modules' attributes and
    buffers and the random states are put back, whatever happens inside."""
    with ExitStack() as stack:
        stack.enter_context(random_states_kept())
        stack.enter_context(_state_of(model))
        stack.enter_context(_autocast_cache_off())
        stack.enter_context(_fused_attention_off())
        stack.enter_context(_compilers_off())
        yield


@contextmanager
def _state_of(model: nn.Module) -> Iterator[None]:
    """Sets `training` directly: `eval()` may be overridden and do more, such as merging weights."""
    modules = list(model.modules())
    flags = [module.training for module in modules]
    plain = [module for module in modules if not isinstance(module, torch.jit.ScriptModule)]
    attributes = [dict(module.__dict__) for module in plain]
    tables = [{table: dict(module.__dict__[table]) for table in TABLES} for module in plain]
    # Comparing costs as little as copying, finds changes made through `.data`, and never writes to
    # a buffer that overlaps itself.
    buffers = [
        (buffer, buffer.detach().clone()) for buffer in model.buffers() if buffer.layout is torch.strided
    ]
    try:
        for module in modules:
            module.training = False
        yield
    finally:
        for module, kept, contents in zip(plain, attributes, tables, strict=True):
            _put_back(module.__dict__, kept)
            for table in TABLES:
                _put_back(module.__dict__[table], contents[table])
        for module, flag in zip(modules, flags, strict=True):
            module.training = flag
        for buffer, before in buffers:
            if not torch.equal(buffer, before):
                buffer.data.copy_(before)


def _put_back(table: dict[str, Any], kept: dict[str, Any]) -> None:
    """Makes `table` hold the very objects of `kept`; never empty in between, should it be interrupted."""
    table.update(kept)
    for key in table.keys() - kept.keys():
        del table[key]


@contextmanager
def _autocast_cache_off() -> Iterator[None]:
    """Autocast keeps the weights that it cast until its outermost context ends. A capture inside must not
    see those of before the last step, nor leave ones without gradients to the training (as PyTorch before
    2.11 lets it, https://github.com/pytorch/pytorch/issues/112583)."""
    enabled = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(enabled)


@contextmanager
def _fused_attention_off() -> Iterator[None]:
    """The fused path of transformer layers calls none of the modules inside."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


@contextmanager
def _compilers_off() -> Iterator[None]:
    """Runs compiled parts as they were written. Nothing can be compiled where the compiler was never
    imported; importing it takes seconds."""
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield
