//! In which order the units of a layer stand on its slab.

mod similarity;

use rayon::prelude::*;

use super::selectivity::Preference;
use super::summary::{Rows, Summary, means};
use super::{Selectivity, Wanted};
use crate::model::{Grid, OrderBy, Source};
use crate::stats::StatsError;

/// Inputs that the units' likeness is told by where there are too few classes for that.
const MOST_INPUTS: usize = 64;
/// Classes, evenly spaced, that it is told by at most.
const MOST_CLASSES: usize = 64;
/// With fewer classes, inputs tell more.
const LEAST_CLASSES: usize = 3;

/// Per layer, which unit stands at each place of its grid, row by row from the top left: a permutation of
/// its units. `grids` has one grid for each layer, with at least as many cells as the layer has units.
/// `None` when it was no longer `wanted`.
///
/// By activation it is by `values`, one per unit of each layer, or by the units' means at `epoch` (an
/// index) where there are none; the greatest first, units without a value last, equals as they are. By
/// selectivity units of one preferred class stand together, the most selective of them first, and units
/// without one last. By similarity units whose means over the classes rise and fall together stand close
/// to each other in the grid.
///
/// # Errors
/// When the epoch is damaged, or there is neither a mean nor an input to tell from.
pub fn unit_permutations(
    source: &dyn Source,
    values: Option<&[Vec<f32>]>,
    by: OrderBy,
    epoch: usize,
    grids: &[Grid],
    wanted: Wanted,
) -> Result<Option<Vec<Vec<u32>>>, StatsError> {
    let layers = source.recording().layers.len().min(grids.len());
    let of_layer = |layer: usize| -> Result<Option<Vec<u32>>, StatsError> {
        if !wanted() {
            return Ok(None);
        }
        let units = source.recording().layers[layer].units;
        Ok(Some(match by {
            OrderBy::Activation => {
                let given = values.and_then(|values| values.get(layer)).filter(|it| it.len() == units);
                match given {
                    Some(values) => greatest_first(values),
                    None => greatest_first(&means(source, epoch, layer)?),
                }
            }
            OrderBy::Selectivity => by_class(&preferences(source, epoch, layer, units)?),
            OrderBy::Similarity => {
                similarity::places(&profiles(source, epoch, layer, units)?, grids[layer], units)
            }
        }))
    };
    (0..layers).into_par_iter().map(of_layer).collect()
}

fn greatest_first(values: &[f32]) -> Vec<u32> {
    let mut units: Vec<u32> = (0..values.len() as u32).collect();
    let value = |unit: u32| Some(values[unit as usize]).filter(|value| !value.is_nan());
    // Stable, so that equals stay as they are; `None` is below every value.
    units.sort_by(|&a, &b| value(b).partial_cmp(&value(a)).unwrap_or(std::cmp::Ordering::Equal));
    units
}

fn preferences(
    source: &dyn Source,
    epoch: usize,
    layer: usize,
    units: usize,
) -> Result<Vec<Preference>, StatsError> {
    let mut preferences = vec![Preference::default(); units];
    Summary::read(source, epoch, layer, |class, means| {
        preferences.iter_mut().zip(means).for_each(|(preference, &mean)| preference.add(class, mean));
    })?;
    Ok(preferences)
}

fn by_class(preferences: &[Preference]) -> Vec<u32> {
    let selectivity: Vec<Option<Selectivity>> = preferences.iter().map(Preference::selectivity).collect();
    let mut units: Vec<u32> = (0..preferences.len() as u32).collect();
    units.sort_by(|&a, &b| match (selectivity[a as usize], selectivity[b as usize]) {
        (Some(a), Some(b)) => a.class.cmp(&b.class).then(b.index.total_cmp(&a.index)),
        (a, b) => a.is_none().cmp(&b.is_none()),
    });
    units
}

/// What the units of a layer answer to, as rows `[units, points]`.
struct Profiles {
    /// Rows have mean 0 and length 1, or are 0 where a unit answers alike to everything. Of a single
    /// point they are as they are.
    values: Vec<f32>,
    points: usize,
}

impl Profiles {
    fn of(&self, unit: u32) -> &[f32] {
        &self.values[unit as usize * self.points..][..self.points]
    }

    /// From one column for each point.
    fn new(columns: &[Vec<f32>], units: usize) -> Self {
        let points = columns.len();
        let mut values = vec![0.0; units * points];
        for (point, column) in columns.iter().enumerate() {
            for (unit, &value) in column.iter().enumerate().take(units) {
                values[unit * points + point] = value;
            }
        }
        if points > 1 {
            values.chunks_exact_mut(points).for_each(standardise);
        } else {
            values.iter_mut().filter(|value| !value.is_finite()).for_each(|value| *value = 0.0);
        }
        Self { values, points }
    }
}

/// To mean 0 and length 1; where there is no value it is as if there were the mean.
fn standardise(profile: &mut [f32]) {
    let finite = || profile.iter().filter(|value| value.is_finite()).map(|&value| f64::from(value));
    let mean = finite().sum::<f64>() / finite().count().max(1) as f64;
    let length = finite().map(|value| (value - mean).powi(2)).sum::<f64>().sqrt();
    for value in profile {
        let usable = value.is_finite() && length > 0.0;
        *value = if usable { ((f64::from(*value) - mean) / length) as f32 } else { 0.0 };
    }
}

fn profiles(source: &dyn Source, epoch: usize, layer: usize, units: usize) -> Result<Profiles, StatsError> {
    let classes = source.recording().classes.len();
    let step = classes.div_ceil(MOST_CLASSES).max(1);
    let mut columns = Vec::new();
    let summary = Summary::read(source, epoch, layer, |class, means| {
        if class % step == 0 {
            columns.push((class, means.to_vec()));
        }
    })?;
    if columns.len() >= LEAST_CLASSES {
        // They may come in any order.
        columns.sort_by_key(|(class, _)| *class);
        let columns: Vec<Vec<f32>> = columns.into_iter().map(|(_, means)| means).collect();
        return Ok(Profiles::new(&columns, units));
    }
    if let Some(Rows { tensor, rows }) = Rows::read(source, epoch, layer)?
        && rows.len() >= LEAST_CLASSES
    {
        let step = rows.len().div_ceil(MOST_INPUTS);
        let columns: Vec<Vec<f32>> =
            rows.iter().step_by(step).map(|&row| tensor.row(row).into_owned()).collect();
        return Ok(Profiles::new(&columns, units));
    }
    Ok(Profiles::new(&[summary.mean], units))
}

#[cfg(test)]
mod tests;
