//! Statistics on the CPU: what a unit shows over the selected inputs. Knows the model only.

pub mod cells;
pub mod reduce;
pub mod table;
#[cfg(test)]
mod testing;

pub use cells::cells;
pub use reduce::{Extremes, Firing, Moments, Reducer, reduce};
pub use table::{UnitTable, table};

use crate::model::{EpochError, SelectionError, SourceError};

/// Why a statistic could not be had.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    #[error(transparent)]
    Selection(#[from] SelectionError),
    #[error(transparent)]
    Epoch(#[from] EpochError),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("epoch index {index} is outside the {epochs} recorded epochs")]
    NoSuchEpoch { index: usize, epochs: usize },
    #[error("layer {layer} holds {found}, but the recording says {expected}; the recording is damaged")]
    Shape { layer: String, found: String, expected: String },
}
