"""Reading runs back with stock libraries, and with the viewer's binary."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("DNNVIZ_BIN", ROOT / "target" / "debug" / "dnnviz"))


def manifest(run):
    return json.loads((Path(run) / "manifest.json").read_text())


def arrays(path):
    """Every array of a safetensors file, its dtype as stored."""
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (no mapping)


def header(path):
    data = Path(path).read_bytes()
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]), data


def epoch(run, number):
    """Every array of an epoch with one shard."""
    entry = next(entry for entry in manifest(run)["epochs"] if entry["number"] == number)
    assert len(entry["files"]) == 1
    return arrays(Path(run) / entry["files"][0])


def numbers(run):
    return [entry["number"] for entry in manifest(run)["epochs"]]


def left_over(folder):
    """Unfinished files and folders anywhere below `folder`."""
    return [path for path in Path(folder).rglob("*") if path.name.endswith(".partial")]


def dnnviz(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"dnnviz {arguments}: {done.stderr}"
    return done.stdout


def info(run):
    return json.loads(dnnviz("info", run, "--json"))


def stats(run, *options):
    """One array of numbers per layer."""
    document = json.loads(dnnviz("stats", run, *options, "--format", "json"))
    return [np.array([np.nan if v is None else v for v in layer["values"]]) for layer in document["layers"]]
