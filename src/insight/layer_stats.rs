//! What can be said of a layer at an epoch, over all inputs.

use super::Wanted;
use super::selectivity::Preference;
use super::summary::{Summary, means};
use crate::model::Source;
use crate::stats::StatsError;

/// How much of what a layer shows counts as its end, see [`LayerStats::saturated`].
const END: f32 = 0.05;

/// Facts of one layer. Shares are in [0, 1]; `None` is what cannot be known from the recording. Units
/// without a value are in no share.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerStats {
    /// Mean activation over all inputs and units; NaN without a value.
    pub mean: f32,
    /// Share of units that are > 0 for no input: dead, where a rectifier follows.
    pub dead: Option<f32>,
    /// Share of units whose values all lie in the outermost 5 % of what the layer shows, at the upper
    /// end or, where the layer has values below 0, at the lower. 0 where it shows one value only.
    pub saturated: Option<f32>,
    /// Share of activations that are not > 0.
    pub sparsity: Option<f32>,
    /// Mean class selectivity index of the units that have one, see [`super::Selectivity`].
    pub selectivity: Option<f32>,
    /// Distance of the units' means from those of the recorded epoch before, by the length of these:
    /// ‖m − m₀‖₂ / ‖m₀‖₂. `None` at the first epoch.
    pub change: Option<f32>,
    /// Units without a value.
    pub without_value: usize,
}

/// Facts of every layer at an epoch (an index), in the order of the layers; `None` when they were no
/// longer `wanted`. Of what is recorded, each layer's values are read once at most, and those of the
/// epoch before once more where that has no stored means.
///
/// # Errors
/// When the epoch is damaged, or there is neither a mean nor an input to tell from.
pub fn layer_stats(
    source: &dyn Source,
    epoch: usize,
    wanted: Wanted,
) -> Result<Option<Vec<LayerStats>>, StatsError> {
    let recording = source.recording();
    let mut facts = Vec::with_capacity(recording.layers.len());
    for (layer, about) in recording.layers.iter().enumerate() {
        if !wanted() {
            return Ok(None);
        }
        let mut preferences = vec![Preference::default(); about.units];
        let summary = Summary::read(source, epoch, layer, |class, means| {
            for (preference, &mean) in preferences.iter_mut().zip(means) {
                preference.add(class, mean);
            }
        })?;
        let indices = preferences.iter().filter_map(|it| Some(f64::from(it.selectivity()?.index)));
        // An epoch before that cannot be read is as if it were not there.
        let before = || {
            let earlier = (0..epoch).rev().filter(|&index| !recording.epochs[index].damaged);
            earlier.into_iter().find_map(|index| means(source, index, layer).ok())
        };
        facts.push(LayerStats {
            selectivity: average(indices),
            change: before().and_then(|before| change(&summary.mean, &before)),
            ..of_summary(&summary)
        });
    }
    Ok(Some(facts))
}

/// What a layer's summary alone tells.
fn of_summary(summary: &Summary) -> LayerStats {
    let Summary { mean, extremes, rate, count } = summary;
    let has_value: Vec<bool> = mean.iter().map(|mean| mean.is_finite()).collect();
    let valued = has_value.iter().filter(|has| **has).count();
    let share = |so: &dyn Fn(usize) -> bool| {
        let found = (0..mean.len()).filter(|&unit| has_value[unit] && so(unit)).count();
        (valued > 0).then(|| (found as f64 / valued as f64) as f32)
    };
    let greatest = extremes.as_ref().map(|(_, greatest)| greatest);
    let dead = match (greatest, rate) {
        (Some(greatest), _) => share(&|unit| greatest[unit] <= 0.0),
        (None, Some(rate)) => share(&|unit| rate[unit] == 0.0),
        (None, None) => None,
    };
    let saturated = extremes.as_ref().and_then(|(least, greatest)| {
        let finite = |values: &[f32]| values.iter().copied().filter(|it| it.is_finite()).collect::<Vec<_>>();
        let low = finite(least).into_iter().reduce(f32::min)?;
        let high = finite(greatest).into_iter().reduce(f32::max)?;
        let end = END * (high - low);
        share(&|unit| end > 0.0 && (least[unit] >= high - end || (low < 0.0 && greatest[unit] <= low + end)))
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

fn average(values: impl Iterator<Item = f64>) -> Option<f32> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| (sum / count as f64) as f32)
}

/// ‖now − before‖₂ / ‖before‖₂ over the units that have a value in both; `None` where that is no number.
fn change(now: &[f32], before: &[f32]) -> Option<f32> {
    let pairs = now.iter().zip(before).map(|(&now, &before)| (f64::from(now), f64::from(before)));
    let pairs = pairs.filter(|(now, before)| now.is_finite() && before.is_finite());
    let (apart, length) = pairs.fold((0.0, 0.0), |(apart, length), (now, before)| {
        (apart + (now - before) * (now - before), length + before * before)
    });
    (length > 0.0).then(|| (apart / length).sqrt() as f32)
}
