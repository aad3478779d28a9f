//! Adding, removing, swapping and subtracting columns, and activating one.

use super::{Column, Columns, scene_id};
use crate::app::run::{OpenRunList, Run, open_runs};
use crate::model::Query;
use crate::model::columns::{self, MAX_COLUMNS};
use crate::ui::panels::columns::ColumnAction;

impl Columns {
    /// Returns the difference of the active column and its neighbour: the index of the first of them, and the
    /// query; `None` when they cannot be subtracted.
    pub(super) fn difference(&self) -> Option<(usize, Query)> {
        let a = self.active.min(self.list.len().checked_sub(2)?);
        let query =
            columns::difference_query(self.session(a)?.column_query(), self.session(a + 1)?.column_query())?;
        Some((a, query))
    }

    /// Makes the other cameras follow that of the column at `index`.
    pub(super) fn set_leader(&mut self, index: usize) {
        if let Some(column) = self.list.get(index) {
            self.leader = column.id;
        }
    }

    /// Returns an id that no column has had.
    pub(super) fn new_id(&mut self) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        id
    }

    /// Ends the session of a removed column; its loader completes its current job.
    pub(super) fn retire(&mut self, column: Column) {
        self.retired.extend(column.session.map(|session| session.into_loader()));
    }

    /// Activates the column at `index`; with locked epochs it continues the playback of the one before.
    pub(super) fn activate(&mut self, ui: &egui::Ui, index: usize) {
        if index >= self.list.len() || index == self.active {
            return;
        }
        self.set_leader(index);
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

    /// Applies a change that the user made to the columns.
    pub fn apply(&mut self, ui: &egui::Ui, action: ColumnAction, runs: &[Run]) {
        self.chosen = true;
        let opened = open_runs(runs);
        match action {
            ColumnAction::Activate(index) => self.activate(ui, index),
            ColumnAction::Lock(locks) => self.locks = locks,
            ColumnAction::Add(run) => {
                self.add(ui, run, self.active, self.active + 1, &opened, Query::default())
            }
            ColumnAction::Duplicate => {
                let Some(column) = self.list.get(self.active) else { return };
                let session = column.session.as_ref();
                let query = session.map_or_else(Query::default, |session| session.view().query.clone());
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

    /// Adds a column at index `place` that shows `query` of `run` with the appearance of the column at index
    /// `like`, and activates it.
    fn add(
        &mut self,
        ui: &egui::Ui,
        run: usize,
        like: usize,
        place: usize,
        runs: &OpenRunList,
        query: Query,
    ) {
        if self.list.len() >= MAX_COLUMNS {
            return;
        }
        let (id, place) = (self.new_id(), place.min(self.list.len()));
        let like = self.list.get(like).map(|column| column.id);
        self.list.insert(place, Column::new(id, run));
        self.active += usize::from(self.active >= place);
        let mut session = self.new_session(place, runs);
        let like = like.and_then(|id| self.by_id(id));
        if let (Some(session), Some(like)) = (&mut session, like) {
            session.show_like(like, query, self.locks);
        }
        self.list[place].session = session;
        self.share_memory();
        self.activate(ui, place);
    }

    fn remove(&mut self, ui: &egui::Ui) {
        if self.list.len() < 2 {
            return;
        }
        let removed = self.active;
        self.activate(ui, if removed + 1 < self.list.len() { removed + 1 } else { removed - 1 });
        let column = self.list.remove(removed);
        self.active -= usize::from(self.active > removed);
        self.retire(column);
        self.share_memory();
    }
}
