"""Probe inputs as arguments of a network: settings beside the arrays, batches as dicts."""

import numpy as np
import pytest
import torch
import torch_networks as networks
from readers import manifest
from torch import nn
from torch.utils.data import DataLoader

import dnnviz
from dnnviz import RecorderError

X = torch.randn(10, 4, generator=torch.Generator().manual_seed(1))
Y = np.arange(10) % 3


class Settings(nn.Module):
    """A network with settings besides its input."""

    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)
        self.seen = []

    def forward(self, x, mode=None, scale=1.0, other=None, labels=None):
        self.seen.append((mode, scale, other, None if labels is None else tuple(labels.shape)))
        return self.fc(x) * scale


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"x": X, "mode": "fast", "scale": 2.0, "other": None}, ("fast", 2.0, None, None)),
        ({"mode": True, "x": X, "scale": 3}, (True, 3, None, None)),
        ({"x": X, "scale": torch.tensor(0.5)}, (None, 0.5, None, None)),
        ((X, None, 2.0, False), (None, 2.0, False, None)),
    ],
)
def test_settings_beside_the_arrays_are_passed_as_they_are(run, arguments, expected):
    model = networks.seeded(Settings)
    with dnnviz.Recorder(run, model, (arguments, Y), batch_size=4) as recorder:
        model.seen.clear()
        recorder.epoch(0)
    assert model.seen == [expected] * 3
    assert torch.equal(networks.recorded(run)["fc"], model.fc(X).detach())


def test_settings_alone_are_refused(run):
    with pytest.raises(RecorderError, match="a list of numbers where an array with a row per input belongs"):
        dnnviz.Recorder(run, networks.seeded(Settings), ({"mode": True, "other": None}, None))


@pytest.mark.parametrize("name", ["labels", "label", "label_ids"])
def test_the_labels_of_a_loader_of_dicts_are_the_labels(run, name):
    rows = [{"x": x, name: int(y)} for x, y in zip(X, Y, strict=True)]
    with dnnviz.Recorder(run, networks.seeded(Settings), DataLoader(rows, 4), keep=10) as recorder:
        recorder.epoch(0)
    assert networks.stored(run)["counts"].tolist() == [10, 4, 3, 3]
    assert [one["id"] for one in manifest(run)["classes"]] == [0, 1, 2]


def test_two_dicts_are_two_batches(run):
    batches = [{"x": X[:6], "labels": Y[:6]}, {"x": X[6:], "labels": Y[6:]}]
    with dnnviz.Recorder(run, networks.seeded(Settings), batches) as recorder:
        recorder.epoch(0)
    assert networks.stored(run)["counts"].tolist() == [10, 4, 3, 3]


@pytest.mark.parametrize("labels", [torch.zeros(10, 7, dtype=torch.int64), torch.rand(10)])
def test_targets_that_are_no_class_ids_are_passed_to_the_model(run, labels):
    model = networks.seeded(Settings)
    with dnnviz.Recorder(run, model, [{"x": X, "labels": labels}]) as recorder:
        recorder.epoch(0)
    assert model.seen[-1][3] == tuple(labels.shape) and manifest(run)["classes"] == []


def test_pictures_are_those_of_the_first_array(run):
    class Pixels(Settings):
        def forward(self, mode, pixels):
            return super().forward(pixels.mean((1, 3)))

    pixels = torch.rand(6, 3, 4, 5).numpy()
    dnnviz.Recorder(run, networks.seeded(Pixels), ({"mode": False, "pixels": pixels}, None)).close()
    assert (run / "inputs.safetensors").stat().st_size > 6 * 4 * 5 * 3
