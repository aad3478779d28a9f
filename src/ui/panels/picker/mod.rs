//! Controls of a selection: lists of classes and inputs, predictions, an epoch of its own, and a text
//! field. All of them show and change the same selection.

mod class_search;
mod classes;
mod epoch;
mod filter;
mod inputs;
mod list;
mod row;
mod search_edit;
mod selection_field;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_classes;
#[cfg(test)]
mod tests_inputs;

use egui::{Align, Label, Layout, RichText, Ui};

use self::class_search::ClassSearch;
use self::filter::{FilteredInputs, InputFilter, ListRows};
use self::selection_field::SelectionField;
use crate::model::{
    EpochPosition, PredictionFilter, Ranges, Recording, Selection, SelectionCount, SelectionError, Term,
};
use crate::ui::style::{Palette, SMALL};
use crate::ui::text;
use crate::ui::widgets::ROW;
use crate::ui::widgets::heading;
use crate::ui::widgets::list_selection::ListSelection;
use crate::ui::widgets::named;
use crate::ui::widgets::segmented;
use crate::ui::widgets::thumbnails::Thumbnails;

/// Minimum height of a list, in points.
pub(super) const MIN_LIST_HEIGHT: f32 = 6.0 * ROW;

/// The open list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OpenList {
    Classes,
    Inputs,
}

/// Input state of a picker.
#[derive(Debug, Default)]
pub struct PickerState {
    open: Option<OpenList>,
    classes: ListSelection,
    class_search: ClassSearch,
    inputs: ListSelection,
    filter: InputFilter,
    matches: FilteredInputs,
    /// Id of a recording, and `true` if any of its inputs has a picture.
    has_pictures: Option<(u64, bool)>,
    field: SelectionField,
    resolved: Option<ResolvedSelection>,
    /// The selection last made in the lists, for which lists and cursors do not move.
    made_in_lists: Option<Selection>,
    /// Height of the open list in the last frame, in points; `None` without a list that can grow.
    list: Option<f32>,
}

/// Classes and inputs of a selection, kept until it changes.
#[derive(Debug)]
struct ResolvedSelection {
    selection: Selection,
    /// Id of the recording.
    recording: u64,
    classes: Ranges,
    inputs: Ranges,
    /// The number of its inputs, as text.
    count: Option<String>,
}

/// Controls of one selection.
#[derive(Clone, Copy)]
pub struct SelectionPicker<'a> {
    /// The name of the selection, with which every accessible name begins.
    pub group: &'a str,
    /// The recording to select from.
    pub recording: &'a Recording,
    /// Id of the recording: another one, or the same with more epochs, has another id.
    pub recording_id: u64,
    /// Pictures of the recording's inputs; without them the list has none.
    pub pictures: Option<&'a Thumbnails>,
    /// The predicted class of every input at the current epoch, if known.
    pub predictions: Option<&'a [Option<usize>]>,
    /// The colours.
    pub palette: Palette,
    /// The current epoch, as an index into [`Recording::epochs`].
    pub epoch: Option<usize>,
    /// The selection can be `None`.
    pub optional: bool,
    /// Height of a list, in points; at least [`MIN_LIST_HEIGHT`].
    pub list_height: f32,
}

impl SelectionPicker<'_> {
    /// Shows the name of the selection as a heading, with the number of its inputs at the right.
    pub fn heading(&self, ui: &mut Ui, state: &mut PickerState, current: Option<&Selection>) {
        state.update(current, self.recording, self.recording_id);
        ui.horizontal(|ui| {
            ui.vertical(|ui| heading(ui, self.group));
            let Some(count) = state.resolved.as_ref().and_then(|resolved| resolved.count.as_ref()) else {
                return;
            };
            ui.with_layout(Layout::right_to_left(Align::Max), |ui| {
                let text = RichText::new(count).size(SMALL).color(self.palette.dim);
                ui.add(Label::new(text).truncate());
            });
        });
    }

    /// Shows `current`, and returns another selection if it changed.
    pub fn show(
        &self,
        ui: &mut Ui,
        state: &mut PickerState,
        current: Option<&Selection>,
    ) -> Option<Option<Selection>> {
        state.update(current, self.recording, self.recording_id);
        let changed = self.mode(ui, state, current);
        let Some(current) = current else { return changed };
        let before = state.list.take();
        let requested = match state.open {
            Some(OpenList::Classes) => self.classes(ui, state, current),
            Some(OpenList::Inputs) => self.inputs(ui, state, current),
            None => None,
        };
        if state.list.is_some() && state.list != before {
            // A lower list may have lost sight of the cursor.
            state.classes.reveal();
            state.inputs.reveal();
        }
        let requested = self.predicted(ui, current).or(requested);
        let requested = self.own_epoch(ui, current).or(requested);
        let mut requested = requested.and_then(|selection| self.checked(state, selection));
        // A selection made in a list does not move the cursor of that list.
        state.made_in_lists.clone_from(&requested);
        let name = format!("{}: selection", self.group);
        if let Some(selection) = state.field.show(ui, &name, current) {
            requested = self.checked(state, selection).or(requested);
        }
        state.field.show_error(ui, self.palette);
        changed.or(requested.map(Some))
    }

    /// Returns the selection if it is valid; otherwise shows the error.
    fn checked(&self, state: &mut PickerState, selection: Selection) -> Option<Selection> {
        match self.check(&selection) {
            Ok(_) => {
                state.field.accept();
                Some(selection)
            }
            Err(error) => {
                state.field.refuse(error.to_string());
                None
            }
        }
    }

    /// Counts the inputs of a selection, as far as known without reading files.
    fn check(&self, selection: &Selection) -> Result<SelectionCount, SelectionError> {
        let counted = selection.count(self.recording)?;
        let own = selection.epoch.map(|epoch| epoch.resolve(self.recording)).transpose()?;
        if selection.needs_predictions() && !self.has_predictions(own) {
            let right = selection.terms.contains(&Term::Right);
            return Err(SelectionError::NoPredictions(if right { "right" } else { "wrong" }));
        }
        Ok(counted)
    }

    /// Returns `true` if predictions were recorded at `at` or, without one, at the current epoch.
    fn has_predictions(&self, at: Option<EpochPosition>) -> bool {
        let epoch = at.map(|position| position.from.0).or(self.epoch);
        epoch.and_then(|epoch| self.recording.epochs.get(epoch)).is_some_and(|epoch| epoch.has_predictions)
    }

    /// Shows the choice among no selection, all inputs, and the lists.
    fn mode(
        &self,
        ui: &mut Ui,
        state: &mut PickerState,
        current: Option<&Selection>,
    ) -> Option<Option<Selection>> {
        #[derive(Clone, Copy, PartialEq)]
        enum PickerMode {
            None,
            General,
            List(OpenList),
        }
        let mode = match (current, state.open) {
            (None, _) => PickerMode::None,
            (Some(_), None) => PickerMode::General,
            (Some(_), Some(open)) => PickerMode::List(open),
        };
        let options = [
            (self.optional, PickerMode::None, "None"),
            (true, PickerMode::General, "General"),
            (!self.recording.classes.is_empty(), PickerMode::List(OpenList::Classes), "Class"),
            (!self.recording.inputs.is_empty(), PickerMode::List(OpenList::Inputs), "Input"),
        ];
        let offered = options.into_iter().filter(|(offered, ..)| *offered);
        let options: Vec<_> = offered.map(|(_, mode, name)| (mode, name)).collect();
        let chosen =
            segmented(ui, self.palette, self.group, &options, Some(mode)).filter(|chosen| *chosen != mode)?;
        let base = current.cloned().unwrap_or_default();
        let lists_nothing = base.terms.iter().all(|term| matches!(term, Term::Right | Term::Wrong));
        let selection = match chosen {
            PickerMode::None => return Some(None),
            PickerMode::General => {
                state.open = None;
                without_lists(&base)
            }
            PickerMode::List(open) => {
                state.open = Some(open);
                match open {
                    // The list of an existing selection is opened without changing it.
                    _ if !lists_nothing => return None,
                    OpenList::Classes => {
                        let first = self.recording.classes.iter().position(|class| class.count() > 0);
                        let first = first.unwrap_or(0);
                        base.with_classes(self.recording, &Ranges::from(first..=first))
                    }
                    OpenList::Inputs => Selection { epoch: base.epoch, ..Selection::input(0) },
                }
            }
        };
        state.made_in_lists = Some(selection.clone());
        state.field.accept();
        Some(Some(selection))
    }

    fn predicted(&self, ui: &mut Ui, current: &Selection) -> Option<Selection> {
        let own = current.epoch.and_then(|epoch| epoch.resolve(self.recording).ok());
        if !self.has_predictions(own) && !current.needs_predictions() {
            return None;
        }
        let options = [
            (PredictionFilter::All, "All"),
            (PredictionFilter::Right, "Right"),
            (PredictionFilter::Wrong, "Wrong"),
        ];
        let group = format!("{} predicted", self.group);
        let predicted = current.predicted();
        let chosen = named(ui, self.palette, "Predicted", |ui| {
            segmented(ui, self.palette, &group, &options, predicted)
        });
        chosen.filter(|chosen| Some(*chosen) != predicted).map(|chosen| current.with_predicted(chosen))
    }
}

impl PickerState {
    /// Returns the height of the open list in the last frame, in points; `None` without a list that scrolls.
    pub(super) fn list_height(&self) -> Option<f32> {
        self.list
    }

    /// Resolves the selection if it is new, and moves lists and cursors to it.
    fn update(&mut self, current: Option<&Selection>, recording: &Recording, recording_id: u64) {
        let Some(selection) = current else {
            self.resolved = None;
            self.open = None;
            self.list = None;
            return;
        };
        if let Some(resolved) = &self.resolved
            && resolved.recording == recording_id
            && resolved.selection == *selection
        {
            return;
        }
        let (classes, inputs) = (selection.class_set(recording), selection.input_set());
        let same = self.resolved.as_ref().is_some_and(|resolved| resolved.selection == *selection);
        if !same && self.made_in_lists.as_ref() != Some(selection) {
            self.open = match (self.open, &classes, &inputs) {
                (Some(OpenList::Classes), Some(_), _) => Some(OpenList::Classes),
                (_, _, Some(_)) => Some(OpenList::Inputs),
                (_, Some(_), None) => Some(OpenList::Classes),
                (_, None, None) => None,
            };
            let chosen = classes.as_ref().map(|chosen| self.class_search.rows(recording).rows_of(chosen));
            self.classes.move_to(&chosen.unwrap_or_default());
            let first = inputs.as_ref().and_then(Ranges::first);
            self.move_cursor(first, recording);
        }
        self.made_in_lists = None;
        if !same {
            self.field.write(selection);
        }
        self.resolved = Some(ResolvedSelection {
            recording: recording_id,
            classes: classes.unwrap_or_default(),
            inputs: inputs.unwrap_or_default(),
            count: selection
                .count(recording)
                .ok()
                .and_then(|counted| format_selected_count(counted, recording)),
            selection: selection.clone(),
        });
    }
}

impl PickerState {
    /// Moves the cursor of the list of inputs, and scrolls to it.
    fn move_cursor(&mut self, input: Option<usize>, recording: &Recording) {
        let row = input.and_then(|input| self.rows(recording).row(input));
        self.inputs.move_to(&row.map_or_else(Ranges::default, |row| Ranges::from(row..=row)));
    }

    /// Returns the rows of the list of inputs.
    fn rows(&self, recording: &Recording) -> ListRows<'_> {
        if self.matches.filter().is_active() {
            self.matches.rows()
        } else {
            ListRows::All(recording.inputs.len())
        }
    }
}

/// Returns the selection without its classes and inputs.
fn without_lists(selection: &Selection) -> Selection {
    let predicted = |term: &&Term| matches!(term, Term::Right | Term::Wrong);
    Selection { terms: selection.terms.iter().filter(predicted).cloned().collect(), epoch: selection.epoch }
}

/// Formats the number of inputs: "37 of 1 797 inputs".
fn format_selected_count(counted: SelectionCount, recording: &Recording) -> Option<String> {
    let inputs = counted.inputs?;
    let aggregated = recording.classes.iter().any(|class| class.aggregated > class.inputs as u64);
    let recorded = if aggregated && counted.of == recording.inputs.len() as u64 { "recorded " } else { "" };
    let noun = if counted.of == 1 { "input" } else { "inputs" };
    let total = format!("{} {recorded}{noun}", text::format_count(counted.of));
    Some(if inputs == counted.of { total } else { format!("{} of {total}", text::format_count(inputs)) })
}
