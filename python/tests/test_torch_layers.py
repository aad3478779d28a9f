"""Recorded layers of a PyTorch model: selection, names, edges and activations."""

import re
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch_networks as networks
from readers import info, manifest
from torch import nn

import dnnviz
from dnnviz import RecorderError
from dnnviz._torch import TorchCapture


def names(capture):
    return [layer.name for layer in capture.layers]


def edges(capture):
    """The edges by the names of layers and the operations of joints."""
    joints = (f"{operation} {number}" for number, operation in enumerate(capture.joints))
    nodes = [*names(capture), *joints]
    return sorted((nodes[a], nodes[b]) for a, b in capture.edges)


def activation(capture, name):
    """The activation after which a layer is recorded."""
    text = next(layer.text for layer in capture.layers if layer.name == name)
    found = re.search(r"\nrecorded after (\w+)$", text)
    return found and found[1]


class Nested(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.PReLU(), nn.Conv2d(4, 4, 1), nn.ReLU()
        )
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.fc = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))

    def forward(self, x):
        x = self.features(x).flatten(2).transpose(1, 2)
        return self.fc(self.norm(self.attention(x, x, x)[0]).mean(1))


IMAGES = networks.images(4, 5)


@pytest.mark.parametrize(
    ("layers", "exclude", "expected"),
    [
        (None, None, ["features.0", "features.3", "attention", "fc"]),
        (None, "features", ["attention", "fc"]),
        (None, "features.*", ["attention", "fc"]),
        (None, [nn.Conv2d, "fc"], ["attention"]),
        (None, lambda name, module: name.endswith("0"), ["features.3", "attention", "fc"]),
        ("fc", None, ["fc"]),
        ("features", None, ["features"]),
        ("features.*", None, ["features.0", "features.3"]),
        ("*.4", None, ["features.4"]),
        ("*", "*.3", ["features.0", "attention", "fc"]),
        (nn.Conv2d, None, ["features.0", "features.3"]),
        # The inner linear layer of an attention is never called.
        (nn.Linear, None, ["fc"]),
        (nn.BatchNorm2d, None, ["features.1"]),
        (1, None, ["features", "attention", "fc"]),
        (2, None, ["features.0", "features.3", "attention", "fc"]),
        (["fc", nn.Conv2d], "features.0", ["features.3", "fc"]),
        (lambda name, module: isinstance(module, nn.ReLU), None, ["features.4"]),
    ],
)
def test_layers_are_selected_by_name_pattern_type_depth_and_function(layers, exclude, expected):
    assert names(TorchCapture(networks.seeded(Nested), IMAGES, layers=layers, exclude=exclude)) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"layers": "feature.0"}, r"layers='feature.0' matches no module; there are features.0"),
        ({"exclude": "aux*"}, r"exclude='aux\*' matches no module"),
        ({"layers": nn.LSTM}, "layers=LSTM matches no module"),
        ({"layers": 0}, "layers=0: depths count from 1"),
        ({"layers": True}, "layers=True: not a choice"),
        ({"layers": 1.5}, "layers=1.5: a name, a pattern"),
        ({"layers": "fc", "exclude": nn.Linear}, "no layer is left to record"),
        ({"positions": "middle"}, "positions='middle': 'mean', 'keep', 'first', 'last', a whole number or"),
        ({"positions": 1.5}, "positions=1.5: 'mean'"),
        ({"positions": True}, "positions=True: 'mean'"),
        ({"positions": slice(0, 4, -1)}, r"positions=slice\(0, 4, -1\): .* a forward slice"),
    ],
)
def test_a_selector_without_a_match_is_refused(options, message):
    with pytest.raises(RecorderError, match=message):
        TorchCapture(networks.seeded(Nested), IMAGES, **options)


def test_a_model_without_parameters_is_refused_until_its_layers_are_named():
    model = nn.Sequential(nn.Flatten(), nn.Softmax(1))
    with pytest.raises(RecorderError, match="Sequential has no layer with parameters"):
        TorchCapture(model, IMAGES)
    assert names(TorchCapture(model, IMAGES, layers="1")) == ["1"]


def test_a_model_of_one_layer_has_the_name_of_its_class():
    capture = TorchCapture(nn.Linear(4, 3), torch.randn(2, 4))
    assert names(capture) == ["Linear"] and capture.model == "Linear"


def test_layers_are_described():
    capture = TorchCapture(networks.seeded(Nested), IMAGES)
    described = [
        (one.module, one.kind, one.shape, one.units, one.parameters, one.reduction) for one in capture.layers
    ]
    assert described == [
        ("Conv2d", "feature-map", (4, 5, 5), 4, 112, "spatial-mean"),
        ("Conv2d", "feature-map", (4, 5, 5), 4, 20, "spatial-mean"),
        ("MultiheadAttention", "attention", (25, 4), 4, 80, "sequence-mean"),
        ("ParametrizedLinear", "dense", (3,), 3, 18, "none"),
    ]
    assert capture.layers[0].text.startswith("Conv2d(3, 4, kernel_size=(3, 3)")
    assert {one.dtype for one in capture.layers} == {"float32"}


def test_channels_last_is_inferred_from_the_parameters():
    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.mix = nn.LayerNorm(3), nn.Linear(3, 3)

        def forward(self, x):
            return self.mix(self.norm(x)) + x

    model = nn.Sequential(Last())
    capture = TorchCapture(model, torch.randn(2, 5, 6, 3), layers="0")
    assert (capture.layers[0].units, capture.layers[0].shape) == (3, (5, 6, 3))


def test_a_shared_module_is_a_layer_for_each_call():
    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.block = nn.Linear(4, 4), nn.ModuleDict({"fc": nn.Linear(4, 4)})
            self.alias = self.block["fc"]

        def forward(self, x):
            x = self.first(x)
            for _ in range(3):
                x = torch.tanh(self.block["fc"](x))
            return x

    model, x = networks.seeded(Shared), torch.randn(5, 4)
    capture = TorchCapture(model, x)
    assert names(capture) == ["first", "block.fc", "block.fc:2", "block.fc:3"]
    assert edges(capture) == [("block.fc", "block.fc:2"), ("block.fc:2", "block.fc:3"), ("first", "block.fc")]
    assert [layer.parameters for layer in capture.layers] == [20, 20, None, None]
    assert names(TorchCapture(model, x, layers="alias")) == ["block.fc", "block.fc:2", "block.fc:3"]
    with capture.open():
        values = capture.batch(x).values
    w = networks.wide(model)
    y = x.double() @ w["first.weight"].T + w["first.bias"]
    for value in values[1:]:
        y = torch.tanh(y @ w["block.fc.weight"].T + w["block.fc.bias"])
        torch.testing.assert_close(value.double(), y, rtol=2e-5, atol=2e-6)


class Tower(nn.Module):
    """Stages of blocks, one block also under a second name, one called twice, one without layers."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(nn.Sequential(ResidualBlock(), ResidualBlock()) for _ in range(2))
        self.alias = self.stages[0][0]
        self.norms = nn.Sequential(nn.LayerNorm(4))
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        return self.head(self.norms(self.alias(x)))


def test_the_classes_of_the_modules_around_layers_are_recorded(run):
    model, x = networks.seeded(Tower), torch.randn(5, 4)
    dnnviz.Recorder(run, model, (x, None)).epoch(0)
    expected = {
        "stages": "ModuleList", "stages.0": "Sequential", "stages.0.0": "ResidualBlock",
        "stages.0.1": "ResidualBlock", "stages.1": "Sequential", "stages.1.0": "ResidualBlock",
        "stages.1.1": "ResidualBlock",
    }  # fmt: skip
    assert manifest(run)["modules"] == expected
    assert info(run)["modules"] == expected
    assert "stages.0.0.one:2" in names(TorchCapture(model, x))


def test_only_modules_around_recorded_layers_are_listed():
    model, x = networks.seeded(Tower), torch.randn(5, 4)
    capture = TorchCapture(model, x, layers="stages.1.*", exclude="stages.1.0")
    assert list(capture.modules) == ["stages", "stages.1", "stages.1.1"]
    # A block that is a layer itself is not the module around one.
    capture = TorchCapture(model, x, layers=ResidualBlock)
    assert "stages.0.0" in names(capture) and list(capture.modules) == ["stages", "stages.0", "stages.1"]
    assert TorchCapture(model, x, layers="head").modules == {}
    assert TorchCapture(nn.Linear(4, 3), x).modules == {}


def test_wrappers_are_not_the_modules_around_layers():
    model, x = networks.seeded(Tower), torch.randn(5, 4)
    expected = dict(TorchCapture(model, x).modules)
    model.stages[1] = torch.compile(model.stages[1])
    assert TorchCapture(torch.compile(nn.DataParallel(model)), x).modules == expected


def test_edges_follow_the_data_of_a_residual_network():
    assert edges(TorchCapture(networks.seeded(networks.Residual), IMAGES)) == sorted(networks.RESIDUAL_EDGES)


def test_the_viewer_counts_edges_and_joints(run):
    dnnviz.Recorder(run, networks.seeded(networks.Residual), (IMAGES, None)).epoch(0)
    found = info(run)
    assert (found["edges"], found["joints"]) == (len(networks.RESIDUAL_EDGES), 2)


def test_edges_follow_branches_that_write_into_one_tensor():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 2), nn.Linear(4, 2), nn.Linear(4, 3)
            self.d = nn.Linear(3, 2)

        def forward(self, x):
            both = torch.empty(len(x), 4)
            both[:, :2] = self.a(x)
            both[:, 2:].copy_(self.b(x))
            # The data flow depends on the values.
            return self.d(self.c(both)) + (self.a(x) if both.sum().isnan() else 0)

    capture = TorchCapture(networks.seeded(Branching), torch.randn(5, 4))
    assert edges(capture) == [("a", "copy 0"), ("b", "copy 0"), ("c", "d"), ("copy 0", "c")]


def test_operations_inside_a_layer_are_no_joints():
    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
            self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
            self.scores = nn.Bilinear(4, 4, 3)

        def forward(self, x):
            a, b = self.a(x), self.b(x)
            return self.scores(self.attend(a, b, b)[0], a + b)

    capture = TorchCapture(networks.seeded(Inside), torch.randn(5, 3, 4))
    expected = [
        ("a", "add 0"), ("a", "attend"), ("add 0", "scores"), ("attend", "scores"), ("b", "add 0"),
        ("b", "attend"),
    ]  # fmt: skip
    assert edges(capture) == expected


def test_a_new_tensor_of_the_shape_of_another_has_none_of_its_data():
    class Filled(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            a = self.a(x)
            return self.c(torch.zeros_like(a) + a.new_ones(4) + self.b(a))

    capture = TorchCapture(networks.seeded(Filled), torch.randn(5, 4))
    assert edges(capture) == [("a", "b"), ("b", "c")] and capture.joints == []


class ResidualBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return x + self.two(torch.relu(self.one(x)))


@pytest.mark.parametrize("blocks", [1, 40, 250])
def test_edges_grow_linearly_with_residual_blocks(blocks):
    stem, head = nn.Linear(4, 4), nn.Linear(4, 3)
    model = nn.Sequential(stem, *(ResidualBlock() for _ in range(blocks)), head)
    capture = TorchCapture(model, torch.randn(5, 4))
    assert capture.joints == ["add"] * blocks
    assert len(capture.edges) == 4 * blocks + 1 == len(set(capture.edges))


def test_layers_are_in_the_order_of_their_calls():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first = nn.Linear(4, 2), nn.Linear(3, 4)

        def forward(self, x):
            return self.last(self.first(x))

    capture = TorchCapture(networks.seeded(Backwards), torch.randn(5, 3))
    assert names(capture) == ["first", "last"] and capture.edges == [(0, 1)]


def test_without_a_trace_only_the_order_is_recorded():
    class Untraceable(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

        def forward(self, x):
            if torch.utils._python_dispatch._get_current_dispatch_mode() is not None:
                raise RuntimeError("not under a dispatch mode")
            return self.b(self.a(x))

    capture = TorchCapture(networks.seeded(Untraceable), torch.randn(5, 4))
    assert capture.edges is None and names(capture) == ["a", "b"]


class Chain(nn.Module):
    """A layer, then `step`, then another layer."""

    def __init__(self, step, norm=None):
        super().__init__()
        self.layer, self.norm, self.next = nn.Linear(4, 4), norm, nn.Linear(4, 2)
        self.step = step

    def forward(self, x):
        x = self.layer(x)
        return self.next(self.step(x if self.norm is None else self.norm(x)))


class Swish(nn.Module):
    """A module of several functions that is one activation."""

    def forward(self, x):
        return x * torch.sigmoid(x)


class HandmadeRMSNorm(nn.Module):
    def forward(self, x):
        return x / x.square().mean(-1, keepdim=True).sqrt()


STEPS = [
    (nn.ReLU(), "ReLU"), (nn.ReLU(inplace=True), "ReLU"), (nn.ReLU6(), "ReLU6"), (nn.GELU(), "GELU"),
    (nn.Tanh(), "Tanh"), (nn.SiLU(inplace=True), "SiLU"), (nn.LeakyReLU(0.1), "LeakyReLU"),
    (nn.ELU(), "ELU"), (nn.PReLU(), "PReLU"), (Swish(), "Swish"), (F.relu, "ReLU"), (torch.relu, "ReLU"),
    (torch.relu_, "ReLU"), (torch.Tensor.relu, "ReLU"), (torch.Tensor.relu_, "ReLU"), (F.silu, "SiLU"),
    (lambda x: F.relu(input=x, inplace=True), "ReLU"), (lambda x: x.tanh(), "Tanh"),
    (lambda x: F.leaky_relu(x, 0.2), "LeakyReLU"), (F.softplus, "Softplus"), (F.hardswish, "Hardswish"),
]  # fmt: skip


@pytest.mark.parametrize("norm", [None, nn.LayerNorm(4), HandmadeRMSNorm(), nn.BatchNorm1d(4).eval()])
@pytest.mark.parametrize(("step", "title"), STEPS)
def test_a_layer_is_recorded_after_its_activation_of_any_form(step, title, norm):
    model, x = networks.seeded(Chain, step, norm), torch.randn(5, 4)
    capture = TorchCapture(model, x)
    assert names(capture) == ["layer", "next"]
    assert (activation(capture, "layer"), activation(capture, "next")) == (title, None)
    with capture.open():
        values = capture.batch(x).values
    with torch.no_grad():
        raw = model.layer(x)
        expected = step((norm or nn.Identity())(raw.clone()))
        assert torch.allclose(values[0], expected, rtol=1e-6, atol=1e-7)
        capture = TorchCapture(model, x, after_activation=False)
        with capture.open():
            assert torch.equal(capture.batch(x).values[0], raw)
    assert activation(capture, "layer") is None


@pytest.mark.parametrize(
    "step",
    [
        nn.Sequential(nn.Dropout(), nn.ReLU()),
        lambda x: F.relu(x + 1),
        lambda x: F.relu(x.view(-1, 4)),
        lambda x: F.softmax(x, 1),
        # Used otherwise as well: the layer has no activation.
        lambda x: x * torch.sigmoid(x),
        lambda x: F.relu(x) - F.relu(-x),
        lambda x: torch.cat([F.relu(x), x], 1)[:, :4],
        nn.Identity(),
    ],
)
def test_another_operation_before_the_activation_ends_the_search(step):
    model, x = networks.seeded(Chain, step), torch.randn(5, 4)
    capture = TorchCapture(model, x)
    assert activation(capture, "layer") is None
    with capture.open():
        values = capture.batch(x).values
    with torch.no_grad():
        assert torch.equal(values[0], model.layer(x))


def test_reading_a_shape_does_not_end_the_search():
    def step(x):
        assert x.shape[1] == 4 and not torch.isnan(x).any() and float(x.mean()) < 9
        return F.relu(x)

    assert activation(TorchCapture(networks.seeded(Chain, step), torch.randn(5, 4)), "layer") == "ReLU"


def test_an_activation_that_is_a_layer_itself_is_not_recorded_twice():
    model = networks.seeded(Chain, nn.ReLU())
    capture = TorchCapture(model, torch.randn(5, 4), layers=["layer", "step"])
    assert names(capture) == ["layer", "step"] and activation(capture, "layer") is None


def test_dead_units_are_dead_in_the_recording(run):
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 0, 0]]))
        model[0].bias.copy_(torch.tensor([10.0, -1]))
    dnnviz.Recorder(run, model, (torch.randn(20, 3), np.arange(20) % 2), keep=0).epoch(0)
    rate = networks.stored(run)["0/rate"]
    assert torch.equal(rate, torch.tensor([[1.0, 0.0]] * 3))


# Errors.


class Fused(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 3)
        self.heads = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])

    def forward(self, x):
        return self.b(F.linear(x, self.a.weight))


def test_layers_that_are_never_called_are_left_out_with_one_warning():
    model, x = networks.seeded(Fused), torch.randn(5, 4)
    message = r"^not recorded: a, heads \(not called in evaluation\); exclude=\['a', 'heads'\] leaves out"
    with pytest.warns(dnnviz.RecordingWarning, match=message) as caught:
        assert names(TorchCapture(model, x)) == ["b"]
    assert len(caught) == 1
    with pytest.warns(dnnviz.RecordingWarning, match=r"^not recorded: heads \(not called"):
        assert names(TorchCapture(model, x, layers=["b", "heads.*"])) == ["b"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert names(TorchCapture(model, x, exclude=["a", "heads"])) == ["b"]


def test_a_model_that_calls_none_of_the_layers_is_refused_with_what_to_do():
    message = r"^no layer can be recorded, Fused calls none of those selected; name a part .* rec\.layer$"
    with pytest.raises(RecorderError, match=message):
        TorchCapture(networks.seeded(Fused), torch.randn(5, 4), layers="heads.*")


@pytest.mark.parametrize("layers", ["a", ["b", "a"], ["*", "a"]])
def test_a_layer_that_is_named_by_hand_and_never_called_is_an_error(layers):
    model, x = networks.seeded(Fused), torch.randn(5, 4)
    with pytest.raises(RecorderError, match=r"^layer a is not called in evaluation; take it out of layers=$"):
        TorchCapture(model, x, layers=layers)


def test_layers_in_numbered_blocks_that_are_never_called_are_named_by_a_pattern():
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = nn.Linear(4, 12), nn.Linear(4, 4)

        def forward(self, x):
            return self.out(F.linear(x, self.qkv.weight)[:, :4])

    model, x = nn.Sequential(*[Block() for _ in range(9)]), torch.randn(5, 4)
    with pytest.warns(
        dnnviz.RecordingWarning, match=r"^not recorded: \*\.qkv \(not called.*; exclude='\*\.qkv' "
    ):
        assert names(TorchCapture(model, x)) == [f"{number}.out" for number in range(9)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TorchCapture(model, x, exclude="*.qkv")


def test_a_part_that_uses_only_the_weights_of_its_layers_is_recorded_as_a_whole():
    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv, self.out = nn.Linear(4, 12), nn.Linear(4, 4)

        def forward(self, x):
            return F.linear(F.linear(x, self.qkv.weight)[:, :4], self.out.weight)

    model, x = nn.Sequential(nn.Linear(4, 4), Attention(), nn.Linear(4, 3)), torch.randn(5, 4)
    capture = TorchCapture(model, x)
    assert names(capture) == ["0", "1", "2"] and edges(capture) == [("0", "1"), ("1", "2")]
    with capture.open():
        value = capture.batch(x).values[1]
    with torch.no_grad():
        assert torch.equal(value, model[1](model[0](x)))


def test_a_layer_that_is_no_longer_called_is_named(run):
    model = networks.seeded(networks.Residual)
    rec = dnnviz.Recorder(run, model, (networks.images(), None))
    rec.epoch(0)
    model.forward = lambda x: model.head(model.stem(x).relu().mean((2, 3)) @ torch.ones(4, 6))
    with pytest.raises(RecorderError, match="layer a did not fire, as it did at first"):
        rec.epoch(1)
    model.forward = lambda x: model.head(model.stem(x).mean((2, 3)) @ torch.ones(4, 6))
    with pytest.raises(RecorderError, match="layer stem is recorded after ReLU, which did not follow"):
        rec.epoch(1)
    del model.forward
    rec.epoch(1)


def test_a_layer_called_more_often_is_named(run):
    class Looping(nn.Module):
        times = 2

        def __init__(self):
            super().__init__()
            self.cell = nn.Linear(4, 4)

        def forward(self, x):
            for _ in range(self.times):
                x = self.cell(x)
            return x

    model = networks.seeded(Looping)
    rec = dnnviz.Recorder(run, model, (torch.randn(5, 4), None))
    rec.epoch(0)
    model.times = 3
    with pytest.raises(RecorderError, match=r"layer cell is called more often than at first \(2 times"):
        rec.epoch(1)
    model.times = 1
    with pytest.raises(RecorderError, match="layer cell:2 did not fire"):
        rec.epoch(1)
    model.times = 2
    rec.epoch(1)


def test_a_layer_called_once_per_input_is_named():
    class PerInput(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x):
            return torch.stack([self.fc(row) for row in x])

    with pytest.raises(RecorderError, match="layer fc is called 2 times for 2 inputs and 3 times for 3"):
        TorchCapture(networks.seeded(PerInput), torch.randn(5, 4))


def test_a_layer_whose_units_change_is_named(run):
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    rec = dnnviz.Recorder(run, model, (torch.randn(5, 4), None))
    rec.epoch(0)
    model[0], model[2] = nn.Linear(4, 7), nn.Linear(7, 2)
    # Other modules in place of the selected ones.
    with pytest.raises(RecorderError, match="layer 0 did not fire"):
        rec.epoch(1)
    model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    rec = dnnviz.Recorder(run.parent / "other", model, (torch.randn(5, 4), None))
    model[0].weight, model[0].bias = nn.Linear(4, 7).weight, nn.Linear(4, 7).bias
    model[2].weight = nn.Linear(7, 2).weight
    with pytest.raises(RecorderError, match="layer 0 had 6 units and now has 7"):
        rec.epoch(0)


def test_the_number_of_positions_may_vary_unless_they_are_kept():
    model = networks.seeded(networks.Lstm, True)
    for positions in ("mean", "keep"):
        capture = TorchCapture(model, torch.randn(5, 6, 4), positions=positions)
        with capture.open():
            assert capture.batch(torch.randn(5, 6, 4)).values[0].shape == (5, capture.layers[0].units)
            if positions == "mean":
                assert capture.batch(torch.randn(3, 9, 4)).values[0].shape == (3, 5)
            else:
                with pytest.raises(RecorderError, match="layer lstm had 30 units and now has 45"):
                    capture.batch(torch.randn(3, 9, 4))


def test_an_output_without_a_dimension_for_the_inputs_is_named():
    class Gram(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4))

        def forward(self, x):
            return (x * self.weight) @ x.T

    with pytest.raises(
        RecorderError, match="layer 0 has no dimension for the inputs: 2×2 for 2 inputs, 3×3 for 3"
    ):
        TorchCapture(nn.Sequential(Gram()), torch.randn(5, 4))


def test_an_output_without_a_tensor_and_a_sparse_one_are_named():
    class Odd(nn.Module):
        def __init__(self, make):
            super().__init__()
            self.weight, self.make = nn.Parameter(torch.ones(4)), make

        def forward(self, x):
            return self.make(x * self.weight)

    with pytest.raises(RecorderError, match=r"^no layer can be recorded: layer 0 gives no tensor but str; "):
        TorchCapture(nn.Sequential(Odd(lambda x: "text")), torch.randn(5, 4))
    with pytest.raises(RecorderError, match="layer 0 gives a sparse or nested tensor"):
        TorchCapture(nn.Sequential(Odd(lambda x: x.to_sparse())), torch.randn(5, 4))


def test_layers_that_cannot_be_recorded_are_left_out_unless_they_are_named():
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.fc, self.row = nn.Parameter(torch.ones(4)), nn.Linear(4, 3), nn.Linear(3, 3)

        def forward(self, x):
            return torch.stack([self.row(row) for row in self.fc(x * self.weight)])

    class Text(nn.Linear):
        def forward(self, x):
            return str(super().forward(x).shape)

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.text, self.odd, self.last = Text(4, 3), Odd(), nn.Linear(3, 2)

        def forward(self, x):
            self.text(x)
            return self.last(self.odd(x))

    model, x = networks.seeded(Whole), torch.randn(5, 4)
    message = (
        r"^not recorded: text \(gives no tensor but str\); "
        r"odd\.row \(called 2 times for 2 inputs and 3 times for 3\); exclude=\['text', 'odd.row'\]"
    )
    with pytest.warns(dnnviz.RecordingWarning, match=message):
        capture = TorchCapture(model, x)
    assert names(capture) == ["odd.fc", "last"] and edges(capture) == [("odd.fc", "last")]
    for name in ("text", "odd.row"):
        with pytest.raises(RecorderError, match=f"^layer {name} .*; take it out of layers=$"):
            TorchCapture(model, x, layers=["last", name])


def test_an_uninitialised_lazy_module_is_refused():
    model, x = nn.Sequential(nn.LazyLinear(3)), torch.randn(5, 4)
    with pytest.raises(RecorderError, match=r"0\.weight has no shape yet: run one batch"):
        TorchCapture(model, x)
    model(x)
    assert names(TorchCapture(model, x)) == ["0"]


def test_a_model_that_fails_on_the_probe_is_named_with_the_batch():
    with pytest.raises(RecorderError, match=r"Linear fails on a batch of 2 inputs: RuntimeError: .*shapes"):
        TorchCapture(nn.Linear(4, 3), torch.randn(5, 9))


# Wrappers.


def test_wrapped_models_are_recorded_without_the_wrapper():
    model, x = networks.seeded(networks.Residual), networks.images(5)
    with torch.no_grad():
        plain = TorchCapture(model, x)
        with plain.open():
            expected = plain.batch(x).values
    for wrapped in (nn.DataParallel(model), torch.compile(model), torch.compile(nn.DataParallel(model))):
        capture = TorchCapture(wrapped, x)
        assert (names(capture), capture.model) == (names(plain), "Residual")
        with capture.open():
            assert all(map(torch.equal, capture.batch(x).values, expected))


def test_compiled_parts_run_eagerly():
    """Compiled with a backend that fails if anything is compiled."""

    def backend(graph, inputs):
        raise AssertionError("compiled")

    model, x = networks.seeded(Nested), IMAGES
    expected = names(TorchCapture(model, x))
    model.features = torch.compile(model.features, backend=backend)
    model.attention.compile(backend=backend)
    capture = TorchCapture(model, x)
    assert names(capture) == expected
    with capture.open():
        assert len(capture.batch(x).values) == 4
    with pytest.raises(Exception, match="compiled"):
        model(x)
