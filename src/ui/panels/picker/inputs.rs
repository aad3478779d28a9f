//! The list of inputs, with a search field, filters by class and prediction, pictures and predictions.

use std::borrow::Cow;

use egui::{RichText, Role, ScrollArea, Ui, WidgetInfo};

use super::filter::{InputFilter, ListRows};
use super::list::{ListResponse, SelectableList};
use super::row::{ListEntry, PredictionOutcome, TALL};
use super::search_edit::search_edit;
use super::{PickerState, ResolvedSelection, SelectionPicker, without_lists};
use crate::model::{PredictionFilter, Selection};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::list_selection::DragMode;
use crate::ui::widgets::list_selection::ListSelection;
use crate::ui::widgets::{ROW, named, segmented};

/// Edge of the picture of the selected input, in points.
const COVER: f32 = 72.0;
/// Number of visible rows in the list of classes.
const CLASSES: f32 = 12.0;

impl SelectionPicker<'_> {
    /// Shows the search field, the filters and the list; returns the selection if it changed.
    pub(super) fn inputs(
        &self,
        ui: &mut Ui,
        state: &mut PickerState,
        current: &Selection,
    ) -> Option<Selection> {
        let target = self.search_field(ui, state);
        self.filter_controls(ui, &mut state.filter);
        let more = self.advance_search(state);
        if more {
            ui.ctx().request_repaint();
        }
        let all_matches = self.match_count(ui, state, current, more);
        if let Some(SearchTarget { input, select }) = target {
            let number = state.filter.number(self.recording.inputs.len());
            let rows = state.rows(self.recording);
            let first = (rows.count() > 0).then(|| rows.input(0));
            let target = input.or(number).or(first.filter(|_| select));
            state.move_cursor(target, self.recording);
            if select && let Some(target) = target {
                return Some(Selection { epoch: current.epoch, ..Selection::input(target) });
            }
        }
        let has_pictures = self.has_pictures(state);
        let PickerState { inputs, resolved, matches, list: shown, .. } = state;
        let resolved = resolved.as_ref()?;
        let every = ListRows::All(self.recording.inputs.len());
        let list = SelectableList {
            name: &format!("{}: inputs", self.group),
            palette: self.palette,
            rows: if matches.filter().is_active() { matches.rows() } else { every },
            columns: 1,
            row: if has_pictures { TALL } else { ROW },
            height: self.list_height,
            chosen: &resolved.inputs,
            drag_mode: DragMode::Lasso,
        };
        *shown = Some(list.shown_height());
        let change = list.show(ui, inputs, |index| self.entry(resolved, index, has_pictures));
        self.picture(ui, current);
        let Some(ListResponse { chosen, replaces }) = change else { return all_matches };
        Some(match chosen.single() {
            // A single input is a selection of its own, whatever the terms before.
            Some(input) if replaces => Selection { epoch: current.epoch, ..Selection::input(input) },
            _ if replaces => without_lists(current).with_inputs(&chosen),
            _ => current.with_inputs(&chosen),
        })
    }

    /// Shows the search field; returns the input that it requests.
    fn search_field(&self, ui: &mut Ui, state: &mut PickerState) -> Option<SearchTarget> {
        let name = format!("{}: search inputs", self.group);
        let hint = "Search by name, or go to a number";
        let search = search_edit(ui, &mut state.filter.text, &name, hint);
        if search.entered {
            return Some(SearchTarget { input: None, select: true });
        }
        let number = state.filter.number(self.recording.inputs.len());
        (search.changed && number.is_some()).then_some(SearchTarget { input: number, select: false })
    }

    /// Shows the filters by class and by prediction.
    fn filter_controls(&self, ui: &mut Ui, filter: &mut InputFilter) {
        let classes = &self.recording.classes;
        if !classes.is_empty() {
            let text = |class: Option<usize>| match class.and_then(|class| classes.get(class)) {
                Some(class) => class.name.clone(),
                None => "all classes".to_owned(),
            };
            let combo = egui::ComboBox::from_id_salt((self.group, "class of rows"))
                .selected_text(RichText::new(text(filter.class)).size(SMALL))
                .truncate()
                .width(ui.available_width())
                .show_ui(ui, |ui| {
                    let row = ui.spacing().interact_size.y;
                    let area = ScrollArea::vertical().max_height(CLASSES * row);
                    area.show_rows(ui, row, classes.len() + 1, |ui, rows| {
                        for row in rows {
                            let class = row.checked_sub(1);
                            ui.selectable_value(&mut filter.class, class, text(class));
                        }
                    });
                });
            combo.response.widget_info(|| {
                let name = format!("{}: class of rows", self.group);
                let mut info = WidgetInfo::labeled(Role::ComboBox, true, name);
                info.current_text_value = Some(text(filter.class));
                info
            });
        }
        if self.predictions.is_some() {
            let options = [
                (PredictionFilter::All, "All"),
                (PredictionFilter::Right, "Right"),
                (PredictionFilter::Wrong, "Wrong"),
            ];
            let group = format!("{} rows", self.group);
            let chosen = named(ui, self.palette, "List", |ui| {
                segmented(ui, self.palette, &group, &options, Some(filter.predicted))
            });
            filter.predicted = chosen.unwrap_or(filter.predicted);
        }
    }

    /// Continues the search; returns `true` if inputs are left.
    fn advance_search(&self, state: &mut PickerState) -> bool {
        let mut filter = state.filter.without_number(self.recording.inputs.len());
        // A class or prediction that this recording lacks excludes nothing.
        filter.class = filter.class.filter(|class| *class < self.recording.classes.len());
        if self.predictions.is_none() {
            filter.predicted = PredictionFilter::All;
        }
        filter.text = filter.text.trim().to_owned();
        if *state.matches.filter() != filter {
            // Row indices change with the filter.
            state.inputs = ListSelection::default();
        }
        if filter.is_active() {
            return state.matches.advance(
                &filter,
                self.recording,
                self.recording_id,
                self.predictions,
                self.epoch,
            );
        }
        state.matches = super::FilteredInputs::default();
        false
    }

    /// Shows the number of matches, and the button that selects them.
    fn match_count(
        &self,
        ui: &mut Ui,
        state: &PickerState,
        current: &Selection,
        more: bool,
    ) -> Option<Selection> {
        if !state.matches.filter().is_active() {
            return None;
        }
        let rows = state.matches.rows();
        let total = self.recording.inputs.len();
        let count = |count: usize| text::format_count(count as u64);
        let mut requested = None;
        ui.horizontal(|ui| {
            let text = if more {
                format!("{} in {} of {}…", count(rows.count()), count(state.matches.searched()), count(total))
            } else {
                format!("{} of {}", count(rows.count()), count(total))
            };
            ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
            let layout = egui::Layout::right_to_left(egui::Align::Center);
            ui.with_layout(layout, |ui| {
                let text = RichText::new("Select all shown").size(SMALL);
                let button = ui.add_enabled(!more && rows.count() > 0, egui::Button::new(text));
                button.widget_info(|| {
                    let name = format!("{}: select all shown", self.group);
                    WidgetInfo::labeled(Role::Button, ui.is_enabled(), name)
                });
                if button.clicked() {
                    requested = Some(state.matches.filter().selection(self.recording, current, rows));
                }
            });
        });
        requested
    }

    /// Returns `true` if the recording has pictures of inputs.
    fn has_pictures(&self, state: &mut PickerState) -> bool {
        if self.pictures.is_none() {
            return false;
        }
        match state.has_pictures {
            Some((id, has_pictures)) if id == self.recording_id => has_pictures,
            _ => {
                let has_pictures = self.recording.inputs.iter().any(|input| input.has_picture);
                state.has_pictures = Some((self.recording_id, has_pictures));
                has_pictures
            }
        }
    }

    /// Returns the content of an input's row.
    fn entry(&self, resolved: &ResolvedSelection, index: usize, has_pictures: bool) -> ListEntry<'_> {
        let input = &self.recording.inputs[index];
        let name_of = |class: usize| self.recording.classes.get(class).map(|class| class.name.as_str());
        let number = index.to_string();
        let predicted = self.predictions.and_then(|all| all.get(index).copied().flatten());
        let outcome = match (predicted, input.class) {
            (None, _) => PredictionOutcome::Unknown,
            (Some(predicted), Some(class)) if predicted == class => PredictionOutcome::Right,
            (Some(predicted), Some(_)) => {
                PredictionOutcome::Wrong(name_of(predicted).unwrap_or("another class"))
            }
            (Some(predicted), None) => {
                name_of(predicted).map_or(PredictionOutcome::Unknown, PredictionOutcome::Unlabelled)
            }
        };
        let picture = self.pictures.filter(|_| has_pictures).map(|pictures| {
            if input.has_picture {
                pictures.request(index);
            }
            pictures.get(index)
        });
        let belongs = !resolved.selection.terms.is_empty()
            && (resolved.classes.is_empty()
                || input.class.is_some_and(|class| resolved.classes.contains(class)))
            && (resolved.inputs.is_empty() || resolved.inputs.contains(index))
            && match resolved.selection.predicted() {
                Some(PredictionFilter::All) => true,
                Some(PredictionFilter::Right) => outcome == PredictionOutcome::Right,
                Some(PredictionFilter::Wrong) => matches!(outcome, PredictionOutcome::Wrong(_)),
                None => false,
            };
        ListEntry {
            name: format!("{}: input {index}", self.group),
            left: if input.id == number { number } else { format!("{number}  {}", input.id) },
            right: Cow::Borrowed(input.class.and_then(name_of).unwrap_or_default()),
            outcome,
            picture,
            belongs,
        }
    }

    /// Shows the picture of the selected input. It is below the list, so that rows do not move during
    /// selection.
    fn picture(&self, ui: &mut Ui, current: &Selection) {
        let (Some(pictures), Some(input)) = (self.pictures, current.single_input()) else { return };
        if input >= self.recording.inputs.len() {
            return;
        }
        pictures.request_whole(input);
        let Some(texture) = pictures.whole(input) else { return };
        let size = texture.size_vec2();
        let size = size * (COVER / size.max_elem().max(1.0));
        ui.add_space(4.0);
        let image = egui::Image::new(texture).fit_to_exact_size(size).corner_radius(2);
        ui.add(image.alt_text(text::describe_input(self.recording, input)));
    }
}

/// A request of the search field.
struct SearchTarget {
    /// The input whose number was typed.
    input: Option<usize>,
    /// Select this input or, without one, the first match.
    select: bool,
}
