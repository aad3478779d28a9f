//! How often a unit fires.

use multiversion::multiversion;

use super::{BLOCK_ROWS, Part, Reducer};

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
    type Part<'a> = FiringOf<'a>;

    fn new(units: usize) -> Self {
        Self { count: vec![0; units], positive: vec![0; units] }
    }

    fn parts(&mut self, width: usize, _rows: usize) -> Vec<FiringOf<'_>> {
        let parts = self.count.chunks_mut(width).zip(self.positive.chunks_mut(width));
        parts.map(|(count, positive)| FiringOf { count, positive }).collect()
    }
}

/// That of some neighbouring units.
pub struct FiringOf<'a> {
    count: &'a mut [u64],
    positive: &'a mut [u64],
}

impl Part<Firing> for FiringOf<'_> {
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

/// # Panics
/// When the slices differ in length.
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
