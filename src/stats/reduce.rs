//! Reductions of rows `[inputs, units]` to one number per unit.
//!
//! NaN and infinite values are skipped and counted; a unit without any finite value has none (NaN).
//! Rows are cut into pieces of fixed size that the cores share, and merged in their order: the result
//! does not depend on how many cores there are.

mod both;
mod extremes;
mod firing;
mod moments;
#[cfg(test)]
mod tests;

use std::ops::Range;

use rayon::prelude::*;

pub use self::extremes::Extremes;
pub use self::firing::Firing;
pub use self::moments::Moments;
use crate::model::{Aggregate, Tensor};

/// Rows of a piece.
const PIECE_ROWS: usize = 1024;
/// Units of a piece that is read where it lies: its accumulators stay in the second-level cache, and a
/// row's share of it spans many pages, which hardware prefetching wants.
const PIECE_UNITS: usize = 16384;
/// Units of a piece that has to be decoded first, a few rows at a time: these stay in the cache as well.
const DECODED_UNITS: usize = 1024;
/// Rows that are decoded, and by most reducers taken in, at a time.
const BLOCK_ROWS: usize = 16;

/// Accumulates rows, one number or more per unit.
pub trait Reducer: Send + Sync + Sized {
    /// Some neighbouring units of it.
    type Part<'a>: Part<Self>
    where
        Self: 'a;

    /// No rows yet, of `units` units.
    fn new(units: usize) -> Self;

    /// Its units, `width` at a time, each part to take in as many `rows` more on its own.
    fn parts(&mut self, width: usize, rows: usize) -> Vec<Self::Part<'_>>;

    /// Rows taken in so far, where that matters.
    fn rows(&self) -> usize {
        0
    }

    /// Takes in what `other` saw of the same units.
    fn merge(&mut self, other: &Self) {
        for mut part in self.parts(usize::MAX, other.rows()) {
            part.merge(other);
        }
    }
}

/// Some neighbouring units of a reducer.
pub trait Part<R>: Send {
    /// Takes in rows of values, one per unit; the more at a time, the faster.
    ///
    /// # Panics
    /// When a row has not as many values as there are units.
    fn add(&mut self, rows: &[&[f32]]);

    /// Takes in what `other` saw of the same units.
    fn merge(&mut self, other: &R);
}

/// Reduces the given rows of `tensor`.
///
/// # Panics
/// When a row is outside the tensor.
pub fn reduce<R: Reducer>(tensor: &Tensor, rows: &[usize]) -> R {
    let units = tensor.columns();
    let width = if tensor.as_f32().is_some() { PIECE_UNITS } else { DECODED_UNITS };
    let mut whole = R::new(units);
    let (first, rest) = rows.split_at(rows.len().min(PIECE_ROWS));
    whole.parts(width, rows.len()).into_par_iter().enumerate().for_each(|(piece, mut part)| {
        let columns = piece * width..units.min((piece + 1) * width);
        add_rows(tensor, first, columns.clone(), &mut part);
        let others: Vec<R> = rest
            .par_chunks(PIECE_ROWS)
            .map(|rows| {
                let mut other = R::new(columns.len());
                for mut part in other.parts(usize::MAX, rows.len()) {
                    add_rows(tensor, rows, columns.clone(), &mut part);
                }
                other
            })
            .collect();
        for other in &others {
            part.merge(other);
        }
    });
    whole
}

/// Everything that can be stored of the given rows of `tensor`.
///
/// # Panics
/// When a row is outside the tensor.
pub fn aggregated(tensor: &Tensor, rows: &[usize]) -> Aggregate {
    let (moments, (extremes, firing)): (Moments, (Extremes, Firing)) = reduce(tensor, rows);
    Aggregate {
        count: rows.len() as u64,
        mean: moments.mean(),
        variance: Some(moments.variance()),
        min: Some(extremes.min()),
        max: Some(extremes.max()),
        rate: Some(firing.rate()),
    }
}

fn add_rows<R>(tensor: &Tensor, rows: &[usize], columns: Range<usize>, part: &mut impl Part<R>) {
    if let Some(values) = tensor.as_f32() {
        let row = |&row: &usize| {
            assert!(row < tensor.rows(), "row {row} of {}", tensor.rows());
            let start = row * tensor.columns();
            &values[start + columns.start..start + columns.end]
        };
        return part.add(&rows.iter().map(row).collect::<Vec<_>>());
    }
    let mut decoded = vec![0.0; BLOCK_ROWS * columns.len()];
    for rows in rows.chunks(BLOCK_ROWS) {
        for (&row, values) in rows.iter().zip(decoded.chunks_exact_mut(columns.len())) {
            tensor.read_row_part(row, columns.clone(), values);
        }
        let block: Vec<&[f32]> = decoded.chunks_exact(columns.len()).take(rows.len()).collect();
        part.add(&block);
    }
}
