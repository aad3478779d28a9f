//! What a window shows, whatever draws it: what is awaited, or the session of an open recording.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::loader::{Message, Send};
use super::session::{Session, Surroundings};
use crate::engine::Gpu;
use crate::format::FormatError;
use crate::model::{Source, Theme};
use crate::ui::interface;

/// Everything that is shown of one RUN.
pub struct Content {
    path: PathBuf,
    gpu: Arc<Gpu>,
    send: Send,
    state: State,
    /// A writer is at work.
    live: bool,
    /// What is wrong with the run, in one line.
    trouble: Option<String>,
}

/// How long what hardly shows may wait for what comes meanwhile.
const SOON: Duration = Duration::from_millis(100);

enum State {
    Opening,
    Awaiting { why: String },
    Opened(Box<Session>),
}

impl Content {
    pub fn new(path: &Path, gpu: Arc<Gpu>, send: Send) -> Self {
        Self { path: path.to_owned(), gpu, send, state: State::Opening, live: false, trouble: None }
    }

    /// Takes what another thread tells, and says how long the frame may wait that shows it.
    ///
    /// # Errors
    /// When there will be nothing to show.
    pub fn take(&mut self, ctx: &egui::Context, message: Message) -> Result<Duration, FormatError> {
        match (message, &mut self.state) {
            (Message::Opened { source, continues: true }, State::Opened(session)) => {
                session.renew(source);
                // With its values there will be more to show.
                return Ok(if session.awaits_newest() { SOON } else { Duration::ZERO });
            }
            (Message::Field { key, field }, State::Opened(session)) => {
                return Ok(if session.take_field(key, field) { Duration::ZERO } else { SOON });
            }
            (Message::Opened { source, .. }, _) => self.open(source),
            (Message::Refused(error), _) => return Err(error),
            (Message::Trouble(what), _) => self.trouble = what,
            (Message::Writer { at_work }, _) => self.live = at_work,
            (Message::Awaited { .. }, State::Opened(_)) => {}
            (Message::Awaited { why }, state) => *state = State::Awaiting { why },
            (Message::Empty { recording, field }, State::Opened(session)) => {
                session.take_empty(recording, field);
            }
            (Message::Failed { key, reason }, State::Opened(session)) => session.take_failure(key, reason),
            (Message::Picture { recording, input, picture }, State::Opened(session)) => {
                session.take_picture(ctx, recording, input, picture);
            }
            _ => {}
        }
        Ok(Duration::ZERO)
    }

    fn open(&mut self, source: Arc<dyn Source>) {
        self.state = State::Opened(Box::new(match std::mem::replace(&mut self.state, State::Opening) {
            State::Opened(session) => session.replaced(source),
            _ => Session::new(source, Arc::clone(&self.gpu), Arc::clone(&self.send)),
        }));
    }

    /// The recording that is shown.
    pub fn session(&self) -> Option<&Session> {
        if let State::Opened(session) = &self.state { Some(session) } else { None }
    }

    pub fn session_mut(&mut self) -> Option<&mut Session> {
        if let State::Opened(session) = &mut self.state { Some(session) } else { None }
    }

    /// What is wrong with the run, in one line.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// For the window.
    pub fn title(&self) -> String {
        self.session()
            .map_or_else(|| "dnnviz".to_owned(), |session| format!("dnnviz – {}", session.recording().model))
    }

    /// Lays out one frame; returns where the scene is, in points. `adapter` and `frame_ms` are shown
    /// as they are.
    pub fn show(&mut self, ui: &mut egui::Ui, adapter: &str, frame_ms: Option<f32>) -> Option<egui::Rect> {
        let path = self.path.display();
        match &mut self.state {
            State::Opening => interface::waiting(ui, Theme::Dark, &format!("Opening {path}")),
            State::Awaiting { why } => {
                interface::awaiting(ui, Theme::Dark, &format!("Waiting for a recording at {path}"), why);
            }
            State::Opened(session) => {
                let around =
                    Surroundings { adapter, frame_ms, live: self.live, trouble: self.trouble.as_deref() };
                return Some(session.show(ui, &around).scene);
            }
        }
        None
    }
}
