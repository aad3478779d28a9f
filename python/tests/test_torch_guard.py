"""Capturing has no side effects on a training."""

import contextlib
import copy
import random
import threading

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch_networks as networks
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import dnnviz
from dnnviz._torch import TorchCapture

X, Y = networks.images(24), torch.from_numpy(networks.labels(24))


class Augmented(torch.utils.data.Dataset):
    """Draws from every random state."""

    def __len__(self):
        return len(X)

    def __getitem__(self, index):
        x = X[index] + 0.1 * torch.randn(3, 1, 1) + float(np.random.normal(0, 0.1))
        return (x.flip(2) if random.random() < 0.5 else x), Y[index]


class Trained(networks.Cnn):
    """A network with random numbers and state."""

    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(3))
        self.passes = 0

    def forward(self, x):
        self.seen += 1
        self.passes += 1
        return super().forward(x + 0.01 * torch.randn_like(x))


def losses(model, batches, optimiser):
    for x, y in batches:
        optimiser.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimiser.step()


def train(run, inputs, *, generator=False, autocast=False, **options):
    """Returns the final state of a training, which is recorded if there is a `run`."""
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    model = Trained()
    optimiser = torch.optim.Adam(model.parameters(), 0.01)
    own = torch.Generator().manual_seed(8) if generator else None
    loader = DataLoader(Augmented(), 5, shuffle=True, generator=own)
    if inputs == "its own loader":
        inputs = loader
    rec = None if run is None else dnnviz.Recorder(run, model, inputs, batch_size=7, **options)
    for number in range(3):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            # Half of the steps before the epoch is recorded, half after it, in one context.
            batches = iter(loader)
            losses(model, [next(batches), next(batches)], optimiser)
            if rec is not None:
                rec.epoch(number)
            losses(model, batches, optimiser)
    drawn = (torch.rand(3), np.random.random(3), random.random(), model.passes, own and own.get_state())
    return model.state_dict(), optimiser.state_dict(), drawn


def assert_same(one, other):
    """Asserts bit-identical states."""
    assert type(one) is type(other)
    if isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, (tuple, list)):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("inputs", "options"),
    [
        ((X, Y), {}),
        ((X, Y), {"keep": 3, "maps": [1], "dtype": "float16"}),
        ((X, Y), {"autocast": True}),
        (DataLoader(TensorDataset(X, Y), 6), {}),
        (DataLoader(Augmented(), 6, shuffle=True), {"keep": 0}),
        ("its own loader", {}),
        ("its own loader", {"generator": True}),
    ],
)
def test_weights_are_bit_identical_with_and_without_capture(run, inputs, options):
    common = {key: options[key] for key in ("generator", "autocast") if key in options}
    untouched = train(None, inputs, **common)
    assert_same(train(run, inputs, **options), untouched)
    assert len(networks.manifest(run)["epochs"]) == 3


def test_without_the_guard_the_weights_differ(run, monkeypatch):
    monkeypatch.setattr("dnnviz._torch.capture.evaluation", lambda model: contextlib.nullcontext())
    untouched = train(None, (X, Y))
    changed = train(run, (X, Y))
    with pytest.raises(AssertionError):
        assert_same(changed[0], untouched[0])


# Each part of the state on its own, after passes that succeed and passes that fail.


class Meddling(nn.Module):
    """Changes everything that a forward pass can change."""

    def __init__(self):
        super().__init__()
        self.fc, self.bn = nn.Linear(4, 3), nn.BatchNorm1d(3)
        self.frozen = nn.BatchNorm1d(3)
        self.register_buffer("steps", torch.zeros(1))
        self.register_buffer("average", torch.zeros(2))
        self.register_buffer("hidden", torch.zeros(2), persistent=False)
        self.passes, self.last, self.fail = 0, None, None
        self.during = {}

    def train(self, mode=True):
        super().train(mode)
        # As in layers that merge weights for evaluation.
        self.fc.weight.data.add_(0.125)
        self.frozen.training = False
        return self

    def forward(self, x):
        self.steps += 1
        self.average = self.average * 0.9 + 1
        self.hidden.data.add_(1)
        self.passes += 1
        self.during.update(
            training={module.training for module in self.modules()},
            fast_path=torch.backends.mha.get_fastpath_enabled(),
            grad=torch.is_grad_enabled(),
            autocast=torch.is_autocast_enabled("cpu"),
            hooks=len(self.fc._forward_hooks),
        )
        x = self.fc(x + torch.randn_like(x) * random.random() * np.random.random())
        self.last = x
        if self.fail is not None:
            raise self.fail
        return self.frozen(self.bn(x)).relu()


def snapshot(model):
    """The state that must be equal, and the objects that must be identical."""
    modules = list(model.modules())
    return {
        "objects": [{key: id(value) for key, value in module.__dict__.items()} for module in modules],
        "tables": [[list(table.items()) for table in (m._parameters, m._modules)] for m in modules],
        "buffers": [{key: (id(value), value.clone()) for key, value in m._buffers.items()} for m in modules],
        "weights": [parameter.clone() for parameter in model.parameters()],
        "grads": [parameter.grad.clone() for parameter in model.parameters()],
        "requires": [parameter.requires_grad for parameter in model.parameters()],
        "versions": [parameter._version for parameter in model.parameters()],
        "training": [module.training for module in modules],
        "hooks": [(list(m._forward_hooks), list(m._forward_pre_hooks)) for m in modules],
        "random": (torch.get_rng_state(), np.random.get_state()[1:3], random.getstate()),
        "fast_path": torch.backends.mha.get_fastpath_enabled(),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_cache_enabled()),
        "grad": (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
        "modes": len(torch.overrides._get_current_function_mode_stack()),
        "threads": threading.active_count(),
    }


@pytest.fixture
def meddling():
    torch.manual_seed(0)
    model = Meddling()
    model.bn.eval()
    model.fc.weight.requires_grad_(False)
    fired = []
    model.fc.register_forward_hook(lambda *_: fired.append(1))
    for parameter in model.parameters():
        parameter.grad = torch.rand_like(parameter)
    model.fired = fired
    return model


@pytest.mark.parametrize("ambient", ["plain", "autocast", "no_grad", "inference_mode"])
def test_the_state_is_preserved(meddling, ambient):
    context = {
        "plain": torch.enable_grad,
        "autocast": lambda: torch.autocast("cpu", torch.bfloat16),
        "no_grad": torch.no_grad,
        "inference_mode": torch.inference_mode,
    }[ambient]()
    with context:
        before = snapshot(meddling)
        capture = TorchCapture(meddling, torch.randn(6, 4, generator=torch.Generator().manual_seed(1)))
        assert_same(snapshot(meddling), before)
        with capture.open():
            inside = [capture.batch(torch.ones(6, 4)) for _ in range(3)]
        assert_same(snapshot(meddling), before)
    assert len(inside) == 3 and len(meddling.fired) == 5
    during = meddling.during
    assert during["training"] == {False} and not during["fast_path"] and not during["grad"]
    assert during["autocast"] == (ambient == "autocast")
    assert during["hooks"] == 2


@pytest.mark.parametrize("failure", [RuntimeError("midway"), KeyboardInterrupt(), SystemExit(3)])
def test_the_state_is_preserved_after_a_model_that_raises(meddling, failure):
    capture = TorchCapture(meddling, torch.randn(6, 4))
    meddling.fail = failure
    before = snapshot(meddling)
    with pytest.raises(type(failure)) as caught, capture.open():
        capture.batch(torch.ones(6, 4))
    assert caught.value is failure
    assert_same(snapshot(meddling), before)
    # The next capture works.
    meddling.fail = None
    with capture.open():
        assert capture.batch(torch.ones(6, 4)).values[0].shape == (6, 3)
    after = snapshot(meddling)
    before["objects"] = after["objects"]
    assert_same(after, before)


def test_the_state_is_preserved_when_the_caller_stops_midway(meddling):
    capture = TorchCapture(meddling, torch.randn(6, 4))
    before = snapshot(meddling)
    with pytest.raises(ZeroDivisionError), capture.open():
        capture.batch(torch.ones(6, 4))
        raise ZeroDivisionError
    assert_same(snapshot(meddling), before)


def test_a_model_that_raises_leaves_the_earlier_epochs(run):
    model = networks.seeded(networks.Residual)
    rec = dnnviz.Recorder(run, model, (networks.images(), None), batch_size=4)
    rec.epoch(0)
    before = networks.recorded(run)
    calls = []

    def failing(module, args):
        calls.append(1)
        if len(calls) == 2:
            raise OverflowError("in the second batch")

    handle = model.c.register_forward_pre_hook(failing)
    with pytest.raises(OverflowError, match="in the second batch"):
        rec.epoch(1)
    handle.remove()
    assert sorted(path.name for path in (run / "epochs").iterdir()) == ["000000.safetensors"]
    assert_same(networks.recorded(run), before)
    assert model.training
    rec.epoch(1)
    assert_same(networks.recorded(run, 1), before)


def test_a_capture_between_forward_and_backward_changes_no_gradient():
    model, x = networks.seeded(networks.Cnn), X[:5]
    other = copy.deepcopy(model)
    capture = TorchCapture(model, x)
    torch.manual_seed(7)
    other(x).sum().backward()
    torch.manual_seed(7)
    loss = model(x).sum()
    with capture.open():
        capture.batch(x)
    loss.backward()
    for one, two in zip(model.parameters(), other.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_tensors_that_a_model_keeps_can_be_trained_on():
    """Tensors made in inference mode cannot be used in autograd."""

    class Caching(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.cache = nn.Linear(4, 3), {}

        def forward(self, x):
            if "scale" not in self.cache:
                self.cache["scale"] = torch.full((4,), 2.0)
            return self.fc(x * self.cache["scale"])

    model = networks.seeded(Caching)
    capture = TorchCapture(model, torch.randn(3, 4))
    model.cache.clear()
    with capture.open():
        capture.batch(torch.randn(3, 4))
    assert model.cache
    x = torch.randn(3, 4, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None


def test_weights_cast_by_autocast_before_a_step_are_not_captured():
    model, x = networks.seeded(nn.Linear, 4, 3), torch.ones(5, 4)
    with torch.autocast("cpu", torch.bfloat16):
        capture = TorchCapture(model, x)
        model(x).sum().backward()
        with torch.no_grad():
            model.weight.fill_(2)
            model.bias.zero_()
        with capture.open():
            assert torch.equal(capture.batch(x).values[0], torch.full((5, 3), 8.0))


def test_weights_cast_by_autocast_while_capturing_are_not_trained_on():
    """Autocast caches cast weights; those cast without gradients would get none."""
    model, x = networks.seeded(networks.Residual), X[:5]
    with torch.autocast("cpu", torch.bfloat16):
        capture = TorchCapture(model, x)
        with capture.open():
            capture.batch(x)
        assert torch.is_autocast_cache_enabled()
        model(x)["logits"].sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*")
def test_scripted_parts_keep_their_modes():
    scripted = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5)))
    model = nn.Sequential(scripted, nn.Linear(4, 3))
    scripted[1].eval()
    modes = [module.training for module in model.modules()]
    with pytest.warns(dnnviz.RecordingWarning, match=r"^not recorded: 0 \(TorchScript, which cannot be"):
        TorchCapture(model, torch.randn(5, 4))
    capture = TorchCapture(model, torch.randn(5, 4), exclude="0")
    with capture.open():
        assert not any(module.training for module in model.modules())
        values = capture.batch(torch.ones(5, 4)).values
    assert [module.training for module in model.modules()] == modes
    torch.testing.assert_close(values[0], model[1](scripted[0](torch.ones(5, 4))).detach())


def test_hooks_are_attached_only_while_capturing(meddling):
    def count():
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in meddling.modules())

    before = count()
    capture = TorchCapture(meddling, torch.randn(6, 4))
    assert count() == before
    with capture.open():
        assert count() > before
    assert count() == before


def test_a_second_capture_inside_is_refused(meddling):
    capture = TorchCapture(meddling, torch.randn(6, 4))
    with pytest.raises(dnnviz.RecorderError, match="inside open"):
        capture.batch(torch.ones(6, 4))
    with capture.open(), pytest.raises(dnnviz.RecorderError, match="captured already"), capture.open():
        pass
