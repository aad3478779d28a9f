//! The table of layers: sorting, searching, hiding and framing. Only visible rows are laid out.

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

/// Number of rows that a page key moves by.
const PAGE: usize = 10;
/// Width of the search field, in points.
const SEARCH: f32 = 144.0;

/// The table of layers.
#[derive(Clone, Copy)]
pub struct LayersPanel<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// Statistics per layer at the current epoch; `None` until they are known.
    pub stats: Option<&'a [LayerStats]>,
    /// The number of the epoch of `stats` if it is not the current one.
    pub stats_epoch: Option<u64>,
    /// The framed layer, as an index into [`Recording::layers`].
    pub framed: Option<usize>,
    /// The layer hovered in the scene, as an index into [`Recording::layers`].
    pub hovered: Option<usize>,
    /// The colours.
    pub palette: Palette,
}

/// A request of the table that is no change of the view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayersAction {
    /// Frame a layer, an index into [`Recording::layers`].
    Frame(usize),
    /// Put this text on the clipboard.
    Copy(String),
}

/// Input state of the table.
#[derive(Debug, Default)]
pub struct LayersPanelState {
    /// The selected layer, as an index into [`Recording::layers`]. If it is set from outside, the table
    /// scrolls to it.
    pub selected: Option<usize>,
    search: String,
    sort: Option<TableSort>,
    order: LayerOrder,
    /// The layer that was selected in the last frame.
    previously_selected: Option<usize>,
}

impl LayersPanel<'_> {
    /// Shows the table over the available space; hides and shows layers in the view.
    pub fn show(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        state: &mut LayersPanelState,
    ) -> Option<LayersAction> {
        let layers = self.recording.layers.len();
        state.selected = state.selected.filter(|&layer| layer < layers);
        // Selected from outside: the table scrolls to the row.
        let mut reveal = state.selected != state.previously_selected;
        let mut action = ui.horizontal_wrapped(|ui| self.toolbar(ui, view, state)).inner;
        state.order.update(self.recording, self.stats, state.sort, &state.search);
        if state.order.rows().is_empty() {
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
            let (requested, moved) = self.handle_keys(ui, &table, view, state);
            action = requested.or(action);
            reveal |= moved;
        }
        action = self.rows(ui, &table, view, state, reveal).or(action);
        focus_ring(ui, &table, self.palette);
        state.previously_selected = state.selected;
        action
    }

    /// Shows the search field and the buttons above the table.
    fn toolbar(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        state: &mut LayersPanelState,
    ) -> Option<LayersAction> {
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
        // Enter selects the first match.
        if response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)) {
            state.selected = state.order.rows().first().copied().or(state.selected);
        }
        let (listed, all) = (state.order.rows().len(), self.recording.layers.len());
        let count = format!("{} of {}", text::format_count(listed as u64), text::format_count(all as u64));
        ui.add(Label::new(RichText::new(count).size(SMALL).color(palette.dim)));
        if let Some(epoch) = self.stats_epoch {
            let text = format!("statistics of epoch {epoch}");
            ui.add(Label::new(RichText::new(text).size(SMALL).color(palette.warning)));
        }

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
            action = Some(LayersAction::Copy(self.tab_separated(state.order.rows())));
        }
        action
    }

    /// Handles the keys of the focused table; returns an action, and `true` if the selected row changed.
    fn handle_keys(
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
            // A closure, because the search for the row is slow and only needed after a key press.
            let at = || state.selected.and_then(|layer| state.order.row_of(layer));
            let to = match (key, state.selected) {
                (Key::ArrowDown, _) => at().map_or(0, |row| row + 1),
                (Key::ArrowUp, _) => at().map_or(last, |row| row.saturating_sub(1)),
                (Key::PageDown, _) => at().map_or(0, |row| row + PAGE),
                (Key::PageUp, _) => at().map_or(last, |row| row.saturating_sub(PAGE)),
                (Key::Home | Key::End, _) => {
                    // Elsewhere these keys are commands of the scene.
                    ui.input_mut(|input| input.consume_key(modifiers, key));
                    if key == Key::Home { 0 } else { last }
                }
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

    /// Returns the listed rows as tab-separated text with a line of headings.
    fn tab_separated(&self, rows: &[usize]) -> String {
        let mut text = TableColumn::ALL.map(|column| column.title().to_lowercase()).join("\t");
        text.push('\n');
        for &row in rows {
            let Some(layer) = self.recording.layers.get(row) else { continue };
            let stats = self.stats_of(row);
            text.push_str(&TableColumn::ALL.map(|column| column.copy_text(layer, stats)).join("\t"));
            text.push('\n');
        }
        text
    }

    fn stats_of(&self, layer: usize) -> Option<&LayerStats> {
        self.stats.and_then(|stats| stats.get(layer))
    }
}
