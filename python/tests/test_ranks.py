"""Several ranks, as threads: each writes its part, the first commits, and there is no deadlock."""

import threading
import warnings

import numpy as np
import pytest
from networks import NAMES, Network, data
from readers import arrays, epoch, info, left_over, manifest, stats

from dnnviz import Recorder, RecorderError, RecordingWarning
from dnnviz._aggregate import NumpyAggregator
from dnnviz._capture import AggregateStatistics

X, Y = data(50)


class Exchange:
    """Exchange of values between ranks, with a time-out of ten seconds."""

    def __init__(self, world):
        self.world = world
        self.values = [None] * world
        self.barrier = threading.Barrier(world, timeout=10)

    def gather(self, rank, value):
        self.values[rank] = value
        self.barrier.wait()
        values = list(self.values)
        self.barrier.wait()
        return values


class RankAggregator(NumpyAggregator):
    """Aggregates of all ranks, weighted by their counts, in double precision."""

    def __init__(self, groups, gather):
        super().__init__(groups)
        self.gather = gather

    def finish(self):
        parts = self.gather(super().finish())
        counts = sum(part.counts for part in parts)
        layers = []
        for layer in range(len(parts[0].layers)):
            weights = [part.counts[:, None] / np.maximum(counts, 1)[:, None] for part in parts]
            own = [
                {
                    name: np.nan_to_num(values.astype(np.float64))
                    for name, values in part.layers[layer].items()
                }
                for part in parts
            ]

            def weighted(values, weights=weights):
                return sum(weight * value for weight, value in zip(weights, values, strict=True))

            mean = weighted([statistics["mean"] for statistics in own])
            apart = [statistics["variance"] + (statistics["mean"] - mean) ** 2 for statistics in own]
            merged = {
                "mean": mean,
                "variance": weighted(apart),
                "rate": weighted([statistics["rate"] for statistics in own]),
            }
            merged["min"] = np.fmin.reduce([part.layers[layer]["min"] for part in parts])
            merged["max"] = np.fmax.reduce([part.layers[layer]["max"] for part in parts])
            layers.append({name: values.astype(np.float32) for name, values in merged.items()})
        missing = np.sum([part.not_finite for part in parts], axis=0).tolist()
        return AggregateStatistics(counts, layers, missing)


class Rank(Network):
    def __init__(self, rank, exchange):
        super().__init__()
        self.rank, self.world = rank, exchange.world
        self.exchange = exchange

    def aggregates(self, groups):
        return RankAggregator(groups, self.gather)

    def barrier(self, ok):
        return all(self.gather(ok))

    def gather(self, value):
        return self.exchange.gather(self.rank, value)


def on_ranks(world, work):
    """Runs `work(network)` on every rank; returns the result or the exception of each."""
    exchange = Exchange(world)
    outcomes = [None] * world

    def one(rank):
        try:
            outcomes[rank] = work(Rank(rank, exchange))
        except Exception as error:
            outcomes[rank] = error

    threads = [threading.Thread(target=one, args=(rank,)) for rank in range(world)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(isinstance(outcome, threading.BrokenBarrierError) for outcome in outcomes), "left alone"
    return outcomes


def recording(run, epochs=2, inputs=(X, Y), **options):
    def work(network):
        with Recorder(run, network, inputs, classes=NAMES, batch_size=8, **options) as recorder:
            for number in range(epochs):
                network.scale = 2.0**number
                recorder.epoch(number, accuracy=0.5)
            return recorder.last_epoch

    return work


@pytest.mark.parametrize("world", [2, 3])
@pytest.mark.parametrize("options", [{}, {"keep": 7, "maps": [49]}, {"keep": [0, 1]}, {"dtype": "float16"}])
def test_the_shards_equal_the_file_of_one_process(run, world, options):
    assert on_ranks(world, recording(run, **options)) == [1] * world
    alone = run.with_name("alone")
    recording(alone, **options)(Network())
    (entry,) = [entry for entry in manifest(run)["epochs"] if entry["number"] == 1]
    names = [f"epochs/000001-{rank + 1:05}-of-{world:05}.safetensors" for rank in range(world)]
    assert set(entry["files"]) <= set(names) and (options != {} or entry["files"] == names)
    expected, found = epoch(alone, 1), {}
    for file in entry["files"]:
        shard = arrays(run / file)
        listed, maps = shard.pop("inputs", None), shard.pop("0/maps.inputs", None)
        for name, values in shard.items():
            if name == "0/maps":
                np.testing.assert_array_equal(maps, expected["0/maps.inputs"])
                found["0/maps.inputs"], found[name] = maps, values
            elif name.endswith("units") or name == "predictions":
                rows = found.setdefault(name, np.full_like(expected[name], -7))
                rows[listed] = values
            else:
                assert name not in found
                found[name] = values
    assert set(found) == set(expected)
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-6, atol=1e-7, err_msg=name)
    np.testing.assert_array_equal(
        arrays(run / "inputs.safetensors")["labels"], arrays(alone / "inputs.safetensors")["labels"]
    )
    assert left_over(run) == [] and info(run)["warnings"] == []
    if not options:
        for ours, theirs in zip(
            stats(run, "--select", "class:owl"), stats(alone, "--select", "class:owl"), strict=True
        ):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_only_aggregates_are_one_file(run):
    on_ranks(2, recording(run, keep=0))
    assert manifest(run)["epochs"][0]["files"] == ["epochs/000000.safetensors"]
    np.testing.assert_array_equal(epoch(run, 0)["counts"], [50, 17, 17, 16])


def test_more_ranks_than_inputs(run):
    assert on_ranks(4, recording(run, inputs=(X[:3], Y[:3]))) == [1] * 4
    assert len(manifest(run)["epochs"][0]["files"]) == 3 and info(run)["warnings"] == []


def test_each_rank_may_iterate_over_its_own_batches(run):
    def work(network):
        mine = [(X[network.rank :: 2], Y[network.rank :: 2])]
        with Recorder(run, network, mine) as recorder:
            recorder.epoch(0)

    assert on_ranks(2, work) == [None, None]
    stored = epoch(run, 0)
    np.testing.assert_array_equal(stored["counts"], [50, 17, 17, 16])
    np.testing.assert_allclose(stored["0/mean"][0], Network().hidden(X).mean(axis=0), rtol=1e-5, atol=1e-6)


def test_values_of_batches_on_several_ranks_are_refused(run):
    def work(network):
        Recorder(run, network, [(X, Y)], keep=3)

    assert all("kept by one process only" in str(error) for error in on_ranks(2, work))
    assert not run.exists()


@pytest.mark.parametrize("failing", [0, 1])
def test_a_rank_that_cannot_start_stops_all(run, failing):
    def work(network):
        labels = Y[:49] if network.rank == failing else Y
        inputs = [(X, labels)]
        Recorder(run, network, inputs, keep=0)

    outcomes = on_ranks(2, work)
    assert all(isinstance(outcome, RecorderError) for outcome in outcomes)
    assert "50 inputs, but 49 labels" in str(outcomes[failing])
    assert f"process {failing} of 2: " in str(outcomes[1 - failing])


def test_a_path_with_a_run_is_an_error_on_all_ranks(run):
    recording(run)(Network())
    assert all("exists already" in str(outcome) for outcome in on_ranks(2, recording(run)))


@pytest.mark.parametrize("failing", [0, 1])
def test_a_model_that_raises_on_one_rank(run, failing):
    def work(network):
        with Recorder(run, network, (X, Y), batch_size=8) as recorder:
            recorder.epoch(0)
            real = network.batch
            if network.rank == failing:
                network.batch = lambda *_: 1 / 0
            try:
                recorder.epoch(1)
            finally:
                network.batch = real
                recorder.epoch(2)
            return recorder.last_epoch

    with pytest.warns(RecordingWarning, match="epoch 1 was not recorded: another process failed"):
        outcomes = on_ranks(2, work)
    assert isinstance(outcomes[failing], ZeroDivisionError) and outcomes[1 - failing] == 2
    assert [entry["number"] for entry in manifest(run)["epochs"]] == [0, 2] and left_over(run) == []


@pytest.mark.parametrize("failing", [0, 1])
def test_a_full_disk_on_one_rank(run, failing, monkeypatch):
    from dnnviz._writer import shard

    real = shard.os.fsync
    state = threading.local()

    def fsync(file):
        if getattr(state, "full", False):
            raise OSError(28, "No space left on device")
        real(file)

    monkeypatch.setattr(shard.os, "fsync", fsync)

    def work(network):
        with Recorder(run, network, (X, Y), batch_size=8) as recorder:
            recorder.epoch(0)
            state.full = network.rank == failing
            recorder.epoch(1)
            state.full = False
            recorder.epoch(2)
            return recorder.last_epoch

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert on_ranks(2, work) == [2, 2]
    messages = sorted(str(warning.message) for warning in warned)
    assert len(messages) == 2 and all("epoch 1 was not recorded" in message for message in messages)
    assert any("No space left on device" in message for message in messages)
    assert [entry["number"] for entry in manifest(run)["epochs"]] == [0, 2] and left_over(run) == []


def test_invalid_metrics_on_one_rank(run):
    def work(network):
        with Recorder(run, network, (X, Y)) as recorder:
            recorder.epoch(0, accuracy=0.5 if network.rank else 50)

    with pytest.warns(RecordingWarning, match="another process failed"):
        outcomes = on_ranks(2, work)
    assert isinstance(outcomes[0], RecorderError) and outcomes[1] is None
    assert manifest(run)["epochs"] == []


def test_nan_and_infinity_are_counted_over_all_ranks(run):
    x = X.copy()
    x[3], x[40] = np.nan, np.nan
    with pytest.warns(RecordingWarning) as warned:
        on_ranks(2, recording(run, epochs=1, inputs=(x, Y)))
    assert len(warned) == 1
    assert manifest(run)["epochs"][0]["not_finite"] == {"hidden": 14, "output": 6}
