"""Pictures of the inputs: those that are given, or small ones made of inputs that look like images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ._errors import RecorderError
from ._format import joined
from ._values import as_numpy

#: Pixels on the long side of a picture that is made of an input.
LONGEST = 64
#: More inputs than this get no pictures of their own accord.
MOST = 20_000

_SIGNATURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


def given(pictures: Any, kept: NDArray[np.int64], count: int) -> dict[str, NDArray[Any]]:
    """What `pictures=` says, for the kept ones of `count` inputs, as arrays of the format."""
    if isinstance(pictures, (list, tuple)) and all(
        isinstance(part, (bytes, type(None))) for part in pictures
    ):
        _check_length(len(pictures), count)
        for index, part in enumerate(pictures):
            if part and not part.startswith(_SIGNATURES):
                raise RecorderError(f"picture {index} is neither a PNG nor a JPEG file; give their bytes")
        return joined("pictures", [pictures[index] or b"" for index in kept])
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


def looks_like_images(shape: Sequence[int]) -> bool:
    """Whether a batch of inputs of this shape is `[n, 1|3, h, w]` or `[n, h, w, 1|3]`."""
    return len(shape) == 4 and 0 not in shape and (shape[1] in (1, 3) or shape[3] in (1, 3))


def made(images: NDArray[Any]) -> NDArray[np.uint8] | None:
    """Small 8-bit pictures `[n, h, w, c]` of a batch that looks like images, each stretched to its own
    range (8-bit ones are left as they are); `None` for other batches."""
    if not looks_like_images(images.shape) or images.dtype.kind not in "biuf":
        return None
    if images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    return np.concatenate([_small(images[at : at + 256]) for at in range(0, len(images), 256)])


def _small(images: NDArray[Any]) -> NDArray[np.uint8]:
    height, width = images.shape[1:3]
    scale = min(1.0, LONGEST / max(height, width))
    if scale == 1.0 and images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    pixels = np.nan_to_num(images.astype(np.float32))
    if scale < 1.0:
        rows, columns = (_areas(side, max(1, round(side * scale))) for side in (height, width))
        pixels = np.einsum("yh,nhwc->nywc", rows, pixels, optimize=True)
        pixels = np.einsum("xw,nywc->nyxc", columns, pixels, optimize=True)
    if images.dtype != np.uint8:
        # In double precision the difference of two float32 numbers cannot overflow.
        wide = pixels.astype(np.float64)
        least, greatest = wide.min(axis=(1, 2, 3), keepdims=True), wide.max(axis=(1, 2, 3), keepdims=True)
        pixels = (wide - least) * (255 / np.where(greatest > least, greatest - least, 1))
    return np.asarray(np.rint(pixels).clip(0, 255), np.uint8)


def _areas(old: int, new: int) -> NDArray[np.float32]:
    """`[new, old]`: the share that each old pixel has in each new one."""
    edges = np.arange(new + 1) * (old / new)
    begins, ends = edges[:-1, None], edges[1:, None]
    pixels = np.arange(old)
    overlap = np.minimum(ends, pixels + 1) - np.maximum(begins, pixels)
    shares: NDArray[np.float32] = (overlap.clip(0) * (new / old)).astype(np.float32)
    return shares


def _check_length(found: int, count: int) -> None:
    if found != count:
        raise RecorderError(f"{found} pictures for {count} inputs; give one for each")
