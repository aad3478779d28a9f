"""Peak memory of a capture of aggregates, over few and many inputs.

Each count is measured in a process of its own, on random inputs that are generated batch by batch.

    python benches/memory.py
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import _bench

BATCH = 250


def resident() -> float:
    """Returns the peak resident MiB of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def capture(count: int) -> tuple[float, float]:
    """Returns the peak resident MiB of this process before and after the capture of `count` inputs."""
    import torch
    from torch import nn

    import dnnviz

    class Inputs:
        def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
            random = torch.Generator().manual_seed(0)
            for _ in range(0, count, BATCH):
                yield torch.randn(BATCH, 1, 16, 16, generator=random), torch.arange(BATCH) % 10

    torch.set_num_threads(1)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1024, 512),
        nn.ReLU(),
        nn.Linear(512, 10),
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        dnnviz.Recorder(Path(folder) / "run", model, Inputs()) as recorder,
    ):
        before = resident()
        recorder.epoch(0)
    return before, resident()


def main() -> None:
    parser = _bench.arguments(__doc__, repeats=3)
    parser.add_argument("--inputs", type=int, nargs=2, default=[1_000, 100_000], metavar=("FEW", "MANY"))
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(capture(options.child)))
        return

    def peak(count: int) -> tuple[float, float]:
        command = [sys.executable, __file__, "--child", str(count)]
        before, after = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return before, after

    rows = []
    peaks = {count: [peak(count) for _ in range(options.repeats)] for count in options.inputs}
    for count in options.inputs:
        before, after = (statistics.median(each) for each in zip(*peaks[count], strict=True))
        rows.append({"inputs": count, "before MiB": before, "peak MiB": after, "of the first": after})
    for row in reversed(rows):
        row["of the first"] /= rows[0]["peak MiB"]
    _bench.report(rows, options.json)


if __name__ == "__main__":
    main()
