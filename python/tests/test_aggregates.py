"""Statistics against NumPy in double precision, and their use of memory."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from dnnviz._aggregate import NumpyAggregator


def expected(values, groups, classes):
    """Statistics of the finite values, of all rows and of each class."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = {name: [] for name in ("mean", "variance", "min", "max", "rate")}
        for rows in [values, *(values[groups == c] for c in range(classes))]:
            rows = rows.astype(np.float64)
            finite = np.isfinite(rows)
            count = finite.sum(axis=0)
            zeroed = np.where(finite, rows, 0)
            mean = zeroed.sum(axis=0) / count
            found["mean"].append(mean)
            found["variance"].append((np.where(finite, rows - mean, 0) ** 2).sum(axis=0) / count)
            found["rate"].append((zeroed > 0).sum(axis=0) / count)
            some = count > 0
            found["min"].append(
                np.where(some, np.where(finite, rows, np.inf).min(axis=0, initial=np.inf), np.nan)
            )
            found["max"].append(
                np.where(some, np.where(finite, rows, -np.inf).max(axis=0, initial=-np.inf), np.nan)
            )
    return {name: np.array(rows) for name, rows in found.items()}


def aggregate(layers, groups, classes, batch):
    aggregates = NumpyAggregator(classes)
    for at in range(0, len(groups), batch):
        for layer, values in enumerate(layers):
            aggregates.add(layer, values[at : at + batch], groups[at : at + batch])
    return aggregates.finish()


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.float64])
def test_statistics_equal_numpy(batch, dtype):
    random = np.random.default_rng(5)
    layers = [random.normal(size=(257, units)).astype(dtype) for units in (1, 33)]
    groups = random.integers(-1, 4, size=257)
    found = aggregate(layers, groups, 5, batch)
    np.testing.assert_array_equal(found.counts, [257, *((groups == c).sum() for c in range(5))])
    assert found.not_finite == [0, 0] and found.counts[5] == 0
    for values, statistics in zip(layers, found.layers, strict=True):
        for name, wanted in expected(values.astype(np.float32), groups, 5).items():
            assert statistics[name].dtype == np.float32 and statistics[name].shape == wanted.shape
            np.testing.assert_allclose(statistics[name], wanted, rtol=3e-7, err_msg=name)


def test_nan_and_infinity_are_left_out_and_counted():
    random = np.random.default_rng(6)
    values = random.normal(size=(100, 12)).astype(np.float32)
    values[random.random(size=values.shape) < 0.2] = np.nan
    values[random.random(size=values.shape) < 0.1] = np.inf
    values[random.random(size=values.shape) < 0.1] = -np.inf
    values[:, 3] = np.nan
    groups = np.arange(100) % 3
    values[groups == 1, 5] = np.inf
    found = aggregate([values], groups, 3, 16)
    assert found.not_finite == [int((~np.isfinite(values)).sum())]
    for name, wanted in expected(values, groups, 3).items():
        np.testing.assert_allclose(found.layers[0][name], wanted, rtol=3e-7, err_msg=name)
    assert np.isnan(found.layers[0]["mean"][:, 3]).all() and np.isnan(found.layers[0]["mean"][2, 5])


def test_a_mean_far_from_zero_keeps_its_precision():
    """The mean is ten thousand times the spread: sums in single precision would be wrong in the sixth
    digit, and the mean with them."""
    random = np.random.default_rng(7)
    values = (1e4 + random.normal(size=(50_000, 4))).astype(np.float32)
    groups = np.zeros(len(values), np.int64)
    found = aggregate([values], groups, 1, 256)
    wanted = values.astype(np.float64)
    np.testing.assert_array_equal(found.layers[0]["mean"][0], wanted.mean(axis=0).astype(np.float32))
    np.testing.assert_allclose(found.layers[0]["variance"][0], wanted.var(axis=0), rtol=1e-6)
    naive = np.zeros(4, np.float32)
    for row in values:
        naive += row
    assert (np.abs(naive / np.float32(len(values)) - wanted.mean(axis=0)) > 1e-3).any()


def test_values_whose_squares_overflow():
    values = np.full((10, 2), 3e38, np.float32)
    found = aggregate([values], np.zeros(10, np.int64), 1, 4)
    np.testing.assert_array_equal(found.layers[0]["mean"], np.full((2, 2), 3e38, np.float32))


PEAK = """
    import resource, sys, threading
    import numpy as np
    from dnnviz import Recorder
    count = int(sys.argv[2])
    with Recorder(sys.argv[1], classes=["a", "b"], keep=0) as recorder:
        block = np.random.default_rng(0).normal(size=(250, 2000)).astype(np.float32)
        labels = np.arange(250) % 2
        for number in range(2):
            for _ in range(0, count, 250):
                recorder.layer("a", block, labels=labels)
            recorder.epoch(number)
    # Of this program only: ru_maxrss starts at the value of its parent.
    print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_inputs(tmp_path):
    def peak(count):
        command = [sys.executable, "-c", textwrap.dedent(PEAK), tmp_path / str(count), str(count)]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    few, many = peak(1000), peak(100_000)
    print(f"peak memory: {few} kB for 1 000 inputs, {many} kB for 100 000")
    assert many <= 1.1 * few
