//! Units of a layer that answer alike: Pearson's correlation of one unit with every other.

use multiversion::multiversion;
use rayon::prelude::*;

use super::SimilarUnit;
use super::summary::Rows;
use crate::model::Tensor;

/// Values of a layer up to which all inputs are compared. Of larger layers it is as many inputs, evenly
/// spaced, as have about so many values.
const MOST_VALUES: usize = 64 << 20;
/// How many are told.
const MOST: usize = 6;
/// Inputs that are taken together: what is summed depends on them alone, not on the number of cores.
const PIECE: usize = 256;
/// With fewer points any two units correlate by chance, with two even exactly.
const LEAST_POINTS: usize = 3;

/// The units most like `unit` over all inputs, or evenly spaced ones of a large layer; the most alike
/// first. `column` holds the unit's value for every input. Values that are not finite are left out pair by
/// pair. Units that never change are like nothing.
pub(super) fn over_inputs(rows: &Rows, unit: usize, column: &[f32]) -> Vec<SimilarUnit> {
    let Rows { tensor, rows } = rows;
    let step = (rows.len().saturating_mul(tensor.columns())).div_ceil(MOST_VALUES).max(1);
    let points: Vec<(usize, f32)> = rows
        .iter()
        .zip(column)
        .step_by(step)
        .filter(|(_, value)| value.is_finite())
        .map(|(&row, &value)| (row, value))
        .collect();
    if points.len() < LEAST_POINTS {
        return Vec::new();
    }
    let count = points.len() as f64;
    let mean = points.iter().map(|(_, value)| f64::from(*value)).sum::<f64>() / count;
    let squares: f64 = points.iter().map(|(_, value)| (f64::from(*value) - mean).powi(2)).sum();
    if squares == 0.0 {
        return Vec::new();
    }
    // Sums are of distances from the first value, so that nothing cancels.
    let shift = tensor.row(points[0].0);
    let pieces: Vec<Sums> = points
        .par_chunks(PIECE)
        .map(|points| {
            let mut sums = Sums::new(tensor.columns());
            let mut values = vec![0.0; tensor.columns()];
            for &(row, value) in points {
                tensor.read_row_part(row, 0..tensor.columns(), &mut values);
                sums.add(&values, &shift, f64::from(value) - mean);
            }
            sums
        })
        .collect();
    let mut sums = Sums::new(tensor.columns());
    pieces.iter().for_each(|piece| sums.merge(piece));
    let correlation = |other: usize| {
        let (sum, square, product) = (sums.sums[other], sums.squares[other], sums.products[other]);
        // Whatever is not finite among the values shows in their squares.
        let found = if square.is_finite() {
            let spread = square - sum * sum / count;
            product / (spread * squares).sqrt()
        } else {
            pairwise(tensor, other, &points)
        };
        SimilarUnit { unit: other, correlation: found.clamp(-1.0, 1.0) as f32 }
    };
    most_alike((0..tensor.columns()).filter(|&other| other != unit).map(correlation))
}

/// The same over the classes' means: `means` has the layer's units for each class.
pub(super) fn over_classes(means: &[Vec<f32>], unit: usize) -> Vec<SimilarUnit> {
    let Some(units) = means.first().map(Vec::len) else { return Vec::new() };
    let profile = |unit: usize| means.iter().map(move |means| f64::from(means[unit]));
    let own: Vec<f64> = profile(unit).collect();
    let twin = |other: usize| {
        let pairs: Vec<(f64, f64)> = own.iter().copied().zip(profile(other)).collect();
        SimilarUnit { unit: other, correlation: pearson(&pairs) as f32 }
    };
    most_alike((0..units).filter(|&other| other != unit).map(twin))
}

/// The greatest correlations above 0, the first of equals first.
fn most_alike(twins: impl Iterator<Item = SimilarUnit>) -> Vec<SimilarUnit> {
    let mut twins: Vec<SimilarUnit> = twins.filter(|twin| twin.correlation > 0.0).collect();
    twins.sort_by(|a, b| b.correlation.total_cmp(&a.correlation).then(a.unit.cmp(&b.unit)));
    twins.truncate(MOST);
    twins
}

/// Of a unit with values that are not finite.
fn pairwise(tensor: &Tensor, other: usize, points: &[(usize, f32)]) -> f64 {
    let column = tensor.column(other, points.iter().map(|(row, _)| *row));
    let pairs: Vec<(f64, f64)> =
        column.into_iter().zip(points).map(|(it, (_, own))| (f64::from(it), f64::from(*own))).collect();
    pearson(&pairs)
}

/// Of the pairs of finite numbers; NaN where there are too few or one side never changes.
fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let pairs: Vec<&(f64, f64)> = pairs.iter().filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    if pairs.len() < LEAST_POINTS {
        return f64::NAN;
    }
    let count = pairs.len() as f64;
    let (mean_a, mean_b) =
        pairs.iter().fold((0.0, 0.0), |(a, b), pair| (a + pair.0 / count, b + pair.1 / count));
    let (mut product, mut squares_a, mut squares_b) = (0.0, 0.0, 0.0);
    for (a, b) in pairs {
        product += (a - mean_a) * (b - mean_b);
        squares_a += (a - mean_a).powi(2);
        squares_b += (b - mean_b).powi(2);
    }
    product / (squares_a * squares_b).sqrt()
}

/// Per unit, what its correlation with one of them is computed from.
struct Sums {
    /// Of distances from a value of the unit.
    sums: Vec<f64>,
    squares: Vec<f64>,
    /// Of these by the distance of the one unit from its mean.
    products: Vec<f64>,
}

impl Sums {
    fn new(units: usize) -> Self {
        Self { sums: vec![0.0; units], squares: vec![0.0; units], products: vec![0.0; units] }
    }

    fn add(&mut self, values: &[f32], shift: &[f32], own: f64) {
        add(values, shift, own, &mut self.sums, &mut self.squares, &mut self.products);
    }

    fn merge(&mut self, other: &Self) {
        for (sums, others) in [
            (&mut self.sums, &other.sums),
            (&mut self.squares, &other.squares),
            (&mut self.products, &other.products),
        ] {
            sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
        }
    }
}

#[multiversion(targets = "simd")]
fn add(values: &[f32], shift: &[f32], own: f64, sums: &mut [f64], squares: &mut [f64], products: &mut [f64]) {
    let sums = sums.iter_mut().zip(squares).zip(products);
    for ((&value, &shift), ((sum, square), product)) in values.iter().zip(shift).zip(sums) {
        let offset = f64::from(value) - f64::from(shift);
        *sum += offset;
        *square += offset * offset;
        *product += offset * own;
    }
}
