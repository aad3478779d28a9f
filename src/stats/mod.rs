//! Statistics on the CPU: what a unit shows over the selected inputs. Knows the model only.

pub mod backend;
pub mod cells;
pub mod colour_range;
mod merge;
pub mod reduce;
mod side;
pub mod spread;
pub mod table;
#[cfg(test)]
mod testing;

pub use backend::{Backend, BackendError, Cpu, LayerRows, Rows};
pub use cells::{Cells, cells};
pub use reduce::{Extremes, Firing, Moments, Reducer, aggregated, reduce};
pub use spread::Quantiles;
pub use table::{Sides, UnitTable, Unmatched, table};

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
    #[error(transparent)]
    Backend(#[from] BackendError),
    #[error("in the run that is subtracted: {0}")]
    RunB(#[source] Box<StatsError>),
    #[error("the two runs share no layer of one name and size: the one has {a}, the other {b}")]
    NoSharedLayer { a: String, b: String },
    #[error("`{0}` lies between two epochs, and an effect size needs recorded ones")]
    EffectBetween(String),
    #[error("layer {layer} holds {found}, but the recording says {expected}; the recording is damaged")]
    Shape { layer: String, found: String, expected: String },
}
