//! What the scene shows, as the overlay, the legend, the tooltip and the summary describe it.

use super::navigation::Target;
use crate::model::{EpochPosition, Layout, Recording, SceneValues, ValueRange, ViewState};
use crate::ui::runs::OpenRuns;

/// What the scene of one column shows, in the window and in stills alike.
#[derive(Clone, Copy, Debug)]
pub struct SceneDescription<'a> {
    /// The recording that is shown.
    pub recording: &'a Recording,
    /// All open runs; they name the run of side B.
    pub runs: OpenRuns<'a>,
    /// The view, with the query of the picture: the view's own may still be waiting for its values.
    pub view: &'a ViewState,
    /// The layout of the slabs, the selected input's picture included.
    pub layout: &'a Layout,
    /// Per layer, the range of the colour map, in normalised values.
    pub ranges: &'a [ValueRange],
    /// Some value shown is not a number.
    pub has_no_value: bool,
    /// The epoch of the picture, or the place between two.
    pub position: EpochPosition,
    /// The layer under the pointer, as an index into [`Recording::layers`].
    pub highlighted: Option<usize>,
    /// Layers without values because the run of side B has no such layer: their indices into
    /// [`Recording::layers`], and the number of units of the layer of that name there, if there is one.
    pub unmatched: &'a [(usize, Option<usize>)],
    /// The ranges of the colour maps are shared with other columns.
    pub shared: bool,
    /// The epochs that the ranges of the colour maps cover, and the number of epochs, where they are to cover
    /// all.
    pub range_epochs: Option<(usize, usize)>,
    /// The values of the slabs; `None` while there are none.
    pub values: Option<SceneValues<'a>>,
    /// The set view or layer that the camera shows; `None` after it was moved by hand.
    pub camera_target: Option<Target>,
}
