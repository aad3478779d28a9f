"""What recording a model and recording arrays have in common: the run, its epochs, its warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from ._capture import Layer
from ._commit import Committer
from ._errors import RecorderError, warn
from ._format import Run, described, difference, is_free
from ._inputs import Classes
from ._options import Keep
from ._pass import WIDE, Pass
from ._survey import Survey

try:
    __version__ = metadata.version("dnnviz")
except metadata.PackageNotFoundError:  # run from a checkout
    __version__ = "0"


@dataclass
class Options:
    """Options of the recorder, checked."""

    path: Path
    name: str | None
    #: Element type of stored values.
    stored: str
    keep: Keep
    #: Which statistics of groups are recorded.
    statistics: tuple[str, ...]
    #: `None`: those among the labels.
    classes: Classes | None
    ids: Sequence[str] | None
    pictures: Any
    resume: bool


class Session:
    """A run that is being recorded."""

    def __init__(self, options: Options, committer: Committer) -> None:
        self.options = options
        self.committer = committer
        #: `None` on ranks that do not commit.
        self.run: Run | None = None
        #: Committed epochs.
        self.epochs: set[int] = set()
        #: Layers whose values turned out to be too large for the wanted element type.
        self.wide: set[int] = set()

    def take_run(self) -> Run:
        """Creates the run, or takes over the one that is to be resumed."""
        path = self.options.path
        if self.options.resume and not is_free(path):
            self.run = Run.resume(path)
            assert self.run.manifest is not None
            self.epochs = {epoch["number"] for epoch in self.run.manifest["epochs"]}
        else:
            self.run = Run.create(path)
        return self.run

    def describe(
        self, model: str, layers: Sequence[Layer], edges: Sequence[tuple[int, int]] | None, survey: Survey
    ) -> None:
        """Settles what is recorded, or checks that it is what the resumed run records."""
        assert self.run is not None
        if not layers:
            raise RecorderError("the model has no layers to record")
        names = [layer.name for layer in layers]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise RecorderError(f"two layers are called {twice}")
        kept = survey.kept
        manifest = described(model, f"dnnviz {__version__}", layers, edges, survey.classes.names, len(kept))
        if self.run.manifest is None:
            if len(kept):
                self.run.write_inputs(survey.recorded_labels(), survey.ids, survey.pictures)
            self.run.manifest = manifest
            return
        found = difference(self.run.manifest, manifest)
        if found is None and len(kept):
            labels, ids = self.run.inputs()
            before = survey.recorded_labels()
            if not np.array_equal(labels, before):
                at = int(np.flatnonzero(labels != before)[0]) if len(labels) == len(before) else 0
                found = f"the labels of its inputs differ, first that of input {at}"
            elif ids is not None and survey.ids is not None and ids != survey.ids:
                found = "the ids of its inputs differ"
        if found is not None:
            raise RecorderError(f"{self.options.path} cannot be resumed: {found}; use another path")

    def check_new(self, number: int) -> None:
        """That an epoch is not recorded yet."""
        if number in self.epochs:
            raise RecorderError(f"epoch {number} is recorded already; the last one is {max(self.epochs)}")

    def stored(self, layers: int) -> list[str]:
        """Element type of each layer's values."""
        return [WIDE if layer in self.wide else self.options.stored for layer in range(layers)]

    def widen(self, part: Pass) -> bool:
        """Notes layers whose values were too large; whether the pass has to be done again for them."""
        if not part.overflowed:
            return False
        self.wide |= part.overflowed
        names = ", ".join(part.wanted.layers[layer].name for layer in sorted(part.overflowed))
        warn(f"{names}: values beyond the range of half floats; stored as float32 from now on")
        return True

    def commit(self, entry: dict[str, Any], part: Pass, counts: dict[str, int]) -> None:
        """Makes an epoch's only file last and commits it, perhaps in the background."""
        number = entry["number"]
        entry["files"] = [f"epochs/{part.final.name}"]
        if counts:
            entry["not_finite"] = counts

        def commit() -> None:
            assert self.run is not None and part.shard is not None
            try:
                part.shard.seal()
                self.run.commit(entry)
            finally:
                part.abort()
            self.epochs.add(number)

        self.committer.submit(number, commit)
        self.warn_not_finite(number, counts)

    def warn_not_finite(self, number: int, counts: dict[str, int]) -> None:
        """Names the layers that have values which are no numbers."""
        if counts:
            layers = ", ".join(f"{name} ({count})" for name, count in counts.items())
            warn(f"epoch {number}: values are NaN or infinite in {layers}; they are recorded as they are")


def not_finite(layers: Sequence[Layer], counts: Sequence[int]) -> dict[str, int]:
    """As the manifest has it."""
    return {layer.name: int(count) for layer, count in zip(layers, counts, strict=True) if count}
