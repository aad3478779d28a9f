//! Opens runs, which need not exist yet, and opens them again whenever a writer has added to them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::event::{AppEvent, EventSender, RunEvent};
use crate::format::watch::{RunChange, RunWatcher, WatchOutcome};
use crate::format::{FormatError, RunHandle};

/// Follows each of the runs at `paths`, see [`follow_run`].
pub fn follow_runs(paths: &[PathBuf], send: &EventSender) -> Vec<RunWatcher> {
    paths.iter().enumerate().map(|(run, path)| follow_run(run, path, send)).collect()
}

/// Opens the run at `path`, whose index in the window is `run`, and sends [`RunEvent`]s about it and its
/// changes until the result is dropped.
pub fn follow_run(run: usize, path: &Path, send: &EventSender) -> RunWatcher {
    let mut follower = RunFollower {
        run,
        path: path.to_owned(),
        send: EventSender::clone(send),
        opened: None,
        awaited: false,
        failures: 0,
    };
    RunWatcher::start(path, move |change| match change {
        RunChange::Writer { active } => {
            follower.send(RunEvent::Writer { active });
            WatchOutcome::Done
        }
        RunChange::Manifest => follower.open(),
        RunChange::Absent => follower.handle_absence(),
    })
}

/// Opens one run, again after each change of its files, and reports by events.
struct RunFollower {
    /// Index of the run in the window.
    run: usize,
    path: PathBuf,
    send: EventSender,
    /// The run in the version that was opened last.
    opened: Option<RunHandle>,
    /// The run was absent or incomplete before, so that an error may mean that it is still being written.
    awaited: bool,
    /// Number of failures to open the run again since it was opened last.
    failures: u32,
}

impl RunFollower {
    fn send(&self, event: RunEvent) {
        (self.send)(AppEvent::Run { run: self.run, event });
    }

    /// Opens the run, or opens it again.
    fn open(&mut self) -> WatchOutcome {
        let previous = self.opened.take();
        let reopened = previous.as_ref().map_or_else(|| RunHandle::open(&self.path), RunHandle::reopen);
        let opened = match reopened {
            Ok(opened) => opened,
            Err(error) => {
                self.opened = previous;
                return self.fail(error);
            }
        };
        let source = opened.source();
        let continues = previous.as_ref().is_some_and(|previous| opened.continues(previous));
        if std::mem::take(&mut self.failures) > 0 {
            self.send(RunEvent::Problem(None));
        }
        // A dump's manifest may be written before the files that it lists.
        let is_complete = source.recording().epochs.last().is_none_or(|epoch| !epoch.damaged);
        let has_changed =
            !continues || previous.is_none_or(|previous| previous.source().recording() != source.recording());
        self.opened = Some(opened);
        if has_changed {
            self.send(RunEvent::Opened { source, continues });
        }
        if is_complete { WatchOutcome::Done } else { WatchOutcome::Unfinished }
    }

    /// Reports that the run cannot be opened.
    fn fail(&mut self, error: FormatError) -> WatchOutcome {
        if self.opened.is_some() {
            self.failures += 1;
            // At the first failure it is probably being written.
            if self.failures > 1 {
                let problem = format!("{error}. What was read before is shown.");
                self.send(RunEvent::Problem(Some(problem)));
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

    /// Reports that there is no manifest.
    fn handle_absence(&mut self) -> WatchOutcome {
        let path = self.path.display();
        if self.opened.is_some() {
            self.failures += 1;
            let problem = format!("{path} is gone. What was read of it is shown.");
            self.send(RunEvent::Problem(Some(problem)));
        } else if let Some(why) = reason_to_wait(&self.path) {
            self.wait(why);
        } else {
            match RunHandle::open(&self.path) {
                // The manifest was written just now: another change is reported.
                Ok(_) => {}
                Err(error) if self.awaited => self.wait(error.to_string()),
                Err(error) => self.send(RunEvent::Refused(error)),
            }
        }
        WatchOutcome::Done
    }

    /// Reports that the run is awaited.
    fn wait(&mut self, why: String) {
        self.awaited = true;
        self.send(RunEvent::Awaited { why });
    }
}

/// Returns the reason why a manifest may still be written at `path`; `None` if there is something else.
fn reason_to_wait(path: &Path) -> Option<String> {
    if fs::symlink_metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        return Some("There is nothing at that place yet.".to_owned());
    }
    let mut entries = fs::read_dir(path).ok()?.flatten().map(|entry| entry.file_name()).peekable();
    let is_begun = entries.peek().is_none()
        || entries.any(|name| ["writer.lock", "activations"].iter().any(|file| name == *file));
    is_begun.then(|| "Its folder is there, its manifest is not yet.".to_owned())
}
