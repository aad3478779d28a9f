//! A recording that is open, and is opened again when more of it was written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::deepdiva::Dump;
use super::native::Run;
use super::{FormatError, Found, Known};
use crate::model::{Recording, Source};

/// An open recording, and where it lies.
#[derive(Clone)]
pub struct OpenedRun {
    path: PathBuf,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Dump(Arc<Dump>),
    Run(Arc<Run>),
}

impl OpenedRun {
    /// Opens what is at `path`, as [`super::open`] does.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        Self::read(path, None)
    }

    /// Opens what is at the same place now. Epochs of a recording whose entry in the manifest did not
    /// change are shared with this one and not opened again, so that a commit costs the manifest and
    /// what is new.
    pub fn again(&self) -> Result<Self, FormatError> {
        let before = match &self.kind {
            Kind::Run(run) => Some(&**run),
            Kind::Dump(_) => None,
        };
        Self::read(&self.path, before)
    }

    fn read(path: &Path, before: Option<&Run>) -> Result<Self, FormatError> {
        let found = Found::at(path)?;
        let kind = match found.format {
            Known::Dump => Kind::Dump(Arc::new(Dump::open(&found.folder, &found.manifest)?)),
            Known::Run => Kind::Run(Arc::new(Run::open_after(before, &found.folder, &found.manifest)?)),
        };
        Ok(Self { path: path.to_owned(), kind })
    }

    pub fn source(&self) -> Arc<dyn Source> {
        match &self.kind {
            Kind::Dump(dump) => Arc::clone(dump) as _,
            Kind::Run(run) => Arc::clone(run) as _,
        }
    }

    /// Returns the files in which the values of an epoch are stored; none for a damaged epoch of a
    /// recording.
    pub fn epoch_files(&self, epoch: usize) -> Vec<PathBuf> {
        match &self.kind {
            Kind::Dump(dump) => dump.files(epoch).collect(),
            Kind::Run(run) => run.files(epoch),
        }
    }

    /// Whether this is `before`, opened again, with nothing that could be read changed or gone: what
    /// was read of an epoch then is true of the epoch of the same number now.
    pub fn continues(&self, before: &Self) -> bool {
        let same_files = match (&self.kind, &before.kind) {
            (Kind::Run(now), Kind::Run(before)) => now.shares_with(before),
            (Kind::Dump(_), Kind::Dump(_)) => true,
            _ => false,
        };
        same_files && goes_on(before.source().recording(), self.source().recording())
    }
}

/// Whether `now` describes the same network and inputs as `before`, and all of its readable epochs.
fn goes_on(before: &Recording, now: &Recording) -> bool {
    let readable = |recording: &Recording, number: u64| {
        let found = recording.epochs.binary_search_by_key(&number, |epoch| epoch.number);
        found.is_ok_and(|at| !recording.epochs[at].damaged)
    };
    let same = |a: &Recording, b: &Recording| {
        a.model == b.model
            && a.layers == b.layers
            && a.edges == b.edges
            && a.classes == b.classes
            && a.inputs == b.inputs
            && a.normalisation == b.normalisation
    };
    same(before, now)
        && before.epochs.iter().filter(|epoch| !epoch.damaged).all(|epoch| readable(now, epoch.number))
}
