"""Recording of JAX arrays, layer by layer."""

import numpy as np
import pytest
import readers

import dnnviz

jax = pytest.importorskip("jax")
jnp = jax.numpy


def network(parameters, x):
    """A plain JAX network that also returns its activations."""
    maps = jax.nn.relu(
        jax.lax.conv_general_dilated(
            x, parameters["conv"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
    )
    hidden = jnp.tanh(maps.reshape(len(x), -1) @ parameters["hidden"])
    scores = hidden @ parameters["scores"]
    return scores, {"conv": maps, "hidden": hidden, "scores": scores}


def parameters(key):
    conv, hidden, scores = jax.random.split(key, 3)
    return {
        "conv": jax.random.normal(conv, (3, 3, 1, 4)),
        "hidden": 0.1 * jax.random.normal(hidden, (6 * 5 * 4, 7)),
        "scores": jax.random.normal(scores, (7, 3)),
    }


def test_a_training_in_jax_is_recorded(run):
    x = np.random.default_rng(0).normal(size=(12, 6, 5, 1)).astype(np.float32)
    y = np.arange(12) % 3
    weights = parameters(jax.random.key(0))

    def loss(weights):
        return -jnp.mean(jax.nn.log_softmax(network(weights, x)[0])[jnp.arange(12), y])

    step = jax.jit(jax.value_and_grad(loss))
    kept = []
    with dnnviz.Recorder(run, inputs=(x, y), classes=["a", "b", "c"]) as recorder:
        for epoch in range(3):
            value, slopes = step(weights)
            weights = jax.tree.map(lambda weight, slope: weight - 0.1 * slope, weights, slopes)
            scores, activations = jax.jit(network)(weights, x)
            for name, array in activations.items():
                recorder.layer(name, array, channels_last=True)
            recorder.predictions(scores.argmax(axis=1))
            recorder.epoch(epoch, loss=value)
            kept.append(jax.tree.map(lambda array: np.asarray(array, np.float64), activations))
    layers = readers.manifest(run)["layers"]
    assert [layer["name"] for layer in layers] == ["conv", "hidden", "scores"]
    assert [layer["kind"] for layer in layers] == ["feature-map", "dense", "dense"]
    assert [layer["dtype"] for layer in layers] == ["float32"] * 3
    for epoch, expected in enumerate(kept):
        stored = readers.epoch(run, epoch)
        np.testing.assert_allclose(
            stored["0/units"], expected["conv"].mean(axis=(1, 2)), rtol=1e-5, atol=1e-6
        )
        np.testing.assert_array_equal(stored["1/units"], expected["hidden"])
        np.testing.assert_array_equal(stored["2/units"], expected["scores"])
        np.testing.assert_array_equal(stored["predictions"], expected["scores"].argmax(axis=1))
    assert readers.manifest(run)["epochs"][0]["loss"] == pytest.approx(np.log(3), rel=1.0)


def test_bfloat16_is_recorded_bit_by_bit(run):
    array = jnp.linspace(-3, 3, 20, dtype=jnp.bfloat16).reshape(4, 5)
    with dnnviz.Recorder(run, dtype="bfloat16") as recorder:
        recorder.layer("a", array)
        recorder.epoch(0)
    stored, data = readers.header(run / readers.manifest(run)["epochs"][0]["files"][0])
    begin, end = stored["0/units"]["data_offsets"]
    start = len(data) - max(
        entry["data_offsets"][1] for name, entry in stored.items() if name != "__metadata__"
    )
    assert stored["0/units"]["dtype"] == "BF16"
    bits = np.frombuffer(data[start + begin : start + end], np.uint16)
    np.testing.assert_array_equal(bits, np.asarray(array).view(np.uint16).reshape(-1))
    assert readers.manifest(run)["layers"][0]["dtype"] == "bfloat16"


def test_a_traced_array_is_refused(run):
    with dnnviz.Recorder(run) as recorder:

        @jax.jit
        def inside(array):
            recorder.layer("a", array)
            return array

        with pytest.raises(dnnviz.RecorderError, match="layer a cannot be turned into an array"):
            inside(jnp.ones((2, 3)))
