"""Throughput of writing a recording, against plain sequential writing of as many bytes to the same folder.

- plain: one file, written from memory in pieces of 8 MiB, then synced;
- shard: an epoch's file, written by layers and batches of 256 inputs, synced and renamed;
- epoch: a whole epoch from NumPy arrays, `rec.layer` of every layer and `rec.epoch`, until it is committed.

A warm-up round of each is discarded: the first allocation of memory in a virtual machine is slow.

    python benches/writing.py --folder /where/runs/go
"""

from __future__ import annotations

import itertools
import os
import statistics
import tempfile
from pathlib import Path

import _bench
import numpy as np

import dnnviz
from dnnviz._writer import ShardWriter, TensorSpec

PIECE = 8 << 20
BATCH = 256
UNITS = [64, 192, 384, 256, 256, 4096, 4096, 10]


def main() -> None:
    parser = _bench.arguments(__doc__, repeats=5)
    parser.add_argument("--mib", type=int, default=1024, help="size of an epoch")
    parser.add_argument("--folder", help="where to write; a temporary folder when left out")
    options = parser.parse_args()
    inputs = (options.mib << 20) // (4 * sum(UNITS))
    random = np.random.default_rng(0)
    layers = [random.random((inputs, units), np.float32) for units in UNITS]
    raw = sum(layer.nbytes for layer in layers)
    piece = random.bytes(PIECE)

    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder, numbers = Path(name), itertools.count()
        sizes: list[int] = []

        def plain() -> None:
            file = os.open(folder / "plain", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for start in range(0, raw, PIECE):
                os.write(file, piece[: raw - start])
            os.fsync(file)
            os.close(file)

        def shard() -> None:
            specs = {f"{index}/units": TensorSpec("F32", layer.shape) for index, layer in enumerate(layers)}
            file = ShardWriter(folder / "shard", specs)
            for start in range(0, inputs, BATCH):
                for index, layer in enumerate(layers):
                    file.write(f"{index}/units", layer[start : start + BATCH], start)
            file.finalize()

        def epoch() -> None:
            for index, layer in enumerate(layers):
                recorder.layer(f"layer{index}", layer)
            recorder.epoch(next(numbers))
            sizes.append(max(file.stat().st_size for file in (folder / "run" / "epochs").iterdir()))

        def fresh() -> None:
            """Frees the space of old files and flushes pending writes, which would delay the next one."""
            for file in ("plain", "shard"):
                (folder / file).unlink(missing_ok=True)
            for file in (folder / "run" / "epochs").glob("*"):
                os.truncate(file, 0)
            os.sync()

        with dnnviz.Recorder(folder / "run") as recorder:
            timed = {"plain": plain, "shard": shard, "epoch": epoch}
            seconds = _bench.interleaved(options.repeats, timed, before=fresh)
    rows = [
        {
            "what": name,
            "MiB/s": raw / (1 << 20) / statistics.median(times),
            "of plain": _bench.ratio(seconds["plain"], times),
            "size of raw": max(sizes) / raw if name == "epoch" else "",
        }
        for name, times in seconds.items()
    ]
    _bench.report(rows, options.json)


if __name__ == "__main__":
    main()
