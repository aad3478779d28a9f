"""Predictions: found in outputs of any form, or read by a function of the user's."""

import warnings

import numpy as np
import pytest
import torch
import torch_networks as networks
from networks import NAMES, Network, data
from readers import epoch
from torch import nn

import dnnviz
from dnnviz import Recorder, RecorderError, RecordingWarning

X = torch.randn(32, 4, generator=torch.Generator().manual_seed(3))


class Wrapped(nn.Module):
    """Two layers whose output is made of features `[n, 6]` and scores `[n, classes]`."""

    def __init__(self, classes, wrap):
        super().__init__()
        self.hidden, self.scores, self.wrap = nn.Linear(4, 6), nn.Linear(6, classes), wrap

    def forward(self, x):
        h = self.hidden(x)
        return self.wrap(h, self.scores(h))


def scores(model):
    """The scores in double precision."""
    w = networks.wide(model)
    hidden = X.double() @ w["hidden.weight"].T + w["hidden.bias"]
    return hidden @ w["scores.weight"].T + w["scores.bias"]


def predicted(run, model, labels, accuracy=None, **options):
    """Records an epoch without warnings; returns the predictions, `None` if there are none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with Recorder(run, model, (X, labels), batch_size=7, **options) as recorder:
            recorder.epoch(0, accuracy=accuracy)
    found = epoch(run, 0).get("predictions")
    return None if found is None else found.tolist()


LOGITS = [
    lambda h, s: s,
    lambda h, s: s[:, 0],
    lambda h, s: {"features": h, "logit": s},
    lambda h, s: (s.squeeze(1), h.unsqueeze(1)),
]
PROBABILITIES = [
    lambda h, s: torch.sigmoid(s),
    lambda h, s: s.sigmoid().squeeze(1),
    lambda h, s: nn.Sigmoid()(s)[:, 0],
    lambda h, s: (s.clone().sigmoid_().double(), h),
    lambda h, s: {"p": nn.functional.sigmoid(s).view(-1), "features": h},
]


@pytest.mark.parametrize("wrap", LOGITS + PROBABILITIES)
@pytest.mark.parametrize("ids", [(0, 1), (3, 8)])
def test_one_number_is_the_second_class_above_zero_or_one_half(run, wrap, ids):
    model = networks.seeded(Wrapped, 1, wrap)
    expected = np.where(scores(model)[:, 0] > 0, ids[1], ids[0])
    assert 5 < (expected == ids[0]).sum() < 27
    # Half of the labels are right.
    assert predicted(run, model, expected, accuracy=1.0) == expected.tolist()


def test_one_number_per_input_of_other_classes_is_no_prediction(run):
    model = networks.seeded(Wrapped, 1, lambda h, s: s)
    assert predicted(run, model, np.arange(32) % 3) is None
    assert predicted(run.with_name("none"), model, None) is None


def test_a_number_that_is_not_finite_predicts_nothing(run):
    model = nn.Sequential(nn.Linear(1, 1, bias=False))
    x = torch.tensor([[1.0], [-1.0], [torch.nan]])
    nn.init.ones_(model[0].weight)
    with pytest.warns(RecordingWarning, match="NaN or infinite"):
        Recorder(run, model, (x, [0, 1, 1])).epoch(0)
    assert epoch(run, 0)["predictions"].tolist() == [1, 0, -1]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda h, s: {"features": h, "pred": s},
        lambda h, s: (h, s),
        lambda h, s: [h, {"deep": (h.unsqueeze(1), s)}],
        lambda h, s: (h[:, :1], s, h.sum()),
        lambda h, s: {"features": h, "logits": s, "copy": s * 2},
        lambda h, s: {"loss": s.mean(), "logits": s},
    ],
)
def test_of_several_outputs_the_scores_are_those_with_a_column_for_each_class(run, wrap):
    model = networks.seeded(Wrapped, 3, wrap)
    expected = scores(model).argmax(1)
    assert predicted(run, model, expected, accuracy=1.0) == expected.tolist()


@pytest.mark.parametrize(
    ("wrap", "message"),
    [
        (
            lambda h, s: (s, s + 1),
            r"outputs 0 \(3 columns\), 1 \(3 columns\); several of them have a column for each of the 3",
        ),
        (
            lambda h, s: {"features": h, "codes": h[:, :5]},
            r"outputs features \(6 columns\), codes \(5 columns\); none of them has a column for each of",
        ),
    ],
)
def test_outputs_that_are_not_clear_ask_for_a_function(run, wrap, message):
    model = networks.seeded(Wrapped, 3, wrap)
    with pytest.raises(RecorderError, match=message + r".*predictions=.*predictions=False"):
        Recorder(run, model, (X, np.arange(32) % 3))
    assert not run.exists()
    assert predicted(run, model, np.arange(32) % 3, predictions=False) is None
    # Without stored values or classes there are no predictions to read.
    Recorder(run.with_name("statistics"), model, (X, np.arange(32) % 3), keep=0).epoch(0)
    Recorder(run.with_name("unlabelled"), model, (X, None)).epoch(0)


def test_one_output_of_more_columns_than_classes_has_the_ids_as_columns(run):
    model = networks.seeded(Wrapped, 9, lambda h, s: s)
    labels = np.where(np.arange(32) % 2, 7, 2)
    expected = scores(model).argmax(1).numpy()
    assert predicted(run, model, labels) == np.where(np.isin(expected, [2, 7]), expected, -1).tolist()


def test_one_output_of_fewer_columns_than_classes_is_no_prediction(run):
    assert predicted(run, networks.seeded(Wrapped, 4, lambda h, s: s), np.arange(32) % 6) is None


def test_features_beside_a_sequence_are_no_scores(run):
    """As of an encoder whose second output is wider than the classes are many."""
    model = networks.seeded(
        Wrapped, 3, lambda h, s: {"last_hidden_state": h.unsqueeze(1), "pooler_output": h}
    )
    assert predicted(run, model, np.arange(32) % 3) is None


FUNCTIONS = [
    lambda output: output["b"].argmax(1),
    lambda output: output["b"],
    lambda output: output["b"].argmax(1).tolist(),
    lambda output: output["b"].argmax(1, keepdim=True).double().numpy(),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reads_the_predictions(run, function):
    model = networks.seeded(Wrapped, 3, lambda h, s: {"a": h, "b": s})
    expected = scores(model).argmax(1)
    assert predicted(run, model, expected, accuracy=1.0, predictions=function) == expected.tolist()


def test_ids_of_a_function_that_are_no_classes_are_none(run):
    model = networks.seeded(Wrapped, 3, lambda h, s: s)
    function = lambda output: torch.arange(len(output)) % 4 - 1  # noqa: E731
    with Recorder(run, model, (X, np.arange(32) % 2), predictions=function) as recorder:
        recorder.epoch(0)
    assert epoch(run, 0)["predictions"].tolist() == [-1, 0, 1, -1] * 8


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            lambda output: {}[output],
            r"predictions= raised \w+: .*; it returns class ids \[2\], or scores",
        ),
        (
            lambda output: output[:1, 0].long(),
            r"predictions= returned the shape \[1\]; it returns class ids \[2\]",
        ),
        (lambda output: output[:, 0] / 3, "predictions= returned float32 that are no class ids"),
        ("logits", "predictions='logits'; give predictions=, a function of the output"),
    ],
)
def test_a_function_that_gives_no_class_ids_is_refused(run, function, message):
    model = networks.seeded(Wrapped, 3, lambda h, s: s)
    with pytest.raises(RecorderError, match=message) as error:
        Recorder(run, model, (X, np.arange(32) % 3), predictions=function)
    assert "\n" not in str(error.value) and not run.exists()


def test_without_a_model_the_option_is_refused(run):
    with pytest.raises(RecorderError, match=r"without a model call rec\.predictions"):
        Recorder(run, predictions=lambda output: output)


def test_predictions_that_cannot_belong_to_the_accuracy_are_warned_of_once(run):
    model = networks.seeded(Wrapped, 3, lambda h, s: s)
    right = scores(model).argmax(1).numpy()
    labels = np.where(np.arange(32) < 15, right, (right + 1) % 3)
    labels[31] = -1
    with Recorder(run, model, (X, labels)) as recorder:
        with pytest.warns(
            RecordingWarning, match=r"^epoch 0: accuracy=1, but 15 of 31 predictions are right; "
        ) as caught:
            recorder.epoch(0, accuracy=1.0)
            recorder.epoch(1, accuracy=1.0)
        assert len(caught) == 1
    assert predicted(run.with_name("close"), model, labels, accuracy=0.6) == right.tolist()
    assert predicted(run.with_name("unknown"), model, labels, accuracy=None) == right.tolist()


def test_few_predictions_are_not_compared_with_the_accuracy(run):
    model = networks.seeded(Wrapped, 3, lambda h, s: s)
    wrong = (scores(model).argmax(1)[:2] + 1) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Recorder(run, model, (X[:2], wrong)).epoch(0, accuracy=1.0)


@pytest.mark.parametrize("columns", [True, False])
def test_predictions_of_arrays_are_class_ids(run, columns):
    """A column for each class is in the order of the ids."""
    x, y = data(40)
    ids = np.array([2, 5, 9])
    values = Network().hidden(x) @ Network().out
    with Recorder(run, classes=dict(zip(ids.tolist(), NAMES, strict=True))) as recorder:
        recorder.layer("output", values, labels=ids[y])
        for part in np.split(values, [13]):
            recorder.predictions(part if columns else ids[part.argmax(axis=1)])
        recorder.epoch(0)
    assert epoch(run, 0)["predictions"].tolist() == ids[values.argmax(axis=1)].tolist()


def test_predictions_of_arrays_are_compared_with_the_accuracy(run):
    with Recorder(run, classes=NAMES) as recorder:
        recorder.layer("output", np.zeros((40, 3)), labels=np.arange(40) % 3)
        recorder.predictions(np.zeros(40, int))
        with pytest.warns(
            RecordingWarning, match="epoch 0: accuracy=0.9, but 14 of 40 predictions are right"
        ):
            recorder.epoch(0, accuracy=0.9)


def test_the_callbacks_take_the_option():
    assert "predictions" in dnnviz._types.RecorderOptions.__annotations__
