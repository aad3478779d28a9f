"""Positions of sequences: padding that a mask tells is left out, and single positions are chosen."""

import warnings

import numpy as np
import pytest
import torch
import torch_networks as networks
from readers import info, manifest, stats
from torch import nn

import dnnviz
from dnnviz import Recorder, RecorderError
from dnnviz._torch import TorchCapture

TOKENS = torch.randint(1, 11, (9, 7), generator=torch.Generator().manual_seed(5))
LENGTHS = torch.tensor([7, 2, 5, 1, 7, 3, 3, 6, 4])
VALID = torch.arange(7) < LENGTHS[:, None]
#: Padding on the left, in the middle, and an input that is nothing else.
ODD = torch.tensor([[0, 0, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0, 1], [0] * 7] * 3).bool()


class Encoder(nn.Module):
    """A transformer that does not attend to padding, one linear layer on folded positions, a convolution over
    positions."""

    def __init__(self):
        super().__init__()
        self.embed, self.places = nn.Embedding(11, 8), nn.Embedding(7, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 12, dropout=0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.folded, self.conv, self.head = nn.Linear(8, 5), nn.Conv1d(8, 6, 3, padding=1), nn.Linear(5, 3)

    def forward(self, input_ids, attention_mask=None):
        x = self.embed(input_ids) + self.places(torch.arange(input_ids.shape[1]))
        padding = None if attention_mask is None else ~attention_mask.bool()
        x = self.encoder(x, src_key_padding_mask=padding)
        self.conv(x.transpose(1, 2))
        return self.head(self.folded(x.flatten(0, 1)).view(*x.shape[:2], -1)[:, 0])


LAYERS = [
    "embed", "places", "encoder.layers.0.self_attn", "encoder.layers.0.linear1", "encoder.layers.0.linear2",
    "conv", "folded", "head",
]  # fmt: skip


def outputs(model, *arguments):
    """The whole outputs `[inputs, positions, units]` of every layer; after the activation of `linear1`."""
    found, handles = {}, []

    def hook(name, output):
        found[name] = output[0] if isinstance(output, tuple) else output

    for name in LAYERS:
        module = model.get_submodule(name)
        handles.append(module.register_forward_hook(lambda _m, _a, output, name=name: hook(name, output)))
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    with torch.no_grad():
        model.eval()(*arguments)
    torch.backends.mha.set_fastpath_enabled(fast)
    for handle in handles:
        handle.remove()
    inputs, positions = arguments[0].shape
    found["places"] = found["places"].expand(inputs, positions, -1)
    found["folded"] = found["folded"].view(inputs, positions, -1)
    found["conv"] = found["conv"].transpose(1, 2)
    found["encoder.layers.0.linear1"] = found["encoder.layers.0.linear1"].relu()
    return {name: value.double() for name, value in found.items()}


def masked(value, valid):
    return (value * valid[:, :, None]).sum(1) / valid.sum(1, keepdim=True)


@pytest.mark.parametrize("mask", [VALID, VALID.long(), VALID.float().numpy(), ODD[:9]])
@pytest.mark.parametrize("form", ["dict", "tuple"])
def test_means_leave_out_padding(run, mask, form):
    model = networks.seeded(Encoder)
    mask_tensor = torch.as_tensor(mask)
    inputs = {"input_ids": TOKENS, "attention_mask": mask} if form == "dict" else (TOKENS, mask)
    with warnings.catch_warnings():
        # An input that is all padding has no value, which is not a value that is not finite.
        warnings.simplefilter("error" if mask_tensor.any(1).all() else "ignore")
        with Recorder(run, model, (inputs, None), batch_size=4) as recorder:
            recorder.epoch(0)
    whole = outputs(model, TOKENS, mask_tensor)
    expected = {name: masked(value, mask_tensor.bool()) for name, value in whole.items() if name != "head"}
    found = networks.recorded(run)
    del found["head"]
    if not mask_tensor.any(1).all():
        # The attention of an input without positions is not finite; its values are not recorded.
        assert "embed" not in manifest(run)["epochs"][0].get("not_finite", {})
        assert found["embed"][2::3].isnan().all()
        found, expected = ({n: v[[0, 1, 3, 4, 6, 7]] for n, v in one.items()} for one in (found, expected))
    networks.assert_values(found, expected)


def test_without_a_mask_all_positions_are_averaged(run):
    model = networks.seeded(Encoder)
    Recorder(run, model, (TOKENS, None)).epoch(0)
    expected = {
        name: value.mean(1) if name != "head" else value for name, value in outputs(model, TOKENS).items()
    }
    networks.assert_values(networks.recorded(run), expected)


def test_batches_of_different_lengths_have_masks_of_their_own(run):
    model = networks.seeded(Encoder)
    model.places = nn.Embedding(12, 8)
    batches = [
        {"input_ids": TOKENS[:4], "attention_mask": VALID[:4]},
        {"input_ids": TOKENS[4:, :5], "attention_mask": VALID[4:, :5]},
    ]
    Recorder(run, model, batches, keep=9).epoch(0)
    parts = [outputs(model, batch["input_ids"], batch["attention_mask"]) for batch in batches]
    for name in LAYERS[:-1]:
        expected = torch.cat(
            [masked(part[name], batch["attention_mask"]) for part, batch in zip(parts, batches, strict=True)]
        )
        torch.testing.assert_close(networks.recorded(run)[name].double(), expected, rtol=2e-5, atol=2e-6)


def test_statistics_leave_out_padding(run):
    model = networks.seeded(Encoder)
    inputs = {"input_ids": TOKENS, "attention_mask": VALID}
    Recorder(run, model, (inputs, np.arange(9) % 2), keep=0, batch_size=4).epoch(0)
    expected = masked(outputs(model, TOKENS, VALID)["conv"], VALID)[1::2].mean(0)
    np.testing.assert_allclose(stats(run, "--select", "class:1")[5], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("positions", "mask", "choose"),
    [
        ("first", None, lambda value: value[:, 0]),
        ("last", None, lambda value: value[:, -1]),
        ("first", ODD, lambda value: value[torch.arange(9), torch.tensor([2, 0, 0] * 3)]),
        ("last", VALID, lambda value: value[torch.arange(9), LENGTHS - 1]),
        (0, VALID, lambda value: value[:, 0]),
        (np.int64(3), VALID, lambda value: value[:, 3]),
        (-1, VALID, lambda value: value[:, -1]),
        (slice(1, None), None, lambda value: value[:, 1:].mean(1)),
        (slice(-4, None, 2), None, lambda value: value[:, -4::2].mean(1)),
        (slice(0, 3), VALID, lambda value: masked(value[:, :3], VALID[:, :3])),
    ],
)
def test_positions_are_chosen(run, positions, mask, choose):
    model = networks.seeded(Encoder)
    inputs = TOKENS if mask is None else {"input_ids": TOKENS, "attention_mask": mask}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Recorder(run, model, (inputs, None), batch_size=4, positions=positions).epoch(0)
    whole = outputs(model, *(TOKENS,) if mask is None else (TOKENS, mask))
    found = networks.recorded(run)
    rows = [0, 1, 3, 4, 6, 7] if mask is ODD else list(range(9))
    for name in set(LAYERS) - {"conv", "head"}:
        torch.testing.assert_close(
            found[name][rows].double(),
            choose(whole[name])[rows],
            rtol=2e-5,
            atol=2e-6,
            msg=lambda text, name=name: f"{name}: {text}",
        )
    # A convolution over positions has feature maps, not positions.
    conv = whole["conv"].mean(1) if mask is None else masked(whole["conv"], mask)
    torch.testing.assert_close(found["conv"][rows].double(), conv[rows], rtol=2e-5, atol=2e-6)
    layers = {layer["name"]: layer for layer in manifest(run)["layers"]}
    is_mean = isinstance(positions, slice)
    assert layers["embed"]["reduction"] == ("sequence-mean" if is_mean else "none")
    assert layers["embed"]["shape"] == ([7, 8] if is_mean else [8])
    assert (
        f"positions={int(positions) if not isinstance(positions, (str, slice)) else positions!r}"
        in layers["embed"]["text"]
    )
    assert layers["head"]["reduction"] == "none" and info(run)["warnings"] == []


def test_layers_without_the_position_are_left_out_unless_they_are_named(run):
    class Pooling(nn.Module):
        def __init__(self):
            super().__init__()
            self.long, self.short = nn.Linear(4, 5), nn.Linear(5, 3)

        def forward(self, x):
            return self.short(self.long(x)[:, ::3])

    model, x = networks.seeded(Pooling), torch.randn(5, 7, 4)
    with pytest.warns(
        dnnviz.RecordingWarning, match=r"short \(has 3 positions; positions=5 is none of them\)"
    ):
        capture = TorchCapture(model, x, positions=5)
    assert [layer.name for layer in capture.layers] == ["long"]
    with pytest.raises(
        RecorderError, match=r"^layer short has 3 positions; positions=5 is none of them; take"
    ):
        TorchCapture(model, x, positions=5, layers="short")
    with (
        capture.open(),
        pytest.raises(RecorderError, match="layer long has 4 positions; positions=5 is none"),
    ):
        capture.batch(x[:, :4])


class Both(nn.Module):
    """An encoder and a decoder with sequences of the same length."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(11, 4)
        self.encoder, self.decoder = nn.Linear(4, 4), nn.Linear(4, 4)
        self.cross = nn.Linear(4, 4)

    def forward(self, input_ids, decoder_input_ids, attention_mask=None, decoder_attention_mask=None):
        states = self.encoder(self.embed(input_ids))
        x = self.decoder(self.embed(decoder_input_ids))
        keys = self.cross(states)
        return (torch.softmax(x @ keys.transpose(1, 2), -1) @ states).mean(1)


def test_each_mask_belongs_to_its_own_input(run):
    model = networks.seeded(Both)
    other = VALID.flip(0)
    inputs = {
        "input_ids": TOKENS,
        "decoder_input_ids": TOKENS.flip(1),
        "attention_mask": VALID,
        "decoder_attention_mask": other,
    }
    Recorder(run, model, (inputs, None), batch_size=4).epoch(0)
    found, w = networks.recorded(run), networks.wide(model)

    def linear(name, x):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    one, two = w["embed.weight"][TOKENS], w["embed.weight"][TOKENS.flip(1)]
    expected = {
        "embed": masked(one, VALID),
        "encoder": masked(linear("encoder", one), VALID),
        "embed:2": masked(two, other),
        "decoder": masked(linear("decoder", two), other),
        "cross": masked(linear("cross", linear("encoder", one)), VALID),
    }
    networks.assert_values(found, expected)
    without = {name: value for name, value in inputs.items() if name != "decoder_attention_mask"}
    Recorder(run.with_name("other"), model, (without, None), batch_size=4).epoch(0)
    expected |= {"embed:2": two.mean(1), "decoder": linear("decoder", two).mean(1)}
    networks.assert_values(networks.recorded(run.with_name("other")), expected)


def test_a_key_padding_mask_is_true_at_padding(run):
    class Masked(Both):
        def forward(self, src, src_key_padding_mask):
            return self.encoder(self.embed(src))

    model = networks.seeded(Masked)
    Recorder(run, model, ((TOKENS, ~VALID), None), exclude=["decoder", "cross"]).epoch(0)
    expected = masked(networks.wide(model)["embed.weight"][TOKENS], VALID)
    torch.testing.assert_close(networks.recorded(run)["embed"].double(), expected, rtol=2e-5, atol=2e-6)


# Arrays.

VALUES = np.random.default_rng(3).normal(size=(9, 7, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("positions", "mask", "choose"),
    [
        ("mean", VALID, lambda value: masked(value, VALID)),
        ("keep", None, lambda value: value.flatten(1)),
        ("first", None, lambda value: value[:, 0]),
        ("last", VALID.numpy().astype(int), lambda value: value[torch.arange(9), LENGTHS - 1]),
        (-2, None, lambda value: value[:, -2]),
        (slice(1, 5), None, lambda value: value[:, 1:5].mean(1)),
        ("mean", ODD, lambda value: masked(value, ODD)),
    ],
)
@pytest.mark.parametrize("keep", [None, 4])
def test_positions_of_arrays(run, positions, mask, choose, keep):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Recorder(run, positions=positions, keep=keep, classes=["a"]) as recorder:
            for part in (slice(0, 5), slice(5, 9)):
                recorder.layer("words", VALUES[part], mask=None if mask is None else mask[part])
                recorder.layer("dense", VALUES[part, 0])
            recorder.epoch(0)
    expected = choose(torch.from_numpy(VALUES).double())
    found = networks.recorded(run)["words"]
    torch.testing.assert_close(found.double(), expected[: keep or 9], rtol=2e-5, atol=2e-6, equal_nan=True)
    layer = manifest(run)["layers"][0]
    assert layer["units"] == expected.shape[1]
    assert layer["reduction"] == (
        "sequence-mean" if positions == "mean" or isinstance(positions, slice) else "none"
    )
    assert "not_finite" not in manifest(run)["epochs"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"array": VALUES, "mask": VALID[:, :6]},
            r"layer x: mask= has the shape \[9, 6\]; give \[9, 7\], true or 1",
        ),
        ({"array": VALUES[:, 0], "mask": VALID}, "layer x has no positions for mask="),
        ({"array": VALUES, "mask": VALID, "kind": "feature-map"}, "layer x has no positions for mask="),
    ],
)
def test_masks_that_do_not_fit_are_refused(run, arguments, message):
    with Recorder(run) as recorder, pytest.raises(RecorderError, match=message):
        recorder.layer("x", **arguments)


def test_a_position_that_an_array_lacks_is_refused(run):
    message = r"^layer x has 7 positions; positions=7 is none of them$"
    with Recorder(run, positions=7) as recorder, pytest.raises(RecorderError, match=message):
        recorder.layer("x", VALUES)
