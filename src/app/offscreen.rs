//! A window's content without a window: the same messages, frames and pictures, on a texture.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use egui::accesskit::{Action, ActionData, ActionRequest, Node, NodeId, Role, TreeId};

use super::event::{AppEvent, EventSender};
use super::follow;
use super::frame;
use super::paint::Painter;
use super::session::Session;
use super::state::AppState;
use crate::engine::readback::RenderTarget;
use crate::engine::{Gpu, Renderer};
use crate::format::FormatError;
use crate::insight::{LayerStats, UnitProfile};
use crate::model::{Pin, Recording, Theme, ValueRange, ViewState};
use crate::ui::style;

/// What would be a window.
pub struct Offscreen {
    state: AppState,
    ctx: egui::Context,
    painter: Painter,
    target: RenderTarget,
    messages: Receiver<AppEvent>,
    /// What is done in the next frame.
    events: Vec<egui::Event>,
    given: Vec<PathBuf>,
    /// The controls as those see them who cannot see the picture.
    controls: Vec<(NodeId, Node)>,
    /// What was copied last.
    copied: Option<String>,
    /// Pixels of a point.
    scale: f32,
    /// See [`Self::longest_hold`].
    longest: Duration,
    start: Instant,
}

impl Offscreen {
    /// Looks at the `runs`, be they there already or not, as a window of `size` pixels would; without
    /// animation, as for who wants no motion.
    pub fn open(gpu: Gpu, runs: &[PathBuf], size: [u32; 2]) -> Self {
        let (sender, messages) = channel();
        let sender = Mutex::new(sender);
        let send: EventSender = Arc::new(move |event| {
            // Nobody listens any more when that fails.
            if let Ok(sender) = sender.lock() {
                let _ = sender.send(event);
            }
        });
        let ctx = egui::Context::default();
        style::install_fonts(&ctx);
        style::install_style(&ctx, Theme::Dark);
        let target = RenderTarget::new(&gpu, size, Renderer::FORMAT);
        let painter = Painter::new(gpu, Renderer::FORMAT);
        let watches = follow::all(runs, &send);
        let state = AppState::new(runs, watches, Arc::clone(&painter.gpu), send, None);
        Self {
            state,
            ctx,
            painter,
            target,
            messages,
            events: Vec::new(),
            given: Vec::new(),
            controls: Vec::new(),
            copied: None,
            scale: 1.0,
            longest: Duration::ZERO,
            start: Instant::now(),
        }
    }

    /// Draws a point as so many pixels.
    pub fn at_scale(mut self, scale: f32) -> Self {
        self.scale = scale;
        self
    }

    /// Tells what is there to those who cannot see it, see [`Self::controls`].
    pub fn read_out(self) -> Self {
        self.ctx.enable_accesskit();
        self
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
                Ok(event) => {
                    let began = Instant::now();
                    let pause = self.state.handle(&self.ctx, event)?;
                    self.longest = self.longest.max(began.elapsed());
                    let at = Instant::now() + pause;
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
        self.state.columns().count()
    }

    /// Place of the column that panels and keys speak of.
    pub fn active(&self) -> usize {
        self.state.columns().active()
    }

    /// How a column, by its place, is looked at; `None` where there is none, or its run is not open.
    /// What is changed is seen in the next frame.
    pub fn view(&mut self, column: usize) -> Option<&mut ViewState> {
        Some(&mut self.state.columns_mut().session_mut(column)?.control.view)
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
    pub fn ranges(&self, column: usize) -> Option<&[ValueRange]> {
        Some(self.session(column)?.scene.ranges())
    }

    /// Facts of every layer at the epoch that a column looks at, once they are there.
    pub fn layer_stats(&self, column: usize) -> Option<&[LayerStats]> {
        self.session(column)?.layer_stats()
    }

    /// The facts of every layer that came last in a column, and the number of their epoch.
    pub fn latest_layer_stats(&self, column: usize) -> Option<(u64, &[LayerStats])> {
        self.session(column)?.latest_layer_stats()
    }

    /// What a column can say of a unit that is pinned in it, or why it cannot, once that is there.
    pub fn unit_profile(&self, column: usize, pin: &Pin) -> Option<Result<&UnitProfile, &str>> {
        self.session(column)?.unit_profile(pin)
    }

    /// Index of the predicted class of each input at the epoch of this number, once they are read.
    pub fn predictions(&self, column: usize, epoch: u64) -> Option<&[Option<usize>]> {
        self.session(column)?.predictions(epoch)
    }

    /// Number of the epoch that the picture of the active column shows.
    pub fn shown(&self) -> Option<f64> {
        self.state.columns().active_session()?.shown_epoch()
    }

    /// The recording that is open in the active column.
    pub fn recording(&self) -> Option<&Recording> {
        Some(self.state.columns().active_session()?.recording())
    }

    /// What is wrong with the first run, in one line.
    pub fn trouble(&self) -> Option<&str> {
        self.state.trouble(0)
    }

    /// How many pictures of scenes were drawn so far.
    pub fn drawings(&self) -> u64 {
        self.painter.drawings()
    }

    /// What the window shows: rows of RGBA from the top; `None` when the device is lost.
    pub fn picture(&self) -> Option<Vec<u8>> {
        self.target.read(&self.painter.gpu)
    }

    /// What the window shows when all of the last frame is painted anew, and not only what it changed.
    pub fn picture_anew(&mut self) -> Option<Vec<u8>> {
        let panels = self.painter.prepare_again(&self.ctx);
        self.painter.paint(&panels);
        self.painter.show(&self.target.texture);
        self.picture()
    }

    fn session(&self, column: usize) -> Option<&Session> {
        self.state.columns().session(column)
    }

    /// The controls of the last frame, with what they are called and can do.
    pub fn controls(&self) -> impl Iterator<Item = &Node> {
        self.controls.iter().map(|(_, node)| node)
    }

    /// The one control that is called so; `None` without one.
    pub fn control(&self, name: &str) -> Option<&Node> {
        self.named(name).map(|(_, node)| node)
    }

    /// The control of this number.
    pub fn control_of(&self, wanted: NodeId) -> Option<&Node> {
        self.controls.iter().find(|(id, _)| *id == wanted).map(|(_, node)| node)
    }

    fn named(&self, name: &str) -> Option<&(NodeId, Node)> {
        // A name may be shown by a text beside what it is of.
        let mut all = self.controls.iter().filter(|(_, node)| node.label() == Some(name));
        all.clone().find(|(_, node)| node.role() != Role::Label).or(all.next())
    }

    /// Does something to the control that is called so, and draws a frame; says whether there is one.
    pub fn act(&mut self, name: &str, action: Action, data: Option<ActionData>) -> bool {
        let Some(&(target_node, _)) = self.named(name) else { return false };
        let request = ActionRequest { action, target_tree: TreeId::ROOT, target_node, data };
        self.give(egui::Event::AccessKitActionRequest(request));
        // Some controls answer in the frame after.
        self.frame();
        true
    }

    /// Clicks on the control that is called so; says whether there is one.
    pub fn click(&mut self, name: &str) -> bool {
        self.act(name, Action::Click, None)
    }

    /// Draws a frame in which this happens.
    pub fn give(&mut self, event: egui::Event) {
        self.events.push(event);
        self.frame();
    }

    /// Draws a frame in which a file or folder is dropped on the window.
    pub fn drop_file(&mut self, path: PathBuf) {
        self.given.push(path);
        self.frame();
    }

    /// Presses a key and draws a frame.
    pub fn press(&mut self, key: egui::Key) {
        self.press_with(egui::Modifiers::NONE, key);
    }

    /// Presses a key while others are held, and draws a frame.
    pub fn press_with(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        let event = |pressed| egui::Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.events.extend([event(true), event(false)]);
        self.frame();
    }

    /// The longest that the window's thread was kept from hands since this was asked last: by a message, or
    /// by laying out a frame. What the device takes to draw is apart from that.
    pub fn longest_hold(&mut self) -> Duration {
        std::mem::take(&mut self.longest)
    }

    /// What was copied last.
    pub fn copied(&self) -> Option<&str> {
        self.copied.as_deref()
    }

    /// Draws a frame, to its end on the device.
    pub fn frame(&mut self) {
        for session in self.state.columns_mut().sessions_mut() {
            session.control.navigator.reduced_motion = true;
        }
        let size = egui::vec2(self.target.size[0] as f32, self.target.size[1] as f32) / self.scale;
        let viewport =
            egui::ViewportInfo { native_pixels_per_point: Some(self.scale), ..egui::ViewportInfo::default() };
        let input = egui::RawInput {
            screen_rect: Some(egui::Rect::from_min_size(egui::Pos2::ZERO, size)),
            viewports: std::iter::once((egui::ViewportId::ROOT, viewport)).collect(),
            dropped_files: self.given.drain(..).map(|path| Arc::new(Dropped(path)) as _).collect(),
            events: std::mem::take(&mut self.events),
            time: Some(self.start.elapsed().as_secs_f64()),
            ..egui::RawInput::default()
        };
        let began = Instant::now();
        let size = self.target.size;
        let mut output = frame::frame(&self.ctx, input, &mut self.state, &mut self.painter, size);
        self.longest = self.longest.max(began.elapsed());
        if let Some(update) = output.platform.accesskit_update.take() {
            self.controls = update.nodes;
        }
        for command in &output.platform.commands {
            if let egui::OutputCommand::CopyText(text) = command {
                self.copied = Some(text.clone());
            }
        }
        self.painter.upload(&mut output.jobs.textures);
        self.painter.paint(&output.jobs);
        self.painter.free(&mut output.jobs.textures);
        self.painter.show(&self.target.texture);
        self.painter.gpu.wait();
    }
}

/// What was dropped on the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

impl Drop for Offscreen {
    fn drop(&mut self) {
        self.painter.gpu.wait();
    }
}
