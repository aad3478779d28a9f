"""Overhead of recording an AlexNet, against hooking every layer and writing JSON.

The JSON files are those of DNNViz version 2: a hook on every layer copies its whole activation to the host,
where channels are averaged and each input's layers are shifted and divided by their maximum; every epoch
has a JSON file for each input, each class and all inputs. The overhead is the time beyond the plain forward
pass of the same inputs.

    python benches/deepdiva_style.py
"""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import _bench
import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import dnnviz


def alexnet() -> nn.Sequential:
    """64-192-384-256-256-4096-4096-10."""
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        nn.Sequential(nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        nn.Sequential(nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU()),
        nn.Sequential(nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2)),
        nn.Sequential(nn.AdaptiveAvgPool2d(6), nn.Flatten(), nn.Linear(9216, 4096), nn.ReLU()),
        nn.Sequential(nn.Linear(4096, 4096), nn.ReLU()),
        nn.Linear(4096, 10),
    )


class JsonDump:
    """Permanent hooks on the eight layers, and a file for every input, every class and all inputs."""

    def __init__(self, model: nn.Sequential, folder: Path) -> None:
        self.folder = folder
        self.layers: list[NDArray[Any]] = []
        for layer in model:
            layer.register_forward_hook(self.hook)

    def hook(self, layer: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        self.layers.append(output.detach().cpu().numpy())

    def epoch(self, number: int, labels: NDArray[np.int64]) -> None:
        folder = self.folder / f"epoch{number}"
        folder.mkdir(parents=True)
        rows = [list(self.units(item)) for item in range(len(labels))]
        for item, row in enumerate(rows):
            self.write(folder / f"{item}.json", row)
        for label in np.unique(labels):
            own = [row for row, other in zip(rows, labels, strict=True) if other == label]
            self.write(folder / f"class{label}.json", self.mean(own))
        self.write(folder / "general.json", self.mean(rows))
        self.layers = []

    def units(self, item: int) -> Iterator[list[float]]:
        for layer in self.layers:
            activation = layer[item]
            values = activation.reshape(len(activation), -1).mean(axis=1).tolist()
            least = min(values)
            if least < 0:
                values = [value - least for value in values]
            greatest = max(values) or 1.0
            yield [value / greatest for value in values]

    @staticmethod
    def mean(rows: list[list[list[float]]]) -> list[list[float]]:
        return [np.mean(layers, axis=0).tolist() for layers in zip(*rows, strict=True)]

    @staticmethod
    def write(file: Path, row: list[list[float]]) -> None:
        layers = {
            str(layer): {"filters": {str(unit): value for unit, value in enumerate(values, 1)}}
            for layer, values in enumerate(row, 1)
        }
        with open(file, "w") as out:
            json.dump({"layers": layers}, out)


def main() -> None:
    parser = _bench.arguments(__doc__, repeats=9)
    parser.add_argument("--inputs", type=int, default=40)
    parser.add_argument("--size", type=int, default=64, help="height and width of an input; at least 63")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of PyTorch")
    parser.add_argument("--folder", help="where to write; a temporary folder when left out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model, hooked = alexnet().eval(), alexnet().eval()
    hooked.load_state_dict(model.state_dict())
    x = torch.randn(options.inputs, 3, options.size, options.size)
    labels = np.arange(options.inputs) % 10

    with tempfile.TemporaryDirectory(dir=options.folder) as name, torch.no_grad():
        folder = Path(name)
        dump = JsonDump(hooked, folder / "dump")
        with dnnviz.Recorder(folder / "run", model, (x, labels)) as recorder:
            numbers = itertools.count()

            def with_json() -> None:
                hooked(x)
                dump.epoch(next(numbers), labels)

            seconds = _bench.interleaved(
                options.repeats,
                {
                    "plain": lambda: model(x),
                    "dnnviz": lambda: recorder.epoch(next(numbers)),
                    "json": with_json,
                },
            )

    def row(what: str, plain: float, dnnviz: float, dump: float) -> dict[str, Any]:
        # An overhead below a tenth of a millisecond cannot be told from none.
        less = dump / max(dnnviz, 0.1)
        return {
            "inputs": options.inputs,
            "size": options.size,
            "rounds": what,
            "plain ms": plain,
            "dnnviz overhead ms": dnnviz,
            "JSON overhead ms": dump,
            "times less": less,
        }

    ms = {name: [1000 * time for time in times] for name, times in seconds.items()}
    beyond = {
        name: statistics.median(one - plain for one, plain in zip(times, ms["plain"], strict=True))
        for name, times in ms.items()
    }
    least = {name: min(times) for name, times in ms.items()}
    rows = [
        row("median", statistics.median(ms["plain"]), beyond["dnnviz"], beyond["json"]),
        row("quickest", least["plain"], least["dnnviz"] - least["plain"], least["json"] - least["plain"]),
    ]
    _bench.report(rows, options.json)


if __name__ == "__main__":
    main()
