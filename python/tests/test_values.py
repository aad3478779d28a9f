"""Conversion of element types, and the detection of NaN, infinity and overflow."""

import numpy as np
import pytest

from dnnviz._values import as_floats, encode, overflows, value_range


def specials():
    """Random bit patterns, more than are converted at a time, among them NaN of any payload, infinities,
    zeros and denormals."""
    bits = np.random.default_rng(0).integers(0, 1 << 32, size=70_000, dtype=np.uint32)
    edges = [
        0x7F800000,
        0xFF800000,
        0x7FFFFFFF,
        0x7F800001,
        0xFFFFFFFF,
        0x80000000,
        1,
        0x7F7FFFFF,
        0x3F808000,
    ]
    bits[: len(edges)] = edges
    return bits.view(np.float32)


def test_bfloat16_is_rounded_to_nearest_even():
    values = specials()
    got = encode(values.reshape(7, -1), "BF16")
    assert got.shape == (7, 10_000) and got.dtype == np.uint16
    for value, bits, half in zip(
        values.tolist(), values.view(np.uint32).tolist(), got.ravel().tolist(), strict=True
    ):
        if value != value:
            assert half & 0x7F80 == 0x7F80 and half & 0x7F, hex(bits)
        else:
            low, high = bits & 0xFFFF, bits >> 16
            up = low > 0x8000 or (low == 0x8000 and high & 1)
            assert half == high + up, hex(bits)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_nan_and_infinity_are_counted(dtype):
    with np.errstate(over="ignore", invalid="ignore"):
        values = specials().astype(dtype).reshape(70, 1000)
    finite = np.isfinite(values)
    count, greatest = value_range(values)
    assert count == (~finite).sum() > 0
    assert greatest >= np.abs(values[finite].astype(np.float64)).max()
    assert value_range(np.where(finite, values, 0).astype(dtype))[0] == 0
    assert value_range(values[:0]) == (0, 0.0)


@pytest.mark.parametrize(("stored", "dtype"), [("F16", np.float16), ("F32", np.float32)])
def test_values_that_become_infinite_overflow(stored, dtype):
    for magnitude in (65503.0, 65519.0, 65519.996, 65520.0, 70000.0, 3e38):
        with np.errstate(over="ignore"):
            becomes = np.isinf(np.float32(magnitude).astype(dtype))
        assert overflows(value_range(np.array([[0, -magnitude]], np.float32))[1], stored) == becomes, (
            magnitude
        )


def test_doubles_beyond_single_precision_become_infinite():
    np.testing.assert_array_equal(as_floats(np.array([[1e300, 1.0]]), "a"), [[np.inf, 1.0]])
