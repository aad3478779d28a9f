"""The exclusive right to write a run."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from .._errors import RecorderError, WriteError, writing

LOCK = "writer.lock"

#: A viewer that tests whether a run is being written holds its lock for a moment.
_TIMEOUT_S = 1.0


class RunLock:
    """The lock of a run's folder, held until `release` or the end of the process.

    Args:
        path: the run, for error messages.
        folder: where it is.

    Raises:
        RecorderError: another process holds the lock.
        WriteError: the lock file cannot be created.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self._path = path
        with writing(path):
            file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            self._acquire(file)
            with writing(path):
                os.ftruncate(file, 0)
                os.pwrite(file, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        except BaseException:
            os.close(file)
            raise
        self._file = file
        _held.add(file)

    def _acquire(self, file: int) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while True:
            try:
                with writing(self._path):
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except WriteError as error:
                if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                    raise
            if time.monotonic() > deadline:
                owner = os.pread(file, 200, 0).decode("utf-8", "replace").strip() or "another process"
                raise RecorderError(
                    f"{self._path} is being written by {owner}; wait until it ends, or use another path"
                )
            time.sleep(0.02)

    def check(self, folder: Path) -> None:
        """Raises `WriteError` if `folder` is no longer the one that was locked."""
        with writing(self._path):
            current, held = os.stat(folder / LOCK), os.fstat(self._file)
            if (current.st_dev, current.st_ino) != (held.st_dev, held.st_ino):
                raise OSError(errno.ENOENT, "the run was replaced by another one")

    def release(self) -> None:
        """Releases the lock. To be called once, by the process that acquired it."""
        _held.discard(self._file)
        os.close(self._file)


#: Lock files of this process. A forked child (a data loader's worker) would hold the locks beyond the
#: parent's death, so it closes its copies.
_held: set[int] = set()


def _close_held() -> None:
    for file in _held:
        os.close(file)
    _held.clear()


os.register_at_fork(after_in_child=_close_held)
