//! Pictures without a window: the scene and its overlay, drawn, read back and written to a file.

mod file;
mod still;

pub use still::{Column, Still, StillError, Values};
