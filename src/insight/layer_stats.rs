//! Statistics of a layer at an epoch, over all inputs.

use super::selectivity::Preference;
use super::still_wanted::StillWanted;
use super::summary::{LayerSummary, unit_means};
use crate::model::{EpochIndex, LayerIndex, Source};
use crate::stats::StatsError;

/// Fraction of a layer's value range that counts as its end, see [`LayerStats::saturated`].
const SATURATED_FRACTION: f32 = 0.05;

/// Statistics of one layer. Shares are in [0, 1] and leave out units without a value; `None` is a statistic
/// that cannot be computed from the recording.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerStats {
    /// Mean activation over all inputs and units; NaN without a value.
    pub mean: f32,
    /// Share of dead units: those that are > 0 for no input.
    pub dead: Option<f32>,
    /// Share of saturated units: all their values are in the outermost 5 % of the layer's range, at the
    /// upper end or, in a layer with values below 0, at the lower end. 0 in a layer with a single value.
    pub saturated: Option<f32>,
    /// Sparsity: the share of activations that are not > 0.
    pub sparsity: Option<f32>,
    /// Mean class selectivity index over the units that have one, see [`super::Selectivity`].
    pub selectivity: Option<f32>,
    /// Relative change of the unit means m since the previous readable epoch, with means m₀:
    /// ‖m − m₀‖₂ / ‖m₀‖₂. `None` at the first epoch.
    pub change: Option<f32>,
    /// Number of units without a value.
    pub without_value: usize,
}

/// Computes the statistics of every layer at an epoch, in the order of the layers; `None` if they were no
/// longer `wanted`. Reads the values of each layer at most once, and those of the previous epoch once more
/// if it has no stored means.
///
/// # Errors
/// Returns a [`StatsError`] if the epoch is damaged, or neither means nor values of inputs are recorded.
pub fn layer_stats(
    source: &dyn Source,
    epoch: EpochIndex,
    wanted: StillWanted,
) -> Result<Option<Vec<LayerStats>>, StatsError> {
    let recording = source.recording();
    let mut stats = Vec::with_capacity(recording.layers.len());
    for (layer, description) in recording.layers.iter().enumerate() {
        let layer = LayerIndex(layer);
        if !wanted() {
            return Ok(None);
        }
        let mut preferences = vec![Preference::default(); description.units];
        let summary = LayerSummary::read(source, epoch, layer, |class, means| {
            for (preference, &mean) in preferences.iter_mut().zip(means) {
                preference.add(class, mean);
            }
        })?;
        let indices =
            preferences.iter().filter_map(|preference| Some(f64::from(preference.selectivity()?.index)));
        // Unreadable epochs are passed over.
        let previous_means = || {
            let earlier = (0..epoch.0).rev().filter(|&index| !recording.epochs[index].damaged);
            earlier.into_iter().find_map(|index| unit_means(source, EpochIndex(index), layer).ok())
        };
        stats.push(LayerStats {
            selectivity: average(indices),
            change: previous_means().and_then(|previous| relative_change(&summary.mean, &previous)),
            ..of_summary(&summary)
        });
    }
    Ok(Some(stats))
}

/// The statistics that are computed from the summary of the layer alone.
fn of_summary(summary: &LayerSummary) -> LayerStats {
    let LayerSummary { mean, extremes, rate, count } = summary;
    let has_value: Vec<bool> = mean.iter().map(|mean| mean.is_finite()).collect();
    let valued = has_value.iter().filter(|has| **has).count();
    let share_of_units = |condition: &dyn Fn(usize) -> bool| {
        let count = (0..mean.len()).filter(|&unit| has_value[unit] && condition(unit)).count();
        (valued > 0).then(|| (count as f64 / valued as f64) as f32)
    };
    let greatest = extremes.as_ref().map(|(_, greatest)| greatest);
    let dead = match (greatest, rate) {
        (Some(greatest), _) => share_of_units(&|unit| greatest[unit] <= 0.0),
        (None, Some(rate)) => share_of_units(&|unit| rate[unit] == 0.0),
        (None, None) => None,
    };
    let saturated = extremes.as_ref().and_then(|(least, greatest)| {
        let finite =
            |values: &[f32]| values.iter().copied().filter(|value| value.is_finite()).collect::<Vec<_>>();
        let low = finite(least).into_iter().reduce(f32::min)?;
        let high = finite(greatest).into_iter().reduce(f32::max)?;
        let end = SATURATED_FRACTION * (high - low);
        share_of_units(&|unit| {
            end > 0.0 && (least[unit] >= high - end || (low < 0.0 && greatest[unit] <= low + end))
        })
    });
    let sparsity = rate.as_ref().and_then(|rate| {
        let units = rate.iter().zip(count).filter(|(rate, _)| rate.is_finite());
        let (above, all) = units.fold((0.0, 0.0), |(above, all), (&rate, &count)| {
            (above + f64::from(rate) * count as f64, all + count as f64)
        });
        (all > 0.0).then(|| (1.0 - above / all) as f32)
    });
    let weighted = mean.iter().zip(count).filter(|(mean, _)| mean.is_finite());
    let (sum, all) = weighted.fold((0.0, 0.0), |(sum, all), (&mean, &count)| {
        (sum + f64::from(mean) * count as f64, all + count as f64)
    });
    LayerStats {
        mean: (sum / all) as f32,
        dead,
        saturated,
        sparsity,
        selectivity: None,
        change: None,
        without_value: mean.len() - valued,
    }
}

/// The mean of the values; `None` without values.
fn average(values: impl Iterator<Item = f64>) -> Option<f32> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| (sum / count as f64) as f32)
}

/// ‖now − before‖₂ / ‖before‖₂ over the units with a value in both; `None` if ‖before‖₂ is 0.
fn relative_change(now: &[f32], before: &[f32]) -> Option<f32> {
    let pairs = now.iter().zip(before).map(|(&now, &before)| (f64::from(now), f64::from(before)));
    let pairs = pairs.filter(|(now, before)| now.is_finite() && before.is_finite());
    let (apart, length) = pairs.fold((0.0, 0.0), |(apart, length), (now, before)| {
        (apart + (now - before) * (now - before), length + before * before)
    });
    (length > 0.0).then(|| (apart / length).sqrt() as f32)
}
