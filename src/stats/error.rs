//! The error of statistics that cannot be computed.

use super::BackendError;
use crate::model::{EpochError, EpochIndex, SelectionError, SourceError};

/// A statistic that cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum StatsError {
    /// A selection is invalid for its recording.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The epoch of a selection does not exist.
    #[error(transparent)]
    Epoch(#[from] EpochError),
    /// Values cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An epoch index is out of bounds.
    #[error("epoch index {index} is outside the {epochs} recorded epochs")]
    NoSuchEpoch {
        /// The epoch index.
        index: EpochIndex,
        /// Number of recorded epochs.
        epochs: usize,
    },
    /// The reduction failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Side B fails in a run of its own.
    #[error("in the run that is subtracted: {0}")]
    RunB(#[source] Box<StatsError>),
    /// No layer of A has the name and size of a layer of B.
    #[error("the two runs share no layer of one name and size: the one has {a}, the other {b}")]
    NoSharedLayer {
        /// Layer names of run A, for the message.
        a: String,
        /// Layer names of run B, for the message.
        b: String,
    },
    /// The selection lies between two epochs, where an effect size is not defined.
    #[error("`{0}` lies between two epochs, and an effect size needs recorded ones")]
    EffectBetween(String),
    /// The values of a layer do not have the shape in the recording.
    #[error("layer {layer} holds {found}, but the recording says {expected}; the recording is damaged")]
    Shape {
        /// Name of the layer.
        layer: String,
        /// The shape of the values, for the message.
        found: String,
        /// The shape in the recording, for the message.
        expected: String,
    },
}
