//! What the units of a layer show at an epoch, over all inputs and over each class: as the recording
//! stores it, and else from the inputs in one pass.

use crate::model::{Group, Recording, Source, SourceError, Tensor};
use crate::stats::{Extremes, Firing, Moments, Reducer, StatsError, reduce};

/// Over all inputs; every array has one entry per unit.
pub(super) struct Summary {
    /// NaN without a value.
    pub(super) mean: Vec<f32>,
    /// Least and greatest values, where known; NaN without a value.
    pub(super) extremes: Option<(Vec<f32>, Vec<f32>)>,
    /// Share of values > 0, where known; NaN without a value.
    pub(super) rate: Option<Vec<f32>>,
    /// Finite values; as many for every unit where only aggregates tell.
    pub(super) count: Vec<u64>,
}

/// Everything that is reduced in one pass.
type All = (Moments, (Extremes, Firing));

impl Summary {
    /// Of one layer. `class` is told the units' means over each class that has any.
    ///
    /// Means are those that a query shows of `all` and of one class: stored ones are taken as they are.
    /// Where stored aggregates speak of more inputs than are recorded they alone answer.
    pub(super) fn read(
        source: &dyn Source,
        epoch: usize,
        layer: usize,
        mut class: impl FnMut(usize, &[f32]),
    ) -> Result<Self, StatsError> {
        let recording = source.recording();
        let units = units(recording, epoch, layer)?;
        let mut missing = Vec::new();
        for (index, facts) in recording.classes.iter().enumerate() {
            match source.layer_aggregate(epoch, Group::Class(index), layer)? {
                Some(stored) if stored.mean.len() == units => class(index, &stored.mean),
                _ if facts.inputs > 0 => missing.push(index),
                _ => {}
            }
        }
        let stored = source.layer_aggregate(epoch, Group::All, layer)?;
        let stored = stored.filter(|stored| stored.mean.len() == units);
        let alone = stored.as_ref().is_some_and(|stored| stored.count > recording.inputs.len() as u64);
        let whole = stored.as_ref().is_some_and(|stored| {
            alone || (stored.min.is_some() && stored.max.is_some() && stored.rate.is_some())
        });
        let rows = if whole && missing.is_empty() { None } else { Rows::read(source, epoch, layer)? };
        let reduced = rows.and_then(|rows| {
            if whole {
                for index in missing {
                    let moments: Moments = reduce(&rows.tensor, &rows.of(recording, Some(index)));
                    class(index, &moments.mean());
                }
                return None;
            }
            let mut all = All::new(units);
            for group in (0..recording.classes.len()).map(Some).chain([None]) {
                let inputs = rows.of(recording, group);
                if inputs.is_empty() {
                    continue;
                }
                let part: All = reduce(&rows.tensor, &inputs);
                if let Some(index) = group.filter(|index| missing.contains(index)) {
                    class(index, &part.0.mean());
                }
                all.merge(&part);
            }
            Some(all)
        });
        match (stored, reduced) {
            (None, None) => Err(nothing(recording, epoch).into()),
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
                                .map(|it| if it.is_finite() { stored.count } else { 0 })
                                .collect()
                        },
                        |(moments, _)| moments.count(),
                    ),
                    extremes: stored_extremes.or_else(|| of_inputs.map(|(it, _)| (it.min(), it.max()))),
                    rate: stored.rate.filter(fits).or_else(|| of_inputs.map(|(_, it)| it.rate())),
                    mean: stored.mean,
                })
            }
        }
    }
}

/// The units' means over all inputs, as a query shows them; NaN without a value.
pub(super) fn means(source: &dyn Source, epoch: usize, layer: usize) -> Result<Vec<f32>, StatsError> {
    let recording = source.recording();
    let units = units(recording, epoch, layer)?;
    if let Some(stored) = source.layer_aggregate(epoch, Group::All, layer)?
        && stored.mean.len() == units
    {
        return Ok(stored.mean);
    }
    let rows = Rows::read(source, epoch, layer)?.ok_or_else(|| nothing(recording, epoch))?;
    let moments: Moments = reduce(&rows.tensor, &rows.rows);
    Ok(moments.mean())
}

/// The values of single inputs at one layer.
pub(super) struct Rows {
    /// `[rows, units]`.
    pub(super) tensor: Tensor,
    /// The row of each input of the recording.
    pub(super) rows: Vec<usize>,
}

impl Rows {
    /// Those of every input; `None` when single inputs were not recorded.
    pub(super) fn read(source: &dyn Source, epoch: usize, layer: usize) -> Result<Option<Self>, StatsError> {
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
        let units = units(recording, epoch, layer)?;
        let found = block.layers.into_iter().next().filter(|tensor| {
            tensor.columns() == units
                && block.rows.len() == inputs.len()
                && block.rows.iter().all(|&row| row < tensor.rows())
        });
        let shape = || StatsError::Shape {
            layer: recording.layers[layer].name.clone(),
            found: "another number of values".to_owned(),
            expected: format!("{} inputs and {units} units", inputs.len()),
        };
        Ok(Some(Self { tensor: found.ok_or_else(shape)?, rows: block.rows }))
    }

    /// The rows of the inputs of a class, or of those without one.
    fn of(&self, recording: &Recording, class: Option<usize>) -> Vec<usize> {
        let inputs = recording.inputs.iter().zip(&self.rows);
        inputs.filter(|(input, _)| input.class == class).map(|(_, &row)| row).collect()
    }
}

/// How many units the layer has.
pub(super) fn units(recording: &Recording, epoch: usize, layer: usize) -> Result<usize, SourceError> {
    match recording.layers.get(layer) {
        Some(facts) => Ok(facts.units),
        None => Err(not_recorded(recording, epoch, format!("layer {layer} is"))),
    }
}

/// That there is nothing at all to tell from.
pub(super) fn nothing(recording: &Recording, epoch: usize) -> SourceError {
    not_recorded(recording, epoch, "neither means nor values of single inputs are".to_owned())
}

pub(super) fn not_recorded(recording: &Recording, epoch: usize, what: String) -> SourceError {
    let number = recording.epochs.get(epoch).map_or(epoch as u64, |epoch| epoch.number);
    SourceError::NotRecorded { number, what }
}
