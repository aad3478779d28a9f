"""The recorder, the interface for training scripts."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsFloat, SupportsIndex

import numpy as np

from ._capture import Capture, Model, parse_positions
from ._errors import RecorderError
from ._frameworks import capture_model
from ._inputs import ArrayInputs, Classes, KeepPolicy, ProbeInputs, parse_inputs
from ._session import ArraySession, EpochArguments, ModelSession, RecordingOptions, parse_statistics
from ._types import (
    ArrayLike,
    ClassNames,
    DType,
    Indices,
    Inputs,
    LayerKind,
    Pictures,
    Positions,
    Predictions,
    Selector,
    Statistic,
    StrPath,
)
from ._values import STORED_TYPES
from ._writer import Committer, RunDirectory

if TYPE_CHECKING:
    from typing_extensions import Self


class Recorder:
    """Records the activations of a network, epoch by epoch, into a folder that `dnnviz` shows.

    Args:
        path: the run's folder; it must not exist yet, unless `resume`.
        model: a `torch.nn.Module` or `keras.Model`; left out if `layer` is given the arrays.
        inputs: the probe inputs, `(x, y)` with as many rows each: `x` an array or tensor, a tuple or a
            dict of them and of settings (numbers, texts, `None`), passed to the model as its arguments; `y`
            class ids `[n]`, -1 for none, or `None`. Or an iterable of such batches that can be iterated more
            than once, such as a `DataLoader`; of a batch that is a dict, `labels` `[n]` are the labels.
        classes: names of the classes, or names by id; left out, they are taken from the labels.
        layers, exclude: layers to record: a name, a pattern (`"features.*"`), a type, a depth, a list of
            these, or a predicate `(name, module) -> bool`. Layers that cannot be recorded are left out with
            a warning, unless `layers` names them.
        keep: inputs whose values are stored one by one: `None`, all; a number, so many inputs spread
            evenly (the first ones of batches); or their indices. Except with `None`, statistics of all
            inputs and of each class are recorded as well. 0 records only these, in constant memory; it is
            the default for iterables.
        maps: indices of inputs whose feature maps are stored, with their values.
        statistics: statistics recorded with `keep`, besides the mean: of `"variance"`, `"min"`, `"max"`
            and `"rate"`, the fraction of inputs with an activation above 0. All of them by default.
        dtype: element type of stored values and statistics: `"float32"`, `"float16"` or `"bfloat16"`.
            Variances are always float32.
        batch_size: number of inputs of a forward pass.
        positions: treatment of the positions of sequences `[n, positions, features]`: `"mean"`, their
            mean; a slice, the mean of these; `"first"`, `"last"` or the number of a position (-1 for the
            last), that one; `"keep"`, all of them. Except for a number and `"keep"`, padding does not count,
            which a mask among the inputs tells, such as `attention_mask` `[n, positions]`.
        predictions: a function of the network's output for a batch that returns the predicted class ids
            `[b]`, -1 for none, or scores `[b, classes]`; or `False` for none. Left out, the scores are found:
            the tensor of the output with a column for each class, or of two classes one number per input.
        after_activation: record a layer's values after the activation that follows it.
        name: the network's name; left out, its class.
        ids: names of the inputs; left out, their numbers.
        pictures: of the inputs, uint8 `[n, h, w, c]`, or a list of PNG or JPEG bytes. Left out, inputs
            that are images get thumbnails.
        resume: continue the run at `path`, if there is one, after `last_epoch`.
        strict: raise if an epoch cannot be written, rather than warn and let the training continue.
        background: sync and commit in a thread: `epoch` returns when the values are captured. No effect
            when distributed.

    Raises:
        RecorderError: an argument cannot be recorded; the message names it and the reason.
        OSError: the run's folder cannot be created.
    """

    def __init__(
        self,
        path: StrPath,
        model: Model | None = None,
        inputs: Inputs | None = None,
        *,
        classes: ClassNames | None = None,
        layers: Selector | Iterable[Selector] | None = None,
        exclude: Selector | Iterable[Selector] | None = None,
        keep: int | np.integer[Any] | Indices | None = None,
        maps: Indices | None = None,
        statistics: Statistic | Iterable[Statistic] | None = None,
        dtype: DType = "float32",
        batch_size: int = 256,
        positions: Positions = "mean",
        predictions: Predictions | None = None,
        after_activation: bool = True,
        name: str | None = None,
        ids: Sequence[str] | None = None,
        pictures: Pictures | None = None,
        resume: bool = False,
        strict: bool = False,
        background: bool = False,
    ) -> None:
        if dtype not in STORED_TYPES:
            raise RecorderError(f"dtype={dtype!r}; the element types are {', '.join(STORED_TYPES)}")
        if not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise RecorderError(f"batch_size={batch_size!r}; give a whole number from 1 on")
        if model is not None and inputs is None:
            raise RecorderError("a model needs inputs=(x, y) to be recorded with")
        if model is None and predictions is not None:
            raise RecorderError("predictions= reads a model's output; without a model call rec.predictions")
        if model is None and not (layers is None and exclude is None):
            raise RecorderError("layers= and exclude= choose among a model's layers; there is no model")
        #: The run's folder.
        self.path = Path(path).absolute()
        probe = None if inputs is None else parse_inputs(inputs, int(batch_size))
        if keep is None and probe is not None and probe.is_per_rank:
            keep = 0
        options = RecordingOptions(
            path=self.path,
            name=name,
            stored=STORED_TYPES[dtype],
            keep=KeepPolicy(keep, maps),
            statistics=parse_statistics(statistics),
            classes=None if classes is None else Classes.from_option(classes),
            ids=ids,
            pictures=pictures,
            positions=parse_positions(positions),
            predictions=predictions,
            resume=resume,
        )
        self._session: ModelSession | ArraySession
        if model is None:
            self._committer = Committer(strict=strict, background=background)
            self._session = ArraySession(options, probe, self._committer)
        else:
            assert probe is not None
            capture = _capture(model, probe, layers, exclude, positions, after_activation, name)
            self._committer = Committer(strict=strict, background=background and capture.world == 1)
            self._session = ModelSession(options, capture, probe, self._committer)
        self._finalizer = weakref.finalize(self, _close, self._committer, self._session.run)

    @property
    def last_epoch(self) -> int | None:
        """The highest number of a committed epoch; `None` when there is none."""
        return max(self._session.epochs, default=None)

    def epoch(
        self,
        number: SupportsIndex,
        *,
        accuracy: SupportsFloat | None = None,
        loss: SupportsFloat | None = None,
        step: SupportsIndex | None = None,
        **metrics: SupportsFloat | None,
    ) -> None:
        """Records the current activations and commits them as epoch `number`.

        `accuracy` is a fraction from 0 to 1; `loss` and any other scalars may be Python numbers or tensors
        of one element, and NaN; `step` counts optimiser steps. When this returns, the epoch is on the
        disk, unless `background`.

        Raises:
            RecorderError: the epoch is recorded already, or does not fit the run.
            OSError: it cannot be written, and `strict`. Otherwise that is a `RecordingWarning`.
        """
        session = self._open_session()
        self._committer.wait()
        arguments = EpochArguments(number, accuracy, loss, step, metrics)
        if isinstance(session, ModelSession):
            session.record(arguments)
            return
        try:
            session.record(arguments.entry())
        finally:
            session.collector.clear()

    def layer(
        self,
        name: str,
        array: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        mask: ArrayLike | None = None,
        kind: LayerKind | None = None,
        module: str = "",
        text: str = "",
        channels_last: bool = False,
    ) -> None:
        """Adds a layer's activations `[inputs, …]` for the next `epoch`, as an array of any framework.
        Further calls with the same name add the activations of the next inputs.

        `[n, units]` are recorded as they are, of `[n, channels, h, w]` the mean over h and w, of
        `[n, positions, features]` what the option `positions` says, by default their mean, without those
        where `mask` `[n, positions]` is 0 or false; `channels_last` and `kind="feature-map"` change the axes
        accordingly. `labels` are the class ids of these inputs; `module` and `text` describe the layer.

        Raises:
            RecorderError: the array does not fit the layer or the run.
        """
        session = self._open_session()
        if isinstance(session, ModelSession):
            raise RecorderError("layers are taken from the model; for rec.layer, leave the model out")
        session.collector.add_layer(
            name,
            array,
            labels=labels,
            mask=mask,
            kind=kind,
            module=module,
            text=text,
            channels_last=channels_last,
            classes=session.aggregate_classes(labels),
        )

    def predictions(self, array: ArrayLike) -> None:
        """Adds the predicted class ids `[n]` of all inputs, or scores `[n, classes]`, for the next
        `epoch`. Further calls add those of the next inputs.

        Raises:
            RecorderError: the array is neither.
        """
        session = self._open_session()
        if isinstance(session, ModelSession):
            raise RecorderError(
                "predictions are taken from the model; for rec.predictions, leave the model out"
            )
        session.collector.add_predictions(array)

    def close(self) -> None:
        """Waits until everything is committed and releases the run. Also called on leaving a `with` block
        and at the end of the program."""
        self._finalizer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _open_session(self) -> ModelSession | ArraySession:
        if not self._finalizer.alive:
            raise RecorderError(f"the recorder of {self.path} is closed")
        return self._session


def _capture(
    model: Model,
    inputs: ProbeInputs,
    layers: Selector | Iterable[Selector] | None,
    exclude: Selector | Iterable[Selector] | None,
    positions: Positions,
    after_activation: bool,
    name: str | None,
) -> Capture:
    if isinstance(inputs, ArrayInputs) and inputs.x is None:
        raise RecorderError("inputs=(x, y): x is None, but the model needs it")
    return capture_model(
        model,
        inputs.sample(),
        layers=layers,
        exclude=exclude,
        positions=positions,
        after_activation=after_activation,
        name=name,
    )


def _close(committer: Committer, run: RunDirectory | None) -> None:
    try:
        committer.wait()
    finally:
        if run is not None:
            run.close()
