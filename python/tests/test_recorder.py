"""Recordings, read with stock libraries and with the viewer."""

import math
import re
import warnings
from itertools import pairwise

import numpy as np
import pytest
from networks import NAMES, Network, data, reference
from readers import ROOT, arrays, epoch, header, info, left_over, manifest, numbers, stats

import dnnviz
from dnnviz import Recorder, RecordingWarning


def record(run, epochs=3, count=100, **options):
    """Records a network whose activations double with every epoch."""
    network, (x, y) = Network(), data(count)
    options = {"classes": NAMES, "batch_size": 16} | options
    with Recorder(run, network, (x, y), **options) as recorder:
        for number in range(epochs):
            network.scale = 2.0**number
            recorder.epoch(number, accuracy=0.25 * number, loss=1 / (number + 1), lr=0.1)
    assert recorder.last_epoch == epochs - 1
    return network, x, y


def test_unit_values_equal_those_of_the_network(run):
    network, x, y = record(run)
    for number in range(3):
        stored = epoch(run, number)
        assert set(stored) == {"0/units", "1/units", "predictions"}
        expected = reference(network, x, 2.0**number)
        for layer in range(2):
            assert stored[f"{layer}/units"].dtype == np.float32
            np.testing.assert_allclose(stored[f"{layer}/units"], expected[layer], rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(stored["predictions"], expected[1].argmax(axis=1))
    np.testing.assert_array_equal(arrays(run / "inputs.safetensors")["labels"], y)
    assert left_over(run.parent) == []


def test_the_viewer_reads_what_was_recorded(run):
    network, x, y = record(run)
    summary = info(run)
    assert summary["model"] == "two layers" and summary["inputs"] == 100 and summary["warnings"] == []
    assert [layer["name"] for layer in summary["layers"]] == ["hidden", "output"]
    assert [(found["name"], found["inputs"]) for found in summary["classes"]] == [
        ("cat", 34),
        ("dog", 33),
        ("owl", 33),
    ]
    assert [entry["accuracy"] for entry in summary["epochs"]] == [0.0, 25.0, 50.0]
    for number in range(3):
        expected = reference(network, x[y == 1], 2.0**number)
        for shown, values in zip(
            stats(run, "--epoch", number, "--select", "class:dog"), expected, strict=True
        ):
            np.testing.assert_allclose(shown, values.mean(axis=0), rtol=1e-5, atol=1e-5)


def test_the_manifest_describes_layers_and_epochs(run):
    record(run, name="tiny")
    document = manifest(run)
    assert (document["format"], document["version"], document["model"]) == ("dnnviz", 1, "tiny")
    assert document["writer"].startswith("dnnviz ")
    assert document["layers"][0] == {
        "name": "hidden", "units": 7, "module": "Linear", "text": "", "kind": "feature-map",
        "shape": [7, 1, 2], "parameters": 35, "dtype": "", "reduction": "none",
    }  # fmt: skip
    assert "parameters" not in document["layers"][1]
    assert "joints" not in document and "modules" not in document
    assert document["classes"] == [{"id": i, "name": name} for i, name in enumerate(NAMES)]
    last = document["epochs"][-1]
    assert (
        last["accuracy"] == 50.0 and last["loss"] == pytest.approx(1 / 3) and last["metrics"] == {"lr": 0.1}
    )
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", last["time"])


def test_the_run_exists_before_the_first_epoch(run):
    network, inputs = Network(), data(10)
    with Recorder(run, network, inputs, classes=NAMES):
        document = manifest(run)
        assert document["epochs"] == [] and [layer["units"] for layer in document["layers"]] == [7, 3]
        assert network.calls == 0


def test_an_epoch_is_on_the_disk_when_the_call_returns(run):
    network, inputs = Network(), data(10)
    recorder = Recorder(run, network, inputs)
    for number in (0, 5, 3):
        recorder.epoch(number)
        assert number in numbers(run) and epoch(run, number)["0/units"].shape == (10, 7)
    assert numbers(run) == [0, 3, 5] and recorder.last_epoch == 5
    recorder.close()


def test_metrics_may_be_any_scalar(run):
    class ZeroDimensional:
        def __float__(self):
            return 0.75

    network, inputs = Network(), data(10)
    with Recorder(run, network, inputs) as recorder:
        recorder.epoch(
            0,
            accuracy=np.float32(0.5),
            loss=np.array(math.nan),
            step=np.int64(12),
            a=ZeroDimensional(),
            b=True,
            c=None,
        )
    (entry,) = manifest(run)["epochs"]
    assert entry["accuracy"] == 50.0 and math.isnan(entry["loss"]) and entry["step"] == 12
    assert entry["metrics"] == {"a": 0.75, "b": 1.0}
    assert info(run)["epochs"][0]["accuracy"] == 50.0


@pytest.mark.parametrize("count", [1, 15, 16, 17, 100])
def test_any_number_of_inputs_against_the_batch_size(run, count):
    network, x, _ = record(run, epochs=1, count=count)
    np.testing.assert_allclose(epoch(run, 0)["1/units"], reference(network, x)[1], rtol=1e-5, atol=1e-5)


def bfloat16(values):
    """Rounds to nearest even, with Python's integers."""
    bits = [int(b) for b in np.asarray(values, np.float32).ravel().view(np.uint32)]
    rounded = [(b + 0x7FFF + ((b >> 16) & 1)) & 0xFFFF0000 for b in bits]
    return np.array(rounded, np.uint32).view(np.float32).reshape(np.shape(values))


def test_half_floats_are_rounded_to_nearest(run):
    network, x, _ = record(run, epochs=1, dtype="float16")
    stored = epoch(run, 0)["0/units"]
    assert stored.dtype == np.float16
    np.testing.assert_array_equal(stored, network.hidden(x).astype(np.float16))


def test_bfloat16_is_rounded_to_nearest(run):
    network = Network()
    network.scale = 8.0
    x, _ = data(100)
    with Recorder(run, network, (x, None), dtype="bfloat16") as recorder:
        recorder.epoch(0)
    described, raw = header(run / "epochs" / "000000.safetensors")
    entry = described["0/units"]
    assert entry["dtype"] == "BF16"
    start = 8 + int.from_bytes(raw[:8], "little")
    bits = np.frombuffer(raw[start + entry["data_offsets"][0] : start + entry["data_offsets"][1]], np.uint16)
    widened = (bits.astype(np.uint32) << 16).view(np.float32).reshape(100, 7)
    np.testing.assert_array_equal(widened, bfloat16(network.hidden(x)))
    np.testing.assert_allclose(stats(run)[0], widened.mean(axis=0), rtol=1e-5)


def test_values_beyond_half_floats_are_stored_as_float32(run):
    network, (x, y) = Network(), data(100)
    with Recorder(run, network, (x, y), dtype="float16", batch_size=16) as recorder:
        recorder.epoch(0)
        network.scale = 1e6
        with pytest.warns(RecordingWarning, match="hidden, output: values beyond the range of half floats"):
            recorder.epoch(1)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            recorder.epoch(2)
    assert epoch(run, 0)["0/units"].dtype == np.float16
    stored = epoch(run, 1)["0/units"]
    assert stored.dtype == np.float32
    np.testing.assert_array_equal(stored, network.hidden(x))


def test_nan_and_infinity_are_recorded_and_counted(run):
    network, (x, y) = Network(), data(100)
    x[3, 0], x[40, 0] = np.nan, np.inf
    # NumPy propagates them to every unit of the two rows; the scores of the infinite row as well.
    expected = network.hidden(x)
    bad = int((~np.isfinite(expected)).sum())
    assert bad > 0
    with Recorder(run, network, (x, y), batch_size=16) as recorder:
        with pytest.warns(RecordingWarning, match=rf"epoch 0: .*hidden \({bad}\)") as warned:
            recorder.epoch(0)
        assert warned[0].filename == __file__
    np.testing.assert_array_equal(epoch(run, 0)["0/units"], expected)
    assert manifest(run)["epochs"][0]["not_finite"]["hidden"] == bad


def test_finite_epochs_have_no_counts(run):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        record(run)
    assert all("not_finite" not in entry for entry in manifest(run)["epochs"])


def test_stored_inputs_are_spread_and_aggregates_cover_all(run):
    network, x, y = record(run, epochs=1, keep=10)
    kept = np.arange(10) * 10
    stored, listed = epoch(run, 0), arrays(run / "inputs.safetensors")
    np.testing.assert_allclose(stored["0/units"], reference(network, x)[0][kept], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(listed["labels"], y[kept])
    ids = listed["ids.bytes"].tobytes()
    ends = listed["ids.offsets"]
    assert [ids[a:b].decode() for a, b in pairwise(ends)] == [str(i) for i in kept]
    np.testing.assert_array_equal(stored["groups"], [-1, 0, 1, 2])
    np.testing.assert_array_equal(stored["counts"], [100, 34, 33, 33])
    for layer, values in enumerate(reference(network, x)):
        for row, rows in enumerate([values, *(values[y == c] for c in range(3))]):
            got = {
                name: stored[f"{layer}/{name}"][row] for name in ("mean", "variance", "min", "max", "rate")
            }
            np.testing.assert_allclose(got["mean"], rows.mean(axis=0), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(got["variance"], rows.var(axis=0), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(got["min"], rows.min(axis=0), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(got["max"], rows.max(axis=0), rtol=1e-5, atol=1e-6)
            np.testing.assert_allclose(got["rate"], (rows > 0).mean(axis=0), rtol=1e-6)


def test_the_viewer_shows_aggregates(run):
    network, x, y = record(run, keep=0)
    assert manifest(run)["inputs"] == {"count": 0} and not (run / "inputs.safetensors").exists()
    assert info(run)["inputs"] == 0
    expected = reference(network, x[y == 2], 2.0)[0]
    np.testing.assert_allclose(
        stats(run, "--epoch", 1, "--select", "class:owl", "--stat", "max")[0], expected.max(axis=0), rtol=1e-5
    )


def test_keep_by_index_and_the_inputs_of_maps(run):
    network, x, _ = record(run, keep=[50, 7], maps=[99, 7], dtype="float16")
    stored = epoch(run, 0)
    hidden = network.hidden(x) / np.float32(network.scale)
    np.testing.assert_array_equal(stored["0/units"], hidden[[7, 50, 99]].astype(np.float16))
    np.testing.assert_array_equal(stored["0/maps.inputs"], [0, 2])
    maps = np.stack([hidden, 2 * hidden], axis=-1)[[7, 99], :, None, :]
    np.testing.assert_array_equal(stored["0/maps"], maps.astype(np.float16))
    assert "1/maps" not in stored and info(run)["warnings"] == []


def test_batches_have_the_statistics_of_arrays(run):
    network, (x, y) = Network(), data(100)
    batches = [(x[at : at + 32], y[at : at + 32]) for at in range(0, 100, 32)]
    with Recorder(run, network, batches, classes=NAMES) as recorder:
        recorder.epoch(0)
    other = run.with_name("arrays")
    record(other, epochs=1, keep=0)
    ours, theirs = epoch(run, 0), epoch(other, 0)
    assert set(ours) == set(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6, err_msg=name)


def test_batches_with_stored_inputs_and_classes_from_labels(run):
    network, (x, y) = Network(), data(100)
    batches = [[x[at : at + 32], y[at : at + 32]] for at in range(0, 100, 32)]
    with Recorder(run, network, batches, keep=40) as recorder:
        recorder.epoch(0)
    np.testing.assert_allclose(epoch(run, 0)["0/units"], reference(network, x[:40])[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(arrays(run / "inputs.safetensors")["labels"], y[:40])
    assert [found["name"] for found in manifest(run)["classes"]] == ["0", "1", "2"]


def test_predictions_are_class_ids(run):
    network, (x, y) = Network(), data(30)
    ids = np.array([4, 7, 9])
    with Recorder(run, network, (x, ids[y]), classes={9: "owl", 4: "cat", 7: "dog"}) as recorder:
        recorder.epoch(0)
    right = ids[reference(network, x)[1].argmax(axis=1)]
    np.testing.assert_array_equal(epoch(run, 0)["predictions"], right)
    assert [found["id"] for found in manifest(run)["classes"]] == [4, 7, 9]


def test_an_epoch_is_as_large_as_its_values(run):
    network, inputs = Network(features=64, hidden=4096, classes=10), data(200, features=64)
    with Recorder(run, network, inputs, name="wide") as recorder:
        recorder.epoch(0)
    raw = 200 * (4096 + 10) * 4 + 200 * 8
    size = (run / "epochs" / "000000.safetensors").stat().st_size
    assert raw <= size <= 1.02 * raw


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_every_array_is_aligned(run, dtype):
    record(run, epochs=1, keep=7, maps=[3], dtype=dtype)
    for path in [run / "inputs.safetensors", run / "epochs" / "000000.safetensors"]:
        described, raw = header(path)
        start = 8 + int.from_bytes(raw[:8], "little")
        assert start % 8 == 0
        for name, entry in described.items():
            width = {"I64": 8, "F32": 4, "F16": 2, "U8": 1}[entry["dtype"]]
            assert (start + entry["data_offsets"][0]) % width == 0, name


def test_background_commits_before_the_recorder_closes(run):
    network, x, _ = record(run, epochs=5, background=True)
    assert numbers(run) == [0, 1, 2, 3, 4] and left_over(run) == []
    for number in range(5):
        expected = reference(network, x, 2.0**number)[0]
        np.testing.assert_allclose(epoch(run, number)["0/units"], expected, rtol=1e-5, atol=1e-5)


def test_the_version_is_that_of_the_package():
    declared = re.search(r'^version = "(.*)"$', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)
    assert dnnviz.__version__ == declared[1]


def test_selected_statistics_have_the_element_type_of_the_values(run):
    network, x, _y = record(run, epochs=1, keep=0, statistics=["rate", "variance"], dtype="float16")
    stored = epoch(run, 0)
    assert sorted(stored) == sorted(
        [
            "groups",
            "counts",
            *(f"{layer}/{name}" for layer in (0, 1) for name in ("mean", "variance", "rate")),
        ]
    )
    for layer, values in enumerate(reference(network, x)):
        found = {name: stored[f"{layer}/{name}"] for name in ("mean", "variance", "rate")}
        assert [array.dtype for array in found.values()] == [np.float16, np.float32, np.float16]
        np.testing.assert_allclose(found["mean"][0], values.mean(axis=0), rtol=1e-3)
        np.testing.assert_allclose(found["variance"][0], values.var(axis=0), rtol=1e-5)
    with pytest.raises(
        dnnviz.RecorderError, match="statistics='median'; there are mean, variance, min, max, rate"
    ):
        record(run.with_name("other"), keep=0, statistics="median")


def test_statistics_beyond_half_floats_are_stored_as_float32(run):
    network = Network()
    x, y = data(100)
    network.weights[:, 0] *= 1e6
    network.out[0] = 0
    with Recorder(run, network, (x, y), keep=2, dtype="float16") as recorder:
        with pytest.warns(RecordingWarning, match="beyond the range of half floats"):
            recorder.epoch(0)
        recorder.epoch(1)
    for number in (0, 1):
        stored = epoch(run, number)
        assert stored["0/mean"].dtype == np.float32 and stored["1/mean"].dtype == np.float16
        np.testing.assert_allclose(stored["0/max"][0], reference(network, x)[0].max(axis=0), rtol=1e-5)
