"""The folder of a run that is being written: its lock, its manifest, how it is published and resumed.

`docs/recording-format.md` describes what lies in it.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import json
import os
import secrets
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._capture import Layer
from ._errors import RecorderError, WriteError, writing
from ._shard import PARTIAL, Plan, Shard, read, sync_folder, write_whole

MANIFEST = "manifest.json"
INPUTS = "inputs.safetensors"
LOCK = "writer.lock"

#: A viewer that asks whether a run is being written holds its lock for a moment.
_LOCK_PATIENCE_S = 1.0


class Run:
    """A run and the exclusive right to write it. Nothing stands under its name before `publish`."""

    def __init__(self, path: Path, folder: Path, manifest: dict[str, Any] | None) -> None:
        self.path = path
        #: Where the run is: `path`, or beside it until it is published.
        self.folder = folder
        #: What the manifest says; `None` until the layers are known.
        self.manifest = manifest
        self._process = os.getpid()
        self._lock: int | None = None

    @classmethod
    def create(cls, path: Path) -> Run:
        """Begins a run beside `path`, which must not exist or be an empty folder."""
        _refuse_existing(path)
        folder = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        run = cls(path, folder, None)
        try:
            with writing(path):
                (folder / "epochs").mkdir()
            run._take_lock()
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def resume(cls, path: Path) -> Run:
        """Takes over the run at `path` and removes what its last writer left unfinished."""
        manifest = path / MANIFEST
        if not manifest.is_file():
            raise RecorderError(f"{path} holds no recording that could be resumed; use another path")
        run = cls(path, path, None)
        run._take_lock()
        try:
            run.manifest = _read_manifest(manifest)
            with writing(path):
                (path / "epochs").mkdir(exist_ok=True)
                for folder in (path, path / "epochs"):
                    for left in folder.glob(f".*{PARTIAL}"):
                        left.unlink(missing_ok=True)
        except BaseException:
            run.close()
            raise
        return run

    @property
    def published(self) -> bool:
        return self.folder == self.path

    def write_inputs(
        self, labels: NDArray[np.int64], ids: Sequence[str] | None, pictures: dict[str, NDArray[Any]]
    ) -> None:
        """Writes `inputs.safetensors`; `pictures` are arrays as the format names them."""
        arrays: dict[str, NDArray[Any]] = {"labels": labels, **pictures}
        if ids is not None:
            arrays |= joined("ids", [id.encode("utf-8", "replace") for id in ids])
        plan = {
            name: Plan("U8" if array.dtype == np.uint8 else "I64", array.shape)
            for name, array in arrays.items()
        }
        shard = Shard(self.folder / INPUTS, plan)
        try:
            for name, array in arrays.items():
                shard.write(name, array)
            shard.seal()
        finally:
            shard.abort()

    def inputs(self) -> tuple[NDArray[np.int64], list[str] | None]:
        """Labels and ids of the inputs of a run that is resumed."""
        assert self.manifest is not None
        described = self.manifest["inputs"]
        if not described["count"]:
            return np.empty(0, np.int64), None
        path = self.folder / str(described["file"])
        try:
            arrays = read(path)
            ids = None
            if "ids.bytes" in arrays:
                offsets, text = arrays["ids.offsets"].astype(np.int64), arrays["ids.bytes"].tobytes()
                ends = itertools.pairwise(offsets)
                ids = [text[begin:end].decode("utf-8", "replace") for begin, end in ends]
            return arrays["labels"].astype(np.int64), ids
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise RecorderError(f"{path} cannot be read ({error}); use another path") from error

    def publish(self) -> None:
        """Writes the manifest and gives the run its name."""
        self._write_manifest(self._manifest())
        with writing(self.path):
            try:
                os.rename(self.folder, self.path)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    _refuse_existing(self.path)
                raise
            self.folder = self.path
            sync_folder(self.path.parent)

    def commit(self, entry: dict[str, Any]) -> None:
        """Adds an epoch to the manifest, from when on readers see it."""
        manifest = self._manifest()
        manifest = manifest | {
            "epochs": sorted([*manifest["epochs"], entry], key=lambda epoch: epoch["number"])
        }
        if self.published:
            self._check_place()
            self._write_manifest(manifest)
            self.manifest = manifest
        else:
            before, self.manifest = self.manifest, manifest
            try:
                self.publish()
            finally:
                if not self.published:
                    self.manifest = before

    def close(self) -> None:
        """Lets go of the run. What was not published vanishes."""
        if os.getpid() != self._process:
            return  # A forked child: neither the run nor the lock is its own.
        if not self.published:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            _held.discard(self._lock)
            os.close(self._lock)
            self._lock = None

    def _manifest(self) -> dict[str, Any]:
        assert self.manifest is not None
        return self.manifest

    def _write_manifest(self, manifest: dict[str, Any]) -> None:
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        write_whole(self.folder / MANIFEST, text.encode("utf-8", "replace"))

    def _take_lock(self) -> None:
        path = self.folder / LOCK
        with writing(self.path):
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        deadline = time.monotonic() + _LOCK_PATIENCE_S
        try:
            while True:
                try:
                    with writing(self.path):
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except WriteError as error:
                    if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                        raise
                if time.monotonic() > deadline:
                    owner = os.pread(lock, 200, 0).decode("utf-8", "replace").strip() or "another process"
                    raise RecorderError(
                        f"{self.path} is being written by {owner}; wait until it ends, or use another path"
                    )
                time.sleep(0.02)
            with writing(self.path):
                os.ftruncate(lock, 0)
                os.pwrite(lock, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except BaseException:
            os.close(lock)
            raise
        self._lock = lock
        _held.add(lock)

    def _check_place(self) -> None:
        """That the run's folder is still the one that was locked."""
        assert self._lock is not None
        with writing(self.path):
            there, ours = os.stat(self.folder / LOCK), os.fstat(self._lock)
            if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
                raise OSError(errno.ENOENT, "the run was replaced by another one")


#: Locks of this process. A forked child (a data loader's worker) would hold them on after the
#: trainer's death, so it closes its copies.
_held: set[int] = set()


def _close_locks() -> None:
    for lock in _held:
        os.close(lock)
    _held.clear()


os.register_at_fork(after_in_child=_close_locks)


def described(
    model: str,
    writer: str,
    layers: Sequence[Layer],
    edges: Sequence[tuple[int, int]] | None,
    classes: Mapping[int, str],
    inputs: int,
) -> dict[str, Any]:
    """A manifest without epochs."""
    entries = []
    for layer in layers:
        entry = asdict(layer) | {"units": int(layer.units), "shape": [int(side) for side in layer.shape]}
        if layer.parameters is None:
            del entry["parameters"]
        entries.append(entry)
    return {
        "format": "dnnviz",
        "version": 1,
        "writer": writer,
        "model": model,
        "normalisation": "none",
        "layers": entries,
        **({} if edges is None else {"edges": [[int(end) for end in edge] for edge in edges]}),
        "classes": [{"id": id, "name": name} for id, name in sorted(classes.items())],
        "inputs": {"count": inputs, "file": INPUTS} if inputs else {"count": 0},
        "epochs": [],
    }


def layers_of(manifest: dict[str, Any]) -> list[Layer]:
    """The layers that a manifest declares, by what they are recognised by."""
    return [
        Layer(layer["name"], layer["units"], reduction=layer.get("reduction", "none"))
        for layer in manifest["layers"]
    ]


def difference(old: dict[str, Any], new: dict[str, Any]) -> str | None:
    """The first thing in which a recording to be resumed differs from what would be recorded now."""
    before, now = layers_of(old), layers_of(new)
    for index, (was, is_) in enumerate(zip(before, now, strict=False)):
        if was != is_:
            return f"its layer {index} is {_words(was)}, now it is {_words(is_)}"
    if len(before) != len(now):
        return f"it has {len(before)} layers, now there are {len(now)}"
    classes = [
        {found["id"]: found.get("name", "") for found in manifest["classes"]} for manifest in (old, new)
    ]
    if classes[0] != classes[1]:
        differing = sorted(dict.items(classes[0]) ^ dict.items(classes[1]))
        return f"its classes differ: {differing[0][0]} ({differing[0][1]})"
    counts = [manifest["inputs"]["count"] for manifest in (old, new)]
    if counts[0] != counts[1]:
        return f"it keeps {counts[0]} inputs, now {counts[1]} are kept"
    return None


def _words(layer: Layer) -> str:
    return f"{layer.name} of {layer.units} units ({layer.reduction})"


def joined(name: str, parts: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    """Byte strings as the format keeps them: end to end, and where each begins and the last ends."""
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return {f"{name}.bytes": np.frombuffer(b"".join(parts), np.uint8), f"{name}.offsets": offsets}


def is_free(path: Path) -> bool:
    """Whether a new run may take this place."""
    try:
        return not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir()))
    except OSError:
        return False


def _refuse_existing(path: Path) -> None:
    if not is_free(path):
        raise RecorderError(
            f"{path} exists already; use another path, or resume=True to go on with the run in it"
        )


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RecorderError(f"{path} cannot be read ({error}); use another path") from error
    if not isinstance(manifest, dict) or manifest.get("format") != "dnnviz" or manifest.get("version") != 1:
        raise RecorderError(f"{path} is not a recording of format version 1; use another path")
    try:
        epochs = manifest.setdefault("epochs", [])
        inputs = manifest.setdefault("inputs", {"count": 0})
        whole = (
            all(isinstance(epoch["number"], int) for epoch in epochs)
            and all(
                isinstance(layer["name"], str) and isinstance(layer["units"], int)
                for layer in manifest["layers"]
            )
            and all(isinstance(found["id"], int) for found in manifest.setdefault("classes", []))
            and isinstance(inputs["count"], int)
            and (not inputs["count"] or Path(inputs["file"]).name == inputs["file"])
        )
    except (LookupError, TypeError) as error:
        raise RecorderError(f"{path} is damaged ({error!r}); use another path") from error
    if not whole:
        raise RecorderError(f"{path} is damaged; use another path")
    return manifest
