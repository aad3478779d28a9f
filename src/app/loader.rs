//! Reading, reducing and uploading, away from the window's thread. Results come as [`Message`]s.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::engine::{Field, Gpu};
use crate::format::{self, FormatError};
use crate::model::{Picture, Query, Source};
use crate::stats;

/// What values are asked for: a query (by its number in the session) at an epoch (an index into
/// [`crate::model::Recording::epochs`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub query: usize,
    pub epoch: usize,
}

/// What the loaders tell the window.
pub enum Message {
    Opened(Result<Arc<dyn Source>, FormatError>),
    Field { key: Key, field: Arc<Field> },
    Failed { key: Key, reason: String },
    Picture { input: usize, picture: Option<Picture> },
}

/// Takes messages to the window; called on loader threads.
pub type Send = Arc<dyn Fn(Message) + std::marker::Send + Sync>;

/// Opens a recording on a thread of its own.
pub fn open(path: PathBuf, send: Send) {
    spawn("open", move || {
        send(Message::Opened(format::open(&path)));
    });
}

/// Reads values and pictures one after another, the most wanted first.
pub struct Loader {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

#[derive(Default)]
struct Jobs {
    pictures: VecDeque<usize>,
    fields: VecDeque<(Key, Query)>,
    current: Option<Key>,
    stop: bool,
}

enum Job {
    Picture(usize),
    Field(Key, Query),
}

impl Loader {
    pub fn new(gpu: Arc<Gpu>, source: Arc<dyn Source>, send: Send) -> Self {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        let thread = spawn("loader", move || {
            while let Some(job) = for_thread.next() {
                send(match job {
                    Job::Picture(input) => Message::Picture { input, picture: source.picture(input) },
                    Job::Field(key, query) => match load(&gpu, &*source, key, &query) {
                        Ok(field) => Message::Field { key, field: Arc::new(field) },
                        Err(reason) => Message::Failed { key, reason },
                    },
                });
            }
        });
        Self { shared, thread }
    }

    /// Replaces the list of wanted values; what is being read is read to its end.
    pub fn want(&self, fields: VecDeque<(Key, Query)>) {
        self.shared.lock().fields = fields;
        self.shared.changed.notify_one();
    }

    /// Adds a wanted picture.
    pub fn want_picture(&self, input: usize) {
        self.shared.lock().pictures.push_back(input);
        self.shared.changed.notify_one();
    }

    /// What is being read now.
    pub fn current(&self) -> Option<Key> {
        self.shared.lock().current
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
        // A program that ends while this thread still uploads would crash in the driver.
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the loader thread failed");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Jobs> {
        // The lists stay whole whatever a thread that held them met.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to do; `None` to stop.
    fn next(&self) -> Option<Job> {
        let mut jobs = self.lock();
        jobs.current = None;
        loop {
            if jobs.stop {
                return None;
            }
            if let Some(input) = jobs.pictures.pop_front() {
                return Some(Job::Picture(input));
            }
            if let Some((key, query)) = jobs.fields.pop_front() {
                jobs.current = Some(key);
                return Some(Job::Field(key, query));
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn load(gpu: &Gpu, source: &dyn Source, key: Key, query: &Query) -> Result<Field, String> {
    let cells = stats::cells(source, query, key.epoch).map_err(|error| error.to_string())?;
    Field::new(gpu, &cells, query.is_signed()).map_err(|error| error.to_string())
}

fn spawn(name: &str, work: impl FnOnce() + std::marker::Send + 'static) -> Option<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .inspect_err(|error| log::error!("cannot start the {name} thread: {error}"))
        .ok()
}
