//! Units laid out in a grid so that those with like profiles stand close to each other.
//!
//! The grid is halved along its longer side, again and again, and what stands in a part is halved with it:
//! first at the median of its first principal component, then at that of the direction from the one half's
//! middle to the other's, a few times over. Groups of which none differs from the others more than the
//! rest, as many classes are, would be cut in two by the first alone. Takes `n log n` steps of the length of
//! a profile.

use std::ops::Range;

use super::Profiles;
use crate::model::Grid;

/// Units, evenly spaced, that a direction is computed from at most.
const SAMPLED: usize = 1024;
/// Steps of the power iteration: it only has to find a direction in which much differs.
const STEPS: usize = 12;
/// How often halves are parted anew at most.
const PARTINGS: usize = 8;
/// Parts with more units are halved further on several cores.
const PARALLEL: usize = 2048;

/// Which unit stands at each of the first `units` places of `grid`, row by row.
pub(super) fn places(profiles: &Profiles, grid: Grid, units: usize) -> Vec<u32> {
    let mut members: Vec<u32> = (0..units as u32).collect();
    let grid = Places { columns: grid.columns as usize, units };
    let rows = units.div_ceil(grid.columns.max(1));
    let part = Part { columns: 0..grid.columns, rows: 0..rows, before: [None, None] };
    let mut found = vec![0; units];
    for (place, unit) in halve(profiles, grid, part, &mut members) {
        found[place] = unit;
    }
    found
}

/// Places of a grid, row by row; from `units` on they are empty.
#[derive(Clone, Copy)]
struct Places {
    columns: usize,
    units: usize,
}

impl Places {
    /// How many of a part of the grid are not empty.
    fn used(self, columns: &Range<usize>, rows: &Range<usize>) -> usize {
        let (full, rest) = (self.units / self.columns, self.units % self.columns);
        let whole = rows.end.min(full).saturating_sub(rows.start) * columns.len();
        let last =
            if rows.contains(&full) { rest.clamp(columns.start, columns.end) - columns.start } else { 0 };
        whole + last
    }
}

/// A part of a grid.
struct Part {
    columns: Range<usize>,
    rows: Range<usize>,
    /// Along which direction the units of the greater part were laid out, across and down. This one's are
    /// laid out the same way round.
    before: [Option<Vec<f32>>; 2],
}

/// The places of `members`, which are as many as the part has places.
fn halve(profiles: &Profiles, grid: Places, part: Part, members: &mut [u32]) -> Vec<(usize, u32)> {
    let Part { columns, rows, mut before } = part;
    match members {
        [] => return Vec::new(),
        [unit] => {
            // Its place is the first one: those behind it are empty.
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
        && let Some(direction) = parting(profiles, members, first, before[axis].as_deref())
    {
        let mut along: Vec<(f32, u32)> =
            members.iter().map(|&unit| (dot(profiles.of(unit), &direction), unit)).collect();
        along.select_nth_unstable_by(first, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        members.iter_mut().zip(along).for_each(|(member, (_, unit))| *member = unit);
        before[axis] = Some(direction);
    }
    let many = members.len() > PARALLEL;
    let (left, right) = members.split_at_mut(first);
    let [one, two] = [one, two].map(|(columns, rows)| Part { columns, rows, before: before.clone() });
    let (mut found, others) = if many {
        rayon::join(|| halve(profiles, grid, one, left), || halve(profiles, grid, two, right))
    } else {
        (halve(profiles, grid, one, left), halve(profiles, grid, two, right))
    };
    found.extend(others);
    found
}

/// The direction along which the `first` of the members are to be parted from the others, the same way
/// round as the one `before`; `None` when they do not differ.
fn parting(profiles: &Profiles, members: &[u32], first: usize, before: Option<&[f32]>) -> Option<Vec<f32>> {
    let step = members.len().div_ceil(SAMPLED);
    let sampled: Vec<&[f32]> = members.iter().step_by(step).map(|&unit| profiles.of(unit)).collect();
    let middle = middle_of(&sampled);
    let mut centred: Vec<Vec<f32>> = sampled
        .iter()
        .map(|it| it.iter().zip(&middle).map(|(value, middle)| value - middle).collect())
        .collect();
    let mut direction = principal(&centred)?;
    let turned = match before {
        Some(before) => dot(&direction, before) < 0.0,
        None => direction.iter().sum::<f32>() < 0.0,
    };
    if turned {
        direction.iter_mut().for_each(|value| *value = -*value);
    }
    let first = (first / step).clamp(1, centred.len() - 1);
    for _ in 0..PARTINGS {
        centred.select_nth_unstable_by(first, |a, b| dot(a, &direction).total_cmp(&dot(b, &direction)));
        let [low, high] = [&centred[..first], &centred[first..]].map(middle_of);
        let next = unit_length(high.iter().zip(&low).map(|(high, low)| high - low).collect())?;
        let settled = dot(&next, &direction) > 0.9999;
        direction = next;
        if settled {
            break;
        }
    }
    Some(direction)
}

/// The direction in which the profiles, whose middle is 0, differ most: power iteration on their
/// covariance, from the one that is furthest away.
fn principal(centred: &[Vec<f32>]) -> Option<Vec<f32>> {
    let furthest = centred.iter().max_by(|a, b| dot(a, a).total_cmp(&dot(b, b)))?;
    let mut direction = unit_length(furthest.clone())?;
    for _ in 0..STEPS {
        let mut next = vec![0.0; direction.len()];
        for profile in centred {
            let along = dot(profile, &direction);
            next.iter_mut().zip(profile).for_each(|(sum, value)| *sum += along * value);
        }
        direction = unit_length(next)?;
    }
    Some(direction)
}

fn middle_of<T: AsRef<[f32]>>(profiles: &[T]) -> Vec<f32> {
    let mut middle = vec![0.0; profiles.first().map_or(0, |profile| profile.as_ref().len())];
    let share = 1.0 / profiles.len() as f32;
    for profile in profiles {
        middle.iter_mut().zip(profile.as_ref()).for_each(|(sum, value)| *sum += share * value);
    }
    middle
}

/// `None` of what is too short to have a direction.
fn unit_length(mut vector: Vec<f32>) -> Option<Vec<f32>> {
    let length = vector.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    // Profiles are of length 1: below this it is rounding.
    if length.is_nan() || length < 1e-12 {
        return None;
    }
    vector.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
    Some(vector)
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
