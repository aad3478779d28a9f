"""Recording a model's activations, alone or as one of several ranks."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import Any

import numpy as np

from ._capture import Capture, FinishedAggregates
from ._commit import Committer, together
from ._errors import RecorderError, WriteError
from ._inputs import Arrays, Classes, Inputs, share
from ._options import entry_of
from ._pass import Pass, Wanted
from ._session import Options, Session, not_finite
from ._survey import Survey, survey

#: What `Recorder.epoch` got: number, accuracy, loss, step, other metrics.
Told = tuple[Any, Any, Any, Any, dict[str, Any]]


class ModelSession(Session):
    """A run whose layers a capture knows, and which is published before the first epoch."""

    def __init__(self, options: Options, capture: Capture, inputs: Inputs, committer: Committer) -> None:
        super().__init__(options, committer)
        self._capture = capture
        self._inputs = inputs
        self._survey: Survey
        distributed = capture.world > 1

        def look() -> dict[int, str]:
            if distributed and inputs.own_share and options.keep.anything:
                raise RecorderError(
                    "the values of inputs that come in batches can be kept by one process only; give keep=0"
                )
            self._survey = survey(inputs, options.keep, options.classes, options.ids, options.pictures)
            return self._survey.classes.names

        # Ranks that iterate over parts of their own may meet different classes.
        found = together(capture, look)
        self._survey.classes = Classes({id: name for names in found for id, name in names.items()})

        def begin() -> set[int]:
            if capture.rank == 0:
                run = self.take_run()
                try:
                    self.describe(options.name or capture.model, capture.layers, capture.edges, self._survey)
                    if not run.published:
                        run.publish()
                except BaseException:
                    run.close()
                    raise
            return self.epochs

        self.epochs = set(together(capture, begin)[0])

    def record(self, told: Told) -> None:
        """Captures the network as it is now and commits that."""
        while not self._recorded(told):
            pass

    def _recorded(self, told: Told) -> bool:
        """Whether it is done, be it with a warning; not if statistics turned out to need wider elements."""
        capture, part, failure = self._capture, None, None
        entry: dict[str, Any] = {}
        try:
            entry = entry_of(*told)
            self.check_new(entry["number"])
            part = self._run_through(entry["number"])
        except Exception as error:
            failure = error
        # A rank that failed has to say so, lest the others wait for it.
        if not capture.barrier(failure is None) or part is None:
            if part is not None:
                part.abort()
            if failure is not None and not isinstance(failure, WriteError):
                raise failure
            self.committer.tell(entry["number"], failure or self._elsewhere("another process failed"))
            return True
        try:
            finished = None
            if part.aggregates is not None:
                finished = part.aggregates.finish()
                part.examine_aggregates(finished)
                # Ranks may know of different layers already, but they go through the inputs together.
                if any(capture.gather(self.widen(part))):
                    part.abort()
                    return False
            if capture.world > 1:
                self._commit_together(entry, part, finished)
                return True
            self._complete(part, finished)
        except BaseException as error:
            part.abort()
            if not isinstance(error, WriteError):
                raise
            self.committer.tell(entry["number"], error)
            return True
        missing = part.not_finite if finished is None else finished.not_finite
        self.commit(entry, part, not_finite(capture.layers, missing))
        return True

    def _run_through(self, number: int) -> Pass:
        """Runs the inputs of this rank through the network, their values into a file."""
        capture, kept, survey = self._capture, self._survey.kept, self._survey
        sharded = capture.world > 1 and self.options.keep.anything
        aggregated = self.options.keep.aggregates
        low, high = 0, len(kept)
        if isinstance(self._inputs, Arrays):
            begin, end = share(self._inputs.count, capture.rank, capture.world)
            low, high = (int(at) for at in np.searchsorted(kept, [begin, end]))
        mine = kept[low:high]
        shard = f"-{capture.rank + 1:05}-of-{capture.world:05}" if sharded else ""
        folder = self.options.path / "epochs"
        while True:
            wanted = Wanted(
                layers=capture.layers,
                stored=self.stored(len(capture.layers)),
                classes=survey.classes,
                kept=mine,
                maps=np.intersect1d(mine, self.options.keep.maps),
                first=low if sharded else None,
                labels=None if survey.labels is None else survey.labels[low:high],
                statistics=self.options.statistics if aggregated and capture.rank == 0 else (),
            )
            aggregates = capture.aggregates(len(survey.classes.ids)) if aggregated else None
            part = Pass(wanted, folder / f"{number:06}{shard}.safetensors", aggregates)
            try:
                part.run(capture, self._inputs)
                if not self.widen(part):
                    return part
            except BaseException:
                part.abort()
                raise
            part.abort()

    def _complete(self, part: Pass, finished: FinishedAggregates | None) -> None:
        if finished is not None and self._capture.rank == 0:
            part.write_aggregates(finished)

    def _commit_together(
        self, entry: dict[str, Any], part: Pass, finished: FinishedAggregates | None
    ) -> None:
        """Each rank makes its file last; when all are there, the first rank commits them."""
        capture, failure = self._capture, None
        try:
            self._complete(part, finished)
            if part.shard is not None:
                part.shard.seal()
        except WriteError as error:
            failure = error
            part.abort()
        file = None if part.shard is None else part.final.name
        outcomes = capture.gather((file, part.not_finite, failure and failure.reason()))
        failure = failure or self._first([reason for _, _, reason in outcomes])
        missing = (
            np.sum([missing for _, missing, _ in outcomes], axis=0)
            if finished is None
            else finished.not_finite
        )
        counts = not_finite(capture.layers, missing)
        if failure is None and self.run is not None:
            entry["files"] = [f"epochs/{file}" for file, _, _ in outcomes if file is not None]
            if counts:
                entry["not_finite"] = counts
            try:
                self.run.commit(entry)
            except WriteError as error:
                failure = error
        failure = failure or self._first(capture.gather(failure and failure.reason()))
        if failure is not None:
            self.committer.tell(entry["number"], failure)
            return
        self.epochs.add(entry["number"])
        if capture.rank == 0:
            self.warn_not_finite(entry["number"], counts)

    def _first(self, reasons: Sequence[str | None]) -> WriteError | None:
        """What another rank says went wrong."""
        for rank, reason in enumerate(reasons):
            if reason is not None:
                return self._elsewhere(f"process {rank}: {reason}")
        return None

    def _elsewhere(self, what: str) -> WriteError:
        return WriteError(errno.ECANCELED, what, str(self.options.path))
