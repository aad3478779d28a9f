//! Watching a run while it is written: that its manifest changed, that there is none, and whether a
//! writer is at work. The system's notice of changed files tells at once; a slow look tells where
//! there is no such notice (network folders) and what it does not speak of.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::file::{Identity, Root};
use super::{DUMP, MANIFEST};

/// The file on which a writer holds an exclusive lock as long as it lives.
const LOCK: &str = "writer.lock";

/// Time between two looks without notice.
const LOOK: Duration = Duration::from_millis(500);
/// What is found half-written is tried again after this long, then after twice as long, and so on.
const FIRST_RETRY: Duration = Duration::from_millis(100);
/// When no more is tried until something changes.
const LAST_RETRY: Duration = Duration::from_secs(8);

/// What happened to a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// There is a manifest, other than the one told of before; or the one that was
    /// [`WatchOutcome::Unfinished`] may be finished now.
    Manifest,
    /// There is no manifest, not yet or no longer. Told again when its folder comes or goes.
    Absent,
    /// A writer holds the run's lock, or has let go of it, be it by being killed.
    Writer { at_work: bool },
}

/// What whoever hears of a [`Change`] made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchOutcome {
    Done,
    /// It is not whole: tell of it again in a while, for its end may come without notice.
    Unfinished,
}

/// A thread that watches a run. Dropping it ends the thread, after what it is telling.
pub struct Watch {
    wake: Sender<Wake>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wake {
    Look,
    /// The folder that is watched is no longer where it was.
    Moved,
    Stop,
}

impl Watch {
    /// Watches what [`super::open`] would open at `path`, whether it is there or not, and tells on a
    /// thread of its own how it is found and how it changes.
    pub fn start(path: &Path, mut tell: impl FnMut(Change) -> WatchOutcome + Send + 'static) -> Self {
        let (wake, woken) = channel();
        let target = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut eye = Eye { target, wake: wake.clone(), notice: None, found: Found::Unknown, at_work: false };
        let spawned = thread::Builder::new().name("watch".to_owned()).spawn(move || {
            watch(&mut eye, &woken, &mut tell);
        });
        let thread = spawned.inspect_err(|error| log::error!("cannot start the watch thread: {error}")).ok();
        Self { wake, thread }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Fails only when the thread has ended.
        let _ = self.wake.send(Wake::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the watch thread failed");
        }
    }
}

fn watch(eye: &mut Eye, woken: &Receiver<Wake>, tell: &mut dyn FnMut(Change) -> WatchOutcome) {
    let mut retry: Option<(Instant, Duration)> = None;
    loop {
        let (writer, manifest) = eye.look();
        if let Some(at_work) = writer {
            tell(Change::Writer { at_work });
        }
        let due = retry.filter(|(due, _)| *due <= Instant::now());
        let change = manifest.or(due.map(|_| Change::Manifest));
        if let Some(change) = change {
            let pause = match due.filter(|_| manifest.is_none()) {
                Some((_, pause)) => pause * 2,
                None => FIRST_RETRY,
            };
            let again = tell(change) == WatchOutcome::Unfinished && pause <= LAST_RETRY;
            retry = again.then(|| (Instant::now() + pause, pause));
        }
        let until_retry = retry.map(|(due, _)| due.saturating_duration_since(Instant::now()));
        let pause = until_retry.map_or(LOOK, |pause| pause.min(LOOK));
        let mut wake = match woken.recv_timeout(pause) {
            Ok(wake) => wake,
            Err(RecvTimeoutError::Timeout) => Wake::Look,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        // Many notices are one change.
        loop {
            match wake {
                Wake::Look => {}
                Wake::Moved => eye.notice = None,
                Wake::Stop => return,
            }
            match woken.try_recv() {
                Ok(next) => wake = next,
                Err(_) => break,
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    Unknown,
    Nothing { has_folder: bool },
    Manifest(Identity),
}

/// What is known of the run so far.
struct Eye {
    /// Absolute.
    target: PathBuf,
    wake: Sender<Wake>,
    /// The folder of which the system gives notice; `None` where it does not.
    notice: Option<(PathBuf, Option<RecommendedWatcher>)>,
    found: Found,
    at_work: bool,
}

impl Eye {
    /// Looks, and says what changed: whether a writer is at work, and the manifest.
    fn look(&mut self) -> (Option<bool>, Option<Change>) {
        let mut manifest = self.manifest();
        if self.attend(manifest.as_deref()) {
            // What came before the notice began.
            manifest = self.manifest();
        }
        let folder = manifest.as_deref().and_then(Path::parent).unwrap_or(&self.target);
        let at_work = is_locked(folder);
        let writer = (at_work != self.at_work).then_some(at_work);
        self.at_work = at_work;

        let nothing = || Found::Nothing { has_folder: self.target.is_dir() };
        let found = manifest.and_then(|path| Identity::at(&path)).map_or_else(nothing, Found::Manifest);
        let before = std::mem::replace(&mut self.found, found);
        let change = (found != before).then_some(match found {
            Found::Manifest(_) => Change::Manifest,
            _ => Change::Absent,
        });
        (writer, change)
    }

    /// Where the manifest is.
    fn manifest(&self) -> Option<PathBuf> {
        let places = [self.target.join(MANIFEST), self.target.join(DUMP).join(MANIFEST)];
        let itself = self.target.file_name().is_some_and(|name| name == MANIFEST);
        let itself = itself.then(|| self.target.clone());
        itself.into_iter().chain(places).find(|place| place.is_file())
    }

    /// Lets the system give notice of the folder in which the manifest is or the next part of its
    /// path will come to be. Says whether that is another folder than before.
    fn attend(&mut self, manifest: Option<&Path>) -> bool {
        let dump = self.target.join(DUMP);
        let expected = || std::iter::once(dump.as_path()).chain(self.target.ancestors());
        let folder = match manifest.and_then(Path::parent) {
            Some(folder) => folder,
            None => match expected().find(|place| place.is_dir()) {
                Some(folder) => folder,
                None => return false,
            },
        };
        if self.notice.as_ref().is_some_and(|(watched, _)| watched == folder) {
            return false;
        }
        let folder = folder.to_owned();
        let watcher = self.notice_of(&folder).inspect_err(|error| {
            log::info!("{}: no notice of changes ({error}), looking now and then", folder.display());
        });
        self.notice = Some((folder, watcher.ok()));
        true
    }

    fn notice_of(&self, folder: &Path) -> notify::Result<RecommendedWatcher> {
        let (target, watched, wake) = (self.target.clone(), folder.to_owned(), self.wake.clone());
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let Ok(event) = event else { return };
            // Our own reading gives notice too.
            if matches!(event.kind, EventKind::Access(kind) if kind != AccessKind::Close(AccessMode::Write)) {
                return;
            }
            let concerns = |path: &PathBuf| {
                target.starts_with(path)
                    || path.file_name().is_some_and(|name| name == MANIFEST || name == LOCK || name == DUMP)
            };
            let gone = matches!(
                event.kind,
                EventKind::Remove(_) | EventKind::Modify(notify::event::ModifyKind::Name(_))
            );
            // Fails only when nobody watches any more.
            if gone && event.paths.contains(&watched) {
                let _ = wake.send(Wake::Moved);
            } else if event.need_rescan() || event.paths.iter().any(concerns) {
                let _ = wake.send(Wake::Look);
            }
        })?;
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
        Ok(watcher)
    }
}

/// Whether a writer holds the lock of the run in `folder`. The lock is asked for as a reader asks, and
/// let go at once.
fn is_locked(folder: &Path) -> bool {
    let path = folder.join(LOCK);
    if fs::symlink_metadata(&path).is_err() {
        return false;
    }
    let opened = Root::new(folder).and_then(|root| root.open(&path));
    opened.is_ok_and(|(file, _)| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
}
