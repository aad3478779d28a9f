//! Reductions of rows `[inputs, units]` to one number per unit.
//!
//! NaN and infinite values are skipped and counted; a unit without any finite value has none (NaN).
//! Rows are cut into pieces of fixed size that the cores share, and merged in their order: the result
//! does not depend on how many cores there are.

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
use crate::model::Tensor;

/// Rows of a piece.
const PIECE_ROWS: usize = 1024;
/// Units of a piece that is read where it lies: its accumulators stay in the second-level cache, and a
/// row's share of it spans many pages, which hardware prefetching wants.
const PIECE_UNITS: usize = 8192;
/// Units of a piece that has to be decoded first, a few rows at a time: these stay in the cache as well.
const DECODED_UNITS: usize = 1024;
/// Rows that are decoded, and by most reducers taken in, at a time.
const BLOCK_ROWS: usize = 16;

/// Accumulates rows, one number or more per unit.
pub trait Reducer: Send {
    /// No rows yet, of `units` units.
    fn new(units: usize) -> Self;
    /// Takes in rows of values, one per unit; the more at a time, the faster.
    ///
    /// # Panics
    /// When a row has not as many values as there are units.
    fn add(&mut self, rows: &[&[f32]]);
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
    let width = if tensor.as_f32().is_some() { PIECE_UNITS } else { DECODED_UNITS };
    let pieces: Vec<R> = (0..units.div_ceil(width))
        .into_par_iter()
        .map(|piece| {
            let columns = piece * width..units.min((piece + 1) * width);
            let parts: Vec<R> =
                rows.par_chunks(PIECE_ROWS).map(|rows| reduce_piece(tensor, rows, columns.clone())).collect();
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

/// Reduces several lists of rows of `tensor`, classes for one: one result for each.
///
/// # Panics
/// When a row is outside the tensor.
pub fn reduce_groups<R: Reducer>(tensor: &Tensor, groups: &[Vec<usize>]) -> Vec<R> {
    groups.par_iter().map(|rows| reduce(tensor, rows)).collect()
}

fn reduce_piece<R: Reducer>(tensor: &Tensor, rows: &[usize], columns: Range<usize>) -> R {
    let mut part = R::new(columns.len());
    if let Some(values) = tensor.as_f32() {
        let row = |&row: &usize| {
            assert!(row < tensor.rows(), "row {row} of {}", tensor.rows());
            let start = row * tensor.columns();
            &values[start + columns.start..start + columns.end]
        };
        part.add(&rows.iter().map(row).collect::<Vec<_>>());
        return part;
    }
    let mut decoded = vec![0.0; BLOCK_ROWS * columns.len()];
    for rows in rows.chunks(BLOCK_ROWS) {
        for (&row, values) in rows.iter().zip(decoded.chunks_exact_mut(columns.len())) {
            tensor.read_row_part(row, columns.clone(), values);
        }
        let block: Vec<&[f32]> = decoded.chunks_exact(columns.len()).take(rows.len()).collect();
        part.add(&block);
    }
    part
}
