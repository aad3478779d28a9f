//! Reductions of rows `[inputs, units]` to one number per unit.
//!
//! NaN and infinite values are skipped and counted; a unit without a finite value results in NaN. Rows
//! are divided into pieces of fixed size, which the cores reduce in parallel and which are merged in
//! order: the result does not depend on the number of cores.

mod both;
mod extremes;
mod firing;
mod moments;
mod reducer;
#[cfg(test)]
mod tests;

use std::ops::Range;

use rayon::prelude::*;

pub use self::extremes::Extremes;
pub use self::firing::Firing;
pub use self::moments::Moments;
use self::reducer::BLOCK_ROWS;
pub use self::reducer::{Reducer, ReducerPart};
use crate::model::{Aggregate, Tensor};

/// Number of rows of a piece.
const PIECE_ROWS: usize = 1024;
/// Number of units of a piece of f32 values, which are read in place: its accumulators fit into the L2
/// cache, and each row of it spans several pages, which suits the hardware prefetcher.
const PIECE_UNITS: usize = 16384;
/// Number of units of a piece of values to decode: the decoded rows must fit into the cache as well.
const DECODED_UNITS: usize = 1024;

/// Reduces the given rows of `tensor`.
///
/// # Panics
/// Panics if a row is outside the tensor.
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

/// Computes the aggregate of the given rows of `tensor`.
///
/// # Panics
/// Panics if a row is outside the tensor.
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

fn add_rows<R>(tensor: &Tensor, rows: &[usize], columns: Range<usize>, part: &mut impl ReducerPart<R>) {
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
