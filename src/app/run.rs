//! One of the runs that a window was opened on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::session::RunContext;
use crate::format::FormatError;
use crate::model::{Format, Normalisation, Recording, Source};
use crate::ui::NamedRun;

/// What other threads tell of a run.
pub enum RunEvent {
    /// The recording is open. It `continues` the one before when what was read of that is still true.
    Opened { source: Arc<dyn Source>, continues: bool },
    /// There is nothing to open yet; why.
    Awaited { why: String },
    /// What there is will never open.
    Refused(FormatError),
    /// What is wrong with the run that was opened, in one line; `None` when all is well again.
    Trouble(Option<String>),
    /// Whether a writer is at work on it.
    Writer { at_work: bool },
}

/// A run, be it there already or not.
pub struct Run {
    pub path: PathBuf,
    /// What it is called beside the others.
    pub name: String,
    pub state: RunState,
    /// A writer is at work.
    pub live: bool,
    /// What is wrong with it, in one line.
    pub trouble: Option<String>,
}

/// How far a run is.
pub enum RunState {
    Opening,
    Awaiting { why: String },
    Refused(FormatError),
    Opened(OpenRun),
}

/// A run as it was opened last.
#[derive(Clone)]
pub struct OpenRun {
    pub source: Arc<dyn Source>,
    /// How often another recording has taken its place.
    pub replaced: u64,
    /// How often it was opened again with more epochs.
    pub continued: u64,
}

/// Every run of a window by its place; `None` as long as it is not open.
pub type OpenRunList = Arc<[Option<OpenRun>]>;

impl Run {
    pub fn new(path: PathBuf, name: String) -> Self {
        Self { path, name, state: RunState::Opening, live: false, trouble: None }
    }

    /// The run, where it is open.
    pub fn opened(&self) -> Option<&OpenRun> {
        if let RunState::Opened(opened) = &self.state { Some(opened) } else { None }
    }

    /// As panels and legends speak of it; with `nothing` in it while it is not open.
    pub fn facts<'a>(&'a self, nothing: &'a Recording) -> NamedRun<'a> {
        let recording = self.opened().map_or(nothing, |opened| opened.source.recording());
        NamedRun { name: &self.name, recording }
    }

    /// What a view of it is laid out with.
    pub fn around<'a>(&'a self, runs: &'a [NamedRun<'a>]) -> RunContext<'a> {
        RunContext { runs, live: self.live, trouble: self.trouble.as_deref() }
    }

    /// Takes note of what was opened.
    pub fn open(&mut self, source: Arc<dyn Source>, continues: bool) {
        let (replaced, continued) = match self.opened() {
            Some(before) if continues => (before.replaced, before.continued + 1),
            Some(before) => (before.replaced + 1, 0),
            None => (0, 0),
        };
        self.state = RunState::Opened(OpenRun { source, replaced, continued });
    }
}

/// A recording of which nothing is known yet.
pub fn nothing() -> Recording {
    Recording {
        format: Format::Native,
        model: String::new(),
        layers: Vec::new(),
        edges: Vec::new(),
        classes: Vec::new(),
        inputs: Vec::new(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

/// What runs are called: the ends of their paths, as long as it takes to tell them apart.
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
    fn a_run_is_called_as_it_takes_to_tell_it_from_the_others() {
        let named = |paths: &[&str]| names(&paths.iter().map(PathBuf::from).collect::<Vec<_>>());
        assert_eq!(named(&["runs/mnist"]), ["mnist"]);
        assert_eq!(named(&["a/net", "b/net", "b/other"]), ["a/net", "b/net", "other"]);
        assert_eq!(named(&["net", "a/net"]), ["net", "a/net"]);
        assert_eq!(named(&["runs/net", "runs/net"]), ["net", "net"], "one run twice");
    }
}
