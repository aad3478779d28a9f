"""Conversion of arrays of any framework to NumPy arrays, and to stored element types."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ._errors import RecorderError
from ._types import DType

#: Float types by their names in safetensors.
StoredType: TypeAlias = Literal["F32", "F16", "BF16"]

STORED_TYPES: dict[DType, StoredType] = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}

#: The smallest magnitude that rounds to infinity.
_OVERFLOW: dict[StoredType, float] = {"F32": np.inf, "F16": 65520.0, "BF16": 3.3961775e38}

#: Relative rounding error of sums of float64.
_ROUNDING = 1e-14

#: Elements whose intermediate results stay in the processor's cache.
_CACHED = 1 << 15


def as_numpy(value: Any) -> NDArray[Any]:
    """Returns a host copy or view of a tensor or array of any framework."""
    if hasattr(value, "detach"):  # torch
        value = value.detach().cpu()
        if str(value.dtype) in ("torch.bfloat16", "torch.float8_e4m3fn", "torch.float8_e5m2"):
            value = value.float()
        return np.asarray(value.numpy())
    if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        return np.asarray(np.from_dlpack(value))
    array = np.asarray(value)
    # Element types that NumPy does not have itself, such as JAX's bfloat16.
    return array.astype(np.float32) if array.dtype.kind == "V" and array.dtype.names is None else array


def as_floats(value: Any, description: str) -> NDArray[Any]:
    """Converts to float16 or float32, whichever holds the values; `description` names them in errors.

    Raises:
        RecorderError: `value` is no array of real numbers.
    """
    try:
        array = as_numpy(value)
    except (TypeError, ValueError) as error:
        raise RecorderError(f"{description} cannot be turned into an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise RecorderError(f"{description} has elements of type {array.dtype}; real numbers can be recorded")
    if array.dtype in (np.float16, np.float32):
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


class ValueRange(NamedTuple):
    """Range of an array's values."""

    #: Number of NaN or infinite values.
    not_finite: int
    #: An upper bound of the finite magnitudes; the greatest one itself, but for float16.
    magnitude: float


def value_range(values: NDArray[Any]) -> ValueRange:
    """Returns the range of float16 or float32 values."""
    if values.size == 0:
        return ValueRange(0, 0.0)
    if values.dtype == np.float16:
        # The exponent suffices; comparisons of half floats are slow.
        exponents = np.ascontiguousarray(values).view(np.uint16) & 0x7C00
        not_finite = 0 if exponents.max() < 0x7C00 else int(np.count_nonzero(exponents == 0x7C00))
        return ValueRange(not_finite, 65504.0)
    # Minimum and maximum propagate NaN and infinity, without a temporary array.
    magnitude = max(-float(values.min()), float(values.max()))
    if np.isfinite(magnitude):
        return ValueRange(0, magnitude)
    rest = np.abs(values[np.isfinite(values)])
    return ValueRange(int(values.size - rest.size), float(rest.max()) if rest.size else 0.0)


def variance(mean: NDArray[np.float64], mean_of_squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns the population variance, 0 where the difference is within the rounding error."""
    difference = mean_of_squares - mean**2
    zero = np.where(np.isnan(mean), np.nan, 0.0)
    return np.where(difference > _ROUNDING * mean_of_squares, difference, zero)


def overflows(magnitude: float, stored: StoredType) -> bool:
    """Returns whether a magnitude exceeds the range of a stored element type."""
    return magnitude >= _OVERFLOW[stored]


def encode(values: NDArray[Any], stored: StoredType) -> NDArray[Any]:
    """Returns values as the bits of a stored element type, rounded to nearest even."""
    if stored == "F32":
        return values.astype(np.float32, copy=False)
    if stored == "F16":
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(np.float16, copy=False)
    bits = np.ascontiguousarray(values, dtype=np.float32).reshape(-1).view(np.uint32)
    halves = np.empty(bits.shape, np.uint16)
    for start in range(0, len(bits), _CACHED):
        part = bits[start : start + _CACHED]
        rounded = part >> 16
        rounded &= 1
        rounded += 0x7FFF
        rounded += part
        rounded >>= 16
        # Rounding could carry a NaN's payload into the sign.
        rounded[(part & 0x7FFFFFFF) > 0x7F800000] = 0x7FC0
        halves[start : start + _CACHED] = rounded
    return halves.reshape(values.shape)


def pack_bytes(name: str, parts: Sequence[bytes]) -> dict[str, NDArray[Any]]:
    """Returns byte strings as the format stores them: concatenated, and the offsets of their ends."""
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return {f"{name}.bytes": np.frombuffer(b"".join(parts), np.uint8), f"{name}.offsets": offsets}


def unpack_bytes(packed: NDArray[np.uint8], offsets: NDArray[np.integer[Any]]) -> list[bytes]:
    """Returns the byte strings that `pack_bytes` concatenated."""
    data = packed.tobytes()
    return [data[start:stop] for start, stop in itertools.pairwise(offsets.astype(np.int64))]
