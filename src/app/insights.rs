//! What is asked besides the picture: facts of layers, biographies of pinned units, predictions. What was
//! answered is kept; what is wanted next is answered on another thread.

mod worker;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use self::worker::Worker;
use crate::insight::{LayerStats, UnitProfile};
use crate::model::{Source, WeightedLru};

/// Bytes of answers that are kept.
const BUDGET: u64 = 64 << 20;

/// A question about a recording. Epochs go by number, which stays while epochs are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InsightRequest {
    /// What can be said of every layer.
    Facts { epoch: u64 },
    /// What can be said of a unit, counted from 0, of a layer, an index.
    UnitProfile { layer: usize, unit: usize, epoch: u64 },
    /// What the network took every input for.
    Predictions { epoch: u64 },
}

/// Why there is no answer, in one line.
pub type Reason = String;

/// What a question comes to.
#[derive(Clone, Debug)]
pub enum InsightResult {
    Facts(Vec<LayerStats>),
    UnitProfile(Box<UnitProfile>),
    /// Index of the predicted class of each input; empty where none are recorded.
    Predictions(Arc<Vec<Option<usize>>>),
}

/// An answer, and what it answers.
#[derive(Clone, Debug)]
pub struct InsightResponse {
    /// Of which state of the recording: see [`InsightCache::take`].
    pub state: u64,
    pub question: InsightRequest,
    pub answer: Result<InsightResult, Reason>,
}

/// Takes answers to whom they are for; called on another thread.
pub type Tell = Box<dyn Fn(InsightResponse) + Send>;

/// Answers to what a view asks about one recording.
pub struct InsightCache {
    clerk: Worker,
    /// Counts the recordings, and the states of each, that were asked about.
    state: u64,
    kept: WeightedLru<InsightRequest, Arc<Result<InsightResult, Reason>>>,
    /// Kept, and to be asked again.
    stale: HashSet<InsightRequest>,
    /// What was told last of the layers, and of each unit.
    last_facts: Option<u64>,
    last_of: HashMap<(usize, usize), u64>,
    /// What was asked for last.
    wanted: Vec<InsightRequest>,
}

impl InsightCache {
    /// About the recording behind `source`.
    pub fn new(source: Arc<dyn Source>, tell: Tell) -> Self {
        Self {
            clerk: Worker::new(source, tell),
            state: 0,
            kept: WeightedLru::new(BUDGET),
            stale: HashSet::new(),
            last_facts: None,
            last_of: HashMap::new(),
            wanted: Vec::new(),
        }
    }

    /// Goes on with more epochs of the same recording. Lives of units go on then, and what failed is
    /// tried again; until that is answered the answers before stay.
    pub fn renew(&mut self, source: Arc<dyn Source>) {
        self.state += 1;
        self.clerk.serve(source, self.state);
        let again = |question: &InsightRequest, answer: &Arc<Result<InsightResult, Reason>>| {
            answer.is_err() || matches!(question, InsightRequest::UnitProfile { .. })
        };
        self.stale.extend(self.kept.entries().filter(|(q, a)| again(q, a)).map(|(question, _)| *question));
        self.wanted.clear();
    }

    /// Goes on with another recording.
    pub fn replace(&mut self, source: Arc<dyn Source>) {
        self.state += 1;
        self.clerk.serve(source, self.state);
        self.kept = WeightedLru::new(BUDGET);
        self.stale.clear();
        self.last_facts = None;
        self.last_of.clear();
        self.wanted.clear();
    }

    /// Lets be answered what is not yet, the first question first. What was asked before and is not among
    /// them is given up. Costs next to nothing when nothing changed.
    pub fn ask(&mut self, questions: Vec<InsightRequest>) {
        if questions == self.wanted {
            return;
        }
        let open =
            |question: &InsightRequest| !self.kept.contains(*question) || self.stale.contains(question);
        self.clerk.want(questions.iter().copied().filter(open).collect());
        self.wanted = questions;
    }

    /// Takes an answer, unless it is about an earlier state of the recording.
    pub fn take(&mut self, answered: InsightResponse) {
        let InsightResponse { state, question, answer } = answered;
        if state != self.state {
            return;
        }
        self.stale.remove(&question);
        if answer.is_ok() {
            match question {
                InsightRequest::Facts { epoch } => self.last_facts = Some(epoch),
                InsightRequest::UnitProfile { layer, unit, epoch } => {
                    self.last_of.insert((layer, unit), epoch);
                }
                InsightRequest::Predictions { .. } => {}
            }
        }
        let bytes = bytes(&answer);
        self.kept.insert(question, Arc::new(answer), bytes, &self.wanted);
    }

    /// The answer, if it is there.
    pub fn answer(&self, question: InsightRequest) -> Option<Result<&InsightResult, &str>> {
        self.kept.peek(question).map(|answer| answer.as_ref().as_ref().map_err(String::as_str))
    }

    /// Facts of every layer at an epoch.
    pub fn facts(&self, epoch: u64) -> Option<&[LayerStats]> {
        match self.answer(InsightRequest::Facts { epoch }) {
            Some(Ok(InsightResult::Facts(facts))) => Some(facts),
            _ => None,
        }
    }

    /// The facts that came last, and of which epoch they are.
    pub fn last_facts(&self) -> Option<(u64, &[LayerStats])> {
        let epoch = self.last_facts?;
        Some((epoch, self.facts(epoch)?))
    }

    /// A unit's biography at an epoch, or why there is none.
    pub fn biography(&self, layer: usize, unit: usize, epoch: u64) -> Option<Result<&UnitProfile, &str>> {
        match self.answer(InsightRequest::UnitProfile { layer, unit, epoch })? {
            Ok(InsightResult::UnitProfile(biography)) => Some(Ok(biography)),
            Ok(_) => None,
            Err(reason) => Some(Err(reason)),
        }
    }

    /// A unit's biography at the epoch `now` or, until that is there, the one that was told last.
    pub fn biography_by_now(
        &self,
        layer: usize,
        unit: usize,
        now: Option<u64>,
    ) -> Option<Result<&UnitProfile, &str>> {
        let at_now = now.and_then(|epoch| self.biography(layer, unit, epoch));
        at_now.or_else(|| self.last_biography(layer, unit).map(Ok))
    }

    /// The unit's biography that came last, at whatever epoch.
    pub fn last_biography(&self, layer: usize, unit: usize) -> Option<&UnitProfile> {
        let epoch = *self.last_of.get(&(layer, unit))?;
        self.biography(layer, unit, epoch)?.ok()
    }

    /// Index of the predicted class of each input at an epoch; empty where none are recorded.
    pub fn predictions(&self, epoch: u64) -> Option<&[Option<usize>]> {
        match self.answer(InsightRequest::Predictions { epoch }) {
            Some(Ok(InsightResult::Predictions(predictions))) => Some(predictions),
            _ => None,
        }
    }
}

/// About how much memory an answer takes.
fn bytes(answer: &Result<InsightResult, Reason>) -> u64 {
    let bytes = match answer {
        Ok(InsightResult::Facts(facts)) => size_of_val(facts.as_slice()),
        Ok(InsightResult::UnitProfile(biography)) => {
            let classes = biography.history.first().map_or(0, |moment| moment.classes.len());
            let moment = size_of::<crate::insight::UnitEpoch>() + classes * size_of::<f32>();
            biography.history.len() * moment + size_of_val(biography.distributions.as_slice())
        }
        Ok(InsightResult::Predictions(predictions)) => size_of_val(predictions.as_slice()),
        Err(reason) => reason.len(),
    };
    bytes as u64 + size_of::<UnitProfile>() as u64
}

#[cfg(test)]
mod tests;
