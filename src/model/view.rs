//! What is looked at and how: the one value that everything a person does changes.

use serde::{Deserialize, Serialize};

use super::colour::ColourMap;
use super::{Camera, Selection};

/// A statistic per unit over the selected inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stat {
    #[default]
    Mean,
    /// Population standard deviation.
    Std,
    Max,
    Min,
    /// Share of inputs with activation > 0.
    Rate,
}

/// How two selections are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Diff {
    /// A − B.
    #[default]
    Signed,
    /// |A − B|.
    Abs,
}

/// What the cells show: a statistic of one selection, or the difference of two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub select: Selection,
    pub minus: Option<Selection>,
    #[serde(default)]
    pub stat: Stat,
    #[serde(default)]
    pub diff: Diff,
}

impl Query {
    /// Whether values lie on both sides of a meaningful zero.
    pub fn is_signed(&self) -> bool {
        self.minus.is_some() && self.diff == Diff::Signed
    }
}

/// Which values the ends of the colour map stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// From the data: [0, 1] for values normalised to it, otherwise the least and greatest value
    /// shown; symmetric around 0 for signed differences.
    #[default]
    Auto,
    /// As Auto, but each layer by its own values.
    Layer,
    Fixed {
        low: f32,
        high: f32,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Dark,
    Light,
}

impl Theme {
    /// What lies behind everything, 8-bit sRGB.
    pub fn ground(self) -> [u8; 3] {
        match self {
            Self::Dark => [0x14, 0x16, 0x1a],
            Self::Light => [0xf6, 0xf5, 0xf2],
        }
    }

    /// The plates that cells stand on, and the middle of diverging colour maps.
    pub fn plate(self) -> [u8; 3] {
        match self {
            Self::Dark => [0x2c, 0x2f, 0x36],
            Self::Light => [0xd6, 0xd4, 0xcf],
        }
    }

    /// The stripes of cells that have no value.
    pub fn no_value(self) -> [u8; 3] {
        match self {
            Self::Dark => [0x8b, 0x90, 0x99],
            Self::Light => [0x8a, 0x87, 0x82],
        }
    }
}

/// One view of one recording. Small, stored as JSON, compared by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewState {
    pub camera: Camera,
    /// Epoch number; between two recorded numbers the picture is interpolated.
    pub epoch: f64,
    #[serde(default)]
    pub query: Query,
    /// `None` takes the map that suits the query: sequential, or diverging for signed differences.
    #[serde(default)]
    pub colour_map: Option<ColourMap>,
    #[serde(default)]
    pub range: Range,
    #[serde(default)]
    pub theme: Theme,
    /// Factor on the height of cells.
    pub height: f32,
    /// Fade distant plates towards the ground colour.
    pub haze: bool,
    /// Names in space.
    pub labels: bool,
}

impl ViewState {
    /// The default way to look at a recording from `camera` at `epoch`.
    pub fn new(camera: Camera, epoch: f64) -> Self {
        Self {
            camera,
            epoch,
            query: Query::default(),
            colour_map: None,
            range: Range::default(),
            theme: Theme::default(),
            height: 1.0,
            haze: true,
            labels: true,
        }
    }

    /// The colour map in use.
    pub fn colours(&self) -> ColourMap {
        let suiting = if self.query.is_signed() { ColourMap::Diverging } else { ColourMap::Viridis };
        self.colour_map.unwrap_or(suiting)
    }
}
