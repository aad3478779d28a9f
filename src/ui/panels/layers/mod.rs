//! The layers as a table: sorted, searched, shown and hidden, and led to. Only the rows in sight are
//! laid out.

mod column;
mod order;
mod table;
#[cfg(test)]
mod tests;

use egui::{Button, Event, EventFilter, FontId, Key, Label, RichText, Role, Sense, TextEdit, Ui, WidgetInfo};

use self::column::TableColumn;
use self::order::{LayerOrder, TableSort};
use crate::insight::LayerStats;
use crate::model::{Recording, ViewState};
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::focus_ring;

/// LayerTableDelegate that a page key goes on by.
const PAGE: usize = 10;
/// Width of the line that is searched by.
const SEARCH: f32 = 144.0;

/// What the table has to know.
#[derive(Clone, Copy)]
pub struct LayersPanel<'a> {
    pub recording: &'a Recording,
    /// One per layer, at the epoch that is shown; `None` as long as they are not known.
    pub stats: Option<&'a [LayerStats]>,
    /// The layer that the camera stands before.
    pub framed: Option<usize>,
    /// The layer pointed at in the scene.
    pub hovered: Option<usize>,
    pub palette: Palette,
}

/// What the table asks for that is not a change of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayersAction {
    /// Bring the camera before a layer.
    Frame(usize),
    /// Put a text on the clipboard.
    Copy(String),
}

/// Where state are in the table.
#[derive(Debug, Default)]
pub struct LayersPanelState {
    /// The chosen layer; others may set it, and the table follows.
    pub selected: Option<usize>,
    /// The layer whose row is pointed at, as of the last frame.
    pub pointed: Option<usize>,
    search: String,
    sort: Option<TableSort>,
    order: LayerOrder,
    /// What was chosen in the last frame.
    known: Option<usize>,
}

impl LayersPanel<'_> {
    /// Shows the table, as wide and high as there is room; hides and shows layers in the view.
    pub fn show(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        state: &mut LayersPanelState,
    ) -> Option<LayersAction> {
        let layers = self.recording.layers.len();
        state.selected = state.selected.filter(|&layer| layer < layers);
        // Set by others: its row comes into sight.
        let mut reveal = state.selected != state.known;
        let mut action = ui.horizontal_wrapped(|ui| self.tools(ui, view, state)).inner;
        state.order.update(self.recording, self.stats, state.sort, &state.search);
        if state.order.rows().is_empty() {
            state.pointed = None;
            ui.label(RichText::new("no layer goes by this name").size(SMALL).color(self.palette.dim));
            return action;
        }
        let id = ui.scope_id().with("layers");
        let table = ui.interact(ui.available_rect_before_wrap(), id, Sense::click());
        table.widget_info(|| WidgetInfo::labeled(Role::Table, ui.is_enabled(), "Layers"));
        if table.clicked() {
            table.request_focus();
        }
        if table.has_focus() {
            let (asked, moved) = self.keys(ui, &table, view, state);
            action = asked.or(action);
            reveal |= moved;
        }
        action = self.rows(ui, &table, view, state, reveal).or(action);
        focus_ring(ui, &table, self.palette);
        state.known = state.selected;
        action
    }

    /// The line above the table: what is searched for, and what can be done.
    fn tools(&self, ui: &mut Ui, view: &mut ViewState, state: &mut LayersPanelState) -> Option<LayersAction> {
        let palette = self.palette;
        let edit = TextEdit::singleline(&mut state.search)
            .font(FontId::proportional(SMALL))
            .hint_text("name, type, conv*")
            .desired_width(SEARCH);
        let response = ui.add(edit);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), "Layers: search");
            info.current_text_value = Some(state.search.clone());
            info
        });
        state.order.update(self.recording, self.stats, state.sort, &state.search);
        // Enter takes the first that was found.
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            state.selected = state.order.rows().first().copied().or(state.selected);
        }
        let (listed, all) = (state.order.rows().len(), self.recording.layers.len());
        let count = format!("{} of {}", text::format_count(listed as u64), text::format_count(all as u64));
        ui.add(Label::new(RichText::new(count).size(SMALL).color(palette.dim)));

        let button = |ui: &mut Ui, name: &str, enabled: bool, tip: &str| {
            let response = ui.add_enabled(enabled, Button::new(RichText::new(name).size(SMALL)));
            response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, format!("Layers: {name}")));
            response.on_hover_text(tip).clicked()
        };
        let chosen = state.selected;
        let mut action = None;
        if button(ui, "Solo", chosen.is_some(), "Hide all other layers; again: show all (S)") {
            chosen.inspect(|&layer| view.solo_layer(self.name(layer), self.recording));
        }
        let hidden = chosen.is_some_and(|layer| self.is_hidden(view, layer));
        let name = if hidden { "Show" } else { "Hide" };
        if button(ui, name, chosen.is_some(), "Hide or show the slab of the chosen layer (H)") {
            chosen.inspect(|&layer| view.toggle_layer(self.name(layer)));
        }
        if button(ui, "Frame", chosen.is_some(), "Bring the camera before the chosen layer (Enter)") {
            action = chosen.map(LayersAction::Frame);
        }
        if button(ui, "Show all", !view.hidden.is_empty(), "Show all layers") {
            view.hidden.clear();
        }
        if button(ui, "Copy", listed > 0, "Copy the rows that are listed, as tab-separated text") {
            action = Some(LayersAction::Copy(self.copied(state.order.rows())));
        }
        action
    }

    /// What the keys do, which are the table's while it has the focus; whether they led to another row.
    fn keys(
        &self,
        ui: &Ui,
        table: &egui::Response,
        view: &mut ViewState,
        state: &mut LayersPanelState,
    ) -> (Option<LayersAction>, bool) {
        let arrows = EventFilter { vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(table.id, arrows));
        let (mut action, mut moved) = (None, false);
        for event in ui.input(|input| input.events.clone()) {
            let Event::Key { key, pressed: true, repeat, modifiers, .. } = event else { continue };
            if modifiers.any() {
                continue;
            }
            let last = state.order.rows().len().saturating_sub(1);
            // Only when a key is pressed is a layer looked for in the list.
            let at = || state.selected.and_then(|layer| state.order.row_of(layer));
            let to = match (key, state.selected) {
                (Key::ArrowDown, _) => at().map_or(0, |row| row + 1),
                (Key::ArrowUp, _) => at().map_or(last, |row| row.saturating_sub(1)),
                (Key::PageDown, _) => at().map_or(0, |row| row + PAGE),
                (Key::PageUp, _) => at().map_or(last, |row| row.saturating_sub(PAGE)),
                (Key::Home, _) => 0,
                (Key::End, _) => last,
                (Key::Enter, Some(layer)) => {
                    action = Some(LayersAction::Frame(layer));
                    continue;
                }
                (Key::H, Some(layer)) if !repeat => {
                    view.toggle_layer(self.name(layer));
                    continue;
                }
                (Key::S, Some(layer)) if !repeat => {
                    view.solo_layer(self.name(layer), self.recording);
                    continue;
                }
                _ => continue,
            };
            state.selected = state.order.rows().get(to.min(last)).copied();
            moved = true;
        }
        (action, moved)
    }

    fn name(&self, layer: usize) -> &str {
        self.recording.layers.get(layer).map_or("", |layer| &layer.name)
    }

    fn is_hidden(&self, view: &ViewState, layer: usize) -> bool {
        view.hidden.contains(self.name(layer))
    }

    /// The listed rows as tab-separated text, a line of headings first.
    fn copied(&self, rows: &[usize]) -> String {
        let mut text = TableColumn::ALL.map(|column| column.title().to_lowercase()).join("\t");
        text.push('\n');
        for &row in rows {
            let Some(layer) = self.recording.layers.get(row) else { continue };
            let stats = self.stats_of(row);
            text.push_str(&TableColumn::ALL.map(|column| column.copied(layer, stats)).join("\t"));
            text.push('\n');
        }
        text
    }

    fn stats_of(&self, layer: usize) -> Option<&LayerStats> {
        self.stats.and_then(|stats| stats.get(layer))
    }
}
