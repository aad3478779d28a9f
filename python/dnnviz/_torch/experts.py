"""Layers that only a part of the inputs, or of their positions, reaches: the experts of a sparse mixture.

Which ones the few inputs of the probe reach is chance. An idle expert is recorded like its sibling: the
module of the same class and parameters whose name differs in one number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from torch import nn

from .._capture import Layer
from .._graph import RecordedGraph
from .reduce import Reduction

_NUMBER = re.compile(r"\d+")

#: What siblings have in common: the name but for one number, the class, the shapes of the parameters.
_Family: TypeAlias = tuple[str, str, type, tuple[object, ...]]


@dataclass
class CapturedLayer:
    """One layer of the recording."""

    layer: Layer
    reduction: Reduction
    #: Name of the activation function after which it is recorded, and whether it is a function, not a module.
    activation: str | None
    is_function: bool
    #: A module, and the number of its call in a forward pass, from 0.
    call: tuple[nn.Module, int]


@dataclass
class Experts:
    """The modules whose outputs have rows for a part of the inputs."""

    #: Those that inputs of the probe reached.
    reached: set[nn.Module]
    #: Those that none reached, each with a sibling that one did.
    idle: dict[nn.Module, nn.Module]


def find_experts(
    names: Mapping[nn.Module, str], called: set[nn.Module], partial: set[nn.Module], chosen: set[nn.Module]
) -> Experts:
    """Returns the experts among the modules `names`.

    Args:
        names: the selected modules.
        called: those that the smaller batch reached.
        partial: called ones whose outputs have rows for a part of the inputs.
        chosen: called ones whose rows data chose, perhaps all.
    """
    families: dict[_Family, list[nn.Module]] = {}
    for module, name in names.items():
        for family in _families(module, name):
            families.setdefault(family, []).append(module)
    experts = Experts(set(partial), {})
    for module, name in names.items():
        if module in called:
            continue
        # The last number first: layers.1.experts.3 is an expert like layers.1.experts.2.
        for family in _families(module, name):
            sibling = next((one for one in families[family] if one in partial or one in chosen), None)
            if sibling is not None:
                experts.idle[module] = sibling
                break
    for module in chosen - partial:
        members = (one for family in _families(module, names[module]) for one in families[family])
        if any(one in partial or one in experts.idle for one in members):
            experts.reached.add(module)
    return experts


def add_idle_experts(
    layers: list[CapturedLayer],
    graph: RecordedGraph | None,
    idle: Mapping[nn.Module, nn.Module],
    names: Mapping[nn.Module, str],
) -> tuple[list[CapturedLayer], RecordedGraph | None]:
    """Returns layers and graph with those of idle experts: after the experts of lower numbers, and connected
    like their siblings."""
    ordered = list(layers)
    for module, sibling in sorted(idle.items(), key=lambda pair: _number(names[pair[0]], names[pair[1]])):
        name = names[module]
        for template in [one for one in layers if one.call[0] is sibling]:
            ordered.insert(_place(ordered, name, names[sibling]), _copy(template, module, name))
    if graph is None:
        return ordered, None
    index = {id(captured): at for at, captured in enumerate(ordered)}
    by_name = {captured.layer.name: at for at, captured in enumerate(ordered)}
    # Joints are numbered after the layers.
    nodes = [index[id(captured)] for captured in layers]
    nodes += range(len(ordered), len(ordered) + len(graph.joints))
    ends = [(nodes[a], nodes[b]) for a, b in graph.edges]

    def is_of(end: int, module: nn.Module) -> bool:
        return end < len(ordered) and ordered[end].call[0] is module

    for module, sibling in idle.items():
        for edge in list(ends):
            if not any(is_of(end, sibling) for end in edge):
                continue
            a, b = (
                by_name.get(_counterpart(ordered[end].layer.name, names[module], names[sibling]), end)
                if end < len(ordered)
                else end
                for end in edge
            )
            ends.append((a, b))
    edges = sorted(set(ends), key=lambda edge: (edge[1], edge[0]))
    return ordered, RecordedGraph(edges, graph.joints)


def _families(module: nn.Module, name: str) -> Iterator[_Family]:
    shapes = tuple(tuple(parameter.shape) for parameter in module.parameters())
    for number in reversed(list(_NUMBER.finditer(name))):
        yield name[: number.start()], name[number.end() :], type(module), shapes


def _difference(name: str, sibling: str) -> tuple[str, int, int]:
    """Returns where the names of siblings differ: the text before, and the numbers of both."""
    for one, other in zip(_NUMBER.finditer(name), _NUMBER.finditer(sibling), strict=True):
        if one[0] != other[0]:
            return name[: one.start()], int(one[0]), int(other[0])
    raise ValueError(f"{name} and {sibling} do not differ in a number")


def _number(name: str, sibling: str) -> int:
    return _difference(name, sibling)[1]


def _place(layers: Sequence[CapturedLayer], name: str, sibling: str) -> int:
    """Returns the index for an expert: after the last layer of its own or a lower number, else before the
    first one of a higher number."""
    prefix, number, _ = _difference(name, sibling)
    found = [
        (at, int(match[1]))
        for at, captured in enumerate(layers)
        if (match := re.match(rf"{re.escape(prefix)}(\d+)", captured.layer.name))
    ]
    before = [at for at, other in found if other <= number]
    return before[-1] + 1 if before else found[0][0]


def _copy(template: CapturedLayer, module: nn.Module, name: str) -> CapturedLayer:
    number = template.call[1]
    name += f":{number + 1}" if number else ""
    text = template.layer.text.replace(str(template.call[0]), str(module), 1)
    return replace(
        template,
        layer=replace(template.layer, name=name, text=text),
        reduction=replace(template.reduction, name=name),
        call=(module, number),
    )


def _counterpart(layer: str, name: str, sibling: str) -> str:
    """Returns the name of a layer with the number of `name` in place of that of `sibling`."""
    prefix, number, other = _difference(name, sibling)
    if re.match(rf"{re.escape(prefix)}{other}(?!\d)", layer):
        return f"{prefix}{number}{layer[len(prefix) + len(str(other)) :]}"
    return layer
