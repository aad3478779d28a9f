//! What a window shows, whatever draws it: the runs that it was opened on, and its columns.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::columns::{Area, Columns};
use super::loader::{Found, Message, Send};
use super::run::{News, Run, Runs, State, names};
use super::session::{Frame, Session};
use crate::engine::{Gpu, aggregate};
use crate::format::FormatError;
use crate::model::Theme;

/// Everything that is shown of some runs.
pub struct Content {
    runs: Vec<Run>,
    columns: Columns,
}

/// How long what hardly shows may wait for what comes meanwhile.
const SOON: Duration = Duration::from_millis(100);

impl Content {
    /// One column for each of the runs at `paths`, of which there has to be one.
    pub fn new(paths: &[PathBuf], gpu: Arc<Gpu>, send: Send) -> Self {
        let runs = paths.iter().zip(names(paths)).map(|(path, name)| Run::new(path.clone(), name)).collect();
        let backend = aggregate::backend(&gpu);
        Self { runs, columns: Columns::new(paths.len(), gpu, backend, send) }
    }

    /// Takes what another thread tells, and says how long the frame may wait that shows it.
    ///
    /// # Errors
    /// When there will be nothing to show.
    pub fn take(&mut self, ctx: &egui::Context, message: Message) -> Result<Duration, FormatError> {
        match message {
            Message::Run { run, news } => self.take_news(run, news),
            Message::Column { column, found } => {
                Ok(self.columns.by_id_mut(column).map_or(SOON, |session| take_found(session, ctx, found)))
            }
        }
    }

    fn take_news(&mut self, index: usize, news: News) -> Result<Duration, FormatError> {
        let Some(run) = self.runs.get_mut(index) else { return Ok(SOON) };
        match news {
            News::Opened { source, continues } => {
                let continues = continues && run.opened().is_some();
                run.open(source, continues);
                let runs: Runs = self.runs.iter().map(|run| run.opened().cloned()).collect();
                self.columns.opened(index, continues, &runs);
                let mut sessions = self.columns.sessions_mut();
                let awaited = sessions.any(|session| session.run() == index && session.awaits_newest());
                // With its values there will be more to show.
                return Ok(if continues && awaited { SOON } else { Duration::ZERO });
            }
            News::Refused(error) => {
                run.state = State::Refused(error);
                return self.ensure_hope().map(|()| Duration::ZERO);
            }
            News::Trouble(what) => run.trouble = what,
            News::Writer { at_work } => run.live = at_work,
            News::Awaited { why } => {
                if run.opened().is_none() {
                    run.state = State::Awaiting { why };
                }
            }
        }
        Ok(Duration::ZERO)
    }

    /// Fails with the first run's reason when none of them will ever open.
    fn ensure_hope(&mut self) -> Result<(), FormatError> {
        if !self.runs.iter().all(|run| matches!(run.state, State::Refused(_))) {
            return Ok(());
        }
        match self.runs.first_mut().map(|run| std::mem::replace(&mut run.state, State::Opening)) {
            Some(State::Refused(error)) => Err(error),
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

    /// Lays out one frame; returns where the scenes are. `adapter` and `frame_ms` are shown as they are.
    pub fn show(&mut self, ui: &mut egui::Ui, adapter: &str, frame_ms: Option<f32>) -> Vec<Area> {
        self.columns.show(ui, &self.runs, Frame { adapter, frame_ms })
    }
}

/// Gives a view what its loader has found, and says how long the frame may wait that shows it.
fn take_found(session: &mut Session, ctx: &egui::Context, found: Found) -> Duration {
    match found {
        Found::Values { key, values } => {
            return if session.take_values(key, values) { Duration::ZERO } else { SOON };
        }
        Found::Plates { recording, field } => session.take_plates(recording, field),
        Found::NoPlates { recording, reason } => session.take_no_plates(recording, reason),
        Found::Failed { key, reason } => session.take_failure(key, reason),
        Found::Answered(answered) => session.take_answer(answered),
        Found::Picture { recording, input, picture } => session.take_picture(ctx, recording, input, picture),
    }
    Duration::ZERO
}
