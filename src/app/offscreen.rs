//! A window's content without a window: the same messages, frames and pictures, on a texture.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::content::Content;
use super::follow::follow;
use super::loader::{Message, Send};
use super::painter::Painter;
use crate::engine::readback::Canvas;
use crate::engine::{Gpu, Renderer};
use crate::format::FormatError;
use crate::format::watch::Watch;
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
    _watch: Watch,
}

impl Offscreen {
    /// Looks at `run`, be it there already or not, as a window of `size` pixels would; without
    /// animation, as for who wants no motion.
    pub fn open(gpu: Gpu, run: &Path, size: [u32; 2]) -> Self {
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
        let content = Content::new(run, Arc::clone(&painter.gpu), Arc::clone(&send));
        let watch = follow(run.to_owned(), send);
        Self {
            content,
            ctx,
            painter,
            canvas,
            messages,
            keys: Vec::new(),
            start: Instant::now(),
            _watch: watch,
        }
    }

    /// Takes what other threads tell, as it comes, and draws frames, each to its end on the device,
    /// until one shows the epoch of this number and nothing is left to be told. `false` when that
    /// takes longer than `patience`.
    ///
    /// # Errors
    /// When there will be nothing to show.
    pub fn until_shown(&mut self, epoch: u64, patience: Duration) -> Result<bool, FormatError> {
        let end = Instant::now() + patience;
        let mut due: Option<Instant> = None;
        while self.shown() != Some(epoch as f64) {
            let wake = due.map_or(end, |due| due.min(end));
            match self.messages.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(message) => {
                    let at = Instant::now() + self.content.take(&self.ctx, message)?;
                    due = Some(due.map_or(at, |due| due.min(at)));
                }
                Err(_) if due.is_some_and(|due| due <= Instant::now()) => {
                    due = None;
                    if let Some(session) = self.content.session_mut() {
                        session.reduce_motion();
                    }
                    self.frame();
                }
                Err(_) => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Number of the epoch that the picture shows.
    pub fn shown(&self) -> Option<f64> {
        self.content.session()?.shown_epoch()
    }

    /// The recording that is open.
    pub fn recording(&self) -> Option<&Recording> {
        Some(self.content.session()?.recording())
    }

    /// How it is looked at.
    pub fn view(&mut self) -> Option<&mut ViewState> {
        Some(&mut self.content.session_mut()?.view)
    }

    /// What is wrong with the run, in one line.
    pub fn trouble(&self) -> Option<&str> {
        self.content.trouble()
    }

    /// Presses a key and draws a frame.
    pub fn press(&mut self, key: egui::Key) {
        let modifiers = egui::Modifiers::NONE;
        self.keys.push(egui::Event::Key { key, physical_key: None, pressed: true, repeat: false, modifiers });
        self.frame();
    }

    fn frame(&mut self) {
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
