"""Recording of a model's activations, alone or as one of several ranks."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from .._capture import AggregateStatistics, Capture
from .._errors import RecorderError, WriteError
from .._inputs import ArrayInputs, Classes, InputMetadata, ProbeInputs, rank_range, read_metadata
from .._writer import Committer, EpochEntry, EpochPlan, EpochWriter, epoch_entry
from .base import Session, not_finite_by_name
from .forward import CapturePass
from .options import RecordingOptions
from .predictions import PredictionReader

T = TypeVar("T")


@dataclass
class EpochArguments:
    """Arguments of `Recorder.epoch`, not checked."""

    number: object
    accuracy: object = None
    loss: object = None
    step: object = None
    metrics: Mapping[str, object] = field(default_factory=dict)

    def entry(self) -> EpochEntry:
        """Returns the epoch's entry in the manifest. Raises `RecorderError`."""
        return epoch_entry(self.number, self.accuracy, self.loss, self.step, self.metrics)


class ModelSession(Session):
    """A run whose layers are those of a capture. It is published before the first epoch."""

    def __init__(
        self, options: RecordingOptions, capture: Capture, inputs: ProbeInputs, committer: Committer
    ) -> None:
        super().__init__(options, committer)
        self._capture = capture
        self._inputs = inputs
        self._metadata: InputMetadata
        classes = run_on_all_ranks(capture, self._read_metadata)
        # Ranks with inputs of their own may have different classes.
        self._metadata.classes = Classes({id: name for names in classes for id, name in names.items()})
        self._predictions = PredictionReader(options.predictions, self._metadata.classes)
        # Before the run is created: what is not clear is an error at once.
        if options.keep.has_values:
            run_on_all_ranks(capture, lambda: self._predictions.read(capture.output) is None)
        self.epochs = set(run_on_all_ranks(capture, self._create_run)[0])

    def _read_metadata(self) -> dict[int, str]:
        """Reads the metadata of this rank's inputs; returns the names of its classes."""
        options, inputs = self.options, self._inputs
        if self._capture.world > 1 and inputs.is_per_rank and options.keep.has_values:
            raise RecorderError(
                "the values of inputs that come in batches can be kept by one process only; give keep=0"
            )
        self._metadata = read_metadata(inputs, options.keep, options.classes, options.ids, options.pictures)
        return self._metadata.classes.names

    def _create_run(self) -> set[int]:
        """Creates or resumes the run on the first rank; returns the numbers of its epochs."""
        capture = self._capture
        if capture.rank == 0:
            run = self.open_run()
            try:
                name = self.options.name or capture.model
                self.initialise_manifest(
                    name, capture.layers, capture.edges, capture.joints, capture.modules, self._metadata
                )
                if not run.published:
                    run.publish()
            except BaseException:
                run.close()
                raise
        return self.epochs

    def record(self, arguments: EpochArguments) -> None:
        """Captures the current activations and commits them.

        Raises:
            RecorderError: the epoch is recorded already, or something does not fit the run.
        """
        while not self._try_record(arguments):
            pass

    def _try_record(self, arguments: EpochArguments) -> bool:
        """Returns False if statistics overflowed their element type and the epoch has to be captured
        again; True when it is recorded or its failure reported."""
        capture, captured, failure = self._capture, None, None
        entry: EpochEntry = {"number": -1}
        try:
            entry = arguments.entry()
            self.check_epoch_number(entry["number"])
            captured = self._capture_epoch(entry["number"])
        except Exception as error:
            failure = error
        # A rank that failed has to reach the barrier, or the others would wait for it.
        if not capture.barrier(failure is None) or captured is None:
            if captured is not None:
                captured.writer.abort()
            if failure is not None and not isinstance(failure, WriteError):
                raise failure
            self.committer.report(entry["number"], failure or self._remote_error("another process failed"))
            return True
        writer = captured.writer
        try:
            aggregates = None
            if captured.aggregator is not None:
                aggregates = captured.aggregator.finish()
                absent = np.sum(capture.gather(captured.absent), axis=0)
                absent *= [layer.units for layer in capture.layers]
                aggregates.not_finite = (np.array(aggregates.not_finite) - absent).tolist()
                writer.check_range(aggregates)
                # Ranks may have widened different layers already, but capture again together.
                if any(capture.gather(self.widen(writer))):
                    writer.abort()
                    return False
            if capture.world > 1:
                self._commit_distributed(entry, captured, aggregates)
                return True
            self._write_aggregates(writer, aggregates)
        except BaseException as error:
            writer.abort()
            if not isinstance(error, WriteError):
                raise
            self.committer.report(entry["number"], error)
            return True
        not_finite = writer.not_finite if aggregates is None else aggregates.not_finite
        self.commit(entry, writer, not_finite_by_name(capture.layers, not_finite))
        self.warn_disagreement(entry, captured.right, captured.compared)
        return True

    def _capture_epoch(self, number: int) -> CapturePass:
        """Runs the inputs of this rank through the network, if necessary again with wider elements. The
        file is not completed."""
        capture, keep, metadata = self._capture, self.options.keep, self._metadata
        sharded = capture.world > 1 and keep.has_values
        low, high = 0, len(metadata.kept)
        if isinstance(self._inputs, ArrayInputs):
            inputs = rank_range(self._inputs.count, capture.rank, capture.world)
            low, high = (int(at) for at in np.searchsorted(metadata.kept, inputs))
        kept = metadata.kept[low:high]
        suffix = f"-{capture.rank + 1:05}-of-{capture.world:05}" if sharded else ""
        path = self.options.path / "epochs" / f"{number:06}{suffix}.safetensors"
        writes_aggregates = keep.has_aggregates and capture.rank == 0
        while True:
            plan = EpochPlan(
                layers=capture.layers,
                stored=self.stored_types(len(capture.layers)),
                classes=metadata.classes,
                kept=kept,
                maps=np.intersect1d(kept, keep.maps),
                first=low if sharded else None,
                labels=None if metadata.labels is None else metadata.labels[low:high],
                statistics=self.options.statistics if writes_aggregates else (),
            )
            aggregator = capture.aggregates(len(metadata.classes.ids)) if keep.has_aggregates else None
            captured = CapturePass(capture, EpochWriter(plan, path), aggregator, self._predictions)
            try:
                captured.run(self._inputs)
                if not self.widen(captured.writer):
                    return captured
            except BaseException:
                captured.writer.abort()
                raise
            captured.writer.abort()

    def _write_aggregates(self, writer: EpochWriter, aggregates: AggregateStatistics | None) -> None:
        if aggregates is not None and self._capture.rank == 0:
            writer.write_aggregates(aggregates)

    def _commit_distributed(
        self, entry: EpochEntry, captured: CapturePass, aggregates: AggregateStatistics | None
    ) -> None:
        """Completes the file of this rank; when all ranks have done so, the first one commits them."""
        capture, writer, failure = self._capture, captured.writer, None
        try:
            self._write_aggregates(writer, aggregates)
            writer.finalize()
        except WriteError as error:
            failure = error
            writer.abort()
        file = None if writer.shard is None else writer.path.name
        compared = captured.right, captured.compared
        outcomes = capture.gather((file, writer.not_finite, compared, _reason(failure)))
        failure = failure or self._first_failure([reason for *_, reason in outcomes])
        counts: Sequence[int] = (
            np.sum([counts for _, counts, *_ in outcomes], axis=0).tolist()
            if aggregates is None
            else aggregates.not_finite
        )
        not_finite = not_finite_by_name(capture.layers, counts)
        if failure is None and self.run is not None:
            entry["files"] = [f"epochs/{file}" for file, *_ in outcomes if file is not None]
            if not_finite:
                entry["not_finite"] = not_finite
            try:
                self.run.commit(entry)
            except WriteError as error:
                failure = error
        failure = failure or self._first_failure(capture.gather(_reason(failure)))
        if failure is not None:
            self.committer.report(entry["number"], failure)
            return
        self.epochs.add(entry["number"])
        if capture.rank == 0:
            self.warn_not_finite(entry["number"], not_finite)
            right, count = np.sum([compared for _, _, compared, _ in outcomes], axis=0).tolist()
            self.warn_disagreement(entry, right, count)

    def _first_failure(self, reasons: Sequence[str | None]) -> WriteError | None:
        """Returns the error of the first rank that failed."""
        for rank, reason in enumerate(reasons):
            if reason is not None:
                return self._remote_error(f"process {rank}: {reason}")
        return None

    def _remote_error(self, reason: str) -> WriteError:
        return WriteError(errno.ECANCELED, reason, str(self.options.path))


def _reason(failure: WriteError | None) -> str | None:
    return None if failure is None else failure.reason()


def run_on_all_ranks(capture: Capture, work: Callable[[], T]) -> Sequence[T]:
    """Runs `work` on every rank and returns all results, in rank order.

    Raises:
        RecorderError: `work` failed on another rank. On the rank where it failed, its own exception.
    """
    if capture.world == 1:
        return [work()]
    result, failure = None, None
    try:
        result = work()
    except Exception as error:
        failure = error
    outcomes = capture.gather((result, None if failure is None else str(failure)))
    if failure is not None:
        raise failure
    for rank, (_, reason) in enumerate(outcomes):
        if reason is not None:
            raise RecorderError(f"process {rank} of {capture.world}: {reason}")
    # No rank failed, so that each has a result.
    return [result for result, _ in outcomes]  # type: ignore[misc]
