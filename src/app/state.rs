//! The state of a window, on a display or offscreen: its runs, columns, panels and history.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use egui::Rect;

use super::columns::{Columns, SceneArea, ShowPane};
use super::event::{AppEvent, EventSender, RunEvent};
use super::files;
use super::history::History;
use super::panels::{PanelState, RenderStats};
use super::run::{OpenRunList, Run, RunState, empty_recording, names, open_runs};
use super::session::{SOON, Session};
use super::settings::Settings;
use crate::engine::{Gpu, aggregate};
use crate::format::FormatError;
use crate::format::watch::RunWatcher;
use crate::model::Theme;
use crate::model::workspace::Workspace;
use crate::ui::NamedRun;
use crate::ui::commands::{self, Command};
use crate::ui::dock::Pane;
use crate::ui::panels::bars::HistoryState;
use crate::ui::panels::save_dialog::PictureOptions;
use crate::ui::style::{self, Palette};

/// The state of a window.
pub struct AppState {
    /// The runs of the window, open or not.
    pub(super) runs: Vec<Run>,
    /// Watchers of the runs; dropping one ends its events.
    pub(super) watches: Vec<RunWatcher>,
    /// The columns.
    pub(super) columns: Columns,
    /// The parts of the window beside the columns.
    pub(super) panels: PanelState,
    /// The visited views and the undo points.
    pub(super) history: History,
    /// `true` once a run has been opened; from then on no refused run closes the window.
    was_open: bool,
    /// `true` if the settings are stored for the next window.
    stores_settings: bool,
    /// `true` if a text field had the focus in the last frame; Escape then takes the focus from it.
    text_had_focus: bool,
    gpu: Arc<Gpu>,
    /// Sends events to this window from other threads.
    pub(super) send: EventSender,
}

impl AppState {
    /// Creates a column for each of the runs at `paths`, at least one; `watches` report their changes.
    /// Without `settings`, the default ones apply and none are stored.
    pub fn new(
        paths: &[PathBuf],
        watches: Vec<RunWatcher>,
        gpu: Arc<Gpu>,
        send: EventSender,
        settings: Option<Settings>,
    ) -> Self {
        let runs = paths.iter().zip(names(paths)).map(|(path, name)| Run::new(path.clone(), name)).collect();
        let backend = aggregate::backend(&gpu);
        let mut columns = Columns::new(paths.len(), Arc::clone(&gpu), backend, Arc::clone(&send));
        let stores_settings = settings.is_some();
        let settings = settings.unwrap_or_default();
        columns.begin_with(settings.theme, settings.reduced_motion);
        Self {
            runs,
            watches,
            columns,
            panels: PanelState::new(settings),
            history: History::default(),
            was_open: false,
            stores_settings,
            text_had_focus: false,
            gpu,
            send,
        }
    }

    /// Shows the views of a workspace as soon as its runs, those of the window, are open.
    pub fn begin_with(&mut self, ctx: &egui::Context, workspace: &Workspace) {
        self.columns.restore(ctx, workspace, &self.runs);
    }

    /// The amount and speed of drawing, filled in by the painter.
    pub fn render_stats(&mut self) -> &mut RenderStats {
        &mut self.panels.stats
    }

    /// Handles an event; returns the longest delay of the frame that shows its effect.
    ///
    /// # Errors
    /// If none of the runs can ever be opened.
    pub fn handle(&mut self, ctx: &egui::Context, event: AppEvent) -> Result<Duration, FormatError> {
        match event {
            AppEvent::Run { run, event } => self.handle_run_event(run, event),
            AppEvent::Column { column, event } => {
                let session = self.columns.by_id_mut(column);
                Ok(session.map_or(SOON, |session| session.handle(ctx, event)))
            }
            AppEvent::PathChosen { path, beside } => {
                match path {
                    Some(path) => self.open(ctx, &path, beside),
                    None => {
                        self.notify(
                            ctx,
                            "To open a run, drop its folder here, or type its path after Ctrl K",
                        );
                    }
                }
                Ok(Duration::ZERO)
            }
            AppEvent::NoDialog => {
                let folder = std::env::current_dir().unwrap_or_default();
                let text = format!("{}{}", folder.display(), std::path::MAIN_SEPARATOR);
                let note = "This system has no file dialog: type the path of the folder of a run.";
                self.panels.ask_for_path(text, note.to_owned());
                ctx.request_repaint();
                Ok(Duration::ZERO)
            }
            AppEvent::PictureSaved(result) => {
                let notice = match result {
                    Ok(path) => format!("Saved {}", path.display()),
                    Err(reason) => reason,
                };
                self.notify(ctx, notice);
                Ok(Duration::ZERO)
            }
            // Handled by the window itself.
            AppEvent::Accessibility(_) => Ok(SOON),
        }
    }

    fn handle_run_event(&mut self, index: usize, event: RunEvent) -> Result<Duration, FormatError> {
        let Some(run) = self.runs.get_mut(index) else { return Ok(SOON) };
        match event {
            RunEvent::Opened { source, continues } => {
                let continues = continues && run.opened().is_some();
                self.was_open = true;
                if !continues && self.stores_settings {
                    self.panels.settings.add_recent(&run.path);
                }
                run.open(source, continues);
                let runs = open_runs(&self.runs);
                self.columns.run_opened(index, continues, &runs);
                let mut sessions = self.columns.sessions_mut();
                let awaited = sessions.any(|session| session.run() == index && session.awaits_newest());
                // The values of the newest epoch will need a frame anyway.
                return Ok(if continues && awaited { SOON } else { Duration::ZERO });
            }
            RunEvent::Refused(error) => {
                run.state = RunState::Refused(error);
                return self.fail_if_all_refused().map(|()| Duration::ZERO);
            }
            RunEvent::Problem(problem) => run.problem = problem,
            RunEvent::Writer { active } => run.live = active,
            RunEvent::Awaited { why } => {
                if run.opened().is_none() {
                    run.state = RunState::Awaiting { why };
                }
            }
        }
        Ok(Duration::ZERO)
    }

    /// Returns the error of the first run if every run is refused and none has been open.
    fn fail_if_all_refused(&mut self) -> Result<(), FormatError> {
        if self.was_open || !self.runs.iter().all(|run| matches!(run.state, RunState::Refused(_))) {
            return Ok(());
        }
        match self.runs.first_mut().map(|run| std::mem::replace(&mut run.state, RunState::Opening)) {
            Some(RunState::Refused(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// The columns.
    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns a mutable reference to the columns.
    pub fn columns_mut(&mut self) -> &mut Columns {
        &mut self.columns
    }

    /// The problem of the run at index `run`, in one line; `None` if it has none.
    pub fn problem(&self, run: usize) -> Option<&str> {
        self.runs.get(run)?.problem.as_deref()
    }

    /// The theme of the window.
    pub fn theme(&self) -> Theme {
        self.columns.theme()
    }

    /// The title of the window.
    pub fn title(&self) -> String {
        let name = match self.runs.as_slice() {
            [_] => self.columns.active_session().map(|session| session.recording().model.clone()),
            runs => Some(runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(", ")),
        };
        name.map_or_else(|| "dnnviz".to_owned(), |name| format!("dnnviz – {name}"))
    }

    /// Lays out one frame; returns the areas of the scenes.
    ///
    /// The order of the phases matters: epochs advance before anything is laid out from them, commands act
    /// before the scenes are updated, and the scenes are painted last, since their areas are known only then.
    pub fn show(&mut self, ui: &mut egui::Ui) -> Vec<SceneArea> {
        let ctx = ui.ctx().clone();
        style::set_motion(&ctx, self.columns.reduced_motion());
        self.panels.history = HistoryState {
            back: self.history.can_back(),
            forward: self.history.can_forward(),
            undo: self.history.can_undo(),
            redo: self.history.can_redo(),
        };
        let columns_before = (self.columns.active(), self.columns.count(), self.columns.locks());
        let mut commands = self.advance(ui);
        self.columns.link_views();
        let (scenes, status_bar) = self.layout_panels(ui, &mut commands);
        if !self.panels.is_modal() {
            commands.extend(commands::pressed_home_or_end(ui).map(Command::View));
        }
        for command in commands {
            self.dispatch(ui, command);
        }
        self.columns.link_views();
        let areas = self.show_scenes(ui, scenes);
        if let Some(rect) = status_bar {
            self.panels.paint_status_bar(ui, rect, Palette::of(self.columns.theme()));
        }
        let is_moving =
            self.columns.sessions().any(|session| session.control.is_moving() || session.scene.is_moving());
        if is_moving || columns_before != (self.columns.active(), self.columns.count(), self.columns.locks())
        {
            ctx.request_repaint();
        }
        if !std::mem::replace(&mut self.text_had_focus, ctx.text_edit_focused()) {
            self.handle_escape(&ctx);
        }
        self.open_dropped_and_pasted(&ctx);
        self.record_history(&ctx, &areas);
        self.panels.remember(self.columns.theme(), self.columns.reduced_motion(), ctx.zoom_factor());
        areas
    }

    /// Handles an Escape that nothing else used: it restores the panels if one is enlarged, or else leaves the
    /// full screen.
    fn handle_escape(&mut self, ctx: &egui::Context) {
        let is_full = ctx.input(|input| input.viewport().fullscreen == Some(true));
        let dock = &mut self.panels.settings.arrangement;
        if (is_full || dock.is_enlarged())
            && ctx.input_mut(|input| input.consume_key(egui::Modifiers::NONE, egui::Key::Escape))
        {
            if dock.is_enlarged() {
                dock.restore();
                ctx.request_repaint();
            } else {
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(false));
            }
        }
    }

    /// Phase 1: reads shortcuts and advances the epochs; returns the commands of the keys.
    fn advance(&mut self, ui: &mut egui::Ui) -> Vec<Command> {
        let keys = self.columns.has_keys(ui) && !self.panels.is_modal();
        let mut commands: Vec<Command> = self.panels.shortcut(ui, keys).into_iter().collect();
        let column_keys = self.with_named_runs(|this, named| {
            let entries = this.columns.entries(&this.runs, named);
            this.columns.bar(&entries, named).handle_keys(ui, keys)
        });
        commands.extend(column_keys.map(Command::Column));
        self.columns.advance(ui, keys);
        commands
    }

    /// Phase 2: lays out bars, timeline, panels and the overlays over them; adds the commands that were
    /// chosen there to `commands`. Returns the area of the scenes and that of the status bar.
    fn layout_panels(&mut self, ui: &mut egui::Ui, commands: &mut Vec<Command>) -> (Rect, Option<Rect>) {
        let palette = Palette::of(self.columns.theme());
        let empty = empty_recording();
        let named: Vec<NamedRun> = self.runs.iter().map(|run| run.named(&empty)).collect();
        let entries = self.columns.entries(&self.runs, &named);
        let bar = self.columns.bar(&entries, &named);
        let only_scene = self.panels.only_scene();
        if !only_scene {
            let is_open = self.columns.active_session().is_some();
            commands.extend(self.panels.top_bar(ui, is_open));
        }
        let status_bar = (!only_scene).then(|| PanelState::reserve_status_bar(ui));
        let dock = &mut self.panels.settings.arrangement;
        let mut show_dock = |ui: &mut egui::Ui, show_pane: &mut ShowPane| dock.show(ui, palette, show_pane);
        let (scenes, output) = self.columns.layout_panels(ui, &self.runs, &named, &bar, &mut show_dock);
        commands.extend(output.columns.map(Command::Column));
        if let Some(notice) = output.notice {
            self.panels.notice.set(notice, ui.input(|input| input.time));
        }
        let recording = self.columns.active_session().map(Session::recording);
        commands.extend(self.panels.overlays(ui, palette, recording, &bar));
        (scenes, status_bar)
    }

    /// Phase 3: updates and paints the scenes within `scenes`; returns the area of each.
    fn show_scenes(&mut self, ui: &egui::Ui, scenes: Rect) -> Vec<SceneArea> {
        let empty = empty_recording();
        let named: Vec<NamedRun> = self.runs.iter().map(|run| run.named(&empty)).collect();
        let output = self.columns.show_scenes(ui, scenes, &self.runs, &named);
        if output.pinned && !self.panels.only_scene() {
            self.panels.reveal(Pane::Unit);
            ui.ctx().request_repaint();
        }
        self.panels.stats.units = self.columns.sessions().map(Session::units).sum();
        output.areas
    }

    /// Calls `act` with the names and recordings of the runs.
    fn with_named_runs<T>(&self, act: impl FnOnce(&Self, &[NamedRun]) -> T) -> T {
        let empty = empty_recording();
        let named: Vec<NamedRun> = self.runs.iter().map(|run| run.named(&empty)).collect();
        act(self, &named)
    }

    /// Describes the active scene in sentences; `None` while the run of the active column is not open.
    pub(super) fn summary(&self) -> Option<String> {
        self.with_named_runs(|this, named| this.columns.summary(&this.runs, named))
    }

    /// Records the views in the history.
    fn record_history(&mut self, ctx: &egui::Context, areas: &[SceneArea]) {
        let now = ctx.input(|input| input.time);
        let workspace = self.columns.workspace(&self.runs);
        let sizes = areas.iter().map(|area| area.rect.size()).collect();
        if let Some(seconds) = self.history.record(&workspace, sizes, now) {
            ctx.request_repaint_after(Duration::from_secs_f64(seconds));
        }
    }

    /// Shows the views of a workspace, if there is one.
    pub(super) fn restore(&mut self, ctx: &egui::Context, view: Option<Workspace>) {
        if let Some(view) = view {
            self.columns.restore(ctx, &view, &self.runs);
            ctx.request_repaint();
        }
    }

    /// Shows a notice in the status bar.
    pub(super) fn notify(&mut self, ctx: &egui::Context, text: impl Into<String>) {
        self.panels.notice.set(text, ctx.input(|input| input.time));
        ctx.request_repaint();
    }

    /// Starts to draw the scenes into a PNG file.
    pub(super) fn save_picture(&mut self, ctx: &egui::Context, options: PictureOptions) {
        let runs: OpenRunList = open_runs(&self.runs);
        let names = self.runs.iter().map(|run| run.name.clone()).collect();
        let views = self.columns.workspace(&self.runs);
        files::save_picture(&views, names, runs, options, Arc::clone(&self.gpu), Arc::clone(&self.send));
        self.notify(ctx, "Drawing the picture…");
    }

    /// Stores the settings for the next window.
    pub fn save_settings(&self) {
        if self.stores_settings {
            self.panels.settings.save();
        }
    }
}
