"""A network without a framework, and its activations computed independently."""

import contextlib

import numpy as np

from dnnviz._aggregate import NumpyAggregator
from dnnviz._capture import Batch, Layer, Output, Scores

NAMES = ["cat", "dog", "owl"]


def data(count, features=5, seed=1):
    """Inputs `[count, features]` and labels of three classes."""
    random = np.random.default_rng(seed)
    return random.normal(size=(count, features)).astype(np.float32), np.arange(count) % 3


class Network:
    """Two layers: a rectified one, also with feature maps of 1 × 2, and scores. `scale` stands for the
    weights that a training changes."""

    model = "two layers"
    edges = None
    joints = ()
    output = None
    rank, world = 0, 1

    def __init__(self, features=5, hidden=7, classes=3):
        self.modules = {}
        random = np.random.default_rng(0)
        self.weights = random.normal(size=(features, hidden)).astype(np.float32)
        self.out = random.normal(size=(hidden, classes)).astype(np.float32)
        self.layers = [
            Layer(
                "hidden",
                hidden,
                "Linear",
                kind="feature-map",
                shape=(hidden, 1, 2),
                parameters=features * hidden,
            ),
            Layer("output", classes, "Linear", kind="dense", shape=(classes,), dtype="float32"),
        ]
        self.scale = 1.0
        self.open_now = False
        self.calls = 0

    @contextlib.contextmanager
    def open(self):
        self.open_now = True
        try:
            yield
        finally:
            self.open_now = False

    def hidden(self, x):
        with np.errstate(invalid="ignore"):
            return np.maximum(x @ self.weights * np.float32(self.scale), 0)

    def batch(self, inputs, map_rows=()):
        assert self.open_now
        self.calls += 1
        hidden = self.hidden(inputs)
        with np.errstate(invalid="ignore"):
            output = hidden @ self.out
        maps = []
        if len(map_rows):
            wanted = hidden[list(map_rows)]
            maps = [(0, np.stack([wanted, 2 * wanted], axis=-1)[:, :, None, :])]
        return Batch([hidden, output], Output(output, len(inputs), [Scores("", output)], 1), maps)

    def aggregates(self, groups):
        return NumpyAggregator(groups)

    def barrier(self, ok):
        return ok

    def gather(self, value):
        return [value]


def reference(network, x, scale=1.0):
    """The activations of `hidden` and `output` in double precision."""
    hidden = np.maximum(x.astype(np.float64) @ network.weights.astype(np.float64) * scale, 0)
    return [hidden, hidden @ network.out.astype(np.float64)]
