"""Row-wise writing of a safetensors file into preallocated space.

The writer of `safetensors` takes whole tensors from memory; an epoch's tensors are written batch by batch.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .._errors import writing
from .._values import StoredType
from .files import partial_path, remove, sync_folder, write_at

#: Element types by their names in safetensors.
TensorType: TypeAlias = StoredType | Literal["I64", "U8"]

_ELEMENT_BYTES: dict[TensorType, int] = {"I64": 8, "F32": 4, "F16": 2, "BF16": 2, "U8": 1}


@dataclass(frozen=True)
class TensorSpec:
    """Element type and shape of a tensor in a file."""

    dtype: TensorType
    shape: tuple[int, ...]

    @property
    def element_bytes(self) -> int:
        return _ELEMENT_BYTES[self.dtype]

    @property
    def row_bytes(self) -> int:
        """Bytes of one entry of the first dimension."""
        return self.element_bytes * prod(self.shape[1:])

    @property
    def bytes(self) -> int:
        return self.element_bytes * prod(self.shape)


class ShardWriter:
    """A safetensors file under a temporary name beside `path`, until `finalize` renames it.

    All tensors are declared beforehand, so that they can be written in any order and in parts, and so that
    a full disk is detected before anything is computed. Wider elements come first, which aligns every
    tensor.

    Raises:
        WriteError: the file cannot be created, or its space not be reserved.
    """

    def __init__(self, path: Path, specs: Mapping[str, TensorSpec]) -> None:
        self.path = path
        self._specs = dict(sorted(specs.items(), key=lambda item: -item[1].element_bytes))
        self._partial = partial_path(path)
        entries: dict[str, Any] = {}
        offsets: dict[str, int] = {}
        end = 0
        for name, spec in self._specs.items():
            start, end = end, end + spec.bytes
            offsets[name] = start
            entries[name] = {"dtype": spec.dtype, "shape": spec.shape, "data_offsets": [start, end]}
        header = json.dumps(entries, separators=(",", ":")).encode()
        header += b" " * (-len(header) % 8)
        data_start = 8 + len(header)
        #: Position of each tensor in the file.
        self._offsets = {name: data_start + offset for name, offset in offsets.items()}
        with writing(path):
            self._file: int | None = os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with writing(path):
                _reserve(self._file, data_start + end)
                write_at(self._file, memoryview(len(header).to_bytes(8, "little") + header), 0)
        except BaseException:
            self.abort()
            raise

    def write(self, name: str, values: NDArray[Any], row: int = 0) -> None:
        """Writes `values`, already of the declared element type, from `row` on.

        Raises:
            ValueError: the rows are outside the tensor.
            WriteError: they cannot be written.
        """
        spec = self._specs[name]
        if self._file is None or row * spec.row_bytes + values.nbytes > spec.row_bytes * spec.shape[0]:
            raise ValueError(f"{name}: {values.shape} at row {row} is outside {spec.shape}")
        with writing(self.path):
            little = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<"), copy=False))
            data = little.reshape(-1).view(np.uint8).data
            write_at(self._file, data, self._offsets[name] + row * spec.row_bytes)

    def finalize(self) -> None:
        """Syncs the file and gives it its final name.

        Raises:
            WriteError: that is not possible.
        """
        with writing(self.path):
            assert self._file is not None
            os.fsync(self._file)
            os.close(self._file)
            self._file = None
            os.replace(self._partial, self.path)
            sync_folder(self.path.parent)

    def abort(self) -> None:
        """Removes the unfinished file; has no effect after a successful `finalize`."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        remove(self._partial)


def _reserve(file: int, length: int) -> None:
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(file, 0, length)
            return
        except OSError as error:
            # File systems without reservation report one of these.
            if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
                raise
    os.ftruncate(file, length)
