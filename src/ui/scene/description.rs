//! The description of a scene, from which the overlay, the legend, the tooltip and the summary are made.

use super::navigation::CameraTarget;
use crate::model::{EpochPosition, LayerIndex, Layout, Recording, SceneValues, ValueRange, ViewState};
use crate::ui::runs::OpenRuns;

/// The share of the epochs that value ranges cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochCoverage {
    /// Number of epochs whose values were read.
    pub read: usize,
    /// Number of all readable epochs.
    pub of: usize,
}

/// Everything that the scene of one column shows, in the window and in stills.
#[derive(Clone, Copy, Debug)]
pub struct SceneDescription<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// All open runs; they name the run of side B.
    pub runs: OpenRuns<'a>,
    /// The view, with the query of the picture: the latest query may still wait for its values.
    pub view: &'a ViewState,
    /// The layout of the slabs, the selected input's picture included.
    pub layout: &'a Layout,
    /// Per layer, the range of the colour map, in normalised values.
    pub ranges: &'a [ValueRange],
    /// `true` if some cell has no value.
    pub has_no_value: bool,
    /// The epoch position of the picture.
    pub position: EpochPosition,
    /// The layer under the pointer.
    pub highlighted: Option<LayerIndex>,
    /// Layers without values because the run of side B has no such layer, and the number of units of the
    /// layer of that name there, if there is one.
    pub unmatched: &'a [(LayerIndex, Option<usize>)],
    /// `true` if the value ranges are shared with other columns.
    pub shared: bool,
    /// The epochs that the value ranges cover; `None` unless the ranges are those of all epochs.
    pub range_epochs: Option<EpochCoverage>,
    /// The values of the slabs; `None` while there are none.
    pub values: Option<SceneValues<'a>>,
    /// The set view or layer that the camera shows; `None` after a gesture moved it.
    pub camera_target: Option<CameraTarget>,
}
