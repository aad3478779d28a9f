//! Reduction to the least and greatest finite value.

use multiversion::multiversion;

use super::reducer::{BLOCK_ROWS, Reducer, ReducerPart};

/// Accumulator of the least and greatest finite value of each unit.
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
    type Part<'a> = ExtremesPart<'a>;

    fn new(units: usize) -> Self {
        Self { low: vec![f32::INFINITY; units], high: vec![f32::NEG_INFINITY; units] }
    }

    fn parts(&mut self, width: usize, _rows: usize) -> Vec<ExtremesPart<'_>> {
        let parts = self.low.chunks_mut(width).zip(self.high.chunks_mut(width));
        parts.map(|(low, high)| ExtremesPart { low, high }).collect()
    }
}

/// A view of some neighbouring units of [`Extremes`].
pub struct ExtremesPart<'a> {
    low: &'a mut [f32],
    high: &'a mut [f32],
}

impl ReducerPart<Extremes> for ExtremesPart<'_> {
    fn merge(&mut self, other: &Extremes) {
        for (low, &theirs) in self.low.iter_mut().zip(&other.low) {
            *low = low.min(theirs);
        }
        for (high, &theirs) in self.high.iter_mut().zip(&other.high) {
            *high = high.max(theirs);
        }
    }

    fn add(&mut self, rows: &[&[f32]]) {
        let (blocks, rest) = rows.as_chunks();
        for block in blocks {
            widen::<BLOCK_ROWS>(block, self.low, self.high);
        }
        for &row in rest {
            widen(&[row], self.low, self.high);
        }
    }
}

/// Extends `low` and `high` by the finite values of the rows.
///
/// # Panics
/// Panics if the slices differ in length.
#[multiversion(targets = "simd")]
fn widen<const ROWS: usize>(rows: &[&[f32]; ROWS], low: &mut [f32], high: &mut [f32]) {
    let units = low.len();
    let rows = rows.map(|row| {
        assert_eq!(row.len(), units, "values of a row");
        &row[..units]
    });
    for (unit, (low, high)) in low.iter_mut().zip(high).enumerate() {
        let (mut least, mut greatest) = (*low, *high);
        for row in rows {
            let value = row[unit];
            least = if value < least && value > f32::NEG_INFINITY { value } else { least };
            greatest = if value > greatest && value < f32::INFINITY { value } else { greatest };
        }
        (*low, *high) = (least, greatest);
    }
}
