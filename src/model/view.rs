//! What is looked at and how: the one value that everything a person does changes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::colour::ColourMap;
use super::recording::Recording;
use super::{Camera, Normalisation, Selection};

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
    /// How many inputs have a finite value.
    Count,
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
    /// (mean A − mean B) / pooled standard deviation, whatever the statistic: Cohen's d. The pooled
    /// variance is the sum of both sides' squared distances from their own means by n_A + n_B − 2
    /// (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988).
    Effect,
}

/// What the values that are looked at are divided by. Zero stays zero, and signs stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// Nothing: they are as computed.
    #[default]
    Raw,
    /// The greatest absolute value in their layer.
    Layer,
    /// The greatest absolute value in the network.
    Global,
}

impl Norm {
    /// Per layer, what its values are divided by, given the greatest absolute value of each; `None`
    /// where a layer has no value. What would be 0 is 1.
    pub fn scales(self, greatest: &[Option<f32>]) -> Vec<f32> {
        let usable = |scale: f32| if scale > 0.0 { scale } else { 1.0 };
        match self {
            Self::Raw => vec![1.0; greatest.len()],
            Self::Layer => greatest.iter().map(|it| usable(it.unwrap_or(0.0))).collect(),
            Self::Global => {
                vec![usable(greatest.iter().flatten().copied().fold(0.0, f32::max)); greatest.len()]
            }
        }
    }
}

/// What the cells show: a statistic of one selection, or the difference of two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Query {
    pub select: Selection,
    pub minus: Option<Selection>,
    /// The run that `minus` is read in, by its place among the open runs; `None` is the run of
    /// `select`.
    #[serde(default)]
    pub run_b: Option<usize>,
    #[serde(default)]
    pub stat: Stat,
    #[serde(default)]
    pub diff: Diff,
    #[serde(default)]
    pub norm: Norm,
}

impl Query {
    /// Whether values lie on both sides of a meaningful zero.
    pub fn is_signed(&self) -> bool {
        self.minus.is_some() && self.diff != Diff::Abs
    }
}

/// Which values the ends of the colour map stand for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// What suits the recording, see [`ViewState::range_of`].
    #[default]
    Auto,
    /// Each layer from its least value shown, or 0 if that is below, to its greatest; symmetric around
    /// 0 for signed differences.
    Layer,
    /// The same, of all layers together.
    Network,
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

    /// The slabs that cells stand on, and the middle of diverging colour maps.
    pub fn slab(self) -> [u8; 3] {
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

/// What the units of a layer are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderBy {
    /// What the query shows of them, the greatest first.
    Activation,
    /// The class that they answer to most, and how selectively.
    Selectivity,
    /// Units that answer alike stand together.
    Similarity,
}

impl OrderBy {
    /// Returns the name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::Selectivity => "selectivity",
            Self::Similarity => "similarity",
        }
    }
}

/// In which order the units of a layer stand on its slab. It is that of one epoch, so that a unit
/// stays where it is while epochs pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnitOrder {
    pub by: OrderBy,
    /// Number of the epoch.
    pub epoch: u64,
}

/// A unit that is kept in sight.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pin {
    /// Name of its layer.
    pub layer: String,
    /// From 0, as trained.
    pub unit: usize,
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
    /// Fade distant slabs towards the ground colour.
    pub haze: bool,
    /// Names in space.
    pub labels: bool,
    /// The ends of the colour map are those of all epochs, so that colours compare along the training.
    #[serde(default)]
    pub over_epochs: bool,
    /// Percent of the values that lie beyond each end of the colour map, in [0, 10]; a few outliers do
    /// not set its ends then. Not for [`Range::Fixed`].
    #[serde(default)]
    pub clip: f32,
    /// Cells that are weaker than this are dimmed: a share of the colour map, from its low end or,
    /// where it diverges, from its middle. In [0, 1]; 0 dims none.
    #[serde(default)]
    pub dim_below: f32,
    /// `None` is as trained.
    #[serde(default)]
    pub order: Option<UnitOrder>,
    /// Names of layers that are not drawn.
    #[serde(default)]
    pub hidden: BTreeSet<String>,
    /// Where data flows, as ribbons between the slabs of a network that branches.
    #[serde(default = "yes")]
    pub edges: bool,
    #[serde(default)]
    pub pins: Vec<Pin>,
}

fn yes() -> bool {
    true
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
            over_epochs: false,
            clip: 0.0,
            dim_below: 0.0,
            order: None,
            hidden: BTreeSet::new(),
            edges: true,
            pins: Vec::new(),
        }
    }

    /// Hides the layer of this name, or shows it where it is hidden.
    pub fn toggle_layer(&mut self, name: &str) {
        if !self.hidden.remove(name) {
            self.hidden.insert(name.to_owned());
        }
    }

    /// Shows the layer of this name alone, or all where it is alone already.
    pub fn solo_layer(&mut self, name: &str, recording: &Recording) {
        let names = recording.layers.iter().map(|layer| &layer.name);
        let others: BTreeSet<String> = names.filter(|other| *other != name).cloned().collect();
        self.hidden = if self.hidden == others { BTreeSet::new() } else { others };
    }

    /// The range in use on values that came with this normalisation. Values as the network computed
    /// them get each layer's own: a logit and the mean of a feature map have no scale in common.
    /// Values normalised to [0, 1] keep [`Range::Auto`], which then means that; differences of them,
    /// effect sizes and counts are shown on one scale.
    pub fn range_of(&self, normalisation: Normalisation) -> Range {
        if self.range != Range::Auto {
            return self.range;
        }
        let query = &self.query;
        let compared = query.minus.is_some();
        let of_one_scale = query.stat == Stat::Count || (compared && query.diff == Diff::Effect);
        match (query.norm, normalisation) {
            (Norm::Layer, _) => Range::Layer,
            (Norm::Global, _) => Range::Network,
            (Norm::Raw, _) if of_one_scale => Range::Network,
            (Norm::Raw, Normalisation::None) => Range::Layer,
            (Norm::Raw, Normalisation::PerItemPerLayer) if compared => Range::Network,
            (Norm::Raw, Normalisation::PerItemPerLayer) => Range::Auto,
        }
    }

    /// The colour map in use.
    pub fn colours(&self) -> ColourMap {
        let suiting = if self.query.is_signed() { ColourMap::Diverging } else { ColourMap::Viridis };
        self.colour_map.unwrap_or(suiting)
    }

    /// Returns `true` if the middle of the colour map is zero.
    pub fn is_diverging(&self) -> bool {
        self.query.is_signed() || self.colours().is_diverging()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Layout, SetView, testing};

    #[test]
    fn the_automatic_range_suits_what_the_values_are() {
        let recording = testing::recording(&[4], &["cat"], &[Some(0)], &[0]);
        let camera = Camera::set_view(SetView::Overview, &Layout::new(&recording), 1.5);
        let mut view = ViewState::new(camera, 0.0);
        assert_eq!(view.range_of(Normalisation::None), Range::Layer);
        assert_eq!(view.range_of(Normalisation::PerItemPerLayer), Range::Auto, "their own range is known");
        view.query.minus = Some(Selection::default());
        assert_eq!(view.range_of(Normalisation::None), Range::Layer);
        assert_eq!(view.range_of(Normalisation::PerItemPerLayer), Range::Network);
        view.query.diff = Diff::Effect;
        assert_eq!(view.range_of(Normalisation::None), Range::Network, "effect sizes compare anywhere");
        view.query.norm = Norm::Layer;
        assert_eq!(view.range_of(Normalisation::PerItemPerLayer), Range::Layer);
        view.range = Range::Fixed { low: 0.0, high: 2.0 };
        assert_eq!(view.range_of(Normalisation::None), view.range, "what was chosen stays");
    }
}
