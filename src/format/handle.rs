//! A recording opened by its path, which can be opened again when more of it was written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::deepdiva::Dump;
use super::error::FormatError;
use super::manifest_file::{LocatedManifest, ManifestFormat};
use super::native::NativeRun;
use crate::model::{EpochIndex, Recording, Source};

/// An open recording and its path. Cloning is cheap.
#[derive(Clone)]
pub struct RunHandle {
    path: PathBuf,
    source: OpenSource,
}

#[derive(Clone)]
enum OpenSource {
    Dump(Arc<Dump>),
    Native(Arc<NativeRun>),
}

impl RunHandle {
    /// Opens the recording at `path`.
    ///
    /// # Errors
    /// As for [`super::open`].
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        Self::open_after(path, None)
    }

    /// Opens the recording at the same path as it is now. Epochs of a native recording whose manifest
    /// entry is unchanged are shared with this handle and not opened again, so that the cost is that of
    /// the manifest and the new epochs.
    ///
    /// # Errors
    /// As for [`super::open`].
    pub fn reopen(&self) -> Result<Self, FormatError> {
        let before = match &self.source {
            OpenSource::Native(run) => Some(&**run),
            OpenSource::Dump(_) => None,
        };
        Self::open_after(&self.path, before)
    }

    fn open_after(path: &Path, before: Option<&NativeRun>) -> Result<Self, FormatError> {
        let located = LocatedManifest::locate(path)?;
        let (folder, manifest) = (&located.folder, &located.manifest);
        let source = match located.format {
            ManifestFormat::DeepDiva => OpenSource::Dump(Arc::new(Dump::open(folder, manifest)?)),
            ManifestFormat::Native => {
                OpenSource::Native(Arc::new(NativeRun::open_after(before, folder, manifest)?))
            }
        };
        Ok(Self { path: path.to_owned(), source })
    }

    /// Returns the recording and its values.
    pub fn source(&self) -> Arc<dyn Source> {
        match &self.source {
            OpenSource::Dump(dump) => Arc::clone(dump) as _,
            OpenSource::Native(run) => Arc::clone(run) as _,
        }
    }

    /// Returns the files in which the values of an epoch are stored; none for a damaged epoch of a
    /// native recording.
    pub fn epoch_files(&self, EpochIndex(epoch): EpochIndex) -> Vec<PathBuf> {
        match &self.source {
            OpenSource::Dump(dump) => dump.files(epoch).collect(),
            OpenSource::Native(run) => run.files(epoch),
        }
    }

    /// Returns `true` if this is the recording of `before` with at most new epochs: every value read
    /// from `before` is still valid for the epoch of the same number.
    pub fn continues(&self, before: &Self) -> bool {
        let same_files = match (&self.source, &before.source) {
            (OpenSource::Native(now), OpenSource::Native(before)) => now.shares_with(before),
            (OpenSource::Dump(_), OpenSource::Dump(_)) => true,
            _ => false,
        };
        same_files && is_continuation(before.source().recording(), self.source().recording())
    }
}

/// Returns `true` if `now` has the network and inputs of `before` and all of its readable epochs.
fn is_continuation(before: &Recording, now: &Recording) -> bool {
    let is_readable = |recording: &Recording, number: u64| {
        let index = recording.epochs.binary_search_by_key(&number, |epoch| epoch.number);
        index.is_ok_and(|index| !recording.epochs[index].damaged)
    };
    let same = |a: &Recording, b: &Recording| {
        a.model == b.model
            && a.layers == b.layers
            && a.edges == b.edges
            && a.joints == b.joints
            && a.classes == b.classes
            && a.inputs == b.inputs
            && a.normalisation == b.normalisation
    };
    same(before, now)
        && before.epochs.iter().filter(|epoch| !epoch.damaged).all(|epoch| is_readable(now, epoch.number))
}
