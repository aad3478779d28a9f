"""Recording of arrays that are given layer by layer."""

from __future__ import annotations

import numpy as np

from .._capture import Layer
from .._errors import RecorderError, WriteError
from .._inputs import (
    ArrayInputs,
    Classes,
    InputMetadata,
    KeepPolicy,
    ProbeInputs,
    metadata_from_labels,
    read_metadata,
)
from .._types import ArrayLike
from .._writer import Committer, EpochEntry, EpochPlan, EpochWriter, layers_from_manifest
from .base import Session, not_finite_by_name
from .collector import ArrayCollector, EpochArrays
from .options import RecordingOptions


class ArraySession(Session):
    """A run whose layers are those of the first epoch's arrays. It is published with that epoch."""

    def __init__(self, options: RecordingOptions, inputs: ProbeInputs | None, committer: Committer) -> None:
        super().__init__(options, committer)
        if inputs is not None and not isinstance(inputs, ArrayInputs):
            raise RecorderError("without a model, inputs are only looked at; give inputs=(x, y)")
        self._inputs = inputs
        #: Of `inputs`, else of the first recorded epoch.
        self._metadata: InputMetadata | None = None
        keep, labels = options.keep, None
        if inputs is not None:
            self._metadata = read_metadata(inputs, keep, options.classes, options.ids, options.pictures)
            keep, labels = KeepPolicy(self._metadata.kept, keep.maps), inputs.labels
        self.collector = ArrayCollector(keep, labels, options.positions)
        run = self.open_run()
        if run.manifest is not None:
            self.collector.layers = layers_from_manifest(run.manifest)
        self._has_manifest = False

    def aggregate_classes(self, labels: ArrayLike | None) -> Classes | None:
        """Returns the classes to aggregate over; `None` if statistics are not recorded."""
        if not self.options.keep.has_aggregates:
            return None
        classes = self.options.classes or (self._metadata and self._metadata.classes)
        if not classes and labels is not None:
            raise RecorderError("keep= records statistics of each class; give the recorder classes=")
        return classes or Classes({})

    def record(self, entry: EpochEntry) -> None:
        """Records the collected arrays.

        Raises:
            RecorderError: they do not fit the run, or the epoch is recorded already.
        """
        number = entry["number"]
        self.check_epoch_number(number)
        arrays = self.collector.finish()
        metadata = self._epoch_metadata(arrays)
        layers = [layer.layer for layer in arrays.layers]
        try:
            if not self._has_manifest:
                self.initialise_manifest(self.options.name or "network", layers, None, (), {}, metadata)
            writer = self._write(number, layers, arrays, metadata)
        except WriteError as error:
            self.committer.report(number, error)
            return
        self._has_manifest, self._metadata, self.collector.layers = True, metadata, layers
        aggregator = self.collector.aggregator
        not_finite = writer.not_finite
        if aggregator:
            absent = [layer.absent * layer.layer.units for layer in arrays.layers]
            found = aggregator.finish().not_finite
            not_finite = [one - missing for one, missing in zip(found, absent, strict=True)]
        self.commit(entry, writer, not_finite_by_name(layers, not_finite))
        self._compare(entry, arrays, metadata)

    def _compare(self, entry: EpochEntry, arrays: EpochArrays, metadata: InputMetadata) -> None:
        predicted = arrays.predicted_ids(metadata.classes)
        if predicted is not None and metadata.labels is not None and len(metadata.kept):
            known = metadata.labels >= 0
            right = (predicted[metadata.kept] == metadata.labels) & known
            self.warn_disagreement(entry, int(right.sum()), int(known.sum()))

    def _epoch_metadata(self, arrays: EpochArrays) -> InputMetadata:
        """Returns the metadata of this epoch's inputs, which must be those of the epochs before."""
        before, options = self._metadata, self.options
        if before is None:
            return metadata_from_labels(
                arrays.count, arrays.labels, options.keep, options.classes, options.ids, options.pictures
            )
        if self._inputs is not None:
            if self._inputs.count != arrays.count:
                raise RecorderError(
                    f"the layers have {arrays.count} inputs, inputs= has {self._inputs.count}"
                )
            return before
        kept = options.keep.indices(arrays.count, spread=False)
        same = np.array_equal(before.kept, kept)
        if same and before.labels is not None and arrays.labels is not None:
            same = np.array_equal(before.labels, arrays.labels[kept])
        if not same:
            raise RecorderError(
                f"the {arrays.count} inputs are not those of the epochs before; "
                "give the same inputs in the same order at every epoch"
            )
        return before

    def _write(
        self, number: int, layers: list[Layer], arrays: EpochArrays, metadata: InputMetadata
    ) -> EpochWriter:
        """Writes an epoch's values, if necessary again with wider elements. The file is not completed."""
        assert self.run is not None
        path = self.run.folder / "epochs" / f"{number:06}.safetensors"
        while True:
            plan = EpochPlan(
                layers=layers,
                stored=self.stored_types(len(layers)),
                classes=metadata.classes,
                kept=metadata.kept,
                maps=self.options.keep.maps,
                first=None,
                labels=None,
                statistics=() if self.collector.aggregator is None else self.options.statistics,
            )
            writer = EpochWriter(plan, path)
            try:
                self._write_arrays(writer, arrays)
                if not self.widen(writer):
                    return writer
            except BaseException:
                writer.abort()
                raise
            writer.abort()

    def _write_arrays(self, writer: EpochWriter, arrays: EpochArrays) -> None:
        maps = [(index, layer.maps) for index, layer in enumerate(arrays.layers) if layer.maps]
        shapes = [(index, parts[0].shape[1:]) for index, parts in maps]
        predicted = arrays.predicted_ids(writer.plan.classes)
        writer.open(shapes, predictions=predicted is not None)
        for index, layer in enumerate(arrays.layers):
            row = 0
            for values in layer.units:
                if len(values):
                    writer.write_units(index, values, row)
                row += len(values)
            writer.not_finite[index] -= layer.absent_kept * layer.layer.units
        for index, parts in maps:
            row = 0
            for values in parts:
                writer.write_maps([(index, values)], row, len(values))
                row += len(values)
        kept = writer.plan.kept
        if predicted is not None and len(kept):
            writer.write_predictions(predicted[kept], 0)
        if self.collector.aggregator is not None:
            aggregates = self.collector.aggregator.finish()
            writer.check_range(aggregates)
            writer.write_aggregates(aggregates)
