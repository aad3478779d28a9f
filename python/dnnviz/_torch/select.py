"""Selection of the recorded modules of a PyTorch model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

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


#: Subclasses of these are layers as well.
_BASIC = (nn.Linear, nn.Embedding, nn.RNNBase, nn.modules.conv._ConvNd)

#: Attributes of quantised layers of PyTorch that hold their weights.
_PACKED = ("_packed_params", "_all_weight_values", "_packed_weight_ih")

#: What can be recorded in place of programs, whose parts cannot be watched.
ADVICE = (
    "record the nn.Module before it is scripted, traced or exported (of an exported program "
    "torch.export.unflatten makes one), or leave the model out and give its arrays to rec.layer"
)


@dataclass
class SelectedLayers:
    """The modules to record."""

    #: The first name of each.
    names: dict[nn.Module, str]
    #: The user chose none of them.
    is_default: bool
    #: Those that the option `layers` names one by one.
    by_hand: set[nn.Module]
    #: Every module of the model by its names.
    modules: dict[str, nn.Module]
    #: Why selected ones cannot be watched.
    unwatched: dict[nn.Module, str]


def is_normalisation(module: nn.Module) -> bool:
    """Returns whether `module` only rescales its input."""
    return _NORMALISATION.search(type(module).__name__) is not None and not _has_inner_parameters(module)


def is_activation(module: nn.Module) -> bool:
    """Returns whether `module` is an elementwise activation function; `PReLU` with its parameter is one, a
    convolution that includes one, `ConvReLU2d`, is not."""
    return (
        _ACTIVATION.search(type(module).__name__) is not None
        and not _has_inner_parameters(module)
        and not _is_packed(module)
        and all(parameter.ndim < 2 for parameter in module.parameters(recurse=False))
    )


def has_weights(module: nn.Module) -> bool:
    """Returns whether a module has weights of its own: parameters, or those of a quantised layer."""
    return (
        any(True for _ in module.parameters(recurse=False))
        or _is_parametrised(module)
        or _is_packed(module)
        or _has_weight_buffers(module)
    )


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
) -> SelectedLayers:
    """Returns the modules to record.

    Raises:
        RecorderError: a selector matches nothing, or no module is left.
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise RecorderError(f"the layers of a TorchScript program cannot be watched; {ADVICE}")
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
    unwatched = {
        module: "is TorchScript, which cannot be watched"
        for module in recorded
        if isinstance(module, torch.jit.ScriptModule)
    }
    if "" in recorded.values():
        recorded[modules[""]] = type(modules[""]).__name__
    by_hand = {modules[name] for name in candidates.spelled_out(layers)}
    return SelectedLayers(recorded, layers is None, by_hand, modules, unwatched)


def _is_default(module: nn.Module) -> bool:
    """Returns whether a module has weights of its own and no parts with weights."""
    if _is_whole(module):
        return True
    return (
        has_weights(module)
        and not _has_inner_parameters(module)
        and not is_normalisation(module)
        and not is_activation(module)
    )


def _is_composite(module: nn.Module) -> bool:
    """Returns whether a module has parameters and is no normalisation or activation."""
    has_parameters = any(map(has_weights, module.modules()))
    return has_parameters and not is_normalisation(module) and not is_activation(module)


def _is_parametrised(module: nn.Module) -> bool:
    return torch.nn.utils.parametrize.is_parametrized(module)


def _has_inner_parameters(module: nn.Module) -> bool:
    return any(
        any(map(has_weights, child.modules()))
        for name, child in module.named_children()
        if not (name == "parametrizations" and _is_parametrised(module)) and name not in _PACKED
    )


def _is_whole(module: nn.Module) -> bool:
    """Returns whether a module is one layer, whatever it contains: an attention, a convolution with its
    normalisation as in training for quantisation."""
    is_quantised = _is_from(module, "torch.ao.nn") and type(module).__name__ in ("LSTM", "GRU")
    return isinstance(module, (nn.MultiheadAttention, *_BASIC)) or is_quantised


def _is_packed(module: nn.Module) -> bool:
    """Returns whether a module is a quantised layer of PyTorch, which packs its weights into an object."""
    return (
        any(hasattr(module, name) for name in _PACKED)
        and _is_from(module, "torch.ao.nn")
        and not type(module).__name__.endswith(("PackedParams", "PackedParameter"))
    )


def _has_weight_buffers(module: nn.Module) -> bool:
    """Returns whether buffers are the weights, as in quantised layers of other libraries."""
    names = (name for name, _ in module.named_buffers(recurse=False))
    return any("weight" in name for name in names) and not _is_from(module, "torch.nn.modules.loss")


def _is_from(module: nn.Module, package: str) -> bool:
    return any(f"{base.__module__}.".startswith(f"{package}.") for base in type(module).__mro__)


def _internal_names(modules: dict[str, nn.Module]) -> set[str]:
    """Returns the names of modules inside a layer that are never called."""
    prefixes = [f"{name}." if name else "" for name, module in modules.items() if _is_whole(module)]
    prefixes += [
        f"{name}.{part}".lstrip(".")
        for name, module in modules.items()
        if _is_packed(module)
        for part in _PACKED
    ]
    prefixes += [
        f"{name}.parametrizations".lstrip(".") for name, module in modules.items() if _is_parametrised(module)
    ]
    return {name for name in modules if name and any(name.startswith(prefix) for prefix in prefixes)}
