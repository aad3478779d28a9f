//! The requests about a recording that a worker answers, and their results.

use std::sync::Arc;

use crate::insight::{LayerStats, UnitProfile};
use crate::model::UnitId;

/// A request about a recording. Epochs are given by number, which does not change while epochs are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InsightRequest {
    /// The statistics of every layer.
    LayerStats {
        /// Number of the epoch.
        epoch: u64,
    },
    /// The profile of one unit.
    UnitProfile {
        /// The unit.
        unit: UnitId,
        /// Number of the epoch.
        epoch: u64,
    },
    /// The class that the network predicted for every input.
    Predictions {
        /// Number of the epoch.
        epoch: u64,
    },
}

/// The result of an [`InsightRequest`].
#[derive(Clone, Debug)]
pub enum InsightResult {
    /// The statistics of each layer.
    LayerStats(Vec<LayerStats>),
    /// The profile of the unit.
    UnitProfile(Box<UnitProfile>),
    /// Index of the predicted class of each input; empty if none are recorded.
    Predictions(Arc<Vec<Option<usize>>>),
}

/// A result, and the request that it belongs to.
#[derive(Clone, Debug)]
pub struct InsightResponse {
    /// The version of the recording that was read; see [`InsightCache::insert`](super::InsightCache::insert).
    pub version: u64,
    /// The request.
    pub request: InsightRequest,
    /// The result, or the reason why there is none, in one line.
    pub result: Result<InsightResult, String>,
}
