"""Common code of the benchmarks: interleaved timing, tables, JSON."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def arguments(about: str | None, *, repeats: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=repeats, help="rounds; figures are their medians")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to FILE")
    return parser


def interleaved(
    rounds: int, timed: Mapping[str, Callable[[], Any]], before: Callable[[], Any] = lambda: None
) -> dict[str, list[float]]:
    """Returns the seconds of each function in each round, after a discarded warm-up round; `before` is
    called before each and not timed. The functions alternate, so that other load on the machine slows all
    of them; every other round is in reverse order, so that none always comes first."""
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    for number in range(rounds + 1):
        for name in list(timed) if number % 2 == 0 else reversed(list(timed)):
            before()
            seconds[name].append(seconds_of(timed[name]))
    return {name: times[1:] for name, times in seconds.items()}


def seconds_of(function: Callable[[], Any]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Returns the median over rounds of the ratio of two times, which were measured in succession."""
    return statistics.median(
        numerator / denominator for numerator, denominator in zip(above, below, strict=True)
    )


def least_ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Returns the ratio of the two minimum times, robust where other programs disturbed most rounds."""
    return min(above) / min(below)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    def text(value: Any) -> str:
        return f"{value:.3f}" if isinstance(value, float) else str(value)

    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns] + [[text(row.get(name, "")) for name in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def report(rows: Sequence[Mapping[str, Any]], file: str | None) -> None:
    print(table(rows))
    if file:
        with open(file, "w") as out:
            json.dump(list(rows), out, indent=2)
            out.write("\n")
