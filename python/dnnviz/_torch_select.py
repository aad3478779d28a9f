"""Which modules of a PyTorch model are recorded."""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable

import torch
from torch import nn

from ._errors import RecorderError

#: What `layers=` and `exclude=` take.
Selector = str | int | type[nn.Module] | Callable[[str, nn.Module], bool]

#: Names that wrappers put into a module's dotted name.
WRAPPERS = re.compile(r"(?:^|\.)(?:_orig_mod|_checkpoint_wrapped_module)(?=\.|$)")

NORMALISATION = re.compile(r"Norm(alization|alisation)?(\d?[dD])?$")
ACTIVATION = re.compile(
    r"ReLU|GELU|SiLU|Swish|Mish|ELU\d?$|Tanh|Sigmoid|Softplus|Softsign|Hardtanh|shrink$|^Threshold"
    r"|Activation$|NormAct(\d?[dD])?$",
    re.IGNORECASE,
)


def is_normalisation(module: nn.Module) -> bool:
    """Whether `module` only rescales what it gets."""
    return NORMALISATION.search(type(module).__name__) is not None and not _has_inner_parameters(module)


def is_activation(module: nn.Module) -> bool:
    """Whether `module` is an activation function, elementwise; `PReLU` with its parameter too."""
    return ACTIVATION.search(type(module).__name__) is not None and not _has_inner_parameters(module)


def unwrap(model: nn.Module) -> nn.Module:
    """The network inside `DataParallel`, `DistributedDataParallel` and `torch.compile`."""
    while True:
        if isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        elif isinstance(inner := getattr(model, "_orig_mod", None), nn.Module):
            model = inner
        else:
            return model


def modules_of(model: nn.Module) -> dict[str, nn.Module]:
    """All modules by their dotted names, without those of wrappers. The model itself is called `""`.

    A module that goes by several names is there under each of them.
    """
    return {WRAPPERS.sub("", name): module for name, module in model.named_modules(remove_duplicate=False)}


def choose(
    model: nn.Module,
    layers: Selector | Iterable[Selector] | None,
    exclude: Selector | Iterable[Selector] | None,
) -> dict[nn.Module, str]:
    """The modules to record and their names; the first one, when a module goes by several."""
    modules = modules_of(model)
    first: dict[nn.Module, str] = {}
    for name, module in modules.items():
        first.setdefault(module, name)
    hidden = _inner(modules)
    usual = {name for module, name in first.items() if name not in hidden and _is_usual(module)}
    chosen = usual if layers is None else set()
    for selector in _each(layers, "layers"):
        chosen = chosen | _matching(selector, modules, usual, hidden, "layers")
    if not usual and layers is None:
        raise RecorderError(f"{type(model).__name__} has no layer with parameters; name the layers: layers=…")
    for selector in _each(exclude, "exclude"):
        found = _matching(selector, modules, set(modules), set(), "exclude")
        chosen = {name for name in chosen if not any(_is_within(name, outer) for outer in found)}
    kept = {module: name for module, name in first.items() if any(modules[one] is module for one in chosen)}
    if not kept:
        raise RecorderError("no layer is left to record: look at layers=… and exclude=…")
    scripted = [name for module, name in kept.items() if isinstance(module, torch.jit.ScriptModule)]
    if scripted:
        raise RecorderError(
            f"{', '.join(scripted)}: TorchScript cannot be watched; leave it out: "
            f"exclude={scripted if scripted[1:] else scripted[0]!r}"
        )
    if "" in kept.values():
        kept[modules[""]] = type(modules[""]).__name__
    return kept


def _each(selectors: Selector | Iterable[Selector] | None, option: str) -> list[Selector]:
    if selectors is None:
        return []
    if isinstance(selectors, (str, int, type)) or callable(selectors):
        return [selectors]
    if isinstance(selectors, Iterable):
        return list(selectors)
    raise RecorderError(
        f"{option}={selectors!r}: a name, a pattern, a type, a depth, a function or a list of them"
    )


def _matching(
    selector: Selector, modules: dict[str, nn.Module], usual: set[str], hidden: set[str], option: str
) -> set[str]:
    """Names of the modules that `selector` means; `usual` are those that a pattern prefers."""
    shown = {name: module for name, module in modules.items() if name not in hidden and name}
    if isinstance(selector, bool):
        raise RecorderError(f"{option}={selector!r}: not a choice of layers")
    if isinstance(selector, str):
        if selector in modules:
            return {selector}
        found = set(fnmatch.filter(shown, selector))
        if found:
            return found & usual or found
        near = difflib.get_close_matches(selector, shown, 3) or list(shown)[:3]
        raise RecorderError(f"{option}={selector!r} matches no module; there are {', '.join(near)}, …")
    if isinstance(selector, int):
        if selector < 1:
            raise RecorderError(f"{option}={selector}: depths count from 1, the model's own parts")
        found = {name for name, module in shown.items() if _depth(name) == selector and _is_part(module)}
        found |= {name for name in usual if _depth(name) < selector}
    elif isinstance(selector, type):
        found = {name for name, module in shown.items() if isinstance(module, selector)}
    elif callable(selector):
        found = {name for name, module in shown.items() if selector(name, module)}
    else:
        raise RecorderError(f"{option}: {selector!r} is no name, pattern, type, depth or function")
    if not found and option == "layers":
        what = selector.__name__ if isinstance(selector, type) else repr(selector)
        raise RecorderError(f"layers={what} matches no module of the model")
    return found


def _is_usual(module: nn.Module) -> bool:
    """Recorded unless told otherwise: parts with parameters of their own that are not made of such parts."""
    if isinstance(module, nn.MultiheadAttention):
        return True
    own = any(True for _ in module.parameters(recurse=False)) or _is_parametrised(module)
    return (
        own
        and not _has_inner_parameters(module)
        and not is_normalisation(module)
        and not is_activation(module)
    )


def _is_part(module: nn.Module) -> bool:
    """Worth recording as a whole: has parameters and is no mere normalisation or activation."""
    return (
        any(True for _ in module.parameters()) and not is_normalisation(module) and not is_activation(module)
    )


def _is_parametrised(module: nn.Module) -> bool:
    return torch.nn.utils.parametrize.is_parametrized(module)


def _has_inner_parameters(module: nn.Module) -> bool:
    return any(
        any(True for _ in child.parameters())
        for name, child in module.named_children()
        if not (name == "parametrizations" and _is_parametrised(module))
    )


def _inner(modules: dict[str, nn.Module]) -> set[str]:
    """Modules that are parts of one layer: never called as such."""
    outer = [
        f"{name}." if name else ""
        for name, module in modules.items()
        if isinstance(module, nn.MultiheadAttention)
    ]
    outer += [
        f"{name}.parametrizations".lstrip(".") for name, module in modules.items() if _is_parametrised(module)
    ]
    return {name for name in modules if name and any(name.startswith(prefix) for prefix in outer)}


def _is_within(name: str, outer: str) -> bool:
    return name == outer or outer == "" or name.startswith(f"{outer}.")


def _depth(name: str) -> int:
    return name.count(".") + 1
