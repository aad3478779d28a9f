"""Recording sessions: of a model, and of arrays."""

from .arrays import ArraySession
from .model import EpochArguments, ModelSession
from .options import RecordingOptions, parse_statistics

__all__ = ["ArraySession", "EpochArguments", "ModelSession", "RecordingOptions", "parse_statistics"]
