//! Panels and overlay over a [`crate::model::ViewState`], without access to files and GPU. The public part is
//! [`NamedRun`], with which stills name their runs.

#![warn(missing_docs)]

pub(crate) mod commands;
pub(crate) mod dock;
pub(crate) mod panels;
mod playback;
pub(crate) mod runs;
pub(crate) mod scene;
pub(crate) mod style;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod text;
mod view_control;
mod widgets;

pub use runs::NamedRun;

pub(crate) use panels::columns::ColumnBar;
pub(crate) use panels::unit::SubtractedRun;
pub(crate) use runs::OpenRuns;
pub(crate) use scene::description::{EpochCoverage, SceneDescription};
pub(crate) use scene::viewport::{LoadProgress, SceneResponse, SceneStatus, Viewport};
pub(crate) use view_control::{PanelData, PanelOutput, ShownQuery, ViewControl};
