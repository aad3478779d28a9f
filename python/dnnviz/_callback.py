"""Common part of the frameworks' callbacks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, SupportsIndex

from ._capture import Model
from ._errors import RecorderError
from ._metrics import Metrics
from ._recorder import Recorder
from ._types import Inputs, RecorderOptions, StrPath

if TYPE_CHECKING:
    from typing_extensions import Unpack


class CallbackMixin:
    """Recorder that is open while a model is trained; mixed into a framework's callback."""

    path: Path
    #: `None` outside of a training.
    recorder: Recorder | None

    def _configure(
        self,
        path: StrPath,
        inputs: Inputs,
        every_n_epochs: int,
        accuracy: str | None,
        loss: str | None,
        options: RecorderOptions,
    ) -> None:
        if every_n_epochs < 1:
            raise RecorderError(f"every_n_epochs={every_n_epochs}; give a whole number from 1 on")
        self.path = Path(path)
        self.recorder = None
        self._inputs = inputs
        self._every_n_epochs = every_n_epochs
        self._accuracy = accuracy
        self._loss = loss
        self._options = options

    def _open(self, model: Model, **defaults: Unpack[RecorderOptions]) -> None:
        """Opens the recorder. `defaults` are options that apply where the user gave none."""
        options: RecorderOptions = {**defaults, **self._options}
        self.recorder = Recorder(self.path, model, self._inputs, **options)
        # A further training with the same callback continues the run.
        self._options["resume"] = True

    def _is_due(self, epoch: int, epochs: int | None) -> bool:
        """Returns whether an epoch of a training of `epochs` is recorded: every n-th and the last one."""
        return epoch % self._every_n_epochs == 0 or epoch + 1 == epochs

    def _record(self, epoch: int, logs: Mapping[str, object], step: SupportsIndex | None) -> None:
        assert self.recorder is not None
        metrics = Metrics.from_logs(logs, self._accuracy, self._loss)
        self.recorder.epoch(epoch, accuracy=metrics.accuracy, loss=metrics.loss, step=step, **metrics.others)

    def _close(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None
