//! The bars at the top and the bottom of the window: menus and buttons; status and render load.

use std::path::PathBuf;

use egui::{Align2, Button, FontId, RichText, Role, Sense, Ui, WidgetInfo, vec2};

use crate::ui::commands::Command;
use crate::ui::dock::DockLayout;
use crate::ui::dock::Pane;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::text;

/// Height of the bar at the top, in points.
pub const TOP: f32 = 32.0;
/// Height of the status bar, in points.
pub const STATUS: f32 = 20.0;
/// Duration of a notice, in seconds.
const NOTICE: f64 = 6.0;
/// Maximum number of recent runs in the menu.
const RECENT: usize = 12;

/// The bar at the top.
pub struct TopBar<'a> {
    /// The arrangement of the panels, for the menu that shows and hides them.
    pub arrangement: &'a DockLayout,
    /// Directions of the history that are available.
    pub can: HistoryState,
    /// Paths of runs that were opened before, the latest first.
    pub recent: &'a [PathBuf],
    /// A recording is open, so that its view can be copied and saved.
    pub open: bool,
}

/// Directions of the view history that are available.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistoryState {
    /// There is a previously visited view.
    pub back: bool,
    /// There is a view visited after the current one.
    pub forward: bool,
    /// There is a change to undo.
    pub undo: bool,
    /// There is an undone change to repeat.
    pub redo: bool,
}

impl TopBar<'_> {
    /// Shows the bar, and returns the chosen command.
    pub fn show(&self, ui: &mut Ui) -> Option<Command> {
        let mut requested = None;
        let mut request_if = |pressed: bool, command: Command| {
            if pressed {
                requested = Some(command);
            }
        };
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            request_if(button(ui, "Open", "Open a run", "Open a run (Ctrl O)", true), Command::Open);
            let recent = menu(ui, "Recent", "Recent runs", !self.recent.is_empty(), |ui| {
                let chosen = self.recent.iter().take(RECENT).find(|path| {
                    let text = path.display().to_string();
                    ui.button(RichText::new(tail(&text, 64)).size(SMALL)).on_hover_text(text).clicked()
                });
                chosen.cloned()
            });
            if let Some(path) = recent.flatten() {
                request_if(true, Command::OpenPath(path));
            }
            ui.add_space(12.0);
            for (text, name, tip, enabled, command) in [
                ("Back", "Back", "The view before (Alt Left)", self.can.back, Command::Back),
                ("Forward", "Forward", "The view after (Alt Right)", self.can.forward, Command::Forward),
                (
                    "Undo",
                    "Undo",
                    "Undo the last change, the camera stays (Ctrl Z)",
                    self.can.undo,
                    Command::Undo,
                ),
                ("Redo", "Redo", "Do it again (Ctrl Shift Z)", self.can.redo, Command::Redo),
            ] {
                request_if(button(ui, text, name, tip, enabled), command);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                request_if(button(ui, "?", "Keys and mouse", "Keys and mouse (?)", true), Command::Keys);
                request_if(
                    button(ui, "Commands", "Find a command", "Find a command (Ctrl K)", true),
                    Command::Commands,
                );
                let panel = menu(ui, "Panels", "Panels", true, |ui| self.panels(ui));
                if let Some(command) = panel.flatten() {
                    request_if(true, command);
                }
                let tip = "Save what is shown as a PNG (Ctrl S)";
                request_if(button(ui, "Picture", "Save the picture", tip, self.open), Command::SavePicture);
                let copied = menu(ui, "Copy", "Copy this view", self.open, |ui| {
                    [
                        ("As a command line", "Ctrl E", Command::CopyCommandLine),
                        ("As JSON that opens it again", "Ctrl J", Command::CopyView),
                        ("The values shown", "Ctrl D", Command::CopyValues),
                        ("A summary in words", "Ctrl I", Command::CopySummary),
                    ]
                    .into_iter()
                    .find(|(text, keys, _)| ui.add(Button::new(*text).shortcut_text(*keys)).clicked())
                    .map(|(_, _, command)| command)
                });
                if let Some(command) = copied.flatten() {
                    request_if(true, command);
                }
            });
        });
        requested
    }

    fn panels(&self, ui: &mut Ui) -> Option<Command> {
        let mut requested = None;
        for pane in Pane::PANELS {
            let mut on = self.arrangement.has(pane);
            if ui.checkbox(&mut on, pane.title()).clicked() {
                requested = Some(Command::Toggle(pane));
            }
        }
        ui.separator();
        if ui.add(Button::new("Only the scene").shortcut_text("F10")).clicked() {
            requested = Some(Command::OnlyScene);
        }
        if ui.button("Where they began").clicked() {
            requested = Some(Command::ResetLayout);
        }
        requested
    }
}

fn button(ui: &mut Ui, text: &str, name: &str, tip: &str, enabled: bool) -> bool {
    let button = Button::new(RichText::new(text).size(SMALL)).frame_when_inactive(false);
    let response = ui.add_enabled(enabled, button).on_hover_text(tip);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    response.clicked()
}

fn menu<T>(ui: &mut Ui, text: &str, name: &str, enabled: bool, add: impl FnOnce(&mut Ui) -> T) -> Option<T> {
    let outer = ui.add_enabled_ui(enabled, |ui| {
        let button = Button::new(RichText::new(text).size(SMALL)).frame_when_inactive(false);
        egui::containers::menu::MenuButton::from_button(button).ui(ui, add)
    });
    let (response, inner) = outer.inner;
    response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, name));
    inner.map(|inner| inner.inner)
}

/// Returns the end of a text, at most `most` characters.
fn tail(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(count + 1 - most)).collect()
}

/// The outcome of the last command, shown in the status bar for a few seconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Notice {
    message: Option<(String, f64)>,
}

impl Notice {
    /// Replaces the notice at time `now`, in seconds.
    pub fn set(&mut self, text: impl Into<String>, now: f64) {
        self.message = Some((text.into(), now));
    }

    fn text(&self, now: f64) -> Option<&str> {
        self.message.as_ref().filter(|(_, since)| now - since < NOTICE).map(|(text, _)| text.as_str())
    }
}

/// The amount of drawing and its duration.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RenderLoad<'a> {
    /// Number of cells of all scenes.
    pub units: u64,
    /// Number of pixels of all scenes.
    pub pixels: u64,
    /// Milliseconds for the last picture; `None` before the first.
    pub frame_ms: Option<f32>,
    /// Milliseconds for the layout of the panels.
    pub panels_ms: Option<f32>,
    /// Name of the graphics adapter.
    pub adapter: &'a str,
}

impl RenderLoad<'_> {
    /// Returns the load as text.
    pub fn text(&self) -> String {
        let units = match self.units {
            1 => "1 unit".to_owned(),
            units => format!("{} units", text::format_count(units)),
        };
        let density = self.units as f32 / self.pixels.max(1) as f32;
        let mut parts = vec![units, format!("{} a pixel", text::format_value(density, density))];
        parts.extend(self.frame_ms.map(|ms| format!("{ms:.0} ms a picture")));
        parts.extend(self.panels_ms.map(|ms| format!("{ms:.1} ms panels")));
        parts.push(self.adapter.to_owned());
        parts.join(" · ")
    }
}

/// Paints the status bar: the notice, else a hint, and the render load.
pub fn status(ui: &Ui, rect: egui::Rect, palette: Palette, notice: &Notice, load: RenderLoad) {
    let now = ui.input(|input| input.time);
    let font = FontId::proportional(SMALL - 1.0);
    let painter = ui.painter_at(rect);
    let right = painter.text(
        rect.right_center() - vec2(12.0, 0.0),
        Align2::RIGHT_CENTER,
        load.text(),
        font.clone(),
        palette.dim,
    );
    let (text, colour) = match notice.text(now) {
        Some(text) => {
            ui.ctx().request_repaint_after(std::time::Duration::from_millis(500));
            (text, palette.accent)
        }
        None => ("Click a cell to pin its unit · Ctrl K for every command · ? for keys", palette.dim),
    };
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width((right.left() - rect.left() - 36.0).max(0.0));
    let galley = painter.layout_job(job);
    let at = Align2::LEFT_CENTER.anchor_size(rect.left_center() + vec2(12.0, 0.0), galley.size());
    painter.galley(at.min, galley, colour);
    let id = ui.scope_id().with("status");
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, format!("{text} · {}", load.text())));
}
