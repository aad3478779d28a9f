"""Capture of the activations of Keras 3 models."""

from .capture import KerasCapture

__all__ = ["KerasCapture"]
