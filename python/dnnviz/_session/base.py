"""Common part of the sessions: the run, its epochs and its warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from .._capture import Layer
from .._errors import RecorderError, warn
from .._inputs import InputMetadata
from .._values import StoredType
from .._version import __version__
from .._writer import (
    Committer,
    EpochEntry,
    EpochWriter,
    RunDirectory,
    first_difference,
    is_available,
    new_manifest,
)
from .options import RecordingOptions
from .predictions import disagreement


class Session:
    """A run that is being recorded."""

    def __init__(self, options: RecordingOptions, committer: Committer) -> None:
        self.options = options
        self.committer = committer
        #: `None` on ranks that do not commit.
        self.run: RunDirectory | None = None
        #: Numbers of the committed epochs.
        self.epochs: set[int] = set()
        #: Layers whose values exceed the range of the requested element type.
        self.wide: set[int] = set()
        self._has_disagreed = False

    def open_run(self) -> RunDirectory:
        """Creates the run, or opens the one that is resumed."""
        path = self.options.path
        if self.options.resume and not is_available(path):
            self.run = RunDirectory.resume(path)
            assert self.run.manifest is not None
            self.epochs = {epoch["number"] for epoch in self.run.manifest["epochs"]}
        else:
            self.run = RunDirectory.create(path)
        return self.run

    def initialise_manifest(
        self,
        model: str,
        layers: Sequence[Layer],
        edges: Sequence[tuple[int, int]] | None,
        joints: Sequence[str],
        modules: Mapping[str, str],
        metadata: InputMetadata,
    ) -> None:
        """Sets the manifest of a new run, or checks that it agrees with that of the resumed run.

        Raises:
            RecorderError: there are no layers, two of one name, or the resumed run differs.
        """
        run = self.run
        assert run is not None
        if not layers:
            raise RecorderError("the model has no layers to record")
        names = [layer.name for layer in layers]
        if duplicate := next((name for name in names if names.count(name) > 1), None):
            raise RecorderError(f"two layers are called {duplicate}")
        kept = metadata.kept
        writer = f"dnnviz {__version__}"
        manifest = new_manifest(
            model, writer, layers, edges, joints, modules, metadata.classes.names, len(kept)
        )
        if run.manifest is None:
            if len(kept):
                run.write_inputs(metadata.stored_labels(), metadata.ids, metadata.pictures)
            run.manifest = manifest
            return
        difference = first_difference(run.manifest, manifest)
        if difference is None and len(kept):
            difference = _input_difference(run, metadata)
        if difference is not None:
            raise RecorderError(f"{self.options.path} cannot be resumed: {difference}; use another path")

    def check_epoch_number(self, number: int) -> None:
        """Raises `RecorderError` if an epoch is recorded already."""
        if number in self.epochs:
            raise RecorderError(f"epoch {number} is recorded already; the last one is {max(self.epochs)}")

    def stored_types(self, layers: int) -> list[StoredType]:
        """Returns the element type of each layer's values."""
        return ["F32" if layer in self.wide else self.options.stored for layer in range(layers)]

    def widen(self, writer: EpochWriter) -> bool:
        """Stores layers whose values overflowed as float32 from now on. Returns whether there are such
        layers; the epoch has to be written again then."""
        if not writer.overflowed:
            return False
        self.wide |= writer.overflowed
        names = ", ".join(writer.plan.layers[layer].name for layer in sorted(writer.overflowed))
        warn(f"{names}: values beyond the range of half floats; stored as float32 from now on")
        return True

    def commit(self, entry: EpochEntry, writer: EpochWriter, not_finite: dict[str, int]) -> None:
        """Completes an epoch's only file and commits it, perhaps in the background."""
        number = entry["number"]
        entry["files"] = [f"epochs/{writer.path.name}"]
        if not_finite:
            entry["not_finite"] = not_finite

        def commit() -> None:
            assert self.run is not None
            try:
                writer.finalize()
                self.run.commit(entry)
            finally:
                writer.abort()
            self.epochs.add(number)

        self.committer.submit(number, commit)
        self.warn_not_finite(number, not_finite)

    def warn_not_finite(self, number: int, not_finite: dict[str, int]) -> None:
        """Warns of layers with NaN or infinite values; the argument counts them by layer."""
        if not_finite:
            layers = ", ".join(f"{name} ({count})" for name, count in not_finite.items())
            warn(f"epoch {number}: values are NaN or infinite in {layers}; they are recorded as they are")

    def warn_disagreement(self, entry: EpochEntry, right: int, count: int) -> None:
        """Warns once of an epoch whose predictions, `right` ones among `count` with a label, cannot belong to
        its accuracy."""
        accuracy = entry.get("accuracy")
        if accuracy is None or self._has_disagreed or not disagreement(accuracy / 100, right, count):
            return
        self._has_disagreed = True
        warn(
            f"epoch {entry['number']}: accuracy={accuracy / 100:.3g}, but {right} of {count} predictions are "
            "right; if they are not read rightly from the output, give predictions="
        )


def not_finite_by_name(layers: Sequence[Layer], counts: Sequence[int]) -> dict[str, int]:
    """Returns the counts above 0 by the name of the layer, as in the manifest."""
    return {layer.name: int(count) for layer, count in zip(layers, counts, strict=True) if count}


def _input_difference(run: RunDirectory, metadata: InputMetadata) -> str | None:
    """Returns a description of the first difference between the stored inputs and `metadata`."""
    labels, ids = run.read_inputs()
    now = metadata.stored_labels()
    if not np.array_equal(labels, now):
        first = int(np.flatnonzero(labels != now)[0]) if len(labels) == len(now) else 0
        return f"the labels of its inputs differ, first that of input {first}"
    if ids is not None and metadata.ids is not None and ids != metadata.ids:
        return "the ids of its inputs differ"
    return None
