//! The manifest of a run: its place and its format.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::FormatError;
use super::file::{RootFolder, shortened};
use super::{deepdiva, json, native};

/// Name of the manifest's file.
pub(super) const MANIFEST_NAME: &str = "manifest.json";
/// Name of the folder in which a DeepDIVA run keeps its dump.
pub(super) const DUMP_FOLDER: &str = "activations";
/// Size limit of a manifest in bytes.
pub(super) const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// A manifest whose format is known and whose content is not checked yet.
pub(super) struct LocatedManifest {
    /// The folder that holds the manifest.
    pub(super) folder: PathBuf,
    /// Bytes of the file.
    pub(super) manifest: Vec<u8>,
    pub(super) format: ManifestFormat,
}

pub(super) enum ManifestFormat {
    DeepDiva,
    Native,
}

/// The fields of a manifest by which its format is recognised.
#[derive(Deserialize)]
struct ManifestHeader {
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

impl LocatedManifest {
    /// Reads the manifest of the run at `path` and recognises its format.
    pub(super) fn locate(path: &Path) -> Result<Self, FormatError> {
        let folder = manifest_folder(path)?;
        let manifest_path = folder.join(MANIFEST_NAME);
        let manifest = RootFolder::new(&folder)?.read(&manifest_path, MAX_MANIFEST_BYTES)?;
        if manifest.trim_ascii().is_empty() {
            return Err(FormatError::Truncated { path: manifest_path });
        }
        let header: ManifestHeader = json::parse(&manifest_path, &manifest)?;
        let format = if header.format.as_ref().is_some_and(|format| format == native::NAME) {
            check_version(&manifest_path, header.version.as_ref(), native::VERSION)?;
            ManifestFormat::Native
        } else if header.model.is_some() && header.items.is_some() && header.epochs.is_some() {
            check_version(&manifest_path, header.version.as_ref(), deepdiva::VERSION)?;
            ManifestFormat::DeepDiva
        } else {
            return Err(FormatError::UnknownManifest { path: manifest_path });
        };
        Ok(Self { folder, manifest, format })
    }
}

/// Returns the folder that holds the manifest of the run at `path`.
fn manifest_folder(path: &Path) -> Result<PathBuf, FormatError> {
    let metadata = fs::metadata(path).map_err(|error| FormatError::read(path, error))?;
    let not_a_recording = || FormatError::NotARecording { path: path.to_owned() };
    if !metadata.is_dir() {
        let is_manifest = path.file_name().is_some_and(|name| name == MANIFEST_NAME);
        let folder = path.parent().filter(|_| is_manifest).ok_or_else(not_a_recording)?;
        return Ok(if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder.to_owned() });
    }
    for folder in [path.to_owned(), path.join(DUMP_FOLDER)] {
        if fs::symlink_metadata(folder.join(MANIFEST_NAME)).is_ok() {
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

/// Fails unless `version`, as written in the manifest at `path`, is the supported one.
fn check_version(
    path: &Path,
    version: Option<&serde_json::Value>,
    supported: u64,
) -> Result<(), FormatError> {
    match version {
        Some(version) if version.as_u64() == Some(supported) => Ok(()),
        version => Err(FormatError::UnknownVersion {
            path: path.to_owned(),
            found: version.map_or_else(|| "(none)".to_owned(), |version| shortened(&version.to_string())),
            known: supported,
        }),
    }
}
