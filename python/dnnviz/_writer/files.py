"""Durable files: complete under their final name, or absent."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from .._errors import writing

#: Unfinished files and folders have names of the form `.NAME.RANDOM.partial`.
PARTIAL_SUFFIX = ".partial"


def partial_path(path: Path) -> Path:
    """Returns a new temporary name beside `path`."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL_SUFFIX}")


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file under a temporary name, syncs it and renames it to `path`.

    Raises:
        WriteError: the file cannot be written.
    """
    partial = partial_path(path)
    with writing(path):
        try:
            file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                write_at(file, memoryview(data), 0)
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(partial, path)
        except BaseException:
            remove(partial)
            raise
        sync_folder(path.parent)


def write_at(file: int, data: memoryview, offset: int) -> None:
    """Writes all of `data` at an offset of an open file."""
    while data:
        written = os.pwrite(file, data, offset)
        data, offset = data[written:], offset + written


def remove(path: Path) -> None:
    """Removes a file if it exists and can be removed."""
    with suppress(OSError):
        os.unlink(path)


def sync_folder(folder: Path) -> None:
    """Makes renames within a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
