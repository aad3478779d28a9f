"""One safetensors file, written row by row into room that is taken beforehand."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import writing

#: Bytes of an element, by the name that safetensors has for it.
SIZES = {"I64": 8, "F32": 4, "F16": 2, "BF16": 2, "U8": 1}

#: What a file is called while it is not whole: `.` in front, this behind.
PARTIAL = ".partial"


@dataclass(frozen=True)
class Plan:
    """An array that a file will hold."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def row(self) -> int:
        """Bytes of one entry of the first dimension."""
        return SIZES[self.dtype] * prod(self.shape[1:])


class Shard:
    """A safetensors file under a temporary name in the folder of `final`, until `seal` renames it.

    All arrays are planned beforehand, so that they can be written in any order and in pieces, and so
    that a full disk is found before anything is computed. Wider elements lie first, which keeps every
    array aligned.
    """

    def __init__(self, final: Path, plans: Mapping[str, Plan]) -> None:
        self.final = final
        self._plans = dict(sorted(plans.items(), key=lambda item: -SIZES[item[1].dtype]))
        self._partial = final.with_name(f".{final.name}.{secrets.token_hex(4)}{PARTIAL}")
        header: dict[str, Any] = {}
        self._begins: dict[str, int] = {}
        end = 0
        for name, plan in self._plans.items():
            begin, end = end, end + SIZES[plan.dtype] * prod(plan.shape)
            self._begins[name] = begin
            header[name] = {"dtype": plan.dtype, "shape": plan.shape, "data_offsets": [begin, end]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        start = 8 + len(text)
        self._begins = {name: start + begin for name, begin in self._begins.items()}
        with writing(final):
            self._file: int | None = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with writing(final):
                _reserve(self._file, start + end)
                _write(self._file, memoryview(len(text).to_bytes(8, "little") + text), 0)
        except BaseException:
            self.abort()
            raise

    def write(self, name: str, values: NDArray[Any], row: int = 0) -> None:
        """Writes `values`, already of the element type that was planned, from `row` on."""
        plan = self._plans[name]
        if self._file is None or row * plan.row + values.nbytes > plan.row * plan.shape[0]:
            raise ValueError(f"{name}: {values.shape} at row {row} is outside {plan.shape}")
        with writing(self.final):
            little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
            _write(self._file, little.reshape(-1).view(np.uint8).data, self._begins[name] + row * plan.row)

    def seal(self) -> None:
        """Makes the file last and gives it its name."""
        with writing(self.final):
            assert self._file is not None
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
            os.replace(self._partial, self.final)
            sync_folder(self.final.parent)

    def abort(self) -> None:
        """Leaves nothing behind; does nothing after a `seal` that went well."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        remove(self._partial)


def write_whole(path: Path, text: bytes) -> None:
    """Writes a file under another name, syncs it and renames it over `path`."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    with writing(path):
        try:
            file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                _write(file, memoryview(text), 0)
                os.fsync(file)
            finally:
                os.close(file)
            os.replace(partial, path)
        except BaseException:
            remove(partial)
            raise
        sync_folder(path.parent)


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The integer and byte arrays of a safetensors file. Raises `OSError` or `ValueError`."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    types = {"I64": "<i8", "U64": "<u8", "I32": "<i4", "U32": "<u4", "U8": "u1"}
    arrays: dict[str, NDArray[Any]] = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] not in types:
            continue
        begin, end = entry["data_offsets"]
        arrays[name] = np.frombuffer(data[start + begin : start + end], types[entry["dtype"]])
    return arrays


def remove(path: Path) -> None:
    """Removes a file that may be gone already, or out of reach."""
    with suppress(OSError):
        os.unlink(path)


def sync_folder(folder: Path) -> None:
    """Makes renames within a folder last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reserve(file: int, length: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, length)
            return
        except OSError as error:
            # File systems that cannot reserve room say so in one of these ways.
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise
    os.ftruncate(file, length)


def _write(file: int, data: memoryview, at: int) -> None:
    while data:
        written = os.pwrite(file, data, at)
        data, at = data[written:], at + written
