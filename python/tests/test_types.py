"""mypy accepts a program that uses the recorder rightly, and reports each wrong argument."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dnnviz
from dnnviz import _types

#: As a user's, but for the frameworks, whose types take minutes to check.
SETTINGS = """
[mypy]
strict = true
follow_imports = silent

[mypy-jax.*,keras.*,lightning.*,pytorch_lightning.*,torch.*]
follow_imports = skip
ignore_missing_imports = true
"""

RIGHT = """
import pathlib

import numpy as np

import dnnviz
import dnnviz.keras
import dnnviz.lightning


def network(x: object) -> object:
    return x


def is_dense(name: str, module: object) -> bool:
    return name.startswith("dense")


x, y = np.zeros((3, 4), np.float32), np.zeros(3, np.int64)
with dnnviz.Recorder("run", network, inputs=(x, y), classes=["cat", "dog"]) as recorder:
    recorder.epoch(0, accuracy=np.float32(0.5), loss=1, step=np.int64(3), lr=0.1)
dnnviz.Recorder(pathlib.Path("run"), network, inputs=[(x, y), (x, y)], classes={3: "cat"}, keep=np.arange(2))
dnnviz.Recorder("run", network, ({"x": x}, [0, 1, 2]), layers=["dense*", 1, dict, is_dense], exclude="head")
dnnviz.Recorder("run", network, ((x, x), None), statistics=["min"], dtype="bfloat16", keep=0, maps=[1])
dnnviz.Recorder("run", network, ({"x": x, "flag": True, "task": "fill", "y": None}, y), positions=slice(1, 4))
dnnviz.Recorder("run", network, [{"x": x, "labels": y}], positions="last", predictions=False)
dnnviz.Recorder("run", network, ((x, None, 0.5), y), positions=-1, predictions=lambda output: output["y"])
dnnviz.Recorder("run", network, (x, y), positions="keep", pictures=[b"", None, b""], ids=["a", "b", "c"])
arrays = dnnviz.Recorder("run", statistics="variance")
arrays.layer("hidden", x, labels=y, kind="feature-map")
arrays.layer("words", np.zeros((3, 5, 4)), mask=np.ones((3, 5), bool))
arrays.layer("output", [[0.5, 1.0]], labels=[0])
arrays.predictions([0])
arrays.epoch(0)
last: int | None = arrays.last_epoch
dnnviz.keras.RecorderCallback("run", (x, y), every_n_epochs=5, loss="val_loss", keep=0, dtype="float16")
dnnviz.lightning.RecorderCallback("run", [(x, y)], model="net", accuracy="val_acc", exclude=["head", dict])
"""

#: Each wrong expression, and a part of the message about it.
WRONG = {
    "Recorder(3, network, (x, y))": 'Argument 1 to "Recorder"',
    'Recorder("run", 3, (x, y))': 'Argument 2 to "Recorder"',
    'Recorder("run", network, "inputs")': 'Argument 3 to "Recorder"',
    'Recorder("run", network, (x, y), dtype="float64")': 'Argument "dtype" to "Recorder"',
    'Recorder("run", network, (x, y), statistics=["median"])': "List item 0",
    'Recorder("run", network, (x, y), statistics="median")': 'Argument "statistics" to "Recorder"',
    'Recorder("run", network, (x, y), positions="middle")': 'Argument "positions" to "Recorder"',
    'Recorder("run", network, (x, y), predictions="logits")': 'Argument "predictions" to "Recorder"',
    'Recorder("run", network, (x, y), classes=3)': 'Argument "classes" to "Recorder"',
    'Recorder("run", network, (x, y), keep="all")': 'Argument "keep" to "Recorder"',
    'Recorder("run", network, (x, y), maps=2.5)': 'Argument "maps" to "Recorder"',
    'Recorder("run", network, (x, y), layers=2.5)': 'Argument "layers" to "Recorder"',
    'Recorder("run", network, (x, y), layer="fc")': 'Unexpected keyword argument "layer"',
    'recorder.epoch("0")': 'Argument 1 to "epoch"',
    'recorder.epoch(0, accuracy="good")': 'Argument "accuracy" to "epoch"',
    "recorder.epoch(0, lr=[0.1])": 'Argument "lr" to "epoch"',
    'recorder.layer("hidden", "x")': 'Argument 2 to "layer"',
    'recorder.layer("hidden", x, kind="conv")': 'Argument "kind" to "layer"',
    'recorder.layer("hidden", x, labels="cat")': 'Argument "labels" to "layer"',
    "recorder.predictions(3)": 'Argument 1 to "predictions"',
    'dnnviz.keras.RecorderCallback("run", (x, y), dtype="float64")': 'Argument "dtype" to "RecorderCallback"',
    'dnnviz.lightning.RecorderCallback("run", (x, y), layer="fc")': 'Unexpected keyword argument "layer"',
    "recorder.last_epoch + 1": 'Unsupported operand types for + ("None" and "int")',
}


@pytest.fixture(scope="module")
def mypy(tmp_path_factory):
    """Returns a function that type-checks a program and returns its errors as pairs of line and message."""
    folder = tmp_path_factory.mktemp("mypy")
    package = Path(dnnviz.__file__).parents[1]
    environment = dict(os.environ)
    if package.name != "site-packages":  # used from a source tree
        environment["MYPYPATH"] = str(package)

    def check(program):
        (folder / "program.py").write_text(program)
        (folder / "mypy.ini").write_text(SETTINGS)
        command = [sys.executable, "-m", "mypy", "--cache-dir", folder / "cache", "program.py"]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300
        )
        found = re.findall(r"^program\.py:(\d+): error: (.*)$", done.stdout, re.M)
        # Without a report, 1 would mean that mypy itself failed.
        assert done.returncode == (1 if found else 0), done.stdout + done.stderr
        return [(int(line), message) for line, message in found]

    return check


def test_right_calls_are_accepted(mypy):
    assert mypy(RIGHT) == []


def test_each_wrong_call_is_reported(mypy):
    setup = f"{RIGHT}\nfrom dnnviz import Recorder\n".splitlines()
    errors = mypy("\n".join([*setup, *WRONG]))
    lines = range(len(setup) + 1, len(setup) + len(WRONG) + 1)
    assert [line for line, _ in errors] == list(lines)
    for (_, message), expected in zip(errors, WRONG.values(), strict=True):
        assert expected in message


def test_the_options_of_the_callbacks_are_those_of_the_recorder():
    parameters = inspect.signature(dnnviz.Recorder).parameters.values()
    keywords = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}
    assert set(_types.RecorderOptions.__annotations__) == keywords
    recorder = dnnviz.Recorder.__init__.__annotations__
    assert {name: recorder[name] for name in keywords} == {
        name: hint.__forward_arg__ for name, hint in _types.RecorderOptions.__annotations__.items()
    }
