//! What to read, and in which order.

use std::collections::VecDeque;

use super::{Session, ValueKey};
use crate::model::{EpochPosition, EpochRef, Query, Selection, UnitOrder};

/// What the list of wanted values was made for.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct PrefetchKey {
    query: usize,
    position: EpochPosition,
    following: bool,
    held: usize,
    order: Option<UnitOrder>,
    /// Epochs whose values were read, where those of all are wanted.
    read: Option<usize>,
}

/// In which state of the runs a query is answered, as far as that changes the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RunVersions {
    /// How often its own run was continued, where a selection names its last or best epoch.
    pub own: u64,
    /// How often the run that is subtracted was replaced and, likewise, continued; `None` while that
    /// is not open.
    pub other: Option<(u64, u64)>,
}

impl Session {
    pub(super) fn stamp_of(&self, query: &Query) -> RunVersions {
        let Query { select, minus, run_b, .. } = query;
        let moves = |selection: &Selection| matches!(selection.epoch, Some(EpochRef::Last | EpochRef::Best));
        let run = |run: usize| self.runs.get(run).and_then(Option::as_ref);
        let minus = minus.as_ref();
        let own_moves = moves(select) || (run_b.is_none() && minus.is_some_and(moves));
        let own = if own_moves { run(self.run).map_or(0, |run| run.continued) } else { 0 };
        let other = match (run_b, minus) {
            (Some(b), Some(minus)) => {
                run(*b).map(|run| (run.replaced, if moves(minus) { run.continued } else { 0 }))
            }
            _ => None,
        };
        RunVersions { own, other }
    }

    /// Whether the newest epoch is followed and its values are on their way.
    pub fn awaits_newest(&mut self) -> bool {
        let following = self.interface.playback.following;
        self.newest().is_some_and(|key| following && !self.cache.contains(key) && !self.failed.contains(&key))
    }

    pub(super) fn wanted(&self) -> Option<EpochPosition> {
        let epochs = self.interface.epochs();
        epochs.position(epochs.ordinal_of_number(self.view.epoch))
    }

    pub(super) fn query_number(&mut self) -> usize {
        let stamp = self.stamp_of(&self.view.query);
        let (number, forgotten) = self.queries.ask(&self.view.query, stamp);
        if let Some(forgotten) = forgotten {
            self.spreads.retain(|key, _| key.query != forgotten);
            self.failed.retain(|key| key.query != forgotten);
        }
        number
    }

    /// The key of a readable epoch, given by its place.
    pub(super) fn key(&self, query: usize, epoch: usize) -> ValueKey {
        let epoch = self.recording().epochs[epoch].number;
        ValueKey { recording: self.number, query, epoch, order: self.view.order }
    }

    /// The newest readable epoch's key.
    pub(super) fn newest(&mut self) -> Option<ValueKey> {
        let query = self.query_number();
        self.interface.epochs().readable().last().map(|&epoch| self.key(query, epoch))
    }

    /// What must be kept to show what is wanted now and next.
    pub(super) fn needed(&mut self) -> Vec<ValueKey> {
        let query = self.query_number();
        let wanted = self.wanted();
        let newest = self.newest().filter(|_| self.interface.playback.following);
        let wanted = wanted.iter().flat_map(|at| [at.from, at.to]).map(|epoch| self.key(query, epoch.0));
        wanted.chain(newest).collect()
    }

    /// Lists what to read: the newest epoch if it is followed, the wanted ones, then the others by distance, as far as the budget goes.
    pub(super) fn plan(&mut self) {
        let Some(wanted) = self.wanted() else { return };
        let query = self.query_number();
        let readable = self.interface.epochs().readable();
        let held = readable.iter().filter(|epoch| self.cache.contains(self.key(query, **epoch))).count()
            + self.failed.len();
        let at_rest = EpochPosition { t: 0.0, ..wanted };
        let following = self.interface.playback.following;
        let known = |epoch: &usize| self.spreads.contains_key(&self.key(query, *epoch).of_values());
        let read = self.view.over_epochs.then(|| readable.iter().filter(|epoch| known(epoch)).count());
        let plan = PrefetchKey { query, position: at_rest, following, held, order: self.view.order, read };
        if self.planned == Some(plan) {
            return;
        }
        self.planned = Some(plan);
        let mut order: Vec<usize> = readable.to_vec();
        let newest = order.last().copied().filter(|_| following);
        order.sort_by_key(|epoch| {
            let later = (Some(*epoch) != newest, *epoch != wanted.from.0, *epoch != wanted.to.0);
            (later, epoch.abs_diff(wanted.to.0), *epoch < wanted.from.0)
        });
        let room = match self.cache.largest() {
            0 => order.len(),
            bytes => (self.cache.budget() / bytes).max(2) as usize,
        };
        // What is not to be kept is read all the same where its values are to be known.
        let beyond = order.split_off(room.min(order.len()));
        if self.view.over_epochs {
            order.extend(
                beyond
                    .into_iter()
                    .filter(|epoch| !self.spreads.contains_key(&self.key(query, *epoch).of_values())),
            );
        }
        let reading = self.loader.current();
        let missing: VecDeque<(ValueKey, Query)> = order
            .into_iter()
            .map(|epoch| self.key(query, epoch))
            .filter(|key| !self.cache.contains(*key) && !self.failed.contains(key) && reading != Some(*key))
            .map(|key| (key, self.view.query.clone()))
            .collect();
        self.loader.want(missing);
    }
}
