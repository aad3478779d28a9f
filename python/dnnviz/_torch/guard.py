"""Forward passes without side effects on the training."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from .._random import preserved_random_states

#: A module's tables, besides its plain attributes.
_TABLES = ("_parameters", "_buffers", "_modules")


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """Puts the model into evaluation mode, without fused attention and compiled code. On exit, the modes,
    attributes and buffers of its modules and the random states are restored."""
    with ExitStack() as stack:
        stack.enter_context(preserved_random_states())
        stack.enter_context(_preserved_modules(model))
        stack.enter_context(_autocast_cache_disabled())
        stack.enter_context(_fused_attention_disabled())
        stack.enter_context(_compilation_disabled())
        yield


@contextmanager
def _preserved_modules(model: nn.Module) -> Iterator[None]:
    """Sets `training` directly: `eval()` may be overridden and do more, such as merging weights."""
    modules = list(model.modules())
    modes = [module.training for module in modules]
    plain = [module for module in modules if not isinstance(module, torch.jit.ScriptModule)]
    attributes = [dict(module.__dict__) for module in plain]
    tables = [{table: dict(module.__dict__[table]) for table in _TABLES} for module in plain]
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
        for module, saved_attributes, saved_tables in zip(plain, attributes, tables, strict=True):
            _restore(module.__dict__, saved_attributes)
            for table in _TABLES:
                _restore(module.__dict__[table], saved_tables[table])
        for module, mode in zip(modules, modes, strict=True):
            module.training = mode
        for buffer, before in buffers:
            if buffer.shape != before.shape:
                # As observers of quantisation do on their first batch.
                with torch.no_grad():
                    buffer.resize_(before.shape)
            if not torch.equal(buffer, before):
                buffer.data.copy_(before)


def _restore(table: dict[str, Any], saved: dict[str, Any]) -> None:
    """Makes `table` hold the very objects of `saved`; it is never empty in between, if interrupted."""
    table.update(saved)
    for key in table.keys() - saved.keys():
        del table[key]


@contextmanager
def _autocast_cache_disabled() -> Iterator[None]:
    """Autocast keeps cast weights until its outermost context ends. A capture inside must neither use those
    of before the last step, nor leave ones without gradients to the training (which PyTorch before 2.11
    does, https://github.com/pytorch/pytorch/issues/112583)."""
    enabled = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(enabled)


@contextmanager
def _fused_attention_disabled() -> Iterator[None]:
    """The fused path of transformer layers calls none of the modules inside."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


@contextmanager
def _compilation_disabled() -> Iterator[None]:
    """Runs compiled parts eagerly. If the compiler was never imported, nothing is compiled; importing it
    takes seconds."""
    if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        yield
