"""Cost of capturing: a recorded epoch, against the plain forward pass of the same inputs in the same
batches; and training steps of a recorded model, against those of one without a recorder.

    python benches/capture.py
"""

from __future__ import annotations

import copy
import itertools
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _bench
import torch
from torch import nn

import dnnviz
from dnnviz._torch import TorchCapture


class Block(nn.Module):
    """A residual block."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.shortcut = (
            nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        return self.relu(y + self.shortcut(x))


def alexnet() -> nn.Module:
    """AlexNet's shape, for images of 32 × 32."""
    return nn.Sequential(
        nn.Conv2d(3, 64, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(64, 192, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 10),
    )  # fmt: skip


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, 1, 1), nn.BatchNorm2d(16), nn.ReLU(),
        Block(16, 16, 1), Block(16, 16, 1),
        Block(16, 32, 2), Block(32, 32, 1),
        Block(32, 64, 2), Block(64, 64, 1),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10),
    )  # fmt: skip


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 2048), nn.ReLU(), nn.Linear(2048, 2048), nn.ReLU(), nn.Linear(2048, 10)
    )


#: Name, network, shape of an input, how many.
NETWORKS: list[tuple[str, Callable[[], nn.Module], tuple[int, ...], int]] = [
    ("CNN (AlexNet)", alexnet, (3, 32, 32), 256),
    ("CNN (ResNet)", resnet, (3, 32, 32), 512),
    ("MLP", mlp, (1, 28, 28), 8192),
]


def cost(
    name: str, make: Callable[[], nn.Module], shape: tuple[int, ...], count: int, rounds: int, folder: Path
) -> dict[str, Any]:
    torch.manual_seed(0)
    model = make()
    x, y = torch.randn(count, *shape), torch.randint(0, 10, (count,))
    size = 256
    run = folder / "run"

    def plain() -> None:
        model.eval()
        with torch.no_grad():
            for start in range(0, count, size):
                model(x[start : start + size])
        model.train()

    with (
        dnnviz.Recorder(run, model, (x, y), batch_size=size) as all_inputs,
        dnnviz.Recorder(folder / "few", model, (x, y), batch_size=size, keep=0) as aggregates,
    ):
        capture = TorchCapture(model, x[:4])
        numbers = itertools.count()

        def captured() -> None:
            with capture.open():
                for start in range(0, count, size):
                    capture.batch(x[start : start + size])

        seconds = _bench.interleaved(
            rounds,
            {
                "plain": plain,
                "captured": captured,
                "epoch": lambda: all_inputs.epoch(next(numbers)),
                "aggregates": lambda: aggregates.epoch(next(numbers)),
            },
        )
        steps = training(model, x[:64], y[:64], rounds)
    row: dict[str, Any] = {
        "network": name,
        "inputs": count,
        "units": sum(layer.units for layer in capture.layers),
        "plain ms": 1000 * statistics.median(seconds["plain"]),
    }
    for name in ("captured", "epoch", "aggregates"):
        row[f"{name} x"] = _bench.ratio(seconds[name], seconds["plain"])
        row[f"{name} least x"] = _bench.least_ratio(seconds[name], seconds["plain"])
    return row | {"step x": steps}


def training(model: nn.Module, x: torch.Tensor, y: torch.Tensor, rounds: int) -> float:
    """Returns the time of a training step of a recorded model, relative to one without a recorder."""
    models = {"recorded": model, "not recorded": copy.deepcopy(model)}

    def steps(network: nn.Module) -> Callable[[], None]:
        optimiser = torch.optim.SGD(network.parameters(), lr=1e-4)

        def step() -> None:
            for _ in range(2):
                optimiser.zero_grad()
                nn.functional.cross_entropy(network(x), y).backward()
                optimiser.step()

        return step

    seconds = _bench.interleaved(
        2 * rounds, {name: steps(network.train()) for name, network in models.items()}
    )
    return _bench.ratio(seconds["recorded"], seconds["not recorded"])


def main() -> None:
    parser = _bench.arguments(__doc__, repeats=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of PyTorch")
    parser.add_argument("--folder", help="where to write the runs; a temporary folder when left out")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = []
    for network in NETWORKS:
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            rows.append(cost(*network, options.repeats, Path(folder)))
    _bench.report(rows, options.json)


if __name__ == "__main__":
    main()
