//! Reading, reducing and uploading, away from the window's thread. Results come as [`Message`]s.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::engine::{Field, Gpu};
use crate::format::FormatError;
use crate::model::{LayerCells, Layout, Picture, Query, Source};
use crate::stats::{self, Cpu, Sides};

/// What values are asked for: a query (by its number in the session) at an epoch (by its number in
/// the recording, which stays while epochs are added).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Of which of the recordings that the loader has been given.
    pub recording: u64,
    pub query: usize,
    pub epoch: u64,
}

/// What other threads tell the window.
pub enum Message {
    /// A recording is open. It `continues` the one before when what was read of that is still true.
    Opened {
        source: Arc<dyn Source>,
        continues: bool,
    },
    /// There is nothing to open yet; why.
    Awaited {
        why: String,
    },
    /// What there is will never open.
    Refused(FormatError),
    /// What is wrong with the run that was opened, in one line; `None` when all is well again.
    Trouble(Option<String>),
    /// Whether a writer is at work on the run.
    Writer {
        at_work: bool,
    },
    /// The plates of the network, without values.
    Empty {
        recording: u64,
        field: Arc<Field>,
    },
    Field {
        key: Key,
        field: Arc<Field>,
    },
    Failed {
        key: Key,
        reason: String,
    },
    Picture {
        recording: u64,
        input: usize,
        picture: Option<Picture>,
    },
}

/// Takes messages to the window; called on other threads.
pub type Send = Arc<dyn Fn(Message) + std::marker::Send + Sync>;

/// Reads values and pictures one after another, the most wanted first.
pub struct Loader {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    jobs: Mutex<Jobs>,
    changed: Condvar,
}

struct Jobs {
    /// What is read from.
    source: Arc<dyn Source>,
    recording: u64,
    empty: bool,
    pictures: VecDeque<usize>,
    fields: VecDeque<(Key, Query)>,
    current: Option<Key>,
    stop: bool,
}

enum Job {
    Empty,
    Picture(usize),
    Field(Key, Query),
}

impl Loader {
    pub fn new(gpu: Arc<Gpu>, source: Arc<dyn Source>, send: Send) -> Self {
        let jobs = Jobs {
            source,
            recording: 0,
            empty: false,
            pictures: VecDeque::new(),
            fields: VecDeque::new(),
            current: None,
            stop: false,
        };
        let shared = Arc::new(Shared { jobs: Mutex::new(jobs), changed: Condvar::new() });
        let for_thread = Arc::clone(&shared);
        let thread = thread::Builder::new().name("loader".to_owned()).spawn(move || {
            while let Some((job, source, recording)) = for_thread.next() {
                match job {
                    Job::Empty => match empty(&gpu, &*source) {
                        Ok(field) => send(Message::Empty { recording, field: Arc::new(field) }),
                        Err(reason) => send(Message::Trouble(Some(reason))),
                    },
                    Job::Picture(input) => {
                        send(Message::Picture { recording, input, picture: source.picture(input) });
                    }
                    Job::Field(key, query) => send(match load(&gpu, &*source, key, &query) {
                        Ok(field) => Message::Field { key, field: Arc::new(field) },
                        Err(reason) => Message::Failed { key, reason },
                    }),
                }
            }
        });
        let thread = thread.inspect_err(|error| log::error!("cannot start the loader thread: {error}")).ok();
        Self { shared, thread }
    }

    /// Reads from `source` from now on, which continues what was read from before.
    pub fn renew(&self, source: Arc<dyn Source>) {
        self.shared.lock().source = source;
    }

    /// Reads from `source` from now on, which is another recording; returns its number for [`Key`]s.
    pub fn replace(&self, source: Arc<dyn Source>) -> u64 {
        let mut jobs = self.shared.lock();
        jobs.source = source;
        jobs.recording += 1;
        jobs.empty = false;
        jobs.pictures.clear();
        jobs.fields.clear();
        jobs.recording
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

    /// Asks for the plates without values.
    pub fn want_empty(&self) {
        self.shared.lock().empty = true;
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

    /// Waits for something to do, and where from; `None` to stop.
    fn next(&self) -> Option<(Job, Arc<dyn Source>, u64)> {
        let mut jobs = self.lock();
        jobs.current = None;
        loop {
            if jobs.stop {
                return None;
            }
            let job = if std::mem::take(&mut jobs.empty) {
                Some(Job::Empty)
            } else if let Some(input) = jobs.pictures.pop_front() {
                Some(Job::Picture(input))
            } else if let Some((key, query)) = jobs.fields.pop_front() {
                jobs.current = Some(key);
                Some(Job::Field(key, query))
            } else {
                None
            };
            if let Some(job) = job {
                return Some((job, Arc::clone(&jobs.source), jobs.recording));
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn load(gpu: &Gpu, source: &dyn Source, key: Key, query: &Query) -> Result<Field, String> {
    let epochs = &source.recording().epochs;
    let Ok(epoch) = epochs.binary_search_by_key(&key.epoch, |epoch| epoch.number) else {
        return Err(format!("epoch {} is no longer recorded", key.epoch));
    };
    let cells = stats::cells(Sides::one(source), query, epoch, &Cpu).map_err(|error| error.to_string())?;
    Field::new(gpu, &cells.layers, query.is_signed()).map_err(|error| error.to_string())
}

fn empty(gpu: &Gpu, source: &dyn Source) -> Result<Field, String> {
    let plates = Layout::new(source.recording()).slabs;
    let cells: Vec<LayerCells> = plates
        .iter()
        .map(|slab| LayerCells {
            grid: slab.grid,
            units: slab.units,
            values: vec![LayerCells::NO_CELL; slab.units],
        })
        .collect();
    Field::new(gpu, &cells, false).map_err(|error| error.to_string())
}
