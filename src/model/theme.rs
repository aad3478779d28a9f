//! Light and dark colours.

use serde::{Deserialize, Serialize};

/// Light or dark colours of window and scene.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
}

impl Theme {
    /// Colour of the background, 8-bit sRGB.
    pub fn ground(self) -> [u8; 3] {
        match self {
            Self::Dark => [0x14, 0x16, 0x1a],
            Self::Light => [0xf6, 0xf5, 0xf2],
        }
    }

    /// Colour of slabs and of the middle of diverging colour maps, 8-bit sRGB.
    pub fn slab(self) -> [u8; 3] {
        match self {
            Self::Dark => [0x2c, 0x2f, 0x36],
            Self::Light => [0xd6, 0xd4, 0xcf],
        }
    }

    /// Colour of the hatching of cells without a value, 8-bit sRGB.
    pub fn no_value(self) -> [u8; 3] {
        match self {
            Self::Dark => [0x8b, 0x90, 0x99],
            Self::Light => [0x8a, 0x87, 0x82],
        }
    }
}
