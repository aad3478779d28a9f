"""Recorded values of PyTorch models, against independent computations."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest
import torch
import torch_networks as networks
from readers import manifest
from torch import nn

import dnnviz
from dnnviz._torch import TorchCapture

TOKENS = torch.arange(11 * 7).view(11, 7) % 11
SEQUENCES = torch.randn(11, 6, 4, generator=torch.Generator().manual_seed(2))
CASES = {
    "cnn": (networks.Cnn, (), networks.images(), networks.cnn_reference),
    "residual": (networks.Residual, (), networks.images(), networks.residual_reference),
    "transformer": (networks.Transformer, (True,), TOKENS, networks.transformer_reference),
    "transformer, positions first": (networks.Transformer, (False,), TOKENS, networks.transformer_reference),
    "lstm": (networks.Lstm, (True,), SEQUENCES, networks.lstm_reference),
    "lstm, positions first": (networks.Lstm, (False,), SEQUENCES, networks.lstm_reference),
}
#: Relative and absolute precision: f32 sums of some hundred terms; half floats; bfloat16.
PRECISION = {"float32": (2e-5, 2e-6), "float16": (1e-3, 1e-5), "bfloat16": (8e-3, 1e-5)}


@pytest.mark.parametrize("dtype", PRECISION)
@pytest.mark.parametrize("case", CASES)
def test_recorded_values_equal_an_independent_pass_in_double_precision(run, case, dtype):
    make, arguments, x, reference = CASES[case]
    model = networks.seeded(make, *arguments)
    expected, output = reference(model, x)
    classes = [f"class {index}" for index in range(output.shape[1])]
    # The last batch is smaller than the others.
    with dnnviz.Recorder(
        run, model, (x, networks.labels()), batch_size=4, dtype=dtype, classes=classes
    ) as rec:
        rec.epoch(0)
    values = networks.recorded(run)
    assert list(values) == list(expected)
    relative, absolute = PRECISION[dtype]
    for name, value in expected.items():
        torch.testing.assert_close(
            values[name].double(),
            value,
            rtol=relative,
            atol=absolute,
            msg=lambda text, name=name: f"{name}: {text}",
        )
    assert torch.equal(networks.stored(run)["predictions"], output.argmax(1))


def values_of(model, x, **options):
    capture = TorchCapture(model, x, **options)
    with capture.open():
        batch = capture.batch(x)
    return (
        capture,
        {layer.name: value for layer, value in zip(capture.layers, batch.values, strict=True)},
        batch,
    )


def test_maps_are_recorded_after_the_activation(run):
    model, x = networks.seeded(networks.Cnn), networks.images()
    capture = TorchCapture(model, x)
    with capture.open():
        batch = capture.batch(x, map_rows=[2, 5])
    weights = networks.wide(model)
    rows = torch.nn.functional.conv2d(
        x[[2, 5]].double(), weights["conv1.weight"], weights["conv1.bias"], padding=1
    )
    expected = networks.normalised(rows, weights, "bn1").clamp(min=0)
    assert [capture.layers[layer].name for layer, _ in batch.maps] == ["conv1", "conv2", "conv3"]
    torch.testing.assert_close(batch.maps[0][1].double(), expected, rtol=2e-5, atol=2e-6)


def test_positions_can_be_kept():
    model = networks.seeded(networks.Lstm, True)
    capture, values, _ = values_of(model, SEQUENCES, positions="keep")
    expected = networks.lstm_outputs(networks.wide(model), SEQUENCES.double())
    torch.testing.assert_close(values["lstm"].double(), expected.flatten(1), rtol=2e-5, atol=2e-6)
    layer = capture.layers[0]
    assert (layer.units, layer.shape, layer.reduction) == (30, (6, 5), "none")


def test_packed_sequences_are_averaged_over_their_own_positions():
    lengths = torch.tensor([3, 6, 1, 4])

    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(4, 5, batch_first=True)

        def forward(self, x, lengths):
            packed = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
            return self.lstm(packed)[1][0][-1]

    model, x = networks.seeded(Packed), SEQUENCES[:4]
    _, values, _ = values_of(model, (x, lengths))
    outputs = networks.lstm_outputs(networks.wide(model), x.double())
    expected = torch.stack([outputs[row, :length].mean(0) for row, length in enumerate(lengths.tolist())])
    torch.testing.assert_close(values["lstm"].double(), expected, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("by_input", [True, False])
def test_rows_folded_into_the_batch_are_averaged_per_input(by_input):
    """Windows of an input, as in shifted-window networks; or two views, one batch after the other."""

    class Folding(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x):
            return self.fc(x.reshape(-1, 4) if by_input else torch.cat([x[:, :4], x[:, 4:]])).sum()

    model, x = networks.seeded(Folding), torch.randn(5, 8)
    capture, values, _ = values_of(model, x)
    weights = networks.wide(model)
    rows = x.double().view(5, 2, 4) @ weights["fc.weight"].T + weights["fc.bias"]
    torch.testing.assert_close(values["fc"].double(), rows.mean(1), rtol=2e-5, atol=2e-6)
    assert (capture.layers[0].shape, capture.layers[0].reduction) == ((2, 3), "sequence-mean")


def test_an_output_that_is_the_same_for_all_inputs_is_repeated():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.places = nn.Embedding(6, 4)
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            return self.fc((x + self.places(torch.arange(6))).mean(1))

    model = networks.seeded(Positions)
    _, values, _ = values_of(model, SEQUENCES)
    mean = model.places.weight.double().mean(0)
    torch.testing.assert_close(values["places"].double(), mean.expand(11, -1), rtol=1e-6, atol=1e-7)


@dataclass
class Output:
    note: str
    state: torch.Tensor


Pair = namedtuple("Pair", "first second")


@pytest.mark.parametrize(
    "wrap",
    [
        lambda y: (y, y + 1),
        lambda y: Pair(y, y + 1),
        lambda y: {"extra": y + 1, "logits": y},
        lambda y: {"hidden_states": (y + 1,), "last_hidden_state": y},
        lambda y: Output("named", y),
        lambda y: [None, [y]],
    ],
)
def test_the_main_tensor_of_any_output_is_recorded(wrap):
    class Wrapping(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, x):
            return wrap(self.fc(x))

    model, x = networks.seeded(Wrapping), torch.randn(5, 4)
    _, values, batch = values_of(nn.Sequential(model), x, layers="0")
    expected = x.double() @ model.fc.weight.double().T + model.fc.bias.double()
    torch.testing.assert_close(values["0"].double(), expected, rtol=2e-5, atol=2e-6)
    scores = batch.output.scores[0].values
    assert scores.shape[1] == 3 and torch.equal(scores.argmax(1), expected.argmax(1))


def test_several_arguments_and_named_ones_reach_the_model():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 3)

        def forward(self, left, right=None):
            return self.fc(left - right)

    model, left, right = networks.seeded(Two), torch.randn(5, 4), torch.randn(5, 4)
    weights = networks.wide(model)
    expected = (left - right).double() @ weights["fc.weight"].T + weights["fc.bias"]
    for inputs in (
        (left, right),
        {"right": right, "left": left},
        (left.double().numpy(), right.double().numpy()),
    ):
        _, values, _ = values_of(model, inputs)
        torch.testing.assert_close(values["fc"].double(), expected, rtol=2e-5, atol=2e-6)


def test_a_model_in_double_precision_keeps_it():
    model = networks.seeded(networks.Cnn).double()
    x = networks.images().double()
    expected, _ = networks.cnn_reference(model, x)
    capture, values, _ = values_of(model, x)
    assert {layer.dtype for layer in capture.layers} == {"float64"}
    for name, value in expected.items():
        torch.testing.assert_close(values[name], value, rtol=1e-12, atol=1e-13)


def test_under_autocast_half_activations_are_averaged_in_single_precision():
    conv = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(conv.weight)
    # One 300 and 4095 ones: in bfloat16 a running sum would stop at 256.
    x = torch.ones(3, 1, 64, 64)
    x[:, 0, 0, 0] = 300
    with torch.autocast("cpu", torch.bfloat16):
        capture, values, _ = values_of(nn.Sequential(conv), x)
    assert capture.layers[0].dtype == "bfloat16"
    assert values["0"].dtype == torch.float32
    torch.testing.assert_close(
        values["0"].double(), torch.full((3, 1), 4395 / 4096, dtype=torch.float64), rtol=1e-5, atol=0
    )


def test_complex_outputs_are_recorded_as_magnitudes():
    class Fourier(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4))

        def forward(self, x):
            return torch.fft.fft(x * self.weight)

    model, x = networks.seeded(Fourier), torch.randn(3, 4)
    capture, values, _ = values_of(nn.Sequential(model), x)
    expected = np.abs(np.fft.fft(x.double().numpy() * model.weight.detach().double().numpy()))
    np.testing.assert_allclose(values["0"].numpy(), expected, rtol=1e-5, atol=1e-6)
    assert capture.layers[0].text.endswith("recorded as magnitude")


def test_whole_numbers_are_recorded():
    class Codes(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return (x * self.weight).round().long()

    x = torch.tensor([[1.2, 7.9], [3.0, -4.0], [0.0, 2.0]])
    _, values, _ = values_of(nn.Sequential(Codes()), x)
    assert torch.equal(values["0"], torch.tensor([[1.0, 8.0], [3.0, -4.0], [0.0, 2.0]]))


def test_values_beyond_half_floats_are_stored_as_float32_with_one_warning(run):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Linear(2, 2, bias=False))
    nn.init.eye_(model[0].weight)
    nn.init.eye_(model[1].weight)
    model[1].weight.data *= 1e-3
    x = torch.tensor([[1.0, 2.0], [3.0, 1e5]])
    rec = dnnviz.Recorder(run, model, (x, None), dtype="float16")
    with pytest.warns(dnnviz.RecordingWarning, match="^0: values beyond the range of half floats") as caught:
        rec.epoch(0)
        rec.epoch(1)
    assert len(caught) == 1
    assert torch.equal(networks.recorded(run)["0"], x)
    assert networks.recorded(run)["1"].dtype == torch.float16


def test_nan_and_infinity_are_recorded_and_counted(run):
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU(), nn.Linear(2, 3, bias=False))
    nn.init.eye_(model[0].weight)
    x = torch.tensor([[1.0, 2.0], [np.nan, 1.0], [np.inf, 3.0]])
    with pytest.warns(dnnviz.RecordingWarning, match=r"epoch 4: values are NaN or infinite in 0 \("):
        dnnviz.Recorder(run, model, (x, None)).epoch(4)
    counts = manifest(run)["epochs"][0]["not_finite"]
    first = networks.recorded(run, 4)["0"]
    assert counts["0"] == int((~first.isfinite()).sum()) >= 2
    assert torch.equal(first[0], x[0])


@pytest.mark.parametrize("views", [True, False])
def test_inplace_changes_after_a_layer_do_not_change_its_values(views):
    class Overwriting(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x):
            y = self.a(x)
            z = self.b(y)
            (y[:, 1:] if views else y).zero_()
            return z

    model = networks.seeded(Overwriting)
    capture = TorchCapture(model, torch.randn(3, 4))
    with capture.open():
        for _ in range(2):
            x = torch.randn(5, 4)
            expected = x.double() @ model.a.weight.double().T + model.a.bias.double()
            torch.testing.assert_close(
                capture.batch(x).values[0].double(), expected.detach(), rtol=2e-5, atol=2e-6
            )
