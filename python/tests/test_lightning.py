"""PyTorch Lightning, under both package names. Expected values are those of a forward pass of the network
in double precision, without a trainer."""

import copy
import importlib
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import readers
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dnnviz
from dnnviz.lightning import RecorderCallback

PACKAGES = ["lightning.pytorch", "pytorch_lightning"]


@pytest.fixture(params=PACKAGES)
def package(request):
    return pytest.importorskip(request.param)


def data(count=20):
    random = torch.Generator().manual_seed(3)
    return torch.randn(count, 1, 6, 6, generator=random), torch.arange(count) % 3


def module(package, **parts):
    """A small network with state that a capture could change: batch norm, dropout, metrics."""

    class Digits(package.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(
                nn.Conv2d(1, 4, 3),
                nn.BatchNorm2d(4),
                nn.ReLU(),
                nn.Flatten(),
                nn.Dropout(0.5),
                nn.Linear(64, 3),
            )
            self.seen = []

        def forward(self, x):
            return self.net(x)

        def training_step(self, batch, _index):
            assert self.training and self.net[4].training
            loss, accuracy = self.judge(batch)
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            self.log("train_acc", accuracy, on_step=False, on_epoch=True)
            return loss

        def validation_step(self, batch, _index):
            loss, accuracy = self.judge(batch)
            self.log("val_loss", loss)
            self.log("val_acc", accuracy)

        def judge(self, batch):
            x, y = batch
            scores = self.net(x)
            return nn.functional.cross_entropy(scores, y), (scores.argmax(1) == y).float().mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), 0.01)

        def on_train_epoch_end(self):
            self.seen.append({key: float(value) for key, value in self.trainer.callback_metrics.items()})

    for name, part in parts.items():
        setattr(Digits, name, part)
    torch.manual_seed(5)
    return Digits()


def fit(package, network, *callbacks, **options):
    torch.manual_seed(11)
    loader = DataLoader(TensorDataset(*data()), batch_size=5, shuffle=True)
    options = {"max_epochs": 3, "logger": False, "enable_checkpointing": False} | options
    trainer = package.Trainer(
        accelerator="cpu",
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=list(callbacks),
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.fit(network, loader, DataLoader(TensorDataset(*data(7)), batch_size=7))
    return trainer


def test_a_training_is_bit_identical_with_and_without_the_callback(package, run):
    x, y = data(9)
    plain, recorded = module(package), module(package)
    fit(package, plain)
    fit(package, recorded, RecorderCallback(run, (x, y)))
    weights, others = plain.state_dict(), recorded.state_dict()
    assert list(weights) == list(others)
    for name in weights:
        assert torch.equal(weights[name], others[name]), name
    assert plain.seen == recorded.seen
    assert readers.numbers(run) == [0, 1, 2]


def test_values_equal_an_independent_forward_pass(package, run):
    x, y = data(9)
    network = module(package)
    fit(package, network, RecorderCallback(run, (x, y), batch_size=4))
    stored = readers.epoch(run, 2)
    layers = readers.manifest(run)["layers"]
    assert [layer["name"] for layer in layers] == ["net.0", "net.5"]
    assert readers.manifest(run)["model"] == "Digits"
    net = copy.deepcopy(network.net).double().eval()
    with torch.no_grad():
        maps = net[:3](x.double())
        scores = net(x.double())
    np.testing.assert_allclose(stored["0/units"], maps.mean((2, 3)).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(stored["1/units"], scores.numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(stored["predictions"], scores.argmax(1).numpy())


def test_metrics_and_steps_of_each_epoch(package, run):
    network = module(package)
    fit(package, network, RecorderCallback(run, data(9)))
    entries = readers.manifest(run)["epochs"]
    assert [entry["step"] for entry in entries] == [4, 8, 12]
    for entry, seen in zip(entries, network.seen, strict=True):
        assert entry["accuracy"] == pytest.approx(100 * seen["val_acc"])
        assert entry["loss"] == pytest.approx(seen["val_loss"])
        assert entry["metrics"]["train_acc"] == pytest.approx(seen["train_acc"])
        assert entry["metrics"]["train_loss_epoch"] == pytest.approx(seen["train_loss_epoch"])


def test_without_validation_the_metrics_of_the_training_are_recorded(package, run):
    network = module(package, validation_step=None)
    trainer = package.Trainer(fast_dev_run=2, accelerator="cpu", callbacks=[RecorderCallback(run, data(9))])
    trainer.fit(network, DataLoader(TensorDataset(*data()), batch_size=5))
    (entry,) = readers.manifest(run)["epochs"]
    assert (entry["number"], entry["step"]) == (0, 2)
    assert entry["accuracy"] == pytest.approx(100 * network.seen[0]["train_acc"])
    assert entry["loss"] == pytest.approx(network.seen[0]["train_loss"])


def test_some_epochs_and_the_last_one_and_a_second_fit(package, run):
    network, callback = module(package), RecorderCallback(run, data(9), every_n_epochs=3)
    fit(package, network, callback, max_epochs=6)
    assert readers.numbers(run) == [0, 3, 5]
    with pytest.raises(dnnviz.RecorderError, match="epoch 0 is recorded already"):
        fit(package, network, callback)


def test_the_sanity_check_is_not_recorded(package, run):
    network = module(package)
    fit(package, network, RecorderCallback(run, data(9)), num_sanity_val_steps=2, max_epochs=1)
    assert readers.numbers(run) == [0]


def test_a_submodule_is_recorded(package, run):
    def forward(self, batch):
        raise NotImplementedError

    network = module(package, forward=forward)
    fit(package, network, RecorderCallback(run, data(9), model="net"), max_epochs=1)
    assert [layer["name"] for layer in readers.manifest(run)["layers"]] == ["0", "5"]


def test_a_training_that_fails_releases_the_run(package, run):
    def training_step(self, batch, index):
        if self.current_epoch == 1:
            raise RuntimeError("in the middle")
        return self.judge(batch)[0]

    with pytest.raises(RuntimeError, match="in the middle"):
        fit(package, module(package, training_step=training_step), RecorderCallback(run, data(9)))
    assert readers.numbers(run) == [0]
    dnnviz.Recorder(run, module(package), data(9), resume=True).close()


def test_values_are_captured_in_the_precision_of_the_training(package, run):
    x, y = data(9)
    network = module(package)
    fit(package, network, RecorderCallback(run, (x, y)), max_epochs=1, precision="bf16-mixed")
    assert [layer["dtype"] for layer in readers.manifest(run)["layers"]] == ["bfloat16", "bfloat16"]
    net = copy.deepcopy(network.net).eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        scores = net(x)
    np.testing.assert_array_equal(readers.epoch(run, 0)["1/units"], scores.float().numpy())


TWO_PROCESSES = """
import sys
import lightning.pytorch as package
import torch
from dnnviz.lightning import RecorderCallback
from test_lightning import data, fit, module

torch.set_num_threads(1)
network = module(package)
fit(package, network, RecorderCallback(sys.argv[1], data(9)), max_epochs=2, strategy="ddp", devices=2)
if torch.distributed.get_rank() == 0:
    torch.save(network.net.state_dict(), sys.argv[2])
"""


def test_two_processes_record_their_parts(run, tmp_path):
    pytest.importorskip("lightning.pytorch")
    script, weights = tmp_path / "two.py", tmp_path / "weights.pt"
    script.write_text(TWO_PROCESSES)
    path = os.pathsep.join([os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, script, run, weights],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert readers.numbers(run) == [0, 1]
    files = readers.manifest(run)["epochs"][1]["files"]
    shards = [readers.arrays(run / file) for file in files]
    assert [shard["inputs"].tolist() for shard in shards] == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
    net = module(importlib.import_module("lightning.pytorch")).net
    net.load_state_dict(torch.load(weights))
    with torch.no_grad():
        scores = net.double().eval()(data(9)[0].double()).numpy()
    stored = np.concatenate([shard["1/units"] for shard in shards])
    np.testing.assert_allclose(stored, scores, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", PACKAGES)
def test_either_package_suffices(name):
    """In a process in which only one of them is imported."""
    pytest.importorskip(name)
    script = (
        f"import {name} as used\nfrom dnnviz.lightning import RecorderCallback\n"
        "assert issubclass(RecorderCallback, used.Callback)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
