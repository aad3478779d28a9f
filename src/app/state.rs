//! What a window shows, whatever draws it: the runs that it was opened on, and its columns.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::columns::{Columns, SceneArea};
use super::files;
use super::follow;
use super::history::History;
use super::loader::{AppEvent, EventSender, LoadEvent};
use super::panels::PanelState;
use super::panels::RenderStats;
use super::run::{OpenRunList, Run, RunEvent, RunState, names};
use super::session::Session;
use super::settings::Settings;
use crate::engine::{Gpu, aggregate};
use crate::format::FormatError;
use crate::format::watch::RunWatcher;
use crate::model::Theme;
use crate::model::workspace::{ColumnView, Workspace};
use crate::ui::commands::Command;
use crate::ui::panels::bars::HistoryState;
use crate::ui::style;

/// Everything that is shown of some runs.
pub struct AppState {
    runs: Vec<Run>,
    watches: Vec<RunWatcher>,
    columns: Columns,
    desk: PanelState,
    history: History,
    /// Whether something was open once, so that the window stays whatever happens.
    began: bool,
    /// Whether settings are remembered.
    remembers: bool,
    gpu: Arc<Gpu>,
    send: EventSender,
}

/// Size of the picture that a copied command line draws.
const PICTURE: [u32; 2] = [1280, 720];

/// How long what hardly shows may wait for what comes meanwhile.
const SOON: Duration = Duration::from_millis(100);

impl AppState {
    /// One column for each of the runs at `paths`, of which there has to be one; `watches` tell of them.
    /// Without `settings` nothing is remembered.
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
        let remembers = settings.is_some();
        let settings = settings.unwrap_or_default();
        columns.begin_with(settings.theme, settings.reduced_motion);
        Self {
            runs,
            watches,
            columns,
            desk: PanelState::new(settings),
            history: History::default(),
            began: false,
            remembers,
            gpu,
            send,
        }
    }

    /// Looks at what a workspace says as soon as its runs are open, which are those of the window.
    pub fn begin_with(&mut self, ctx: &egui::Context, workspace: &Workspace) {
        self.columns.restore(ctx, workspace, &self.runs);
    }

    /// How much is drawn, and how fast, for whoever draws it to say.
    pub fn drawn(&mut self) -> &mut RenderStats {
        &mut self.desk.drawn
    }

    /// Takes what another thread tells, and says how long the frame may wait that shows it.
    ///
    /// # Errors
    /// When there will be nothing to show.
    pub fn take(&mut self, ctx: &egui::Context, message: AppEvent) -> Result<Duration, FormatError> {
        match message {
            AppEvent::Run { run, news } => self.take_news(run, news),
            AppEvent::Column { column, found } => {
                Ok(self.columns.by_id_mut(column).map_or(SOON, |session| take_found(session, ctx, found)))
            }
            AppEvent::Chosen { path, beside } => {
                match path {
                    Some(path) => self.open(ctx, &path, beside),
                    None => {
                        self.tell(ctx, "To open a run, drop its folder here, or type its path after Ctrl K")
                    }
                }
                Ok(Duration::ZERO)
            }
            AppEvent::Saved(result) => {
                let told = match result {
                    Ok(path) => format!("Saved {}", path.display()),
                    Err(reason) => reason,
                };
                self.tell(ctx, told);
                Ok(Duration::ZERO)
            }
            // For the window alone.
            AppEvent::Access(_) => Ok(SOON),
        }
    }

    fn take_news(&mut self, index: usize, news: RunEvent) -> Result<Duration, FormatError> {
        let Some(run) = self.runs.get_mut(index) else { return Ok(SOON) };
        match news {
            RunEvent::Opened { source, continues } => {
                let continues = continues && run.opened().is_some();
                self.began = true;
                if !continues && self.remembers {
                    self.desk.settings.opened(&run.path);
                }
                run.open(source, continues);
                let runs: OpenRunList = self.runs.iter().map(|run| run.opened().cloned()).collect();
                self.columns.opened(index, continues, &runs);
                let mut sessions = self.columns.sessions_mut();
                let awaited = sessions.any(|session| session.run() == index && session.awaits_newest());
                // With its values there will be more to show.
                return Ok(if continues && awaited { SOON } else { Duration::ZERO });
            }
            RunEvent::Refused(error) => {
                run.state = RunState::Refused(error);
                return self.ensure_hope().map(|()| Duration::ZERO);
            }
            RunEvent::Trouble(what) => run.trouble = what,
            RunEvent::Writer { at_work } => run.live = at_work,
            RunEvent::Awaited { why } => {
                if run.opened().is_none() {
                    run.state = RunState::Awaiting { why };
                }
            }
        }
        Ok(Duration::ZERO)
    }

    /// Fails with the first run's reason when none of them will ever open.
    fn ensure_hope(&mut self) -> Result<(), FormatError> {
        if self.began || !self.runs.iter().all(|run| matches!(run.state, RunState::Refused(_))) {
            return Ok(());
        }
        match self.runs.first_mut().map(|run| std::mem::replace(&mut run.state, RunState::Opening)) {
            Some(RunState::Refused(error)) => Err(error),
            _ => Ok(()),
        }
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    pub fn columns_mut(&mut self) -> &mut Columns {
        &mut self.columns
    }

    /// What is wrong with a run, in one line.
    pub fn trouble(&self, run: usize) -> Option<&str> {
        self.runs.get(run)?.trouble.as_deref()
    }

    /// How panels look.
    pub fn theme(&self) -> Theme {
        self.columns.theme()
    }

    /// For the window.
    pub fn title(&self) -> String {
        let what = match self.runs.as_slice() {
            [_] => self.columns.active_session().map(|session| session.recording().model.clone()),
            runs => Some(runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(", ")),
        };
        what.map_or_else(|| "dnnviz".to_owned(), |what| format!("dnnviz – {what}"))
    }

    /// Lays out one frame; returns where the scenes are.
    pub fn show(&mut self, ui: &mut egui::Ui) -> Vec<SceneArea> {
        let ctx = ui.ctx().clone();
        style::set_motion(&ctx, self.columns.reduced_motion());
        self.desk.can = HistoryState {
            back: self.history.can_back(),
            forward: self.history.can_forward(),
            undo: self.history.can_undo(),
            redo: self.history.can_redo(),
        };
        let (areas, commands) = self.columns.show(ui, &self.runs, &mut self.desk);
        for command in commands {
            self.perform(&ctx, &command);
        }
        self.take_given(&ctx);
        let now = ctx.input(|input| input.time);
        let shown = self.columns.workspace(&self.runs);
        let sizes = areas.iter().map(|area| area.rect.size()).collect();
        if let Some(seconds) = self.history.note(&shown, sizes, now) {
            ctx.request_repaint_after(Duration::from_secs_f64(seconds));
        }
        self.desk.remember(self.columns.theme(), self.columns.reduced_motion(), ctx.zoom_factor());
        areas
    }

    /// Does what a command says that is of the window as a whole.
    fn perform(&mut self, ctx: &egui::Context, command: &Command) {
        match command {
            Command::Open | Command::OpenBeside => files::ask(*command == Command::OpenBeside, &self.send),
            Command::OpenPath(path) => self.open(ctx, path, false),
            Command::SavePicture => self.save_picture(ctx),
            Command::CopyView => {
                ctx.copy_text(self.columns.workspace(&self.runs).to_json());
                self.tell(ctx, "Copied as JSON: a file of it opens this view, and so does pasting it here");
            }
            Command::CopyCommandLine => {
                if let Some(line) = self.columns.command_line(&self.runs, PICTURE) {
                    ctx.copy_text(line);
                    self.tell(ctx, "Copied the command line that draws this view");
                }
            }
            Command::CopyValues => match self.columns.active_session().map(Session::values_as_csv) {
                Some(Ok(text)) => {
                    ctx.copy_text(text);
                    self.tell(ctx, "Copied the values as CSV");
                }
                Some(Err(reason)) => self.tell(ctx, reason),
                None => {}
            },
            Command::CopySummary => {
                if let Some(summary) = self.columns.summary(&self.runs) {
                    ctx.copy_text(summary);
                    self.tell(ctx, "Copied a summary in words");
                }
            }
            Command::Back => {
                let view = self.history.back().cloned();
                self.restore(ctx, view);
            }
            Command::Forward => {
                let view = self.history.forward().cloned();
                self.restore(ctx, view);
            }
            Command::Undo => {
                let view = self.history.undo();
                self.restore(ctx, view);
            }
            Command::Redo => {
                let view = self.history.redo();
                self.restore(ctx, view);
            }
            _ => {}
        }
    }

    fn restore(&mut self, ctx: &egui::Context, view: Option<Workspace>) {
        if let Some(view) = view {
            self.columns.restore(ctx, &view, &self.runs);
            ctx.request_repaint();
        }
    }

    fn tell(&mut self, ctx: &egui::Context, text: impl Into<String>) {
        self.desk.notice.tell(text, ctx.input(|input| input.time));
        ctx.request_repaint();
    }

    /// Takes what was dropped on the window, or pasted into it.
    fn take_given(&mut self, ctx: &egui::Context) {
        let (dropped, beside) = ctx.input(|input| (input.raw.dropped_files.clone(), input.modifiers.shift));
        for (at, path) in dropped.iter().map(|file| file.path()).enumerate() {
            self.open(ctx, path, beside || at > 0);
        }
        if ctx.memory(|memory| memory.focused()).is_some_and(|id| !self.columns.is_scene(id)) {
            return;
        }
        let pasted = ctx.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Paste(text) => Some(text.clone()),
                _ => None,
            })
        });
        if let Some(text) = pasted {
            match Workspace::parse(&text) {
                Ok(workspace) => self.open_workspace(ctx, workspace),
                Err(error) => self.tell(ctx, format!("What was pasted is no view: {error}")),
            }
        }
    }

    /// Opens what is at `path`: a run, in the place of what is shown or beside it, or a view.
    fn open(&mut self, ctx: &egui::Context, path: &Path, beside: bool) {
        if path.extension().is_some_and(|extension| extension == "json") && path.is_file() {
            match files::read_view(path) {
                Ok(workspace) => self.open_workspace(ctx, workspace),
                Err(error) => self.tell(ctx, format!("{error:#}")),
            }
            return;
        }
        let run = self.run_at(path);
        let mut workspace = self.columns.workspace(&self.runs);
        let column = ColumnView::new(run);
        if beside {
            if workspace.columns.len() >= crate::model::columns::MOST {
                return self.tell(ctx, "There is no room for another column");
            }
            workspace.columns.push(column);
        } else {
            workspace.columns = vec![column];
        }
        workspace.active = workspace.columns.len() - 1;
        self.restore(ctx, Some(workspace));
    }

    /// Opens the runs of a workspace, and looks at them as it says.
    fn open_workspace(&mut self, ctx: &egui::Context, mut workspace: Workspace) {
        let places: Vec<usize> = workspace.runs.iter().map(|path| self.run_at(Path::new(path))).collect();
        let place = |run: usize| places.get(run).copied().unwrap_or(0);
        for column in &mut workspace.columns {
            column.run = place(column.run);
            if let Some(view) = &mut column.view {
                view.query.run_b = view.query.run_b.map(place);
            }
        }
        self.restore(ctx, Some(workspace));
    }

    /// The place of the run at `path` among those of the window; it is opened where it is not.
    fn run_at(&mut self, path: &Path) -> usize {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let wanted = absolute(path);
        if let Some(run) = self.runs.iter().position(|run| absolute(&run.path) == wanted) {
            return run;
        }
        let place = self.runs.len();
        self.runs.push(Run::new(path.to_owned(), String::new()));
        let paths: Vec<PathBuf> = self.runs.iter().map(|run| run.path.clone()).collect();
        for (run, name) in self.runs.iter_mut().zip(names(&paths)) {
            run.name = name;
        }
        self.watches.push(follow::one(place, path, &self.send));
        place
    }

    fn save_picture(&mut self, ctx: &egui::Context) {
        let runs: OpenRunList = self.runs.iter().map(|run| run.opened().cloned()).collect();
        let names = self.runs.iter().map(|run| run.name.clone()).collect();
        let views = self.columns.workspace(&self.runs);
        files::save(&views, names, runs, Arc::clone(&self.gpu), Arc::clone(&self.send));
        self.tell(ctx, "Drawing the picture…");
    }

    /// Remembers the settings for the next window.
    pub fn save_settings(&self) {
        if self.remembers {
            self.desk.settings.save();
        }
    }
}

/// Gives a view what its loader has found, and says how long the frame may wait that shows it.
fn take_found(session: &mut Session, ctx: &egui::Context, found: LoadEvent) -> Duration {
    match found {
        LoadEvent::Values { key, values } => {
            return if session.take_values(key, values) { Duration::ZERO } else { SOON };
        }
        LoadEvent::Slabs { recording, field } => session.take_slabs(recording, field),
        LoadEvent::NoSlabs { recording, reason } => session.take_no_slabs(recording, reason),
        LoadEvent::Failed { key, reason } => session.take_failure(key, reason),
        LoadEvent::InsightResponse(answered) => session.take_answer(answered),
        LoadEvent::Picture { recording, input, picture } => {
            session.take_picture(ctx, recording, input, picture)
        }
    }
    Duration::ZERO
}
