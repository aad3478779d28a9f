//! Index types of layers, units and epochs, distinct so that they cannot be confused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Defines a transparent wrapper of a `usize` that is ordered, hashed, displayed and serialized like it.
macro_rules! index_type {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub usize);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index_type! {
    /// Index of a layer in [`Recording::layers`](super::Recording::layers).
    LayerIndex
}

index_type! {
    /// Index of a unit within its layer, from 0, in the order of the network.
    UnitIndex
}

index_type! {
    /// Index of an epoch among the recorded ones, in [`Recording::epochs`](super::Recording::epochs), as
    /// opposed to [`Epoch::number`](super::Epoch::number), the number that the training gave it.
    EpochIndex
}

/// Identifies a unit of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitId {
    /// Its layer.
    pub layer: LayerIndex,
    /// Its index within the layer.
    pub unit: UnitIndex,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_plain_numbers() {
        assert_eq!(format!("{:>4}", EpochIndex(12)), "  12");
        assert_eq!(serde_json::to_string(&UnitIndex(3)).unwrap(), "3");
        assert_eq!(serde_json::from_str::<LayerIndex>("7").unwrap(), LayerIndex(7));
    }
}
