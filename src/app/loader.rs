//! The worker that reads, reduces and uploads for one column.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use super::event::{LoadEvent, LoadSender, ValueKey, ValueRequest};
use super::run::OpenRunList;
use super::worker::{JobQueue, Worker};
use crate::engine::Gpu;
use crate::model::{EpochIndex, Query, Source, UnitPermutation};
use crate::scene::{LoadedEpoch, unit_permutations};
use crate::stats::{Backend, Sides};

/// Greatest number of pictures in the queue.
const MAX_PICTURES: usize = 256;

/// The recordings that a loader reads.
#[derive(Clone)]
pub struct LoadSource {
    /// The recording of the column.
    pub source: Arc<dyn Source>,
    /// All runs of the window: a query may subtract the values of another one.
    pub runs: OpenRunList,
}

/// Reads values and pictures on a thread of its own, the most urgent first. Dropping it waits for the
/// current job: a program that ends while the thread uploads would crash in the driver.
pub struct Loader {
    worker: Worker<LoadQueue>,
}

struct LoadQueue {
    source: LoadSource,
    recording: u64,
    network: bool,
    pictures: VecDeque<usize>,
    values: VecDeque<ValueRequest>,
    current: Option<ValueKey>,
}

/// A job, the recordings to read, and the number of the column's recording.
struct LoadJob {
    task: LoadTask,
    source: LoadSource,
    recording: u64,
}

enum LoadTask {
    Network,
    Picture(usize),
    Values(ValueKey, Query),
}

impl JobQueue for LoadQueue {
    type Job = LoadJob;

    fn next(&mut self) -> Option<LoadJob> {
        self.current = None;
        let task = if std::mem::take(&mut self.network) {
            LoadTask::Network
        } else if let Some(input) = self.pictures.pop_front() {
            LoadTask::Picture(input)
        } else {
            let (key, query) = self.values.pop_front()?;
            self.current = Some(key);
            LoadTask::Values(key, query)
        };
        Some(LoadJob { task, source: self.source.clone(), recording: self.recording })
    }
}

impl Loader {
    /// Starts a loader that reads from `source` and sends its results to `send`.
    pub fn new(gpu: Arc<Gpu>, backend: Arc<dyn Backend>, source: LoadSource, send: LoadSender) -> Self {
        let queue = LoadQueue {
            source,
            recording: 0,
            network: false,
            pictures: VecDeque::new(),
            values: VecDeque::new(),
            current: None,
        };
        let mut orders = OrderCache::default();
        let worker = Worker::start("loader", queue, move |job| {
            let LoadJob { task, source, recording } = job;
            send(match task {
                LoadTask::Network => {
                    let result = LoadedEpoch::without_values(&gpu, source.source.recording());
                    LoadEvent::Network { recording, result: result.map_err(|error| error.to_string()) }
                }
                LoadTask::Picture(input) => {
                    LoadEvent::Picture { recording, input, picture: source.source.picture(input) }
                }
                LoadTask::Values(key, query) => {
                    let result = load_values(&gpu, &*backend, &source, key, &query, &mut orders);
                    LoadEvent::Values { key, result }
                }
            });
        });
        Self { worker }
    }

    /// Reads from `source` from now on: the same recording, with more epochs.
    pub fn continue_with(&self, source: LoadSource) {
        self.worker.update(|queue| queue.source = source);
    }

    /// Reads from `source` from now on, another recording; returns its number for [`ValueKey`]s.
    pub fn replace(&self, source: LoadSource) -> u64 {
        self.worker.update(|queue| {
            queue.source = source;
            queue.recording += 1;
            queue.network = false;
            queue.pictures.clear();
            queue.values.clear();
            queue.recording
        })
    }

    /// Stops after the current job, without waiting for it.
    pub fn stop(&self) {
        self.worker.stop();
    }

    /// Returns `true` once the thread has ended.
    pub fn has_stopped(&self) -> bool {
        self.worker.has_stopped()
    }

    /// Replaces the list of values to load, the most urgent first; the current job is completed.
    pub fn request_values(&self, values: VecDeque<ValueRequest>) {
        self.worker.update(|queue| queue.values = values);
    }

    /// Requests the picture of an input, before all other pictures.
    pub fn request_picture(&self, input: usize) {
        self.worker.update(|queue| queue.pictures.push_front(input));
    }

    /// Replaces the list of pictures to read, the most urgent first, at most [`MAX_PICTURES`]. `pending` are
    /// the pictures that were requested and not delivered yet: those taken off the list are removed from it,
    /// and none of the others is read twice.
    pub fn request_pictures(&self, inputs: impl IntoIterator<Item = usize>, pending: &mut HashSet<usize>) {
        self.worker.update(|queue| {
            for input in queue.pictures.drain(..) {
                pending.remove(&input);
            }
            let inputs = inputs.into_iter().filter(|input| pending.insert(*input));
            queue.pictures = inputs.take(MAX_PICTURES).collect();
        });
    }

    /// Requests the slabs of the network without values.
    pub fn request_network(&self) {
        self.worker.update(|queue| queue.network = true);
    }

    /// Returns the key of the values that are being loaded.
    pub fn current(&self) -> Option<ValueKey> {
        self.worker.update(|queue| queue.current)
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.worker.join();
    }
}

/// The permutations of the units that were computed last.
#[derive(Default)]
struct OrderCache(Option<(ValueKey, Vec<Option<Arc<UnitPermutation>>>)>);

impl OrderCache {
    /// Returns the permutations of `key`, one per layer; none for the order as trained.
    fn permutations(
        &mut self,
        key: ValueKey,
        query: &Query,
        sides: Sides,
        backend: &dyn Backend,
    ) -> Result<&[Option<Arc<UnitPermutation>>], String> {
        let Some(order) = key.order else { return Ok(&[]) };
        // The order is that of one epoch and the same at every epoch.
        let key = ValueKey { epoch: order.epoch, ..key };
        if self.0.as_ref().is_none_or(|(cached, _)| *cached != key) {
            let permutations =
                unit_permutations(sides, query, order, backend).map_err(|error| error.to_string())?;
            self.0 = Some((key, permutations));
        }
        Ok(self.0.as_ref().map_or(&[], |(_, permutations)| permutations))
    }
}

fn load_values(
    gpu: &Gpu,
    backend: &dyn Backend,
    source: &LoadSource,
    key: ValueKey,
    query: &Query,
    orders: &mut OrderCache,
) -> Result<LoadedEpoch, String> {
    let a = &*source.source;
    let Ok(epoch) = a.recording().epochs.binary_search_by_key(&key.epoch, |epoch| epoch.number) else {
        return Err(format!("epoch {} is no longer recorded", key.epoch));
    };
    let b = match query.run_b.filter(|_| query.minus.is_some()) {
        None => a,
        Some(run) => match source.runs.get(run).and_then(Option::as_ref) {
            Some(open) => &*open.source,
            None => return Err("the run that is subtracted is not open yet".to_owned()),
        },
    };
    let sides = Sides { a, b };
    let permutations = orders.permutations(key, query, sides, backend)?;
    LoadedEpoch::load(gpu, backend, sides, query, EpochIndex(epoch), permutations)
        .map_err(|error| error.to_string())
}
