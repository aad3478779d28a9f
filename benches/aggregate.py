"""Mean and variance of every class, against NumPy's `x[y == c].mean(0)` and `.var(0)` for each class c.

`dnnviz bench aggregate` measures its own time, on random values of the same shape. It runs once a round,
alternating with NumPy.

    cargo build --release
    python benches/aggregate.py
"""

from __future__ import annotations

import json
import statistics
import subprocess

import _bench
import numpy as np


def main() -> None:
    parser = _bench.arguments(__doc__, repeats=5)
    parser.add_argument("--inputs", type=int, default=4000)
    parser.add_argument("--units", type=int, default=32_000)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--program", default="target/release/dnnviz", help="the dnnviz to measure")
    options = parser.parse_args()
    random = np.random.default_rng(0)
    x = random.random((options.inputs, options.units), np.float32)
    y = random.integers(options.classes, size=options.inputs)
    shape = {name: getattr(options, name) for name in ("inputs", "units", "classes")}
    command = [options.program, "bench", "aggregate", "--cpu-only", "--json"]
    command += [f"--{name}={value}" for name, value in shape.items()]
    own: list[dict[str, float]] = []

    def dnnviz() -> None:
        report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        own.append({"seconds": report["cpu"]["ms"] / 1000, "of ceiling": report["cpu"]["ratio"]})

    def numpy() -> None:
        for c in range(options.classes):
            members = y == c
            x[members].mean(0)
            x[members].var(0)

    seconds = _bench.interleaved(options.repeats, {"numpy": numpy, "dnnviz": dnnviz})["numpy"]
    # As `interleaved`, without the first round.
    ours = [run["seconds"] for run in own[1:]]
    _bench.report(
        [
            shape
            | {
                "numpy ms": 1000 * statistics.median(seconds),
                "dnnviz ms": 1000 * statistics.median(ours),
                "times faster": _bench.ratio(seconds, ours),
                "least, times faster": _bench.least_ratio(seconds, ours),
                "of reading alone": statistics.median(run["of ceiling"] for run in own[1:]),
            }
        ],
        options.json,
    )


if __name__ == "__main__":
    main()
