//! Reduction to the firing rate.

use multiversion::multiversion;

use super::reducer::{BLOCK_ROWS, Reducer, ReducerPart};

/// Accumulator of the firing rate: the share of finite values above zero of each unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    count: Vec<u64>,
    positive: Vec<u64>,
}

impl Firing {
    /// Share of finite values above zero per unit, in [0, 1]; NaN without a finite value.
    pub fn rate(&self) -> Vec<f32> {
        self.positive
            .iter()
            .zip(&self.count)
            .map(|(&positive, &count)| (positive as f64 / count as f64) as f32)
            .collect()
    }
}

impl Reducer for Firing {
    type Part<'a> = FiringPart<'a>;

    fn new(units: usize) -> Self {
        Self { count: vec![0; units], positive: vec![0; units] }
    }

    fn parts(&mut self, width: usize, _rows: usize) -> Vec<FiringPart<'_>> {
        let parts = self.count.chunks_mut(width).zip(self.positive.chunks_mut(width));
        parts.map(|(count, positive)| FiringPart { count, positive }).collect()
    }
}

/// A view of some neighbouring units of [`Firing`].
pub struct FiringPart<'a> {
    count: &'a mut [u64],
    positive: &'a mut [u64],
}

impl ReducerPart<Firing> for FiringPart<'_> {
    fn merge(&mut self, other: &Firing) {
        for (count, &theirs) in self.count.iter_mut().zip(&other.count) {
            *count += theirs;
        }
        for (positive, &theirs) in self.positive.iter_mut().zip(&other.positive) {
            *positive += theirs;
        }
    }

    fn add(&mut self, rows: &[&[f32]]) {
        let (blocks, rest) = rows.as_chunks();
        for block in blocks {
            tally::<BLOCK_ROWS>(block, self.count, self.positive);
        }
        for &row in rest {
            tally(&[row], self.count, self.positive);
        }
    }
}

/// Adds the finite values of the rows to `count` and those above zero to `positive`.
///
/// # Panics
/// Panics if the slices differ in length.
#[multiversion(targets = "simd")]
fn tally<const ROWS: usize>(rows: &[&[f32]; ROWS], count: &mut [u64], positive: &mut [u64]) {
    let units = count.len();
    let rows = rows.map(|row| {
        assert_eq!(row.len(), units, "values of a row");
        &row[..units]
    });
    for (unit, (count, positive)) in count.iter_mut().zip(positive).enumerate() {
        let (mut finite, mut above) = (0_u32, 0_u32);
        for row in rows {
            finite += u32::from(row[unit].is_finite());
            above += u32::from(row[unit].is_finite() && row[unit] > 0.0);
        }
        *count += u64::from(finite);
        *positive += u64::from(above);
    }
}
