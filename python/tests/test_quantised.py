"""Quantised layers are recorded by default, dequantised."""

import pytest
import torch
import torch_networks as networks
from readers import info, manifest
from torch import nn

import dnnviz
from dnnviz._torch import TorchCapture

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning:torch"),
    pytest.mark.filterwarnings("error::dnnviz.RecordingWarning"),
]
quantization = pytest.importorskip("torch.ao.quantization")

IMAGES = networks.images(12, 8)


class Convolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.quantise, self.dequantise = quantization.QuantStub(), quantization.DeQuantStub()
        self.conv1, self.norm1, self.relu1 = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()
        self.conv2, self.relu2 = nn.Conv2d(4, 5, 3), nn.ReLU()
        self.fc = nn.Linear(5, 3)

    def forward(self, x):
        x = self.relu1(self.norm1(self.conv1(self.quantise(x))))
        x = self.relu2(self.conv2(x))
        return self.dequantise(self.fc(x.mean((2, 3))))


def static(*fused):
    model = networks.seeded(Convolutions).eval()
    model.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)
    prepared = quantization.prepare(quantization.fuse_modules(model, [list(part) for part in fused]))
    prepared(IMAGES)
    return quantization.convert(prepared)


def recorded_and_own(run, model, x):
    """The recorded values, and the dequantised outputs of the modules that hooks see."""
    own = {}
    for name, module in model.named_modules():
        if name:
            module.register_forward_hook(
                lambda _m, _a, output, name=name: own.setdefault(name, []).append(output)
            )
    with dnnviz.Recorder(run, model, (x, None)) as recorder:
        own.clear()
        recorder.epoch(0)
    outputs = {
        name: values[0][0] if isinstance(values[0], tuple) else values[0] for name, values in own.items()
    }
    return networks.recorded(run), {name: value.dequantize() for name, value in outputs.items()}


def test_static_quantisation(run):
    model = static(("conv1", "norm1", "relu1"))
    found, own = recorded_and_own(run, model, IMAGES)
    assert list(found) == ["conv1", "conv2", "fc"]
    torch.testing.assert_close(found["conv1"], own["conv1"].mean((2, 3)))
    torch.testing.assert_close(found["conv2"], own["relu2"].mean((2, 3)))
    torch.testing.assert_close(found["fc"], own["fc"])
    layers = manifest(run)["layers"]
    assert [layer["kind"] for layer in layers] == ["feature-map", "feature-map", "dense"]
    assert [layer["dtype"] for layer in layers] == ["quint8"] * 3
    assert all("parameters" not in layer for layer in layers)
    assert "recorded dequantised" in layers[0]["text"] and "recorded after ReLU" in layers[1]["text"]
    assert info(run)["warnings"] == []


def test_values_of_a_quantised_network_are_near_those_of_its_original(run):
    original = networks.seeded(Convolutions).eval()
    with dnnviz.Recorder(run, static(("conv1", "norm1", "relu1")), (IMAGES, None)) as recorder:
        recorder.epoch(0)
    with dnnviz.Recorder(run.with_name("original"), original, (IMAGES, None)) as recorder:
        recorder.epoch(0)
    found, expected = networks.recorded(run), networks.recorded(run.with_name("original"))
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=0.05 * float(value.abs().max()), rtol=0)


def test_the_scores_of_a_network_that_ends_quantised_are_its_predictions(run):
    class Open(Convolutions):
        def __init__(self):
            super().__init__()
            self.dequantise = nn.Identity()

    model = networks.seeded(Open).eval()
    model.qconfig = quantization.get_default_qconfig(torch.backends.quantized.engine)
    prepared = quantization.prepare(model)
    prepared(IMAGES)
    model = quantization.convert(prepared)
    with dnnviz.Recorder(run, model, (IMAGES, networks.labels(12))) as recorder:
        recorder.epoch(0)
    assert torch.equal(networks.stored(run)["predictions"], model(IMAGES).dequantize().argmax(1))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.act, self.fc = nn.LSTM(4, 5, batch_first=True), nn.Tanh(), nn.Linear(5, 3)

    def forward(self, x):
        return self.fc(self.act(self.lstm(x)[0].mean(1)))


def test_dynamic_quantisation(run):
    x = torch.randn(12, 6, 4)
    model = quantization.quantize_dynamic(networks.seeded(Words), {nn.LSTM, nn.Linear})
    found, own = recorded_and_own(run, model, x)
    assert list(found) == ["lstm", "fc"]
    torch.testing.assert_close(found["lstm"], own["lstm"].mean(1))
    torch.testing.assert_close(found["fc"], own["fc"])


def test_a_part_of_a_network_that_is_quantised_is_not_lost(run):
    model = quantization.quantize_dynamic(
        nn.Sequential(nn.Conv1d(4, 4, 3), nn.Flatten(), nn.Linear(16, 3), nn.Embedding(3, 2)), {nn.Linear}
    )
    capture = TorchCapture(model[:3], torch.randn(4, 4, 6))
    assert [layer.name for layer in capture.layers] == ["0", "2"]


def test_quantisation_in_training_keeps_all_layers():
    model = networks.seeded(Convolutions).train()
    model.qconfig = quantization.get_default_qat_qconfig(torch.backends.quantized.engine)
    fused = quantization.fuse_modules_qat(model, [["conv1", "norm1", "relu1"], ["conv2", "relu2"]])
    capture = TorchCapture(quantization.prepare_qat(fused), IMAGES)
    assert [layer.name for layer in capture.layers] == ["conv1", "conv2", "fc"]


def test_layers_whose_weights_are_buffers_are_recorded():
    class Packed(nn.Module):
        """As of libraries that keep integer weights in buffers."""

        def __init__(self):
            super().__init__()
            self.register_buffer("qweight", torch.randint(-8, 8, (4, 3), dtype=torch.int8))

        def forward(self, x):
            return x @ (self.qweight.float() / 8)

    model = nn.Sequential(Packed(), nn.ReLU(), nn.Linear(3, 2), nn.BatchNorm1d(2))
    model.loss = None
    assert [layer.name for layer in TorchCapture(model, torch.randn(4, 4)).layers] == ["0", "2"]


def test_weights_of_a_loss_are_no_layer():
    class WithLoss(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.loss = nn.Linear(4, 3), nn.CrossEntropyLoss(torch.ones(3))

        def forward(self, x):
            return self.fc(x)

    assert [layer.name for layer in TorchCapture(WithLoss(), torch.randn(4, 4)).layers] == ["fc"]
