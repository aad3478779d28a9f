//! Errors of loading a scene.

use crate::engine::FieldError;
use crate::model::EpochError;
use crate::stats::StatsError;

/// An error of loading a scene.
#[derive(Debug, thiserror::Error)]
pub enum SceneError {
    /// The values cannot be read or reduced.
    #[error(transparent)]
    Stats(#[from] StatsError),
    /// The values cannot be uploaded.
    #[error(transparent)]
    Field(#[from] FieldError),
    /// The epoch that gives the order of the units is not recorded.
    #[error("the order of units: {0}")]
    Order(#[source] EpochError),
}
