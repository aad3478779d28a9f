"""Recognises a model's framework, without importing one that the program does not use."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from ._capture import Capture
from ._errors import RecorderError

#: Module, class of its models, and our module that captures them. A Keras model may be a torch module
#: as well, so Keras comes first.
_FRAMEWORKS = (("keras", "Model", "._keras"), ("torch.nn", "Module", "._torch"))


def capture_of(model: Any, sample: Any, **options: Any) -> Capture:
    """The capture of a model; `sample` is a batch of its inputs. Something that is a `Capture` already is
    taken as it is."""
    for framework, name, ours in _FRAMEWORKS:
        module = sys.modules.get(framework)
        if module is not None and isinstance(model, getattr(module, name)):
            capture = importlib.import_module(ours, __package__).capture(model, sample, **options)
            assert isinstance(capture, Capture)
            return capture
    if isinstance(model, Capture) and not isinstance(model, type):
        return model
    raise RecorderError(
        f"model is a {type(model).__name__}; give a torch.nn.Module or a keras.Model, "
        "or leave it out and hand the arrays to rec.layer"
    )
