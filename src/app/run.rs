//! The runs of a window.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::format::FormatError;
use crate::model::{Format, Normalisation, Recording, Source};
use crate::ui::NamedRun;

/// The id of the next run that is opened; 0 stands for a run that is not open.
static NEXT_ID: AtomicU64 = AtomicU64::new(1);

/// A run of the window, open or not.
pub struct Run {
    /// Path as the user gave it.
    pub path: PathBuf,
    /// Name that differs from those of the other runs, see [`names`].
    pub name: String,
    /// Progress of opening the run.
    pub state: RunState,
    /// `true` while a writer holds the lock of the run.
    pub live: bool,
    /// Problem of the open run, in one line.
    pub problem: Option<String>,
}

/// The state of a run.
pub enum RunState {
    /// The run is being opened.
    Opening,
    /// There is nothing to open yet.
    Awaiting {
        /// The reason, in one line.
        why: String,
    },
    /// The path will never be a recording.
    Refused(FormatError),
    /// The run is open.
    Opened(OpenRun),
}

/// An open run, in the version that was opened last.
#[derive(Clone)]
pub struct OpenRun {
    /// Id of this version, unique among all runs and versions of the process.
    pub id: u64,
    /// The recording.
    pub source: Arc<dyn Source>,
    /// Number of times that the recording was replaced by another one.
    pub replaced: u64,
    /// Number of times that the recording was opened again with more epochs.
    pub continued: u64,
}

/// The runs of a window, by index; `None` while one is not open.
pub type OpenRunList = Arc<[Option<OpenRun>]>;

impl Run {
    /// Creates a run that is being opened.
    pub fn new(path: PathBuf, name: String) -> Self {
        Self { path, name, state: RunState::Opening, live: false, problem: None }
    }

    /// The open run; `None` while it is not open.
    pub fn opened(&self) -> Option<&OpenRun> {
        if let RunState::Opened(opened) = &self.state { Some(opened) } else { None }
    }

    /// Returns its name and recording; `empty` stands for the recording of a run that is not open.
    pub fn named<'a>(&'a self, empty: &'a Recording) -> NamedRun<'a> {
        let (id, recording) = self.opened().map_or((0, empty), |open| (open.id, open.source.recording()));
        NamedRun { name: &self.name, id, recording }
    }

    /// Returns the context in which a session of this run is laid out; `runs` are all runs of the window.
    pub fn context<'a>(&'a self, runs: &'a [NamedRun<'a>]) -> RunContext<'a> {
        RunContext { runs, live: self.live, problem: self.problem.as_deref() }
    }

    /// Records that the run was opened as `source`; `continues` if this is the recording before with more
    /// epochs.
    pub fn open(&mut self, source: Arc<dyn Source>, continues: bool) {
        let (replaced, continued) = match self.opened() {
            Some(before) if continues => (before.replaced, before.continued + 1),
            Some(before) => (before.replaced + 1, 0),
            None => (0, 0),
        };
        self.state = RunState::Opened(OpenRun {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            source,
            replaced,
            continued,
        });
    }
}

/// The runs beside a session, and the state of its own.
#[derive(Clone, Copy)]
pub struct RunContext<'a> {
    /// All runs of the window; a run that is not open has an empty recording.
    pub runs: &'a [NamedRun<'a>],
    /// `true` while a writer holds the lock of the session's run.
    pub live: bool,
    /// The problem of the session's run, in one line.
    pub problem: Option<&'a str>,
}

/// Returns the open runs among `runs`, by index.
pub fn open_runs(runs: &[Run]) -> OpenRunList {
    runs.iter().map(|run| run.opened().cloned()).collect()
}

/// Returns a recording without contents, which stands for that of a run that is not open.
pub fn empty_recording() -> Recording {
    Recording {
        format: Format::Native,
        model: String::new(),
        layers: Vec::new(),
        edges: Vec::new(),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        classes: Vec::new(),
        inputs: Vec::new(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

/// Returns the names of runs: the shortest ends of their paths that are unique.
pub fn names(paths: &[PathBuf]) -> Vec<String> {
    let end = |path: &Path, parts: usize| {
        let all: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
        all[all.len().saturating_sub(parts)..].join("/")
    };
    let longest = paths.iter().map(|path| path.components().count()).max().unwrap_or(0);
    let name = |path: &PathBuf| {
        let others = paths.iter().filter(|other| *other != path);
        let alone = |parts: &usize| others.clone().all(|other| end(other, *parts) != end(path, *parts));
        end(path, (1..=longest).find(alone).unwrap_or(longest))
    };
    paths.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_shortest_unique_ends_of_paths() {
        let named = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(named(&["runs/mnist"]), ["mnist"]);
        assert_eq!(named(&["a/net", "b/net", "b/other"]), ["a/net", "b/net", "other"]);
        assert_eq!(named(&["net", "a/net"]), ["net", "a/net"]);
        assert_eq!(named(&["runs/net", "runs/net"]), ["net", "net"], "one run twice");
    }
}
