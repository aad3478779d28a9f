//! A window without a display: the same events, frames and pictures, on a texture.

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

/// A window that is drawn on a texture, and operated by events of egui and of assistive technology.
pub struct Offscreen {
    state: AppState,
    ctx: egui::Context,
    painter: Painter,
    target: RenderTarget,
    app_events: Receiver<AppEvent>,
    /// Input events of the next frame.
    events: Vec<egui::Event>,
    /// Files that are dropped on the window in the next frame.
    dropped_files: Vec<PathBuf>,
    /// See [`Self::controls`].
    controls: Vec<(NodeId, Node)>,
    /// See [`Self::copied`].
    copied: Option<String>,
    /// Pixels per point.
    scale: f32,
    /// See [`Self::take_longest_block`].
    longest_block: Duration,
    start: Instant,
}

impl Offscreen {
    /// Opens a window of `size` pixels (width, height) on the `runs`, which need not exist yet. It has no
    /// animations, and one pixel per point.
    pub fn open(gpu: Gpu, runs: &[PathBuf], size: [u32; 2]) -> Self {
        let (sender, app_events) = channel();
        let sender = Mutex::new(sender);
        let send: EventSender = Arc::new(move |event| {
            // Fails only when the window is closed.
            if let Ok(sender) = sender.lock() {
                let _ = sender.send(event);
            }
        });
        let ctx = egui::Context::default();
        style::install_fonts(&ctx);
        style::install_style(&ctx, Theme::Dark);
        let target = RenderTarget::new(&gpu, size, Renderer::FORMAT);
        let painter = Painter::new(gpu, Renderer::FORMAT);
        let watches = follow::follow_runs(runs, &send);
        let state = AppState::new(runs, watches, Arc::clone(&painter.gpu), send, None);
        Self {
            state,
            ctx,
            painter,
            target,
            app_events,
            events: Vec::new(),
            dropped_files: Vec::new(),
            controls: Vec::new(),
            copied: None,
            scale: 1.0,
            longest_block: Duration::ZERO,
            start: Instant::now(),
        }
    }

    /// Sets the number of pixels per point.
    pub fn with_scale(mut self, scale: f32) -> Self {
        self.scale = scale;
        self
    }

    /// Enables the accessibility tree, see [`Self::controls`].
    pub fn with_accessibility(self) -> Self {
        self.ctx.enable_accesskit();
        self
    }

    /// Handles events and draws frames until the active column shows the epoch with this number. Returns
    /// `false` if that takes longer than `timeout`.
    ///
    /// # Errors
    /// If none of the runs can ever be opened.
    pub fn wait_for_epoch(&mut self, number: u64, timeout: Duration) -> Result<bool, FormatError> {
        self.wait_until(timeout, |window| window.shown_epoch() == Some(number as f64))
    }

    /// Handles events of other threads and draws frames, waiting for the device to finish each, until the
    /// `condition` holds. Returns `false` if that takes longer than `timeout`.
    ///
    /// # Errors
    /// If none of the runs can ever be opened.
    pub fn wait_until(
        &mut self,
        timeout: Duration,
        condition: impl Fn(&Self) -> bool,
    ) -> Result<bool, FormatError> {
        let end = Instant::now() + timeout;
        let mut due: Option<Instant> = None;
        while !condition(self) {
            let wake = due.map_or(end, |due| due.min(end));
            match self.app_events.recv_timeout(wake.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    let began = Instant::now();
                    let pause = self.state.handle(&self.ctx, event)?;
                    self.longest_block = self.longest_block.max(began.elapsed());
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

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.state.columns().count()
    }

    /// Index of the active column, which panels and keys act on.
    pub fn active(&self) -> usize {
        self.state.columns().active()
    }

    /// The view of a column, by its index; `None` without such a column or while its run is not open. Changes
    /// take effect in the next frame.
    pub fn view(&mut self, column: usize) -> Option<&mut ViewState> {
        Some(&mut self.state.columns_mut().session_mut(column)?.control.view)
    }

    /// Returns `true` if a column shows the values that its view selects.
    pub fn is_settled(&self, column: usize) -> bool {
        self.session(column).is_some_and(Session::is_settled)
    }

    /// Index of the run that a column shows, among those of the window.
    pub fn run(&self, column: usize) -> Option<usize> {
        Some(self.session(column)?.run())
    }

    /// The problem of the values that a column's view selects, in one line.
    pub fn note(&self, column: usize) -> Option<&str> {
        self.session(column)?.note()
    }

    /// Per layer, the value range of a column, in normalised values.
    pub fn ranges(&self, column: usize) -> Option<&[ValueRange]> {
        Some(self.session(column)?.scene.ranges())
    }

    /// The statistics of each layer at a column's epoch; `None` until they are computed.
    pub fn layer_stats(&self, column: usize) -> Option<&[LayerStats]> {
        self.session(column)?.layer_stats()
    }

    /// The latest statistics of each layer of a column, and the number of their epoch.
    pub fn latest_layer_stats(&self, column: usize) -> Option<(u64, &[LayerStats])> {
        self.session(column)?.latest_layer_stats()
    }

    /// The profile of a unit that is pinned in a column, or the reason why there is none; `None` until it is
    /// computed.
    pub fn unit_profile(&self, column: usize, pin: &Pin) -> Option<Result<&UnitProfile, &str>> {
        self.session(column)?.unit_profile(pin)
    }

    /// Index of the predicted class of each input at the epoch with this number; `None` until they are read.
    pub fn predictions(&self, column: usize, epoch: u64) -> Option<&[Option<usize>]> {
        self.session(column)?.predictions(epoch)
    }

    /// Number of the epoch that the scene of the active column shows.
    pub fn shown_epoch(&self) -> Option<f64> {
        self.state.columns().active_session()?.shown_epoch()
    }

    /// The recording that is open in the active column.
    pub fn recording(&self) -> Option<&Recording> {
        Some(self.state.columns().active_session()?.recording())
    }

    /// The problem of the first run, in one line; `None` if it has none.
    pub fn problem(&self) -> Option<&str> {
        self.state.problem(0)
    }

    /// The number of pictures of scenes that were drawn.
    pub fn drawings(&self) -> u64 {
        self.painter.drawings()
    }

    /// The picture of the window: rows of RGBA from the top; `None` if the device is lost.
    pub fn picture(&self) -> Option<Vec<u8>> {
        self.target.read(&self.painter.gpu)
    }

    /// The picture of the window after all of the last frame is painted again, not only its changes.
    pub fn repainted_picture(&mut self) -> Option<Vec<u8>> {
        let jobs = self.painter.prepare_whole(&self.ctx);
        self.painter.paint(&jobs);
        self.painter.copy_to(&self.target.texture);
        self.picture()
    }

    fn session(&self, column: usize) -> Option<&Session> {
        self.state.columns().session(column)
    }

    /// The controls of the last frame as nodes of the accessibility tree, with names and actions.
    pub fn controls(&self) -> impl Iterator<Item = &Node> {
        self.controls.iter().map(|(_, node)| node)
    }

    /// The control with this name.
    pub fn control(&self, name: &str) -> Option<&Node> {
        self.find_control(name).map(|(_, node)| node)
    }

    /// The control with this id.
    pub fn control_by_id(&self, wanted: NodeId) -> Option<&Node> {
        self.controls.iter().find(|(id, _)| *id == wanted).map(|(_, node)| node)
    }

    fn find_control(&self, name: &str) -> Option<&(NodeId, Node)> {
        // A control may have a text with its name beside it.
        let mut nodes = self.controls.iter().filter(|(_, node)| node.label() == Some(name));
        nodes.clone().find(|(_, node)| node.role() != Role::Label).or(nodes.next())
    }

    /// Performs an action on the control with this name, and draws two frames; returns `false` if there is
    /// none.
    pub fn act(&mut self, name: &str, action: Action, data: Option<ActionData>) -> bool {
        let Some(&(target_node, _)) = self.find_control(name) else { return false };
        let request = ActionRequest { action, target_tree: TreeId::ROOT, target_node, data };
        self.send_event(egui::Event::AccessKitActionRequest(request));
        // Some controls respond in the frame after.
        self.frame();
        true
    }

    /// Clicks on the control with this name, and draws two frames; returns `false` if there is none.
    pub fn click(&mut self, name: &str) -> bool {
        self.act(name, Action::Click, None)
    }

    /// Draws a frame with an input event.
    pub fn send_event(&mut self, event: egui::Event) {
        self.events.push(event);
        self.frame();
    }

    /// Draws a frame in which a file or folder is dropped on the window.
    pub fn drop_file(&mut self, path: PathBuf) {
        self.dropped_files.push(path);
        self.frame();
    }

    /// Draws a frame in which a key is pressed.
    pub fn press(&mut self, key: egui::Key) {
        self.press_with(egui::Modifiers::NONE, key);
    }

    /// Draws a frame in which a key is pressed while modifiers are held.
    pub fn press_with(&mut self, modifiers: egui::Modifiers, key: egui::Key) {
        let event = |pressed| egui::Event::Key { key, physical_key: None, pressed, repeat: false, modifiers };
        self.events.extend([event(true), event(false)]);
        self.frame();
    }

    /// Returns the longest time since the last call that the window's thread could not handle input, because
    /// it handled an event of another thread or laid out a frame. Does not include drawing on the device.
    pub fn take_longest_block(&mut self) -> Duration {
        std::mem::take(&mut self.longest_block)
    }

    /// The text that was copied to the clipboard last.
    pub fn copied(&self) -> Option<&str> {
        self.copied.as_deref()
    }

    /// Draws a frame, and waits until the device has finished it.
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
            dropped_files: self
                .dropped_files
                .drain(..)
                .map(|path| Arc::new(DroppedPath(path)) as _)
                .collect(),
            events: std::mem::take(&mut self.events),
            time: Some(self.start.elapsed().as_secs_f64()),
            ..egui::RawInput::default()
        };
        let began = Instant::now();
        let size = self.target.size;
        let mut output = frame::frame(&self.ctx, input, &mut self.state, &mut self.painter, size);
        self.longest_block = self.longest_block.max(began.elapsed());
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
        self.painter.copy_to(&self.target.texture);
        self.painter.gpu.wait();
    }
}

/// A file or folder that is dropped on the window.
#[derive(Debug)]
struct DroppedPath(PathBuf);

impl egui::DroppedFile for DroppedPath {
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
