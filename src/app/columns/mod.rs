//! The columns of a window: each shows one run in a [`Session`].
//!
//! This file has the list of columns, `phases` the phases of a frame, `edit` adds and removes columns, `link`
//! keeps linked columns equal.

mod edit;
mod link;
mod phases;

use std::sync::Arc;

pub use self::phases::{SceneArea, ShowPane};
use super::event::{AppEvent, EventSender, LoadEvent};
use super::loader::Loader;
use super::run::{OpenRunList, Run, RunState, open_runs};
use super::session::{Session, SessionResources};
use crate::engine::Gpu;
use crate::export::command_line;
use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::model::workspace::{ColumnView, EpochSpan, Workspace};
use crate::model::{Selection, Theme, ViewState};
use crate::stats::Backend;
use crate::ui::commands::ViewCommand;
use crate::ui::panels::columns::{ColumnBar, ColumnEntry, describe_column};
use crate::ui::{NamedRun, OpenRuns};

/// The columns of a window, side by side. There is at least one.
pub struct Columns {
    list: Vec<Column>,
    /// Index of the active column, on which panels and keys act.
    active: usize,
    /// `true` once the user has chosen the active column; until then it is the first one whose run is open.
    chosen: bool,
    /// Id of the column whose camera the others follow.
    leader: u64,
    locks: Locks,
    next_id: u64,
    gpu: Arc<Gpu>,
    backend: Arc<dyn Backend>,
    send: EventSender,
    /// Loaders of columns that were removed, until their current jobs are done.
    retired: Vec<Loader>,
    /// The inputs that the first session shows at first, unless it has a view; `None` for all, or once it is
    /// open.
    pub first_select: Option<Selection>,
    /// The theme while no run is open.
    first_theme: Theme,
    /// Camera moves without animation while no run is open.
    first_reduced_motion: bool,
}

/// A column of the window.
struct Column {
    /// Id, unique among all columns that the window has had.
    id: u64,
    /// Index of its run.
    run: usize,
    /// `None` until the run is open.
    session: Option<Box<Session>>,
    /// The view to show when the run is open, and the epochs to mark then.
    view: Option<ViewState>,
    marked: Option<EpochSpan>,
}

impl Column {
    fn new(id: u64, run: usize) -> Self {
        Self { id, run, session: None, view: None, marked: None }
    }
}

impl Columns {
    /// Creates a column for each of the first of `runs` runs: at least one column, at most [`MAX_COLUMNS`].
    pub fn new(runs: usize, gpu: Arc<Gpu>, backend: Arc<dyn Backend>, send: EventSender) -> Self {
        let list: Vec<Column> =
            (0..runs.clamp(1, MAX_COLUMNS)).map(|run| Column::new(run as u64, run)).collect();
        Self {
            next_id: list.len() as u64,
            list,
            active: 0,
            chosen: false,
            leader: 0,
            locks: Locks::default(),
            gpu,
            backend,
            send,
            retired: Vec::new(),
            first_select: None,
            first_theme: Theme::default(),
            first_reduced_motion: false,
        }
    }

    /// The number of columns.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// The index of the active column.
    pub fn active(&self) -> usize {
        self.active
    }

    /// The locks between the columns.
    pub fn locks(&self) -> Locks {
        self.locks
    }

    /// The session of the column at an index; `None` where there is no such column or its run is not open.
    pub fn session(&self, column: usize) -> Option<&Session> {
        self.list.get(column)?.session.as_deref()
    }

    /// Like [`Self::session`], mutable.
    pub fn session_mut(&mut self, column: usize) -> Option<&mut Session> {
        self.list.get_mut(column)?.session.as_deref_mut()
    }

    /// The session of the column with an id; `None` if there is no such column or its run is not open.
    pub fn by_id(&self, id: u64) -> Option<&Session> {
        self.list.iter().find(|column| column.id == id)?.session.as_deref()
    }

    /// Like [`Self::by_id`], mutable.
    pub fn by_id_mut(&mut self, id: u64) -> Option<&mut Session> {
        self.list.iter_mut().find(|column| column.id == id)?.session.as_deref_mut()
    }

    /// The session of the active column; `None` while its run is not open.
    pub fn active_session(&self) -> Option<&Session> {
        self.session(self.active)
    }

    /// Like [`Self::active_session`], mutable.
    pub fn active_session_mut(&mut self) -> Option<&mut Session> {
        self.session_mut(self.active)
    }

    /// All sessions, in the order of their columns.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.list.iter().filter_map(|column| column.session.as_deref())
    }

    /// Like [`Self::sessions`], mutable.
    pub fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.list.iter_mut().filter_map(|column| column.session.as_deref_mut())
    }

    /// The theme of the window.
    pub fn theme(&self) -> Theme {
        let session = self.active_session().or_else(|| self.sessions().next());
        session.map_or(self.first_theme, |session| session.view().theme)
    }

    /// Returns `true` if the camera moves without animation.
    pub fn reduced_motion(&self) -> bool {
        let of = |session: &Session| session.control.navigator.reduced_motion;
        self.active_session().map_or(self.first_reduced_motion, of)
    }

    /// Sets theme and motion of the first views.
    pub fn begin_with(&mut self, theme: Theme, reduced_motion: bool) {
        self.first_theme = theme;
        self.first_reduced_motion = reduced_motion;
    }

    /// Updates the sessions after the run at index `run` was opened, or opened again; `continues` if it is
    /// the same recording with more epochs.
    pub fn run_opened(&mut self, run: usize, continues: bool, runs: &OpenRunList) {
        for index in 0..self.list.len() {
            let column = &mut self.list[index];
            if column.run != run {
                if let Some(session) = &mut column.session {
                    session.set_runs(Arc::clone(runs));
                }
                continue;
            }
            match column.session.take() {
                Some(mut session) if continues => {
                    session.continue_with(Arc::clone(runs));
                    column.session = Some(session);
                }
                Some(session) => column.session = Some(Box::new(session.replaced(Arc::clone(runs)))),
                None => {
                    let session = self.new_session(index, runs);
                    self.list[index].session = session;
                    self.share_memory();
                    if self.active_session().is_none() || (!self.chosen && index < self.active) {
                        self.active = index;
                        self.set_leader(index);
                    }
                }
            }
        }
    }

    /// Makes a session for the column at `index`; `None` while its run is not open.
    fn new_session(&mut self, index: usize, runs: &OpenRunList) -> Option<Box<Session>> {
        let (theme, reduced_motion) = (self.theme(), self.reduced_motion());
        let Column { id: column, run, view, marked, .. } = self.list.get_mut(index)?;
        let (column, run) = (*column, *run);
        let send = Arc::clone(&self.send);
        let send = Arc::new(move |event: LoadEvent| send(AppEvent::Column { column, event }));
        let resources =
            SessionResources { gpu: Arc::clone(&self.gpu), backend: Arc::clone(&self.backend), send };
        let mut session = Session::new(run, Arc::clone(runs), resources).map(Box::new)?;
        session.control.view.theme = theme;
        session.control.navigator.reduced_motion = reduced_motion;
        let first_select = self.first_select.take();
        if let Some(view) = view.take() {
            session.control.show_view(view, marked.take());
        } else if let Some(select) = first_select {
            session.control.view.query.select = select;
        }
        Some(session)
    }

    /// Divides the memory for values among the columns.
    fn share_memory(&mut self) {
        let count = self.list.len();
        for session in self.sessions_mut() {
            session.share_memory(count);
        }
    }

    /// Returns `true` if keys are for the scenes: no other control has the focus.
    pub fn has_keys(&self, ui: &egui::Ui) -> bool {
        let focused = ui.memory(|memory| memory.focused());
        focused.is_none_or(|id| self.is_scene(id))
    }

    /// Returns `true` if this is the id of a scene.
    pub fn is_scene(&self, id: egui::Id) -> bool {
        self.list.iter().any(|column| scene_id(column.id) == id)
    }

    /// Describes each column for the bar of the columns.
    pub fn entries(&self, runs: &[Run], named: &[NamedRun]) -> Vec<ColumnEntry> {
        let entry = |column: &Column| {
            let Some(run) = runs.get(column.run) else {
                return ColumnEntry { run: String::new(), description: String::new(), live: false };
            };
            let description = match &column.session {
                Some(session) => {
                    let all = OpenRuns { all: named, own: column.run };
                    describe_column(session.recording(), all, &session.view().query)
                }
                None => match &run.state {
                    RunState::Opening => "opening".to_owned(),
                    RunState::Awaiting { .. } => "awaited".to_owned(),
                    RunState::Refused(_) | RunState::Opened(_) => "cannot be opened".to_owned(),
                },
            };
            ColumnEntry { run: run.name.clone(), description, live: run.live }
        };
        self.list.iter().map(entry).collect()
    }

    /// The bar of the columns.
    pub fn bar<'a>(&self, entries: &'a [ColumnEntry], named: &'a [NamedRun<'a>]) -> ColumnBar<'a> {
        let active = self.active_session();
        ColumnBar {
            entries,
            active: self.active,
            runs: named,
            run: self.list.get(self.active).map_or(0, |column| column.run),
            locks: self.locks,
            can_swap: active.is_some_and(|session| session.view().query.minus.is_some()),
            can_subtract: self.difference().is_some(),
        }
    }

    /// Carries out a command on the view of the active column; if it moves the camera, the others follow.
    pub fn perform(&mut self, command: &ViewCommand, now: f64) {
        let Some(Session { values, scene, control }) = self.active_session_mut() else { return };
        if control.perform(command, values.recording(), scene.layout(), now) {
            self.set_leader(self.active);
        }
    }

    /// Describes the active scene in sentences.
    pub fn summary(&self, runs: &[Run], named: &[NamedRun]) -> Option<String> {
        let column = self.list.get(self.active)?;
        Some(column.session.as_ref()?.summary(&runs.get(column.run)?.context(named)))
    }

    /// The command line that draws the active view.
    pub fn command_line(&self, runs: &[Run], size: [u32; 2]) -> Option<String> {
        let session = self.active_session()?;
        let paths: Vec<&std::path::Path> = runs.iter().map(|run| run.path.as_path()).collect();
        Some(command_line(&paths, session.run(), session.view(), session.recording(), size))
    }

    /// All views as one value, with the absolute paths of the runs.
    pub fn workspace(&self, runs: &[Run]) -> Workspace {
        let path = |run: &Run| std::path::absolute(&run.path).unwrap_or_else(|_| run.path.clone());
        let names = runs.iter().map(|run| path(run).display().to_string()).collect();
        let columns = self.list.iter().map(|column| match &column.session {
            Some(session) => {
                let marked = session.control.playback.marked;
                ColumnView { run: column.run, view: Some(session.view().clone()), marked }
            }
            None => ColumnView::new(column.run),
        });
        Workspace::new(names, columns.collect(), self.active, self.locks)
    }

    /// Shows the views of a workspace, whose runs are those of the window.
    pub fn restore(&mut self, ctx: &egui::Context, workspace: &Workspace, runs: &[Run]) {
        let opened = open_runs(runs);
        let focused = ctx.memory(|memory| memory.focused());
        let had_keys = focused.is_some_and(|id| self.is_scene(id));
        for (index, wanted) in workspace.columns.iter().take(MAX_COLUMNS).enumerate() {
            let stays = self.list.get(index).is_some_and(|column| column.run == wanted.run);
            if !stays {
                let column = Column::new(self.new_id(), wanted.run);
                if index < self.list.len() {
                    let removed = std::mem::replace(&mut self.list[index], column);
                    self.retire(removed);
                } else {
                    self.list.push(column);
                }
            }
            match (&mut self.list[index].session, &wanted.view) {
                (Some(session), Some(view)) => session.control.show_view(view.clone(), wanted.marked),
                (None, view) => {
                    self.list[index].view.clone_from(view);
                    self.list[index].marked = wanted.marked;
                    self.list[index].session = self.new_session(index, &opened);
                }
                (Some(_), None) => {}
            }
        }
        for removed in self.list.split_off(workspace.columns.len().clamp(1, MAX_COLUMNS).min(self.list.len()))
        {
            self.retire(removed);
        }
        self.locks = workspace.locks;
        self.active = workspace.active.min(self.list.len() - 1);
        self.chosen = true;
        self.set_leader(self.active);
        self.share_memory();
        if had_keys && let Some(column) = self.list.get(self.active) {
            ctx.memory_mut(|memory| memory.request_focus(scene_id(column.id)));
        }
    }
}

/// The id of a column's scene in egui.
fn scene_id(column: u64) -> egui::Id {
    egui::Id::unique(("scene", column))
}
