"""Keras models of every kind, on the backend of KERAS_BACKEND; the last test runs the other backends.

Expected values come from Keras itself: from models that end at the layer, or from calling the layers.
"""

import importlib.util
import os
import subprocess
import sys
import warnings

import keras
import numpy as np
import pytest
import readers
from keras import layers

import dnnviz
from dnnviz.keras import KerasCapture, RecorderCallback

BACKEND = keras.backend.backend()


def residual():
    """Convolutions with every form of activation, a branch, a nested model, a shared layer."""
    image = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", name="stem")(image)
    x = layers.ReLU(name="stem_relu")(layers.BatchNormalization(name="stem_norm")(x))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", name="branch")(x)
    x = layers.Add(name="sum")([x, y])
    x = layers.Dropout(0.5)(layers.Flatten()(x))
    head = keras.Sequential(
        [layers.Input((256,)), layers.Dense(6, name="wide"), layers.Activation("tanh")], name="head"
    )
    shared = layers.Dense(6, name="shared")
    x = shared(shared(head(x)))
    return keras.Model(image, layers.Dense(3, activation="softmax", name="scores")(x), name="residual")


@keras.saving.register_keras_serializable()
class Reader(keras.Model):
    """A subclassed model: an embedding, a recurrent layer, a block with an inner layer."""

    def __init__(self):
        super().__init__(name="reader")
        self.embed = layers.Embedding(11, 4, name="embed")
        self.read = layers.LSTM(5, return_sequences=True, return_state=True, name="read")
        self.attend = layers.MultiHeadAttention(2, 4, name="attend")
        self.block = Block(name="block")
        self.scores = layers.Dense(3, name="scores")

    def call(self, words, training=False):
        x, *_ = self.read(self.embed(words))
        x = self.block(self.attend(x, x), training=training)
        return self.scores(keras.ops.mean(x, axis=1))


class Block(keras.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.inner = layers.Dense(7, name="inner")
        self.relu = layers.ReLU()
        self.noise = layers.GaussianNoise(0.1)

    def call(self, x, training=False):
        return self.noise(self.relu(self.inner(x)), training=training)


def images(count=12):
    random = np.random.default_rng(3)
    return random.normal(size=(count, 8, 8, 3)).astype(np.float32), np.arange(count) % 3


def words(count=12):
    return np.random.default_rng(3).integers(0, 11, size=(count, 9)), np.arange(count) % 3


def fitted(model, x, y, *, epochs=3, callbacks=(), **options):
    """Trains a model from the same random state at every call; returns its state after the training."""
    keras.utils.set_random_seed(7)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x,
        y,
        batch_size=5,
        epochs=epochs,
        verbose=0,
        validation_data=(x[:6], y[:6]),
        callbacks=list(callbacks),
        **options,
    )
    variables = [*model.variables, *model.optimizer.variables]
    return history.history, [keras.ops.convert_to_numpy(variable).copy() for variable in variables]


def units(run, number=0):
    """Unit values of an epoch by layer."""
    stored = readers.epoch(run, number)
    names = [layer["name"] for layer in readers.manifest(run)["layers"]]
    return {name: stored[f"{index}/units"] for index, name in enumerate(names)}


def close(found, expected):
    np.testing.assert_allclose(found, np.asarray(expected, np.float64), rtol=2e-5, atol=2e-6)


def test_values_of_a_functional_model_equal_those_of_truncated_models(run):
    model, (x, y) = residual(), images()
    with dnnviz.Recorder(run, model, (x, y), batch_size=5, maps=[1, 7]) as recorder:
        recorder.epoch(0)
    found = units(run)
    assert list(found) == ["stem", "branch", "head/wide", "shared", "shared:2", "scores"]

    def at(tensor):
        return keras.Model(model.input, tensor).predict(x, verbose=0)

    stem, branch = at(model.get_layer("stem_relu").output), at(model.get_layer("branch").output)
    close(found["stem"], stem.astype(np.float64).mean(axis=(1, 2)))
    close(found["branch"], branch.astype(np.float64).mean(axis=(1, 2)))
    head = at(_into(model, "shared"))
    close(found["head/wide"], head)
    kernel, bias = (weight.astype(np.float64) for weight in model.get_layer("shared").get_weights())
    close(found["shared"], head @ kernel + bias)
    close(found["shared:2"], (head @ kernel + bias) @ kernel + bias)
    close(found["scores"], model.predict(x, verbose=0))
    stored = readers.epoch(run, 0)
    np.testing.assert_array_equal(stored["predictions"], model.predict(x, verbose=0).argmax(axis=1))
    close(stored["1/maps"], branch[[1, 7]].transpose(0, 3, 1, 2))


def _into(model, name):
    """The input of the first call of a layer."""
    return model.get_layer(name)._inbound_nodes[0].input_tensors[0]


def test_layers_and_edges_are_those_of_the_graph(run):
    model = residual()
    with dnnviz.Recorder(run, model, images()):
        pass
    document = readers.manifest(run)
    assert document["model"] == "residual"
    assert document["joints"] == ["add"]
    assert document["edges"] == [[0, 1], [6, 2], [2, 3], [3, 4], [4, 5], [0, 6], [1, 6]]
    assert document["modules"] == readers.info(run)["modules"] == {"head": "Sequential"}
    stem, _, wide, shared, again, scores = document["layers"]
    assert (stem["module"], stem["kind"], stem["reduction"]) == ("Conv2D", "feature-map", "spatial-mean")
    assert stem["shape"] == [8, 8, 4] and stem["units"] == 4
    assert stem["parameters"] == 3 * 3 * 3 * 4 + 4
    assert stem["text"].startswith("Conv2D(filters=4, kernel_size=(3, 3), ")
    assert stem["text"].endswith("\nrecorded after ReLU")
    assert wide["text"].endswith("\nrecorded after Activation")
    assert (wide["kind"], wide["reduction"], wide["dtype"]) == ("dense", "none", "float32")
    assert shared["parameters"] == 42 and again.get("parameters") is None
    assert "after" not in scores["text"] and "'softmax'" in scores["text"]


def test_edges_grow_linearly_with_residual_blocks():
    x = image = layers.Input((6,))
    for _ in range(40):
        x = x + layers.Dense(6)(x)
    model = keras.Model(image, layers.Dense(3)(x))
    capture = KerasCapture(model, np.zeros((2, 6), np.float32))
    # The input itself is no layer: the first sum has the data of one layer alone.
    assert capture.joints == ["add"] * 39 and len(capture.edges) == 3 * 39 + 1


@pytest.mark.parametrize("last", [layers.Softmax(), layers.Activation("softmax")])
def test_scores_are_recorded_before_a_softmax(run, last):
    model = keras.Sequential([layers.Input((4,)), layers.Dense(3, name="scores"), last])
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    with dnnviz.Recorder(run, model, (x, None)) as recorder:
        recorder.epoch(0)
    kernel, bias = model.get_layer("scores").get_weights()
    close(units(run)["scores"], x.astype(np.float64) @ kernel + bias)


def test_before_the_activation_by_option(run):
    model, (x, y) = residual(), images()
    with dnnviz.Recorder(run, model, (x, y), layers="stem", after_activation=False) as recorder:
        recorder.epoch(0)
    expected = keras.Model(model.input, model.get_layer("stem").output).predict(x, verbose=0)
    assert (expected < 0).any()
    close(units(run)["stem"], expected.astype(np.float64).mean(axis=(1, 2)))


def test_values_of_a_subclassed_model_equal_those_of_its_layers(run):
    model, (x, y) = Reader(), words()
    model(x[:2])
    with dnnviz.Recorder(run, model, (x, y), batch_size=5) as recorder:
        recorder.epoch(0)
    found = units(run)
    assert list(found) == ["embed", "read", "attend", "block/inner", "scores"]
    document = readers.manifest(run)
    assert document["modules"] == {"block": "Block"}
    assert "edges" not in document or document["edges"] == [[0, 1], [1, 2], [2, 3], [3, 4]]
    assert [layer["kind"] for layer in document["layers"]] == [
        "embedding",
        "other",
        "attention",
        "dense",
        "dense",
    ]

    def host(value):
        return keras.ops.convert_to_numpy(value).astype(np.float64)

    embedded = model.embed(x)
    read = model.read(embedded)[0]
    attended = model.attend(read, read)
    inner = keras.ops.relu(model.block.inner(attended))
    for name, value in (("embed", embedded), ("read", read), ("attend", attended), ("block/inner", inner)):
        close(found[name], host(value).mean(axis=1))
        assert document["layers"][list(found).index(name)]["reduction"] == "sequence-mean"
    close(found["scores"], host(model(x)))


@pytest.mark.parametrize("form", [tuple, list, dict])
def test_models_of_several_inputs(run, form):
    left, right = layers.Input((3,), name="left"), layers.Input((5,), name="right")
    x = layers.Concatenate()([layers.Dense(4, name="a")(left), layers.Dense(6, name="b")(right)])
    given = {"left": left, "right": right} if form is dict else [left, right]
    model = keras.Model(given, layers.Dense(2, name="both")(x))
    random = np.random.default_rng(0)
    arrays = {
        name: random.normal(size=(7, size)).astype(np.float32) for name, size in (("left", 3), ("right", 5))
    }
    inputs = arrays if form is dict else form(arrays.values())
    with dnnviz.Recorder(run, model, (inputs, np.arange(7) % 2), batch_size=4) as recorder:
        recorder.epoch(0)
    assert readers.manifest(run)["edges"] == [[3, 2], [0, 3], [1, 3]]
    assert readers.manifest(run)["joints"] == ["concat"]
    found = units(run)
    kernel, bias = model.get_layer("b").get_weights()
    close(found["b"], arrays["right"].astype(np.float64) @ kernel + bias)
    close(found["both"], model.predict(arrays if form is dict else list(inputs), verbose=0))


def test_an_unbuilt_model_gets_the_same_weights_as_without_the_recorder(run):
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    weights = []
    for record in (False, True):
        keras.utils.set_random_seed(3)
        model = keras.Sequential([layers.Dense(5), layers.Dropout(0.5), layers.Dense(2)])
        if record:
            with dnnviz.Recorder(run, model, (x, None)) as recorder:
                recorder.epoch(0)
        else:
            model(x)
        weights.append([*model.get_weights(), model(x, training=True)])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other))


def test_layers_of_one_name_get_unique_names(run):
    class Twice(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(3, name="same"), layers.Dense(2, name="same")

        def call(self, x):
            return self.second(self.first(x))

    model, x = Twice(), np.ones((4, 5), np.float32)
    with dnnviz.Recorder(run, model, (x, None)) as recorder:
        recorder.epoch(0)
    assert {name: values.shape for name, values in units(run).items()} == {"same": (4, 3), "same_2": (4, 2)}


def test_positions_are_kept_by_option(run):
    model, (x, y) = Reader(), words()
    with dnnviz.Recorder(run, model, (x, y), layers="embed", positions="keep") as recorder:
        recorder.epoch(0)
    close(units(run)["embed"], keras.ops.convert_to_numpy(model.embed(x)).reshape(12, -1))


@pytest.mark.skipif(BACKEND == "tensorflow", reason="its convolutions take channels first on GPUs alone")
@pytest.mark.parametrize("with_mask", [True, False])
@pytest.mark.parametrize(
    ("positions", "choose"),
    [
        ("mean", lambda values, valid: (values * valid[:, :, None]).sum(1) / valid.sum(1)[:, None]),
        ("first", lambda values, valid: values[:, 0]),
        ("last", lambda values, valid: values[np.arange(12), valid.sum(1) - 1]),
        (2, lambda values, valid: values[:, 2]),
        (slice(0, 1), lambda values, valid: values[:, 0]),
    ],
)
def test_positions_of_a_sequence_leave_out_padding(run, with_mask, positions, choose):
    """As Keras' own masks tell, or an argument."""
    x, y = words()
    x = x % 10 + 1
    valid = np.arange(9) < (np.arange(12) % 9 + 1)[:, None]
    tokens = layers.Input((9,), dtype="int64", name="tokens")
    embed = layers.Embedding(11, 4, name="embed", mask_zero=not with_mask)
    hidden = layers.Dense(5, activation="relu", name="hidden")(embed(tokens))
    inputs, arguments = tokens, np.where(valid, x, 0)
    if with_mask:
        inputs = {
            "tokens": tokens,
            "attention_mask": layers.Input((9,), dtype="int64", name="attention_mask"),
        }
        arguments = {"tokens": arguments, "attention_mask": valid.astype(int)}
    pooled = layers.Lambda(lambda values: values[:, 0], name="pool")(hidden)
    model = keras.Model(inputs, layers.Dense(3, name="scores")(pooled), name="reader")
    with dnnviz.Recorder(run, model, (arguments, y), batch_size=5, positions=positions) as recorder:
        recorder.epoch(0)
    found = units(run)
    table = embed.get_weights()[0].astype(np.float64)[np.where(valid, x, 0)]
    kernel, bias = model.get_layer("hidden").get_weights()
    close(found["embed"], choose(table, valid))
    close(found["hidden"], choose(np.maximum(table @ kernel + bias, 0), valid))
    layer = readers.manifest(run)["layers"][0]
    is_mean = positions == "mean" or isinstance(positions, slice)
    assert layer["reduction"] == ("sequence-mean" if is_mean else "none")
    assert layer["shape"] == ([9, 4] if is_mean else [4])


def test_values_of_inputs_that_are_all_padding_are_missing(run):
    tokens = layers.Input((4,), dtype="int64")
    embedded = layers.Embedding(5, 3, mask_zero=True, name="embed")(tokens)
    model = keras.Model(tokens, layers.GlobalAveragePooling1D()(embedded))
    x = np.array([[1, 2, 0, 0], [0, 0, 0, 0], [3, 0, 0, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error", dnnviz.RecordingWarning)
        with dnnviz.Recorder(run, model, (x, None)) as recorder:
            recorder.epoch(0)
    assert np.isnan(units(run)["embed"]).all(axis=1).tolist() == [False, True, False]
    assert "not_finite" not in readers.manifest(run)["epochs"][0]


def test_a_position_that_a_layer_lacks_leaves_it_out(run):
    x, _ = words()
    with pytest.warns(dnnviz.RecordingWarning, match=r"embed has 9 positions; positions=9 is none of them"):
        capture = KerasCapture(Reader(), x, positions=9)
    assert "embed" not in [layer.name for layer in capture.layers]


ONE = {
    "sigmoid": lambda x: layers.Dense(1, activation="sigmoid")(x),
    "sigmoid as a layer": lambda x: layers.Activation("sigmoid")(layers.Dense(1)(x)),
    "logit": lambda x: layers.Dense(1)(x),
    "logit in a dict": lambda x: {"features": x, "logit": layers.Dense(1)(x)},
    "probability in a list": lambda x: [x, layers.Dense(1, activation="sigmoid")(x)],
}


@pytest.mark.parametrize("form", ONE)
def test_one_number_is_the_second_of_two_classes_by_its_sign_or_above_one_half(run, form):
    image = layers.Input((8, 8, 3))
    flat = layers.Dense(6, name="features")(layers.Flatten()(image))
    model = keras.Model(image, ONE[form](flat))
    x, _ = images()
    output = model.predict(x, verbose=0)
    scores = (
        output["logit"] if isinstance(output, dict) else output[-1] if isinstance(output, list) else output
    )
    expected = (scores[:, 0] > (0 if "logit" in form else 0.5)).astype(int)
    assert 0 < expected.sum() < 12
    with warnings.catch_warnings():
        warnings.simplefilter("error", dnnviz.RecordingWarning)
        with dnnviz.Recorder(run, model, (x, expected), batch_size=5) as recorder:
            recorder.epoch(0, accuracy=1.0)
    np.testing.assert_array_equal(readers.epoch(run, 0)["predictions"], expected)


def test_scores_are_found_among_several_outputs_or_read_by_a_function(run):
    image = layers.Input((8, 8, 3))
    flat = layers.Dense(6, name="features")(layers.Flatten()(image))
    model = keras.Model(image, {"a": flat, "b": layers.Dense(3)(flat), "c": layers.Dense(3)(flat)})
    x, y = images()
    with pytest.raises(
        dnnviz.RecorderError, match=r"outputs a \(6 columns\), b \(3 columns\), c .*predictions="
    ):
        dnnviz.Recorder(run, model, (x, y))
    with dnnviz.Recorder(run, model, (x, y), predictions=lambda output: output["c"]) as recorder:
        recorder.epoch(0)
    expected = model.predict(x, verbose=0)["c"].argmax(axis=1)
    np.testing.assert_array_equal(readers.epoch(run, 0)["predictions"], expected)
    two = keras.Model(image, {name: model.output[name] for name in "ab"})
    with dnnviz.Recorder(run.with_name("two"), two, (x, y)) as recorder:
        recorder.epoch(0)
    expected = two.predict(x, verbose=0)["b"].argmax(axis=1)
    np.testing.assert_array_equal(readers.epoch(run.with_name("two"), 0)["predictions"], expected)


def test_channels_first(run):
    model = keras.Sequential(
        [
            layers.Input((3, 8, 6)),
            layers.Conv2D(5, 3, data_format="channels_first", name="first"),
            layers.Flatten(),
        ]
    )
    x, y = np.random.default_rng(0).normal(size=(4, 3, 8, 6)).astype(np.float32), np.arange(4) % 2
    with dnnviz.Recorder(run, model, (x, y), maps=[2]) as recorder:
        recorder.epoch(0)
    expected = keras.Model(model.inputs, model.get_layer("first").output).predict(x, verbose=0)
    assert expected.shape == (4, 5, 6, 4)
    close(units(run)["first"], expected.astype(np.float64).mean(axis=(2, 3)))
    close(readers.epoch(run, 0)["0/maps"], expected[[2]])


def test_half_precision_is_averaged_without_overflow(run):
    model = keras.Sequential(
        [
            layers.Input((16, 16, 1)),
            layers.Conv2D(2, 1, use_bias=False, dtype="float16", kernel_initializer="ones"),
        ]
    )
    # Half floats of this size are 2 apart.
    x = np.full((3, 16, 16, 1), 3000, np.float32)
    x[:, ::2] = 3002
    with dnnviz.Recorder(run, model, (x, None)) as recorder:
        recorder.epoch(0)
    assert readers.manifest(run)["layers"][0]["dtype"] == "float16"
    np.testing.assert_array_equal(readers.epoch(run, 0)["0/units"], np.full((3, 2), 3001, np.float32))


@pytest.mark.parametrize("make, data", [(residual, images), (Reader, words)])
def test_a_training_is_bit_identical_with_and_without_the_callback(run, make, data):
    x, y = data(23)
    results = []
    for callbacks in ([], [RecorderCallback(run, (x[:9], y[:9]))]):
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        model = make()
        model(x[:1])
        results.append(fitted(model, x, y, callbacks=callbacks))
    (history, variables), (recorded_history, recorded_variables) = results
    assert history == recorded_history
    assert len(variables) > 10
    for one, other in zip(variables, recorded_variables, strict=True):
        np.testing.assert_array_equal(one, other)
    assert readers.numbers(run) == [0, 1, 2]


def test_capturing_preserves_the_state_of_a_model():
    class Counts(layers.Layer):
        calls = 0

        def call(self, x):
            self.calls += 1
            return x

    sequence, read = layers.Input(batch_shape=(3, 4, 2)), layers.LSTM(5, stateful=True, return_sequences=True)
    x = Counts(name="counts")(read(sequence))
    x = layers.Dense(3, activity_regularizer="l2", name="out")(x)
    x = keras.layers.Lambda(lambda t: t + 0 * keras.random.normal((1,)), output_shape=(4, 3))(x)
    model = keras.Model(sequence, x)
    x = np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32)
    keras.random.normal((1,))
    model(x)

    def state():
        from keras.src.random.seed_generator import global_seed_generator

        kept = [*model.variables, *read.states, global_seed_generator().state, *model.losses]
        kept = [keras.ops.convert_to_numpy(one).copy() for one in kept]
        attributes = [list(vars(layer)) for layer in model.layers]
        return [*kept, np.random.get_state()[1], *attributes, model.get_layer("counts").calls]

    before = state()
    capture = KerasCapture(model, x)
    with capture.open():
        capture.batch(2 * x)
        capture.batch(-x)
    after = state()
    assert len(before) == len(after)
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_that_raises_is_restored(run):
    class Fails(layers.Layer):
        on = False

        def call(self, x):
            if Fails.on:
                raise RuntimeError("in the middle")
            return x

    model = keras.Sequential(
        [layers.Input((4,)), layers.Dense(3, name="a"), Fails(), layers.Dense(2, name="b")]
    )
    x, y = np.ones((6, 4), np.float32), np.zeros(6, int)
    with dnnviz.Recorder(run, model, (x, y)) as recorder:
        recorder.epoch(0)
        Fails.on = True
        with pytest.raises(RuntimeError, match="in the middle"):
            recorder.epoch(1)
        assert "call" not in vars(model.get_layer("a")) and "call" not in vars(model.get_layer("b"))
        Fails.on = False
        recorder.epoch(2)
    assert readers.numbers(run) == [0, 2]
    assert readers.left_over(run) == []


def test_a_layer_that_is_not_used_is_named(run):
    class Partly(keras.Model):
        def __init__(self):
            super().__init__()
            self.used, self.idle = layers.Dense(3, name="used"), layers.Dense(4, name="idle")
            self.idle.build((None, 2))

        def call(self, x):
            return self.used(x)

    x = (np.ones((3, 2), np.float32), None)
    with pytest.raises(
        dnnviz.RecorderError, match=r"^layer idle puts out nothing .*; take it out of layers=$"
    ):
        dnnviz.Recorder(run, Partly(), x, layers=["used", "idle"])
    with pytest.raises(
        dnnviz.RecorderError, match=r"^no layer can be recorded: idle puts out .* rec\.layer$"
    ):
        dnnviz.Recorder(run, Partly(), x, exclude="used")
    assert not run.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error", dnnviz.RecordingWarning)
        dnnviz.Recorder(run.with_name("excluded"), Partly(), x, exclude="idle").close()
    with pytest.warns(
        dnnviz.RecordingWarning, match=r"^not recorded: idle puts out nothing .*exclude='idle'"
    ):
        dnnviz.Recorder(run, Partly(), x).close()
    assert [layer["name"] for layer in readers.manifest(run)["layers"]] == ["used"]


@pytest.mark.skipif(BACKEND == "torch", reason="has no functions that are compiled when called")
def test_a_layer_inside_a_compiled_function_is_named(run):
    class Compiled(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(3, name="inner")

        def build(self, shape):
            self.inner.build(shape)

        def call(self, x):
            if BACKEND == "jax":
                import jax

                return jax.jit(self.inner)(x)
            import tensorflow

            return tensorflow.function(self.inner)(x)

    model = keras.Sequential([layers.Input((2,)), Compiled(), layers.Dense(2, name="last")])
    x = (np.ones((3, 2), np.float32), None)
    with pytest.warns(dnnviz.RecordingWarning, match=r"inner puts out nothing .* compiled function"):
        dnnviz.Recorder(run, model, x).close()
    assert [layer["name"] for layer in readers.manifest(run)["layers"]] == ["last"]
    with pytest.raises(dnnviz.RecorderError, match=r"^layer compiled/inner puts out nothing"):
        dnnviz.Recorder(run.with_name("named"), model, x, layers="compiled/inner")


@pytest.mark.parametrize(
    "chosen, names",
    [
        ({"layers": "branch"}, ["branch"]),
        ({"layers": "s*"}, ["stem", "shared", "shared:2", "scores"]),
        ({"layers": "head/*"}, ["head/wide"]),
        ({"layers": layers.Conv2D}, ["stem", "branch"]),
        ({"layers": 1}, ["stem", "branch", "head", "shared", "shared:2", "scores"]),
        ({"layers": ["branch", layers.Add]}, ["branch", "sum"]),
        ({"layers": lambda name, layer: name.endswith("norm")}, ["stem_norm"]),
        ({"exclude": ["s*", "head"]}, ["branch"]),
    ],
)
def test_layers_are_selected(chosen, names):
    capture = KerasCapture(residual(), images()[0], **chosen)
    assert [layer.name for layer in capture.layers] == names


@pytest.mark.parametrize(
    "chosen, message",
    [
        ({"layers": "brunch"}, "'brunch' matches no layer; there are branch"),
        ({"exclude": "nothing*"}, r"exclude='nothing\*' matches no layer"),
        ({"layers": layers.LSTM}, "layers=LSTM matches no layer"),
        ({"layers": 0}, "layers=0: depths count from 1"),
        ({"exclude": "*"}, "no layer is left"),
        ({"positions": "middle"}, "positions='middle': 'mean', 'keep', 'first'"),
    ],
)
def test_selectors_without_a_match_are_refused(chosen, message):
    with pytest.raises(dnnviz.RecorderError, match=message):
        KerasCapture(residual(), images()[0], **chosen)


def test_the_callback_records_metrics_and_steps(run):
    model, (x, y) = residual(), images()
    history, _ = fitted(model, x, y, callbacks=[RecorderCallback(run, (x, y), classes=["a", "b", "c"])])
    entries = readers.manifest(run)["epochs"]
    assert [entry["step"] for entry in entries] == [3, 6, 9]
    for number, entry in enumerate(entries):
        assert entry["accuracy"] == pytest.approx(100 * history["val_accuracy"][number])
        assert entry["loss"] == pytest.approx(history["val_loss"][number])
        assert entry["metrics"]["train_accuracy"] == pytest.approx(history["accuracy"][number])
        assert entry["metrics"]["train_loss"] == pytest.approx(history["loss"][number])
    close(units(run, 2)["scores"], model.predict(x, verbose=0))


def test_named_metrics_are_recorded_or_missing(run):
    model, (x, y) = residual(), images()
    history, _ = fitted(
        model, x, y, epochs=1, callbacks=[RecorderCallback(run, (x, y), accuracy="accuracy", loss="loss")]
    )
    entry = readers.manifest(run)["epochs"][0]
    assert entry["accuracy"] == pytest.approx(100 * history["accuracy"][0])
    assert entry["loss"] == pytest.approx(history["loss"][0])
    with pytest.raises(dnnviz.RecorderError, match=r"no metric 'auc'; there are .*val_loss"):
        fitted(
            model,
            x,
            y,
            epochs=1,
            callbacks=[RecorderCallback(run.with_name("other"), (x, y), accuracy="auc")],
        )


def test_some_epochs_and_a_second_fit(run):
    model, (x, y) = residual(), images()
    callback = RecorderCallback(run, (x, y), every_n_epochs=3)
    fitted(model, x, y, epochs=6, callbacks=[callback])
    assert readers.numbers(run) == [0, 3, 5]
    model.fit(x, y, epochs=8, initial_epoch=6, verbose=0, callbacks=[callback])
    assert readers.numbers(run) == [0, 3, 5, 6, 7]
    with pytest.raises(dnnviz.RecorderError, match="epoch 0 is recorded already"):
        model.fit(x, y, epochs=1, verbose=0, callbacks=[callback])


#: Tests that depend on the backend; all of them pass on all backends.
BACKEND_DEPENDENT = ("values_of", "preserves_the_state", "compiled_function", "bit_identical and residual")


@pytest.mark.skipif("DNNVIZ_ONE_BACKEND" in os.environ, reason="started by this test")
@pytest.mark.parametrize("backend", ["torch", "jax", "tensorflow"])
def test_other_backends(backend):
    if backend == BACKEND or importlib.util.find_spec(backend) is None:
        pytest.skip("running already" if backend == BACKEND else "not installed")
    environment = os.environ | {"KERAS_BACKEND": backend, "DNNVIZ_ONE_BACKEND": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-k", " or ".join(BACKEND_DEPENDENT), __file__],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
