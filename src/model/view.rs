//! The view of a recording: the one value that every control of the window changes.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::colour::ColourMap;
use super::module_tree::Fold;
use super::recording::Recording;
use super::theme::Theme;
use super::{Camera, Normalisation, Pin, Selection};

/// A statistic per unit over the selected inputs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stat {
    /// Mean activation.
    #[default]
    Mean,
    /// Population standard deviation.
    Std,
    /// Greatest activation.
    Max,
    /// Least activation.
    Min,
    /// Firing rate: share of inputs with activation > 0, in [0, 1].
    Rate,
    /// Number of inputs with a finite value.
    Count,
}

/// The comparison of two selections, A and B.
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

/// The divisor of the shown values. It is positive: zero stays zero, and signs stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Norm {
    /// None: values are as computed.
    #[default]
    Raw,
    /// The greatest absolute value in their layer.
    Layer,
    /// The greatest absolute value in the network.
    Global,
}

impl Norm {
    /// The divisor of each layer, given the greatest absolute value of each; `None` for a layer without
    /// a value. A divisor of 0 is replaced by 1.
    pub fn scales(self, greatest: &[Option<f32>]) -> Vec<f32> {
        let usable = |scale: f32| if scale > 0.0 { scale } else { 1.0 };
        match self {
            Self::Raw => vec![1.0; greatest.len()],
            Self::Layer => greatest.iter().map(|value| usable(value.unwrap_or(0.0))).collect(),
            Self::Global => {
                vec![usable(greatest.iter().flatten().copied().fold(0.0, f32::max)); greatest.len()]
            }
        }
    }
}

/// The values of the cells: a statistic of one selection, or the difference of two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Side A.
    pub select: Selection,
    /// Side B, which is subtracted; `None` for no comparison.
    pub minus: Option<Selection>,
    /// Index of the run of `minus` among the open runs; `None` is the run of `select`.
    #[serde(default)]
    pub run_b: Option<usize>,
    /// The statistic of each unit.
    #[serde(default)]
    pub stat: Stat,
    /// The comparison of A and B; unused without B.
    #[serde(default)]
    pub diff: Diff,
    /// The normalisation of the result.
    #[serde(default)]
    pub norm: Norm,
}

impl Query {
    /// Returns `true` if values can be on both sides of a meaningful zero.
    pub fn is_signed(&self) -> bool {
        self.minus.is_some() && self.diff != Diff::Abs
    }
}

/// The rule for the values at the ends of the colour map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Range {
    /// The rule that suits the recording, see [`ViewState::range_of`].
    #[default]
    Auto,
    /// Per layer, from the lesser of 0 and its least value to its greatest; from its least value where that
    /// is more than half of the greatest; symmetric around 0 for signed differences.
    Layer,
    /// As [`Range::Layer`], over all layers together.
    Network,
    /// Fixed values.
    Fixed {
        /// Value at the low end.
        low: f32,
        /// Value at the high end.
        high: f32,
    },
}

/// The criterion by which the units of a layer are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderBy {
    /// The value of the query, the greatest first.
    Activation,
    /// The preferred class, then the class selectivity index.
    Selectivity,
    /// Units with similar activations are neighbours.
    Similarity,
}

impl OrderBy {
    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activation => "activation",
            Self::Selectivity => "selectivity",
            Self::Similarity => "similarity",
        }
    }
}

/// The order of the units on the slabs. It is computed at one epoch, so that units keep their places
/// while other epochs are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UnitOrder {
    /// The criterion.
    pub by: OrderBy,
    /// Number of the epoch at which it is computed.
    pub epoch: u64,
}

/// Everything that decides a picture of a recording. Small, stored as JSON, compared by value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ViewState {
    /// The camera.
    pub camera: Camera,
    /// Epoch number; between two recorded numbers the picture is interpolated.
    pub epoch: f64,
    /// The values of the cells.
    #[serde(default)]
    pub query: Query,
    /// In a comparison of two runs, side B selects the inputs that side A selects, see
    /// [`ViewState::link_sides`].
    #[serde(default)]
    pub sides_linked: bool,
    /// The colour map; `None` for the one that suits the query: diverging for signed values, else
    /// sequential.
    #[serde(default)]
    pub colour_map: Option<ColourMap>,
    /// The values at the ends of the colour map.
    #[serde(default)]
    pub range: Range,
    /// Light or dark colours.
    #[serde(default)]
    pub theme: Theme,
    /// Factor of the height of cells, in [0, 10].
    pub height: f32,
    /// Distant slabs fade towards the background colour.
    pub haze: bool,
    /// Layer names are drawn in the scene.
    pub labels: bool,
    /// The value range spans all epochs, so that colours are comparable along the training.
    #[serde(default)]
    pub over_epochs: bool,
    /// Percentage of the values beyond each end of the colour map, in [0, 10], so that a few outliers do
    /// not decide its range. Unused with [`Range::Fixed`].
    #[serde(default)]
    pub clip: f32,
    /// Cells weaker than this are dimmed: a fraction of the colour map, from its low end or, where it
    /// diverges, from its middle. In [0, 1]; 0 dims none.
    #[serde(default)]
    pub dim_below: f32,
    /// The order of the units; `None` is the order of the network.
    #[serde(default)]
    pub order: Option<UnitOrder>,
    /// Names of layers that are not drawn.
    #[serde(default)]
    pub hidden: BTreeSet<String>,
    /// The groups of layers that are folded, each to one slab.
    #[serde(default)]
    pub fold: Fold,
    /// The ways of the data are drawn as ribbons between the slabs.
    #[serde(default = "yes")]
    pub edges: bool,
    /// The pinned units.
    #[serde(default)]
    pub pins: Vec<Pin>,
}

fn yes() -> bool {
    true
}

impl ViewState {
    /// The default view from `camera` at an epoch number.
    pub fn new(camera: Camera, epoch: f64) -> Self {
        Self {
            camera,
            epoch,
            query: Query::default(),
            sides_linked: false,
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
            fold: Fold::default(),
            edges: true,
            pins: Vec::new(),
        }
    }

    /// Links the sides of a comparison of two runs if both select the same inputs.
    pub fn link_equal_sides(&mut self) {
        let Query { select, minus, run_b, .. } = &self.query;
        self.sides_linked =
            run_b.is_some() && minus.as_ref().is_some_and(|minus| minus.terms == select.terms);
    }

    /// Selects for side B what side A selects, if they are linked; the epochs stay.
    pub fn link_sides(&mut self) {
        let Query { select, minus, run_b, .. } = &mut self.query;
        if self.sides_linked
            && run_b.is_some()
            && let Some(minus) = minus
            && minus.terms != select.terms
        {
            minus.terms.clone_from(&select.terms);
        }
    }

    /// Hides the layer of this name, or shows it if it is hidden.
    pub fn toggle_layer(&mut self, name: &str) {
        if !self.hidden.remove(name) {
            self.hidden.insert(name.to_owned());
        }
    }

    /// Hides all layers but the one of this name, or shows all if that is so already.
    pub fn solo_layer(&mut self, name: &str, recording: &Recording) {
        let names = recording.layers.iter().map(|layer| &layer.name);
        let others: BTreeSet<String> = names.filter(|other| *other != name).cloned().collect();
        self.hidden = if self.hidden == others { BTreeSet::new() } else { others };
    }

    /// The rule in use for a recording with this normalisation: [`Self::range`] with [`Range::Auto`]
    /// resolved. Values as computed by the network get a range per layer, because a logit and the mean
    /// of a feature map have no scale in common. Values normalised to [0, 1] keep [`Range::Auto`], which
    /// then stands for [0, 1]; differences of them, effect sizes and counts get one range for the network.
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

    /// The colour map in use: [`Self::colour_map`] or the one that suits the query.
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
    fn linked_sides_select_the_same_inputs() {
        let recording = testing::recording(&[4], &["cat"], &[Some(0)], &[0]);
        let mut view =
            ViewState::new(Camera::set_view(SetView::Overview, &Layout::new(&recording, 1.5), 1.5), 0.0);
        let parse = |text: &str| text.parse::<Selection>().expect("a selection");
        view.query = Query { minus: Some(parse("all@first")), run_b: Some(1), ..Query::default() };
        view.link_equal_sides();
        view.query.select = parse("class:cat");
        view.link_sides();
        assert_eq!(view.query.minus, Some(parse("class:cat@first")), "at its own epoch");
        view.sides_linked = false;
        view.query.select = parse("all");
        view.link_sides();
        assert_eq!(view.query.minus, Some(parse("class:cat@first")));
        view.query.run_b = None;
        view.link_equal_sides();
        assert!(!view.sides_linked, "two selections of one run are independent");
    }

    #[test]
    fn the_automatic_range_suits_what_the_values_are() {
        let recording = testing::recording(&[4], &["cat"], &[Some(0)], &[0]);
        let camera = Camera::set_view(SetView::Overview, &Layout::new(&recording, 1.5), 1.5);
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
