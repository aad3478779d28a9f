"""Random selections, statistics and comparisons, as `dnnviz stats` has them, against NumPy in f64 over
the same files; on the CPU, and reduced by a graphics device through Vulkan and OpenGL.
"""

import functools
import json
import os
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from test_oracle import BINARY, DUMPS, Dump, in_parallel, needs_dumps

# NumPy on units that are all NaN.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

QUERIES = 100
STATS = ["mean", "std", "min", "max", "rate", "count"]
DIFFS = ["signed", "abs", "effect"]
# How values are reduced, and how far from f64 that may be, relative to what is added up.
PATHS = {
    "cpu": (["--on", "cpu"], {}, 1e-6),
    "vulkan": (["--on", "gpu"], {"WGPU_BACKEND": "vulkan"}, 1e-5),
    "gl": (["--on", "gpu"], {"WGPU_BACKEND": "gl"}, 1e-5),
}


class DumpRun:
    """A DNNViz dump as arrays: values(epoch) has one [inputs, units] per layer, in f64 of what is f32."""

    # Of all inputs and of one class the dump has means of its own, in which one NaN makes all NaN.
    stores_means = True

    def __init__(self, name):
        self.path = DUMPS / name
        self.dump = Dump(self.path)
        self.labels = np.array([item["class"] for item in self.dump.singles])
        self.epochs = list(self.dump.epochs)
        self.names = [str(index + 1) for index in range(len(self.dump.layers))]

    @functools.cache  # noqa: B019
    def values(self, epoch):
        rows = self.dump.rows(epoch, range(len(self.labels)))
        return [layer.astype(np.float32).astype(np.float64) for layer in rows]

    def predictions(self, epoch):
        return None


class RecordingRun:
    """A native recording as arrays."""

    stores_means = False

    def __init__(self, path):
        self.path = path
        manifest = json.loads((path / "manifest.json").read_text())
        self.names = [layer["name"] for layer in manifest["layers"]]
        self.files = {entry["number"]: path / entry["files"][0] for entry in manifest["epochs"]}
        self.epochs = list(self.files)
        self.labels = load_file(path / "inputs.safetensors")["labels"]

    @functools.cache  # noqa: B019
    def file(self, epoch):
        return load_file(self.files[epoch])

    @functools.cache  # noqa: B019
    def values(self, epoch):
        return [self.file(epoch)[f"{index}/units"].astype(np.float64) for index in range(len(self.names))]

    def predictions(self, epoch):
        return self.file(epoch)["predictions"]


class Selection:
    """A random selection: its text, and which inputs it means at an epoch."""

    def __init__(self, random, run, predicted=True):
        inputs, classes = len(run.labels), sorted(set(run.labels.tolist()))
        while True:
            terms = []
            if random.random() < 0.6:
                some = random.choice(classes, size=random.integers(1, 4), replace=False).tolist()
                terms.append(("class", some))
            if random.random() < 0.5:
                starts = random.integers(0, inputs, size=random.integers(1, 4))
                ends = np.minimum(starts + random.integers(0, inputs, size=len(starts)) // 2, inputs - 1)
                terms.append(("input", list(zip(starts.tolist(), ends.tolist(), strict=True))))
            if predicted and run.predictions(run.epochs[0]) is not None and random.random() < 0.3:
                terms.append((random.choice(["right", "wrong"]), None))
            self.terms = [terms[at] for at in random.permutation(len(terms))]
            self.epoch = random.choice(run.epochs) if random.random() < 0.4 else None
            self.run = run
            if all(
                self.chosen(epoch).any() for epoch in ([self.epoch] if self.epoch is not None else run.epochs)
            ):
                return

    def text(self):
        def term(kind, what):
            if kind == "class":
                return "class:" + ",".join(map(str, what))
            if kind == "input":
                return "input:" + ",".join(str(a) if a == b else f"{a}-{b}" for a, b in what)
            return kind

        text = "&".join(term(*each) for each in self.terms) or "all"
        return text if self.epoch is None else f"{text}@{self.epoch}"

    def chosen(self, epoch):
        """A mask over the inputs."""
        run = self.run
        mask = np.ones(len(run.labels), bool)
        for kind, what in self.terms:
            if kind == "class":
                mask &= np.isin(run.labels, what)
            elif kind == "input":
                numbers = np.arange(len(run.labels))
                mask &= np.any([(numbers >= a) & (numbers <= b) for a, b in what], axis=0)
            else:
                mask &= (run.predictions(epoch) == run.labels) == (kind == "right")
        return mask

    def rows(self, epoch):
        """Per layer the chosen rows, with NaN for everything that is not finite, and whether a NaN among
        them makes the mean NaN."""
        epoch = epoch if self.epoch is None else self.epoch
        stored = not self.terms or (
            self.terms[0][0] == "class" and len(self.terms) == len(self.terms[0][1]) == 1
        )
        strict = self.run.stores_means and stored
        rows = [layer[self.chosen(epoch)] for layer in self.run.values(epoch)]
        return [np.where(np.isfinite(layer), layer, np.nan) for layer in rows], strict


def statistic(stat, rows, strict):
    """What NumPy says of rows, and what its error is in proportion to."""
    count = np.isfinite(rows).sum(axis=0)
    magnitude = np.nanmean(abs(rows), axis=0)
    if stat == "mean":
        value = rows.mean(axis=0) if strict else np.nanmean(rows, axis=0)
        return value, magnitude
    if stat == "std":
        value = np.nanstd(rows, axis=0)
        return value, value + 1e-3 * magnitude
    if stat == "min":
        value = np.nanmin(rows, axis=0)
    elif stat == "max":
        value = np.nanmax(rows, axis=0)
    elif stat == "rate":
        value = np.where(count > 0, (rows > 0).sum(axis=0) / np.maximum(count, 1), np.nan)
    else:
        value = count.astype(float)
    return value, abs(value)


def effect(a, b):
    """Cohen's d, and what its error is in proportion to."""
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = np.isfinite(a).sum(axis=0) + np.isfinite(b).sum(axis=0) - 2
        means = np.nanmean(a, axis=0), np.nanmean(b, axis=0)
        squares = sum(np.nansum((rows - mean) ** 2, axis=0) for rows, mean in zip((a, b), means, strict=True))
        pooled = np.sqrt(squares / np.where(counts > 0, counts, np.nan))
        apart = means[0] - means[1]
        value = np.where(apart == 0, 0.0, np.where(pooled > 0, apart / pooled, np.nan))
        magnitude = np.nanmean(abs(a), axis=0) + np.nanmean(abs(b), axis=0)
        return value, magnitude / np.where(pooled > 0, pooled, 1) + abs(value)


class Query:
    """A random query: the command's options, and what NumPy answers."""

    def __init__(self, random, run, other):
        self.run, self.epoch = run, int(random.choice(run.epochs))
        self.select = Selection(random, run)
        self.stat = str(random.choice(STATS))
        self.diff = self.minus = self.run_b = None
        self.norm = str(random.choice(["raw", "raw", "layer", "global"]))
        if random.random() < 0.6:
            self.diff = str(random.choice(DIFFS))
            self.run_b = other if random.random() < 0.4 else None
            self.minus = Selection(random, self.run_b or run)
            if self.diff == "effect":
                self.stat = "mean"

    def options(self):
        options = [
            "--epoch",
            self.epoch,
            "--select",
            self.select.text(),
            "--stat",
            self.stat,
            "--norm",
            self.norm,
        ]
        if self.minus:
            options += ["--minus", self.minus.text(), "--diff", self.diff]
        if self.run_b:
            options += ["--run-b", self.run_b.path]
        return [self.run.path, *map(str, options)]

    def expected(self):
        """Per layer, the values and what their error is in proportion to."""
        a, strict_a = self.select.rows(self.epoch)
        if not self.minus:
            found = [statistic(self.stat, rows, strict_a) for rows in a]
        else:
            b, strict_b = self.minus.rows(self.epoch)
            if self.diff == "effect":
                found = [effect(*rows) for rows in zip(a, b, strict=True)]
            else:
                found = []
                for rows_a, rows_b in zip(a, b, strict=True):
                    one, size = statistic(self.stat, rows_a, strict_a)
                    other, other_size = statistic(self.stat, rows_b, strict_b)
                    apart = one - other if self.diff == "signed" else abs(one - other)
                    found.append((apart, size + other_size))
        if self.norm == "raw":
            return found
        # Each layer's greatest, and how its error relates to it.
        scales = []
        for values, size in found:
            values, size = abs(np.nan_to_num(values)), np.nan_to_num(size)
            greatest = values.argmax()
            scales.append((values[greatest], size[greatest] / (values[greatest] or 1)))
        if self.norm == "global":
            scales = [max(scales)] * len(scales)
        scales = [(scale or 1, error) for scale, error in scales]
        return [
            (values / scale, size / scale + abs(values / scale) * error)
            for (values, size), (scale, error) in zip(found, scales, strict=True)
        ]


def ask(options, path):
    """What `dnnviz stats` answers: the document, and its values per layer."""
    command = [BINARY, "stats", *options, *PATHS[path][0], "--json"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=600, env={**os.environ, **PATHS[path][1]}
    )
    assert done.returncode == 0, f"{options}: {done.stderr}"
    document = json.loads(done.stdout)
    return document, [
        np.array([np.nan if v is None else v for v in layer["values"]]) for layer in document["layers"]
    ]


def assert_answers(query, path):
    document, found = ask(query.options(), path)
    tolerance = PATHS[path][2]
    epoch = query.select.epoch if query.select.epoch is not None else query.epoch
    assert document["inputs"] == query.select.chosen(epoch).sum()
    assert [layer["name"] for layer in document["layers"]] == query.run.names
    for name, values, (expected, size) in zip(query.run.names, found, query.expected(), strict=True):
        what = f"{query.options()} by {path}, layer {name}"
        assert values.shape == expected.shape, what
        assert (np.isnan(values) == np.isnan(expected)).all(), what
        if query.stat == "count" and query.norm == "raw":
            assert np.array_equal(values, expected), what
        bound = tolerance * np.nan_to_num(size)
        wrong = abs(values - expected) > bound + 1e-30
        assert not wrong.any(), f"{what}: {values[wrong][:3]} is not {expected[wrong][:3]}"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    """Two recordings of one network in half precision; the second with values that are not finite, in
    single precision, denormal, huge, and far from zero for how little they vary."""
    folder = tmp_path_factory.mktemp("recordings")
    runs = [folder / "plain", folder / "odd"]
    for seed, run in enumerate(runs):
        options = ["--units", "1203", "--layers", "5", "--epochs", "3", "--inputs", "300", "--classes", "7"]
        subprocess.run(
            [BINARY, "synth", "-o", run, *options, "--seed", str(seed)], check=True, capture_output=True
        )
    random = np.random.default_rng(7)
    for file in sorted((runs[1] / "epochs").iterdir()):
        arrays = load_file(file)
        for layer in range(5):
            values = arrays[f"{layer}/units"].astype(np.float32)
            values[:, 0] = np.nan
            values[:, 1] = 10_000 + random.standard_normal(300)
            values[:, 2] = 0.1
            values[:, 3] = random.standard_normal(300) * 1e15
            values[::7, 4] = [np.inf, -np.inf, np.nan, *[-0.0] * 40]
            values[random.integers(0, 300, 20), 5] = np.nan
            arrays[f"{layer}/units"] = values
        save_file(arrays, file)
    return [RecordingRun(run) for run in runs]


@needs_dumps
@pytest.mark.parametrize("path", PATHS)
def test_random_queries_of_dumps(path):
    plain, tampered, dead = map(DumpRun, ["cnn_basic", "cnn_basic_tampered", "alex_dead"])
    random = np.random.default_rng(1)
    runs = [(plain, tampered), (tampered, plain), (dead, dead)]
    queries = [Query(random, *runs[turn % 3]) for turn in range(QUERIES)]
    in_parallel(assert_answers, ((query, path) for query in queries))


@pytest.mark.parametrize("path", PATHS)
def test_random_queries_of_recordings(recordings, path):
    random = np.random.default_rng(2)
    runs = [recordings, recordings[::-1]]
    queries = [Query(random, *runs[turn % 2]) for turn in range(QUERIES)]
    in_parallel(assert_answers, ((query, path) for query in queries))


@pytest.mark.parametrize("path", PATHS)
def test_equal_sides_differ_by_nothing_and_exchanged_ones_by_the_opposite(recordings, path):
    def check(run, diff):
        last = ["--epoch", str(run.epochs[-1])]
        options = [run.path, *last, "--select", "class:3", "--minus", "class:3", "--diff", diff]
        _, same = ask(options, path)
        assert all(np.all(np.isnan(layer) | (layer == 0)) for layer in same)
        assert sum(np.isfinite(layer).sum() for layer in same) > 1000
        sides = ["class:3&input:0-200", "class:1,5"]
        apart, opposite = (
            ask([run.path, *last, "--select", a, "--minus", b, "--diff", diff], path)[1]
            for a, b in (sides, sides[::-1])
        )
        for one, other in zip(apart, opposite, strict=True):
            assert np.array_equal(one, -other, equal_nan=True)
        assert sum((layer != 0).sum() for layer in apart) > 1000

    in_parallel(check, ((run, diff) for run in recordings for diff in ("signed", "effect")))


def test_the_queries_are_worth_asking(recordings):
    """They hold every kind of term and comparison, and the files what is odd."""
    random = np.random.default_rng(2)
    queries = [Query(random, *recordings) for _ in range(QUERIES)]
    texts = " ".join(query.select.text() for query in queries)
    assert all(word in texts for word in ("all", "class:", "input:", "right", "wrong", "&", "@", "-"))
    assert {query.stat for query in queries} == set(STATS)
    assert {query.diff for query in queries} == {None, *DIFFS}
    assert sum(query.run_b is not None for query in queries) > 10
    values = recordings[1].values(recordings[1].epochs[0])[0]
    assert np.isnan(values).any() and np.isinf(values).any()


def test_the_comparison_can_fail(recordings):
    random = np.random.default_rng(3)
    query = Query(random, *recordings)
    query.minus, query.run_b, query.diff, query.stat, query.norm = None, None, None, "mean", "raw"
    assert_answers(query, "cpu")
    right = query.expected()
    for wrong in ([(a * (1 + 1e-5), b) for a, b in right], [(a * np.nan, b) for a, b in right]):
        query.expected = lambda wrong=wrong: wrong
        with pytest.raises(AssertionError):
            assert_answers(query, "cpu")
