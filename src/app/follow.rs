//! Opens a run, be it there already or not, and opens it again whenever more of it was written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::event::{AppEvent, EventSender, RunEvent};
use crate::format::watch::{RunChange, RunWatcher, WatchOutcome};
use crate::format::{FormatError, RunHandle};

/// Follows each of the runs at `paths`, see [`follow`].
pub fn all(paths: &[PathBuf], send: &EventSender) -> Vec<RunWatcher> {
    paths.iter().enumerate().map(|(run, path)| one(run, path, send)).collect()
}

/// Follows the run at `path`, which is the window's `run`.
pub fn one(run: usize, path: &Path, send: &EventSender) -> RunWatcher {
    follow(run, path.to_owned(), EventSender::clone(send))
}

/// Tells by [`AppEvent`]s what there is to show at `path`, the window's `run`, until it is dropped.
fn follow(run: usize, path: PathBuf, send: EventSender) -> RunWatcher {
    let mut follower =
        RunFollower { run, path: path.clone(), send, opened: None, awaited: false, failures: 0 };
    RunWatcher::start(&path, move |change| match change {
        RunChange::Writer { active } => {
            follower.send(RunEvent::Writer { active });
            WatchOutcome::Done
        }
        RunChange::Manifest => follower.open(),
        RunChange::Absent => follower.miss(),
    })
}

struct RunFollower {
    run: usize,
    path: PathBuf,
    send: EventSender,
    /// As it was opened last.
    opened: Option<RunHandle>,
    /// It was not there when asked for, so that whatever stands there may be on its way.
    awaited: bool,
    /// How often in a row what was opened before could not be opened again.
    failures: u32,
}

impl RunFollower {
    fn send(&self, event: RunEvent) {
        (self.send)(AppEvent::Run { run: self.run, event });
    }

    fn open(&mut self) -> WatchOutcome {
        let before = self.opened.take();
        let found = before.as_ref().map_or_else(|| RunHandle::open(&self.path), RunHandle::reopen);
        let now = match found {
            Ok(now) => now,
            Err(error) => {
                self.opened = before;
                return self.fail(error);
            }
        };
        let source = now.source();
        let continues = before.as_ref().is_some_and(|before| now.continues(before));
        if std::mem::take(&mut self.failures) > 0 {
            self.send(RunEvent::Problem(None));
        }
        // A dump's manifest may be written before the files that it lists.
        let whole = source.recording().epochs.last().is_none_or(|epoch| !epoch.damaged);
        let is_news =
            !continues || before.is_none_or(|before| before.source().recording() != source.recording());
        self.opened = Some(now);
        if is_news {
            self.send(RunEvent::Opened { source, continues });
        }
        if whole { WatchOutcome::Done } else { WatchOutcome::Unfinished }
    }

    fn fail(&mut self, error: FormatError) -> WatchOutcome {
        if self.opened.is_some() {
            self.failures += 1;
            // At first it is probably being written.
            if self.failures > 1 {
                let what = format!("{error}. What was read before is shown.");
                self.send(RunEvent::Problem(Some(what)));
            }
            return WatchOutcome::Unfinished;
        }
        let unfinished = matches!(error, FormatError::Truncated { .. } | FormatError::NoEpoch { .. });
        if self.awaited || unfinished {
            self.wait(error.to_string());
            WatchOutcome::Unfinished
        } else {
            self.send(RunEvent::Refused(error));
            WatchOutcome::Done
        }
    }

    /// There is no manifest.
    fn miss(&mut self) -> WatchOutcome {
        let path = self.path.display();
        if self.opened.is_some() {
            self.failures += 1;
            let gone = format!("{path} is gone. What was read of it is shown.");
            self.send(RunEvent::Problem(Some(gone)));
        } else if let Some(why) = why_not_yet(&self.path) {
            self.wait(why);
        } else {
            match RunHandle::open(&self.path) {
                // It came just now, and will be told of.
                Ok(_) => {}
                Err(error) if self.awaited => self.wait(error.to_string()),
                Err(error) => self.send(RunEvent::Refused(error)),
            }
        }
        WatchOutcome::Done
    }

    fn wait(&mut self, why: String) {
        self.awaited = true;
        self.send(RunEvent::Awaited { why });
    }
}

/// Why there may be no manifest at `path` yet; `None` when what is there is no recording at all.
fn why_not_yet(path: &Path) -> Option<String> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Some("There is nothing at that place yet.".to_owned());
    }
    let mut entries = fs::read_dir(path).ok()?.flatten().map(|entry| entry.file_name()).peekable();
    let begun = entries.peek().is_none()
        || entries.any(|name| ["writer.lock", "activations"].iter().any(|sign| name == *sign));
    begun.then(|| "Its folder is there, its manifest is not yet.".to_owned())
}
