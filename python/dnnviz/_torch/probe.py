"""Analysis of a model by forward passes of a few inputs: the layers in the order of their calls, the edges
between them, their activations and reductions."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from .._capture import Output
from .._errors import RecorderError, warn
from .._graph import RecordedGraph
from .._types import Positions
from .activation import ActivationDetector, activation_modules
from .dataflow import DataflowTrace
from .experts import CapturedLayer, Experts, add_idle_experts, find_experts
from .infer import LARGE, SMALL, LayerProblem, infer_reduction, infer_routed_reduction
from .outputs import main_tensor, read_output
from .places import Rows
from .rows import RowTrace
from .select import ADVICE, SelectedLayers

#: Runs the model on a batch of so many inputs, perhaps under a trace of their rows, and returns its output.
Forward: TypeAlias = Callable[[int, "RowTrace | None"], Any]
_UNCALLED = "is not called in evaluation"
#: A module and the number of its call in a forward pass, from 0.
Call: TypeAlias = tuple[nn.Module, int]


@dataclass
class CapturePlan:
    """The layers to record of a model, in the order of their calls."""

    layers: list[CapturedLayer]
    #: `None` where only the order of the layers is known.
    graph: RecordedGraph | None
    #: The model's output for a few inputs.
    output: Output

    def __post_init__(self) -> None:
        #: Index of each call among `layers`.
        self.calls = {captured.call: index for index, captured in enumerate(self.layers)}
        #: Some activations are functions, so that function calls have to be tracked.
        self.has_functions = any(one.activation and one.is_function for one in self.layers)
        #: Data decides which inputs reach some layers, so that rows have to be traced.
        self.is_routed = any(one.reduction.is_routed for one in self.layers)
        #: Some means over positions leave out padding.
        self.has_masks = any(one.reduction.mask for one in self.layers)


@dataclass
class ProbedCall:
    """The output of one call of a module."""

    output: Tensor
    #: Its rows, with inputs as a whole for their positions; `None` where they are not known.
    rows: Rows | None
    #: How it counts positions, as `RowTrace.positions` returns it.
    positions: tuple[str, int] | None
    #: Data chose the rows.
    is_selected: bool


@dataclass
class ProbePass:
    """One forward pass with hooks on every selected module."""

    names: Mapping[nn.Module, str]
    trace: DataflowTrace | None
    row_trace: RowTrace | None
    #: In the order of their calls.
    calls: dict[Call, ProbedCall] = field(default_factory=dict)
    #: Of each module that runs: the number of joints before its call.
    joints: dict[nn.Module, int] = field(default_factory=dict)
    detector: ActivationDetector = field(default_factory=ActivationDetector)
    counts: Counter[nn.Module] = field(default_factory=Counter)
    #: Why modules cannot be recorded.
    problems: dict[nn.Module, str] = field(default_factory=dict)
    output: Output | None = None

    def run(self, model: nn.Module, forward: Forward, inputs: int) -> None:
        """Runs a forward pass of so many inputs."""
        with ExitStack() as stack:
            for module in activation_modules(model):
                # One that is recorded itself does not belong to the layer before it.
                if module in self.names:
                    stack.callback(module.register_forward_pre_hook(self._before, with_kwargs=True).remove)
                else:
                    for handle in self.detector.attach(module):
                        stack.callback(handle.remove)
            for module in self.names:
                stack.callback(module.register_forward_pre_hook(self._enter).remove)
                stack.callback(module.register_forward_hook(self._after).remove)
            for trace in (self.row_trace, self.trace, self.detector):
                if trace is not None:
                    stack.enter_context(trace)
            output = forward(inputs, self.row_trace)
        is_sigmoid = None if self.row_trace is None else self.row_trace.is_sigmoid
        self.output = read_output(output, inputs, is_sigmoid)

    def _before(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.detector.mark_shared([*args, *kwargs.values()])

    def _enter(self, module: nn.Module, _args: Any) -> None:
        if self.trace is not None:
            self.joints[module] = self.trace.builder.joints

    def _after(self, module: nn.Module, _args: Any, output: Any) -> None:
        layer = len(self.calls)
        tensor = main_tensor(output)
        if tensor is None:
            self.problems[module] = f"gives no tensor but {type(output).__name__}"
            return
        self.calls[module, self.counts[module]] = self._probed(tensor)
        self.counts[module] += 1
        if self.trace is not None:
            self.trace.builder.add_layer(layer, self.trace.sources(output), self.joints[module])
            self.trace.mark(output, layer)
        self.detector.track(layer, tensor)

    def _probed(self, tensor: Tensor) -> ProbedCall:
        trace = self.row_trace
        if trace is None:
            return ProbedCall(tensor.detach(), None, None, False)
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            return ProbedCall(
                tensor.detach(),
                trace.rows(tensor, whole=True),
                trace.positions(tensor),
                trace.is_selected(tensor),
            )


def probe(
    model: nn.Module,
    selected: SelectedLayers,
    forward: Forward,
    masks: Mapping[str, int],
    positions: Positions,
    after_activation: bool,
) -> CapturePlan:
    """Runs `model` on batches of 2 and 3 inputs to determine how the selected modules are recorded. Those
    that cannot be recorded are left out with a warning.

    Args:
        model: the network.
        selected: the modules.
        forward: runs the network.
        masks: the numbers of positions of the masks among the inputs.
        positions, after_activation: options of `Recorder`.

    Raises:
        RecorderError: a module that was named by hand cannot be recorded, or none can.
    """
    names = {module: name for module, name in selected.names.items() if module not in selected.unwatched}
    left_out = {selected.names[module]: reason for module, reason in selected.unwatched.items()}
    substituted = not selected.is_default
    while True:
        _check_by_hand(selected, left_out)
        if not names:
            raise RecorderError(_nothing_left(model, left_out))
        small, large = _run_passes(model, names, forward)
        experts = _find_experts(names, small, large)
        uncalled = [
            module
            for module in names
            if not small.counts[module] + large.counts[module]
            and module not in experts.idle
            and module not in small.problems
        ]
        if not substituted and (containers := _called_containers(names, uncalled, selected.modules, forward)):
            names = {module: name for module, name in names.items() if not _is_inside(name, containers)}
            names |= {selected.modules[name]: name for name in containers}
            substituted = True
            continue
        substituted = True
        for module in uncalled:
            left_out[names.pop(module)] = _UNCALLED
        layers, problems = _captured_layers(names, small, large, experts, masks, positions, after_activation)
        if not problems:
            break
        left_out |= {names.pop(module): reason for module, reason in problems.items()}
    _check_by_hand(selected, left_out)
    if not names:
        raise RecorderError(_nothing_left(model, left_out))
    if left_out:
        warn(_warning(left_out, selected))
    graph = None if small.trace is None else small.trace.builder.graph(len(layers))
    layers, graph = add_idle_experts(layers, graph, experts.idle, names)
    assert small.output is not None
    return CapturePlan(layers, graph, small.output)


def _run_passes(
    model: nn.Module, names: Mapping[nn.Module, str], forward: Forward
) -> tuple[ProbePass, ProbePass]:
    try:
        small = ProbePass(names, DataflowTrace(), RowTrace())
        small.run(model, forward, SMALL)
    except Exception:
        # If the model itself fails, it fails without the traces as well.
        small = ProbePass(names, None, None)
        small.run(model, forward, SMALL)
    large = ProbePass(names, None, None if small.row_trace is None else RowTrace())
    large.run(model, forward, LARGE)
    return small, large


def _find_experts(names: Mapping[nn.Module, str], small: ProbePass, large: ProbePass) -> Experts:
    partial, chosen = set(), set()
    for module in names:
        few, more = small.counts[module], large.counts[module]
        calls = [
            (call, inputs)
            for one, inputs in ((small, SMALL), (large, LARGE))
            for call in (one.calls[module, number] for number in range(one.counts[module]))
        ]
        repeats = few != more and max(few, more) > 1
        if not few or repeats or any(call.rows is None for call, _ in calls):
            continue
        irregular = (call.rows is not None and not call.rows.is_regular(count) for call, count in calls)
        if few != more or any(irregular):
            partial.add(module)
        # All positions in order are those of a layer after the experts.
        if any(call.is_selected and call.positions is None for call, _ in calls):
            chosen.add(module)
    return find_experts(names, set(small.counts), partial, chosen)


def _captured_layers(
    names: Mapping[nn.Module, str],
    small: ProbePass,
    large: ProbePass,
    experts: Experts,
    masks: Mapping[str, int],
    positions: Positions,
    after_activation: bool,
) -> tuple[list[CapturedLayer], dict[nn.Module, str]]:
    """Returns the layers that are recorded, and why others are not."""
    problems = small.problems | large.problems
    for module in names:
        few, more = small.counts[module], large.counts[module]
        if few != more and module not in experts.reached and module not in experts.idle:
            reason = f"is called {few} times for {SMALL} inputs and {more} times for {LARGE}"
            problems.setdefault(module, reason)
    layers = []
    for index, (call, probed) in enumerate(small.calls.items()):
        module, number = call
        if module in problems:
            continue
        name = names[module] + (f":{number + 1}" if number else "")
        try:
            if module in experts.reached:
                assert probed.rows is not None
                reduction, layer = infer_routed_reduction(module, name, probed.output, probed.rows, positions)
            else:
                reduction, layer = infer_reduction(
                    module, name, probed.output, large.calls[call].output, positions, probed.positions, masks
                )
        except LayerProblem as problem:
            problems[module] = str(problem)
            continue
        activation = small.detector.activation(index) if after_activation else None
        if activation is not None and small.detector.detected[index][1].shape != probed.output.shape:
            activation = None
        if activation is not None:
            layer.text += f"\nrecorded after {activation}"
        if number:
            layer.parameters = None
        is_function = index in small.detector.by_function
        layers.append(CapturedLayer(layer, reduction, activation, is_function, call))
    return layers, problems


def _called_containers(
    names: Mapping[nn.Module, str],
    uncalled: Iterable[nn.Module],
    modules: Mapping[str, nn.Module],
    forward: Forward,
) -> list[str]:
    """Returns the parts that are called and whose layers are not, because they use their weights alone, as
    some attentions do; such a part can be recorded as a whole."""
    missing = {names[module] for module in uncalled}
    candidates = {
        parent: modules[parent]
        for name in missing
        if (parent := name.rpartition(".")[0])
        and all(other in missing for other in names.values() if _is_inside(other, [parent]))
    }
    called: set[nn.Module] = set()
    with ExitStack() as stack:
        for module in candidates.values():
            if not isinstance(module, torch.jit.ScriptModule):
                hook = module.register_forward_pre_hook(lambda module, _args: called.add(module))
                stack.callback(hook.remove)
        if candidates:
            forward(SMALL, None)
    return [name for name, module in candidates.items() if module in called]


def _is_inside(name: str, parts: Iterable[str]) -> bool:
    return any(name.startswith(f"{part}.") for part in parts)


def _check_by_hand(selected: SelectedLayers, left_out: Mapping[str, str]) -> None:
    for module, name in selected.names.items():
        if module in selected.by_hand and name in left_out:
            advice = ADVICE if module in selected.unwatched else "take it out of layers="
            raise RecorderError(f"layer {name} {left_out[name]}; {advice}")


def _nothing_left(model: nn.Module, left_out: Mapping[str, str]) -> str:
    if isinstance(model, torch.fx.GraphModule):
        return f"{type(model).__name__} calls none of its layers, it is an exported program; {ADVICE}"
    if set(left_out.values()) == {_UNCALLED}:
        return (
            f"no layer can be recorded, {type(model).__name__} calls none of those selected; name a part "
            "that contains them with layers=, or leave the model out and give its arrays to rec.layer"
        )
    reasons = "; ".join(f"layer {name} {reason}" for name, reason in list(left_out.items())[:3])
    rest = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
    return f"no layer can be recorded: {reasons}{rest}; {ADVICE}"


def _warning(left_out: Mapping[str, str], selected: SelectedLayers) -> str:
    by_reason: dict[str, list[str]] = {}
    for name, reason in left_out.items():
        part = _outermost(name, left_out, selected.names.values())
        parts = by_reason.setdefault(reason.removeprefix("is "), [])
        if part not in parts:
            parts.append(part)
    options = {reason: _patterns(parts, selected.names.values()) for reason, parts in by_reason.items()}
    described = "; ".join(f"{', '.join(parts)} ({reason})" for reason, parts in options.items())
    option = list(dict.fromkeys(part for parts in options.values() for part in parts))
    return (
        f"not recorded: {described}; exclude={option if option[1:] else option[0]!r} leaves out the same "
        "without this warning"
    )


def _patterns(parts: list[str], names: Iterable[str]) -> list[str]:
    """Returns patterns that match exactly `parts` among these and the selected layers, if they are fewer."""
    patterns = list(dict.fromkeys(re.sub(r"\d+(?=\.|$)", "*", part) for part in parts))
    matching = {name for pattern in patterns for name in fnmatch.filter({*names, *parts}, pattern)}
    return patterns if len(patterns) < len(parts) - 1 and matching == set(parts) else parts


def _outermost(name: str, left_out: Mapping[str, str], names: Iterable[str]) -> str:
    """Returns the outermost part around a layer none of whose layers are recorded."""
    components = name.split(".")
    for depth in range(1, len(components)):
        part = ".".join(components[:depth])
        if all(other in left_out for other in names if _is_inside(other, [part])):
            return part
    return name
