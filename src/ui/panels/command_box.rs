//! The command box, which finds commands by a part of their name, and the list of keys.

use std::path::PathBuf;

use egui::{
    Align2, Area, Frame, Id, Key, Modifiers, Order, RichText, ScrollArea, TextEdit, Ui, WidgetInfo, vec2,
};

use crate::ui::commands;
use crate::ui::commands::Command;
use crate::ui::commands::CommandContext;
use crate::ui::commands::CommandEntry;
use crate::ui::commands::SCENE_GESTURES;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::TEXT;
use crate::ui::style::semibold;
use crate::ui::widgets::ROW;
use crate::ui::widgets::RowContent;
use crate::ui::widgets::row;

/// Maximum number of visible rows.
const ROWS: usize = 12;

/// The command box and its input state.
#[derive(Debug, Default)]
pub struct CommandBox {
    open: bool,
    text: String,
    /// A remark above the field.
    note: String,
    chosen: usize,
}

impl CommandBox {
    /// Opens the box with an empty text.
    pub fn open(&mut self) {
        *self = Self { open: true, ..Self::default() };
    }

    /// Opens the box with a text and a remark about it.
    pub fn open_with(&mut self, text: String, note: String) {
        *self = Self { open: true, text, note, chosen: 0 };
    }

    /// Returns `true` if the box is open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Shows the box if it is open, and returns the chosen command.
    pub fn show(&mut self, ui: &Ui, context: &CommandContext, palette: Palette) -> Option<Command> {
        if !self.open {
            return None;
        }
        let steps = ui.input_mut(|input| {
            if input.consume_key(Modifiers::NONE, Key::Escape) {
                self.open = false;
            }
            let down = input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown);
            let up = input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp);
            down as isize - up as isize
        });
        let enter = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter));
        let mut all = commands::available(context);
        let mut matches: Vec<&CommandEntry> = Vec::new();
        if let Some(path) = path(&self.text) {
            all.insert(
                0,
                CommandEntry {
                    name: format!("Open {}", path.display()),
                    keys: "Enter",
                    command: Command::OpenPath(path),
                },
            );
            matches.push(&all[0]);
        } else {
            let epoch = context.recording.and_then(|recording| commands::go_to_epoch(recording, &self.text));
            let is_epoch = epoch.is_some();
            all.splice(0..0, epoch);
            matches.extend(all.first().filter(|_| is_epoch));
            matches.extend(commands::find(&all[usize::from(is_epoch)..], &self.text));
        }
        let last = matches.len().saturating_sub(1);
        self.chosen = self.chosen.saturating_add_signed(steps).min(last);
        let mut command =
            enter.then(|| matches.get(self.chosen).map(|entry| entry.command.clone())).flatten();
        let screen = ui.ctx().content_rect();
        let width = (0.6 * screen.width()).clamp(240.0, 560.0);
        let area = Area::new(Id::unique("command box"))
            .order(Order::Foreground)
            .fade_in(false)
            .anchor(Align2::CENTER_TOP, vec2(0.0, 64.0));
        let output = area.show(ui.ctx(), |ui| {
            Frame::popup(ui.style()).inner_margin(12.0).show(ui, |ui| {
                ui.set_width(width);
                if !self.note.is_empty() {
                    ui.label(RichText::new(&self.note).size(SMALL).color(palette.warning));
                    ui.add_space(4.0);
                }
                let edit = TextEdit::singleline(&mut self.text)
                    .hint_text("Find a command, or type the path of a run")
                    .desired_width(f32::INFINITY);
                let response = ui.add(edit);
                response
                    .widget_info(|| WidgetInfo::text_edit(true, &self.text, &self.text, "Name of a command"));
                ui.ctx().accesskit_node_builder(response.id, |node| node.set_label("Name of a command"));
                response.request_focus();
                if response.changed() {
                    self.chosen = 0;
                }
                ui.add_space(4.0);
                ui.spacing_mut().item_spacing.y = 0.0;
                let area = ScrollArea::vertical().max_height(ROWS as f32 * ROW).auto_shrink([false, true]);
                area.show_rows(ui, ROW, matches.len(), |ui, rows| {
                    for index in rows {
                        let entry = matches[index];
                        let content = RowContent {
                            name: format!("Command: {}", entry.name),
                            left: &entry.name,
                            right: if entry.keys.is_empty() { entry.command.group() } else { entry.keys },
                            selected: index == self.chosen,
                        };
                        let response = row(ui, palette, content);
                        if index == self.chosen && steps != 0 {
                            response.scroll_to_me(None);
                        }
                        if response.clicked() {
                            command = Some(entry.command.clone());
                        }
                    }
                });
                if matches.is_empty() {
                    let none = "Nothing is called that. A path has a / in it.";
                    ui.label(RichText::new(none).size(SMALL).color(palette.dim));
                }
            });
        });
        let elsewhere = ui.input(|input| {
            input.pointer.any_pressed()
                && input.pointer.interact_pos().is_some_and(|at| !output.response.rect.contains(at))
        });
        if command.is_some() || elsewhere {
            self.open = false;
        }
        command
    }
}

/// Returns the path in a text that contains a separator or begins with `~`.
fn path(text: &str) -> Option<PathBuf> {
    let text = text.trim();
    let is_path = text.contains('/') || text.contains(std::path::MAIN_SEPARATOR) || text.starts_with('~');
    if !is_path {
        return None;
    }
    let home = std::env::home_dir().filter(|_| text == "~" || text.starts_with("~/"));
    Some(match home {
        Some(home) => home.join(text.trim_start_matches('~').trim_start_matches('/')),
        None => PathBuf::from(text),
    })
}

/// Shows the list of keys and mouse gestures over the window; returns `true` if it stays open.
pub fn show_key_list(ui: &Ui, context: &CommandContext, palette: Palette) -> bool {
    let closed = ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape));
    let screen = ui.ctx().content_rect();
    let all: Vec<CommandEntry> =
        commands::available(context).into_iter().filter(|entry| !entry.keys.is_empty()).collect();
    let room = vec2((0.9 * screen.width()).min(900.0), 0.9 * screen.height());
    let area = Area::new(Id::unique("keys"))
        .order(Order::Foreground)
        .fade_in(false)
        .default_size(room)
        .anchor(Align2::CENTER_CENTER, vec2(0.0, 0.0));
    let output = area.show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).inner_margin(20.0).show(ui, |ui| {
            ui.set_max_width(room.x);
            ScrollArea::vertical().max_height(room.y - 40.0).show(ui, |ui| {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 32.0;
                    let scene = SCENE_GESTURES.iter().map(|(keys, action)| (*keys, *action));
                    let keys_of = |groups: &[&str]| -> Vec<(&str, &str)> {
                        let entries = all.iter().filter(|entry| groups.contains(&entry.command.group()));
                        entries.map(|entry| (entry.keys, entry.name.as_str())).collect()
                    };
                    ui.vertical(|ui| {
                        table(ui, palette, "In the scene", scene.collect());
                        table(ui, palette, "Columns", keys_of(&["Columns"]));
                    });
                    ui.vertical(|ui| {
                        table(ui, palette, "Views", keys_of(&["Views"]));
                        table(ui, palette, "Training", keys_of(&["Training"]));
                    });
                    ui.vertical(|ui| {
                        table(ui, palette, "Files", keys_of(&["File"]));
                        table(ui, palette, "Panels", keys_of(&["Panels"]));
                    });
                });
            });
        });
    });
    let elsewhere = ui.input(|input| {
        input.pointer.any_pressed()
            && input.pointer.interact_pos().is_some_and(|at| !output.response.rect.contains(at))
    });
    !closed && !elsewhere
}

fn table(ui: &mut Ui, palette: Palette, title: &str, rows: Vec<(&str, &str)>) {
    if rows.is_empty() {
        return;
    }
    ui.vertical(|ui| {
        ui.label(RichText::new(title).font(egui::FontId::new(TEXT, semibold())));
        egui::Grid::new(("keys", title)).num_columns(2).spacing(vec2(12.0, 2.0)).show(ui, |ui| {
            for (keys, action) in rows {
                ui.label(RichText::new(keys).size(SMALL).color(palette.accent));
                ui.label(RichText::new(action).size(SMALL));
                ui.end_row();
            }
        });
        ui.add_space(8.0);
    });
}
