"""Statistics computed by PyTorch against NumPy in double precision."""

import numpy as np
import pytest
import torch
import torch_networks as networks
from readers import manifest
from torch.utils.data import DataLoader, TensorDataset

import dnnviz
from dnnviz._torch import TorchAggregator

NAMES = ("mean", "variance", "min", "max", "rate")


def reference(values, groups, classes):
    """`[1 + classes, units]` of each statistic, over the finite values, NaN where there are none."""
    values = values.double().numpy()
    rows = {name: [] for name in NAMES}
    for group in range(-1, classes):
        part = values if group < 0 else values[groups == group]
        for column in zip(*[[c[np.isfinite(c)]] for c in part.T], strict=True):
            statistics = [[], [], [], [], []]
            for c in column:
                statistics[0].append(c.mean() if c.size else np.nan)
                statistics[1].append(c.var() if c.size else np.nan)
                statistics[2].append(c.min() if c.size else np.nan)
                statistics[3].append(c.max() if c.size else np.nan)
                statistics[4].append((c > 0).mean() if c.size else np.nan)
            for name, one in zip(NAMES, statistics, strict=True):
                rows[name].append(one)
    return {name: np.array(one).astype(np.float32) for name, one in rows.items()}


def aggregated(batches, groups, classes):
    aggregates = TorchAggregator([batches[0].shape[1]], classes)
    start = 0
    for batch in batches:
        aggregates.add(0, batch, groups[start : start + len(batch)])
        start += len(batch)
    return aggregates.finish()


def assert_statistics(found, expected, rtol=1e-6):
    assert list(found) == list(NAMES)
    for name in NAMES:
        assert found[name].dtype == np.float32
        np.testing.assert_allclose(found[name], expected[name], rtol=rtol, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("classes", [0, 1, 4])
def test_statistics_of_classes_and_of_all(classes, dtype):
    generator = torch.Generator().manual_seed(1)
    values = torch.randn(70, 9, generator=generator).to(dtype)
    values[:, 3] = 0
    values[:, 4] += 1e4
    groups = np.arange(70) % (classes + 1) - 1
    found = aggregated(values.split([32, 32, 1, 5]), groups, classes)
    assert found.counts.tolist() == [70] + [int((groups == one).sum()) for one in range(classes)]
    assert_statistics(found.layers[0], reference(values, groups, classes))
    assert found.not_finite == [0]


def test_nan_and_infinity_are_left_out_and_counted():
    values = torch.randn(40, 6, generator=torch.Generator().manual_seed(2))
    values[3, 0], values[4, 0], values[20, 1] = np.nan, np.inf, -np.inf
    values[:, 2] = np.nan
    values[::2, 3] = np.inf
    groups = np.arange(40) % 2
    found = aggregated(values.split(16), groups, 2)
    assert_statistics(found.layers[0], reference(values, groups, 2))
    assert np.isnan(found.layers[0]["mean"][:, 2]).all() and np.isnan(found.layers[0]["max"][1, 3])
    assert found.not_finite == [3 + 40 + 20] and found.counts.tolist() == [40, 20, 20]


def test_a_sum_that_overflows_is_no_infinite_value():
    values = torch.full((8, 2), 3e38)
    values[::2, 1] = -3e38
    found = aggregated(values.split(4), np.zeros(8, np.int64), 1)
    assert found.not_finite == [0]
    np.testing.assert_allclose(found.layers[0]["mean"][0], [3e38, 0], rtol=1e-6)
    np.testing.assert_array_equal(found.layers[0]["variance"][0], [0, np.inf])


def test_many_small_contributions_are_not_lost():
    """One value of 2^24, then ones: in f32 a running sum would stand still."""
    values = torch.ones(5001, 1)
    values[0] = 2.0**24
    found = aggregated(values.split(500), np.zeros(5001, np.int64), 1)
    np.testing.assert_allclose(found.layers[0]["mean"], (2.0**24 + 5000) / 5001, rtol=1e-7)


def test_a_class_without_inputs_has_no_statistics():
    found = aggregated([torch.ones(4, 2)], np.zeros(4, np.int64), 3)
    assert found.counts.tolist() == [4, 4, 0, 0]
    for name in NAMES:
        assert np.isnan(found.layers[0][name][2:]).all()
        assert (found.layers[0][name][:2] == (0 if name == "variance" else 1)).all()


@pytest.mark.parametrize("keep", [0, 5, [3, 17, 29]])
def test_aggregates_of_a_recording_are_those_of_all_its_inputs(run, keep):
    model = networks.seeded(networks.Cnn)
    x, y = networks.images(30), networks.labels(30)
    dnnviz.Recorder(run, model, (x, y), keep=keep, batch_size=8).epoch(0)
    arrays, (expected, _) = networks.stored(run), networks.cnn_reference(model, x)
    assert arrays["groups"].tolist() == [-1, 0, 1, 2] and arrays["counts"].tolist() == [30, 10, 10, 10]
    for index, (name, values) in enumerate(expected.items()):
        assert manifest(run)["layers"][index]["name"] == name
        for statistic, wanted in reference(values, y, 3).items():
            found = arrays[f"{index}/{statistic}"].numpy()
            np.testing.assert_allclose(found, wanted, rtol=5e-5, atol=2e-6, err_msg=f"{name} {statistic}")
    kept = {0: [], 5: [0, 6, 12, 18, 24]}.get(keep if isinstance(keep, int) else -1, [3, 17, 29])
    for index, values in enumerate(expected.values()):
        if kept:
            torch.testing.assert_close(arrays[f"{index}/units"].double(), values[kept], rtol=2e-5, atol=2e-6)
        else:
            assert f"{index}/units" not in arrays


def test_a_loader_is_aggregated_in_one_pass(run):
    model = networks.seeded(networks.Cnn)
    x, y = networks.images(30), networks.labels(30)
    loader = DataLoader(TensorDataset(x, torch.from_numpy(y)), 7, shuffle=True)
    dnnviz.Recorder(run, model, loader).epoch(0)
    expected, _ = networks.cnn_reference(model, x)
    arrays = networks.stored(run)
    assert "0/units" not in arrays
    for index, values in enumerate(expected.values()):
        wanted = reference(values, y, 3)["mean"]
        np.testing.assert_allclose(arrays[f"{index}/mean"].numpy(), wanted, rtol=5e-5, atol=2e-6)
