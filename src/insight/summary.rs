//! Statistics of the units of a layer at an epoch, over all inputs and over each class: those stored in the
//! recording, or else computed from the inputs in one pass.

use crate::model::{EpochIndex, Group, LayerIndex, Recording, Source, SourceError, Tensor};
use crate::stats::{Extremes, Firing, Moments, Reducer, StatsError, reduce};

/// Statistics of the units of a layer over all inputs; every array has one entry per unit.
pub(super) struct LayerSummary {
    /// Mean; NaN without a value.
    pub(super) mean: Vec<f32>,
    /// Least and greatest values, where known; NaN without a value.
    pub(super) extremes: Option<(Vec<f32>, Vec<f32>)>,
    /// Firing rate, where known; NaN without a value.
    pub(super) rate: Option<Vec<f32>>,
    /// Number of finite values; for stored aggregates, the number of inputs of every unit with a value.
    pub(super) count: Vec<u64>,
}

/// The reductions of one pass.
type SummaryReducer = (Moments, (Extremes, Firing));

impl LayerSummary {
    /// Reads the summary of one layer. Calls `class` with the index of each class that has a mean, and
    /// the unit means over it, in any order.
    ///
    /// Means are those of a query of all inputs and of one class: stored ones are used as they are, and
    /// exclusively if the aggregates include more inputs than are recorded.
    pub(super) fn read(
        source: &dyn Source,
        epoch: EpochIndex,
        layer: LayerIndex,
        mut class: impl FnMut(usize, &[f32]),
    ) -> Result<Self, StatsError> {
        let recording = source.recording();
        let units = unit_count(recording, epoch, layer)?;
        let mut missing = Vec::new();
        for (index, description) in recording.classes.iter().enumerate() {
            match source.layer_aggregate(epoch, Group::Class(index), layer)? {
                Some(stored) if stored.mean.len() == units => class(index, &stored.mean),
                _ if description.inputs > 0 => missing.push(index),
                _ => {}
            }
        }
        let stored = source.layer_aggregate(epoch, Group::All, layer)?;
        let stored = stored.filter(|stored| stored.mean.len() == units);
        let has_unrecorded_inputs =
            stored.as_ref().is_some_and(|stored| stored.count > recording.inputs.len() as u64);
        let is_complete = stored.as_ref().is_some_and(|stored| {
            has_unrecorded_inputs || (stored.min.is_some() && stored.max.is_some() && stored.rate.is_some())
        });
        let rows =
            if is_complete && missing.is_empty() { None } else { InputRows::read(source, epoch, layer)? };
        let reduced = rows.and_then(|rows| {
            if is_complete {
                for index in missing {
                    let moments: Moments = reduce(&rows.tensor, &rows.of_class(recording, Some(index)));
                    class(index, &moments.mean());
                }
                return None;
            }
            let mut all = SummaryReducer::new(units);
            for group in (0..recording.classes.len()).map(Some).chain([None]) {
                let inputs = rows.of_class(recording, group);
                if inputs.is_empty() {
                    continue;
                }
                let part: SummaryReducer = reduce(&rows.tensor, &inputs);
                if let Some(index) = group.filter(|index| missing.contains(index)) {
                    class(index, &part.0.mean());
                }
                all.merge(&part);
            }
            Some(all)
        });
        match (stored, reduced) {
            (None, None) => Err(nothing_recorded(recording, epoch).into()),
            (None, Some((moments, (extremes, firing)))) => Ok(Self {
                mean: moments.mean(),
                extremes: Some((extremes.min(), extremes.max())),
                rate: Some(firing.rate()),
                count: moments.count(),
            }),
            (Some(stored), reduced) => {
                let of_inputs = reduced.as_ref().map(|(_, others)| others);
                let fits = |values: &Vec<f32>| values.len() == units;
                let stored_extremes = stored.min.filter(fits).zip(stored.max.filter(fits));
                Ok(Self {
                    count: reduced.as_ref().map_or_else(
                        || {
                            stored
                                .mean
                                .iter()
                                .map(|mean| if mean.is_finite() { stored.count } else { 0 })
                                .collect()
                        },
                        |(moments, _)| moments.count(),
                    ),
                    extremes: stored_extremes
                        .or_else(|| of_inputs.map(|(extremes, _)| (extremes.min(), extremes.max()))),
                    rate: stored.rate.filter(fits).or_else(|| of_inputs.map(|(_, firing)| firing.rate())),
                    mean: stored.mean,
                })
            }
        }
    }
}

/// The unit means over all inputs, as those of a query; NaN without a value.
pub(super) fn unit_means(
    source: &dyn Source,
    epoch: EpochIndex,
    layer: LayerIndex,
) -> Result<Vec<f32>, StatsError> {
    let recording = source.recording();
    let units = unit_count(recording, epoch, layer)?;
    if let Some(stored) = source.layer_aggregate(epoch, Group::All, layer)?
        && stored.mean.len() == units
    {
        return Ok(stored.mean);
    }
    let rows = InputRows::read(source, epoch, layer)?.ok_or_else(|| nothing_recorded(recording, epoch))?;
    let moments: Moments = reduce(&rows.tensor, &rows.rows);
    Ok(moments.mean())
}

/// The values of all inputs at one layer.
pub(super) struct InputRows {
    /// `[rows, units]`.
    pub(super) tensor: Tensor,
    /// The row of each input of the recording in `tensor`.
    pub(super) rows: Vec<usize>,
}

impl InputRows {
    /// Reads the values of every input; `None` if values of inputs are not recorded.
    pub(super) fn read(
        source: &dyn Source,
        epoch: EpochIndex,
        layer: LayerIndex,
    ) -> Result<Option<Self>, StatsError> {
        let recording = source.recording();
        let inputs: Vec<usize> = (0..recording.inputs.len()).collect();
        if inputs.is_empty() {
            return Ok(None);
        }
        let block = match source.layer_rows(epoch, layer, &inputs) {
            Ok(block) => block,
            Err(SourceError::NotRecorded { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let units = unit_count(recording, epoch, layer)?;
        let tensor = block.layers.into_iter().next().filter(|tensor| {
            tensor.columns() == units
                && block.rows.len() == inputs.len()
                && block.rows.iter().all(|&row| row < tensor.rows())
        });
        let shape = || StatsError::Shape {
            layer: recording.layers[layer.0].name.clone(),
            found: "another number of values".to_owned(),
            expected: format!("{} inputs and {units} units", inputs.len()),
        };
        Ok(Some(Self { tensor: tensor.ok_or_else(shape)?, rows: block.rows }))
    }

    /// The rows of the inputs of a class, or of those without one.
    fn of_class(&self, recording: &Recording, class: Option<usize>) -> Vec<usize> {
        let inputs = recording.inputs.iter().zip(&self.rows);
        inputs.filter(|(input, _)| input.class == class).map(|(_, &row)| row).collect()
    }
}

/// The number of units of a layer.
///
/// # Errors
/// Returns [`SourceError::NotRecorded`] if there is no such layer.
pub(super) fn unit_count(
    recording: &Recording,
    epoch: EpochIndex,
    layer: LayerIndex,
) -> Result<usize, SourceError> {
    match recording.layers.get(layer.0) {
        Some(description) => Ok(description.units),
        None => Err(not_recorded(recording, epoch, format!("layer {layer} is"))),
    }
}

/// The error for an epoch with neither means nor values of inputs.
pub(super) fn nothing_recorded(recording: &Recording, epoch: EpochIndex) -> SourceError {
    not_recorded(recording, epoch, "neither means nor values of single inputs are".to_owned())
}

/// The error for values that are not recorded; `what` has its verb ("unit 7 is").
pub(super) fn not_recorded(recording: &Recording, epoch: EpochIndex, what: String) -> SourceError {
    let number = recording.epochs.get(epoch.0).map_or(epoch.0 as u64, |epoch| epoch.number);
    SourceError::NotRecorded { number, what }
}
