//! Placement of units in a grid such that units with similar response profiles are close to each other.
//!
//! The grid is halved recursively along its longer side, and the units of each part are divided between its
//! halves: first at the median along their first principal component, then a few times at the median along
//! the direction from the centre of one half to that of the other. The principal component alone would cut
//! through groups when no group differs from the others more than the rest, which is common with many
//! classes. The cost is O(n log n) times the length of a profile.

use std::ops::Range;

use super::response_profiles::ResponseProfiles;
use crate::model::Grid;

/// Greatest number of units, evenly spaced, from which a direction is computed.
const MAX_SAMPLE: usize = 1024;
/// Number of steps of the power iteration. It need not converge: any direction of large variance will do.
const POWER_ITERATIONS: usize = 12;
/// Greatest number of refinements of a direction.
const MAX_REFINEMENTS: usize = 8;
/// Parts with more units are divided in parallel.
const MIN_PARALLEL: usize = 2048;

/// Returns the unit at each of the first `units` places of `grid`, row by row.
pub(super) fn places(profiles: &ResponseProfiles, grid: Grid, units: usize) -> Vec<u32> {
    let mut members: Vec<u32> = (0..units as u32).collect();
    let grid = GridPlaces { columns: grid.columns as usize, units };
    let rows = units.div_ceil(grid.columns.max(1));
    let part = GridPart { columns: 0..grid.columns, rows: 0..rows, previous: [None, None] };
    let mut unit_at = vec![0; units];
    for (place, unit) in divide(profiles, grid, part, &mut members) {
        unit_at[place] = unit;
    }
    unit_at
}

/// The places of a grid, row by row; those from `units` on are empty.
#[derive(Clone, Copy)]
struct GridPlaces {
    columns: usize,
    units: usize,
}

impl GridPlaces {
    /// Number of places of a part of the grid that are not empty.
    fn used(self, columns: &Range<usize>, rows: &Range<usize>) -> usize {
        let (full, rest) = (self.units / self.columns, self.units % self.columns);
        let whole = rows.end.min(full).saturating_sub(rows.start) * columns.len();
        let last =
            if rows.contains(&full) { rest.clamp(columns.start, columns.end) - columns.start } else { 0 };
        whole + last
    }
}

/// A part of a grid.
struct GridPart {
    columns: Range<usize>,
    rows: Range<usize>,
    /// Directions along which the units of the enclosing part are divided, horizontally and vertically.
    /// Those of this part get the same orientation.
    previous: [Option<Vec<f32>>; 2],
}

/// Assigns `members`, as many as the part has places, to the places of the part: pairs (place, unit).
fn divide(
    profiles: &ResponseProfiles,
    grid: GridPlaces,
    part: GridPart,
    members: &mut [u32],
) -> Vec<(usize, u32)> {
    let GridPart { columns, rows, mut previous } = part;
    match members {
        [] => return Vec::new(),
        [unit] => {
            // Its place is the first of the part; the others are empty.
            return vec![(rows.start * grid.columns + columns.start, *unit)];
        }
        _ => {}
    }
    let axis = usize::from(columns.len() < rows.len());
    let middle = |range: &Range<usize>| range.start + range.len().div_ceil(2);
    let [one, two] = if axis == 0 {
        let middle = middle(&columns);
        [(columns.start..middle, rows.clone()), (middle..columns.end, rows)]
    } else {
        let middle = middle(&rows);
        [(columns.clone(), rows.start..middle), (columns, middle..rows.end)]
    };
    let first = grid.used(&one.0, &one.1);
    if (1..members.len()).contains(&first)
        && let Some(direction) = dividing_direction(profiles, members, first, previous[axis].as_deref())
    {
        let mut along: Vec<(f32, u32)> =
            members.iter().map(|&unit| (dot(profiles.of_unit(unit), &direction), unit)).collect();
        along.select_nth_unstable_by(first, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        members.iter_mut().zip(along).for_each(|(member, (_, unit))| *member = unit);
        previous[axis] = Some(direction);
    }
    let is_parallel = members.len() > MIN_PARALLEL;
    let (left, right) = members.split_at_mut(first);
    let [one, two] = [one, two].map(|(columns, rows)| GridPart { columns, rows, previous: previous.clone() });
    let (mut places, others) = if is_parallel {
        rayon::join(|| divide(profiles, grid, one, left), || divide(profiles, grid, two, right))
    } else {
        (divide(profiles, grid, one, left), divide(profiles, grid, two, right))
    };
    places.extend(others);
    places
}

/// The direction along which to divide the `first` members from the others, with the orientation of
/// `previous`; `None` if the members do not differ.
fn dividing_direction(
    profiles: &ResponseProfiles,
    members: &[u32],
    first: usize,
    previous: Option<&[f32]>,
) -> Option<Vec<f32>> {
    let step = members.len().div_ceil(MAX_SAMPLE);
    let sampled: Vec<&[f32]> = members.iter().step_by(step).map(|&unit| profiles.of_unit(unit)).collect();
    let centre = centre_of(&sampled);
    let mut centred: Vec<Vec<f32>> = sampled
        .iter()
        .map(|profile| profile.iter().zip(&centre).map(|(value, centre)| value - centre).collect())
        .collect();
    let mut direction = principal_component(&centred)?;
    let is_reversed = match previous {
        Some(previous) => dot(&direction, previous) < 0.0,
        None => direction.iter().sum::<f32>() < 0.0,
    };
    if is_reversed {
        direction.iter_mut().for_each(|value| *value = -*value);
    }
    let first = (first / step).clamp(1, centred.len() - 1);
    for _ in 0..MAX_REFINEMENTS {
        centred.select_nth_unstable_by(first, |a, b| dot(a, &direction).total_cmp(&dot(b, &direction)));
        let [low, high] = [&centred[..first], &centred[first..]].map(centre_of);
        let next = unit_length(high.iter().zip(&low).map(|(high, low)| high - low).collect())?;
        let has_converged = dot(&next, &direction) > 0.9999;
        direction = next;
        if has_converged {
            break;
        }
    }
    Some(direction)
}

/// The first principal component of profiles with mean 0: power iteration on their covariance, starting
/// with the longest profile. `None` if all are 0.
fn principal_component(centred: &[Vec<f32>]) -> Option<Vec<f32>> {
    let longest = centred.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)))?;
    let mut direction = unit_length(longest.clone())?;
    for _ in 0..POWER_ITERATIONS {
        let mut next = vec![0.0; direction.len()];
        for profile in centred {
            let along = dot(profile, &direction);
            next.iter_mut().zip(profile).for_each(|(sum, value)| *sum += along * value);
        }
        direction = unit_length(next)?;
    }
    Some(direction)
}

/// The mean of the profiles.
fn centre_of<T: AsRef<[f32]>>(profiles: &[T]) -> Vec<f32> {
    let mut centre = vec![0.0; profiles.first().map_or(0, |profile| profile.as_ref().len())];
    let share = 1.0 / profiles.len() as f32;
    for profile in profiles {
        centre.iter_mut().zip(profile.as_ref()).for_each(|(sum, value)| *sum += share * value);
    }
    centre
}

/// Scales a vector to length 1; `None` if it is too short to have a direction.
fn unit_length(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    // Profiles are of length 1, so a shorter vector than this is a rounding error.
    if length.is_nan() || length < 1e-12 {
        return None;
    }
    vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    Some(vector)
}

/// The dot product.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
