//! Answers computed from statistics: what can be said of a layer and of a unit. Knows the model and
//! the statistics only.

pub mod biography;
pub mod layers;
pub mod order;
mod selectivity;
mod summary;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod twins;

pub use biography::{Biography, Distribution, Moment, Selectivity, Twin, biography, history, portrait};
pub use layers::{LayerFacts, layers};
pub use order::places;

/// Asked now and then by what takes long: whether somebody still waits for it.
pub type Wanted<'a> = &'a (dyn Fn() -> bool + Sync);
