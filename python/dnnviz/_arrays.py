"""Recording arrays that are handed over layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._commit import Committer
from ._errors import RecorderError, WriteError
from ._format import layers_of
from ._given import Finished, Given
from ._inputs import Arrays, Classes, Inputs
from ._options import Keep
from ._pass import Pass, Wanted
from ._session import Options, Session, not_finite
from ._survey import Survey, of_labels, survey


class ArraySession(Session):
    """A run whose layers are known from the first epoch's arrays, and which is published with it."""

    def __init__(self, options: Options, inputs: Inputs | None, committer: Committer) -> None:
        super().__init__(options, committer)
        if inputs is not None and not isinstance(inputs, Arrays):
            raise RecorderError("without a model, inputs are only looked at; give inputs=(x, y)")
        self._inputs = inputs
        #: Of `inputs`, else of the first epoch once it is recorded.
        self._survey: Survey | None = None
        keep, labels = options.keep, None
        if inputs is not None:
            self._survey = survey(inputs, keep, options.classes, options.ids, options.pictures)
            keep, labels = Keep(self._survey.kept, keep.maps), inputs.labels
        self.given = Given(keep, labels)
        run = self.take_run()
        if run.manifest is not None:
            self.given.layers = layers_of(run.manifest)
        self._described = False

    def classes(self, labels: Any) -> Classes | None:
        """The classes to aggregate over; `None`: nothing is aggregated."""
        if not self.options.keep.aggregates:
            return None
        found = self.options.classes or (self._survey and self._survey.classes)
        if not found and labels is not None:
            raise RecorderError("keep= records statistics of each class; give the recorder classes=")
        return found or Classes({})

    def record(self, entry: dict[str, Any]) -> None:
        """Records what was given since the last epoch."""
        number = entry["number"]
        self.check_new(number)
        found = self.given.finished()
        now = self._now(found)
        layers = [given.layer for given in found.layers]
        try:
            if not self._described:
                self.describe(self.options.name or "network", layers, None, now)
            part = self._write(number, found, now)
        except WriteError as error:
            self.committer.tell(number, error)
            return
        self._described, self._survey, self.given.layers = True, now, layers
        aggregates = self.given.aggregates
        counts = not_finite(layers, aggregates.finish().not_finite if aggregates else part.not_finite)
        self.commit(entry, part, counts)

    def _now(self, found: Finished) -> Survey:
        """The inputs of this epoch, which must be those of the epochs before."""
        before, options = self._survey, self.options
        if before is None:
            return of_labels(
                found.count, found.labels, options.keep, options.classes, options.ids, options.pictures
            )
        if self._inputs is not None:
            if self._inputs.count != found.count:
                raise RecorderError(f"the layers have {found.count} inputs, inputs= has {self._inputs.count}")
            return before
        kept = options.keep.among(found.count, spread=False)
        same = np.array_equal(before.kept, kept)
        if same and before.labels is not None and found.labels is not None:
            same = np.array_equal(before.labels, found.labels[kept])
        if not same:
            raise RecorderError(
                f"the {found.count} inputs are not those of the epochs before; "
                "give the same inputs in the same order at every epoch"
            )
        return before

    def _write(self, number: int, found: Finished, now: Survey) -> Pass:
        """Writes an epoch's values into a file that is still to be sealed."""
        assert self.run is not None
        layers = [given.layer for given in found.layers]
        final = self.run.folder / "epochs" / f"{number:06}.safetensors"
        maps = [
            (index, given.maps, given.maps[0].shape[1:])
            for index, given in enumerate(found.layers)
            if given.maps
        ]
        while True:
            wanted = Wanted(
                layers=layers,
                stored=self.stored(len(layers)),
                classes=now.classes,
                kept=now.kept,
                maps=self.options.keep.maps,
                first=None,
                labels=None,
                statistics=() if self.given.aggregates is None else self.options.statistics,
            )
            part = Pass(wanted, final, None)
            try:
                part.open(
                    [(index, shape) for index, _, shape in maps], predictions=found.predictions is not None
                )
                for index, given in enumerate(found.layers):
                    row = 0
                    for values in given.parts:
                        if len(values):
                            part.write_rows(index, values, row)
                        row += len(values)
                for index, arrays, _ in maps:
                    row = 0
                    for values in arrays:
                        part.write_maps([(index, values)], row, len(values))
                        row += len(values)
                if found.predictions is not None and len(now.kept):
                    part.write_predictions(found.predictions[now.kept], 0)
                if self.given.aggregates is not None:
                    finished = self.given.aggregates.finish()
                    part.examine_aggregates(finished)
                    part.write_aggregates(finished)
                if not self.widen(part):
                    return part
            except BaseException:
                part.abort()
                raise
            part.abort()
