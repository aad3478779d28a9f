//! What a session asks besides the picture, and what came of it.

use super::Session;
use crate::app::insights::InsightRequest;
use crate::app::insights::InsightResponse;
use crate::insight::{LayerStats, UnitProfile};
use crate::model::{LayerIndex, Pin, UnitIndex};

impl Session {
    /// Lets be answered what is not yet: of the epoch that is looked at, when it rests, what every layer
    /// does, what the pinned units do, the last one pinned first, and what inputs were taken for.
    pub fn ask_answers(&mut self) {
        let Some(epoch) = self.resting() else { return };
        let pins = self.view.pins.iter().rev();
        let biographies = pins.filter_map(|pin| {
            let (layer, unit) = self.place(pin)?;
            Some(InsightRequest::UnitProfile { layer, unit, epoch })
        });
        let epochs = &self.recording().epochs;
        let predicted = epochs.iter().any(|it| it.number == epoch && it.has_predictions);
        let predictions = predicted.then_some(InsightRequest::Predictions { epoch });
        let questions = predictions.into_iter().chain(biographies).chain([InsightRequest::Facts { epoch }]);
        let questions = questions.collect();
        self.answers.ask(questions);
    }

    /// Takes an answer.
    pub fn take_answer(&mut self, answered: InsightResponse) {
        self.answers.take(answered);
    }

    /// Facts of every layer at the epoch that is looked at; `None` until they are there, and between two
    /// epochs.
    pub fn layer_facts(&self) -> Option<&[LayerStats]> {
        self.answers.facts(self.resting()?)
    }

    /// The facts of every layer that came last, and the number of the epoch that they are of: what there is
    /// to show until [`Session::layer_facts`] are there.
    pub fn last_facts(&self) -> Option<(u64, &[LayerStats])> {
        self.answers.last_facts()
    }

    /// What can be said of a pinned unit, or why nothing can be: at the epoch that is looked at or, until
    /// that is there, at the one that was told last; [`UnitProfile::epoch`] says which.
    pub fn biography(&self, pin: &Pin) -> Option<Result<&UnitProfile, &str>> {
        let (layer, unit) = self.place(pin)?;
        self.answers.biography_by_now(layer, unit, self.resting())
    }

    /// Index of the predicted class of each input at the epoch of this number; empty where none are
    /// recorded, `None` until they are read.
    pub fn predictions(&self, epoch: u64) -> Option<&[Option<usize>]> {
        self.answers.predictions(epoch)
    }

    /// Number of the epoch that is looked at, unless it lies between two.
    pub(super) fn resting(&self) -> Option<u64> {
        let at = self.wanted().filter(|at| at.t == 0.0)?;
        self.recording().epochs.get(at.from.0).map(|epoch| epoch.number)
    }

    /// Layer, as an index, and unit of a pin.
    pub(super) fn place(&self, pin: &Pin) -> Option<(LayerIndex, UnitIndex)> {
        let layer = self.recording().layers.iter().position(|layer| layer.name == pin.layer)?;
        (pin.unit.0 < self.recording().layers[layer].units).then_some((LayerIndex(layer), pin.unit))
    }
}
