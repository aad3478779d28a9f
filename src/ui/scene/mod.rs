//! The scene as the window shows it: camera, gestures, hover, and the overlay of labels and legend.

pub mod camera_moves;
pub mod description;
pub mod gestures;
pub mod hover;
pub mod labels;
pub mod legend;
pub mod motion;
pub mod navigation;
pub mod overlay;
pub mod projection;
pub mod still;
pub mod summary;
pub mod viewport;
