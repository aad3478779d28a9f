"""Capture of the activations of PyTorch models."""

from .aggregate import TorchAggregator
from .capture import TorchCapture

__all__ = ["TorchAggregator", "TorchCapture"]
