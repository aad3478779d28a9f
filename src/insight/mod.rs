//! Analyses of a recording computed from statistics: layer statistics, unit profiles and orders of units. It
//! has access to the model and the statistics only.
//!
//! [`layer_stats()`] computes the statistics of every layer at an epoch, [`unit_profile`] everything known of
//! one unit, and [`unit_permutations`] orders the units of every layer by a criterion. All read from a
//! [`Source`](crate::model::Source) and take stored aggregates where there are any, else the recorded inputs.

#![warn(missing_docs)]

pub mod layer_stats;
pub mod order;
pub mod profile;
mod selectivity;
mod similar;
mod still_wanted;
mod summary;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use layer_stats::{LayerStats, layer_stats};
pub use order::unit_permutations;
pub use profile::{Distribution, UnitEpoch, UnitProfile, unit_history, unit_profile, unit_profile_at};
pub use selectivity::Selectivity;
pub use similar::SimilarUnit;
pub use still_wanted::StillWanted;
