"""Pictures of the inputs: given ones, or thumbnails of inputs that are images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._errors import RecorderError
from .._types import Pictures
from .._values import as_numpy, pack_bytes

#: Pixels on the long side of a thumbnail.
THUMBNAIL_SIZE = 64
#: Thumbnails are made of at most so many inputs.
MAX_THUMBNAILS = 20_000
#: Images that are processed at a time.
_CHUNK = 256

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def parse_pictures(pictures: Pictures, kept: NDArray[np.int64], count: int) -> dict[str, NDArray[Any]]:
    """Returns the arrays of the format for the option `pictures`.

    Args:
        pictures: uint8 `[n, h, w, c]`, or PNG or JPEG bytes of each input.
        kept: numbers of the inputs whose pictures are stored.
        count: number of inputs.

    Raises:
        RecorderError: `pictures` are of another kind or number.
    """
    if isinstance(pictures, (list, tuple)) and all(
        isinstance(part, (bytes, type(None))) for part in pictures
    ):
        _check_length(len(pictures), count)
        for index, part in enumerate(pictures):
            if part and not part.startswith(_SIGNATURES):
                raise RecorderError(f"picture {index} is neither a PNG nor a JPEG file; give their bytes")
        return pack_bytes("pictures", [pictures[index] or b"" for index in kept])
    pixels = as_numpy(pictures)
    if pixels.ndim == 3:
        pixels = pixels[..., None]
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or not 1 <= pixels.shape[3] <= 4 or 0 in pixels.shape[1:]:
        raise RecorderError(
            f"pictures have the shape {list(pixels.shape)} of {pixels.dtype}; "
            "give uint8 [inputs, height, width, 1 to 4], or a list of PNG or JPEG bytes"
        )
    _check_length(len(pixels), count)
    return {"pictures": pixels[kept]}


def is_image_batch(shape: Sequence[int]) -> bool:
    """Returns whether a shape is `[n, 1|3, h, w]` or `[n, h, w, 1|3]`."""
    return len(shape) == 4 and 0 not in shape and (shape[1] in (1, 3) or shape[3] in (1, 3))


def thumbnails_of_rows(images: Any, rows: NDArray[np.int64]) -> NDArray[np.uint8] | None:
    """Returns thumbnails of some rows of an array of any framework, `None` if it is not a batch of images
    or the rows are too many."""
    if not len(rows) or len(rows) > MAX_THUMBNAILS or not is_image_batch(getattr(images, "shape", ())):
        return None
    chunks = [
        thumbnails(as_numpy(images[rows[start : start + _CHUNK]])) for start in range(0, len(rows), _CHUNK)
    ]
    made = [chunk for chunk in chunks if chunk is not None]
    return np.concatenate(made) if made else None


def thumbnails(images: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Returns small 8-bit pictures `[n, h, w, c]` of a batch of images, `None` for other batches. Each is
    scaled to its own range, unless it is 8-bit already."""
    if not is_image_batch(images.shape) or images.dtype.kind not in "biuf":
        return None
    if images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    chunks = [_downscale(images[start : start + _CHUNK]) for start in range(0, len(images), _CHUNK)]
    return np.concatenate(chunks)


def _downscale(images: NDArray[Any]) -> NDArray[np.uint8]:
    height, width = images.shape[1:3]
    scale = min(1.0, THUMBNAIL_SIZE / max(height, width))
    if scale == 1.0 and images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    pixels = np.nan_to_num(images.astype(np.float32))
    if scale < 1.0:
        rows, columns = (_area_weights(side, max(1, round(side * scale))) for side in (height, width))
        pixels = np.einsum("yh,nhwc->nywc", rows, pixels, optimize=True)
        pixels = np.einsum("xw,nywc->nyxc", columns, pixels, optimize=True)
    if images.dtype != np.uint8:
        # In double precision the difference of two float32 numbers cannot overflow.
        wide = pixels.astype(np.float64)
        low, high = wide.min(axis=(1, 2, 3), keepdims=True), wide.max(axis=(1, 2, 3), keepdims=True)
        pixels = (wide - low) * (255 / np.where(high > low, high - low, 1))
    return np.asarray(np.rint(pixels).clip(0, 255), np.uint8)


def _area_weights(old: int, new: int) -> NDArray[np.float32]:
    """Returns `[new, old]`, the weight of each old pixel in each new one."""
    edges = np.arange(new + 1) * (old / new)
    starts, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)
    overlap = np.minimum(ends, pixels + 1) - np.maximum(starts, pixels)
    weights: NDArray[np.float32] = (overlap.clip(0) * (new / old)).astype(np.float32)
    return weights


def _check_length(found: int, count: int) -> None:
    if found != count:
        raise RecorderError(f"{found} pictures for {count} inputs; give one for each")
