//! The parts of a window beside its columns: dock, bars, command box, list of keys, notices.

use std::path::Path;

use egui::{Rect, Ui};

use super::settings::Settings;
use crate::model::{Recording, Theme};
use crate::ui::commands::{self, Command, CommandContext};
use crate::ui::dock::Pane;
use crate::ui::panels::bars::{self, HistoryState, Notice, RenderLoad, TopBar};
use crate::ui::panels::columns::ColumnBar;
use crate::ui::panels::command_box::{self, CommandBox};
use crate::ui::panels::save_dialog::SaveDialog;
use crate::ui::style::Palette;

/// The parts of a window beside its columns.
pub struct PanelState {
    /// Arrangement and appearance, stored for the next window.
    pub settings: Settings,
    /// The notice at the bottom.
    pub notice: Notice,
    /// The steps that are possible in the history.
    pub history: HistoryState,
    /// The amount and speed of drawing.
    pub stats: RenderStats,
    command_box: CommandBox,
    save_dialog: SaveDialog,
    /// `true` while the list of keys is open.
    keys_open: bool,
}

/// The amount and speed of drawing.
#[derive(Clone, Debug, Default)]
pub struct RenderStats {
    /// Number of cells in all scenes.
    pub units: u64,
    /// Number of pixels of all scenes.
    pub pixels: u64,
    /// Milliseconds that the latest picture of a scene took on the device.
    pub frame_ms: Option<f32>,
    /// Milliseconds that the panels took to be laid out.
    pub panels_ms: Option<f32>,
    /// Name of the graphics adapter.
    pub adapter: String,
}

impl PanelState {
    /// Creates the parts of a window with these settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            notice: Notice::default(),
            history: HistoryState::default(),
            stats: RenderStats::default(),
            command_box: CommandBox::default(),
            save_dialog: SaveDialog::default(),
            keys_open: false,
        }
    }

    /// Returns `true` while the list of keys or the command box is open: keys do not reach the scenes then.
    pub fn is_modal(&self) -> bool {
        self.keys_open || self.command_box.is_open() || self.save_dialog.is_open()
    }

    /// Returns `true` if panels and bars are hidden.
    pub fn only_scene(&self) -> bool {
        self.settings.arrangement.only_scene
    }

    /// Opens the command box.
    pub fn open_command_box(&mut self) {
        self.command_box.open();
    }

    /// Opens the command box to ask for the path of a run, with a text to begin with and a note about it.
    pub fn ask_for_path(&mut self, text: String, note: String) {
        self.command_box.open_with(text, note);
    }

    /// Opens the dialog that saves a picture.
    pub fn open_save_dialog(&mut self, path: &Path) {
        self.save_dialog.open(path);
    }

    /// Opens or closes the list of keys.
    pub fn toggle_keys(&mut self) {
        self.keys_open = !self.keys_open;
    }

    /// Lays out the bar at the top; returns the command that was chosen there. `open` is `true` if the active
    /// run is open.
    pub fn top_bar(&self, ui: &mut Ui, open: bool) -> Option<Command> {
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 4));
        let bar = TopBar {
            arrangement: &self.settings.arrangement,
            can: self.history,
            recent: &self.settings.recent,
            open,
        };
        egui::Panel::top("top").frame(frame).exact_size(bars::TOP).show(ui, |ui| bar.show(ui)).inner
    }

    /// Reserves the area of the status bar at the bottom, and returns it.
    pub fn reserve_status_bar(ui: &mut Ui) -> Rect {
        let frame = egui::Frame::new();
        let bar = egui::Panel::bottom("status").frame(frame).exact_size(bars::STATUS).show(ui, |_| ());
        bar.response.rect
    }

    /// Paints the status bar.
    pub fn paint_status_bar(&self, ui: &Ui, rect: Rect, palette: Palette) {
        let RenderStats { units, pixels, frame_ms, panels_ms, adapter } = &self.stats;
        let load = RenderLoad {
            units: *units,
            pixels: *pixels,
            frame_ms: *frame_ms,
            panels_ms: *panels_ms,
            adapter,
        };
        bars::status(ui, rect, palette, &self.notice, load);
    }

    /// Shows the list of keys, the command box and the drop target over everything; returns the command that
    /// was chosen.
    pub fn overlays(
        &mut self,
        ui: &Ui,
        palette: Palette,
        recording: Option<&Recording>,
        columns: &ColumnBar,
    ) -> Option<Command> {
        let context = CommandContext { recording, columns, recent: &self.settings.recent };
        if self.keys_open {
            self.keys_open = command_box::show_key_list(ui, &context, palette);
        }
        let picture = self.save_dialog.show(ui, palette).map(Command::WritePicture);
        let chosen = self.command_box.show(ui, &context, palette).or(picture);
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            paint_drop_target(ui, palette);
        }
        chosen
    }

    /// Returns the command whose shortcut was pressed. `for_scene` is `true` if no control outside the scenes
    /// has the focus.
    pub fn shortcut(&self, ui: &Ui, for_scene: bool) -> Option<Command> {
        commands::pressed(ui, for_scene)
    }

    /// Makes a panel visible.
    pub fn reveal(&mut self, pane: Pane) {
        self.settings.arrangement.bring(pane);
    }

    /// Records the appearance for the next window.
    pub fn remember(&mut self, theme: Theme, reduced_motion: bool, zoom: f32) {
        self.settings.theme = theme;
        self.settings.reduced_motion = reduced_motion;
        self.settings.zoom = zoom;
    }
}

/// Paints the drop target over the window, while a file or folder is dragged over it.
fn paint_drop_target(ui: &Ui, palette: Palette) {
    let screen = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(screen, 0, palette.ground.gamma_multiply(0.8));
    let text = "Drop a run here to open it; with Shift beside the others";
    let font = egui::FontId::proportional(16.0);
    painter.text(screen.center(), egui::Align2::CENTER_CENTER, text, font, palette.text);
}
