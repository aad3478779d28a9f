//! Unit profiles: everything known of one unit along the training, over classes and inputs, and the units
//! similar to it.

use rayon::prelude::*;

use super::selectivity::{Preference, Selectivity};
use super::similar::{self, SimilarUnit};
use super::still_wanted::StillWanted;
use super::summary::{self, InputRows, LayerSummary};
use crate::model::{
    Aggregate, EpochIndex, Recording, Source, SourceError, UnitAggregates, UnitId, UnitIndex,
};
use crate::stats::StatsError;

/// Everything known of one unit. Values are activations as recorded; NaN is no value.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitProfile {
    /// The unit.
    pub unit: UnitId,
    /// The epoch of all fields but `history`.
    pub epoch: EpochIndex,
    /// One entry per readable epoch, in their order.
    pub history: Vec<UnitEpoch>,
    /// The distribution over all inputs, then those over each class with inputs.
    pub distributions: Vec<Distribution>,
    /// The inputs with the greatest values, as (input index, value), the greatest first; at most
    /// [`STRONGEST_INPUTS`].
    pub strongest: Vec<(usize, f32)>,
    /// Class selectivity; `None` with fewer than two classes or without a class mean above 0.
    pub selectivity: Option<Selectivity>,
    /// Units of the same layer with the greatest correlations, the greatest first.
    pub similar: Vec<SimilarUnit>,
    /// Rank of its mean among the units of the layer, from 1 for the greatest; `None` without a value.
    pub rank: Option<usize>,
    /// Number of units of the layer.
    pub of: usize,
}

/// The mean activations of a unit at one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitEpoch {
    /// The epoch.
    pub epoch: EpochIndex,
    /// Mean over all inputs.
    pub all: f32,
    /// Mean over each class of the recording.
    pub classes: Vec<f32>,
}

/// The distribution of the values of a unit over some inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Index into the recording's classes; `None` for all inputs.
    pub class: Option<usize>,
    /// Number of finite values.
    pub count: u64,
    /// Mean; NaN without a value.
    pub mean: f32,
    /// Population standard deviation, where known.
    pub deviation: Option<f32>,
    /// Minimum, lower quartile, median, upper quartile and maximum (linear interpolation between order
    /// statistics); `None` if values of inputs are not recorded.
    pub quartiles: Option<[f32; 5]>,
    /// Firing rate, in [0, 1], where known.
    pub rate: Option<f32>,
}

/// Greatest number of inputs in [`UnitProfile::strongest`].
pub const STRONGEST_INPUTS: usize = 8;

/// Computes the profile of a unit at an epoch, with its history.
///
/// # Errors
/// Returns a [`StatsError`] if the epoch is damaged, there is no such unit, or nothing is recorded of it.
pub fn unit_profile(source: &dyn Source, unit: UnitId, epoch: EpochIndex) -> Result<UnitProfile, StatsError> {
    let mut profile = unit_profile_at(source, unit, epoch)?;
    profile.history = unit_history(source, unit, &|| true).unwrap_or_default();
    Ok(profile)
}

/// Computes the means of a unit at every epoch; `None` if they were no longer `wanted`. Unreadable epochs
/// are left out. The means are those of a query of all inputs and of one class: stored ones or else those
/// of the finite values of the inputs.
pub fn unit_history(source: &dyn Source, unit: UnitId, wanted: StillWanted) -> Option<Vec<UnitEpoch>> {
    let recording = source.recording();
    let readable = (0..recording.epochs.len()).filter(|&epoch| !recording.epochs[epoch].damaged);
    let epochs: Vec<EpochIndex> = readable.map(EpochIndex).collect();
    let read = |epoch: EpochIndex| {
        let (all, classes) = UnitGroups::read(source, unit, epoch).ok()?.means();
        Some(UnitEpoch { epoch, all, classes })
    };
    // The outer `None` is a cancelled computation, the inner one an unreadable epoch.
    let history = epochs.into_par_iter().map(|epoch| wanted().then(|| read(epoch)));
    let history: Option<Vec<Option<UnitEpoch>>> = history.collect();
    Some(history?.into_iter().flatten().collect())
}

/// Computes the profile of a unit at an epoch, with an empty history.
///
/// Means, deviations and firing rates are those of a query of all inputs and of one class: stored
/// aggregates are used as they are, and exclusively if they include more inputs than are recorded.
/// Quartiles, strongest inputs and similar units are computed from the recorded inputs.
///
/// # Errors
/// As [`unit_profile`].
pub fn unit_profile_at(
    source: &dyn Source,
    unit: UnitId,
    epoch: EpochIndex,
) -> Result<UnitProfile, StatsError> {
    let recording = source.recording();
    let UnitId { layer, unit: UnitIndex(index) } = unit;
    let unit_count = summary::unit_count(recording, epoch, layer)?;
    if index >= unit_count {
        let what = format!("unit {index} of layer {} is", recording.layers[layer.0].name);
        return Err(summary::not_recorded(recording, epoch, what).into());
    }
    let mut groups = UnitGroups::read(source, unit, epoch)?;
    groups.read_column(source, unit, epoch)?;
    let column = groups.column.as_deref().unwrap_or_default();
    let mut strongest: Vec<(usize, f32)> =
        column.iter().copied().enumerate().filter(|(_, value)| value.is_finite()).collect();
    let stronger = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if strongest.len() > STRONGEST_INPUTS {
        strongest.select_nth_unstable_by(STRONGEST_INPUTS, stronger);
        strongest.truncate(STRONGEST_INPUTS);
    }
    strongest.sort_by(stronger);
    let mut preference = Preference::default();
    let (all, classes) = groups.means();
    classes.iter().enumerate().for_each(|(class, &mean)| preference.add(class, mean));
    let rows = if column.is_empty() { None } else { InputRows::read(source, epoch, layer)? };
    let similar = match rows {
        Some(rows) => similar::over_inputs(&rows, unit.unit, column),
        None if column.is_empty() => {
            let mut means = Vec::new();
            LayerSummary::read(source, epoch, layer, |_, class| means.push(class.to_vec()))?;
            similar::over_classes(&means, unit.unit)
        }
        None => Vec::new(),
    };
    let rank = if all.is_finite() {
        let means = summary::unit_means(source, epoch, layer)?;
        Some(1 + means.iter().filter(|&&mean| mean > means[index]).count())
    } else {
        None
    };
    Ok(UnitProfile {
        unit,
        epoch,
        history: Vec::new(),
        distributions: groups.distributions(all, &classes),
        strongest,
        selectivity: preference.selectivity(),
        similar,
        rank,
        of: unit_count,
    })
}

/// Data of a unit at an epoch: its stored aggregates over each group of inputs, and its values.
struct UnitGroups<'a> {
    recording: &'a Recording,
    stored: UnitAggregates,
    /// One value per input, NaN for none; `None` if values are not recorded or not needed so far.
    column: Option<Vec<f32>>,
}

impl<'a> UnitGroups<'a> {
    /// Reads the data that [`Self::means`] needs.
    fn read(source: &'a dyn Source, unit: UnitId, epoch: EpochIndex) -> Result<Self, StatsError> {
        let recording = source.recording();
        let stored = source.unit_aggregates(epoch, unit)?;
        let is_incomplete = stored.all.is_none()
            || stored
                .classes
                .iter()
                .zip(&recording.classes)
                .any(|(aggregate, class)| aggregate.is_none() && class.inputs > 0);
        let mut groups = Self { recording, stored, column: None };
        if is_incomplete {
            groups.read_column(source, unit, epoch)?;
        }
        if groups.stored.all.is_none() && groups.column.is_none() {
            return Err(summary::nothing_recorded(recording, epoch).into());
        }
        Ok(groups)
    }

    /// Reads the value for every input, if values of inputs are recorded.
    fn read_column(
        &mut self,
        source: &dyn Source,
        unit: UnitId,
        epoch: EpochIndex,
    ) -> Result<(), StatsError> {
        if self.column.is_some() || self.recording.inputs.is_empty() {
            return Ok(());
        }
        match source.unit_column(epoch, unit) {
            Ok(column) => self.column = Some(column),
            Err(SourceError::NotRecorded { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The stored aggregate of a class, or of all inputs with `None`.
    fn stored(&self, class: Option<usize>) -> Option<&Aggregate> {
        match class {
            None => self.stored.all.as_ref(),
            Some(class) => self.stored.classes.get(class)?.as_ref(),
        }
    }

    /// The means over all inputs and over each class; NaN without a value.
    fn means(&self) -> (f32, Vec<f32>) {
        let mut sums = vec![(0.0, 0_u64); self.recording.classes.len()];
        let mut whole = (0.0, 0_u64);
        for (value, class) in self.values() {
            let of_class = class.and_then(|class| sums.get_mut(class));
            for (sum, count) in [Some(&mut whole), of_class].into_iter().flatten() {
                *sum += f64::from(value);
                *count += 1;
            }
        }
        let mean = |class: Option<usize>, (sum, count): (f64, u64)| {
            let stored = self.stored(class).and_then(|stored| stored.mean.first());
            stored.copied().unwrap_or((sum / count as f64) as f32)
        };
        let classes = sums.into_iter().enumerate().map(|(class, sum)| mean(Some(class), sum));
        (mean(None, whole), classes.collect())
    }

    /// The finite values with the classes of their inputs.
    fn values(&self) -> impl Iterator<Item = (f32, Option<usize>)> {
        let values = self.column.iter().flatten().zip(&self.recording.inputs);
        values.map(|(&value, input)| (value, input.class)).filter(|(value, _)| value.is_finite())
    }

    /// The distributions over all inputs and over each class with inputs, given their means.
    fn distributions(&self, all: f32, classes: &[f32]) -> Vec<Distribution> {
        let mut by_class = vec![Vec::new(); classes.len()];
        let mut whole = Vec::new();
        for (value, class) in self.values() {
            whole.push(value);
            if let Some(values) = class.and_then(|class| by_class.get_mut(class)) {
                values.push(value);
            }
        }
        let mut distributions = vec![self.distribution(None, all, whole)];
        for (class, (&mean, values)) in classes.iter().zip(by_class).enumerate() {
            let stored = self.stored(Some(class)).map_or(0, |stored| stored.count);
            if stored > 0 || self.recording.classes[class].inputs > 0 {
                distributions.push(self.distribution(Some(class), mean, values));
            }
        }
        distributions
    }

    /// The distribution over a class, or over all inputs with `None`, given its mean and finite values.
    fn distribution(&self, class: Option<usize>, mean: f32, mut values: Vec<f32>) -> Distribution {
        let stored = self.stored(class);
        let recorded = match class {
            None => self.recording.inputs.len(),
            Some(class) => self.recording.classes[class].inputs,
        };
        values.sort_by(f32::total_cmp);
        let first = |of: fn(&Aggregate) -> &Option<Vec<f32>>| -> Option<f32> {
            of(stored?).as_ref()?.first().copied().filter(|value| value.is_finite())
        };
        let (mut deviation, mut rate) =
            (first(|aggregate| &aggregate.variance).map(f32::sqrt), first(|aggregate| &aggregate.rate));
        let has_unrecorded_inputs = stored.is_some_and(|stored| stored.count > recorded as u64);
        if !has_unrecorded_inputs && !values.is_empty() {
            let count = values.len() as f64;
            let wide = || values.iter().map(|&value| f64::from(value));
            let centre = wide().sum::<f64>() / count;
            let variance = wide().map(|value| (value - centre).powi(2)).sum::<f64>() / count;
            let above = values.len() - values.partition_point(|&value| value <= 0.0);
            deviation = deviation.or(Some(variance.sqrt() as f32));
            rate = rate.or(Some((above as f64 / count) as f32));
        }
        let count = match stored {
            Some(stored) if has_unrecorded_inputs || self.column.is_none() => {
                if mean.is_finite() {
                    stored.count
                } else {
                    0
                }
            }
            _ => values.len() as u64,
        };
        Distribution { class, count, mean, deviation, quartiles: quartiles(&values), rate }
    }
}

/// The quartiles of ascending values, see [`Distribution::quartiles`]; `None` without values.
fn quartiles(values: &[f32]) -> Option<[f32; 5]> {
    let last = values.len().checked_sub(1)?;
    Some([0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let at = share * last as f64;
        let (low, high) = (f64::from(values[at.floor() as usize]), f64::from(values[at.ceil() as usize]));
        (low + (high - low) * at.fract()) as f32
    }))
}
