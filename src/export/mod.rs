//! Pictures without a window: the scene and its overlay, drawn, read back and written to a file. And how
//! values are written as text.

mod csv;
mod file;
mod still;

pub use csv::csv_field;
pub use still::{Column, Still, StillError, Values};
