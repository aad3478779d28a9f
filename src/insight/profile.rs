//! All that can be said of one unit: its training, its classes, its inputs, its like.

use rayon::prelude::*;

use super::Wanted;
use super::selectivity::Preference;
use super::similar;
use super::summary::{self, Rows, Summary};
use crate::model::{Aggregate, Recording, Source, SourceError, UnitAggregates};
use crate::stats::StatsError;

/// The life of one unit. Values are activations as recorded; NaN is no value.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitProfile {
    /// Index into the recording's layers.
    pub layer: usize,
    /// From 0, as trained.
    pub unit: usize,
    /// Index into the recording's epochs: of this one are distributions, inputs and similar.
    pub epoch: usize,
    /// One per readable epoch, in their order.
    pub history: Vec<UnitEpoch>,
    /// Of all inputs, then one per class that has any.
    pub distributions: Vec<Distribution>,
    /// The inputs with the greatest values and these, the greatest first.
    pub strongest: Vec<(usize, f32)>,
    pub selectivity: Option<Selectivity>,
    /// Units of the same layer that answer most alike, the most alike first.
    pub similar: Vec<SimilarUnit>,
    /// Its mean is the so-many-greatest of its layer's, from 1.
    pub rank: Option<usize>,
    /// Units that its layer has.
    pub of: usize,
}

/// What a unit shows at one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitEpoch {
    /// Index into the recording's epochs.
    pub epoch: usize,
    /// Mean over all inputs.
    pub all: f32,
    /// Mean per class of the recording.
    pub classes: Vec<f32>,
}

/// How the values of a unit lie over some inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// Index into the recording's classes; `None` is all inputs.
    pub class: Option<usize>,
    /// Finite values.
    pub count: u64,
    pub mean: f32,
    /// Population standard deviation, where known.
    pub deviation: Option<f32>,
    /// Least, lower quartile, median, upper quartile, greatest (linear interpolation between order
    /// statistics); `None` where single values were not recorded.
    pub quartiles: Option<[f32; 5]>,
    /// Share of values > 0, where known.
    pub rate: Option<f32>,
}

/// Class selectivity index: (μ_max − μ_rest) / (μ_max + μ_rest), of the class whose mean activation is
/// greatest and the mean of the other classes' means, where means below 0 count as 0. In [0, 1]
/// (Morcos, Barrett, Rabinowitz and Botvinick, "On the importance of single directions for
/// generalization", 2018).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selectivity {
    pub index: f32,
    /// The class, as an index into the recording's.
    pub class: usize,
}

/// A unit that answers like another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilarUnit {
    pub unit: usize,
    /// Pearson's correlation over the inputs, or over the classes' means where inputs were not
    /// recorded.
    pub correlation: f32,
}

/// How many of the strongest inputs are told.
pub const STRONGEST: usize = 8;

/// All that can be said of a unit of a layer (from 0) at an epoch (an index).
///
/// # Errors
/// When the epoch is damaged, there is no such unit, or nothing is recorded of it.
pub fn unit_profile(
    source: &dyn Source,
    layer: usize,
    unit: usize,
    epoch: usize,
) -> Result<UnitProfile, StatsError> {
    let mut biography = unit_profile_at(source, layer, unit, epoch)?;
    biography.history = history(source, layer, unit, &|| true).unwrap_or_default();
    Ok(biography)
}

/// A unit's means along the training; `None` when they were no longer `wanted`. Epochs that cannot be
/// read are left out. Means are those that a query shows of `all` and of one class: as stored, and else
/// of the inputs' values that are finite.
pub fn history(source: &dyn Source, layer: usize, unit: usize, wanted: Wanted) -> Option<Vec<UnitEpoch>> {
    let recording = source.recording();
    let epochs: Vec<usize> =
        (0..recording.epochs.len()).filter(|&epoch| !recording.epochs[epoch].damaged).collect();
    let read = |epoch: usize| {
        let (all, classes) = Groups::read(source, layer, unit, epoch).ok()?.means();
        Some(UnitEpoch { epoch, all, classes })
    };
    // The outer one tells that it was given up, the inner one that the epoch cannot be read.
    let moments = epochs.into_par_iter().map(|epoch| wanted().then(|| read(epoch)));
    let moments: Option<Vec<Option<UnitEpoch>>> = moments.collect();
    Some(moments?.into_iter().flatten().collect())
}

/// A biography without its history: what one epoch tells.
///
/// Means, deviations and rates are those that a query shows: of `all` and of one class, stored
/// aggregates are taken as they are, and where these speak of more inputs than are recorded they alone
/// answer. Quartiles, strongest inputs and similar are of the inputs that were recorded.
///
/// # Errors
/// As [`biography`].
pub fn unit_profile_at(
    source: &dyn Source,
    layer: usize,
    unit: usize,
    epoch: usize,
) -> Result<UnitProfile, StatsError> {
    let recording = source.recording();
    let of = summary::units(recording, epoch, layer)?;
    if unit >= of {
        let what = format!("unit {unit} of layer {} is", recording.layers[layer].name);
        return Err(summary::not_recorded(recording, epoch, what).into());
    }
    let mut groups = Groups::read(source, layer, unit, epoch)?;
    groups.read_column(source, layer, unit, epoch)?;
    let column = groups.column.as_deref().unwrap_or_default();
    let mut strongest: Vec<(usize, f32)> =
        column.iter().copied().enumerate().filter(|(_, value)| value.is_finite()).collect();
    let stronger = |a: &(usize, f32), b: &(usize, f32)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if strongest.len() > STRONGEST {
        strongest.select_nth_unstable_by(STRONGEST, stronger);
        strongest.truncate(STRONGEST);
    }
    strongest.sort_by(stronger);
    let mut preference = Preference::default();
    let (all, classes) = groups.means();
    classes.iter().enumerate().for_each(|(class, &mean)| preference.add(class, mean));
    let rows = if column.is_empty() { None } else { Rows::read(source, epoch, layer)? };
    let similar = match rows {
        Some(rows) => similar::over_inputs(&rows, unit, column),
        None if column.is_empty() => {
            let mut means = Vec::new();
            Summary::read(source, epoch, layer, |_, class| means.push(class.to_vec()))?;
            similar::over_classes(&means, unit)
        }
        None => Vec::new(),
    };
    let rank = if all.is_finite() {
        let means = summary::means(source, epoch, layer)?;
        Some(1 + means.iter().filter(|&&mean| mean > means[unit]).count())
    } else {
        None
    };
    Ok(UnitProfile {
        layer,
        unit,
        epoch,
        history: Vec::new(),
        distributions: groups.distributions(all, &classes),
        strongest,
        selectivity: preference.selectivity(),
        similar,
        rank,
        of,
    })
}

/// What is known of a unit at an epoch: what is stored of each group of inputs, and its values.
struct Groups<'a> {
    recording: &'a Recording,
    stored: UnitAggregates,
    /// One value per input, NaN where there is none; `None` where none were recorded, or where all that
    /// was asked for is stored.
    column: Option<Vec<f32>>,
}

impl<'a> Groups<'a> {
    /// What its means need.
    fn read(source: &'a dyn Source, layer: usize, unit: usize, epoch: usize) -> Result<Self, StatsError> {
        let recording = source.recording();
        let stored = source.unit_aggregates(epoch, layer, unit)?;
        let missing = stored.all.is_none()
            || stored
                .classes
                .iter()
                .zip(&recording.classes)
                .any(|(it, class)| it.is_none() && class.inputs > 0);
        let mut groups = Self { recording, stored, column: None };
        if missing {
            groups.read_column(source, layer, unit, epoch)?;
        }
        if groups.stored.all.is_none() && groups.column.is_none() {
            return Err(summary::nothing(recording, epoch).into());
        }
        Ok(groups)
    }

    /// Its values, where single inputs were recorded.
    fn read_column(
        &mut self,
        source: &dyn Source,
        layer: usize,
        unit: usize,
        epoch: usize,
    ) -> Result<(), StatsError> {
        if self.column.is_some() || self.recording.inputs.is_empty() {
            return Ok(());
        }
        match source.unit_column(epoch, layer, unit) {
            Ok(column) => self.column = Some(column),
            Err(SourceError::NotRecorded { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn stored(&self, class: Option<usize>) -> Option<&Aggregate> {
        match class {
            None => self.stored.all.as_ref(),
            Some(class) => self.stored.classes.get(class)?.as_ref(),
        }
    }

    /// Over all inputs and over each class; NaN where there is none.
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

    /// The finite values, and the classes of their inputs.
    fn values(&self) -> impl Iterator<Item = (f32, Option<usize>)> {
        let values = self.column.iter().flatten().zip(&self.recording.inputs);
        values.map(|(&value, input)| (value, input.class)).filter(|(value, _)| value.is_finite())
    }

    /// Of all inputs and of each class that has any, given their means.
    fn distributions(&self, all: f32, classes: &[f32]) -> Vec<Distribution> {
        let mut by_class = vec![Vec::new(); classes.len()];
        let mut whole = Vec::new();
        for (value, class) in self.values() {
            whole.push(value);
            if let Some(values) = class.and_then(|class| by_class.get_mut(class)) {
                values.push(value);
            }
        }
        let mut told = vec![self.distribution(None, all, whole)];
        for (class, (&mean, values)) in classes.iter().zip(by_class).enumerate() {
            let stored = self.stored(Some(class)).map_or(0, |stored| stored.count);
            if stored > 0 || self.recording.classes[class].inputs > 0 {
                told.push(self.distribution(Some(class), mean, values));
            }
        }
        told
    }

    /// Of a class, or of all inputs, given its mean and its finite values.
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
        let (mut deviation, mut rate) = (first(|it| &it.variance).map(f32::sqrt), first(|it| &it.rate));
        let alone = stored.is_some_and(|stored| stored.count > recorded as u64);
        if !alone && !values.is_empty() {
            let count = values.len() as f64;
            let wide = || values.iter().map(|&value| f64::from(value));
            let center = wide().sum::<f64>() / count;
            let variance = wide().map(|value| (value - center).powi(2)).sum::<f64>() / count;
            let above = values.len() - values.partition_point(|&value| value <= 0.0);
            deviation = deviation.or(Some(variance.sqrt() as f32));
            rate = rate.or(Some((above as f64 / count) as f32));
        }
        let count = match stored {
            Some(stored) if alone || self.column.is_none() => {
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

/// Of ascending values, see [`Distribution::quartiles`].
fn quartiles(values: &[f32]) -> Option<[f32; 5]> {
    let last = values.len().checked_sub(1)?;
    Some([0.0, 0.25, 0.5, 0.75, 1.0].map(|share| {
        let at = share * last as f64;
        let (low, high) = (f64::from(values[at.floor() as usize]), f64::from(values[at.ceil() as usize]));
        (low + (high - low) * at.fract()) as f32
    }))
}
