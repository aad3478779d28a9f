//! Errors of reading and writing recordings, one variant per cause.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{EpochError, SourceError};

/// An error of opening or writing a recording. Each message is one line that names the problem, the place and
/// the remedy.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// There is no file or folder with this name.
    #[error("{path}: there is no such file or folder; check the name")]
    NotFound {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// The folder is empty.
    #[error(
        "{path} is an empty folder; give the folder that holds manifest.json, or the one that holds activations/"
    )]
    EmptyFolder {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// The folder or file is no recording.
    #[error(
        "{path} is neither a recording nor a DNNViz dump: there is no manifest.json in it; give the folder that \
         holds one, or the one that holds activations/"
    )]
    NotARecording {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// The manifest is neither of a recording nor of a dump.
    #[error(
        "{path} is neither the manifest of a recording (`format`: \"dnnviz\") nor of a DNNViz dump (`model`, \
         `items`, `epochs`)"
    )]
    UnknownManifest {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// The version of the format is not supported.
    #[error("{path}: version {found} is not known, only {known}; use a newer dnnviz")]
    UnknownVersion {
        /// The file or folder concerned.
        path: PathBuf,
        /// The version in the manifest.
        found: String,
        /// The supported version.
        known: u64,
    },
    /// Reading failed.
    #[error("{path}: cannot be read: {source}")]
    Read {
        /// The file or folder concerned.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A folder, pipe or device stands where a file is expected.
    #[error("{path}: is not a regular file")]
    NotAFile {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// A file is larger than the limit for its kind.
    #[error("{path}: has {bytes} bytes, the most that is read here is {cap}; it is not what it should be")]
    TooLarge {
        /// The file or folder concerned.
        path: PathBuf,
        /// Size in bytes.
        bytes: u64,
        /// Size limit in bytes.
        cap: u64,
    },
    /// A JSON file ends too early.
    #[error(
        "{path}: ends in the middle of its JSON; it is half-written, wait for its writer or copy it again"
    )]
    Truncated {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// A file is no valid JSON or does not have the expected fields.
    #[error("{path}: is not the JSON it should be: {what}")]
    Json {
        /// The file or folder concerned.
        path: PathBuf,
        /// Description of the problem.
        what: String,
    },
    /// A file or an argument contradicts the format.
    #[error("{path}: {what}")]
    Invalid {
        /// The file or folder concerned.
        path: PathBuf,
        /// Description of the problem.
        what: String,
    },
    /// A file and the manifest disagree about the number of units of a layer.
    #[error(
        "{path}: layer {layer} has {found} units, but the manifest says {declared}; one of them is wrong"
    )]
    SizeDisagrees {
        /// The file or folder concerned.
        path: PathBuf,
        /// Name of the layer.
        layer: String,
        /// Number of units in the manifest.
        declared: usize,
        /// Number of units in the file.
        found: usize,
    },
    /// A name in a file leads out of the recording.
    #[error("{path}: `{name}` points outside the recording; it must name something inside")]
    Outside {
        /// The file or folder concerned.
        path: PathBuf,
        /// The name as written in the file.
        name: String,
    },
    /// A safetensors file is damaged.
    #[error("{path}: is not a whole safetensors file: {what}; copy it again or leave it out")]
    Tensors {
        /// The file or folder concerned.
        path: PathBuf,
        /// Description of the problem.
        what: String,
    },
    /// An array of a safetensors file has the wrong type or shape.
    #[error("{path}: `{name}` is {found} and must have {wanted}; write it again as the format asks")]
    Array {
        /// The file or folder concerned.
        path: PathBuf,
        /// Name of the array.
        name: String,
        /// Type and shape of the array.
        found: String,
        /// The expected type or shape.
        wanted: String,
    },
    /// No epoch can be read.
    #[error("{path}: no epoch can be read: {reason}")]
    NoEpoch {
        /// The file or folder concerned.
        path: PathBuf,
        /// Description of the problem.
        reason: String,
    },
    /// The target exists already.
    #[error("{path} exists already; choose another name or remove it first")]
    Exists {
        /// The file or folder concerned.
        path: PathBuf,
    },
    /// Another process writes the recording.
    #[error("{path} is being written by {holder}; wait until it ends, or choose another name")]
    Locked {
        /// The file or folder concerned.
        path: PathBuf,
        /// Description of the writing process.
        holder: String,
    },
    /// The recording does not match the training that is to continue it.
    #[error("{path} cannot be gone on with: {what}; record under another name")]
    Differs {
        /// The file or folder concerned.
        path: PathBuf,
        /// Description of the problem.
        what: String,
    },
    /// The epoch is written already.
    #[error("{path}: epoch {number} is written already; go on with a number that is not")]
    Written {
        /// The file or folder concerned.
        path: PathBuf,
        /// Number of the epoch.
        number: u64,
    },
    /// A shard of the epoch to commit is missing.
    #[error(
        "{path}: epoch {number} cannot be committed: {file} is not there; wait until every rank has written"
    )]
    NoShard {
        /// The file or folder concerned.
        path: PathBuf,
        /// Number of the epoch.
        number: u64,
        /// Name of the missing file.
        file: String,
    },
    /// Writing failed.
    #[error("{path}: cannot be written: {source}; choose a place that can be written to")]
    Write {
        /// The file or folder concerned.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The options of a made-up recording are out of range.
    #[error("a made-up recording needs {what}")]
    Synth {
        /// The requirement that is not met.
        what: String,
    },
    /// Reading values of an open recording failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An epoch is not recorded.
    #[error(transparent)]
    Epoch(#[from] EpochError),
}

impl FormatError {
    /// Returns the error for a failed attempt to read `path`.
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::NotFound { path: path.to_owned() }
        } else {
            Self::Read { path: path.to_owned(), source }
        }
    }

    /// Returns a function for `map_err` after an attempt to write to `path`.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    /// Returns [`FormatError::Exists`] or else [`FormatError::Write`] for a target that must not exist.
    pub(super) fn create(target: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match source.kind() {
            io::ErrorKind::AlreadyExists => Self::Exists { path: target.to_owned() },
            _ => Self::Write { path: target.to_owned(), source },
        }
    }

    /// Returns [`FormatError::Invalid`].
    pub(super) fn invalid(path: &Path, what: impl Into<String>) -> Self {
        Self::Invalid { path: path.to_owned(), what: what.into() }
    }
}
