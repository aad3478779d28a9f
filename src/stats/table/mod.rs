//! Unit tables: the result of a query as one number per unit, a statistic of the selected inputs or the
//! difference of two selections.

mod compare;
#[cfg(test)]
mod tests;

pub use self::compare::UnmatchedLayer;
use self::compare::{LayerPair, compare, layer_names, match_layers};
use super::StatsError;
use super::backend::{Backend, DeviceCopy, Reduced, rounded};
use super::side::{QuerySide, SideData, SideStat, layer_rows, resolve_epoch};
use crate::model::{Diff, EpochIndex, EpochPosition, EpochRef, Norm, Query, Selection, Source};

/// The recordings of the two selections of a query: twice the same run, or two runs.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// The recording of [`Query::select`].
    pub a: &'a dyn Source,
    /// The recording of [`Query::minus`].
    pub b: &'a dyn Source,
}

impl<'a> Sides<'a> {
    /// Both sides in one recording.
    pub fn one(source: &'a dyn Source) -> Self {
        Self { a: source, b: source }
    }

    /// Returns `true` if both sides are the same recording.
    fn is_one(&self) -> bool {
        std::ptr::addr_eq(self.a, self.b)
    }
}

/// The unit values of every layer for one query.
#[derive(Clone, Debug, PartialEq)]
pub struct UnitTable {
    /// One value per unit of each layer of A; finite, or NaN for "no value".
    pub layers: Vec<Vec<f32>>,
    /// Per layer of A, the same values on the device of the backend. `None` if they are not there: for stored
    /// aggregates, values that were computed further, and layers without a counterpart in B.
    pub copies: Vec<Option<DeviceCopy>>,
    /// Number of inputs of [`Query::select`].
    pub inputs: usize,
    /// Number of inputs of [`Query::minus`]; `None` without it.
    pub minus_inputs: Option<usize>,
    /// Layers of A that have no values because B has no layer to compare.
    pub unmatched: Vec<UnmatchedLayer>,
}

/// Computes the unit values of `query` at an epoch of A; interpolated between two epochs. A selection with
/// an epoch of its own is read there. Otherwise B is read at the epoch with the number of A's epoch.
///
/// Stored aggregates of all inputs and of exactly one class are used as they are, e.g. the class means of a
/// DNNViz dump, in which a single NaN makes the mean of the unit NaN. All other selections are computed from
/// the values of the inputs, without those that are not finite. Where the aggregates include more inputs
/// than are recorded, only aggregates are used, merged for several classes.
///
/// # Errors
/// Returns a [`StatsError`] if a selection or its epoch is invalid, values are damaged or not recorded, the
/// two runs have no layer in common, or the reduction fails.
pub fn table(
    sides: Sides,
    query: &Query,
    epoch: EpochPosition,
    backend: &dyn Backend,
) -> Result<UnitTable, StatsError> {
    let mut from = table_at(sides, query, epoch.from, backend)?;
    let mut scales = scales(query.norm, &from);
    if epoch.t > 0.0 {
        let to = table_at(sides, query, epoch.to, backend)?;
        // Interpolate divisors like values, so that numbers and colours agree.
        for (scale, later) in scales.iter_mut().zip(self::scales(query.norm, &to)) {
            *scale += epoch.t * (later - *scale);
        }
        interpolate(&mut from.layers, &to.layers, epoch.t);
        from.copies.fill(None);
    }
    if query.norm != Norm::Raw {
        for (layer, scale) in from.layers.iter_mut().zip(scales) {
            layer.iter_mut().for_each(|value| *value /= scale);
        }
        from.copies.fill(None);
    }
    Ok(from)
}

/// The divisor of each layer for [`Query::norm`].
fn scales(norm: Norm, table: &UnitTable) -> Vec<f32> {
    let greatest =
        |layer: &Vec<f32>| layer.iter().map(|value| value.abs()).filter(|v| v.is_finite()).reduce(f32::max);
    norm.scales(&table.layers.iter().map(greatest).collect::<Vec<_>>())
}

/// Interpolates between two tables, in place of the first; a value missing in one is missing.
fn interpolate(from: &mut [Vec<f32>], to: &[Vec<f32>], t: f32) {
    for (from, to) in from.iter_mut().flatten().zip(to.iter().flatten()) {
        let value = *from + t * (to - *from);
        *from = if value.is_finite() { value } else { f32::NAN };
    }
}

/// The unit values at a recorded epoch of A, not normalised.
fn table_at(
    sides: Sides,
    query: &Query,
    epoch: EpochIndex,
    backend: &dyn Backend,
) -> Result<UnitTable, StatsError> {
    let recording = sides.a.recording();
    let stat = match (&query.minus, query.diff) {
        (Some(_), Diff::Effect) => SideStat::Moments,
        _ => SideStat::Stat(query.stat),
    };
    let here = EpochPosition::at(epoch);
    let position_a = resolve_epoch(recording, &query.select, here)?;
    let a = QuerySide::read(sides.a, &query.select, position_a, stat, backend)?;
    let inputs = a.inputs;
    let Some(minus) = &query.minus else {
        let Reduced { layers, copies } = match a.data {
            // The backend has rounded them.
            SideData::Rows(block) => backend.values(&layer_rows(&block), query.stat, query.diff)?,
            _ => Reduced::on_cpu(a.values(query.stat, backend)?.into_iter().map(rounded).collect()),
        };
        return Ok(UnitTable { layers, copies, inputs, minus_inputs: None, unmatched: Vec::new() });
    };
    let other = sides.b.recording();
    let (pairs, unmatched) = match_layers(recording, other);
    if pairs.is_empty() {
        return Err(StatsError::NoSharedLayer { a: layer_names(recording), b: layer_names(other) });
    }
    let b = read_side_b(sides, minus, epoch, stat, backend)
        .map_err(|error| if sides.is_one() { error } else { StatsError::RunB(Box::new(error)) })?;
    let minus_inputs = Some(b.inputs);
    let compared = compare(a, b, &pairs, query, backend)?;
    let mut layers: Vec<Vec<f32>> =
        recording.layers.iter().map(|layer| vec![f32::NAN; layer.units]).collect();
    let mut copies = vec![None; layers.len()];
    let compared = compared.layers.into_iter().zip(compared.copies);
    for (LayerPair { in_a, .. }, compared) in pairs.into_iter().zip(compared) {
        (layers[in_a], copies[in_a]) = compared;
    }
    Ok(UnitTable { layers, copies, inputs, minus_inputs, unmatched })
}

/// Reads side B for an epoch of A.
fn read_side_b(
    sides: Sides,
    minus: &Selection,
    epoch: EpochIndex,
    stat: SideStat,
    backend: &dyn Backend,
) -> Result<QuerySide, StatsError> {
    let recording = sides.b.recording();
    let position = if sides.is_one() || minus.epoch.is_some() {
        resolve_epoch(recording, minus, EpochPosition::at(epoch))?
    } else {
        let number = sides.a.recording().epochs.get(epoch.0).map_or(0, |epoch| epoch.number);
        EpochRef::Number(number).resolve(recording)?
    };
    QuerySide::read(sides.b, minus, position, stat, backend)
}
