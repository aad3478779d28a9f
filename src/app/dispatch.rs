//! The one dispatcher of commands: each has an arm here or, if it changes the active view, in
//! [`ViewControl::perform`](crate::ui::ViewControl::perform), so that a command without an arm is a compile
//! error.

use egui::ViewportCommand;

use super::files;
use super::session::Session;
use super::state::AppState;
use crate::ui::commands::Command;
use crate::ui::dock::DockLayout;

/// Factor of one step of the zoom of panels, and its range.
const ZOOM_STEP: f32 = 1.1;
const ZOOM: std::ops::RangeInclusive<f32> = 0.4..=4.0;
/// Size in pixels of the picture that a copied command line draws.
const PICTURE_SIZE: [u32; 2] = [1280, 720];

impl AppState {
    /// Executes a command.
    pub fn dispatch(&mut self, ui: &egui::Ui, command: Command) {
        let ctx = ui.ctx().clone();
        let now = ui.input(|input| input.time);
        let dock = &mut self.panels.settings.arrangement;
        match command {
            // Files and clipboard.
            Command::Open => files::choose_run(false, &self.send),
            Command::OpenBeside => files::choose_run(true, &self.send),
            Command::OpenPath(path) if !path.exists() => {
                let note = "There is nothing at this path. Correct it, or press Esc to go back.";
                self.panels.ask_for_path(path.display().to_string(), note.to_owned());
            }
            Command::OpenPath(path) => self.open(&ctx, &path, false),
            Command::SavePicture => self.panels.open_save_dialog(&files::picture_path(&self.runs)),
            Command::WritePicture(options) => self.save_picture(&ctx, options),
            Command::CopyView => {
                ctx.copy_text(self.columns.workspace(&self.runs).to_json());
                self.notify(
                    &ctx,
                    "Copied as JSON: a file of it opens this view, and so does pasting it here",
                );
            }
            Command::CopyCommandLine => {
                if let Some(line) = self.columns.command_line(&self.runs, PICTURE_SIZE) {
                    ctx.copy_text(line);
                    self.notify(&ctx, "Copied the command line that draws this view");
                }
            }
            Command::CopyValues => match self.columns.active_session().map(Session::values_as_csv) {
                Some(Ok(text)) => {
                    ctx.copy_text(text);
                    self.notify(&ctx, "Copied the values as CSV");
                }
                Some(Err(reason)) => self.notify(&ctx, reason),
                None => {}
            },
            Command::CopySummary => {
                if let Some(summary) = self.summary() {
                    ctx.copy_text(summary);
                    self.notify(&ctx, "Copied a summary in words");
                }
            }
            // History.
            Command::Back => {
                let view = self.history.back().cloned();
                self.restore(&ctx, view);
            }
            Command::Forward => {
                let view = self.history.forward().cloned();
                self.restore(&ctx, view);
            }
            Command::Undo => {
                let view = self.history.undo();
                self.restore(&ctx, view);
            }
            Command::Redo => {
                let view = self.history.redo();
                self.restore(&ctx, view);
            }
            // The window and its panels.
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Command::Commands => self.panels.open_command_box(),
            Command::Keys => self.panels.toggle_keys(),
            Command::Toggle(pane) => dock.toggle(pane),
            Command::DockPlace(pane, place) => dock.place(pane, place),
            Command::PaneSize(pane, size) => dock.resize(pane, size),
            Command::Enlarge(pane) => dock.enlarge(pane),
            Command::OnlyScene => dock.only_scene = !dock.only_scene,
            Command::ResetLayout => *dock = DockLayout::default(),
            Command::FullScreen => {
                let full = ctx.input(|input| input.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!full));
            }
            Command::ZoomIn => ctx.set_zoom_factor((ctx.zoom_factor() * ZOOM_STEP).min(*ZOOM.end())),
            Command::ZoomOut => ctx.set_zoom_factor((ctx.zoom_factor() / ZOOM_STEP).max(*ZOOM.start())),
            Command::ZoomReset => ctx.set_zoom_factor(1.0),
            // Columns.
            Command::Column(action) => self.columns.apply(ui, action, &self.runs),
            Command::View(command) => self.columns.perform(&command, now),
        }
        ctx.request_repaint();
    }
}
