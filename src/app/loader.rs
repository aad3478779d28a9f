//! Reading, reducing and uploading, away from the window's thread. Results come as [`AppEvent`]s.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use egui_winit::accesskit_winit;

use super::insights::InsightResponse;
use super::order;
use super::run::{OpenRunList, RunEvent};
use crate::engine::{Field, Gpu};
use crate::model::{EpochIndex, LayerCells, Layout, Picture, Query, Source, UnitOrder, UnitPermutation};
use crate::stats::{self, Backend, Cells, Sides, UnmatchedLayer};

/// Pictures that wait to be read, at most.
const PICTURES: usize = 256;

/// What values are asked for: a query (by its number in the session) at an epoch (by its number in
/// the recording, which stays while epochs are added).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ValueKey {
    /// Of which of the recordings that the loader has been given.
    pub recording: u64,
    pub query: usize,
    pub epoch: u64,
    /// In which the units stand.
    pub order: Option<UnitOrder>,
}

impl ValueKey {
    /// Of the same values, however their units stand.
    pub fn of_values(self) -> Self {
        Self { order: None, ..self }
    }
}

/// What other threads tell the window.
pub enum AppEvent {
    /// Of a run, by its place among the runs.
    Run { run: usize, news: RunEvent },
    /// For a column, by its number.
    Column { column: u64, found: LoadEvent },
    /// What was chosen in the system's dialog to be opened.
    Chosen { path: Option<PathBuf>, beside: bool },
    /// The file that a picture was written to, or why it could not be.
    Saved(Result<PathBuf, String>),
    /// From whoever reads the window to those who cannot see it.
    Access(accesskit_winit::Event),
}

impl From<accesskit_winit::Event> for AppEvent {
    fn from(event: accesskit_winit::Event) -> Self {
        Self::Access(event)
    }
}

/// What a loader has read.
pub enum LoadEvent {
    /// The slabs of the network, without values.
    Slabs {
        recording: u64,
        field: Arc<Field>,
    },
    /// There are no slabs to be had; why.
    NoSlabs {
        recording: u64,
        reason: String,
    },
    Values {
        key: ValueKey,
        values: Values,
    },
    Failed {
        key: ValueKey,
        reason: String,
    },
    Picture {
        recording: u64,
        input: usize,
        picture: Option<Picture>,
    },
    /// Not read by the loader itself, which has more urgent things to do.
    InsightResponse(InsightResponse),
}

/// Values on the GPU, and beside it.
#[derive(Clone)]
pub struct Values {
    pub field: Arc<Field>,
    /// The same on this side, and what stands where.
    pub cells: Arc<Cells>,
    /// Layers that have no values because the run that is subtracted has no such layer.
    pub unmatched: Arc<[UnmatchedLayer]>,
}

/// Takes messages to the window; called on other threads.
pub type EventSender = Arc<dyn Fn(AppEvent) + Send + Sync>;

/// Takes what was read to whom it is for; called on other threads.
pub type Tell = Arc<dyn Fn(LoadEvent) + Send + Sync>;

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
    from: LoadSource,
    recording: u64,
    empty: bool,
    pictures: VecDeque<usize>,
    fields: VecDeque<(ValueKey, Query)>,
    current: Option<ValueKey>,
    stop: bool,
}

/// What is read from.
#[derive(Clone)]
pub struct LoadSource {
    pub source: Arc<dyn Source>,
    /// Every run of the window; some queries subtract what another one shows.
    pub runs: OpenRunList,
}

enum Job {
    Empty,
    Picture(usize),
    Field(ValueKey, Query),
}

impl Loader {
    pub fn new(gpu: Arc<Gpu>, backend: Arc<dyn Backend>, from: LoadSource, tell: Tell) -> Self {
        let jobs = Jobs {
            from,
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
            let mut orders = Orders::default();
            while let Some((job, from, recording)) = for_thread.next() {
                tell(match job {
                    Job::Empty => match empty(&gpu, &*from.source) {
                        Ok(field) => LoadEvent::Slabs { recording, field: Arc::new(field) },
                        Err(reason) => LoadEvent::NoSlabs { recording, reason },
                    },
                    Job::Picture(input) => {
                        LoadEvent::Picture { recording, input, picture: from.source.picture(input) }
                    }
                    Job::Field(key, query) => match load(&gpu, &*backend, &from, key, &query, &mut orders) {
                        Ok(values) => LoadEvent::Values { key, values },
                        Err(reason) => LoadEvent::Failed { key, reason },
                    },
                });
            }
        });
        let thread = thread.inspect_err(|error| log::error!("cannot start the loader thread: {error}")).ok();
        Self { shared, thread }
    }

    /// Reads from there from now on, which continues what was read from before.
    pub fn renew(&self, from: LoadSource) {
        self.shared.lock().from = from;
    }

    /// Reads from there from now on, which is another recording; returns its number for [`ValueKey`]s.
    pub fn replace(&self, from: LoadSource) -> u64 {
        let mut jobs = self.shared.lock();
        jobs.from = from;
        jobs.recording += 1;
        jobs.empty = false;
        jobs.pictures.clear();
        jobs.fields.clear();
        jobs.recording
    }

    /// Reads nothing more once what is being read is read; without waiting for that.
    pub fn stop(&self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
    }

    /// Whether it has stopped.
    pub fn has_stopped(&self) -> bool {
        self.thread.as_ref().is_none_or(thread::JoinHandle::is_finished)
    }

    /// Replaces the list of wanted values; what is being read is read to its end.
    pub fn want(&self, fields: VecDeque<(ValueKey, Query)>) {
        self.shared.lock().fields = fields;
        self.shared.changed.notify_one();
    }

    /// Adds a picture that is wanted before all others.
    pub fn want_picture(&self, input: usize) {
        self.shared.lock().pictures.push_front(input);
        self.shared.changed.notify_one();
    }

    /// Replaces the list of wanted pictures, the most wanted first; what is beyond [`PICTURES`] has to be
    /// asked for again. `asked` are those that were asked for and not told yet: it loses what was on the
    /// list and has not been begun, and nothing that is being read is read twice.
    pub fn want_pictures(&self, wanted: impl IntoIterator<Item = usize>, asked: &mut HashSet<usize>) {
        let mut jobs = self.shared.lock();
        for input in jobs.pictures.drain(..) {
            asked.remove(&input);
        }
        jobs.pictures = wanted.into_iter().filter(|input| asked.insert(*input)).take(PICTURES).collect();
        drop(jobs);
        self.shared.changed.notify_one();
    }

    /// Asks for the slabs without values.
    pub fn want_empty(&self) {
        self.shared.lock().empty = true;
        self.shared.changed.notify_one();
    }

    /// What is being read now.
    pub fn current(&self) -> Option<ValueKey> {
        self.shared.lock().current
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.stop();
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
    fn next(&self) -> Option<(Job, LoadSource, u64)> {
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
                return Some((job, jobs.from.clone(), jobs.recording));
            }
            jobs = self.changed.wait(jobs).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Values {
    /// What they take, in bytes, wherever they are.
    pub fn bytes(&self) -> u64 {
        self.field.bytes() + self.cells.bytes()
    }
}

/// The order in which units stand that was asked for last, and what for.
#[derive(Default)]
struct Orders(Option<(ValueKey, Vec<Option<Arc<UnitPermutation>>>)>);

impl Orders {
    /// That of `key`, per layer.
    fn of(
        &mut self,
        key: ValueKey,
        query: &Query,
        sides: Sides,
        backend: &dyn Backend,
    ) -> Result<&[Option<Arc<UnitPermutation>>], String> {
        let Some(order) = key.order else { return Ok(&[]) };
        // It is the same at every epoch.
        let key = ValueKey { epoch: order.epoch, ..key };
        if self.0.as_ref().is_none_or(|(of, _)| *of != key) {
            let places = order::places(sides, query, order, backend).map_err(|error| error.to_string())?;
            self.0 = Some((key, places));
        }
        Ok(self.0.as_ref().map_or(&[], |(_, places)| places))
    }
}

fn load(
    gpu: &Gpu,
    backend: &dyn Backend,
    from: &LoadSource,
    key: ValueKey,
    query: &Query,
    orders: &mut Orders,
) -> Result<Values, String> {
    let a = &*from.source;
    let Ok(epoch) = a.recording().epochs.binary_search_by_key(&key.epoch, |epoch| epoch.number) else {
        return Err(format!("epoch {} is no longer recorded", key.epoch));
    };
    let b = match query.run_b.filter(|_| query.minus.is_some()) {
        None => a,
        Some(run) => match from.runs.get(run).and_then(Option::as_ref) {
            Some(opened) => &*opened.source,
            None => return Err("the run that is subtracted is not open yet".to_owned()),
        },
    };
    let sides = Sides { a, b };
    let cells = stats::cells(sides, query, EpochIndex(epoch), backend).map_err(|error| error.to_string())?;
    let cells = cells.ordered(orders.of(key, query, sides, backend)?);
    let field = Field::new(gpu, &cells.layers, query.is_signed()).map_err(|error| error.to_string())?;
    let unmatched = cells.unmatched.clone().into();
    Ok(Values { field: Arc::new(field), cells: Arc::new(cells), unmatched })
}

fn empty(gpu: &Gpu, source: &dyn Source) -> Result<Field, String> {
    let slabs = Layout::new(source.recording()).slabs;
    let cells: Vec<LayerCells> = slabs
        .iter()
        .map(|slab| LayerCells {
            grid: slab.grid,
            units: slab.units,
            values: vec![LayerCells::NO_CELL; slab.units],
        })
        .collect();
    Field::new(gpu, &cells, false).map_err(|error| error.to_string())
}
