//! Answers computed from statistics: what can be said of a layer and of a unit. Knows the model and
//! the statistics only.

pub mod layer_stats;
pub mod order;
pub mod profile;
mod selectivity;
mod similar;
mod summary;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use layer_stats::{LayerStats, layer_stats};
pub use order::unit_permutations;
pub use profile::{
    Distribution, Selectivity, SimilarUnit, UnitEpoch, UnitProfile, history, unit_profile, unit_profile_at,
};

/// Asked now and then by what takes long: whether somebody still waits for it.
pub type Wanted<'a> = &'a (dyn Fn() -> bool + Sync);
