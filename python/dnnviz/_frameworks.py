"""Selection of the capture for a model, without importing a framework that the program does not use."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from ._capture import Capture, CaptureOptions, Model
from ._errors import RecorderError
from ._types import NetworkInputs

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: Framework module, class of its models, capture package and class. A Keras model may be a torch module
#: as well, so Keras comes first.
_FRAMEWORKS = (
    ("keras", "Model", "._keras", "KerasCapture"),
    ("torch.nn", "Module", "._torch", "TorchCapture"),
)


def capture_model(model: Model, sample: NetworkInputs, **options: Unpack[CaptureOptions]) -> Capture:
    """Returns the capture of `model`, which is itself returned if it is a `Capture`; `sample` is a batch
    of its inputs.

    Raises:
        RecorderError: the model is of no supported framework.
    """
    for framework, model_class, package, capture_class in _FRAMEWORKS:
        module = sys.modules.get(framework)
        if module is not None and isinstance(model, getattr(module, model_class)):
            ours = importlib.import_module(package, __package__)
            capture = getattr(ours, capture_class)(model, sample, **options)
            assert isinstance(capture, Capture)
            return capture
    if isinstance(model, Capture) and not isinstance(model, type):
        return model
    if type(model).__module__.startswith("torch.export"):
        from ._torch.select import ADVICE

        raise RecorderError(f"model is an {type(model).__name__}, whose layers cannot be watched; {ADVICE}")
    raise RecorderError(
        f"model is a {type(model).__name__}; give a torch.nn.Module or a keras.Model, "
        "or leave it out and hand the arrays to rec.layer"
    )
