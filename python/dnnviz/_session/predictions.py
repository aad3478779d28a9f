"""Predictions: the class of each input, read from the network's output."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._capture import Output, Scores
from .._errors import RecorderError, one_line
from .._inputs import Classes
from .._types import Predictions
from .._values import as_numpy

#: Difference of an accuracy and the share of right predictions that is warned of, besides twice the standard
#: error of a share of one half.
_DISAGREEMENT = 0.3

_OPTION = "give predictions=, a function of the output that returns class ids, or predictions=False for none"


class PredictionReader:
    """Reads the predicted class ids from outputs of a network.

    Args:
        option: the option `predictions` of `Recorder`.
        classes: the classes of the recording.
    """

    def __init__(self, option: Predictions | None, classes: Classes) -> None:
        if option is not None and option is not False and not callable(option):
            raise RecorderError(f"predictions={option!r}; {_OPTION}")
        self._option = option
        self._classes = classes
        self._is_chosen = False
        #: Name of the scores among the tensors of the output; `None`: there are none.
        self._name: str | None = None
        self._is_probability = False

    def read(self, output: Output | None) -> NDArray[np.int64] | None:
        """Returns the predicted class ids `[b]`, -1 for none; `None` for an output without scores.

        Raises:
            RecorderError: several tensors of the output may be the scores, or the option's function fails.
        """
        if output is None or self._option is False:
            return None
        if self._option is not None:
            return self._call(output)
        if not self._is_chosen:
            chosen = _choose(output, self._classes)
            self._is_chosen = True
            if chosen is not None:
                self._name, self._is_probability = chosen.name, chosen.is_probability
        if self._name is None:
            return None
        found = [scores for scores in output.scores if scores.name == self._name]
        if not found:
            raise RecorderError(
                f"the output has no {self._name or 'scores'} this time, which held the predictions; {_OPTION}"
            )
        return self._ids(found[0].values)

    def _ids(self, values: Any) -> NDArray[np.int64]:
        columns = int(values.shape[1])
        if columns > 1:
            return self._classes.ids_from_columns(as_numpy(values.argmax(1)).astype(np.int64), columns)
        scores = as_numpy(values)[:, 0]
        above = scores > (0.5 if self._is_probability else 0)
        return np.where(np.isnan(scores), -1, self._classes.ids[above.astype(np.int64)])

    def _call(self, output: Output) -> NDArray[np.int64]:
        assert callable(self._option)
        expected = f"it returns class ids [{output.inputs}], or scores [{output.inputs}, classes]"
        try:
            found = as_numpy(self._option(output.value))
        except Exception as error:
            raise RecorderError(f"predictions= raised {one_line(error)}; {expected}") from error
        if found.ndim == 2 and found.shape[1] > 1:
            columns = found.argmax(axis=1).astype(np.int64)
            ids = self._classes.ids_from_columns(columns, found.shape[1])
        else:
            whole = found.dtype.kind in "biu" or (
                found.dtype.kind == "f" and bool((found == np.rint(found)).all())
            )
            if not whole:
                raise RecorderError(f"predictions= returned {found.dtype} that are no class ids; {expected}")
            flat = found.reshape(-1).astype(np.int64)
            ids = np.where(np.isin(flat, self._classes.ids), flat, -1)
        if len(ids) != output.inputs:
            raise RecorderError(f"predictions= returned the shape {list(found.shape)}; {expected}")
        return ids


def disagreement(accuracy: float, right: int, count: int) -> bool:
    """Returns whether an accuracy in 0..1 and the share of right predictions differ by more than the choice
    of the inputs explains."""
    return count > 0 and abs(accuracy - right / count) > _DISAGREEMENT + 1 / count**0.5


def _choose(output: Output, classes: Classes) -> Scores | None:
    """Returns the scores of the classes among the tensors of an output; `None` if there are none.

    Raises:
        RecorderError: several may be.
    """
    count = len(classes.ids)
    if not count:
        return None
    logits = [scores for scores in output.scores if scores.name == "logits"]
    candidates = logits or output.scores
    fitting = [scores for scores in candidates if _columns(scores) == count]
    if not fitting and count == 2:
        fitting = [scores for scores in candidates if _columns(scores) == 1]
    if len(fitting) == 1:
        return fitting[0]
    if not fitting and (logits or output.tensors == 1):
        # A column for each class that exists, of which the inputs have some.
        return next((scores for scores in candidates if _columns(scores) > int(classes.ids.max())), None)
    if len(candidates) < 2:
        return None
    listed = ", ".join(f"{scores.name} ({_columns(scores)} columns)" for scores in candidates)
    reason = "several of them have" if fitting else "none of them has"
    raise RecorderError(
        f"the model has the outputs {listed}; {reason} a column for each of the {count} classes: {_OPTION}"
    )


def _columns(scores: Scores) -> int:
    return int(scores.values.shape[1])
