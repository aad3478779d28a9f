//! The columns of a window: which there are, what ties them together, and a frame of all of them.

mod edit;
mod link;

use std::sync::Arc;

use egui::Rect;

use super::loader::{AppEvent, EventSender, LoadEvent, Loader};
use super::panels::PanelState;
use super::run::{OpenRunList, Run, RunState, nothing};
use super::session::{Session, SessionResources};
use crate::cli::view_args;
use crate::engine::Gpu;
use crate::model::columns::{Locks, MOST};
use crate::model::workspace::{ColumnView, EpochSpan, Workspace};
use crate::model::{Theme, ViewState};
use crate::stats::Backend;
use crate::ui::NamedRun;
use crate::ui::OpenRuns;
use crate::ui::PanelOutput;
use crate::ui::Viewport;
use crate::ui::commands::Command;
use crate::ui::dock::Pane;
use crate::ui::panels::columns::ColumnBar;
use crate::ui::panels::columns::ColumnEntry;
use crate::ui::panels::columns::column_rects;
use crate::ui::panels::columns::describe_column;
use crate::ui::style::Palette;
use crate::ui::view_control;

/// The columns of a window, side by side. There is at least one.
pub struct Columns {
    list: Vec<Column>,
    /// The one that panels and keys speak of.
    active: usize,
    /// Somebody chose it; until then it is the first that is open.
    chosen: bool,
    /// Number of the column whose camera the others follow.
    leads: u64,
    locks: Locks,
    /// Number of the next column.
    next: u64,
    gpu: Arc<Gpu>,
    backend: Arc<dyn Backend>,
    send: EventSender,
    /// Loaders of columns that are gone, until they are done with what they read.
    retired: Vec<Loader>,
    first_theme: Theme,
    reduced_motion: bool,
}

struct Column {
    id: u64,
    run: usize,
    /// As soon as the run is open.
    session: Option<Box<Session>>,
    /// How it is to be looked at as soon as it is open, and what is to be marked then.
    view: Option<ViewState>,
    marked: Option<EpochSpan>,
}

impl Column {
    fn new(id: u64, run: usize) -> Self {
        Self { id, run, session: None, view: None, marked: None }
    }
}

/// Where a column's scene is, in points.
pub struct SceneArea {
    pub column: u64,
    pub rect: Rect,
}

impl Columns {
    /// One column for each of the first runs.
    pub fn new(runs: usize, gpu: Arc<Gpu>, backend: Arc<dyn Backend>, send: EventSender) -> Self {
        let list: Vec<Column> = (0..runs.clamp(1, MOST)).map(|run| Column::new(run as u64, run)).collect();
        let next = list.len() as u64;
        let locks = Locks::default();
        Self {
            list,
            active: 0,
            chosen: false,
            leads: 0,
            locks,
            next,
            gpu,
            backend,
            send,
            retired: Vec::new(),
            first_theme: Theme::default(),
            reduced_motion: false,
        }
    }

    pub fn count(&self) -> usize {
        self.list.len()
    }

    pub fn active(&self) -> usize {
        self.active
    }

    /// The view in a column, by its place; `None` where there is no such column or its run is not open.
    pub fn session(&self, column: usize) -> Option<&Session> {
        self.list.get(column)?.session.as_deref()
    }

    pub fn session_mut(&mut self, column: usize) -> Option<&mut Session> {
        self.list.get_mut(column)?.session.as_deref_mut()
    }

    /// The view in a column, by its number.
    pub fn by_id(&self, id: u64) -> Option<&Session> {
        self.list.iter().find(|column| column.id == id)?.session.as_deref()
    }

    pub fn by_id_mut(&mut self, id: u64) -> Option<&mut Session> {
        self.list.iter_mut().find(|column| column.id == id)?.session.as_deref_mut()
    }

    /// The view that panels and keys speak of.
    pub fn active_session(&self) -> Option<&Session> {
        self.session(self.active)
    }

    pub fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.list.iter_mut().filter_map(|column| column.session.as_deref_mut())
    }

    /// How panels look.
    pub fn theme(&self) -> Theme {
        let open = || self.list.iter().find_map(|column| column.session.as_deref());
        self.active_session().or_else(open).map_or(self.first_theme, |session| session.view.theme)
    }

    /// Whether moves are cut to their ends.
    pub fn reduced_motion(&self) -> bool {
        self.active_session().map_or(self.reduced_motion, Session::has_reduced_motion)
    }

    /// How panels look, and whether moves are cut, until a view says so.
    pub fn begin_with(&mut self, theme: Theme, reduced_motion: bool) {
        self.first_theme = theme;
        self.reduced_motion = reduced_motion;
    }

    /// Takes note that a run was opened, or opened again. `continues` says that it is the one before.
    pub fn opened(&mut self, run: usize, continues: bool, runs: &OpenRunList) {
        for index in 0..self.list.len() {
            let column = &mut self.list[index];
            if column.run != run {
                if let Some(session) = &mut column.session {
                    session.take_runs(Arc::clone(runs));
                }
                continue;
            }
            match column.session.take() {
                Some(mut session) if continues => {
                    session.renew(Arc::clone(runs));
                    column.session = Some(session);
                }
                Some(session) => column.session = Some(Box::new(session.replaced(Arc::clone(runs)))),
                None => {
                    let session = self.session_of(index, runs);
                    self.list[index].session = session;
                    self.after_change();
                    if self.active_session().is_none() || (!self.chosen && index < self.active) {
                        self.active = index;
                        self.lead(index);
                    }
                }
            }
        }
    }

    /// A view for the column at `index`; `None` while its run is not open.
    fn session_of(&mut self, index: usize, runs: &OpenRunList) -> Option<Box<Session>> {
        let first = (self.theme(), self.reduced_motion);
        let Column { id: column, run, view, marked, .. } = self.list.get_mut(index)?;
        let (column, run) = (*column, *run);
        let send = Arc::clone(&self.send);
        let tell = Arc::new(move |found: LoadEvent| send(AppEvent::Column { column, found }));
        let means = SessionResources { gpu: Arc::clone(&self.gpu), backend: Arc::clone(&self.backend), tell };
        let mut session = Session::new(run, Arc::clone(runs), means).map(Box::new)?;
        session.view.theme = first.0;
        session.set_reduced_motion(first.1);
        if let Some(view) = view.take() {
            session.look_at(view, marked.take());
        }
        Some(session)
    }

    /// Shares the memory among those that are there now.
    fn after_change(&mut self) {
        let count = self.list.len();
        for session in self.sessions_mut() {
            session.share_memory(count);
        }
    }

    /// Lays out one frame; returns where the scenes are, and what was asked for that is neither of the
    /// columns nor of the desk.
    pub fn show(
        &mut self,
        ui: &mut egui::Ui,
        runs: &[Run],
        desk: &mut PanelState,
    ) -> (Vec<SceneArea>, Vec<Command>) {
        self.retired.retain(|loader| !loader.has_stopped());
        let before = (self.active, self.list.len(), self.locks);
        let theme = self.theme();
        let palette = Palette::of(theme);
        let keys = self.has_keys(ui) && !desk.covers();
        let nothing = nothing();
        let facts: Vec<NamedRun> = runs.iter().map(|run| run.facts(&nothing)).collect();
        let entries = self.entries(runs, &facts);
        let mut commands: Vec<Command> = desk.pressed(ui, keys).into_iter().collect();
        commands.extend(self.part(&entries, &facts).handle_keys(ui, keys).map(Command::Column));
        let active = self.active;
        let led = self.locks.epochs && self.active_session().is_some_and(Session::has_epochs);
        for (index, column) in self.list.iter_mut().enumerate() {
            if let Some(session) = &mut column.session
                && (index == active || !led)
            {
                session.advance(ui, keys && index == active);
            }
        }
        self.tie_views();
        let part = self.part(&entries, &facts);
        if !desk.settings.arrangement.only_scene {
            commands.extend(desk.top(ui, palette, self.active_session().is_some()));
        }
        let status = (!desk.settings.arrangement.only_scene).then(|| PanelState::status_place(ui));
        let mut asked = PanelOutput::default();
        let scene = self.panels(ui, runs, &facts, &part, desk, &mut asked);
        if asked.led {
            self.lead(active);
        }
        commands.extend(asked.columns.map(Command::Column));
        if let Some(told) = asked.told {
            desk.notice.set(told, ui.input(|input| input.time));
        }
        let recording = self.active_session().map(Session::recording);
        commands.extend(desk.over(ui, palette, recording, &part));
        let mut left = Vec::new();
        for command in commands {
            if let Command::Column(action) = command {
                self.chosen = true;
                self.apply(ui, action, runs);
            } else if !desk.perform(ui.ctx(), &command) && !self.perform(ui, &command, runs, &facts, &part) {
                left.push(command);
            }
            ui.ctx().request_repaint();
        }
        self.tie_views();
        let (areas, pinned) = self.scenes(ui, scene, runs, &facts);
        if pinned && !desk.settings.arrangement.only_scene {
            desk.settings.arrangement.bring(Pane::Unit);
            ui.ctx().request_repaint();
        }
        desk.drawn.units =
            self.list.iter().filter_map(|column| column.session.as_deref()).map(Session::units).sum();
        if let Some(status) = status {
            desk.status(ui, status, palette);
        }
        let moving = self.sessions_mut().any(|session| session.is_moving());
        if moving || before != (self.active, self.list.len(), self.locks) {
            ui.ctx().request_repaint();
        }
        (areas, left)
    }

    /// The training at the bottom and the panels around the scenes; returns where these are.
    fn panels(
        &mut self,
        ui: &mut egui::Ui,
        runs: &[Run],
        facts: &[NamedRun],
        part: &ColumnBar,
        desk: &mut PanelState,
        asked: &mut PanelOutput,
    ) -> Rect {
        let palette = Palette::of(self.theme());
        let mut column = self.list.get_mut(self.active);
        let mut active = column
            .as_mut()
            .and_then(|column| Some((runs.get(column.run)?.around(facts), column.session.as_deref_mut()?)));
        if let Some((around, session)) = &mut active {
            session.timeline(ui, around, part);
        }
        let shown = egui::CentralPanel::no_frame().show(ui, |ui| {
            desk.settings.arrangement.show(ui, palette, &mut |ui, pane| match &mut active {
                Some((around, session)) => {
                    let more = session.pane(ui, pane, around, part);
                    asked.led |= more.led;
                    asked.told = more.told.or(asked.told);
                    asked.columns = more.columns.or(asked.columns);
                }
                None if pane == Pane::Input => asked.columns = part.show(ui, palette).or(asked.columns),
                None => {}
            })
        });
        if let Some((_, session)) = active {
            session.ask();
        }
        shown.inner
    }

    /// Lets the active view do what a command says; says whether it was for a view.
    fn perform(
        &mut self,
        ui: &egui::Ui,
        command: &Command,
        runs: &[Run],
        facts: &[NamedRun],
        part: &ColumnBar,
    ) -> bool {
        if command.is_of_window() {
            return false;
        }
        let active = self.active;
        let Some(column) = self.list.get_mut(active) else { return true };
        if let (Some(run), Some(session)) = (runs.get(column.run), &mut column.session)
            && session.perform(ui, command, &run.around(facts), part).led
        {
            self.lead(active);
        }
        true
    }

    /// What the active view shows, in plain words.
    pub fn summary(&self, runs: &[Run]) -> Option<String> {
        let nothing = nothing();
        let facts: Vec<NamedRun> = runs.iter().map(|run| run.facts(&nothing)).collect();
        let column = self.list.get(self.active)?;
        Some(column.session.as_ref()?.summary(&runs.get(column.run)?.around(&facts)))
    }

    /// The command line that draws the active view.
    pub fn command_line(&self, runs: &[Run], size: [u32; 2]) -> Option<String> {
        let session = self.active_session()?;
        let paths: Vec<&std::path::Path> = runs.iter().map(|run| run.path.as_path()).collect();
        Some(view_args::command(&paths, session.run(), &session.view, session.recording(), size))
    }

    /// Every view as one value, where the runs are called so.
    pub fn workspace(&self, runs: &[Run]) -> Workspace {
        let path = |run: &Run| std::path::absolute(&run.path).unwrap_or_else(|_| run.path.clone());
        let names = runs.iter().map(|run| path(run).display().to_string()).collect();
        let columns = self.list.iter().map(|column| match &column.session {
            Some(session) => {
                ColumnView { run: column.run, view: Some(session.view.clone()), marked: session.marked() }
            }
            None => ColumnView::new(column.run),
        });
        Workspace::new(names, columns.collect(), self.active, self.locks)
    }

    /// Looks at what a workspace says, whose runs are those of the window.
    pub fn restore(&mut self, ui: &egui::Context, workspace: &Workspace, runs: &[Run]) {
        let opened: OpenRunList = runs.iter().map(|run| run.opened().cloned()).collect();
        let focused = ui.memory(|memory| memory.focused());
        let had_keys = focused.is_some_and(|id| self.is_scene(id));
        for (index, wanted) in workspace.columns.iter().take(MOST).enumerate() {
            let stays = self.list.get(index).is_some_and(|column| column.run == wanted.run);
            if !stays {
                let id = self.next;
                self.next += 1;
                let column = Column::new(id, wanted.run);
                if index < self.list.len() {
                    let gone = std::mem::replace(&mut self.list[index], column);
                    self.retired.extend(gone.session.map(|session| session.into_loader()));
                } else {
                    self.list.push(column);
                }
            }
            match (&mut self.list[index].session, &wanted.view) {
                (Some(session), Some(view)) => session.look_at(view.clone(), wanted.marked),
                (None, view) => {
                    self.list[index].view.clone_from(view);
                    self.list[index].marked = wanted.marked;
                    self.list[index].session = self.session_of(index, &opened);
                }
                (Some(_), None) => {}
            }
        }
        for gone in self.list.drain(workspace.columns.len().clamp(1, MOST)..) {
            self.retired.extend(gone.session.map(|session| session.into_loader()));
        }
        self.locks = workspace.locks;
        self.active = workspace.active.min(self.list.len() - 1);
        self.chosen = true;
        self.lead(self.active);
        self.after_change();
        if had_keys && let Some(column) = self.list.get(self.active) {
            ui.memory_mut(|memory| memory.request_focus(scene_id(column.id)));
        }
    }

    /// The scenes within `whole`, and what is above and over them; says whether a unit was pinned.
    fn scenes(
        &mut self,
        ui: &egui::Ui,
        whole: Rect,
        runs: &[Run],
        facts: &[NamedRun],
    ) -> (Vec<SceneArea>, bool) {
        let places = column_rects(whole, self.list.len());
        let keys = self.has_keys(ui);
        let (theme, alone) = (self.theme(), self.list.len() == 1);
        let (mut pressed, mut pinned) = (None, false);
        for (index, (&(_, rect), column)) in places.iter().zip(&mut self.list).enumerate() {
            let Some(session) = &mut column.session else { continue };
            let name = if alone { "Scene".to_owned() } else { format!("Scene of column {}", index + 1) };
            let keys = keys && index == self.active;
            let done = session.look(ui, &Viewport { rect, id: scene_id(column.id), name: &name, keys });
            if done.led {
                self.chosen = true;
                self.leads = column.id;
            }
            if done.pressed {
                pressed = Some(index);
            }
            if let Some((layer, unit)) = done.clicked {
                pinned |= session.toggle_pin(layer, unit);
            }
            session.pin(&done.boxed);
            pinned |= !done.boxed.is_empty();
        }
        self.tie_cameras(ui);
        for session in self.sessions_mut() {
            session.choose();
        }
        self.scale_together();
        let entries = self.entries(runs, facts);
        let part = self.part(&entries, facts);
        let palette = Palette::of(theme);
        let mut areas = Vec::with_capacity(places.len());
        for (index, ((header, rect), column)) in places.into_iter().zip(&self.list).enumerate() {
            if let Some(header) = header
                && part.header(ui, header, index, palette)
            {
                pressed = Some(index);
            }
            let Some(run) = runs.get(column.run) else { continue };
            match &column.session {
                Some(session) => {
                    session.paint(ui, rect, scene_id(column.id), &run.around(facts));
                    areas.push(SceneArea { column: column.id, rect });
                }
                None => absent(ui, rect, theme, run),
            }
        }
        if let Some(index) = pressed {
            self.activate(ui, index);
        }
        (areas, pinned)
    }

    /// Whether keys are for the scenes: no other control has them.
    fn has_keys(&self, ui: &egui::Ui) -> bool {
        let focused = ui.memory(|memory| memory.focused());
        focused.is_none_or(|id| self.is_scene(id))
    }

    /// Whether this is a scene.
    pub fn is_scene(&self, id: egui::Id) -> bool {
        self.list.iter().any(|column| scene_id(column.id) == id)
    }

    fn entries(&self, runs: &[Run], facts: &[NamedRun]) -> Vec<ColumnEntry> {
        let entry = |column: &Column| {
            let Some(run) = runs.get(column.run) else {
                return ColumnEntry { run: String::new(), description: String::new(), live: false };
            };
            let what = match &column.session {
                Some(session) => {
                    let all = OpenRuns { all: facts, own: column.run };
                    describe_column(session.recording(), all, &session.view.query)
                }
                None => match &run.state {
                    RunState::Opening => "opening".to_owned(),
                    RunState::Awaiting { .. } => "awaited".to_owned(),
                    RunState::Refused(_) | RunState::Opened(_) => "cannot be opened".to_owned(),
                },
            };
            ColumnEntry { run: run.name.clone(), description: what, live: run.live }
        };
        self.list.iter().map(entry).collect()
    }

    fn part<'a>(&self, entries: &'a [ColumnEntry], facts: &'a [NamedRun<'a>]) -> ColumnBar<'a> {
        let active = self.active_session();
        ColumnBar {
            entries,
            active: self.active,
            runs: facts,
            run: self.list.get(self.active).map_or(0, |column| column.run),
            locks: self.locks,
            can_swap: active.is_some_and(|session| session.view.query.minus.is_some()),
            can_subtract: self.difference().is_some(),
        }
    }
}

fn scene_id(column: u64) -> egui::Id {
    egui::Id::unique(("scene", column))
}

/// What stands in the place of a scene whose run is not open.
fn absent(ui: &egui::Ui, rect: Rect, theme: Theme, run: &Run) {
    let path = run.path.display();
    match &run.state {
        RunState::Opening | RunState::Opened(_) => {
            view_control::waiting(ui, rect, theme, &format!("Opening {path}"))
        }
        RunState::Awaiting { why } => {
            view_control::awaiting(ui, rect, theme, &format!("Waiting for a recording at {path}"), why);
        }
        RunState::Refused(error) => {
            view_control::awaiting(ui, rect, theme, &format!("Cannot open {path}"), &error.to_string());
        }
    }
}
