//! The values to load, and their order.

use std::collections::VecDeque;

use super::keys::PrefetchKey;
use super::values::ValueStore;
use crate::app::event::{ValueKey, ValueRequest};
use crate::model::EpochPosition;
use crate::ui::ViewControl;

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
        let current = position.iter().flat_map(|at| [at.from.0, at.to.0]);
        current.map(|epoch| self.key(query, epoch, control.view.order)).chain(newest).collect()
    }

    /// Lists the values to load: the newest epoch if it is followed, the current ones, then the others by
    /// distance, as many as the budget holds.
    pub(super) fn prefetch(&mut self, control: &ViewControl) {
        let Some(position) = control.position() else { return };
        let query = self.query_number(control);
        let order = control.view.order;
        let readable = control.epochs().readable();
        let key = |store: &Self, epoch: usize| store.key(query, epoch, order);
        let done = readable.iter().filter(|epoch| self.cache.contains(key(self, **epoch))).count()
            + self.failed.len();
        let at_rest = EpochPosition { t: 0.0, ..position };
        let following = control.playback.following;
        let is_loaded =
            |store: &Self, epoch: usize| store.quantiles.contains_key(&key(store, epoch).unordered());
        let over_epochs = control.view.over_epochs;
        let loaded = over_epochs.then(|| readable.iter().filter(|epoch| is_loaded(self, **epoch)).count());
        let prefetch = PrefetchKey { query, position: at_rest, following, done, order, loaded };
        if self.prefetched == Some(prefetch) {
            return;
        }
        self.prefetched = Some(prefetch);
        let mut epochs: Vec<usize> = readable.to_vec();
        let newest = epochs.last().copied().filter(|_| following);
        epochs.sort_by_key(|epoch| {
            let later = (Some(*epoch) != newest, *epoch != position.from.0, *epoch != position.to.0);
            (later, epoch.abs_diff(position.to.0), *epoch < position.from.0)
        });
        let room = match self.cache.largest() {
            0 => epochs.len(),
            bytes => (self.cache.budget() / bytes).max(2) as usize,
        };
        // Epochs beyond the budget are loaded only if their quantiles are needed.
        let beyond = epochs.split_off(room.min(epochs.len()));
        if over_epochs {
            epochs.extend(beyond.into_iter().filter(|epoch| !is_loaded(self, *epoch)));
        }
        let current = self.loader().current();
        let missing: VecDeque<ValueRequest> = epochs
            .into_iter()
            .map(|epoch| key(self, epoch))
            .filter(|key| !self.cache.contains(*key) && !self.failed.contains(key) && current != Some(*key))
            .map(|key| (key, control.view.query.clone()))
            .collect();
        self.loader().request_values(missing);
    }
}
