//! The options of a synthetic recording.

use super::super::deepdiva::MAX_UNITS;
use super::super::error::FormatError;
use super::super::native::MAX_INPUTS;

/// Options of a synthetic recording. The same options give the same files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthOptions {
    /// Number of units of all layers together.
    pub units: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of epochs.
    pub epochs: usize,
    /// Number of recorded inputs; with 0, only aggregates are written.
    pub inputs: usize,
    /// Number of classes.
    pub classes: usize,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for SynthOptions {
    fn default() -> Self {
        Self { units: 100_000, layers: 8, epochs: 10, inputs: 50, classes: 10, seed: 0 }
    }
}

impl SynthOptions {
    /// Checks the ranges of the self.
    pub(super) fn check(&self) -> Result<(), FormatError> {
        let out_of_range = |what: &str| Err(FormatError::Synth { what: what.to_owned() });
        if self.layers == 0 || self.units < self.layers {
            return out_of_range("at least one layer, and one unit a layer");
        }
        if self.units as u64 > MAX_UNITS {
            return out_of_range("fewer units");
        }
        if self.epochs == 0 || self.epochs > 1_000_000 {
            return out_of_range("between 1 and 1000000 epochs");
        }
        if self.inputs > MAX_INPUTS || self.classes > 100_000 {
            return out_of_range("fewer inputs or classes");
        }
        Ok(())
    }
}
