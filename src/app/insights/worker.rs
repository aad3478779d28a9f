//! The thread that answers. It has cores of its own beside it, so that no picture waits for an answer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::{InsightRequest, InsightResponse, InsightResult, Reason, Tell};
use crate::insight::{self, UnitEpoch};
use crate::model::{EpochIndex, LayerIndex, Source, UnitIndex};
use crate::stats::StatsError;

/// Histories that are kept, for the next epoch at which a unit is asked about.
const HISTORIES: usize = 64;

/// In the pool that reads what the picture waits for, that would wait until an answer is done.
static POOL: LazyLock<Option<rayon::ThreadPool>> = LazyLock::new(|| {
    let pool = rayon::ThreadPoolBuilder::new().thread_name(|index| format!("answers {index}")).build();
    pool.inspect_err(|error| log::error!("cannot start the threads for answers: {error}")).ok()
});

/// Answers questions one after another.
pub(super) struct Worker {
    shared: Arc<Shared>,
}

struct Shared {
    desk: Mutex<Desk>,
    changed: Condvar,
    /// What is being answered is of no interest any more.
    dropped: AtomicBool,
}

struct Desk {
    source: Arc<dyn Source>,
    state: u64,
    /// The next one is the last.
    wanted: Vec<InsightRequest>,
    current: Option<InsightRequest>,
    stop: bool,
}

/// A question, and whom to ask.
struct Task {
    question: InsightRequest,
    source: Arc<dyn Source>,
    state: u64,
}

impl Worker {
    pub(super) fn new(source: Arc<dyn Source>, tell: Tell) -> Self {
        let desk = Desk { source, state: 0, wanted: Vec::new(), current: None, stop: false };
        let shared = Arc::new(Shared {
            desk: Mutex::new(desk),
            changed: Condvar::new(),
            dropped: AtomicBool::new(false),
        });
        let for_thread = Arc::clone(&shared);
        let started = thread::Builder::new().name("answers".to_owned()).spawn(move || {
            let mut histories = Histories::default();
            while let Some(task) = for_thread.next() {
                let wanted = || !for_thread.dropped.load(Ordering::Relaxed);
                let mut work = || task.answer(&mut histories, &wanted);
                let answer = match &*POOL {
                    Some(pool) => pool.install(&mut work),
                    None => work(),
                };
                if let Some(answer) = answer.transpose() {
                    tell(InsightResponse { state: task.state, question: task.question, answer });
                }
            }
        });
        if let Err(error) = started {
            log::error!("cannot start the thread for answers: {error}");
        }
        Self { shared }
    }

    /// Answers from `source` from now on, in its `state`; what was wanted before is dropped.
    pub(super) fn serve(&self, source: Arc<dyn Source>, state: u64) {
        let mut desk = self.shared.lock();
        desk.source = source;
        desk.state = state;
        desk.wanted.clear();
        desk.current = None;
        self.shared.dropped.store(true, Ordering::Relaxed);
    }

    /// Replaces the list of questions. What is being answered and is not on it is given up; what is on it
    /// is not begun again.
    pub(super) fn want(&self, mut questions: Vec<InsightRequest>) {
        let mut desk = self.shared.lock();
        // One that was given up before may have ended already, and has to be begun again.
        let going = desk.current.filter(|_| !self.shared.dropped.load(Ordering::Relaxed));
        if let Some(going) = going {
            let before = questions.len();
            questions.retain(|question| *question != going);
            self.shared.dropped.store(questions.len() == before, Ordering::Relaxed);
        }
        questions.reverse();
        desk.wanted = questions;
        self.shared.changed.notify_one();
    }
}

impl Drop for Worker {
    /// What is being answered is given up; nothing waits for that.
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.dropped.store(true, Ordering::Relaxed);
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Desk> {
        // The lists stay whole whatever a thread that held them met.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a question; `None` to stop.
    fn next(&self) -> Option<Task> {
        let mut desk = self.lock();
        desk.current = None;
        loop {
            if desk.stop {
                return None;
            }
            if let Some(question) = desk.wanted.pop() {
                desk.current = Some(question);
                self.dropped.store(false, Ordering::Relaxed);
                return Some(Task { question, source: Arc::clone(&desk.source), state: desk.state });
            }
            desk = self.changed.wait(desk).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Task {
    /// `None` when it was given up.
    fn answer(
        &self,
        histories: &mut Histories,
        wanted: insight::StillWanted,
    ) -> Result<Option<InsightResult>, Reason> {
        let source = &*self.source;
        let told = |error: StatsError| error.to_string();
        let index = |number: u64| {
            let epochs = &source.recording().epochs;
            let found = epochs.binary_search_by_key(&number, |epoch| epoch.number);
            found.map(EpochIndex).map_err(|_| format!("epoch {number} is no longer recorded"))
        };
        match self.question {
            InsightRequest::Facts { epoch } => {
                let facts = insight::layer_stats(source, index(epoch)?, wanted).map_err(told)?;
                Ok(facts.map(InsightResult::Facts))
            }
            InsightRequest::UnitProfile { layer, unit, epoch } => {
                let mut biography =
                    insight::unit_profile_at(source, layer, unit, index(epoch)?).map_err(told)?;
                let history = histories
                    .of(self.state, (layer, unit), || insight::unit_history(source, layer, unit, wanted));
                Ok(history.map(|history| {
                    biography.history = history;
                    InsightResult::UnitProfile(Box::new(biography))
                }))
            }
            InsightRequest::Predictions { epoch } => {
                let found = source.predictions(index(epoch)?).map_err(|error| error.to_string())?;
                Ok(Some(InsightResult::Predictions(found.unwrap_or_default())))
            }
        }
    }
}

/// Histories of units, which are the same at every epoch.
#[derive(Default)]
struct Histories {
    state: u64,
    held: HashMap<(LayerIndex, UnitIndex), Vec<UnitEpoch>>,
}

impl Histories {
    /// The one of a unit, read where it is not held.
    fn of(
        &mut self,
        state: u64,
        unit: (LayerIndex, UnitIndex),
        read: impl FnOnce() -> Option<Vec<UnitEpoch>>,
    ) -> Option<Vec<UnitEpoch>> {
        if self.state != state || self.held.len() >= HISTORIES {
            self.held.clear();
            self.state = state;
        }
        if let Some(held) = self.held.get(&unit) {
            return Some(held.clone());
        }
        let read = read()?;
        self.held.insert(unit, read.clone());
        Some(read)
    }
}
