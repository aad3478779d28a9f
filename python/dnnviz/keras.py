"""Recording of Keras 3 models during `fit`.

from dnnviz.keras import RecorderCallback

model.fit(x, y, epochs=10, callbacks=[RecorderCallback("runs/cnn", inputs=(probe_x, probe_y))])
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from ._callback import CallbackMixin
from ._keras import KerasCapture
from ._types import Inputs, RecorderOptions, StrPath

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["KerasCapture", "RecorderCallback"]


class RecorderCallback(CallbackMixin, keras.callbacks.Callback):  # type: ignore[misc]
    """Records the fitted model at the end of every epoch, under Keras' epoch number.

    Works with functional, sequential and subclassed models on any backend. The run is created when the
    training begins. A further `fit` with the same callback continues the run; give it `initial_epoch`,
    because an epoch is recorded only once.

    Args:
        path: the run's folder.
        inputs: the probe inputs, as for `dnnviz.Recorder`.
        every_n_epochs: records the epochs 0, n, 2n, … and the last one.
        accuracy, loss: keys of `logs` that are the epoch's accuracy (a fraction in 0..1) and loss. Left
            out, those of the validation are used, else those of the training. All others are recorded as
            metrics under their own names.
        options: those of `dnnviz.Recorder`.
    """

    def __init__(
        self,
        path: StrPath,
        inputs: Inputs,
        *,
        every_n_epochs: int = 1,
        accuracy: str | None = None,
        loss: str | None = None,
        **options: Unpack[RecorderOptions],
    ) -> None:
        super().__init__()
        self._configure(path, inputs, every_n_epochs, accuracy, loss, options)

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        self._open(self.model)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if not self._is_due(epoch, (self.params or {}).get("epochs")):
            return
        optimizer = getattr(self.model, "optimizer", None)
        self._record(epoch, logs or {}, None if optimizer is None else int(optimizer.iterations))

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        self._close()
