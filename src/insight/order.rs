//! Orders of the units on the slab of a layer.

mod response_profiles;
mod similarity;

use rayon::prelude::*;

use self::response_profiles::ResponseProfiles;
use super::selectivity::{Preference, Selectivity};
use super::still_wanted::StillWanted;
use super::summary::{InputRows, LayerSummary, unit_means};
use crate::model::{EpochIndex, Grid, LayerIndex, OrderBy, Source};
use crate::stats::StatsError;

/// Greatest number of inputs, evenly spaced, in a response profile.
const MAX_INPUTS: usize = 64;
/// Greatest number of classes, evenly spaced, in a response profile.
const MAX_CLASSES: usize = 64;
/// With fewer classes, response profiles are over inputs.
const MIN_CLASSES: usize = 3;

/// Computes an order of the units of every layer: the unit at each place of its grid, row by row from the
/// top left, a permutation of its units. `grids` has one grid per layer, with at least as many cells as the
/// layer has units. `None` if it was no longer `wanted`.
///
/// - [`OrderBy::Activation`] sorts by `values`, one per unit of each layer, or without them by the units'
///   means at `epoch`; the greatest first, units without a value last, equal units in the order of the
///   network.
/// - [`OrderBy::Selectivity`] sorts by preferred class, within it by selectivity index, the greatest first;
///   units without a preferred class last.
/// - [`OrderBy::Similarity`] places units with similar class means close to each other in the grid.
///
/// # Errors
/// Returns a [`StatsError`] if the epoch is damaged, or neither means nor values of inputs are recorded.
pub fn unit_permutations(
    source: &dyn Source,
    values: Option<&[Vec<f32>]>,
    by: OrderBy,
    epoch: EpochIndex,
    grids: &[Grid],
    wanted: StillWanted,
) -> Result<Option<Vec<Vec<u32>>>, StatsError> {
    let layers = source.recording().layers.len().min(grids.len());
    let of_layer = |index: usize| -> Result<Option<Vec<u32>>, StatsError> {
        let layer = LayerIndex(index);
        if !wanted() {
            return Ok(None);
        }
        let units = source.recording().layers[index].units;
        Ok(Some(match by {
            OrderBy::Activation => {
                let values =
                    values.and_then(|values| values.get(index)).filter(|values| values.len() == units);
                match values {
                    Some(values) => greatest_first(values),
                    None => greatest_first(&unit_means(source, epoch, layer)?),
                }
            }
            OrderBy::Selectivity => by_preferred_class(&preferences(source, epoch, layer, units)?),
            OrderBy::Similarity => {
                similarity::places(&response_profiles(source, epoch, layer, units)?, grids[index], units)
            }
        }))
    };
    (0..layers).into_par_iter().map(of_layer).collect()
}

/// Units by descending value; units without a value last.
fn greatest_first(values: &[f32]) -> Vec<u32> {
    let mut units: Vec<u32> = (0..values.len() as u32).collect();
    let value = |unit: u32| Some(values[unit as usize]).filter(|value| !value.is_nan());
    // The sort is stable: equal units keep their order. `None` is less than every value.
    units.sort_by(|&a, &b| value(b).partial_cmp(&value(a)).unwrap_or(std::cmp::Ordering::Equal));
    units
}

/// Computes the class preference of every unit of a layer.
fn preferences(
    source: &dyn Source,
    epoch: EpochIndex,
    layer: LayerIndex,
    units: usize,
) -> Result<Vec<Preference>, StatsError> {
    let mut preferences = vec![Preference::default(); units];
    LayerSummary::read(source, epoch, layer, |class, means| {
        preferences.iter_mut().zip(means).for_each(|(preference, &mean)| preference.add(class, mean));
    })?;
    Ok(preferences)
}

/// Units by preferred class and descending selectivity index.
fn by_preferred_class(preferences: &[Preference]) -> Vec<u32> {
    let selectivity: Vec<Option<Selectivity>> = preferences.iter().map(Preference::selectivity).collect();
    let mut units: Vec<u32> = (0..preferences.len() as u32).collect();
    units.sort_by(|&a, &b| match (selectivity[a as usize], selectivity[b as usize]) {
        (Some(a), Some(b)) => a.class.cmp(&b.class).then(b.index.total_cmp(&a.index)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    units
}

/// Computes response profiles over classes, else over inputs, else from the means over all inputs.
fn response_profiles(
    source: &dyn Source,
    epoch: EpochIndex,
    layer: LayerIndex,
    units: usize,
) -> Result<ResponseProfiles, StatsError> {
    let classes = source.recording().classes.len();
    let step = classes.div_ceil(MAX_CLASSES).max(1);
    let mut columns = Vec::new();
    let summary = LayerSummary::read(source, epoch, layer, |class, means| {
        if class % step == 0 {
            columns.push((class, means.to_vec()));
        }
    })?;
    if columns.len() >= MIN_CLASSES {
        // The summary may pass the classes in any order.
        columns.sort_by_key(|(class, _)| *class);
        let columns: Vec<Vec<f32>> = columns.into_iter().map(|(_, means)| means).collect();
        return Ok(ResponseProfiles::new(&columns, units));
    }
    if let Some(InputRows { tensor, rows }) = InputRows::read(source, epoch, layer)?
        && rows.len() >= MIN_CLASSES
    {
        let step = rows.len().div_ceil(MAX_INPUTS);
        let columns: Vec<Vec<f32>> =
            rows.iter().step_by(step).map(|&row| tensor.row(row).into_owned()).collect();
        return Ok(ResponseProfiles::new(&columns, units));
    }
    Ok(ResponseProfiles::new(&[summary.mean], units))
}

#[cfg(test)]
mod tests;
