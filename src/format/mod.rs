//! Files ↔ model: DNNViz/DeepDIVA dumps and the native recording. Every file is hostile until checked.

mod cache;
mod convert;
mod deepdiva;
mod error;
mod file;
mod json;
mod native;
mod opened;
mod parallel;
mod picture;
mod stage;
mod synth;
pub mod watch;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub use self::convert::{export_json, import};
pub use self::error::FormatError;
use self::file::{Root, shortened};
pub use self::native::{EpochValues, LayerMaps, Pictures, RunWriter, ShardWriter, difference};
pub use self::opened::OpenedRun;
pub use self::synth::{SynthOptions, synth};
use crate::model::Source;

/// The longest manifest that is read, in bytes.
const MOST_MANIFEST_BYTES: u64 = 64 << 20;

/// Opens a recording or a DNNViz dump: the folder with `manifest.json`, its parent that holds
/// `activations/`, or the manifest itself.
///
/// Costs the manifest and a look at every listed file; values are read when they are asked for.
pub fn open(path: &Path) -> Result<Arc<dyn Source>, FormatError> {
    Ok(OpenedRun::open(path)?.source())
}

/// A manifest that was found and recognised, not yet checked.
struct Found {
    folder: PathBuf,
    manifest: Vec<u8>,
    format: Known,
}

enum Known {
    Dump,
    Run,
}

/// As much of a manifest as tells what it is.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    format: Option<serde_json::Value>,
    #[serde(default)]
    version: Option<serde_json::Value>,
    #[serde(default)]
    model: Option<IgnoredAny>,
    #[serde(default)]
    items: Option<IgnoredAny>,
    #[serde(default)]
    epochs: Option<IgnoredAny>,
}

impl Found {
    fn at(path: &Path) -> Result<Self, FormatError> {
        let folder = folder_of(path)?;
        let manifest_path = folder.join(MANIFEST);
        let manifest = Root::new(&folder)?.read(&manifest_path, MOST_MANIFEST_BYTES)?;
        if manifest.trim_ascii().is_empty() {
            return Err(FormatError::Truncated { path: manifest_path });
        }
        let head: Head = json::parse(&manifest_path, &manifest)?;
        let format = if head.format.as_ref().is_some_and(|format| format == native::NAME) {
            check_version(&manifest_path, head.version.as_ref(), native::VERSION)?;
            Known::Run
        } else if head.model.is_some() && head.items.is_some() && head.epochs.is_some() {
            check_version(&manifest_path, head.version.as_ref(), deepdiva::VERSION)?;
            Known::Dump
        } else {
            return Err(FormatError::UnknownManifest { path: manifest_path });
        };
        Ok(Self { folder, manifest, format })
    }
}

/// What the manifest is called.
const MANIFEST: &str = "manifest.json";
/// The folder in which a DeepDIVA run keeps its dump.
const DUMP: &str = "activations";

/// The folder that holds the manifest.
fn folder_of(path: &Path) -> Result<PathBuf, FormatError> {
    let about = fs::metadata(path).map_err(|error| FormatError::read(path, error))?;
    let not_a_recording = || FormatError::NotARecording { path: path.to_owned() };
    if !about.is_dir() {
        let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST);
        let folder = path.parent().filter(|_| is_manifest).ok_or_else(not_a_recording)?;
        return Ok(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() });
    }
    for folder in [path.to_owned(), path.join(DUMP)] {
        if fs::symlink_metadata(folder.join(MANIFEST)).is_ok() {
            return Ok(folder);
        }
    }
    let mut entries = fs::read_dir(path).map_err(|error| FormatError::read(path, error))?;
    Err(if entries.next().is_none() {
        FormatError::EmptyFolder { path: path.to_owned() }
    } else {
        not_a_recording()
    })
}

fn check_version(path: &Path, found: Option<&serde_json::Value>, known: u64) -> Result<(), FormatError> {
    match found {
        Some(version) if version.as_u64() == Some(known) => Ok(()),
        version => Err(FormatError::UnknownVersion {
            path: path.to_owned(),
            found: version.map_or_else(|| "(none)".to_owned(), |version| shortened(&version.to_string())),
            known,
        }),
    }
}

/// Compiles and runs the guide's example.
#[cfg(doctest)]
#[doc = include_str!("../../docs/recording-format.md")]
struct RecordingFormatGuide;
