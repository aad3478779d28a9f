//! One side of a query: a selection at an epoch, as stored statistics or as rows to reduce.

use super::StatsError;
use super::backend::{Backend, LayerRows, TensorRows, UnitMoments};
use super::merge::merge_aggregates;
use crate::model::{
    Aggregate, Diff, EpochIndex, EpochPosition, Group, Recording, RowBlock, Selection, Source, SourceError,
    Stat, Term,
};

/// The statistic to read of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SideStat {
    /// A statistic.
    Stat(Stat),
    /// Count, mean and spread, from which the effect size is computed.
    Moments,
}

/// The values of a selection at an epoch.
pub(super) struct QuerySide {
    /// Number of selected inputs.
    pub(super) inputs: usize,
    pub(super) data: SideData,
}

/// The data of a side; the outer vectors have one entry per layer, the inner ones one per unit.
pub(super) enum SideData {
    /// Rows to reduce; every layer has as many units as in the recording.
    Rows(RowBlock),
    Values(Vec<Vec<f64>>),
    Moments(Vec<Vec<UnitMoments>>),
}

impl QuerySide {
    /// Reads the statistic of `selection`, interpolated between two epochs.
    ///
    /// # Errors
    /// Returns a [`StatsError`] if values cannot be read or reduced, or if [`SideStat::Moments`] are read
    /// between two epochs.
    pub(super) fn read(
        source: &dyn Source,
        selection: &Selection,
        position: EpochPosition,
        stat: SideStat,
        backend: &dyn Backend,
    ) -> Result<Self, StatsError> {
        let from = Self::read_epoch(source, selection, position.from, stat)?;
        if position.t == 0.0 {
            return Ok(from);
        }
        let SideStat::Stat(unit_stat) = stat else {
            return Err(StatsError::EffectBetween(selection.to_string()));
        };
        let to = Self::read_epoch(source, selection, position.to, stat)?;
        let inputs = from.inputs;
        let (mut values, later) = (from.values(unit_stat, backend)?, to.values(unit_stat, backend)?);
        for (value, later) in values.iter_mut().flatten().zip(later.into_iter().flatten()) {
            *value += f64::from(position.t) * (later - *value);
        }
        Ok(Self { inputs, data: SideData::Values(values) })
    }

    /// Reads the statistic at a recorded epoch.
    fn read_epoch(
        source: &dyn Source,
        selection: &Selection,
        epoch: EpochIndex,
        stat: SideStat,
    ) -> Result<Self, StatsError> {
        match read_stored(source, selection, epoch, stat)? {
            Some(side) => Ok(side),
            None => read_rows(source, selection, epoch),
        }
    }

    /// The statistic of every unit of every layer.
    pub(super) fn values(self, stat: Stat, backend: &dyn Backend) -> Result<Vec<Vec<f64>>, StatsError> {
        let block = match self.data {
            SideData::Rows(block) => block,
            SideData::Values(values) => return Ok(values),
            SideData::Moments(moments) => {
                return Ok(moments
                    .iter()
                    .map(|layer| layer.iter().map(|unit| unit.mean).collect())
                    .collect());
            }
        };
        let reduced = backend.values(&layer_rows(&block), stat, Diff::Signed)?;
        Ok(reduced.layers.into_iter().map(|layer| layer.into_iter().map(f64::from).collect()).collect())
    }

    /// Count, mean and spread of every unit of every layer.
    pub(super) fn moments(self, backend: &dyn Backend) -> Result<Vec<Vec<UnitMoments>>, StatsError> {
        let block = match self.data {
            SideData::Moments(moments) => return Ok(moments),
            SideData::Rows(block) => block,
            SideData::Values(_) => return Ok(Vec::new()),
        };
        let layers = layer_rows(&block);
        let read = |stat| backend.values(&layers, stat, Diff::Signed).map(|reduced| reduced.layers);
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

/// The position at which `selection` is read in `recording`: its own epoch or else `epoch`.
///
/// # Errors
/// Returns a [`StatsError`] if there is no such epoch.
pub(super) fn resolve_epoch(
    recording: &Recording,
    selection: &Selection,
    epoch: EpochPosition,
) -> Result<EpochPosition, StatsError> {
    let position = match selection.epoch {
        Some(own) => own.resolve(recording)?,
        None => epoch,
    };
    let epochs = recording.epochs.len();
    match [position.from, position.to].into_iter().find(|index| index.0 >= epochs) {
        Some(index) => Err(StatsError::NoSuchEpoch { index, epochs }),
        None => Ok(position),
    }
}

/// The rows of every layer, without a comparison.
pub(super) fn layer_rows(block: &RowBlock) -> Vec<LayerRows<'_>> {
    let rows = |tensor| LayerRows { a: TensorRows { tensor, rows: &block.rows }, b: None };
    block.layers.iter().map(rows).collect()
}

/// The groups of inputs whose union is the selection; `None` for selections other than all inputs and
/// classes.
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

/// Reads the stored aggregates of the selection; `None` if there are none, or if the recorded inputs give
/// the same result.
fn read_stored(
    source: &dyn Source,
    selection: &Selection,
    epoch: EpochIndex,
    stat: SideStat,
) -> Result<Option<QuerySide>, StatsError> {
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
    let has_unrecorded_inputs = counted > recorded;
    // Merged groups and counts of finite values are more exact when computed from the inputs.
    let is_better_from_inputs =
        parts.len() > 1 || matches!(stat, SideStat::Moments | SideStat::Stat(Stat::Count));
    if !has_unrecorded_inputs && is_better_from_inputs {
        return Ok(None);
    }
    let merged: Option<Vec<Aggregate>> = (0..recording.layers.len())
        .map(|layer| merge_aggregates(&parts.iter().map(|part| part.get(layer)).collect::<Option<Vec<_>>>()?))
        .collect();
    let inputs = usize::try_from(counted).unwrap_or(usize::MAX);
    let data = merged.and_then(|layers| stored_data(recording, epoch, &layers, stat));
    match data {
        Some(data) => Ok(Some(QuerySide { inputs, data })),
        None if !has_unrecorded_inputs => Ok(None),
        None => {
            let number = recording.epochs.get(epoch.0).map_or(0, |epoch| epoch.number);
            let statistic = match stat {
                SideStat::Stat(Stat::Mean) => "the means",
                SideStat::Stat(Stat::Std) => "the standard deviations",
                SideStat::Stat(Stat::Min) => "the least values",
                SideStat::Stat(Stat::Max) => "the greatest values",
                SideStat::Stat(Stat::Rate) => "the firing rates",
                SideStat::Stat(Stat::Count) => "the counts of finite values",
                SideStat::Moments => "the means and variances",
            };
            let what = format!("{statistic} over all {counted} inputs are");
            Err(SourceError::NotRecorded { number, what }.into())
        }
    }
}

/// The statistic as stored in the aggregates of every layer; `None` if it is not stored for every unit.
fn stored_data(
    recording: &Recording,
    epoch: EpochIndex,
    layers: &[Aggregate],
    stat: SideStat,
) -> Option<SideData> {
    let wide = |values: &[f32]| -> Vec<f64> { values.iter().copied().map(f64::from).collect() };
    let pairs = recording.layers.iter().zip(layers);
    let stat = match stat {
        SideStat::Stat(stat) => stat,
        SideStat::Moments => {
            let layers = pairs.map(|(layer, stored)| {
                let variance = stored.variance.as_ref()?;
                let units = stored.mean.iter().zip(variance);
                let spread = |(&mean, &variance): (&f32, &f32)| {
                    let count = if mean.is_finite() { stored.count as f64 } else { 0.0 };
                    UnitMoments { count, mean: f64::from(mean), squares: f64::from(variance) * count }
                };
                let is_complete = stored.mean.len() == layer.units && variance.len() == layer.units;
                is_complete.then(|| units.map(spread).collect())
            });
            return layers.collect::<Option<_>>().map(SideData::Moments);
        }
    };
    let layers = pairs.map(|(layer, stored)| {
        let values = match stat {
            Stat::Mean => wide(&stored.mean),
            Stat::Min => wide(stored.min.as_ref()?),
            Stat::Max => wide(stored.max.as_ref()?),
            Stat::Rate => wide(stored.rate.as_ref()?),
            Stat::Std => {
                stored.variance.as_ref()?.iter().map(|&variance| f64::from(variance).sqrt()).collect()
            }
            Stat::Count => {
                // Values that are not finite are stored per layer, not per unit.
                let not_finite =
                    recording.epochs.get(epoch.0)?.not_finite.get(&layer.name).copied().unwrap_or(0);
                (not_finite == 0).then(|| vec![stored.count as f64; layer.units])?
            }
        };
        (values.len() == layer.units).then_some(values)
    });
    layers.collect::<Option<_>>().map(SideData::Values)
}

/// Reads the rows of the selected inputs and checks their shape against the recording.
fn read_rows(source: &dyn Source, selection: &Selection, epoch: EpochIndex) -> Result<QuerySide, StatsError> {
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
    Ok(QuerySide { inputs: wanted.len(), data: SideData::Rows(block) })
}
