//! Layer statistics, unit profiles and predictions of one recording: cached, and computed on a worker.

mod request;
mod worker;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use self::request::{InsightRequest, InsightResponse, InsightResult};
use self::worker::InsightWorker;
use crate::insight::{LayerStats, UnitProfile};
use crate::model::{Source, UnitId, WeightedLru};

/// Bytes of results that are cached.
const BUDGET: u64 = 64 << 20;

/// The results of the requests about one recording.
pub struct InsightCache {
    worker: InsightWorker,
    /// Number of times that the recording was continued or replaced.
    version: u64,
    results: WeightedLru<InsightRequest, Arc<Result<InsightResult, String>>>,
    /// Cached results that are to be computed again.
    stale: HashSet<InsightRequest>,
    /// The epochs of the latest layer statistics, and of the latest profile of each unit.
    latest_layer_stats: Option<u64>,
    latest_profiles: HashMap<UnitId, u64>,
    /// The latest list of requests.
    requests: Vec<InsightRequest>,
}

impl InsightCache {
    /// Creates a cache for the recording of `source`; `send` takes results on the worker's thread.
    pub fn new(source: Arc<dyn Source>, send: Box<dyn Fn(InsightResponse) + Send>) -> Self {
        Self {
            worker: InsightWorker::new(source, send),
            version: 0,
            results: WeightedLru::new(BUDGET),
            stale: HashSet::new(),
            latest_layer_stats: None,
            latest_profiles: HashMap::new(),
            requests: Vec::new(),
        }
    }

    /// Reads from `source` from now on: the same recording, with more epochs. Unit profiles and failed
    /// requests are computed again; until then their earlier results are returned.
    pub fn continue_with(&mut self, source: Arc<dyn Source>) {
        self.version += 1;
        self.worker.set_source(source, self.version);
        let is_stale = |request: &InsightRequest, result: &Arc<Result<InsightResult, String>>| {
            result.is_err() || matches!(request, InsightRequest::UnitProfile { .. })
        };
        let stale = self.results.entries().filter(|(request, result)| is_stale(request, result));
        self.stale.extend(stale.map(|(request, _)| *request));
        self.requests.clear();
    }

    /// Reads from `source` from now on, another recording; drops all results.
    pub fn replace(&mut self, source: Arc<dyn Source>) {
        self.version += 1;
        self.worker.set_source(source, self.version);
        self.results = WeightedLru::new(BUDGET);
        self.stale.clear();
        self.latest_layer_stats = None;
        self.latest_profiles.clear();
        self.requests.clear();
    }

    /// Requests results, the most urgent first; earlier requests that are not among these are cancelled. Does
    /// nothing when the list is the same as before.
    pub fn request(&mut self, requests: Vec<InsightRequest>) {
        if requests == self.requests {
            return;
        }
        let is_open =
            |request: &InsightRequest| !self.results.contains(*request) || self.stale.contains(request);
        self.worker.request(requests.iter().copied().filter(is_open).collect());
        self.requests = requests;
    }

    /// Caches a result, unless it is of an earlier version of the recording.
    pub fn insert(&mut self, response: InsightResponse) {
        let InsightResponse { version, request, result } = response;
        if version != self.version {
            return;
        }
        self.stale.remove(&request);
        if result.is_ok() {
            match request {
                InsightRequest::LayerStats { epoch } => self.latest_layer_stats = Some(epoch),
                InsightRequest::UnitProfile { unit, epoch } => {
                    self.latest_profiles.insert(unit, epoch);
                }
                InsightRequest::Predictions { .. } => {}
            }
        }
        let bytes = bytes(&result);
        self.results.insert(request, Arc::new(result), bytes, &self.requests);
    }

    /// Returns the result of a request, or the reason why there is none, in one line; `None` until it is
    /// computed.
    pub fn result(&self, request: InsightRequest) -> Option<Result<&InsightResult, &str>> {
        self.results.peek(request).map(|result| result.as_ref().as_ref().map_err(String::as_str))
    }

    /// Returns the statistics of every layer at the epoch with number `epoch`.
    pub fn layer_stats(&self, epoch: u64) -> Option<&[LayerStats]> {
        match self.result(InsightRequest::LayerStats { epoch }) {
            Some(Ok(InsightResult::LayerStats(layers))) => Some(layers),
            _ => None,
        }
    }

    /// Returns the latest layer statistics, and the number of their epoch.
    pub fn latest_layer_stats(&self) -> Option<(u64, &[LayerStats])> {
        let epoch = self.latest_layer_stats?;
        Some((epoch, self.layer_stats(epoch)?))
    }

    /// Returns a unit's profile at the epoch with number `epoch`, or the reason why there is none, in one
    /// line.
    pub fn unit_profile(&self, unit: UnitId, epoch: u64) -> Option<Result<&UnitProfile, &str>> {
        match self.result(InsightRequest::UnitProfile { unit, epoch })? {
            Ok(InsightResult::UnitProfile(profile)) => Some(Ok(profile)),
            Ok(_) => None,
            Err(reason) => Some(Err(reason)),
        }
    }

    /// Returns a unit's profile at `epoch` or, until it is computed, the latest one.
    pub fn unit_profile_or_latest(
        &self,
        unit: UnitId,
        epoch: Option<u64>,
    ) -> Option<Result<&UnitProfile, &str>> {
        let at_epoch = epoch.and_then(|epoch| self.unit_profile(unit, epoch));
        at_epoch.or_else(|| self.latest_profile(unit).map(Ok))
    }

    /// Returns the latest profile of a unit, at any epoch.
    pub fn latest_profile(&self, unit: UnitId) -> Option<&UnitProfile> {
        let epoch = *self.latest_profiles.get(&unit)?;
        self.unit_profile(unit, epoch)?.ok()
    }

    /// Returns the index of the predicted class of each input at the epoch with number `epoch`; empty if none
    /// are recorded.
    pub fn predictions(&self, epoch: u64) -> Option<&[Option<usize>]> {
        match self.result(InsightRequest::Predictions { epoch }) {
            Some(Ok(InsightResult::Predictions(predictions))) => Some(predictions),
            _ => None,
        }
    }
}

/// Estimates the memory of a result, in bytes.
fn bytes(result: &Result<InsightResult, String>) -> u64 {
    let bytes = match result {
        Ok(InsightResult::LayerStats(layers)) => size_of_val(layers.as_slice()),
        Ok(InsightResult::UnitProfile(profile)) => {
            let classes = profile.history.first().map_or(0, |epoch| epoch.classes.len());
            let epoch = size_of::<crate::insight::UnitEpoch>() + classes * size_of::<f32>();
            profile.history.len() * epoch + size_of_val(profile.distributions.as_slice())
        }
        Ok(InsightResult::Predictions(predictions)) => size_of_val(predictions.as_slice()),
        Err(reason) => reason.len(),
    };
    bytes as u64 + size_of::<UnitProfile>() as u64
}

#[cfg(test)]
mod tests;
