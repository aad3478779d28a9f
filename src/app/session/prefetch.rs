//! The values to load, and their order.

use std::collections::{HashSet, VecDeque};

use super::keys::PrefetchKey;
use super::values::ValueStore;
use crate::app::event::{ValueKey, ValueRequest};
use crate::model::{EpochIndex, EpochPosition};
use crate::ui::ViewControl;

/// Greatest number of epochs around the current one that are kept ready.
const MAX_PREFETCHED: usize = 128;
/// Greatest number of values that are requested at a time; with each one that arrives the list is made anew.
const MAX_LISTED: usize = 32;

impl ValueStore {
    /// Returns `true` if the newest epoch is followed and its values are being loaded.
    pub fn awaits_newest(&mut self, control: &ViewControl) -> bool {
        let following = control.playback.following;
        self.newest(control)
            .is_some_and(|key| following && !self.cache.contains(key) && !self.failed.contains(&key))
    }

    /// Returns `true` if the values of the newest epoch are loaded or have failed.
    pub fn is_newest_ready(&mut self, control: &ViewControl) -> bool {
        self.newest(control).is_some_and(|key| self.cache.contains(key) || self.failed.contains(&key))
    }

    /// Returns the key of the newest readable epoch.
    fn newest(&mut self, control: &ViewControl) -> Option<ValueKey> {
        let query = self.query_number(control);
        control.epochs().readable().last().map(|&epoch| self.key(query, epoch, control.view.order))
    }

    /// Returns the keys that have to stay cached for the current picture and the next one.
    pub(super) fn needed(&mut self, control: &ViewControl) -> Vec<ValueKey> {
        let query = self.query_number(control);
        let newest = self.newest(control).filter(|_| control.playback.following);
        let position = control.position();
        let current = position.iter().flat_map(|at| [at.from, at.to]);
        current.map(|epoch| self.key(query, epoch, control.view.order)).chain(newest).collect()
    }

    /// Lists the values to load: the newest epoch if it is followed, the current ones, those that decide the
    /// value ranges, then the others by distance, as far as the budget holds them.
    pub(super) fn prefetch(&mut self, control: &ViewControl) {
        let Some(position) = control.position() else { return };
        let query = self.query_number(control);
        let order = control.view.order;
        let at_rest = EpochPosition { t: 0.0, ..position };
        let following = control.playback.following;
        let arrived = self.arrived;
        let undecided: Vec<ValueKey> = if control.view.over_epochs {
            let keys = self.range_epochs.iter();
            let keys =
                keys.map(|&epoch| ValueKey { recording: self.recording_number(), query, epoch, order });
            keys.filter(|key| !self.quantiles.contains_key(&key.unordered())).collect()
        } else {
            Vec::new()
        };
        let prefetch =
            PrefetchKey { query, position: at_rest, following, arrived, order, undecided: undecided.len() };
        if self.prefetched == Some(prefetch) {
            return;
        }
        self.prefetched = Some(prefetch);
        let room = match self.cache.largest() {
            0 => MAX_PREFETCHED,
            bytes => ((self.cache.budget() / bytes) as usize).clamp(2, MAX_PREFETCHED),
        };
        let readable = control.epochs().readable();
        let mut keys: Vec<ValueKey> = self.newest(control).filter(|_| following).into_iter().collect();
        let nearest = current_first(readable, position).take(room);
        keys.extend(nearest.map(|epoch| self.key(query, epoch, order)));
        let at = keys.len().min(2 + usize::from(following));
        keys.splice(at..at, undecided);
        let loading = self.loader().current();
        let mut listed = HashSet::new();
        let missing: VecDeque<ValueRequest> = keys
            .into_iter()
            .filter(|key| !self.failed.contains(key) && loading != Some(*key) && listed.insert(*key))
            .filter(|key| {
                let is_undecided = control.view.over_epochs
                    && self.range_epochs.binary_search(&key.epoch).is_ok()
                    && !self.quantiles.contains_key(&key.unordered());
                is_undecided || !self.cache.contains(*key)
            })
            .take(MAX_LISTED)
            .map(|key| (key, control.view.query.clone()))
            .collect();
        self.loader().request_values(missing);
    }
}

/// Returns epochs in the order in which they are loaded: those of `position`, then the others by distance, the
/// later one of two first. `readable` has all epochs, ascending.
fn current_first(readable: &[EpochIndex], position: EpochPosition) -> impl Iterator<Item = EpochIndex> {
    let place = |epoch: EpochIndex| readable.binary_search(&epoch).unwrap_or_else(|place| place);
    let (from, to) = (place(position.from), place(position.to));
    let around = (1..=readable.len()).flat_map(move |distance| {
        let later = to.checked_add(distance);
        let earlier = from.checked_sub(distance);
        [later, earlier]
    });
    let places = [Some(from), Some(to).filter(|to| *to != from)].into_iter().chain(around).flatten();
    places.filter_map(|place| readable.get(place).copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_epochs_come_first_and_then_the_nearest() {
        let position = |from, to| EpochPosition { from: EpochIndex(from), to: EpochIndex(to), t: 0.5 };
        let readable = [0, 1, 3, 4, 5, 9].map(EpochIndex);
        let order = |position| -> Vec<usize> {
            current_first(&readable, position).map(|EpochIndex(epoch)| epoch).collect()
        };
        assert_eq!(order(position(3, 4)), [3, 4, 5, 1, 9, 0]);
        assert_eq!(order(position(0, 0)), [0, 1, 3, 4, 5, 9]);
        let many: Vec<EpochIndex> = (0..1_000_000).map(EpochIndex).collect();
        let first: Vec<EpochIndex> = current_first(&many, position(500, 500)).take(3).collect();
        assert_eq!(first, [500, 501, 499].map(EpochIndex));
    }
}
