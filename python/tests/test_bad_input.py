"""Invalid arguments raise errors that name the cause, and earlier epochs stay as they are."""

import re

import numpy as np
import pytest
from networks import NAMES, Network, data
from readers import epoch, left_over, manifest, numbers

from dnnviz import Recorder, RecorderError


def refused(message):
    return pytest.raises(RecorderError, match=message)


def nothing_at(run):
    """Asserts that there is neither a run nor a part of one."""
    return not run.exists() and left_over(run.parent) == []


X, Y = data(12)
CONSTRUCTION = [
    ({"inputs": (X, Y[:11])}, "12 inputs, but 11 labels"),
    ({"inputs": ((X, X[:5]), Y)}, "have 5 and 12 rows"),
    ({"inputs": ({"a": X, "b": X[:5]}, Y)}, "have 5 and 12 rows"),
    (
        {"inputs": (X, Y), "classes": ["cat", "dog"]},
        r"label 2 of input 2 names no class: the 2 classes are 0 to 1",
    ),
    ({"inputs": (X, Y - 2), "classes": NAMES}, "label -2 of input 0 names no class"),
    ({"inputs": (X, Y), "classes": {0: "cat", 2: "owl"}}, "label 1 of input 1 names no class"),
    ({"inputs": (X, Y), "classes": {-1: "cat"}}, "class id -1 is not a whole number"),
    ({"inputs": (X, Y), "classes": "abc"}, "give a list of names"),
    ({"inputs": (X, np.eye(3)[Y])}, r"labels have the shape \[12, 3\].*argmax"),
    ({"inputs": (X, Y + 0.5)}, "not whole numbers"),
    ({"inputs": (X, ["cat"] * 12)}, "not whole numbers"),
    ({"inputs": (X[:0], Y[:0])}, "there are no inputs"),
    ({"inputs": []}, "the iterable has no batch"),
    ({"inputs": X}, "inputs is a ndarray; give inputs="),
    ({"inputs": iter([(X, Y)])}, "can be iterated only once"),
    ({"inputs": ("text", Y)}, "where an array with a row per input belongs"),
    (
        {"inputs": ({"a": [1, 2, 3]}, Y)},
        "a list of numbers where an array .* of a tokenizer, return_tensors=",
    ),
    ({"inputs": None}, "a model needs inputs"),
    ({"inputs": (None, Y)}, "x is None"),
    ({"inputs": [(X, Y), (X, Y[:3])]}, "the batch from input 12 on has 12 inputs, but 3 labels"),
    ({"inputs": [(X, Y), (X, Y + 7)], "classes": NAMES, "keep": 3}, "label 7 of input 12 names no class"),
    ({"keep": -1}, "keep=-1"),
    ({"keep": [0, 12]}, "names input 12, there are 12"),
    ({"keep": [0.5]}, "give a list of input numbers"),
    ({"maps": [-1]}, "give a list of input numbers"),
    ({"dtype": "int8"}, "the element types are float32, float16, bfloat16"),
    ({"batch_size": 0}, "batch_size=0"),
    ({"ids": ["a"]}, "1 ids for 12 inputs"),
    ({"pictures": np.zeros((3, 4, 4, 3), np.uint8)}, "3 pictures for 12 inputs"),
    ({"pictures": np.zeros((12, 4, 4, 3))}, "pictures have the shape"),
    ({"pictures": [b"GIF89a"] * 12}, "picture 0 is neither a PNG nor a JPEG"),
    ({"model": object()}, "model is a object; give a torch.nn.Module"),
    ({"model": None, "layers": "hidden"}, "there is no model"),
]


@pytest.mark.parametrize(("options", "message"), CONSTRUCTION)
def test_construction(run, options, message):
    with refused(message) as error:
        Recorder(run, **({"model": Network(), "inputs": (X, Y)} | options))
    assert "\n" not in str(error.value)
    assert nothing_at(run)


EPOCHS = [
    ({"number": 0}, "epoch 0 is recorded already"),
    ({"number": -1}, "epoch number -1 is not a whole number"),
    ({"number": 1.5}, "epoch number 1.5 is not a whole number"),
    ({"number": 1, "accuracy": 93.0}, "accuracy=93; give the share of right answers"),
    ({"number": 1, "accuracy": -0.1}, "accuracy=-0.1"),
    ({"number": 1, "loss": "0.5"}, "loss is a str, not one number"),
    ({"number": 1, "lr": [0.1, 0.2]}, "lr is a list, not one number"),
    ({"number": 1, "grads": np.zeros(3)}, "grads is a ndarray, not one number"),
    ({"number": 1, "step": -3}, "step -3 is not a whole number"),
]


@pytest.mark.parametrize(("arguments", "message"), EPOCHS)
def test_epoch(run, arguments, message):
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
        before = (run / "epochs" / "000000.safetensors").read_bytes()
        with refused(message):
            recorder.epoch(**arguments)
        recorder.epoch(2)
    assert numbers(run) == [0, 2] and left_over(run) == []
    assert (run / "epochs" / "000000.safetensors").read_bytes() == before


def test_a_model_that_raises_in_the_middle(run):
    network = Network()
    real = network.batch

    def failing(inputs, map_rows=()):
        if network.calls == 5:
            raise RuntimeError("out of memory")
        return real(inputs, map_rows)

    with Recorder(run, network, (X, Y), batch_size=4) as recorder:
        recorder.epoch(0)
        network.batch = failing
        with pytest.raises(RuntimeError, match="out of memory"):
            recorder.epoch(1)
        assert not network.open_now and left_over(run) == []
        network.batch = real
        recorder.epoch(1)
    assert numbers(run) == [0, 1]
    np.testing.assert_array_equal(epoch(run, 1)["0/units"], epoch(run, 0)["0/units"])


def test_an_interrupt_leaves_nothing_unfinished(run):
    network = Network()
    with Recorder(run, network, (X, Y), batch_size=4) as recorder:
        recorder.epoch(0)
        real = network.batch

        def interrupted(inputs, map_rows=()):
            if network.calls == 5:
                raise KeyboardInterrupt
            return real(inputs, map_rows)

        network.batch = interrupted
        with pytest.raises(KeyboardInterrupt):
            recorder.epoch(1)
    assert numbers(run) == [0] and left_over(run) == []


def test_a_layer_whose_shape_changes(run):
    network = Network()
    with Recorder(run, network, (X, Y)) as recorder:
        recorder.epoch(0)
        network.weights, network.out = network.weights[:, :6], network.out[:6]
        with refused("layer hidden has 6 units, it had 7 before"):
            recorder.epoch(1)
    assert numbers(run) == [0] and left_over(run) == []


def test_a_layer_with_a_row_less(run):
    network = Network()
    real = network.batch

    def mixed(inputs, map_rows=()):
        batch = real(inputs, map_rows)
        batch.values[0] = batch.values[0][::2]
        return batch

    network.batch = mixed
    with Recorder(run, network, (X, Y)) as recorder, refused("layer hidden gave 6 rows for 12 inputs"):
        recorder.epoch(0)
    assert numbers(run) == []


def test_inputs_in_another_order(run):
    class Shuffled:
        order = np.arange(12)

        def __iter__(self):
            return iter([(X[self.order], Y[self.order])])

    inputs = Shuffled()
    with Recorder(run, Network(), inputs, keep=12) as recorder:
        recorder.epoch(0)
        inputs.order = np.roll(inputs.order, 1)
        with refused("the inputs come in another order than before.*shuffle=False"):
            recorder.epoch(1)
        inputs.order = np.arange(9)
        with refused("there are 9 inputs, input 11 was there before"):
            recorder.epoch(1)
    assert numbers(run) == [0] and left_over(run) == []


def test_a_path_with_a_run(run):
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
    before = (run / "manifest.json").read_bytes()
    with refused(f"{run} exists already; use another path, or resume=True"):
        Recorder(run, Network(), (X, Y))
    assert (run / "manifest.json").read_bytes() == before and left_over(run.parent) == []


def test_a_path_that_is_a_file_or_a_folder_with_files(run):
    run.parent.mkdir()
    run.write_text("mine")
    with refused("exists already"):
        Recorder(run, Network(), (X, Y))
    assert run.read_text() == "mine"
    run.unlink()
    run.mkdir()
    (run / "notes.txt").write_text("mine")
    with refused("exists already"):
        Recorder(run, Network(), (X, Y))
    with refused("holds no recording that could be resumed"):
        Recorder(run, Network(), (X, Y), resume=True)
    assert (run / "notes.txt").read_text() == "mine"


def test_an_empty_folder_is_used(run):
    run.mkdir(parents=True)
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
    assert numbers(run) == [0]


def test_unfinished_files_of_a_killed_writer_are_ignored(run):
    (run.parent / f".{run.name}.0123.partial" / "epochs").mkdir(parents=True)
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        recorder.epoch(1)
    assert numbers(run) == [0, 1]


def test_a_closed_recorder(run):
    recorder = Recorder(run, Network(), (X, Y))
    recorder.close()
    recorder.close()
    with refused("is closed"):
        recorder.epoch(0)


def test_arrays_and_a_model_do_not_mix(run):
    with Recorder(run, Network(), (X, Y)) as recorder:
        with refused("layers are taken from the model"):
            recorder.layer("hidden", X)
        with refused("predictions are taken from the model"):
            recorder.predictions(Y)
    assert manifest(run)["epochs"] == []


def test_two_layers_of_one_name(run):
    network = Network()
    network.layers[1].name = "hidden"
    with refused("two layers are called hidden"):
        Recorder(run, network, (X, Y))
    assert nothing_at(run)


RESUMED = [
    (lambda network: setattr(network.layers[0], "name", "first"), {}, "its layer 0 is hidden of 7 units"),
    (
        lambda network: setattr(network.layers[1], "units", 4),
        {},
        "its layer 1 is output of 3 units .*, now it is output of 4",
    ),
    (lambda network: network.layers.pop(), {}, "it has 2 layers, now there are 1"),
    (None, {"classes": ["cat", "dog", "fox"]}, "its classes differ: 2"),
    (None, {"inputs": (X[:9], Y[:9])}, "it keeps 12 inputs, now 9 are kept"),
    (None, {"inputs": (X, Y[::-1].copy())}, "the labels of its inputs differ, first that of input 0"),
    (None, {"ids": [str(i + 1) for i in range(12)]}, "the ids of its inputs differ"),
]


@pytest.mark.parametrize(("change", "options", "message"), RESUMED)
def test_resuming_with_other_layers_classes_or_inputs(run, change, options, message):
    common = {"inputs": (X, Y), "classes": NAMES, "ids": [str(i) for i in range(12)]}
    with Recorder(run, Network(), **common) as recorder:
        recorder.epoch(0)
    network = Network()
    if change:
        change(network)
    if "inputs" in options:
        options = options | {"ids": None}
    with refused(f"{re.escape(str(run))} cannot be resumed: {message}"):
        Recorder(run, network, resume=True, **(common | options))
    with Recorder(run, Network(), resume=True, **common) as recorder:
        assert recorder.last_epoch == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "dnnviz", "version": 2}', '{"format": "dnnviz", "version": 1}']
)
def test_resuming_a_damaged_run(run, text):
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
    (run / "manifest.json").write_text(text)
    with refused("use another path"):
        Recorder(run, Network(), (X, Y), resume=True)
    assert (run / "manifest.json").read_text() == text


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: (1 << 60).to_bytes(8, "little") + data[8:],
        lambda data: data.replace(b"labels", b"labelz"),
        lambda data: data.replace(b'"I64"', b'"I65"'),
    ],
    ids=["empty", "truncated", "length of the header", "no labels", "element type"],
)
def test_resuming_a_run_with_damaged_inputs(run, damage):
    with Recorder(run, Network(), (X, Y)) as recorder:
        recorder.epoch(0)
    file = run / "inputs.safetensors"
    data = file.read_bytes()
    file.write_bytes(damage(data))
    with refused(f"{re.escape(str(file))} cannot be read .*; use another path"):
        Recorder(run, Network(), (X, Y), resume=True)
    file.write_bytes(data)
    with Recorder(run, Network(), (X, Y), resume=True) as recorder:
        assert recorder.last_epoch == 0
