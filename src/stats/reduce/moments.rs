//! Reduction to count, mean and variance.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

use super::reducer::{BLOCK_ROWS, Reducer, ReducerPart};

/// Number of units whose sums are kept in registers during a block of rows.
const STRIP: usize = 16;
/// Number of rows that are added at once when fewer than a block are left.
const REST_ROWS: usize = 4;
/// Distance of the software prefetch, in values. The hardware prefetcher follows one row well, but not
/// many at once, and stops at the end of each page.
const PREFETCH_DISTANCE: usize = 256;

/// Numbers of [`STRIP`] neighbouring units.
type Strip<T> = [T; STRIP];

/// Accumulator of count, mean and variance of each unit, in f64, for fewer than 2^32 rows.
///
/// It sums the distances from the first finite value of each unit instead of the values, to avoid
/// cancellation when a unit varies little around a large value: the distance of that first value from the
/// mean is part of the variance, so the sums are never much larger than the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments {
    rows: u64,
    /// Number of values that are not finite.
    skipped: Vec<u32>,
    /// Origin of `sums` and `squares`; not finite as long as there is no finite value.
    shift: Vec<f32>,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

impl Moments {
    /// Number of finite values per unit.
    pub fn count(&self) -> Vec<u64> {
        self.skipped.iter().map(|&skipped| self.rows - u64::from(skipped)).collect()
    }

    /// Number of NaN or infinite values per unit.
    pub fn skipped(&self) -> &[u32] {
        &self.skipped
    }

    /// Mean per unit; NaN without a finite value.
    pub fn mean(&self) -> Vec<f32> {
        per_unit(self, |_, mean, _| mean)
    }

    /// Population variance per unit; NaN without a finite value.
    pub fn variance(&self) -> Vec<f32> {
        per_unit(self, |count, _, squares| squares / count)
    }

    /// Population standard deviation per unit; NaN without a finite value.
    pub fn std(&self) -> Vec<f32> {
        per_unit(self, |count, _, squares| (squares / count).sqrt())
    }

    /// Mean of a unit, and the sum of squared distances from it; NaN without a finite value.
    pub(in crate::stats) fn centred(&self, unit: usize) -> (f64, f64) {
        centred(
            (self.rows - u64::from(self.skipped[unit])) as f64,
            self.shift[unit],
            self.sums[unit],
            self.squares[unit],
        )
    }
}

#[inline(always)]
fn centred(count: f64, shift: f32, sum: f64, square: f64) -> (f64, f64) {
    let offset = sum / count;
    let squares = square - sum * offset;
    (f64::from(shift) + offset, if squares < 0.0 { 0.0 } else { squares })
}

/// Applies `value` to count, mean and sum of squared distances from the mean of each unit.
#[multiversion(targets = "simd")]
fn per_unit<F: Fn(f64, f64, f64) -> f64>(moments: &Moments, value: F) -> Vec<f32> {
    let Moments { rows, skipped, shift, sums, squares } = moments;
    let units = skipped.iter().zip(shift).zip(sums.iter().zip(squares));
    units
        .map(|((&skipped, &shift), (&sum, &square))| {
            let count = (rows - u64::from(skipped)) as f64;
            let (mean, squares) = centred(count, shift, sum, square);
            value(count, mean, squares) as f32
        })
        .collect()
}

impl Reducer for Moments {
    type Part<'a> = MomentsPart<'a>;

    fn new(units: usize) -> Self {
        Self {
            rows: 0,
            skipped: vec![0; units],
            shift: vec![f32::NAN; units],
            sums: vec![0.0; units],
            squares: vec![0.0; units],
        }
    }

    fn parts(&mut self, width: usize, rows: usize) -> Vec<MomentsPart<'_>> {
        let before = self.rows;
        self.rows += rows as u64;
        let units = self.skipped.chunks_mut(width).zip(self.shift.chunks_mut(width));
        let sums = self.sums.chunks_mut(width).zip(self.squares.chunks_mut(width));
        let part =
            |((skipped, shift), (sums, squares))| MomentsPart { rows: before, skipped, shift, sums, squares };
        units.zip(sums).map(part).collect()
    }

    fn rows(&self) -> usize {
        self.rows as usize
    }
}

/// A view of some neighbouring units of [`Moments`].
pub struct MomentsPart<'a> {
    rows: u64,
    skipped: &'a mut [u32],
    shift: &'a mut [f32],
    sums: &'a mut [f64],
    squares: &'a mut [f64],
}

impl ReducerPart<Moments> for MomentsPart<'_> {
    fn add(&mut self, rows: &[&[f32]]) {
        if self.rows == 0
            && let Some(first) = rows.first()
        {
            self.shift.copy_from_slice(first);
        }
        self.rows += rows.len() as u64;
        let (blocks, rest) = rows.as_chunks::<BLOCK_ROWS>();
        for block in blocks {
            self.add_block(block, block);
        }
        if rest.is_empty() {
            return;
        }
        // Missing rows are filled with the shift itself, which adds nothing to the sums.
        let shift = self.shift.to_vec();
        for some in rest.chunks(REST_ROWS) {
            let mut filled = [shift.as_slice(); REST_ROWS];
            filled[..some.len()].copy_from_slice(some);
            self.add_block(&filled, some);
        }
    }

    fn merge(&mut self, other: &Moments) {
        for unit in 0..self.skipped.len().min(other.skipped.len()) {
            let ours = self.rows - u64::from(self.skipped[unit]);
            let theirs = other.rows - u64::from(other.skipped[unit]);
            self.skipped[unit] += other.skipped[unit];
            if theirs == 0 {
                continue;
            }
            if ours == 0 {
                self.shift[unit] = other.shift[unit];
            }
            // The sums of the other, relative to our shift.
            let count = theirs as f64;
            let apart = f64::from(other.shift[unit]) - f64::from(self.shift[unit]);
            let sum = other.sums[unit] + count * apart;
            self.squares[unit] += other.squares[unit] + apart * (other.sums[unit] + sum);
            self.sums[unit] += sum;
        }
        self.rows += other.rows;
    }
}

impl MomentsPart<'_> {
    /// Adds `rows`; `filled` has in addition rows that add nothing.
    fn add_block<const ROWS: usize>(&mut self, filled: &[&[f32]; ROWS], rows: &[&[f32]]) {
        let skipped_strips = add_finite(filled, self.shift, self.sums, self.squares);
        for strip in skipped_strips {
            add_any::<STRIP>(self, rows, strip * STRIP);
        }
        for unit in self.sums.len() / STRIP * STRIP..self.sums.len() {
            add_any::<1>(self, rows, unit);
        }
    }
}

/// Adds the rows to the sums of whole strips of units and returns the strips that it left out because a
/// value or the shift in them is not finite. Units after the last whole strip are left out as well.
///
/// # Panics
/// Panics if the slices differ in length.
#[multiversion(targets = "simd")]
fn add_finite<const ROWS: usize>(
    rows: &[&[f32]; ROWS],
    shift: &[f32],
    sums: &mut [f64],
    squares: &mut [f64],
) -> Vec<usize> {
    let units = sums.len();
    let rows: [&[Strip<f32>]; ROWS] = rows.map(|row| {
        assert_eq!(row.len(), units, "values of a row");
        row.as_chunks().0
    });
    let mut skipped_strips = Vec::new();
    let sums = sums.as_chunks_mut::<STRIP>().0.iter_mut().zip(squares.as_chunks_mut::<STRIP>().0);
    for (strip, (shift, (sums, squares))) in shift.as_chunks::<STRIP>().0.iter().zip(sums).enumerate() {
        for row in rows {
            prefetch(row.as_ptr().wrapping_add(strip).cast::<f32>().wrapping_add(PREFETCH_DISTANCE));
        }
        let shift = shift.map(f64::from);
        let (mut sum, mut square) = ([0.0; STRIP], [0.0; STRIP]);
        for row in rows {
            // SAFETY: every row is as long as `sums` and has as many strips.
            let values = unsafe { row.get_unchecked(strip) };
            for unit in 0..STRIP {
                let offset = f64::from(values[unit]) - shift[unit];
                sum[unit] += offset;
                square[unit] = if target_cfg_f!(target_feature = "fma") {
                    offset.mul_add(offset, square[unit])
                } else {
                    // Without an FMA instruction, `mul_add` would be a library call.
                    square[unit] + offset * offset
                };
            }
        }
        // Squares of finite f32 cannot overflow in f64, so a sum that is not finite has such a value.
        if square.iter().fold(true, |all, &square| all & (square < f64::INFINITY)) {
            for unit in 0..STRIP {
                sums[unit] += sum[unit];
                squares[unit] += square[unit];
            }
        } else {
            skipped_strips.push(strip);
        }
    }
    skipped_strips
}

/// Prefetches the cache line at `address`, which may be any address.
#[inline(always)]
fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which neither reads nor faults.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Adds the rows to the sums of `UNITS` units from `first` on, leaving out values that are not finite.
#[multiversion(targets = "simd")]
fn add_any<const UNITS: usize>(moments: &mut MomentsPart, rows: &[&[f32]], first: usize) {
    let units = first..first + UNITS;
    let shift = &mut moments.shift[units.clone()];
    for (unit, shift) in shift.iter_mut().enumerate().filter(|(_, shift)| !shift.is_finite()) {
        let mut values = rows.iter().map(|row| row[first + unit]);
        *shift = values.find(|value| value.is_finite()).unwrap_or(f32::NAN);
    }
    let (mut sum, mut square, mut skipped) = ([0.0; UNITS], [0.0; UNITS], [0; UNITS]);
    for row in rows {
        let values = &row[units.clone()];
        for unit in 0..UNITS {
            let finite = values[unit].is_finite();
            let offset = if finite { f64::from(values[unit]) - f64::from(shift[unit]) } else { 0.0 };
            sum[unit] += offset;
            square[unit] += offset * offset;
            skipped[unit] += u32::from(!finite);
        }
    }
    for unit in 0..UNITS {
        moments.sums[first + unit] += sum[unit];
        moments.squares[first + unit] += square[unit];
        moments.skipped[first + unit] += skipped[unit];
    }
}
