//! The scene in the window: camera, gestures, hover, and the overlay of labels and legend.

mod camera_input;
mod camera_moves;
mod cell_numbers;
pub(crate) mod description;
pub(super) mod gestures;
pub(super) mod hover;
mod labels;
pub(super) mod legend;
pub(crate) mod motion;
mod names;
pub(crate) mod navigation;
mod outputs;
mod overlay;
mod prediction;
pub(super) mod projection;
pub(crate) mod still;
mod summary;
mod value_scale;
mod verdict;
pub(crate) mod viewport;
