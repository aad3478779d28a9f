//! The readable epochs, and conversions between their number, place and ordinal.

use crate::model::{EpochIndex, EpochPosition, EpochRef, Recording};

/// The readable epochs of a recording. An epoch is identified in three ways: by *number*, as recorded; by
/// *place*, an index into [`Recording::epochs`]; by *ordinal*, an index into the readable ones. All three
/// are continuous: a fraction is a position between two epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Epochs {
    readable: Vec<EpochIndex>,
    numbers: Vec<f64>,
    /// Ordinal of the best epoch, if accuracy or loss was recorded.
    best: Option<usize>,
}

impl Epochs {
    /// Collects the readable epochs of a recording.
    pub fn new(recording: &Recording) -> Self {
        let epochs = recording.epochs.iter().enumerate().filter(|(_, epoch)| !epoch.damaged);
        let readable: Vec<EpochIndex> = epochs.map(|(index, _)| EpochIndex(index)).collect();
        let best = EpochRef::Best.resolve(recording).ok();
        Self {
            best: best.and_then(|best| readable.binary_search(&best.from).ok()),
            numbers: recording.epochs.iter().map(|epoch| epoch.number as f64).collect(),
            readable,
        }
    }

    /// Returns the ordinal of the epoch of highest accuracy, else of lowest loss; `None` if neither was
    /// recorded.
    pub fn best(&self) -> Option<f64> {
        self.best.map(|ordinal| ordinal as f64)
    }

    /// Returns the places of the readable epochs.
    pub fn readable(&self) -> &[EpochIndex] {
        &self.readable
    }

    /// Returns the last ordinal.
    pub fn last(&self) -> f64 {
        self.readable.len().saturating_sub(1) as f64
    }

    /// Returns the epoch position of an ordinal; `None` if no epoch is readable.
    pub fn position(&self, ordinal: f64) -> Option<EpochPosition> {
        let ordinal = ordinal.clamp(0.0, self.last());
        let below = ordinal.floor() as usize;
        let from = *self.readable.get(below)?;
        let t = (ordinal - below as f64) as f32;
        Some(match self.readable.get(below + 1) {
            Some(&to) if t > 0.0 => EpochPosition { from, to, t },
            _ => EpochPosition::at(from),
        })
    }

    /// Returns the number of an ordinal, which is clamped to the readable epochs.
    pub fn number(&self, ordinal: f64) -> f64 {
        self.interpolate(ordinal, |place| self.numbers[place.0])
    }

    /// Returns the place of an ordinal, which is clamped to the readable epochs.
    pub fn place(&self, ordinal: f64) -> f64 {
        self.interpolate(ordinal, |place| place.0 as f64)
    }

    /// Returns the ordinal of a number; outside the readable epochs that of the nearest.
    pub fn ordinal_of_number(&self, number: f64) -> f64 {
        self.ordinal_of(number, |place| self.numbers[place.0])
    }

    /// Returns the ordinal of a place; outside the readable epochs that of the nearest.
    pub fn ordinal_of_place(&self, place: f64) -> f64 {
        self.ordinal_of(place, |place| place.0 as f64)
    }

    fn interpolate(&self, ordinal: f64, value: impl Fn(EpochIndex) -> f64) -> f64 {
        self.position(ordinal)
            .map_or(0.0, |at| value(at.from) + f64::from(at.t) * (value(at.to) - value(at.from)))
    }

    fn ordinal_of(&self, target: f64, value: impl Fn(EpochIndex) -> f64) -> f64 {
        let above = self.readable.partition_point(|&place| value(place) <= target);
        let Some(below) = above.checked_sub(1) else { return 0.0 };
        match self.readable.get(above) {
            Some(&next) => {
                let from = value(self.readable[below]);
                below as f64 + (target - from) / (value(next) - from)
            }
            None => self.last(),
        }
    }
}
