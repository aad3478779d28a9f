//! The worker that computes layer statistics, unit profiles and predictions. It has a thread pool of its own,
//! so that the values of scenes do not wait for it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use super::request::{InsightRequest, InsightResponse, InsightResult};
use crate::app::worker::{JobQueue, Worker};
use crate::insight::{self, UnitEpoch};
use crate::model::{EpochIndex, Source, UnitId};
use crate::stats::StatsError;

/// Greatest number of cached training histories of units.
const MAX_HISTORIES: usize = 64;

/// The thread pool of requests. In the global pool the values of a scene would wait for the current request.
static POOL: LazyLock<Option<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().thread_name(|index| format!("insights {index}")).build();
    pool.inspect_err(|error| log::error!("cannot start the threads for statistics: {error}")).ok()
});

/// Answers requests one after another on a thread of its own.
pub(super) struct InsightWorker {
    worker: Worker<InsightQueue>,
    /// `true` if the current request is not needed any more.
    cancelled: Arc<AtomicBool>,
}

struct InsightQueue {
    source: Arc<dyn Source>,
    version: u64,
    /// The most urgent one is the last.
    requests: Vec<InsightRequest>,
    current: Option<InsightRequest>,
    cancelled: Arc<AtomicBool>,
}

struct InsightJob {
    request: InsightRequest,
    source: Arc<dyn Source>,
    version: u64,
}

impl JobQueue for InsightQueue {
    type Job = InsightJob;

    fn next(&mut self) -> Option<InsightJob> {
        self.current = self.requests.pop();
        let request = self.current?;
        self.cancelled.store(false, Ordering::Relaxed);
        Some(InsightJob { request, source: Arc::clone(&self.source), version: self.version })
    }
}

impl InsightWorker {
    /// Starts the worker; `send` takes its results on the worker's thread.
    pub(super) fn new(source: Arc<dyn Source>, send: Box<dyn Fn(InsightResponse) + Send>) -> Self {
        let cancelled = Arc::new(AtomicBool::new(false));
        let queue = InsightQueue {
            source,
            version: 0,
            requests: Vec::new(),
            current: None,
            cancelled: Arc::clone(&cancelled),
        };
        let flag = Arc::clone(&cancelled);
        let mut histories = HistoryCache::default();
        let worker = Worker::start("insights", queue, move |job: InsightJob| {
            let is_needed = || !flag.load(Ordering::Relaxed);
            let mut compute = || job.compute(&mut histories, &is_needed);
            let result = match &*POOL {
                Some(pool) => pool.install(&mut compute),
                None => compute(),
            };
            if let Some(result) = result.transpose() {
                send(InsightResponse { version: job.version, request: job.request, result });
            }
        });
        Self { worker, cancelled }
    }

    /// Reads from `source` from now on, in this `version`; all requests before are dropped.
    pub(super) fn set_source(&self, source: Arc<dyn Source>, version: u64) {
        self.worker.update(|queue| {
            queue.source = source;
            queue.version = version;
            queue.requests.clear();
            queue.current = None;
            self.cancelled.store(true, Ordering::Relaxed);
        });
    }

    /// Replaces the list of requests, the most urgent first. The current one is cancelled unless it is among
    /// them; if it is, it goes on and is not begun again.
    pub(super) fn request(&self, mut requests: Vec<InsightRequest>) {
        self.worker.update(|queue| {
            // A cancelled one may have ended already, and has to be begun again.
            let running = queue.current.filter(|_| !self.cancelled.load(Ordering::Relaxed));
            if let Some(running) = running {
                let before = requests.len();
                requests.retain(|request| *request != running);
                self.cancelled.store(requests.len() == before, Ordering::Relaxed);
            }
            requests.reverse();
            queue.requests = requests;
        });
    }
}

impl Drop for InsightWorker {
    /// Cancels the current request; nothing waits for it.
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl InsightJob {
    /// Computes the result; `None` when it was cancelled.
    fn compute(
        &self,
        histories: &mut HistoryCache,
        is_needed: insight::StillWanted,
    ) -> Result<Option<InsightResult>, String> {
        let source = &*self.source;
        let text = |error: StatsError| error.to_string();
        let index = |number: u64| {
            let epochs = &source.recording().epochs;
            let index = epochs.binary_search_by_key(&number, |epoch| epoch.number);
            index.map(EpochIndex).map_err(|_| format!("epoch {number} is not recorded"))
        };
        match self.request {
            InsightRequest::LayerStats { epoch } => {
                let layers = insight::layer_stats(source, index(epoch)?, is_needed).map_err(text)?;
                Ok(layers.map(InsightResult::LayerStats))
            }
            InsightRequest::UnitProfile { unit, epoch } => {
                let mut profile = insight::unit_profile_at(source, unit, index(epoch)?).map_err(text)?;
                let read = || insight::unit_history(source, unit, is_needed);
                let history = histories.history(self.version, unit, read);
                Ok(history.map(|history| {
                    profile.history = history;
                    InsightResult::UnitProfile(Box::new(profile))
                }))
            }
            InsightRequest::Predictions { epoch } => {
                let predictions = source.predictions(index(epoch)?).map_err(|error| error.to_string())?;
                Ok(Some(InsightResult::Predictions(predictions.unwrap_or_default())))
            }
        }
    }
}

/// Training histories of units, which are the same at every epoch.
#[derive(Default)]
struct HistoryCache {
    version: u64,
    histories: HashMap<UnitId, Vec<UnitEpoch>>,
}

impl HistoryCache {
    /// Returns the history of a unit, reading it where it is not cached.
    fn history(
        &mut self,
        version: u64,
        unit: UnitId,
        read: impl FnOnce() -> Option<Vec<UnitEpoch>>,
    ) -> Option<Vec<UnitEpoch>> {
        if self.version != version || self.histories.len() >= MAX_HISTORIES {
            self.histories.clear();
            self.version = version;
        }
        if let Some(history) = self.histories.get(&unit) {
            return Some(history.clone());
        }
        let history = read()?;
        self.histories.insert(unit, history.clone());
        Some(history)
    }
}
