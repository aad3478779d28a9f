//! Panels and overlay over a [`crate::model::ViewState`]. Knows no files and makes no GPU calls.

pub mod commands;
pub mod dock;
pub mod panels;
pub mod playback;
pub mod runs;
pub mod scene;
pub mod style;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod text;
pub mod view_control;
pub mod widgets;

pub use panels::columns::ColumnBar;
pub use runs::{NamedRun, OpenRuns};
pub use scene::description::SceneDescription;
pub use scene::viewport::{LoadProgress, SceneResponse, SceneStatus, Viewport};
pub use view_control::{PanelData, PanelOutput, ViewControl};
pub use widgets::thumbnails::Thumbnails;
