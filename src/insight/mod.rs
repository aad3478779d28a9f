//! Answers computed from statistics: what can be said of a layer and of a unit. Knows the model and
//! the statistics only.

pub mod biography;
pub mod layers;

pub use biography::{Biography, Distribution, Moment, Selectivity, Twin};
pub use layers::LayerFacts;
