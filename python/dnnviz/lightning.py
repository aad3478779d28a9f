"""Recording of PyTorch Lightning modules while they are fitted.

from dnnviz.lightning import RecorderCallback

Trainer(max_epochs=10, callbacks=[RecorderCallback("runs/cnn", inputs=(x, y))]).fit(module, data)
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._errors import RecorderError
from ._metrics import Metrics
from ._recorder import Recorder

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer
else:

    def _callback_class() -> type:
        """Lightning goes by two names. A trainer of either takes the callback; the one that the program
        uses already is not imported a second time under its other name."""
        names = ("lightning.pytorch", "pytorch_lightning")
        for name in sorted(names, key=lambda name: name not in sys.modules):
            try:
                return importlib.import_module(name).Callback
            except ModuleNotFoundError:
                continue
        raise ModuleNotFoundError("dnnviz.lightning needs the package lightning or pytorch_lightning")

    Callback = _callback_class()

__all__ = ["RecorderCallback"]


class RecorderCallback(Callback):
    """Records the module that is fitted, at the end of training epochs, under Lightning's numbers of them.

    The run is begun when the training begins, after the sanity check. With several processes each one
    captures its share of the inputs.

    Args:
        path: the run's folder.
        inputs: the probe inputs, as for `dnnviz.Recorder`; `x` is what the module's `forward` takes.
        every_n_epochs: records the epochs 0, n, 2n, … and the last one.
        model: dotted name of the part of the module to record, for modules whose `forward` does not run
            the network.
        accuracy, loss: keys of `trainer.callback_metrics` that are the epoch's accuracy (a share in 0..1)
            and loss. Left out, those of the validation are taken, else those of the training. All others
            are recorded as metrics under their own names.
        options: those of `dnnviz.Recorder`.
    """

    def __init__(
        self,
        path: str | Path,
        inputs: Any,
        *,
        every_n_epochs: int = 1,
        model: str = "",
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
        self._model = model
        self._keys = (accuracy, loss)
        self._options = options

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        model = pl_module.get_submodule(self._model)
        options = {"name": type(model).__name__, **self._options}
        with trainer.precision_plugin.forward_context():
            self.recorder = Recorder(self.path, model, self._inputs, **options)
        self._options["resume"] = True

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or self.recorder is None:
            return
        epoch = trainer.current_epoch
        if epoch % self._every and epoch + 1 != trainer.max_epochs:
            return
        metrics = Metrics.of(trainer.callback_metrics, *self._keys)
        # As the training computes it: within the trainer's autocast, if there is one.
        with trainer.precision_plugin.forward_context():
            self.recorder.epoch(
                epoch,
                accuracy=metrics.accuracy,
                loss=metrics.loss,
                step=trainer.global_step,
                **metrics.others,
            )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._close()

    def _close(self) -> None:
        if self.recorder is not None:
            self.recorder.close()
            self.recorder = None
