//! Panels and overlay over a [`crate::model::ViewState`]. Knows no files and makes no GPU calls.

pub mod about;
pub mod choice;
pub mod columns;
mod curves;
pub mod hands;
pub mod interface;
pub mod labels;
pub mod legend;
pub mod minimap;
pub mod motion;
pub mod moves;
pub mod navigation;
pub mod overlay;
pub mod panel;
pub mod picker;
pub mod pictures;
pub mod playback;
pub mod runs;
pub mod shape;
pub mod still;
pub mod style;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod widgets;
pub mod words;

pub use columns::Columns;
pub use interface::{Asked, Done, Facts, Interface, Progress, Sight, Viewport};
pub use overlay::Overlay;
pub use pictures::Pictures;
pub use runs::{OpenRuns, RunFacts};
