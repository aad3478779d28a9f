//! A pinned unit of a view.

use serde::{Deserialize, Serialize};

use super::UnitIndex;

/// A unit that stays marked and described.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pin {
    /// Name of its layer.
    pub layer: String,
    /// Index of the unit within its layer.
    pub unit: UnitIndex,
}
