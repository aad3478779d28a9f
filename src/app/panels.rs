//! What of a window is not of its columns: where panels stand, the bars at the edges, the command box,
//! what was just done.

use egui::{Rect, Ui, ViewportCommand};

use super::settings::Settings;
use crate::model::{Recording, Theme};
use crate::ui::commands::{self, Command, CommandContext};
use crate::ui::dock::DockLayout;
use crate::ui::panels::bars;
use crate::ui::panels::bars::HistoryState;
use crate::ui::panels::bars::Notice;
use crate::ui::panels::bars::RenderLoad;
use crate::ui::panels::bars::TopBar;
use crate::ui::panels::columns::ColumnBar;
use crate::ui::panels::command_box;
use crate::ui::panels::command_box::CommandBox;
use crate::ui::style::Palette;

/// How much larger a step makes everything in panels.
const ZOOM: f32 = 1.1;

/// The desk that the columns stand on.
pub struct PanelState {
    pub settings: Settings,
    pub notice: Notice,
    pub can: HistoryState,
    pub drawn: RenderStats,
    commands: CommandBox,
    keys: bool,
}

/// How much was drawn, and how fast.
#[derive(Clone, Debug, Default)]
pub struct RenderStats {
    pub units: u64,
    pub pixels: u64,
    pub frame_ms: Option<f32>,
    pub panels_ms: Option<f32>,
    pub adapter: String,
}

impl PanelState {
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            notice: Notice::default(),
            can: HistoryState::default(),
            drawn: RenderStats::default(),
            commands: CommandBox::default(),
            keys: false,
        }
    }

    /// Whether something lies over the scenes that keys are for.
    pub fn covers(&self) -> bool {
        self.keys || self.commands.is_open()
    }

    /// The command whose shortcut was pressed.
    pub fn pressed(&self, ui: &Ui, for_scene: bool) -> Option<Command> {
        commands::pressed(ui, for_scene)
    }

    /// Lays out the bar at the top, and returns what was asked for in it.
    pub fn top(&self, ui: &mut Ui, palette: Palette, open: bool) -> Option<Command> {
        let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(12, 4));
        let bar = TopBar {
            arrangement: &self.settings.arrangement,
            can: self.can,
            recent: &self.settings.recent,
            palette,
            open,
        };
        egui::Panel::top("top").frame(frame).exact_size(bars::TOP).show(ui, |ui| bar.show(ui)).inner
    }

    /// Keeps a place for the line at the bottom.
    pub fn status_place(ui: &mut Ui) -> Rect {
        let frame = egui::Frame::new();
        let shown = egui::Panel::bottom("status").frame(frame).exact_size(bars::STATUS).show(ui, |_| ());
        shown.response.rect
    }

    /// Paints the line at the bottom.
    pub fn status(&self, ui: &Ui, rect: Rect, palette: Palette) {
        let RenderStats { units, pixels, frame_ms, panels_ms, adapter } = &self.drawn;
        let load = RenderLoad {
            units: *units,
            pixels: *pixels,
            frame_ms: *frame_ms,
            panels_ms: *panels_ms,
            adapter,
        };
        bars::status(ui, rect, palette, &self.notice, load);
    }

    /// Shows what lies over everything, and returns what was chosen in it.
    pub fn over(
        &mut self,
        ui: &Ui,
        palette: Palette,
        recording: Option<&Recording>,
        columns: &ColumnBar,
    ) -> Option<Command> {
        let context = CommandContext { recording, columns, recent: &self.settings.recent };
        if self.keys {
            self.keys = command_box::show_key_list(ui, &context, palette);
        }
        let chosen = self.commands.show(ui, &context, palette);
        if ui.input(|input| !input.raw.hovered_files.is_empty()) {
            drop_here(ui, palette);
        }
        chosen
    }

    /// Does what a command says, as far as that is of the desk; says whether it was.
    pub fn perform(&mut self, ctx: &egui::Context, command: &Command) -> bool {
        let arrangement = &mut self.settings.arrangement;
        match command {
            Command::Commands => self.commands.open(),
            Command::Keys => self.keys = !self.keys,
            Command::Toggle(pane) => arrangement.toggle(*pane),
            Command::DockPlace(pane, place) => arrangement.place(*pane, *place),
            Command::PaneSize(pane, size) => arrangement.resize(*pane, *size),
            Command::OnlyScene => arrangement.only_scene = !arrangement.only_scene,
            Command::ResetLayout => *arrangement = DockLayout::default(),
            Command::FullScreen => {
                let full = ctx.input(|input| input.viewport().fullscreen.unwrap_or(false));
                ctx.send_viewport_cmd(ViewportCommand::Fullscreen(!full));
            }
            Command::Quit => ctx.send_viewport_cmd(ViewportCommand::Close),
            Command::ZoomIn => ctx.set_zoom_factor((ctx.zoom_factor() * ZOOM).min(4.0)),
            Command::ZoomOut => ctx.set_zoom_factor((ctx.zoom_factor() / ZOOM).max(0.4)),
            Command::ZoomReset => ctx.set_zoom_factor(1.0),
            _ => return false,
        }
        true
    }

    /// Takes note of how things look, to be remembered.
    pub fn remember(&mut self, theme: Theme, reduced_motion: bool, zoom: f32) {
        self.settings.theme = theme;
        self.settings.reduced_motion = reduced_motion;
        self.settings.zoom = zoom;
    }
}

/// What is said while a folder is held over the window.
fn drop_here(ui: &Ui, palette: Palette) {
    let screen = ui.ctx().content_rect();
    let layer = egui::LayerId::new(egui::Order::Foreground, egui::Id::unique("drop"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect_filled(screen, 0, palette.ground.gamma_multiply(0.8));
    let words = "Drop a run here to open it; with Shift beside the others";
    let font = egui::FontId::proportional(16.0);
    painter.text(screen.center(), egui::Align2::CENTER_CENTER, words, font, palette.text);
}
