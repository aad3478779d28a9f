"""What `dnnviz info` and `dnnviz stats` say, against a reading of the same files by NumPy.

The binary is $DNNVIZ_BIN, else target/debug/dnnviz. The dumps are in $DNNVIZ_DUMPS, else beside the
checkout; with DNNVIZ_REQUIRE_DUMPS=1 the tests fail without them.
"""

import functools
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
BINARY = Path(os.environ.get("DNNVIZ_BIN", ROOT / "target" / "debug" / "dnnviz"))
DUMPS = Path(os.environ.get("DNNVIZ_DUMPS", ROOT.parent / "shared" / "data" / "deepdiva"))
NAMES = ["cnn_basic", "cnn_basic_tampered", "alex_dead"]
TOLERANCE = 1e-6

needs_dumps = pytest.mark.skipif(
    not DUMPS.is_dir() and os.environ.get("DNNVIZ_REQUIRE_DUMPS") != "1",
    reason=f"{DUMPS} is missing (fails with DNNVIZ_REQUIRE_DUMPS=1)",
)
pytestmark = needs_dumps


class Dump:
    """A DNNViz dump as NumPy sees it; every array is [units] of one layer."""

    def __init__(self, folder):
        self.folder = folder / "activations"
        self.manifest = json.loads((self.folder / "manifest.json").read_text())
        by_number = lambda entries: [entries[key] for key in sorted(entries, key=int)]  # noqa: E731
        self.layers = by_number(self.manifest["model"]["layers"])
        self.singles = by_number(self.manifest["items"]["single"])
        self.classes = {int(label): item for label, item in self.manifest["items"]["class"].items()}
        self.general = self.manifest["items"]["general"]["0"]
        self.epochs = {entry["number"]: entry for entry in by_number(self.manifest["epochs"])}

    def values(self, epoch, item):
        folder = self.folder / "data" / self.epochs[epoch]["folder"].lstrip("/")
        layers = json.loads((folder / f"{item['key']}.json").read_text())["layers"]
        read = lambda filters: np.array([filters[key] for key in sorted(filters, key=int)])  # noqa: E731
        return [read(layers[key]["filters"]) for key in sorted(layers, key=int)]

    def inputs_of(self, label):
        return [index for index, item in enumerate(self.singles) if item["class"] == label]

    def rows(self, epoch, inputs):
        """One array [inputs, units] per layer."""
        return [np.stack(layer) for layer in zip(*(self.values(epoch, self.singles[i]) for i in inputs))]


def dnnviz(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout


def stats(run, epoch, *options):
    document = json.loads(dnnviz("stats", run, "--epoch", epoch, *options, "--json"))
    layers = [np.array([np.nan if v is None else v for v in layer["values"]]) for layer in document["layers"]]
    return document, layers


def in_parallel(check, cases):
    cases = list(cases)
    assert cases
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda case: check(*case), cases))


def assert_same(found, expected, what, tolerance=TOLERANCE):
    assert len(found) == len(expected), what
    for layer, (ours, theirs) in enumerate(zip(found, expected)):
        np.testing.assert_allclose(
            ours, theirs, rtol=0, atol=tolerance, equal_nan=True, err_msg=f"{what}, layer {layer}"
        )


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Each dump as it is, as a recording, and as a dump again; made when first asked for."""

    @functools.cache
    def run(name, form):
        if form == "dump":
            return DUMPS / name
        made = tmp_path_factory.mktemp(f"{name}-{form}") / "run"
        if form == "recording":
            dnnviz("import", run(name, "dump"), "-o", made)
        else:
            dnnviz("export-json", run(name, "recording"), "-o", made)
        return made

    return run


@pytest.fixture(params=["dump", "recording", "exported"])
def form(request):
    return request.param


@pytest.fixture(params=NAMES)
def case(request, form, runs):
    """(what NumPy reads, what dnnviz reads)"""
    return Dump(DUMPS / request.param), runs(request.param, form)


def test_info(case, form):
    dump, run = case
    info = json.loads(dnnviz("info", run, "--json"))
    assert info["format"] == ("dnnviz-1" if form == "recording" else "deepdiva-v2")
    assert info["model"] == dump.manifest["model"]["name"]
    assert info["normalisation"] == "per-item-per-layer"
    assert info["units"] == sum(layer["size"] for layer in dump.layers)
    assert info["inputs"] == len(dump.singles)
    assert info["warnings"] == []
    assert info["layers"] == [
        {
            "name": str(index + 1),
            "type": layer["type"],
            "kind": {4: "feature-map", 2: "dense"}[layer["dim"]],
            "units": layer["size"],
            "shape": [layer["size"]],
        }
        for index, layer in enumerate(dump.layers)
    ]
    assert info["classes"] == [
        {"id": label, "name": str(label), "inputs": dump.classes[label]["size"]} for label in sorted(dump.classes)
    ]
    assert [epoch["number"] for epoch in info["epochs"]] == list(dump.epochs)
    for epoch in info["epochs"]:
        assert epoch["accuracy"] == pytest.approx(dump.epochs[epoch["number"]]["accuracy"], abs=1e-9)
        assert epoch["damaged"] is False


def test_general_and_every_class_of_every_epoch(case):
    dump, run = case
    groups = [("all", dump.general, len(dump.singles))]
    groups += [(f"class:{label}", item, item["size"]) for label, item in dump.classes.items()]

    def check(epoch, select, item, inputs):
        document, found = stats(run, epoch, "--select", select)
        assert (document["epoch"], document["select"], document["inputs"]) == (epoch, select, inputs)
        assert (document["stat"], document["minus"], document["diff"]) == ("mean", None, None)
        assert_same(found, dump.values(epoch, item), f"{select} at {epoch}")

    in_parallel(check, ((epoch, *group) for epoch in dump.epochs for group in groups))


def test_every_input_of_every_epoch(case):
    dump, run = case

    def check(epoch, index):
        document, found = stats(run, epoch, "--select", f"input:{index}")
        assert document["inputs"] == 1
        assert_same(found, dump.values(epoch, dump.singles[index]), f"input {index} at {epoch}")

    in_parallel(check, ((epoch, index) for epoch in dump.epochs for index in range(len(dump.singles))))


def test_class_means_from_the_inputs_are_those_of_the_class_files(case):
    dump, run = case

    def check(epoch, label):
        inputs = dump.inputs_of(label)
        _, found = stats(run, epoch, "--select", "input:" + ",".join(map(str, inputs)))
        stored = dump.values(epoch, dump.classes[label])
        for layer, rows in enumerate(dump.rows(epoch, inputs)):
            whole = np.isfinite(rows).all(axis=0)
            np.testing.assert_allclose(found[layer][whole], stored[layer][whole], rtol=0, atol=TOLERANCE)
            # One NaN makes the stored mean NaN; here, what is finite is averaged.
            assert np.isnan(stored[layer][~whole]).all()
            some = np.isfinite(rows).any(axis=0)
            np.testing.assert_allclose(
                found[layer][some], np.nanmean(rows[:, some], axis=0), rtol=0, atol=TOLERANCE
            )
            assert np.isnan(found[layer][~some]).all()

    in_parallel(check, ((epoch, label) for epoch in dump.epochs for label in dump.classes))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy on units that are all NaN
def test_every_statistic(case):
    dump, run = case
    oracle = {
        "mean": lambda rows: np.nanmean(rows, axis=0),
        "std": lambda rows: np.nanstd(rows, axis=0),
        "min": lambda rows: np.nanmin(rows, axis=0),
        "max": lambda rows: np.nanmax(rows, axis=0),
        "rate": lambda rows: np.where(
            np.isnan(rows).all(axis=0), np.nan, (rows > 0).sum(axis=0) / np.isfinite(rows).sum(axis=0)
        ),
    }
    first, last = min(dump.epochs), max(dump.epochs)
    label = max(dump.classes, key=lambda label: dump.classes[label]["size"])
    some = dump.inputs_of(label)

    def check(epoch, stat, select, inputs):
        _, found = stats(run, epoch, "--select", select, "--stat", stat)
        expected = [oracle[stat](rows) for rows in dump.rows(epoch, inputs)]
        assert_same(found, expected, f"{stat} of {select} at {epoch}")

    selections = [(f"class:{label}&input:0-{len(dump.singles) - 1}", some), ("input:1-4,7", [1, 2, 3, 4, 7])]
    in_parallel(
        check, ((epoch, stat, *selection) for epoch in (first, last) for stat in oracle for selection in selections)
    )
    in_parallel(check, ((last, stat, f"class:{label}", some) for stat in ("std", "min", "max", "rate")))


def test_differences(case):
    dump, run = case
    one, other = sorted(dump.classes)[1:3]
    first, last = min(dump.epochs), max(dump.epochs)
    mean = lambda label, epoch: dump.values(epoch, dump.classes[label])  # noqa: E731

    def difference(select, minus, *options):
        document, found = stats(run, last, "--select", select, "--minus", minus, *options)
        assert (document["select"], document["minus"]) == (select, minus)
        return document["diff"], found

    for epoch in (first, last):
        a, b = f"class:{one}@{epoch}", f"class:{other}@{epoch}"
        expected = [x - y for x, y in zip(mean(one, epoch), mean(other, epoch))]
        kind, signed = difference(a, b)
        assert kind == "signed"
        assert_same(signed, expected, "signed")
        assert_same(difference(b, a)[1], [-layer for layer in signed], "swapped", tolerance=0)
        kind, absolute = difference(a, b, "--diff", "abs")
        assert kind == "abs"
        assert_same(absolute, [abs(layer) for layer in signed], "absolute", tolerance=0)
        _, same = difference(a, a)
        assert_same(same, [np.where(np.isnan(x), np.nan, 0.0) for x in mean(one, epoch)], "itself", tolerance=0)
    _, grown = difference(f"class:{one}@last", f"class:{one}@first")
    expected = [x - y for x, y in zip(mean(one, last), mean(one, first))]
    assert_same(grown, expected, "over the training")


def test_between_epochs(case):
    dump, run = case
    numbers = list(dump.epochs)
    for before, after in zip(numbers, numbers[1:]):
        if after - before == 1:
            moment, share = before + 0.25, 0.25
        else:
            moment, share = before + 0.5, 0.5 / (after - before)
        document, found = stats(run, moment)
        assert document["epoch"] == moment
        pairs = zip(dump.values(before, dump.general), dump.values(after, dump.general))
        assert_same(found, [(1 - share) * x + share * y for x, y in pairs], f"at {moment}")


def test_the_best_epoch_has_the_highest_accuracy(case):
    dump, run = case
    best = max(dump.epochs, key=lambda number: dump.epochs[number]["accuracy"])
    assert stats(run, "best")[0]["epoch"] == best


def test_csv_holds_the_same_numbers(case):
    dump, run = case
    epoch = max(dump.epochs)
    lines = dnnviz("stats", run, "--epoch", epoch, "--format", "csv").splitlines()
    assert lines[0] == "layer,unit,value"
    found = [[] for _ in dump.layers]
    for line in lines[1:]:
        layer, unit, value = line.split(",")
        assert int(unit) == len(found[int(layer) - 1])
        found[int(layer) - 1].append(float(value) if value else np.nan)
    assert_same([np.array(layer) for layer in found], dump.values(epoch, dump.general), "csv")


def test_there_is_something_to_tell_apart():
    """The dumps hold what the tests above rely on: NaN, NaN beside numbers, and change."""
    dump = Dump(DUMPS / "alex_dead")
    first, last = (dump.values(epoch, dump.general) for epoch in (min(dump.epochs), max(dump.epochs)))
    assert not any(np.isnan(layer).any() for layer in first)
    assert any(np.isnan(layer).all() for layer in last) and any(np.isfinite(layer).all() for layer in last)
    plain, tampered = (Dump(DUMPS / name) for name in NAMES[:2])
    with pytest.raises(AssertionError):
        assert_same(plain.values(0, plain.general), tampered.values(0, tampered.general), "two dumps")


def test_the_comparison_can_fail():
    one, nan = [np.array([1.0, 2.0])], [np.array([1.0, np.nan])]
    assert_same(one, [one[0] + 1e-7], "close")
    for other in (nan, [one[0] + 2e-6], [one[0][:1]], []):
        with pytest.raises(AssertionError):
            assert_same(one, other, "apart")
