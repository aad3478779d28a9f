//! Panels and overlay over a [`crate::model::ViewState`]. Knows no files and makes no GPU calls.

pub mod about;
pub mod bars;
pub mod choice;
pub mod columns;
pub mod command_box;
pub mod commands;
mod curves;
pub mod hands;
pub mod hover;
pub mod input;
pub mod interface;
pub mod labels;
pub mod layers;
pub mod legend;
pub mod minimap;
pub mod motion;
pub mod moves;
pub mod navigation;
pub mod options;
pub mod overlay;
pub mod picker;
pub mod pictures;
pub mod playback;
pub mod runs;
pub mod shape;
pub mod still;
pub mod style;
pub mod summary;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod unit;
pub mod widgets;
pub mod words;
pub mod workbench;

pub use columns::Columns;
pub use interface::{Asked, Done, Facts, Interface, Progress, Sight, Viewport};
pub use overlay::Overlay;
pub use pictures::Pictures;
pub use runs::{OpenRuns, RunFacts};
