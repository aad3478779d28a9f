//! Watching a run while it is written: changes of its manifest, its absence, and whether a writer is
//! active.
//!
//! The notifications of the operating system report most changes at once. Polling covers file systems
//! without notifications (network folders) and locks, which cause none.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::file::{FileIdentity, RootFolder};
use super::manifest_file::{DUMP_FOLDER, MANIFEST_NAME};

/// Name of the file that a writer keeps locked exclusively while it runs.
const LOCK_NAME: &str = "writer.lock";

/// Time between two polls.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Delay of the first retry after [`WatchOutcome::Unfinished`]; it doubles with every retry.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// Longest delay; then there are no more retries until the next change.
const LAST_RETRY: Duration = Duration::from_secs(8);

/// A change of a watched run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunChange {
    /// There is a new manifest, or the one whose outcome was [`WatchOutcome::Unfinished`] may be complete
    /// now.
    Manifest,
    /// There is no manifest, not yet or no longer. Reported again when the run's folder appears or
    /// disappears.
    Absent,
    /// A writer has taken the run's lock or has released it, which also happens when it is killed.
    Writer {
        /// `true` while a writer holds the lock.
        active: bool,
    },
}

/// The result of handling a [`RunChange`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchOutcome {
    /// The change is handled.
    Done,
    /// The run is incomplete: report it again later, since its completion may cause no notification.
    Unfinished,
}

/// A thread that watches a run. Dropping it stops the thread after the report in progress.
pub struct RunWatcher {
    messages: Sender<WatchMessage>,
    thread: Option<thread::JoinHandle<()>>,
}

/// A message to the watching thread.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WatchMessage {
    /// Check for changes.
    Check,
    /// The folder for which there are notifications was moved or removed.
    FolderMoved,
    Stop,
}

impl RunWatcher {
    /// Watches the run that [`super::open`] would open at `path`, which need not exist yet. Calls `report`
    /// on a separate thread with the initial state and every change.
    pub fn start(path: &Path, mut report: impl FnMut(RunChange) -> WatchOutcome + Send + 'static) -> Self {
        let (messages, received) = channel();
        let target = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut state = WatchState {
            target,
            messages: messages.clone(),
            notifications: None,
            manifest: ManifestState::Unknown,
            active: false,
        };
        let spawned = thread::Builder::new().name("watch".to_owned()).spawn(move || {
            watch(&mut state, &received, &mut report);
        });
        let thread = spawned.inspect_err(|error| log::error!("cannot start the watch thread: {error}")).ok();
        Self { messages, thread }
    }
}

impl Drop for RunWatcher {
    fn drop(&mut self) {
        // Fails only if the thread has ended.
        let _ = self.messages.send(WatchMessage::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the watch thread failed");
        }
    }
}

/// Reports changes until [`WatchMessage::Stop`].
fn watch(
    state: &mut WatchState,
    messages: &Receiver<WatchMessage>,
    report: &mut dyn FnMut(RunChange) -> WatchOutcome,
) {
    // When to report an incomplete run again, and the delay that led to it.
    let mut retry: Option<(Instant, Duration)> = None;
    loop {
        let (writer, manifest) = state.check();
        if let Some(active) = writer {
            report(RunChange::Writer { active });
        }
        let due = retry.filter(|(due, _)| *due <= Instant::now());
        let change = manifest.or(due.map(|_| RunChange::Manifest));
        if let Some(change) = change {
            let delay = match due.filter(|_| manifest.is_none()) {
                Some((_, delay)) => delay * 2,
                None => FIRST_RETRY,
            };
            let again = report(change) == WatchOutcome::Unfinished && delay <= LAST_RETRY;
            retry = again.then(|| (Instant::now() + delay, delay));
        }
        let until_retry = retry.map(|(due, _)| due.saturating_duration_since(Instant::now()));
        let timeout = until_retry.map_or(POLL_INTERVAL, |until_retry| until_retry.min(POLL_INTERVAL));
        let mut message = match messages.recv_timeout(timeout) {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => WatchMessage::Check,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // One change causes many notifications.
        loop {
            match message {
                WatchMessage::Check => {}
                WatchMessage::FolderMoved => state.notifications = None,
                WatchMessage::Stop => return,
            }
            match messages.try_recv() {
                Ok(next) => message = next,
                Err(_) => break,
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ManifestState {
    Unknown,
    Absent { has_folder: bool },
    Present(FileIdentity),
}

/// The last known state of the run.
struct WatchState {
    /// Absolute path of the run.
    target: PathBuf,
    messages: Sender<WatchMessage>,
    /// The folder for which notifications were requested; without a watcher where there are none.
    notifications: Option<(PathBuf, Option<RecommendedWatcher>)>,
    manifest: ManifestState,
    /// `true` while a writer holds the lock.
    active: bool,
}

impl WatchState {
    /// Updates the state. Returns what changed: whether a writer is active, and the manifest.
    fn check(&mut self) -> (Option<bool>, Option<RunChange>) {
        let mut path = self.manifest_path();
        if self.request_notifications(path.as_deref()) {
            // The manifest may have appeared before the notifications began.
            path = self.manifest_path();
        }
        let folder = path.as_deref().and_then(Path::parent).unwrap_or(&self.target);
        let active = is_locked(folder);
        let writer = (active != self.active).then_some(active);
        self.active = active;

        let absent = || ManifestState::Absent { has_folder: self.target.is_dir() };
        let manifest =
            path.and_then(|path| FileIdentity::at(&path)).map_or_else(absent, ManifestState::Present);
        let before = std::mem::replace(&mut self.manifest, manifest);
        let change = (manifest != before).then_some(match manifest {
            ManifestState::Present(_) => RunChange::Manifest,
            _ => RunChange::Absent,
        });
        (writer, change)
    }

    /// Returns the path of the manifest if there is one.
    fn manifest_path(&self) -> Option<PathBuf> {
        let in_folder = [self.target.join(MANIFEST_NAME), self.target.join(DUMP_FOLDER).join(MANIFEST_NAME)];
        let is_manifest = self.target.file_name().is_some_and(|name| name == MANIFEST_NAME);
        let target = is_manifest.then(|| self.target.clone());
        target.into_iter().chain(in_folder).find(|path| path.is_file())
    }

    /// Requests notifications for the folder of the manifest or, if there is none yet, for the nearest
    /// existing folder on its path. Returns `true` if that is another folder than before.
    fn request_notifications(&mut self, manifest: Option<&Path>) -> bool {
        let dump = self.target.join(DUMP_FOLDER);
        let expected = || std::iter::once(dump.as_path()).chain(self.target.ancestors());
        let folder = match manifest.and_then(Path::parent) {
            Some(folder) => folder,
            None => match expected().find(|folder| folder.is_dir()) {
                Some(folder) => folder,
                None => return false,
            },
        };
        if self.notifications.as_ref().is_some_and(|(watched, _)| watched == folder) {
            return false;
        }
        let folder = folder.to_owned();
        let watcher = self.watcher_of(&folder).inspect_err(|error| {
            log::info!("{}: no notice of changes ({error}), looking now and then", folder.display());
        });
        self.notifications = Some((folder, watcher.ok()));
        true
    }

    fn watcher_of(&self, folder: &Path) -> notify::Result<RecommendedWatcher> {
        let (target, watched, messages) = (self.target.clone(), folder.to_owned(), self.messages.clone());
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Reading the run causes notifications too.
            if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
                return;
            }
            let is_relevant = |path: &PathBuf| {
                target.starts_with(path)
                    || path
                        .file_name()
                        .is_some_and(|name| name == MANIFEST_NAME || name == LOCK_NAME || name == DUMP_FOLDER)
            };
            let is_removal = matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_))
            );
            // Sending fails only after the watching thread has ended.
            if is_removal && event.paths.contains(&watched) {
                let _ = messages.send(WatchMessage::FolderMoved);
            } else if event.need_rescan() || event.paths.iter().any(is_relevant) {
                let _ = messages.send(WatchMessage::Check);
            }
        })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}

/// Returns `true` if a writer holds the lock of the run in `folder`. Takes a shared lock for an instant to
/// find out.
fn is_locked(folder: &Path) -> bool {
    let path = folder.join(LOCK_NAME);
    if fs::symlink_metadata(&path).is_err() {
        return false;
    }
    let opened = RootFolder::new(folder).and_then(|root| root.open(&path));
    opened.is_ok_and(|(file, _)| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}
