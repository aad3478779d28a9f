//! One side of a query: a selection at a moment, as stored statistics or as rows to be reduced.

use super::StatsError;
use super::backend::{Backend, LayerRows, Rows, UnitMoments};
use super::merge::merged;
use crate::model::{
    Aggregate, Diff, EpochPosition, Group, Recording, RowBlock, Selection, Source, SourceError, Stat, Term,
};

/// What is wanted of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Stat(Stat),
    /// What the effect size is computed from.
    Moments,
}

/// A selection at a moment.
pub(super) struct Side {
    /// How many inputs were chosen.
    pub(super) inputs: usize,
    pub(super) held: Held,
}

/// What is at hand of a side; what is outermost is one per layer.
pub(super) enum Held {
    /// To be reduced; every layer has as many units as the recording says.
    Rows(RowBlock),
    Values(Vec<Vec<f64>>),
    Moments(Vec<Vec<UnitMoments>>),
}

impl Side {
    /// Reads what `wanted` needs of `selection`; interpolated when the moment lies between two epochs.
    pub(super) fn read(
        source: &dyn Source,
        selection: &Selection,
        moment: EpochPosition,
        wanted: Wanted,
        backend: &dyn Backend,
    ) -> Result<Self, StatsError> {
        let from = Self::at(source, selection, moment.from, wanted)?;
        if moment.t == 0.0 {
            return Ok(from);
        }
        let Wanted::Stat(stat) = wanted else { return Err(StatsError::EffectBetween(selection.to_string())) };
        let to = Self::at(source, selection, moment.to, wanted)?;
        let inputs = from.inputs;
        let (mut values, later) = (from.values(stat, backend)?, to.values(stat, backend)?);
        for (value, later) in values.iter_mut().flatten().zip(later.into_iter().flatten()) {
            *value += f64::from(moment.t) * (later - *value);
        }
        Ok(Self { inputs, held: Held::Values(values) })
    }

    fn at(
        source: &dyn Source,
        selection: &Selection,
        epoch: usize,
        wanted: Wanted,
    ) -> Result<Self, StatsError> {
        match stored(source, selection, epoch, wanted)? {
            Some(side) => Ok(side),
            None => rows(source, selection, epoch),
        }
    }

    /// The statistic of every unit of every layer.
    pub(super) fn values(self, stat: Stat, backend: &dyn Backend) -> Result<Vec<Vec<f64>>, StatsError> {
        let block = match self.held {
            Held::Rows(block) => block,
            Held::Values(values) => return Ok(values),
            Held::Moments(moments) => {
                return Ok(moments
                    .iter()
                    .map(|layer| layer.iter().map(|unit| unit.mean).collect())
                    .collect());
            }
        };
        let values = backend.values(&plain(&block), stat, Diff::Signed)?;
        Ok(values.into_iter().map(|layer| layer.into_iter().map(f64::from).collect()).collect())
    }

    /// Count, mean and spread of every unit of every layer.
    pub(super) fn moments(self, backend: &dyn Backend) -> Result<Vec<Vec<UnitMoments>>, StatsError> {
        let block = match self.held {
            Held::Moments(moments) => return Ok(moments),
            Held::Rows(block) => block,
            Held::Values(_) => return Ok(Vec::new()),
        };
        let layers = plain(&block);
        let read = |stat| backend.values(&layers, stat, Diff::Signed);
        let (counts, means, deviations) = (read(Stat::Count)?, read(Stat::Mean)?, read(Stat::Std)?);
        let unit = |((count, mean), deviation): ((f32, f32), f32)| {
            let [count, mean, deviation] = [count, mean, deviation].map(f64::from);
            UnitMoments { count, mean, squares: deviation * deviation * count }
        };
        let layer = |((counts, means), deviations): ((Vec<f32>, Vec<f32>), Vec<f32>)| {
            counts.into_iter().zip(means).zip(deviations).map(unit).collect()
        };
        Ok(counts.into_iter().zip(means).zip(deviations).map(layer).collect())
    }
}

/// The rows of every layer, compared with none.
pub(super) fn plain(block: &RowBlock) -> Vec<LayerRows<'_>> {
    let rows = |tensor| LayerRows { a: Rows { tensor, rows: &block.rows }, b: None };
    block.layers.iter().map(rows).collect()
}

/// The groups whose aggregates together answer for the selection.
fn groups(recording: &Recording, selection: &Selection) -> Option<Vec<Group>> {
    match selection.terms.as_slice() {
        [] => Some(vec![Group::All]),
        [Term::Class(_)] => {
            let classes = selection.classes(recording)?;
            Some(classes.into_iter().map(Group::Class).collect())
        }
        _ => None,
    }
}

/// What is stored of the selection; `None` when that is nothing, or when the inputs say as much.
fn stored(
    source: &dyn Source,
    selection: &Selection,
    epoch: usize,
    wanted: Wanted,
) -> Result<Option<Side>, StatsError> {
    let recording = source.recording();
    let Some(groups) = groups(recording, selection) else { return Ok(None) };
    let (mut parts, mut counted, mut recorded) = (Vec::with_capacity(groups.len()), 0, 0);
    for group in groups {
        let Some(aggregates) = source.aggregates(epoch, group)? else { return Ok(None) };
        counted += aggregates.iter().map(|aggregate| aggregate.count).max().unwrap_or(0);
        recorded += match group {
            Group::All => recording.inputs.len(),
            Group::Class(class) => recording.classes.get(class).map_or(0, |class| class.inputs),
        } as u64;
        parts.push(aggregates);
    }
    let alone = counted > recorded;
    // What several groups or a count of finite values come to is more exactly known from the inputs.
    let from_inputs = parts.len() > 1 || !matches!(wanted, Wanted::Stat(stat) if stat != Stat::Count);
    if !alone && from_inputs {
        return Ok(None);
    }
    let merged: Option<Vec<Aggregate>> = (0..recording.layers.len())
        .map(|layer| merged(&parts.iter().map(|part| part.get(layer)).collect::<Option<Vec<_>>>()?))
        .collect();
    let inputs = usize::try_from(counted).unwrap_or(usize::MAX);
    let held = merged.and_then(|layers| held(recording, epoch, &layers, wanted));
    match held {
        Some(held) => Ok(Some(Side { inputs, held })),
        None if !alone => Ok(None),
        None => {
            let number = recording.epochs.get(epoch).map_or(0, |epoch| epoch.number);
            let statistic = match wanted {
                Wanted::Stat(Stat::Mean) => "the means",
                Wanted::Stat(Stat::Std) => "the standard deviations",
                Wanted::Stat(Stat::Min) => "the least values",
                Wanted::Stat(Stat::Max) => "the greatest values",
                Wanted::Stat(Stat::Rate) => "the firing rates",
                Wanted::Stat(Stat::Count) => "the counts of finite values",
                Wanted::Moments => "the means and variances",
            };
            let what = format!("{statistic} over all {counted} inputs are");
            Err(SourceError::NotRecorded { number, what }.into())
        }
    }
}

/// What is wanted, as it is stored; `None` when it is not, or not for every unit.
fn held(recording: &Recording, epoch: usize, layers: &[Aggregate], wanted: Wanted) -> Option<Held> {
    let wide = |values: &[f32]| -> Vec<f64> { values.iter().copied().map(f64::from).collect() };
    let pairs = recording.layers.iter().zip(layers);
    let stat = match wanted {
        Wanted::Stat(stat) => stat,
        Wanted::Moments => {
            let layers = pairs.map(|(layer, stored)| {
                let variance = stored.variance.as_ref()?;
                let units = stored.mean.iter().zip(variance);
                let spread = |(&mean, &variance): (&f32, &f32)| {
                    let count = if mean.is_finite() { stored.count as f64 } else { 0.0 };
                    UnitMoments { count, mean: f64::from(mean), squares: f64::from(variance) * count }
                };
                let whole = stored.mean.len() == layer.units && variance.len() == layer.units;
                whole.then(|| units.map(spread).collect())
            });
            return layers.collect::<Option<_>>().map(Held::Moments);
        }
    };
    let layers = pairs.map(|(layer, stored)| {
        let values = match stat {
            Stat::Mean => wide(&stored.mean),
            Stat::Min => wide(stored.min.as_ref()?),
            Stat::Max => wide(stored.max.as_ref()?),
            Stat::Rate => wide(stored.rate.as_ref()?),
            Stat::Std => stored.variance.as_ref()?.iter().map(|&it| f64::from(it).sqrt()).collect(),
            Stat::Count => {
                // Which units have values that are not finite is not stored.
                let odd = recording.epochs.get(epoch)?.not_finite.get(&layer.name).copied().unwrap_or(0);
                (odd == 0).then(|| vec![stored.count as f64; layer.units])?
            }
        };
        (values.len() == layer.units).then_some(values)
    });
    layers.collect::<Option<_>>().map(Held::Values)
}

/// The rows of the selected inputs, checked against what the recording says.
fn rows(source: &dyn Source, selection: &Selection, epoch: usize) -> Result<Side, StatsError> {
    let recording = source.recording();
    let predictions = if selection.needs_predictions() { source.predictions(epoch)? } else { None };
    let wanted = selection.resolve(recording, predictions.as_deref().map(Vec::as_slice))?;
    let mut block = source.rows(epoch, &wanted)?;
    let shape = |layer: &str, found: String, expected: String| StatsError::Shape {
        layer: layer.to_owned(),
        found,
        expected,
    };
    for (index, layer) in recording.layers.iter().enumerate() {
        let tensor = block
            .layers
            .get(index)
            .ok_or_else(|| shape(&layer.name, "nothing".to_owned(), format!("{} units", layer.units)))?;
        if tensor.columns() != layer.units {
            return Err(shape(
                &layer.name,
                format!("{} values per input", tensor.columns()),
                format!("{} units", layer.units),
            ));
        }
        if block.rows.len() != wanted.len() || block.rows.iter().any(|&row| row >= tensor.rows()) {
            let expected = format!("{} inputs", recording.inputs.len());
            return Err(shape(&layer.name, format!("{} inputs", tensor.rows()), expected));
        }
    }
    block.layers.truncate(recording.layers.len());
    Ok(Side { inputs: wanted.len(), held: Held::Rows(block) })
}
