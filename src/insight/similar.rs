//! Similar units: Pearson's correlation of one unit with every other unit of its layer.

use multiversion::multiversion;
use rayon::prelude::*;

use super::summary::InputRows;
use crate::model::{Tensor, UnitIndex};

/// Greatest number of values of a layer that are read. In larger layers, inputs are sampled with an even
/// stride.
const MAX_VALUES: usize = 64 << 20;
/// Greatest number of similar units.
const MAX_SIMILAR: usize = 6;
/// Number of inputs that are summed together, fixed so that the result does not depend on the number of
/// cores.
const PIECE_INPUTS: usize = 256;
/// Least number of points; with fewer, correlations are due to chance, with two they are always ±1.
const MIN_POINTS: usize = 3;

/// A unit whose activations are correlated with those of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilarUnit {
    /// The unit.
    pub unit: UnitIndex,
    /// Pearson's correlation over the inputs, or over the class means if inputs are not recorded. In
    /// (0, 1].
    pub correlation: f32,
}

/// The units most correlated with `unit` over the inputs, the greatest correlation first. `column` has the
/// unit's value for every input. Values that are not finite are left out pair by pair. Units with a
/// constant value are similar to none.
pub(super) fn over_inputs(rows: &InputRows, unit: UnitIndex, column: &[f32]) -> Vec<SimilarUnit> {
    let InputRows { tensor, rows } = rows;
    let step = (rows.len().saturating_mul(tensor.columns())).div_ceil(MAX_VALUES).max(1);
    let points: Vec<(usize, f32)> = rows
        .iter()
        .zip(column)
        .step_by(step)
        .filter(|(_, value)| value.is_finite())
        .map(|(&row, &value)| (row, value))
        .collect();
    if points.len() < MIN_POINTS {
        return Vec::new();
    }
    let count = points.len() as f64;
    let mean = points.iter().map(|(_, value)| f64::from(*value)).sum::<f64>() / count;
    let squares: f64 = points.iter().map(|(_, value)| (f64::from(*value) - mean).powi(2)).sum();
    if squares == 0.0 {
        return Vec::new();
    }
    // Sum the distances from the first value instead of the values, to avoid cancellation.
    let shift = tensor.row(points[0].0);
    let pieces: Vec<CorrelationSums> = points
        .par_chunks(PIECE_INPUTS)
        .map(|points| {
            let mut sums = CorrelationSums::new(tensor.columns());
            let mut values = vec![0.0; tensor.columns()];
            for &(row, value) in points {
                tensor.read_row_part(row, 0..tensor.columns(), &mut values);
                sums.add(&values, &shift, f64::from(value) - mean);
            }
            sums
        })
        .collect();
    let mut sums = CorrelationSums::new(tensor.columns());
    pieces.iter().for_each(|piece| sums.merge(piece));
    let correlation = |other: usize| {
        let (sum, square, product) = (sums.sums[other], sums.squares[other], sums.products[other]);
        // A value that is not finite makes the sum of squares not finite.
        let correlation = if square.is_finite() {
            let spread = square - sum * sum / count;
            product / (spread * squares).sqrt()
        } else {
            pairwise(tensor, other, &points)
        };
        SimilarUnit { unit: UnitIndex(other), correlation: correlation.clamp(-1.0, 1.0) as f32 }
    };
    most_similar((0..tensor.columns()).filter(|&other| other != unit.0).map(correlation))
}

/// The units most correlated with `unit` over the class means, the greatest correlation first. `means` has
/// the means of all units of the layer for each class.
pub(super) fn over_classes(means: &[Vec<f32>], unit: UnitIndex) -> Vec<SimilarUnit> {
    let Some(units) = means.first().map(Vec::len) else { return Vec::new() };
    let profile = |unit: usize| means.iter().map(move |means| f64::from(means[unit]));
    let own: Vec<f64> = profile(unit.0).collect();
    let similar_unit = |other: usize| {
        let pairs: Vec<(f64, f64)> = own.iter().copied().zip(profile(other)).collect();
        SimilarUnit { unit: UnitIndex(other), correlation: pearson(&pairs) as f32 }
    };
    most_similar((0..units).filter(|&other| other != unit.0).map(similar_unit))
}

/// The units with the greatest correlations above 0; of equal ones the lowest index first.
fn most_similar(units: impl Iterator<Item = SimilarUnit>) -> Vec<SimilarUnit> {
    let mut similar: Vec<SimilarUnit> = units.filter(|unit| unit.correlation > 0.0).collect();
    similar.sort_by(|a, b| b.correlation.total_cmp(&a.correlation).then(a.unit.cmp(&b.unit)));
    similar.truncate(MAX_SIMILAR);
    similar
}

/// The correlation with a unit that has values that are not finite.
fn pairwise(tensor: &Tensor, other: usize, points: &[(usize, f32)]) -> f64 {
    let column = tensor.column(other, points.iter().map(|(row, _)| *row));
    let pairs: Vec<(f64, f64)> =
        column.into_iter().zip(points).map(|(value, (_, own))| (f64::from(value), f64::from(*own))).collect();
    pearson(&pairs)
}

/// Pearson's correlation of the pairs of finite numbers; NaN with too few pairs or a constant side.
fn pearson(pairs: &[(f64, f64)]) -> f64 {
    let pairs: Vec<&(f64, f64)> = pairs.iter().filter(|(a, b)| a.is_finite() && b.is_finite()).collect();
    if pairs.len() < MIN_POINTS {
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

/// Sums per unit from which its correlation with one unit is computed.
struct CorrelationSums {
    /// Sums of the distances from one value of the unit.
    sums: Vec<f64>,
    /// Sums of the squares of these distances.
    squares: Vec<f64>,
    /// Sums of these distances times the distance of the one unit from its mean.
    products: Vec<f64>,
}

impl CorrelationSums {
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

/// Adds the values of one input, with the distance `own` of the one unit from its mean.
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
