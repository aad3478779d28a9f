//! The profiles of the pinned units in the other run of a difference.

use std::sync::Arc;

use crate::app::event::{LoadEvent, LoadSender};
use crate::app::insights::{InsightCache, InsightRequest, InsightResponse};
use crate::app::run::{OpenRun, OpenRunList};
use crate::insight::UnitProfile;
use crate::model::{EpochPosition, Pin, Recording, Source};
use crate::ui::ViewControl;

/// The run that is subtracted, and what is known of its units.
pub struct SubtractedInsights {
    /// Id of the version of the run.
    id: u64,
    source: Arc<dyn Source>,
    /// The number of the epoch that is subtracted.
    epoch: u64,
    cache: InsightCache,
}

impl SubtractedInsights {
    fn new(run: &OpenRun, send: LoadSender) -> Self {
        let (id, source) = (run.id, Arc::clone(&run.source));
        let send = Box::new(move |response| send(LoadEvent::SubtractedInsight { run: id, response }));
        Self { id, cache: InsightCache::new(Arc::clone(&source), send), source, epoch: 0 }
    }

    /// Requests the profiles of the pinned units in the run that is subtracted, at the epoch of its selection or
    /// else at the one with the number `epoch`. Without another run or without pins, `known` becomes `None`.
    pub fn update(
        known: &mut Option<Self>,
        runs: &OpenRunList,
        control: &ViewControl,
        epoch: u64,
        send: &LoadSender,
    ) {
        let (query, pins) = (&control.view.query, &control.view.pins);
        let run = query.minus.as_ref().and(query.run_b).filter(|_| !pins.is_empty());
        let Some(open) = run.and_then(|run| runs.get(run)?.as_ref()) else {
            *known = None;
            return;
        };
        let same = known.take().filter(|known| known.id == open.id);
        let known = known.insert(same.unwrap_or_else(|| Self::new(open, Arc::clone(send))));
        let recording = open.source.recording();
        let own = query.minus.as_ref().and_then(|minus| minus.epoch?.resolve(recording).ok());
        let number = |at: EpochPosition| recording.epochs.get(at.from.0).map(|epoch| epoch.number);
        known.epoch = own.and_then(number).unwrap_or(epoch);
        let units = pins.iter().rev().filter_map(|pin| recording.unit_of_pin(pin));
        let requests = units.map(|unit| InsightRequest::UnitProfile { unit, epoch: known.epoch });
        known.cache.request(requests.collect());
    }

    /// Caches a profile, if it is of this version of the run.
    pub fn insert(&mut self, run: u64, response: InsightResponse) {
        if self.id == run {
            self.cache.insert(response);
        }
    }

    /// Returns the recording of the run.
    pub fn recording(&self) -> &Recording {
        self.source.recording()
    }

    /// Returns the profile of a pinned unit, or the reason why there is none, in one line.
    pub fn profile(&self, pin: &Pin) -> Option<Result<&UnitProfile, &str>> {
        match self.recording().unit_of_pin(pin) {
            Some(unit) => self.cache.unit_profile_or_latest(unit, Some(self.epoch)),
            None => Some(Err("there is no such unit in this run")),
        }
    }
}
