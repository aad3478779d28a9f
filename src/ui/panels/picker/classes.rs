//! The list of classes: all of a few side by side; many in one column, with a search field.

use egui::Ui;

use super::class_search::MANY;
use super::list::{ListResponse, SelectableList};
use super::row::{ListEntry, PredictionOutcome, text_width};
use super::search_edit::search_edit;
use super::{PickerState, SelectionPicker, without_lists};
use crate::model::{Ranges, Selection};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::ROW;
use crate::ui::widgets::list_selection::{DragMode, ListSelection};

/// Greatest number of columns.
const COLUMNS: usize = 4;
/// Space beside the name of a class, in points.
const AIR: f32 = 16.0;

impl SelectionPicker<'_> {
    /// Shows the list, with a search field if there are many classes; returns the selection if it changed.
    pub(super) fn classes(
        &self,
        ui: &mut Ui,
        state: &mut PickerState,
        current: &Selection,
    ) -> Option<Selection> {
        let many = self.recording.classes.len() >= MANY;
        if many && let Some(class) = self.search_classes(ui, state) {
            let chosen = Ranges::from(class..=class);
            return Some(without_lists(current).with_classes(self.recording, &chosen));
        }
        let columns = if many { 1 } else { self.columns(ui) };
        let PickerState { classes, class_search, resolved, list: shown, .. } = state;
        let list = SelectableList {
            name: &format!("{}: classes", self.group),
            palette: self.palette,
            rows: class_search.rows(self.recording),
            columns,
            row: ROW,
            height: if many { self.list_height } else { MANY as f32 * ROW },
            chosen: &resolved.as_ref()?.classes,
            drag_mode: DragMode::Sweep,
        };
        *shown = many.then(|| list.shown_height());
        let entry = |index: usize| {
            let class = &self.recording.classes[index];
            ListEntry {
                name: format!("{}: class {}", self.group, class.name),
                left: class.name.clone(),
                right: size(class.count()).into(),
                outcome: PredictionOutcome::Unknown,
                picture: None,
                belongs: false,
            }
        };
        let ListResponse { chosen, replaces } = list.show(ui, classes, entry)?;
        let base = if replaces { without_lists(current) } else { current.clone() };
        Some(base.with_classes(self.recording, &chosen))
    }

    /// Returns the number of columns into which all names fit.
    fn columns(&self, ui: &Ui) -> usize {
        let widths = self.recording.classes.iter().map(|class| text_width(ui, &class.name) + AIR);
        ((ui.available_width() / widths.fold(1.0, f32::max)) as usize).clamp(1, COLUMNS)
    }

    /// Shows the search field; returns the class that Enter selects, the first match.
    fn search_classes(&self, ui: &mut Ui, state: &mut PickerState) -> Option<usize> {
        let PickerState { classes, class_search, .. } = state;
        let name = format!("{}: search classes", self.group);
        let search = search_edit(ui, &mut class_search.text, &name, "Search by name or number");
        if class_search.update(self.recording, self.recording_id) {
            // Rows change with the matches.
            *classes = ListSelection::default();
        }
        let rows = class_search.rows(self.recording);
        if rows.count() == 0 {
            ui.label(egui::RichText::new("no class goes by this name").size(SMALL).color(self.palette.dim));
        }
        (search.entered && rows.count() > 0).then(|| rows.input(0))
    }
}

/// Formats the size of a class.
fn size(inputs: u64) -> String {
    match inputs {
        1 => "1 input".to_owned(),
        _ => format!("{} inputs", text::format_count(inputs)),
    }
}
