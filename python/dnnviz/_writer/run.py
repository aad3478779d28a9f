"""The folder of a run: creation, publication, commits and resumption."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from .._errors import RecorderError, writing
from .._values import pack_bytes, unpack_bytes
from .files import PARTIAL_SUFFIX, partial_path, sync_folder, write_atomically
from .lock import RunLock
from .manifest import INPUTS, MANIFEST, EpochEntry, Manifest, encode_manifest, read_manifest
from .shard import ShardWriter, TensorSpec


class RunDirectory:
    """A run and the exclusive right to write it. Its path does not exist before `publish`."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        #: Location of the run: `path`, or beside it until it is published.
        self.folder = folder
        #: `None` until the layers are known.
        self.manifest: Manifest | None = None
        self._process = os.getpid()
        self._lock: RunLock | None = None

    @classmethod
    def create(cls, path: Path) -> RunDirectory:
        """Creates a run beside `path`, which must not exist or be an empty folder.

        Raises:
            RecorderError: the path is in use.
            WriteError: the run's folder cannot be created.
        """
        _check_available(path)
        folder = partial_path(path)
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        run = cls(path, folder)
        try:
            with writing(path):
                (folder / "epochs").mkdir()
            run._lock = RunLock(path, folder)
        except BaseException:
            run.close()
            raise
        return run

    @classmethod
    def resume(cls, path: Path) -> RunDirectory:
        """Opens the run at `path` for writing and removes its unfinished files.

        Raises:
            RecorderError: there is no run, it is damaged, or another process writes it.
            WriteError: it cannot be written.
        """
        manifest = path / MANIFEST
        if not manifest.is_file():
            raise RecorderError(f"{path} holds no recording that could be resumed; use another path")
        run = cls(path, path)
        run._lock = RunLock(path, path)
        try:
            run.manifest = read_manifest(manifest)
            with writing(path):
                (path / "epochs").mkdir(exist_ok=True)
                for folder in (path, path / "epochs"):
                    for partial in folder.glob(f".*{PARTIAL_SUFFIX}"):
                        partial.unlink(missing_ok=True)
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
        """Writes `inputs.safetensors`; `pictures` are arrays under the names of the format."""
        arrays: dict[str, NDArray[Any]] = {"labels": labels, **pictures}
        if ids is not None:
            arrays |= pack_bytes("ids", [id.encode("utf-8", "replace") for id in ids])
        specs = {
            name: TensorSpec("U8" if array.dtype == np.uint8 else "I64", array.shape)
            for name, array in arrays.items()
        }
        shard = ShardWriter(self.folder / INPUTS, specs)
        try:
            for name, array in arrays.items():
                shard.write(name, array)
            shard.finalize()
        finally:
            shard.abort()

    def read_inputs(self) -> tuple[NDArray[np.int64], list[str] | None]:
        """Returns labels and ids of the stored inputs of a resumed run.

        Raises:
            RecorderError: they cannot be read.
        """
        inputs = self._manifest()["inputs"]
        if not inputs["count"]:
            return np.empty(0, np.int64), None
        path = self.folder / str(inputs["file"])
        try:
            with safe_open(path, framework="numpy") as file:
                labels = file.get_tensor("labels").astype(np.int64)
                ids = None
                if "ids.bytes" in file.keys():  # noqa: SIM118 (not a mapping)
                    packed = unpack_bytes(file.get_tensor("ids.bytes"), file.get_tensor("ids.offsets"))
                    ids = [id.decode("utf-8", "replace") for id in packed]
                return labels, ids
        except (SafetensorError, OSError, ValueError, LookupError, TypeError) as error:
            raise RecorderError(f"{path} cannot be read ({error}); use another path") from error

    def publish(self) -> None:
        """Writes the manifest and gives the run its name.

        Raises:
            RecorderError: the path is in use by now.
            WriteError: that is not possible.
        """
        self._write_manifest(self._manifest())
        with writing(self.path):
            try:
                os.rename(self.folder, self.path)
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    _check_available(self.path)
                raise
            self.folder = self.path
            sync_folder(self.path.parent)

    def commit(self, entry: EpochEntry) -> None:
        """Adds an epoch, whose files are complete, to the manifest, and publishes the run.

        Raises:
            WriteError: the manifest cannot be written; it is as before.
        """
        before = self._manifest()
        manifest = before.copy()
        manifest["epochs"] = sorted([*before["epochs"], entry], key=lambda epoch: epoch["number"])
        if self.published:
            assert self._lock is not None
            self._lock.check(self.folder)
            self._write_manifest(manifest)
            self.manifest = manifest
            return
        self.manifest = manifest
        try:
            self.publish()
        finally:
            if not self.published:
                self.manifest = before

    def close(self) -> None:
        """Releases the run, and removes it if it was not published."""
        if os.getpid() != self._process:
            return  # A forked child owns neither the run nor the lock.
        if not self.published:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _manifest(self) -> Manifest:
        assert self.manifest is not None
        return self.manifest

    def _write_manifest(self, manifest: Manifest) -> None:
        write_atomically(self.folder / MANIFEST, encode_manifest(manifest))


def is_available(path: Path) -> bool:
    """Returns whether a new run can be created at `path`."""
    try:
        return not os.path.lexists(path) or (path.is_dir() and not any(path.iterdir()))
    except OSError:
        return False


def _check_available(path: Path) -> None:
    if not is_available(path):
        raise RecorderError(
            f"{path} exists already; use another path, or resume=True to go on with the run in it"
        )
