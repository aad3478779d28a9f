"""Sparse mixtures: layers that a part of the inputs, or of their positions, reaches."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch_networks as networks
from readers import info, manifest, stats
from torch import nn

import dnnviz
from dnnviz._torch import TorchCapture


class Expert(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.up, self.act, self.down = nn.Linear(width, 6), nn.ReLU(), nn.Linear(6, width)

    def forward(self, x):
        return self.down(self.act(self.up(x)))


class Mixture(nn.Module):
    """Each row goes to the expert that its first element tells, whose parts are gathered as `style` says."""

    def __init__(self, width, experts, style):
        super().__init__()
        self.experts = nn.ModuleList([Expert(width) for _ in range(experts)])
        self.style = style

    def route(self, rows):
        return rows[:, 0].abs().mul(10).long() % len(self.experts)

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        to = self.route(rows)
        if self.style == "sorted":
            order = to.argsort(stable=True)
            counts = torch.bincount(to, minlength=len(self.experts)).tolist()
            parts = rows[order].split(counts)
            parts = [expert(part) for expert, part in zip(self.experts, parts, strict=True)]
            return torch.cat(parts)[order.argsort()].view(x.shape)
        out = torch.zeros_like(rows)
        for number, expert in enumerate(self.experts):
            if self.style == "mask":
                out[to == number] = expert(rows[to == number])
                continue
            index = torch.where(to == number)[0]
            if len(index):
                part = (
                    rows[None, index].reshape(-1, x.shape[-1])
                    if self.style == "loop"
                    else rows.index_select(0, index)
                )
                out.index_add_(0, index, expert(part))
        return out.view(x.shape)


class Network(nn.Module):
    """`x` is `[inputs, width]`, or `[inputs, positions, width]`."""

    def __init__(self, experts=4, style="loop", width=5):
        super().__init__()
        self.embed, self.mixture, self.head = (
            nn.Linear(3, width),
            Mixture(width, experts, style),
            nn.Linear(width, 3),
        )

    def forward(self, x, attention_mask=None):
        x = self.mixture(self.embed(x))
        return self.head(x if x.ndim == 2 else x.mean(1))


STYLES = ["loop", "select", "mask", "sorted"]
SEQUENCES = torch.randn(9, 7, 3, generator=torch.Generator().manual_seed(4))


def reference(model, x, valid=None):
    """For each expert, its values `[inputs, units]` in double precision: the mean over the positions that
    reach it, NaN for inputs of which none does."""
    w = networks.wide(model)
    embedded = model.embed(x).detach()
    to = model.mixture.route(embedded.reshape(-1, embedded.shape[-1])).view(x.shape[:-1])
    wide = x.double() @ w["embed.weight"].T + w["embed.bias"]
    values = {}
    for number in range(len(model.mixture.experts)):
        p = f"mixture.experts.{number}"
        up = (wide @ w[f"{p}.up.weight"].T + w[f"{p}.up.bias"]).clamp(min=0)
        down = up @ w[f"{p}.down.weight"].T + w[f"{p}.down.bias"]
        for name, value in (("up", up), ("down", down)):
            rows = []
            for row in range(len(x)):
                reached = to[row] == number
                if valid is not None:
                    reached = reached & valid[row]
                part = value[row][reached] if x.ndim == 3 else value[row][None][reached[None]]
                rows.append(part.mean(0) if len(part) else torch.full(value.shape[-1:], torch.nan).double())
            values[f"{p}.{name}"] = torch.stack(rows)
    return values


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("form", ["inputs", "positions", "positions with a mask"])
def test_experts_are_recorded_for_what_reaches_them(run, style, form):
    model = networks.seeded(Network, 4, style)
    x = SEQUENCES if form != "inputs" else torch.randn(40, 3, generator=torch.Generator().manual_seed(4))
    inputs, valid = x, None
    if form == "positions with a mask":
        valid = torch.arange(7) < torch.tensor([7, 2, 5, 1, 7, 3, 3, 6, 4])[:, None]
        inputs = {"x": x, "attention_mask": valid.long()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with dnnviz.Recorder(run, model, (inputs, None), batch_size=4) as recorder:
            recorder.epoch(0)
    found = networks.recorded(run)
    expected = reference(model, x, valid)
    assert any(value.isnan().any() for value in expected.values())
    networks.assert_values({name: found[name] for name in expected}, expected)
    assert "not_finite" not in manifest(run)["epochs"][0]
    names = [layer["name"] for layer in manifest(run)["layers"]]
    assert names == ["embed", *expected, "head"]
    texts = {layer["name"]: layer["text"] for layer in manifest(run)["layers"]}
    assert texts["mixture.experts.2.up"].endswith(
        "recorded for the inputs that reach it\nrecorded after ReLU"
    )


def test_an_expert_that_no_input_of_the_probe_reaches_is_recorded_later(run):
    """The first inputs go to one of eight experts; later ones go to others."""

    class Steered(Network):
        def __init__(self):
            super().__init__(8, "loop", 3)
            nn.init.eye_(self.embed.weight)
            nn.init.zeros_(self.embed.bias)

    model, x = networks.seeded(Steered), torch.rand(12, 3)
    x[:, 0] = torch.tensor([2, 2, 2, 2, 0, 1, 3, 2, 5, 5, 5, 3]) / 10 + 0.05
    capture = TorchCapture(model, x)
    experts = [layer.name for layer in capture.layers[1:-1]]
    assert experts == [f"mixture.experts.{number}.{part}" for number in range(8) for part in ("up", "down")]
    assert len({layer.text for layer in capture.layers[1:-1:2]}) == 1
    nodes = [*(layer.name for layer in capture.layers), *capture.joints]
    edges = {(nodes[a], nodes[b]) for a, b in capture.edges}
    assert capture.joints == ["add"] and ("add", "head") in edges
    for number in range(8):
        p = f"mixture.experts.{number}"
        assert {("embed", f"{p}.up"), (f"{p}.up", f"{p}.down"), (f"{p}.down", "add")} <= edges
    dnnviz.Recorder(run, model, (x, None), batch_size=5).epoch(0)
    networks.assert_values({name: networks.recorded(run)[name] for name in experts}, reference(model, x))
    assert info(run)["warnings"] == []


def test_statistics_of_experts_are_those_of_the_inputs_that_reach_them(run):
    model, labels = networks.seeded(Network), np.arange(9) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dnnviz.Recorder(run, model, (SEQUENCES, labels), batch_size=4, keep=0).epoch(0)
    assert "not_finite" not in manifest(run)["epochs"][0]
    shown = dict(
        zip(
            [layer["name"] for layer in manifest(run)["layers"]],
            stats(run, "--select", "class:1"),
            strict=True,
        )
    )
    for name, values in reference(model, SEQUENCES).items():
        expected = np.nanmean(values.numpy()[labels == 1], axis=0)
        np.testing.assert_allclose(shown[name], expected, rtol=1e-4, atol=1e-5)


def test_a_value_that_is_not_finite_is_still_counted(run):
    model, x = networks.seeded(Network), SEQUENCES[:, 0]
    with dnnviz.Recorder(run, model, (x, None)) as recorder:
        model.mixture.experts[1].up.bias.data[0] = torch.inf
        with pytest.warns(
            dnnviz.RecordingWarning, match=r"values are NaN or infinite in mixture.experts.1.up \("
        ):
            recorder.epoch(0)
    reached = ~reference(model, x)["mixture.experts.1.up"].isnan().all(1)
    assert manifest(run)["epochs"][0]["not_finite"]["mixture.experts.1.up"] == int(reached.sum()) < 9


def test_rows_in_another_order_are_assigned_to_their_inputs(run):
    """Sorted by length and back, as before a packed sequence; and halves that take different ways."""

    class Sorting(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.left, self.right = nn.Linear(3, 4), nn.Linear(4, 2), nn.Linear(4, 2)

        def forward(self, x):
            order = x[:, 0].argsort()
            y = self.fc(x[order])[order.argsort()]
            half = len(x) // 2
            return torch.cat([self.left(y[:half]), self.right(y[half:])])

    model, x = networks.seeded(Sorting), torch.randn(6, 3)
    dnnviz.Recorder(run, model, (x, None)).epoch(0)
    found, w = networks.recorded(run), networks.wide(model)
    fc = x.double() @ w["fc.weight"].T + w["fc.bias"]
    torch.testing.assert_close(found["fc"].double(), fc, rtol=2e-5, atol=2e-6)
    left = fc[:3] @ w["left.weight"].T + w["left.bias"]
    torch.testing.assert_close(found["left"][:3].double(), left, rtol=2e-5, atol=2e-6)
    assert found["left"][3:].isnan().all() and found["right"][:3].isnan().all()


def test_an_unused_head_beside_a_used_one_is_no_expert():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ModuleList([nn.Linear(3, 2), nn.Linear(3, 2)])

        def forward(self, x):
            return self.heads[1](F.relu(x))

    with pytest.warns(dnnviz.RecordingWarning, match=r"^not recorded: heads\.0 \(not called"):
        capture = TorchCapture(networks.seeded(Heads), torch.randn(5, 3))
    assert [layer.name for layer in capture.layers] == ["heads.1"]


@pytest.mark.parametrize("positions", ["first", "last", 2, -2, slice(1, 4)])
def test_positions_are_chosen_among_those_that_reach_an_expert(positions):
    class Tokens(Network):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(20, 5)

    ids = torch.randint(0, 20, (9, 7), generator=torch.Generator().manual_seed(2))
    valid = torch.arange(7) < torch.tensor([7, 2, 5, 1, 7, 3, 3, 6, 4])[:, None]
    model = networks.seeded(Tokens)
    capture = TorchCapture(model, {"x": ids, "attention_mask": valid}, positions=positions)
    with capture.open():
        batch = capture.batch({"x": ids, "attention_mask": valid})
    values = {layer.name: value for layer, value in zip(capture.layers, batch.values, strict=True)}
    to = model.mixture.route(model.embed(ids).detach().view(-1, 5)).view(9, 7)
    for row in range(9):
        known = valid[row].nonzero()[:, 0].tolist()
        chosen = (
            {"first": known[:1], "last": known[-1:]}.get(positions) if isinstance(positions, str) else None
        )
        if chosen is None:
            chosen = (
                [at for at in range(7)[positions] if at in known]
                if isinstance(positions, slice)
                else [range(7)[positions]]
            )
        for number in range(4):
            reached = [at for at in chosen if to[row, at] == number]
            found = values[f"mixture.experts.{number}.up"][row]
            if not reached:
                assert found.isnan().all()
                continue
            with torch.no_grad():
                expected = F.relu(model.mixture.experts[number].up(model.embed(ids[row, reached]))).mean(0)
            torch.testing.assert_close(found, expected, rtol=2e-5, atol=2e-6)
