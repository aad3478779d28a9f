//! What to show of what is at hand.

use std::sync::Arc;

use super::{Scene, Session, ValueKey};
use crate::model::{EpochPosition, Layout};

impl Session {
    /// Takes the values nearest to what is wanted, and lets the missing ones be read.
    pub fn choose(&mut self) {
        let query = self.query_number();
        if query != self.looked_at {
            self.looked_at = query;
            self.note = None;
        }
        let Some(wanted) = self.wanted() else { return self.choose_empty() };
        let key = |epoch: usize| self.key(query, epoch);
        let (from, to) = (key(wanted.from), key(wanted.to));
        let mut at = |key: ValueKey| self.cache.get(key).cloned();
        let found = match (at(from), at(to)) {
            (Some(from), Some(to)) if from.field.layout() == to.field.layout() => Some((from, to, wanted)),
            (Some(from), _) => Some((from.clone(), from, EpochPosition::at(wanted.from))),
            (None, Some(to)) => Some((to.clone(), to, EpochPosition::at(wanted.to))),
            (None, None) => self
                .interface
                .epochs()
                .readable()
                .iter()
                .filter(|epoch| self.cache.contains(self.key(query, **epoch)))
                .min_by_key(|epoch| epoch.abs_diff(wanted.from))
                .copied()
                .and_then(|epoch| Some((self.cache.get(self.key(query, epoch)).cloned()?, epoch)))
                .map(|(values, epoch)| (values.clone(), values, EpochPosition::at(epoch))),
        };
        if let Some((from, to, position)) = found {
            self.scene = Some(Scene {
                from: from.field,
                to: to.field,
                cells: [from.cells, to.cells],
                unmatched: from.unmatched,
                filled: true,
                position,
                query: self.view.query.clone(),
                order: self.view.order,
                run: self.run,
                source: Arc::clone(&self.source),
            });
        } else if self.failed.contains(&from) && self.scene.as_ref().is_none_or(|scene| !scene.filled) {
            // Better bare slabs than none.
            self.choose_empty();
        }
        let input = self.view.query.select.single_input().filter(|i| *i < self.recording().inputs.len());
        if input != self.picture.as_ref().map(|(input, _)| *input) {
            self.picture = input.map(|input| (input, None));
            if let Some(input) = input {
                self.ask_picture(input);
            }
        }
        if let Some(scene) = &self.scene {
            let picture = self.standing().map(|standing| standing.aspect);
            let slabs = &scene.from.layout().slabs;
            let mut layout = Layout { slabs: slabs.clone(), picture };
            layout.hide(&scene.source.recording().layers, &self.view.hidden);
            if self.layout != layout {
                self.layout = layout;
            }
        }
        self.plan();
    }

    /// Shows the network as it stands before it has values.
    fn choose_empty(&mut self) {
        match &self.empty {
            None => {
                self.empty = Some(None);
                self.loader.want_empty();
            }
            Some(None) => {}
            Some(Some(field)) => {
                let (from, to) = (Arc::clone(field), Arc::clone(field));
                self.scene = Some(Scene {
                    from,
                    to,
                    cells: Default::default(),
                    unmatched: Arc::default(),
                    filled: false,
                    position: self.wanted().unwrap_or(EpochPosition::at(0)),
                    query: self.view.query.clone(),
                    order: self.view.order,
                    run: self.run,
                    source: Arc::clone(&self.source),
                });
            }
        }
    }
}
