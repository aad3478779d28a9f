//! A window's content without a window: the same messages, frames and pictures, on a texture.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::content::Content;
use super::follow;
use super::loader::{Message, Send};
use super::painter::Painter;
use super::session::Session;
use crate::engine::readback::Canvas;
use crate::engine::{Gpu, Renderer};
use crate::format::FormatError;
use crate::model::{Recording, Theme, ViewState};
use crate::ui::style;

/// What would be a window.
pub struct Offscreen {
    content: Content,
    ctx: egui::Context,
    painter: Painter,
    canvas: Canvas,
    messages: Receiver<Message>,
    keys: Vec<egui::Event>,
    start: Instant,
}

impl Offscreen {
    /// Looks at the `runs`, be they there already or not, as a window of `size` pixels would; without
    /// animation, as for who wants no motion.
    pub fn open(gpu: Gpu, runs: &[PathBuf], size: [u32; 2]) -> Self {
        let (sender, messages) = channel();
        let sender = Mutex::new(sender);
        let send: Send = Arc::new(move |message| {
            // Nobody listens any more when that fails.
            if let Ok(sender) = sender.lock() {
                let _ = sender.send(message);
            }
        });
        let ctx = egui::Context::default();
        style::install_fonts(&ctx);
        style::install_style(&ctx, Theme::Dark);
        let canvas = Canvas::new(&gpu, size, Renderer::FORMAT);
        let painter = Painter::new(gpu, Renderer::FORMAT);
        let watches = follow::all(runs, &send);
        let content = Content::new(runs, watches, Arc::clone(&painter.gpu), send, None);
        Self { content, ctx, painter, canvas, messages, keys: Vec::new(), start: Instant::now() }
    }

    /// Takes what other threads tell, as it comes, and draws frames, each to its end on the device,
    /// until the active column shows the epoch of this number and nothing is left to be told. `false`
    /// when that takes longer than `patience`.
    ///
    /// # Errors
    /// When there will be nothing to show.
    pub fn until_shown(&mut self, epoch: u64, patience: Duration) -> Result<bool, FormatError> {
        self.until(patience, |window| window.shown() == Some(epoch as f64))
    }

    /// The same until something is `so`.
    ///
    /// # Errors
    /// When there will be nothing to show.
    pub fn until(&mut self, patience: Duration, so: impl Fn(&Self) -> bool) -> Result<bool, FormatError> {
        let end = Instant::now() + patience;
        let mut due: Option<Instant> = None;
        while !so(self) {
            let wake = due.map_or(end, |due| due.min(end));
            match self.messages.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    let at = Instant::now() + self.content.take(&self.ctx, message)?;
                    due = Some(due.map_or(at, |due| due.min(at)));
                }
                Err(_) if due.is_some_and(|due| due <= Instant::now()) => {
                    due = None;
                    self.frame();
                }
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.content.columns().count()
    }

    /// Place of the column that panels and keys speak of.
    pub fn active(&self) -> usize {
        self.content.columns().active()
    }

    /// How a column, by its place, is looked at; `None` where there is none, or its run is not open.
    /// What is changed is seen in the next frame.
    pub fn view(&mut self, column: usize) -> Option<&mut ViewState> {
        Some(&mut self.content.columns_mut().session_mut(column)?.view)
    }

    /// Whether a column shows what its view asks for.
    pub fn is_settled(&self, column: usize) -> bool {
        self.session(column).is_some_and(Session::is_settled)
    }

    /// Place of the run that a column shows, among those that the window was opened on.
    pub fn run(&self, column: usize) -> Option<usize> {
        Some(self.session(column)?.run())
    }

    /// What went wrong with what a column is asked for, in one line.
    pub fn note(&self, column: usize) -> Option<&str> {
        self.session(column)?.note()
    }

    /// Per layer, the values at the ends of a column's colour map.
    pub fn ranges(&self, column: usize) -> Option<&[(f32, f32)]> {
        Some(self.session(column)?.ranges())
    }

    /// Number of the epoch that the picture of the active column shows.
    pub fn shown(&self) -> Option<f64> {
        self.content.columns().active_session()?.shown_epoch()
    }

    /// The recording that is open in the active column.
    pub fn recording(&self) -> Option<&Recording> {
        Some(self.content.columns().active_session()?.recording())
    }

    /// What is wrong with the first run, in one line.
    pub fn trouble(&self) -> Option<&str> {
        self.content.trouble(0)
    }

    /// How many pictures of scenes were drawn so far.
    pub fn drawings(&self) -> u64 {
        self.painter.drawings()
    }

    /// What the window shows: rows of RGBA from the top; `None` when the device is lost.
    pub fn picture(&self) -> Option<Vec<u8>> {
        self.canvas.read(&self.painter.gpu)
    }

    fn session(&self, column: usize) -> Option<&Session> {
        self.content.columns().session(column)
    }

    /// Presses a key and draws a frame.
    pub fn press(&mut self, key: egui::Key) {
        let modifiers = egui::Modifiers::NONE;
        self.keys.push(egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
        self.frame();
    }

    /// Draws a frame, to its end on the device.
    pub fn frame(&mut self) {
        for session in self.content.columns_mut().sessions_mut() {
            session.set_reduced_motion(true);
        }
        let size = egui::vec2(self.canvas.size[0] as f32, self.canvas.size[1] as f32);
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size)),
            events: std::mem::take(&mut self.keys),
            time: Some(self.start.elapsed().as_secs_f64()),
            ..egui::RawInput::default()
        };
        let mut laid = self.painter.lay_out(&self.ctx, input, &mut self.content, self.canvas.size);
        self.painter.upload(&mut laid.panels.textures);
        self.painter.paint(&laid.panels, &self.canvas.view, self.canvas.size);
        self.painter.free(&mut laid.panels.textures);
        self.painter.gpu.wait();
    }
}

impl Drop for Offscreen {
    fn drop(&mut self) {
        self.painter.gpu.wait();
    }
}
