//! Index and number types of layers, units and epochs, distinct so that they cannot be confused.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Defines a transparent wrapper of an integer that is ordered, hashed, displayed and serialized like it.
macro_rules! index_type {
    ($(#[$documentation:meta])* $name:ident($inner:ty)) => {
        $(#[$documentation])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

index_type! {
    /// Index of a layer in [`Recording::layers`](super::Recording::layers).
    LayerIndex(usize)
}

index_type! {
    /// Index of a unit within its layer, from 0, in the order of the network.
    UnitIndex(usize)
}

index_type! {
    /// Index of an epoch among the recorded ones, in [`Recording::epochs`](super::Recording::epochs). The
    /// number that the training gave the epoch is an [`EpochNumber`].
    EpochIndex(usize)
}

index_type! {
    /// Number that the training gave an epoch. Numbers of recorded epochs ascend but may have gaps; the index
    /// among the recorded ones is an [`EpochIndex`].
    EpochNumber(u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_written_as_plain_numbers() {
        assert_eq!(format!("{:>4}", EpochNumber(12)), "  12");
        assert_eq!(serde_json::to_string(&UnitIndex(3)).unwrap(), "3");
        assert_eq!(serde_json::from_str::<LayerIndex>("7").unwrap(), LayerIndex(7));
    }
}
