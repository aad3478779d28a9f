"""The probe inputs: their batches, labels, classes, names and pictures."""

from .arrays import ArrayInputs, input_count
from .classes import Classes
from .keep import KeepPolicy, rows_in_range
from .labels import parse_labels
from .metadata import InputMetadata, metadata_from_labels, read_metadata
from .parse import parse_inputs
from .probe import ProbeBatch, ProbeInputs, rank_range

__all__ = [
    "ArrayInputs",
    "Classes",
    "InputMetadata",
    "KeepPolicy",
    "ProbeBatch",
    "ProbeInputs",
    "input_count",
    "metadata_from_labels",
    "parse_inputs",
    "parse_labels",
    "rank_range",
    "read_metadata",
    "rows_in_range",
]
