"""Recording of Keras 3 models while they are fitted.

from dnnviz.keras import RecorderCallback

model.fit(x, y, epochs=10, callbacks=[RecorderCallback("runs/cnn", inputs=(probe_x, probe_y))])
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from ._errors import RecorderError
from ._keras import KerasCapture
from ._metrics import Metrics
from ._recorder import Recorder

__all__ = ["KerasCapture", "RecorderCallback"]


class RecorderCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Records the model that is fitted, at the end of every epoch, under Keras' number of it.

    Works with functional, sequential and subclassed models on any backend. The run is begun when the
    training begins. A further `fit` with the same callback goes on with the run; give it `initial_epoch`,
    because an epoch is recorded once.

    Args:
        path: the run's folder.
        inputs: the probe inputs, as for `dnnviz.Recorder`.
        every_n_epochs: records the epochs 0, n, 2n, … and the last one.
        accuracy, loss: keys of `logs` that are the epoch's accuracy (a share in 0..1) and loss. Left out,
            those of the validation are taken, else those of the training. All others are recorded as
            metrics under their own names.
        options: those of `dnnviz.Recorder`.
    """

    def __init__(
        self,
        path: str | Path,
        inputs: Any,
        *,
        every_n_epochs: int = 1,
        accuracy: str | None = None,
        loss: str | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        if every_n_epochs < 1:
            raise RecorderError(f"every_n_epochs={every_n_epochs}; give a whole number from 1 on")
        self.path = Path(path)
        #: The recorder, while the training lasts.
        self.recorder: Recorder | None = None
        self._inputs = inputs
        self._every = every_n_epochs
        self._keys = (accuracy, loss)
        self._options = options

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.recorder = Recorder(self.path, self.model, self._inputs, **self._options)
        self._options["resume"] = True

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert self.recorder is not None
        if epoch % self._every and epoch + 1 != (self.params or {}).get("epochs"):
            return
        metrics = Metrics.of(logs or {}, *self._keys)
        optimizer = getattr(self.model, "optimizer", None)
        step = None if optimizer is None else int(optimizer.iterations)
        self.recorder.epoch(epoch, accuracy=metrics.accuracy, loss=metrics.loss, step=step, **metrics.others)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None
