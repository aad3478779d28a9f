//! Every way in which a file can disappoint, one variant per cause.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::{EpochError, SourceError};

/// Why a recording cannot be opened or written. Each message is one line that says what, where and
/// what to do.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("{path}: there is no such file or folder; check the name")]
    NotFound { path: PathBuf },
    #[error(
        "{path} is an empty folder; give the folder that holds manifest.json, or the one that holds activations/"
    )]
    EmptyFolder { path: PathBuf },
    #[error(
        "{path} is neither a recording nor a DNNViz dump: there is no manifest.json in it; give the folder that \
         holds one, or the one that holds activations/"
    )]
    NotARecording { path: PathBuf },
    #[error(
        "{path} is neither the manifest of a recording (`format`: \"dnnviz\") nor of a DNNViz dump (`model`, \
         `items`, `epochs`)"
    )]
    UnknownManifest { path: PathBuf },
    #[error("{path}: version {found} is not known, only {known}; use a newer dnnviz")]
    UnknownVersion { path: PathBuf, found: String, known: u64 },
    #[error("{path}: cannot be read: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{path}: is not a regular file")]
    NotAFile { path: PathBuf },
    #[error("{path}: has {bytes} bytes, the most that is read here is {cap}; it is not what it should be")]
    TooLarge { path: PathBuf, bytes: u64, cap: u64 },
    #[error(
        "{path}: ends in the middle of its JSON; it is half-written, wait for its writer or copy it again"
    )]
    Truncated { path: PathBuf },
    #[error("{path}: is not the JSON it should be: {what}")]
    Json { path: PathBuf, what: String },
    #[error("{path}: {what}")]
    Invalid { path: PathBuf, what: String },
    #[error(
        "{path}: layer {layer} has {found} units, but the manifest says {declared}; one of them is wrong"
    )]
    SizeDisagrees { path: PathBuf, layer: String, declared: usize, found: usize },
    #[error("{path}: `{name}` points outside the recording; it must name something inside")]
    Outside { path: PathBuf, name: String },
    #[error("{path}: is not a whole safetensors file: {what}; copy it again or leave it out")]
    Tensors { path: PathBuf, what: String },
    #[error("{path}: `{name}` is {found} and must have {wanted}; write it again as the format asks")]
    Array { path: PathBuf, name: String, found: String, wanted: String },
    #[error("{path}: no epoch can be read: {reason}")]
    NoEpoch { path: PathBuf, reason: String },
    #[error("{path} exists already; choose another name or remove it first")]
    Exists { path: PathBuf },
    #[error("{path} is being written by {holder}; wait until it ends, or choose another name")]
    Locked { path: PathBuf, holder: String },
    #[error("{path} cannot be gone on with: {what}; record under another name")]
    Differs { path: PathBuf, what: String },
    #[error("{path}: epoch {number} is written already; go on with a number that is not")]
    Written { path: PathBuf, number: u64 },
    #[error(
        "{path}: epoch {number} cannot be committed: {file} is not there; wait until every rank has written"
    )]
    NoShard { path: PathBuf, number: u64, file: String },
    #[error("{path}: cannot be written: {source}; choose a place that can be written to")]
    Write { path: PathBuf, source: io::Error },
    #[error("a made-up recording needs {what}")]
    Synth { what: String },
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error(transparent)]
    Epoch(#[from] EpochError),
}

impl FormatError {
    /// What happened when `path` was read.
    pub(super) fn read(path: &Path, source: io::Error) -> Self {
        if source.kind() == io::ErrorKind::NotFound {
            Self::NotFound { path: path.to_owned() }
        } else {
            Self::Read { path: path.to_owned(), source }
        }
    }

    /// For `map_err` of whatever writes to `path`.
    pub(super) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Write { path: path.to_owned(), source }
    }

    pub(super) fn invalid(path: &Path, what: impl Into<String>) -> Self {
        Self::Invalid { path: path.to_owned(), what: what.into() }
    }
}
