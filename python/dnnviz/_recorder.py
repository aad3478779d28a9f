"""The recorder: what a training script talks to."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ._arrays import ArraySession
from ._commit import Committer
from ._errors import RecorderError
from ._format import Run
from ._frameworks import capture_of
from ._inputs import Arrays, Classes, Inputs, inputs_of
from ._model import ModelSession
from ._options import Keep, entry_of, statistics_of
from ._session import Options
from ._values import STORED


class Recorder:
    """Records the activations of a network, epoch by epoch, into a folder that `dnnviz` shows.

    Args:
        path: the run's folder; it must not exist yet, unless `resume`.
        model: a `torch.nn.Module` or `keras.Model`; left out where `layer` hands the arrays over.
        inputs: the probe inputs, `(x, y)` with as many rows each: `x` an array or tensor, a tuple or a
            dict of them, handed to the model as its arguments; `y` class ids `[n]`, -1 for none, or
            `None`. Or an iterable of such batches that can be iterated anew, as a `DataLoader`.
        classes: names of the classes, or names by id; left out, they are taken from the labels.
        layers, exclude: which layers to record: a name, a pattern (`"features.*"`), a type, a depth, a
            list of these, or a predicate `(name, module) -> bool`.
        keep: whose values are kept one by one: `None`, of all inputs; a number, of so many inputs spread
            evenly (the first ones where they come in batches); or their indices. Other than with `None`,
            statistics of all inputs and of each class are recorded besides. 0 records these alone, in
            constant memory; it is the default for iterables.
        maps: indices of inputs whose whole feature maps are kept, and their values.
        statistics: which statistics are recorded with `keep`, besides the mean: of `"variance"`, `"min"`,
            `"max"` and `"rate"`, the share of inputs with an activation above 0. All of them by default.
        dtype: as what values and statistics are stored: `"float32"`, `"float16"` or `"bfloat16"`.
            Variances are always float32.
        batch_size: how many inputs pass through the model at a time.
        positions: what becomes of sequences `[n, positions, features]`; their mean by default.
        after_activation: whether a layer's values are taken after the activation that follows it.
        name: the network's name; left out, its class.
        ids: names of the inputs; left out, their numbers.
        pictures: of the inputs, uint8 `[n, h, w, c]`, or a list of PNG or JPEG bytes. Left out, inputs
            that look like images get small ones.
        resume: go on with the run at `path`, if there is one; `last_epoch` says where it stands.
        strict: raise where an epoch cannot be written, rather than warn and let the training go on.
        background: sync and commit in a thread: `epoch` returns when the values are captured. Without
            effect when distributed.

    Raises:
        RecorderError: something given cannot be recorded; the message says what and why.
        OSError: the run's folder cannot be created.
    """

    def __init__(
        self,
        path: Any,
        model: Any = None,
        inputs: Any = None,
        *,
        classes: Any = None,
        layers: Any = None,
        exclude: Any = None,
        keep: Any = None,
        maps: Sequence[int] | None = None,
        statistics: Sequence[str] | None = None,
        dtype: str = "float32",
        batch_size: int = 256,
        positions: Any = "mean",
        after_activation: bool = True,
        name: str | None = None,
        ids: Sequence[str] | None = None,
        pictures: Any = None,
        resume: bool = False,
        strict: bool = False,
        background: bool = False,
    ) -> None:
        if dtype not in STORED:
            raise RecorderError(f"dtype={dtype!r}; the element types are {', '.join(STORED)}")
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise RecorderError(f"batch_size={batch_size!r}; give a whole number from 1 on")
        if model is not None and inputs is None:
            raise RecorderError("a model needs inputs=(x, y) to be recorded with")
        if model is None and not (layers is None and exclude is None):
            raise RecorderError("layers= and exclude= choose among a model's layers; there is no model")
        #: The run's folder.
        self.path = Path(path).absolute()
        found: Inputs | None = None if inputs is None else inputs_of(inputs, int(batch_size))
        if keep is None and found is not None and found.own_share:
            keep = 0
        options = Options(
            path=self.path,
            name=name,
            stored=STORED[dtype],
            keep=Keep(keep, maps),
            statistics=statistics_of(statistics),
            classes=None if classes is None else Classes.of(classes),
            ids=ids,
            pictures=pictures,
            resume=resume,
        )
        self._session: ModelSession | ArraySession
        if model is None:
            self._committer = Committer(strict=strict, background=background)
            self._session = ArraySession(options, found, self._committer)
        else:
            assert found is not None
            if isinstance(found, Arrays) and found.x is None:
                raise RecorderError("inputs=(x, y): x is None, but the model needs it")
            capture = capture_of(
                model,
                found.sample(),
                layers=layers,
                exclude=exclude,
                positions=positions,
                after_activation=after_activation,
                name=name,
            )
            self._committer = Committer(strict=strict, background=background and capture.world == 1)
            self._session = ModelSession(options, capture, found, self._committer)
        self._end = weakref.finalize(self, _end, self._committer, self._session.run)

    @property
    def last_epoch(self) -> int | None:
        """The highest number of a committed epoch; `None` when there is none."""
        return max(self._session.epochs, default=None)

    def epoch(
        self, number: int, *, accuracy: Any = None, loss: Any = None, step: int | None = None, **metrics: Any
    ) -> None:
        """Records the network as it is now, and commits that as epoch `number`.

        `accuracy` is a share from 0 to 1; `loss` and any other scalars may be Python numbers or tensors
        of one element, and NaN; `step` counts optimiser steps. Once this returns, the epoch is on the
        disk, unless `background`.

        Raises:
            RecorderError: the epoch is recorded already, or what is to be recorded does not fit the run.
            OSError: it cannot be written, and `strict`. Otherwise that is a `RecordingWarning`.
        """
        session = self._open()
        self._committer.settle()
        if isinstance(session, ModelSession):
            session.record((number, accuracy, loss, step, metrics))
            return
        try:
            session.record(entry_of(number, accuracy, loss, step, metrics))
        finally:
            session.given.clear()

    def layer(
        self,
        name: str,
        array: Any,
        *,
        labels: Any = None,
        kind: str | None = None,
        module: str = "",
        text: str = "",
        channels_last: bool = False,
    ) -> None:
        """Hands over a layer's activations `[inputs, …]` for the next `epoch`, as an array of any framework.
        Called again with the same name, it takes the next inputs' activations.

        `[n, units]` are recorded as they are, of `[n, channels, h, w]` the mean over h and w, of
        `[n, positions, features]` the mean over positions. With `channels_last`, or with
        `kind="feature-map"`, the axes are taken accordingly. `labels` are the class ids of these inputs;
        `module` and `text` say what the layer is.
        """
        session = self._open()
        if isinstance(session, ModelSession):
            raise RecorderError("layers are taken from the model; for rec.layer, leave the model out")
        session.given.layer(name, array, labels, kind, module, text, channels_last, session.classes(labels))

    def predictions(self, array: Any) -> None:
        """Hands over the predicted class ids `[n]` of all inputs, or scores `[n, classes]`, for the next
        `epoch`. Called again, it takes the next inputs'."""
        session = self._open()
        if isinstance(session, ModelSession):
            raise RecorderError(
                "predictions are taken from the model; for rec.predictions, leave the model out"
            )
        session.given.predictions(array)

    def close(self) -> None:
        """Waits until everything is committed and lets go of the run. Also done on leaving a `with`, and at
        the end of the program."""
        self._end()

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self) -> ModelSession | ArraySession:
        if not self._end.alive:
            raise RecorderError(f"the recorder of {self.path} is closed")
        return self._session


def _end(committer: Committer, run: Run | None) -> None:
    try:
        committer.settle()
    finally:
        if run is not None:
            run.close()
