//! Reductions of rows `[inputs, units]` to one number per unit.
//!
//! NaN and infinite values are skipped and counted; a unit without any finite value has none (NaN).
//! Rows and columns are cut into pieces of fixed size that the cores share, and merged in their
//! order: the result does not depend on how many cores there are.

use rayon::prelude::*;

use crate::model::Tensor;

/// Units of a piece. Its accumulators stay in the second-level cache, and a row's share of it spans
/// several pages, which hardware prefetching wants.
const PIECE_UNITS: usize = 4096;
/// Rows of a piece.
const PIECE_ROWS: usize = 1024;

/// Accumulates rows, one number or more per unit.
pub trait Reducer: Send {
    /// No rows yet, of `units` units.
    fn new(units: usize) -> Self;
    /// Takes in one row of values, one per unit.
    fn add(&mut self, row: &[f32]);
    /// Takes in what `other` saw of the same units.
    fn merge(&mut self, other: &Self);
    /// Continues with the units of `other`, which saw as many rows.
    fn append(&mut self, other: Self);
}

/// Reduces the given rows of `tensor`.
///
/// # Panics
/// When a row is outside the tensor.
pub fn reduce<R: Reducer>(tensor: &Tensor, rows: &[usize]) -> R {
    let units = tensor.columns();
    let pieces: Vec<R> = (0..units.div_ceil(PIECE_UNITS))
        .into_par_iter()
        .map(|piece| {
            let columns = piece * PIECE_UNITS..units.min((piece + 1) * PIECE_UNITS);
            let parts: Vec<R> = rows
                .par_chunks(PIECE_ROWS)
                .map(|rows| {
                    let mut part = R::new(columns.len());
                    for &row in rows {
                        part.add(&tensor.row_part(row, columns.clone()));
                    }
                    part
                })
                .collect();
            let mut parts = parts.into_iter();
            let mut whole = parts.next().unwrap_or_else(|| R::new(columns.len()));
            for part in parts {
                whole.merge(&part);
            }
            whole
        })
        .collect();
    let mut pieces = pieces.into_iter();
    let mut whole = pieces.next().unwrap_or_else(|| R::new(units));
    for piece in pieces {
        whole.append(piece);
    }
    whole
}

/// Count, mean and variance, in f64.
///
/// Sums are taken of the distance from the first finite value of each unit, so that nothing cancels
/// when a unit varies little around a large value. Merged by the formula of Chan, Golub and LeVeque,
/// "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances" (1979).
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    rows: u64,
    count: Vec<u64>,
    /// What `sums` and `squares` are relative to.
    shift: Vec<f64>,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Finite values per unit.
    pub fn count(&self) -> &[u64] {
        &self.count
    }

    /// Values per unit that were NaN or infinite.
    pub fn skipped(&self) -> Vec<u64> {
        self.count.iter().map(|count| self.rows - count).collect()
    }

    /// Mean per unit; NaN without a finite value.
    pub fn mean(&self) -> Vec<f32> {
        self.per_unit(|count, mean, _| if count > 0 { mean as f32 } else { f32::NAN })
    }

    /// Population variance per unit; NaN without a finite value.
    pub fn variance(&self) -> Vec<f32> {
        self.per_unit(|count, _, spread| if count > 0 { (spread / count as f64) as f32 } else { f32::NAN })
    }

    /// Population standard deviation per unit; NaN without a finite value.
    pub fn std(&self) -> Vec<f32> {
        self.per_unit(
            |count, _, spread| if count > 0 { (spread / count as f64).sqrt() as f32 } else { f32::NAN },
        )
    }

    fn per_unit(&self, value: impl Fn(u64, f64, f64) -> f32) -> Vec<f32> {
        (0..self.count.len())
            .map(|unit| {
                let (mean, spread) = self.centred(unit);
                value(self.count[unit], mean, spread)
            })
            .collect()
    }

    /// Mean of a unit, and the sum of squared distances from it.
    pub(super) fn centred(&self, unit: usize) -> (f64, f64) {
        let count = self.count[unit].max(1) as f64;
        let offset = self.sums[unit] / count;
        (self.shift[unit] + offset, (self.squares[unit] - self.sums[unit] * offset).max(0.0))
    }
}

impl Reducer for Moments {
    fn new(units: usize) -> Self {
        Self {
            rows: 0,
            count: vec![0; units],
            shift: vec![0.0; units],
            sums: vec![0.0; units],
            squares: vec![0.0; units],
        }
    }

    fn add(&mut self, row: &[f32]) {
        self.rows += 1;
        let units = self.count.iter_mut().zip(&mut self.shift).zip(&mut self.sums).zip(&mut self.squares);
        for ((((count, shift), sum), square), &value) in units.zip(row) {
            // Without branches, so that the loop is vectorised.
            let finite = value.is_finite();
            let value = f64::from(value);
            *shift = if finite && *count == 0 { value } else { *shift };
            let offset = if finite { value - *shift } else { 0.0 };
            *count += u64::from(finite);
            *sum += offset;
            *square += offset * offset;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        for unit in 0..self.count.len().min(other.count.len()) {
            let (ours, theirs) = (self.count[unit] as f64, other.count[unit] as f64);
            if theirs == 0.0 {
                continue;
            }
            let (their_mean, their_spread) = other.centred(unit);
            let (mean, spread) = if ours == 0.0 { (their_mean, 0.0) } else { self.centred(unit) };
            let apart = their_mean - mean;
            let share = theirs / (ours + theirs);
            self.count[unit] += other.count[unit];
            // Relative to the mean itself: the sum is zero and the squares are the spread.
            self.shift[unit] = mean + apart * share;
            self.sums[unit] = 0.0;
            self.squares[unit] = spread + their_spread + apart * apart * ours * share;
        }
    }

    fn append(&mut self, mut other: Self) {
        self.count.append(&mut other.count);
        self.shift.append(&mut other.shift);
        self.sums.append(&mut other.sums);
        self.squares.append(&mut other.squares);
    }
}

/// Least and greatest finite value.
#[derive(Clone, Debug, PartialEq)]
pub struct Extremes {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Extremes {
    /// Least value per unit; NaN without a finite value.
    pub fn min(&self) -> Vec<f32> {
        self.low.iter().map(|&low| if low.is_finite() { low } else { f32::NAN }).collect()
    }

    /// Greatest value per unit; NaN without a finite value.
    pub fn max(&self) -> Vec<f32> {
        self.high.iter().map(|&high| if high.is_finite() { high } else { f32::NAN }).collect()
    }
}

impl Reducer for Extremes {
    fn new(units: usize) -> Self {
        Self { low: vec![f32::INFINITY; units], high: vec![f32::NEG_INFINITY; units] }
    }

    fn add(&mut self, row: &[f32]) {
        for ((low, high), &value) in self.low.iter_mut().zip(&mut self.high).zip(row) {
            let finite = value.is_finite();
            *low = if finite && value < *low { value } else { *low };
            *high = if finite && value > *high { value } else { *high };
        }
    }

    fn merge(&mut self, other: &Self) {
        for (low, &theirs) in self.low.iter_mut().zip(&other.low) {
            *low = low.min(theirs);
        }
        for (high, &theirs) in self.high.iter_mut().zip(&other.high) {
            *high = high.max(theirs);
        }
    }

    fn append(&mut self, mut other: Self) {
        self.low.append(&mut other.low);
        self.high.append(&mut other.high);
    }
}

/// How often a unit fires: its value is above zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    count: Vec<u64>,
    positive: Vec<u64>,
}

impl Firing {
    /// Share of finite values above zero per unit; NaN without a finite value.
    pub fn rate(&self) -> Vec<f32> {
        self.positive
            .iter()
            .zip(&self.count)
            .map(|(&positive, &count)| (positive as f64 / count as f64) as f32)
            .collect()
    }
}

impl Reducer for Firing {
    fn new(units: usize) -> Self {
        Self { count: vec![0; units], positive: vec![0; units] }
    }

    fn add(&mut self, row: &[f32]) {
        for ((count, positive), &value) in self.count.iter_mut().zip(&mut self.positive).zip(row) {
            let finite = value.is_finite();
            *count += u64::from(finite);
            *positive += u64::from(finite && value > 0.0);
        }
    }

    fn merge(&mut self, other: &Self) {
        for (count, &theirs) in self.count.iter_mut().zip(&other.count) {
            *count += theirs;
        }
        for (positive, &theirs) in self.positive.iter_mut().zip(&other.positive) {
            *positive += theirs;
        }
    }

    fn append(&mut self, mut other: Self) {
        self.count.append(&mut other.count);
        self.positive.append(&mut other.positive);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean, population standard deviation, min, max and rate of one unit, the slow and plain way.
    fn oracle(values: &[f32]) -> [f64; 5] {
        let finite: Vec<f64> = values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v)).collect();
        if finite.is_empty() {
            return [f64::NAN; 5];
        }
        let count = finite.len() as f64;
        let mean = finite.iter().sum::<f64>() / count;
        let variance = finite.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / count;
        let low = finite.iter().copied().fold(f64::INFINITY, f64::min);
        let high = finite.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let positive = finite.iter().filter(|&&v| v > 0.0).count() as f64;
        [mean, variance.sqrt(), low, high, positive / count]
    }

    fn all(tensor: &Tensor, rows: &[usize]) -> [Vec<f32>; 5] {
        let moments: Moments = reduce(tensor, rows);
        let extremes: Extremes = reduce(tensor, rows);
        let firing: Firing = reduce(tensor, rows);
        [moments.mean(), moments.std(), extremes.min(), extremes.max(), firing.rate()]
    }

    /// Numbers in [-1, 1) that look random, with every odd kind of value among them.
    fn awkward(index: usize) -> f32 {
        let hash = (index as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        match index % 23 {
            3 => f32::NAN,
            7 => f32::INFINITY,
            11 => f32::NEG_INFINITY,
            13 => f32::from_bits(1),
            17 => -0.0,
            19 => f32::MIN_POSITIVE / 2.0,
            _ => hash as f32 / (1u64 << 23) as f32 - 1.0,
        }
    }

    fn assert_close(found: f32, expected: f64, what: &str) {
        let close = if expected.is_nan() {
            found.is_nan()
        } else {
            (f64::from(found) - expected).abs() <= 1e-7 * expected.abs() + f64::from(f32::MIN_POSITIVE)
        };
        assert!(close, "{what}: {found} is not {expected}");
    }

    #[test]
    fn every_size_agrees_with_the_plain_way() {
        let sizes = [0, 1, 2, 3, PIECE_ROWS - 1, PIECE_ROWS, PIECE_ROWS + 1, 3 * PIECE_ROWS + 5];
        for inputs in sizes {
            for units in [1, 2, 7, 33] {
                let values: Vec<f32> = (0..inputs * units).map(awkward).collect();
                let tensor = Tensor::from_f32(values.clone(), inputs, units).unwrap();
                let found = all(&tensor, &(0..inputs).collect::<Vec<_>>());
                for unit in 0..units {
                    let column: Vec<f32> = values.iter().skip(unit).step_by(units).copied().collect();
                    for (found, expected) in found.iter().zip(oracle(&column)) {
                        assert_close(found[unit], expected, &format!("unit {unit} of {inputs}×{units}"));
                    }
                }
            }
        }
    }

    #[test]
    fn pieces_of_a_wide_layer_stay_in_order() {
        for units in [PIECE_UNITS - 1, PIECE_UNITS, PIECE_UNITS + 1, 2 * PIECE_UNITS + 3] {
            let values: Vec<f32> = (0..3 * units).map(|index| index as f32).collect();
            let tensor = Tensor::from_f32(values, 3, units).unwrap();
            let [mean, _, low, high, _] = all(&tensor, &[2, 0]);
            assert_eq!(mean.len(), units);
            for unit in 0..units {
                assert_eq!(mean[unit], (units + unit) as f32);
                assert_eq!((low[unit], high[unit]), (unit as f32, (2 * units + unit) as f32));
            }
        }
    }

    #[test]
    fn only_the_given_rows_count() {
        let tensor = Tensor::from_f32(vec![1.0, 10.0, 100.0, 1000.0], 4, 1).unwrap();
        assert_eq!(reduce::<Moments>(&tensor, &[1, 3]).mean(), [505.0]);
        assert_eq!(reduce::<Moments>(&tensor, &[1, 1, 1]).std(), [0.0]);
        assert!(reduce::<Moments>(&tensor, &[]).mean()[0].is_nan());
        assert!(reduce::<Firing>(&tensor, &[]).rate()[0].is_nan());
    }

    #[test]
    fn what_is_not_finite_is_skipped_and_counted() {
        let values = vec![f32::NAN, 1.0, f32::INFINITY, 3.0, f32::NEG_INFINITY, f32::NAN];
        let tensor = Tensor::from_f32(values, 3, 2).unwrap();
        let moments: Moments = reduce(&tensor, &[0, 1, 2]);
        assert_eq!((moments.count(), moments.skipped().as_slice()), ([0, 2].as_slice(), [3, 1].as_slice()));
        let [mean, std, low, high, rate] = all(&tensor, &[0, 1, 2]);
        assert!([&mean, &std, &low, &high, &rate].iter().all(|values| values[0].is_nan()));
        assert_eq!([mean[1], std[1], low[1], high[1], rate[1]], [2.0, 1.0, 1.0, 3.0, 1.0]);
    }

    #[test]
    fn a_small_spread_around_a_large_value_survives() {
        // One part in 2^23: squares of these, in f32 or unshifted f64 sums of f32 squares, are lost.
        let values: Vec<f32> = (0..4000).map(|index| 8_388_608.0 + (index % 2) as f32).collect();
        let tensor = Tensor::from_f32(values, 4000, 1).unwrap();
        let moments: Moments = reduce(&tensor, &(0..4000).collect::<Vec<_>>());
        assert_eq!(moments.std(), [0.5]);
        let values = vec![f32::MAX, f32::MAX, f32::MAX];
        let tensor = Tensor::from_f32(values, 3, 1).unwrap();
        let moments: Moments = reduce(&tensor, &[0, 1, 2]);
        assert_eq!((moments.mean(), moments.std()), (vec![f32::MAX], vec![0.0]), "no overflow");
    }

    #[test]
    fn merging_is_as_good_as_one_pass() {
        let values: Vec<f32> = (0..900).map(|index| 1000.0 + awkward(index)).collect();
        for cut in [0, 1, 450, 899, 900] {
            let mut whole = Moments::new(1);
            let (mut left, mut right) = (Moments::new(1), Moments::new(1));
            for (index, &value) in values.iter().enumerate() {
                whole.add(&[value]);
                if index < cut { left.add(&[value]) } else { right.add(&[value]) }
            }
            left.merge(&right);
            assert_eq!((left.count(), left.skipped()), (whole.count(), whole.skipped()));
            let ((mean, spread), (expected_mean, expected_spread)) = (left.centred(0), whole.centred(0));
            assert!((mean - expected_mean).abs() < 1e-12 * expected_mean, "{mean} {expected_mean}");
            assert!((spread - expected_spread).abs() < 1e-12 * expected_spread, "{spread} {expected_spread}");
        }
    }
}
