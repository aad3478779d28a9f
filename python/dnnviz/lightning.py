"""Recording of PyTorch Lightning modules during `fit`.

from dnnviz.lightning import RecorderCallback

Trainer(max_epochs=10, callbacks=[RecorderCallback("runs/cnn", inputs=(x, y))]).fit(module, data)
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from ._callback import CallbackMixin
from ._types import Inputs, RecorderOptions, StrPath

if TYPE_CHECKING:
    from lightning.pytorch import Callback, LightningModule, Trainer
    from typing_extensions import Unpack
else:

    def _callback_class() -> type:
        """Returns the base class of callbacks. Lightning has two package names, and a trainer of either
        accepts the callback; a package that the program uses is not imported again under the other name."""
        names = ("lightning.pytorch", "pytorch_lightning")
        for name in sorted(names, key=lambda name: name not in sys.modules):
            try:
                return importlib.import_module(name).Callback
            except ModuleNotFoundError:
                continue
        raise ModuleNotFoundError("dnnviz.lightning needs the package lightning or pytorch_lightning")

    Callback = _callback_class()

__all__ = ["RecorderCallback"]


class RecorderCallback(CallbackMixin, Callback):
    """Records the fitted module at the end of training epochs, under Lightning's epoch numbers.

    The run is created when the training begins, after the sanity check. With several processes, each
    captures its part of the inputs.

    Args:
        path: the run's folder.
        inputs: the probe inputs, as for `dnnviz.Recorder`; `x` is the argument of the module's `forward`.
        every_n_epochs: records the epochs 0, n, 2n, … and the last one.
        model: dotted name of the part of the module to record, for modules whose `forward` does not run
            the network.
        accuracy, loss: keys of `trainer.callback_metrics` that are the epoch's accuracy (a fraction in
            0..1) and loss. Left out, those of the validation are used, else those of the training. All
            others are recorded as metrics under their own names.
        options: those of `dnnviz.Recorder`.
    """

    def __init__(
        self,
        path: StrPath,
        inputs: Inputs,
        *,
        every_n_epochs: int = 1,
        model: str = "",
        accuracy: str | None = None,
        loss: str | None = None,
        **options: Unpack[RecorderOptions],
    ) -> None:
        super().__init__()
        self._configure(path, inputs, every_n_epochs, accuracy, loss, options)
        self._submodule = model

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        model = pl_module.get_submodule(self._submodule)
        with trainer.precision_plugin.forward_context():
            self._open(model, name=type(model).__name__)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.sanity_checking or self.recorder is None:
            return
        if not self._is_due(trainer.current_epoch, trainer.max_epochs):
            return
        # Under the trainer's autocast, if there is one, as in the training.
        with trainer.precision_plugin.forward_context():
            self._record(trainer.current_epoch, trainer.callback_metrics, trainer.global_step)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._close()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._close()
