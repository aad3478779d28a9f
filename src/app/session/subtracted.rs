//! The profiles of the pinned units in the other run of a difference.

use std::sync::Arc;

use super::values::ValueStore;
use crate::app::event::{LoadEvent, LoadSender};
use crate::app::insights::{InsightCache, InsightRequest, InsightResponse};
use crate::app::run::OpenRun;
use crate::insight::UnitProfile;
use crate::model::{EpochPosition, Pin, Recording, Source};
use crate::ui::ViewControl;

/// The run that is subtracted, and what is known of its units.
pub(super) struct SubtractedInsights {
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

    fn request(&mut self, pins: &[Pin], epoch: u64) {
        self.epoch = epoch;
        let recording = self.source.recording();
        let units = pins.iter().rev().filter_map(|pin| recording.unit_of_pin(pin));
        self.cache.request(units.map(|unit| InsightRequest::UnitProfile { unit, epoch }).collect());
    }
}

impl ValueStore {
    /// Requests the profiles of the pinned units in the run that is subtracted, if it is another one, at the
    /// epoch of its selection or else at the one with the number `epoch`.
    pub(super) fn request_subtracted(&mut self, control: &ViewControl, epoch: u64) {
        let query = &control.view.query;
        let runs = self.runs();
        let run = query.minus.as_ref().and(query.run_b).filter(|_| !control.view.pins.is_empty());
        let Some(open) = run.and_then(|run| runs.get(run)?.as_ref()) else {
            self.subtracted = None;
            return;
        };
        let send = &self.send;
        let known = self.subtracted.take().filter(|known| known.id == open.id);
        let known = known.unwrap_or_else(|| SubtractedInsights::new(open, Arc::clone(send)));
        let known = self.subtracted.insert(known);
        let recording = open.source.recording();
        let own = query.minus.as_ref().and_then(|minus| minus.epoch?.resolve(recording).ok());
        let number = |at: EpochPosition| recording.epochs.get(at.from.0).map(|epoch| epoch.number);
        known.request(&control.view.pins, own.and_then(number).unwrap_or(epoch));
    }

    /// Caches a profile, if it is of the current run that is subtracted.
    pub(super) fn insert_subtracted(&mut self, run: u64, response: InsightResponse) {
        if let Some(known) = self.subtracted.as_mut().filter(|known| known.id == run) {
            known.cache.insert(response);
        }
    }

    /// Returns the recording that is subtracted, if it is another one and units are pinned.
    pub(super) fn subtracted_recording(&self) -> Option<&Recording> {
        Some(self.subtracted.as_ref()?.source.recording())
    }

    /// Returns the profile of a pinned unit in the run that is subtracted, or the reason why there is none.
    pub(super) fn subtracted_profile(&self, pin: &Pin) -> Option<Result<&UnitProfile, &str>> {
        let known = self.subtracted.as_ref()?;
        match known.source.recording().unit_of_pin(pin) {
            Some(unit) => known.cache.unit_profile_or_latest(unit, Some(known.epoch)),
            None => Some(Err("there is no such unit in this run")),
        }
    }
}
