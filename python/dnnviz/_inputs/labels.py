"""Labels of the probe inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .._errors import RecorderError
from .._types import ArrayLike
from .._values import as_numpy


def parse_labels(y: ArrayLike) -> NDArray[np.int64]:
    """Returns labels `[n]` as class ids; -1 stands for no class.

    Raises:
        RecorderError: `y` is not one whole number per input.
    """
    try:
        labels = as_numpy(y)
    except (TypeError, ValueError) as error:
        raise RecorderError(f"labels cannot be turned into an array: {error}") from error
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise RecorderError(
            f"labels have the shape {list(labels.shape)}; "
            "give a class id for each input, of one-hot rows their argmax"
        )
    whole = labels.dtype.kind in "iu" or (
        labels.dtype.kind == "f" and bool((labels == np.rint(labels)).all())
    )
    if labels.size and not whole:
        raise RecorderError(f"labels are {labels.dtype}, not whole numbers; give one class id for each input")
    return labels.astype(np.int64)
