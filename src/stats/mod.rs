//! Statistics of unit values over selected inputs: one number per unit, compared and normalised as a query
//! asks, and laid out as cells. It has access to the model only.
//!
//! [`table()`] computes the unit values of a [`Query`](crate::model::Query), [`cells()`] lays them out on slabs,
//! and [`reduce()`] is the reduction on the CPU beneath them. Another [`Backend`] can do the reductions.
//!
//! ```
//! use dnnviz::model::Tensor;
//! use dnnviz::stats::{Moments, reduce};
//!
//! // Three inputs, two units.
//! let tensor = Tensor::from_f32(vec![1.0, 5.0, 3.0, f32::NAN, 2.0, 7.0], 3, 2).expect("3 × 2 values");
//! let moments: Moments = reduce(&tensor, &[0, 1, 2]);
//! assert_eq!(moments.mean(), [2.0, 6.0]);
//! assert_eq!(moments.count(), [3, 2]);
//! ```

#![warn(missing_docs)]

pub mod backend;
pub mod cells;
pub mod colour_range;
mod error;
mod merge;
pub mod quantiles;
pub mod reduce;
mod side;
pub mod table;
#[cfg(test)]
mod testing;

pub use backend::{Backend, BackendError, Cpu, DeviceCopy, LayerRows, Reduced, TensorRows};
pub use cells::{Cells, cells};
pub use error::StatsError;
pub use quantiles::Quantiles;
pub use reduce::{Extremes, Firing, Moments, Reducer, aggregated, reduce};
pub use table::{Sides, UnitTable, UnmatchedLayer, table};
