"""Selection of the recorded modules of a PyTorch model."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch
from torch import nn

from .._errors import RecorderError
from .._selection import Candidates
from .._types import Selector

#: Components that wrappers add to a module's dotted name.
_WRAPPERS = re.compile(r"(?:^|\.)(?:_orig_mod|_checkpoint_wrapped_module)(?=\.|$)")

_NORMALISATION = re.compile(r"Norm(alization|alisation)?(\d?[dD])?$")
_ACTIVATION = re.compile(
    r"ReLU|GELU|SiLU|Swish|Mish|ELU\d?$|Tanh|Sigmoid|Softplus|Softsign|Hardtanh|shrink$|^Threshold"
    r"|Activation$|NormAct(\d?[dD])?$",
    re.IGNORECASE,
)


def is_normalisation(module: nn.Module) -> bool:
    """Returns whether `module` only rescales its input."""
    return _NORMALISATION.search(type(module).__name__) is not None and not _has_inner_parameters(module)


def is_activation(module: nn.Module) -> bool:
    """Returns whether `module` is an elementwise activation function; `PReLU` with its parameter is one."""
    return _ACTIVATION.search(type(module).__name__) is not None and not _has_inner_parameters(module)


def unwrap(model: nn.Module) -> nn.Module:
    """Returns the network inside `DataParallel`, `DistributedDataParallel` and `torch.compile`."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


def select_layers(
    model: nn.Module,
    layers: Selector | Iterable[Selector] | None,
    exclude: Selector | Iterable[Selector] | None,
) -> dict[nn.Module, str]:
    """Returns the modules to record and their names; the first one of a module with several names.

    Raises:
        RecorderError: a selector matches nothing, no module is left, or one cannot be recorded.
    """
    # Under all of their names, without the components of wrappers.
    modules: dict[str, nn.Module] = {
        _WRAPPERS.sub("", name): module for name, module in model.named_modules(remove_duplicate=False)
    }
    names: dict[nn.Module, str] = {}
    for name, module in modules.items():
        names.setdefault(module, name)
    hidden = _internal_names(modules)
    default = {name for module, name in names.items() if name not in hidden and _is_default(module)}
    candidates = Candidates(modules, default, _is_composite, separator=".", noun="module", hidden=hidden)
    if not default and layers is None:
        raise RecorderError(f"{type(model).__name__} has no layer with parameters; name the layers: layers=…")
    selected = {modules[name] for name in candidates.select(layers, exclude)}
    recorded = {module: name for module, name in names.items() if module in selected}
    if not recorded:
        raise RecorderError("no layer is left to record: look at layers=… and exclude=…")
    scripted = [name for module, name in recorded.items() if isinstance(module, torch.jit.ScriptModule)]
    if scripted:
        raise RecorderError(
            f"{', '.join(scripted)}: TorchScript cannot be watched; leave it out: "
            f"exclude={scripted if scripted[1:] else scripted[0]!r}"
        )
    if "" in recorded.values():
        recorded[modules[""]] = type(modules[""]).__name__
    return recorded


def _is_default(module: nn.Module) -> bool:
    """Returns whether a module has parameters of its own and no parts with parameters."""
    if isinstance(module, nn.MultiheadAttention):
        return True
    has_own = any(True for _ in module.parameters(recurse=False)) or _is_parametrised(module)
    return (
        has_own
        and not _has_inner_parameters(module)
        and not is_normalisation(module)
        and not is_activation(module)
    )


def _is_composite(module: nn.Module) -> bool:
    """Returns whether a module has parameters and is no normalisation or activation."""
    has_parameters = any(True for _ in module.parameters())
    return has_parameters and not is_normalisation(module) and not is_activation(module)


def _is_parametrised(module: nn.Module) -> bool:
    return torch.nn.utils.parametrize.is_parametrized(module)


def _has_inner_parameters(module: nn.Module) -> bool:
    return any(
        any(True for _ in child.parameters())
        for name, child in module.named_children()
        if not (name == "parametrizations" and _is_parametrised(module))
    )


def _internal_names(modules: dict[str, nn.Module]) -> set[str]:
    """Returns the names of modules inside a layer that are never called."""
    prefixes = [
        f"{name}." if name else ""
        for name, module in modules.items()
        if isinstance(module, nn.MultiheadAttention)
    ]
    prefixes += [
        f"{name}.parametrizations".lstrip(".") for name, module in modules.items() if _is_parametrised(module)
    ]
    return {name for name in modules if name and any(name.startswith(prefix) for prefix in prefixes)}
