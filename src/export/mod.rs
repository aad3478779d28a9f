//! Output: stills as PNG, values as CSV, a view as a command line.
//!
//! A still is the same scene and overlay as in the window, drawn without one.

#![warn(missing_docs)]

mod command_line;
mod csv;
mod file;
mod still;

pub(crate) use command_line::command_line;
pub(crate) use csv::csv_field;
pub use still::{Still, StillError, StillView};
