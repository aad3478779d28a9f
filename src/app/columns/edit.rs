//! Adding, removing, swapping and subtracting columns, and which of them is active.

use super::{Column, Columns, scene_id};
use crate::app::run::{OpenRunList, Run};
use crate::model::Query;
use crate::model::columns::{self, MOST};
use crate::ui::panels::columns::ColumnAction;

impl Columns {
    /// What the active column and its neighbour come to when they are subtracted: the place of the
    /// first of them, and the query.
    pub(super) fn difference(&self) -> Option<(usize, Query)> {
        let a = self.active.min(self.list.len().checked_sub(2)?);
        let query = columns::difference(self.session(a)?.side(), self.session(a + 1)?.side())?;
        Some((a, query))
    }

    /// Lets the other cameras follow that of the column at `index`.
    pub(super) fn lead(&mut self, index: usize) {
        if let Some(column) = self.list.get(index) {
            self.leads = column.id;
        }
    }

    pub(super) fn activate(&mut self, ui: &egui::Ui, index: usize) {
        if index >= self.list.len() || index == self.active {
            return;
        }
        self.lead(index);
        let before = std::mem::replace(&mut self.active, index);
        if self.locks.epochs
            && let Ok([old, new]) = self.list.get_disjoint_mut([before, index])
            && let (Some(old), Some(new)) = (&mut old.session, &mut new.session)
        {
            new.take_playback(old);
        }
        let id = |index: usize| self.list.get(index).map(|column| scene_id(column.id));
        if ui.memory(|memory| memory.focused()).is_some_and(|focused| id(before) == Some(focused))
            && let Some(id) = id(index)
        {
            ui.memory_mut(|memory| memory.request_focus(id));
        }
    }

    pub(super) fn apply(&mut self, ui: &egui::Ui, action: ColumnAction, runs: &[Run]) {
        let opened: OpenRunList = runs.iter().map(|run| run.opened().cloned()).collect();
        match action {
            ColumnAction::Activate(index) => self.activate(ui, index),
            ColumnAction::Lock(locks) => self.locks = locks,
            ColumnAction::Add(run) => {
                self.add(ui, run, self.active, self.active + 1, &opened, Query::default())
            }
            ColumnAction::Duplicate => {
                let Some(column) = self.list.get(self.active) else { return };
                let query =
                    column.session.as_ref().map_or_else(Query::default, |session| session.view.query.clone());
                self.add(ui, column.run, self.active, self.active + 1, &opened, query);
            }
            ColumnAction::Difference => {
                let Some((a, query)) = self.difference() else { return };
                let Some(run) = self.list.get(a).map(|column| column.run) else { return };
                self.add(ui, run, a, self.list.len(), &opened, query);
            }
            ColumnAction::Remove => self.remove(ui),
            ColumnAction::Swap => {
                if let Some(column) = self.list.get_mut(self.active)
                    && let Some(session) = column.session.take()
                {
                    let session = session.swapped();
                    column.run = session.run();
                    column.session = Some(Box::new(session));
                }
            }
        }
    }

    /// Adds a column at `place` that shows `query` of `run` in the way in which the one at `like` shows
    /// its own; from then on it is the active one.
    fn add(
        &mut self,
        ui: &egui::Ui,
        run: usize,
        like: usize,
        place: usize,
        runs: &OpenRunList,
        query: Query,
    ) {
        if self.list.len() >= MOST {
            return;
        }
        let (id, place) = (self.next, place.min(self.list.len()));
        self.next += 1;
        let like = self.list.get(like).map(|column| column.id);
        self.list.insert(place, Column::new(id, run));
        self.active += usize::from(self.active >= place);
        let mut session = self.session_of(place, runs);
        let like = like.and_then(|id| self.by_id(id));
        if let (Some(session), Some(like)) = (&mut session, like) {
            session.look_like(like, query, self.locks);
        }
        self.list[place].session = session;
        self.after_change();
        self.activate(ui, place);
    }

    fn remove(&mut self, ui: &egui::Ui) {
        if self.list.len() < 2 {
            return;
        }
        let gone = self.active;
        self.activate(ui, if gone + 1 < self.list.len() { gone + 1 } else { gone - 1 });
        let column = self.list.remove(gone);
        self.active -= usize::from(self.active > gone);
        if let Some(session) = column.session {
            self.retired.push(session.into_loader());
        }
        self.after_change();
    }
}
