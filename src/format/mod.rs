//! Files ↔ model: DNNViz/DeepDIVA dumps and the native recording. Nothing that a file says is used
//! before it has been checked.

#![warn(missing_docs)]

mod cache;
mod convert;
mod deepdiva;
mod error;
mod file;
mod handle;
mod json;
mod manifest_file;
mod native;
mod parallel;
mod picture;
mod synth;
pub mod watch;

use std::path::Path;
use std::sync::Arc;

pub use self::convert::{export_json, import};
pub use self::error::FormatError;
pub use self::handle::RunHandle;
pub use self::native::{EpochValues, LayerMaps, Pictures, RunWriter, ShardWriter, difference};
pub use self::synth::{SynthOptions, synth};
use crate::model::Source;

/// Opens a recording or a DNNViz dump. `path` is the folder with `manifest.json`, its parent that holds
/// `activations/`, or the manifest itself.
///
/// Reads the manifest and checks that every listed file is present and whole; values are read on demand.
///
/// # Errors
/// If there is no manifest, or it is neither a recording's nor a dump's, or it contradicts itself, or no
/// epoch can be read.
pub fn open(path: &Path) -> Result<Arc<dyn Source>, FormatError> {
    Ok(RunHandle::open(path)?.source())
}

/// Compiles and runs the guide's example.
#[cfg(doctest)]
#[doc = include_str!("../../docs/recording-format.md")]
struct RecordingFormatGuide;
