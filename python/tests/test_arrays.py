"""Recording of arrays, layer by layer."""

import warnings

import numpy as np
import pytest
from readers import arrays, epoch, info, left_over, manifest, numbers, stats

from dnnviz import Recorder, RecorderError, RecordingWarning

RANDOM = np.random.default_rng(3)
DENSE = RANDOM.normal(size=(30, 6)).astype(np.float32)
MAPS = RANDOM.normal(size=(30, 4, 5, 7)).astype(np.float32)
SEQUENCE = RANDOM.normal(size=(30, 9, 8)).astype(np.float32)
LABELS = np.arange(30) % 2


def refused(message):
    return pytest.raises(RecorderError, match=message)


def test_layers_are_reduced_by_their_dimensions(run):
    with Recorder(run, name="by hand") as recorder:
        recorder.layer("maps", MAPS, labels=LABELS, module="Conv2d", text="Conv2d(3, 4)")
        recorder.layer("last", np.moveaxis(MAPS, 1, 3), channels_last=True)
        recorder.layer("sequence", SEQUENCE)
        recorder.layer("signal", SEQUENCE, kind="feature-map")
        recorder.layer("attention", SEQUENCE, kind="attention")
        recorder.layer("dense", DENSE)
        recorder.layer("one", DENSE[:, 0])
        recorder.predictions(np.eye(2)[1 - LABELS])
        assert not run.exists()
        recorder.epoch(0)
    stored = epoch(run, 0)
    expected = [
        MAPS.mean(axis=(2, 3)), MAPS.mean(axis=(2, 3)), SEQUENCE.mean(axis=1), SEQUENCE.mean(axis=2),
        SEQUENCE.mean(axis=1), DENSE, DENSE[:, :1],
    ]  # fmt: skip
    for index, values in enumerate(expected):
        np.testing.assert_allclose(stored[f"{index}/units"], values, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(stored["predictions"], 1 - LABELS)
    np.testing.assert_array_equal(arrays(run / "inputs.safetensors")["labels"], LABELS)
    layers = manifest(run)["layers"]
    assert [(layer["kind"], layer["reduction"], layer["shape"]) for layer in layers] == [
        ("feature-map", "spatial-mean", [4, 5, 7]),
        ("feature-map", "spatial-mean", [5, 7, 4]),
        ("other", "sequence-mean", [9, 8]),
        ("feature-map", "spatial-mean", [9, 8]),
        ("attention", "sequence-mean", [9, 8]),
        ("dense", "none", [6]),
        ("dense", "none", []),
    ]
    assert layers[0]["module"] == "Conv2d" and layers[0]["text"] == "Conv2d(3, 4)"
    summary = info(run)
    assert summary["model"] == "by hand" and summary["inputs"] == 30 and summary["warnings"] == []


@pytest.mark.parametrize("options", [{}, {"keep": 0}, {"keep": 7}, {"keep": [3, 29], "maps": [4]}])
def test_batches_are_recorded_as_the_whole(run, options):
    whole = run.with_name("whole")
    with (
        Recorder(run, classes=["a", "b"], **options) as pieces,
        Recorder(whole, classes=["a", "b"], **options) as one,
    ):
        for number in range(2):
            for at in range(0, 30, 8):
                pieces.layer("maps", MAPS[at : at + 8], labels=LABELS[at : at + 8])
                pieces.layer("dense", DENSE[at : at + 8], labels=LABELS[at : at + 8])
                pieces.predictions(LABELS[at : at + 8])
            one.layer("maps", MAPS, labels=LABELS)
            one.layer("dense", DENSE, labels=LABELS)
            one.predictions(LABELS)
            pieces.epoch(number)
            one.epoch(number)
    ours, theirs = epoch(run, 1), epoch(whole, 1)
    assert set(ours) == set(theirs) and len(ours) > 2
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-6, err_msg=name)


def test_values_and_statistics_are_recorded_together(run):
    with Recorder(run, classes=["a", "b"], keep=[3, 29], maps=[4]) as recorder:
        recorder.layer("maps", MAPS, labels=LABELS)
        recorder.layer("dense", DENSE, labels=LABELS)
        recorder.epoch(0)
    stored = epoch(run, 0)
    np.testing.assert_array_equal(stored["1/units"], DENSE[[3, 4, 29]])
    np.testing.assert_array_equal(stored["0/maps"], MAPS[[4]])
    np.testing.assert_array_equal(stored["0/maps.inputs"], [1])
    np.testing.assert_array_equal(stored["counts"], [30, 15, 15])
    np.testing.assert_allclose(stored["1/mean"][2], DENSE[LABELS == 1].mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        stats(run, "--select", "class:b")[1], DENSE[LABELS == 1].mean(axis=0), rtol=1e-5, atol=1e-6
    )


def test_inputs_supply_labels_and_pictures(run):
    images = RANDOM.integers(0, 255, size=(30, 3, 8, 8), dtype=np.uint8)
    with Recorder(run, inputs=(images, LABELS), keep=3) as recorder:
        recorder.layer("dense", DENSE)
        recorder.epoch(0)
    stored, listed = epoch(run, 0), arrays(run / "inputs.safetensors")
    np.testing.assert_array_equal(stored["0/units"], DENSE[[0, 10, 20]])
    np.testing.assert_array_equal(stored["counts"], [30, 15, 15])
    np.testing.assert_array_equal(listed["pictures"], images[[0, 10, 20]].transpose(0, 2, 3, 1))


def test_the_caller_may_change_the_array_afterwards(run):
    values = DENSE.copy()
    with Recorder(run) as recorder:
        recorder.layer("dense", values)
        values[:] = 0
        recorder.epoch(0)
    np.testing.assert_array_equal(epoch(run, 0)["0/units"], DENSE)


def test_any_real_element_type_is_recorded(run):
    whole = np.arange(12).reshape(4, 3)
    with Recorder(run) as recorder:
        for name, dtype in [
            ("i", np.int64),
            ("b", bool),
            ("h", np.float16),
            ("d", np.float64),
            ("u", np.uint8),
        ]:
            recorder.layer(name, whole.astype(dtype))
        recorder.layer("list", whole.tolist())
        recorder.epoch(0)
    stored = epoch(run, 0)
    assert all(stored[f"{index}/units"].dtype == np.float32 for index in range(6))
    for index in (0, 2, 3, 4, 5):
        np.testing.assert_array_equal(stored[f"{index}/units"], whole)
    np.testing.assert_array_equal(stored["1/units"], whole > 0)


def test_objects_with_only_dlpack(run):
    class Foreign:
        """An array of a framework without NumPy's protocol."""

        shape = DENSE.shape

        def __dlpack__(self, **options):
            return DENSE.__dlpack__(**options)

        def __dlpack_device__(self):
            return DENSE.__dlpack_device__()

    with Recorder(run) as recorder:
        recorder.layer("dense", Foreign())
        recorder.epoch(0)
    np.testing.assert_array_equal(epoch(run, 0)["0/units"], DENSE)


def test_jax_arrays(run):
    jax = pytest.importorskip("jax")
    with Recorder(run) as recorder:
        recorder.layer("dense", jax.numpy.asarray(DENSE))
        recorder.layer("half", jax.numpy.asarray(DENSE, dtype="bfloat16"))
        recorder.epoch(0)
    stored = epoch(run, 0)
    np.testing.assert_array_equal(stored["0/units"], DENSE)
    np.testing.assert_allclose(stored["1/units"], DENSE, rtol=2**-8)
    assert [layer["dtype"] for layer in manifest(run)["layers"]] == ["float32", "bfloat16"]


def test_nan_and_overflow_are_reported(run):
    values = DENSE.copy()
    values[2, 1], values[5, 0], values[6, 0] = np.nan, np.inf, 1e6
    with Recorder(run, dtype="float16") as recorder:
        recorder.layer("fine", DENSE)
        recorder.layer("odd", values)
        with pytest.warns(RecordingWarning) as warned:
            recorder.epoch(0)
    messages = sorted(str(warning.message) for warning in warned)
    assert messages[0].startswith("epoch 0: values are NaN or infinite in odd (2)")
    assert messages[1].startswith("odd: values beyond the range of half floats")
    stored = epoch(run, 0)
    assert stored["0/units"].dtype == np.float16
    np.testing.assert_array_equal(stored["1/units"], values)
    assert manifest(run)["epochs"][0]["not_finite"] == {"odd": 2}


def test_an_incomplete_epoch_is_refused_and_the_next_is_recorded(run):
    with Recorder(run) as recorder:
        with refused("nothing to record: call rec.layer"):
            recorder.epoch(0)
        recorder.layer("a", DENSE)
        recorder.layer("b", DENSE)
        recorder.epoch(0)
        recorder.layer("a", DENSE)
        with refused("layer b was not given in this epoch"):
            recorder.epoch(1)
        with refused("layer c was not in the first epoch; its layers are a, b"):
            recorder.layer("c", DENSE)
        with refused("layer a has 5 units, it had 6 before"):
            recorder.layer("a", DENSE[:, :5])
        recorder.layer("a", DENSE)
        recorder.layer("b", DENSE[:29])
        with refused("layer b has 29 inputs, layer a has 30"):
            recorder.epoch(1)
        for name in "ab":
            recorder.layer(name, DENSE[:29])
        with refused("the 29 inputs are not those of the epochs before"):
            recorder.epoch(1)
        for name in "ba":
            recorder.layer(name, DENSE)
        with refused("epoch 0 is recorded already"):
            recorder.epoch(0)
        for name in "ba":
            recorder.layer(name, DENSE)
        recorder.epoch(1)
    assert numbers(run) == [0, 1] and left_over(run) == []


def test_labels_of_another_number_are_refused(run):
    with Recorder(run) as recorder:
        with refused("layer a: 30 inputs, but 29 labels"):
            recorder.layer("a", DENSE, labels=LABELS[:29])
        recorder.layer("a", DENSE, labels=LABELS)
        recorder.layer("b", DENSE, labels=1 - LABELS)
        with refused("layer b: its labels differ"):
            recorder.epoch(0)
        recorder.layer("a", DENSE[:10], labels=LABELS[:10])
        recorder.layer("a", DENSE[10:])
        with refused("layer a: 30 inputs, but 10 labels"):
            recorder.epoch(0)
        recorder.layer("a", DENSE, labels=LABELS)
        recorder.predictions(LABELS[:3])
        with refused("3 predictions for 30 inputs"):
            recorder.epoch(0)
        recorder.layer("a", DENSE, labels=LABELS)
        recorder.epoch(0)
        recorder.layer("a", DENSE, labels=1 - LABELS)
        with refused("the 30 inputs are not those of the epochs before"):
            recorder.epoch(1)
    assert numbers(run) == [0]
    with Recorder(run.with_name("other"), classes=["a"]) as recorder:
        recorder.layer("a", DENSE, labels=LABELS)
        with refused("label 1 of input 1 names no class"):
            recorder.epoch(0)
    with Recorder(run.with_name("third"), keep=0) as recorder, refused("give the recorder classes="):
        recorder.layer("a", DENSE, labels=LABELS)
    assert [path.name for path in run.parent.iterdir()] == ["cnn"]


@pytest.mark.parametrize(
    ("array", "options", "message"),
    [
        (DENSE + 1j, {}, "layer a has elements of type complex"),
        (np.array([["x"]]), {}, "layer a has elements of type <U1"),
        (np.zeros((3, 0)), {}, r"layer a has the shape \[3, 0\]"),
        (np.float32(1), {}, r"layer a has the shape \[\]"),
        (DENSE, {"kind": "convolution"}, "the kinds are dense, feature-map, attention, embedding, other"),
    ],
)
def test_arrays_that_are_not_activations(run, array, options, message):
    with Recorder(run) as recorder, refused(message):
        recorder.layer("a", array, **options)
    assert not run.exists()


def test_resuming_restores_the_layers(run):
    with Recorder(run) as recorder:
        recorder.layer("a", DENSE, labels=LABELS)
        recorder.epoch(0)
    with Recorder(run, resume=True) as recorder:
        with refused("layer b was not in the first epoch"):
            recorder.layer("b", DENSE)
        recorder.layer("a", DENSE[:20], labels=LABELS[:20])
        with refused("it keeps 30 inputs, now 20 are kept"):
            recorder.epoch(1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            recorder.layer("a", DENSE, labels=LABELS)
            recorder.epoch(1)
    assert numbers(run) == [0, 1] and info(run)["warnings"] == []
