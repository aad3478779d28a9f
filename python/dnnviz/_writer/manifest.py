"""The manifest of a run; `docs/recording-format.md` describes it."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, SupportsFloat, TypedDict

from .._capture import Layer
from .._errors import RecorderError

MANIFEST = "manifest.json"
INPUTS = "inputs.safetensors"


class _Epoch(TypedDict):
    number: int


class EpochEntry(_Epoch, total=False):
    """An epoch in the manifest."""

    step: int
    time: str
    #: In per cent.
    accuracy: float
    loss: float
    metrics: dict[str, float]
    files: list[str]
    #: Number of NaN or infinite values by layer.
    not_finite: dict[str, int]


class Manifest(TypedDict):
    """A manifest; fields that are not used after writing are typed loosely."""

    format: str
    version: int
    writer: str
    model: str
    normalisation: str
    layers: list[dict[str, Any]]
    classes: list[dict[str, Any]]
    inputs: dict[str, Any]
    epochs: list[EpochEntry]


class _FullManifest(Manifest, total=False):
    edges: list[list[int]]
    joints: list[str]
    modules: dict[str, str]


def new_manifest(
    model: str,
    writer: str,
    layers: Sequence[Layer],
    edges: Sequence[tuple[int, int]] | None,
    joints: Sequence[str],
    modules: Mapping[str, str],
    classes: Mapping[int, str],
    inputs: int,
) -> Manifest:
    """Returns a manifest without epochs; `inputs` is the number of stored inputs."""
    entries = []
    for layer in layers:
        entry = asdict(layer) | {"units": int(layer.units), "shape": [int(side) for side in layer.shape]}
        if layer.parameters is None:
            del entry["parameters"]
        entries.append(entry)
    manifest: _FullManifest = {
        "format": "dnnviz",
        "version": 1,
        "writer": writer,
        "model": model,
        "normalisation": "none",
        "layers": entries,
        "edges": [[int(end) for end in edge] for edge in edges or ()],
        "joints": list(joints),
        "modules": dict(modules),
        "classes": [{"id": id, "name": name} for id, name in sorted(classes.items())],
        "inputs": {"count": inputs, "file": INPUTS} if inputs else {"count": 0},
        "epochs": [],
    }
    if edges is None:
        del manifest["edges"]
    if not joints:
        del manifest["joints"]
    if not modules:
        del manifest["modules"]
    return manifest


def epoch_entry(
    number: object, accuracy: object, loss: object, step: object, metrics: Mapping[str, object]
) -> EpochEntry:
    """Returns an epoch's entry, without its files.

    Args:
        number: from 0 on.
        accuracy: a fraction in 0..1, or `None`.
        loss: a scalar, or `None`.
        step: from 0 on, or `None`.
        metrics: other scalars; those that are `None` are left out.

    Raises:
        RecorderError: a value is not of its kind.
    """
    entry: EpochEntry = {"number": _whole("epoch number", number)}
    if step is not None:
        entry["step"] = _whole("step", step)
    entry["time"] = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if accuracy is not None:
        fraction = _scalar("accuracy", accuracy)
        if fraction < 0 or fraction > 1:
            raise RecorderError(f"accuracy={fraction:g}; give the share of right answers, from 0 to 1")
        entry["accuracy"] = 100 * fraction
    if loss is not None:
        entry["loss"] = _scalar("loss", loss)
    scalars = {name: _scalar(name, value) for name, value in metrics.items() if value is not None}
    if scalars:
        entry["metrics"] = scalars
    return entry


def layers_from_manifest(manifest: Manifest) -> list[Layer]:
    """Returns the layers, with the fields by which they are compared."""
    return [
        Layer(layer["name"], layer["units"], reduction=layer.get("reduction", "none"))
        for layer in manifest["layers"]
    ]


def first_difference(old: Manifest, new: Manifest) -> str | None:
    """Returns a description of the first difference that prevents `new` from resuming `old`."""
    before, now = layers_from_manifest(old), layers_from_manifest(new)
    for index, (old_layer, new_layer) in enumerate(zip(before, now, strict=False)):
        if old_layer != new_layer:
            return f"its layer {index} is {_description(old_layer)}, now it is {_description(new_layer)}"
    if len(before) != len(now):
        return f"it has {len(before)} layers, now there are {len(now)}"
    classes = [
        {entry["id"]: entry.get("name", "") for entry in manifest["classes"]} for manifest in (old, new)
    ]
    if classes[0] != classes[1]:
        differing = sorted(dict.items(classes[0]) ^ dict.items(classes[1]))
        return f"its classes differ: {differing[0][0]} ({differing[0][1]})"
    counts = [manifest["inputs"]["count"] for manifest in (old, new)]
    if counts[0] != counts[1]:
        return f"it keeps {counts[0]} inputs, now {counts[1]} are kept"
    return None


def encode_manifest(manifest: Manifest) -> bytes:
    """Returns the text of a manifest."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "replace")


def read_manifest(path: Path) -> Manifest:
    """Reads and checks a manifest.

    Raises:
        RecorderError: it cannot be read, or is damaged.
    """
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RecorderError(f"{path} cannot be read ({error}); use another path") from error
    if not isinstance(manifest, dict) or manifest.get("format") != "dnnviz" or manifest.get("version") != 1:
        raise RecorderError(f"{path} is not a recording of format version 1; use another path")
    try:
        valid = _is_valid(manifest)
    except (LookupError, TypeError) as error:
        raise RecorderError(f"{path} is damaged ({error!r}); use another path") from error
    if not valid:
        raise RecorderError(f"{path} is damaged; use another path")
    valid_manifest: Manifest = manifest  # type: ignore[assignment]
    return valid_manifest


def _is_valid(manifest: dict[str, Any]) -> bool:
    """Checks the fields that are used, after adding the optional ones. May raise `LookupError` or
    `TypeError`."""
    epochs = manifest.setdefault("epochs", [])
    inputs = manifest.setdefault("inputs", {"count": 0})
    classes = manifest.setdefault("classes", [])
    return (
        all(isinstance(epoch["number"], int) for epoch in epochs)
        and all(
            isinstance(layer["name"], str) and isinstance(layer["units"], int) for layer in manifest["layers"]
        )
        and all(isinstance(entry["id"], int) for entry in classes)
        and isinstance(inputs["count"], int)
        and (not inputs["count"] or Path(inputs["file"]).name == inputs["file"])
    )


def _description(layer: Layer) -> str:
    return f"{layer.name} of {layer.units} units ({layer.reduction})"


def _whole(name: str, value: Any) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        whole = -1
    if whole < 0 or whole >= 1 << 63:
        raise RecorderError(f"{name} {value!r} is not a whole number from 0 on")
    return whole


def _scalar(name: str, value: Any) -> float:
    if not isinstance(value, (str, bytes)):
        try:
            # A loss may still have its graph.
            number: SupportsFloat = value.detach() if hasattr(value, "detach") else value
            return float(number)
        except (TypeError, ValueError, RuntimeError):
            pass
    raise RecorderError(f"{name} is a {type(value).__name__}, not one number")
