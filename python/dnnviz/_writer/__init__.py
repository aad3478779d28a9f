"""Writing of a run: its folder and lock, the manifest, and the files of its epochs."""

from .commit import Committer
from .epoch import EpochPlan, EpochWriter
from .manifest import EpochEntry, epoch_entry, first_difference, layers_from_manifest, new_manifest
from .run import RunDirectory, is_available
from .shard import ShardWriter, TensorSpec

__all__ = [
    "Committer",
    "EpochEntry",
    "EpochPlan",
    "EpochWriter",
    "RunDirectory",
    "ShardWriter",
    "TensorSpec",
    "epoch_entry",
    "first_difference",
    "is_available",
    "layers_from_manifest",
    "new_manifest",
]
