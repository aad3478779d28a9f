"""Arrays of any framework as NumPy arrays, and as the bytes that are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import RecorderError

#: What `dtype=` may be, and what safetensors calls it.
STORED = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}

#: The least magnitude that rounds to infinity.
_OVERFLOW = {"F32": np.inf, "F16": 65520.0, "BF16": 3.3961775e38}

#: How far sums of float64 may be off, as a share.
_ROUNDING = 1e-14

#: Elements whose intermediate results stay in the processor's cache.
_CACHED = 1 << 15


def as_numpy(value: Any) -> NDArray[Any]:
    """A host copy or view of a tensor or array of any framework."""
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


def as_floats(value: Any, what: str) -> NDArray[Any]:
    """As float16 or float32, whichever holds the values; `what` names them in errors."""
    try:
        array = as_numpy(value)
    except (TypeError, ValueError) as error:
        raise RecorderError(f"{what} cannot be turned into an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise RecorderError(f"{what} has elements of type {array.dtype}; real numbers can be recorded")
    if array.dtype in (np.float16, np.float32):
        return array
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def examine(values: NDArray[Any]) -> tuple[int, float]:
    """How many values are NaN or infinite, and the greatest magnitude of the others."""
    if values.size == 0:
        return 0, 0.0
    if values.dtype == np.float16:
        # The exponent alone tells; comparisons of half floats are slow.
        exponents = np.ascontiguousarray(values).view(np.uint16) & 0x7C00
        if exponents.max() < 0x7C00:
            return 0, 65504.0
        return int(np.count_nonzero(exponents == 0x7C00)), 65504.0
    # Both propagate NaN and show infinity, without a temporary array.
    greatest = max(-float(values.min()), float(values.max()))
    if np.isfinite(greatest):
        return 0, greatest
    finite = np.isfinite(values)
    rest = np.abs(values[finite])
    return int(values.size - rest.size), float(rest.max()) if rest.size else 0.0


def variance(mean: NDArray[np.float64], mean_of_squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Population variance; what rounding leaves of values that are all the same is 0."""
    found = mean_of_squares - mean**2
    return np.where(found > _ROUNDING * mean_of_squares, found, np.where(np.isnan(mean), np.nan, 0.0))


def overflows(greatest: float, stored: str) -> bool:
    """Whether a magnitude leaves the range of a stored element type."""
    return greatest >= _OVERFLOW[stored]


def encode(values: NDArray[Any], stored: str) -> NDArray[Any]:
    """Values as the bits of a stored element type, rounded to nearest even."""
    if stored == "F32":
        return values.astype(np.float32, copy=False)
    if stored == "F16":
        with np.errstate(over="ignore", invalid="ignore"):
            return values.astype(np.float16, copy=False)
    bits = np.ascontiguousarray(values, dtype=np.float32).reshape(-1).view(np.uint32)
    halves = np.empty(bits.shape, np.uint16)
    for at in range(0, len(bits), _CACHED):
        part = bits[at : at + _CACHED]
        rounded = part >> 16
        rounded &= 1
        rounded += 0x7FFF
        rounded += part
        rounded >>= 16
        # Rounding could carry a NaN's payload into the sign.
        rounded[(part & 0x7FFFFFFF) > 0x7F800000] = 0x7FC0
        halves[at : at + _CACHED] = rounded
    return halves.reshape(values.shape)
