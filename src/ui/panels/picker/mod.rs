//! Choosing a selection by hand: by classes, by inputs, by what was predicted, at a moment of its own,
//! or as text. All of them show the one selection, and change it.

mod field;
mod filter;
mod inputs;
mod list;
mod moment;
mod row;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_inputs;

use egui::Ui;

use self::field::Field;
use self::filter::{Filter, Found, Rows};
use self::list::{List, Picked};
use self::row::{Entry, Verdict};
use crate::model::{
    EpochPosition, PredictionFilter, Ranges, Recording, Selection, SelectionCount, SelectionError, Term,
};
use crate::ui::style::Palette;
use crate::ui::text;
use crate::ui::widgets::ROW;
use crate::ui::widgets::list_selection::Choice;
use crate::ui::widgets::list_selection::Pull;
use crate::ui::widgets::named;
use crate::ui::widgets::segmented;
use crate::ui::widgets::thumbnails::Pictures;

/// Height of a list where there is no more room, in points.
pub const LIST: f32 = 6.0 * ROW;

/// Which list is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Classes,
    Inputs,
}

/// Where hands are in choosing one selection.
#[derive(Debug, Default)]
pub struct Picker {
    open: Option<Open>,
    classes: Choice,
    inputs: Choice,
    filter: Filter,
    found: Found,
    /// Whether any input of the recording that lies there has a picture.
    pictured: Option<(usize, bool)>,
    field: Field,
    known: Option<Known>,
    /// What was chosen here last, other than as text: it leaves lists and hands where they are.
    own: Option<Selection>,
}

/// What a selection comes to, as long as it stays the same.
#[derive(Debug)]
struct Known {
    selection: Selection,
    /// Where the recording lies, and how many epochs it has: another one is told by that.
    recording: (usize, usize),
    classes: Ranges,
    inputs: Ranges,
    /// How many inputs that are, in words.
    count: Option<String>,
}

/// What there is to choose from, and how it looks.
#[derive(Clone, Copy)]
pub struct Offer<'a> {
    /// Which selection it is: the beginning of every accessible name.
    pub group: &'a str,
    pub recording: &'a Recording,
    /// Pictures of the recording's inputs.
    pub pictures: Option<&'a Pictures>,
    /// The predicted class of every input at the epoch looked at, where that is known.
    pub predictions: Option<&'a [Option<usize>]>,
    pub palette: Palette,
    /// The epoch looked at, as an index into [`Recording::epochs`].
    pub epoch: Option<usize>,
    /// There may be no selection at all.
    pub optional: bool,
    /// Height of its lists, in points: [`LIST`], or more.
    pub list_height: f32,
}

impl Offer<'_> {
    /// Shows `current`, and returns what is chosen instead where that changed.
    pub fn show(
        &self,
        ui: &mut Ui,
        picker: &mut Picker,
        current: Option<&Selection>,
    ) -> Option<Option<Selection>> {
        picker.note(current, self.recording);
        let changed = self.kind(ui, picker, current);
        let Some(current) = current else { return changed };
        let asked = match picker.open {
            Some(Open::Classes) => self.classes(ui, picker, current),
            Some(Open::Inputs) => self.inputs(ui, picker, current),
            None => None,
        };
        let asked = self.predicted(ui, current).or(asked);
        let asked = self.moment(ui, current).or(asked);
        let mut asked = asked.and_then(|selection| self.checked(picker, selection));
        // Lists stay as they are under the hand that chooses in them.
        picker.own.clone_from(&asked);
        let name = format!("{}: selection", self.group);
        if let Some(selection) = picker.field.show(ui, &name, current) {
            asked = self.checked(picker, selection).or(asked);
        }
        let count = picker.known.as_ref().and_then(|known| known.count.as_deref());
        picker.field.show_below(ui, self.palette, count);
        changed.or(asked.map(Some))
    }

    /// The selection if it can be shown; otherwise says why not.
    fn checked(&self, picker: &mut Picker, selection: Selection) -> Option<Selection> {
        match self.check(&selection) {
            Ok(_) => {
                picker.field.accept();
                Some(selection)
            }
            Err(error) => {
                picker.field.refuse(error.to_string());
                None
            }
        }
    }

    /// How many inputs it chooses, as far as that is known without reading anything.
    fn check(&self, selection: &Selection) -> Result<SelectionCount, SelectionError> {
        let counted = selection.count(self.recording)?;
        let own = selection.epoch.map(|epoch| epoch.resolve(self.recording)).transpose()?;
        if selection.needs_predictions() && !self.has_predictions(own) {
            let right = selection.terms.contains(&Term::Right);
            return Err(SelectionError::NoPredictions(if right { "right" } else { "wrong" }));
        }
        Ok(counted)
    }

    /// Whether predictions were recorded at a moment or, without one, at the epoch looked at.
    fn has_predictions(&self, at: Option<EpochPosition>) -> bool {
        let epoch = at.map(|position| position.from.0).or(self.epoch);
        epoch.and_then(|epoch| self.recording.epochs.get(epoch)).is_some_and(|epoch| epoch.has_predictions)
    }

    /// None, everything, or one of the lists.
    fn kind(
        &self,
        ui: &mut Ui,
        picker: &mut Picker,
        current: Option<&Selection>,
    ) -> Option<Option<Selection>> {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            None,
            General,
            List(Open),
        }
        let kind = match (current, picker.open) {
            (None, _) => Kind::None,
            (Some(_), None) => Kind::General,
            (Some(_), Some(open)) => Kind::List(open),
        };
        let options = [
            (self.optional, Kind::None, "None"),
            (true, Kind::General, "General"),
            (!self.recording.classes.is_empty(), Kind::List(Open::Classes), "Class"),
            (!self.recording.inputs.is_empty(), Kind::List(Open::Inputs), "Input"),
        ];
        let offered = options.into_iter().filter(|(offered, ..)| *offered);
        let options: Vec<_> = offered.map(|(_, kind, name)| (kind, name)).collect();
        let chosen =
            segmented(ui, self.palette, self.group, &options, Some(kind)).filter(|it| *it != kind)?;
        let base = current.cloned().unwrap_or_default();
        let lists_nothing = base.terms.iter().all(|term| matches!(term, Term::Right | Term::Wrong));
        let selection = match chosen {
            Kind::None => return Some(None),
            Kind::General => {
                picker.open = None;
                alone(&base)
            }
            Kind::List(open) => {
                picker.open = Some(open);
                match open {
                    // The list of what is chosen otherwise is only opened.
                    _ if !lists_nothing => return None,
                    Open::Classes => {
                        let first = self.recording.classes.iter().position(|class| class.count() > 0);
                        let first = first.unwrap_or(0);
                        base.with_classes(self.recording, &Ranges::from(first..=first))
                    }
                    Open::Inputs => Selection { epoch: base.epoch, ..Selection::input(0) },
                }
            }
        };
        picker.own = Some(selection.clone());
        picker.field.accept();
        Some(Some(selection))
    }

    fn classes(&self, ui: &mut Ui, picker: &mut Picker, current: &Selection) -> Option<Selection> {
        let Picker { classes, known, .. } = picker;
        let list = List {
            name: &format!("{}: classes", self.group),
            palette: self.palette,
            rows: Rows::All(self.recording.classes.len()),
            row: ROW,
            height: self.list_height,
            chosen: &known.as_ref()?.classes,
            pull: Pull::Sweep,
        };
        let text = |index: usize| {
            let class = &self.recording.classes[index];
            let right = match class.count() {
                1 => "1 input".to_owned(),
                count => format!("{} inputs", text::count(count)),
            };
            let name = format!("{}: class {}", self.group, class.name);
            Entry {
                name,
                left: class.name.clone(),
                right: right.into(),
                verdict: Verdict::Unknown,
                picture: None,
                belongs: false,
            }
        };
        let Picked { chosen, alone: is_alone } = list.show(ui, classes, text)?;
        let base = if is_alone { alone(current) } else { current.clone() };
        Some(base.with_classes(self.recording, &chosen))
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

impl Picker {
    /// Takes note of what is chosen, and of what it comes to where that is new.
    fn note(&mut self, current: Option<&Selection>, recording: &Recording) {
        let Some(selection) = current else {
            self.known = None;
            self.open = None;
            return;
        };
        let place = (std::ptr::from_ref(recording).addr(), recording.epochs.len());
        if let Some(known) = &self.known
            && known.recording == place
            && known.selection == *selection
        {
            return;
        }
        let (classes, inputs) = (selection.class_set(recording), selection.input_set());
        let same = self.known.as_ref().is_some_and(|known| known.selection == *selection);
        if !same && self.own.as_ref() != Some(selection) {
            self.open = match (self.open, &classes, &inputs) {
                (Some(Open::Classes), Some(_), _) => Some(Open::Classes),
                (_, _, Some(_)) => Some(Open::Inputs),
                (_, Some(_), None) => Some(Open::Classes),
                (_, None, None) => None,
            };
            self.classes.lead(classes.as_ref().unwrap_or(&Ranges::default()));
            let first = inputs.as_ref().and_then(Ranges::first);
            self.lead_to(first, recording);
        }
        self.own = None;
        if !same {
            self.field.write(selection);
        }
        self.known = Some(Known {
            recording: place,
            classes: classes.unwrap_or_default(),
            inputs: inputs.unwrap_or_default(),
            count: selection.count(recording).ok().and_then(|counted| counting(counted, recording)),
            selection: selection.clone(),
        });
    }
}

impl Picker {
    /// Takes note of the input that keys start from, and brings it into sight.
    fn lead_to(&mut self, input: Option<usize>, recording: &Recording) {
        let row = input.and_then(|input| self.rows(recording).row(input));
        self.inputs.lead(&row.map_or_else(Ranges::default, |row| Ranges::from(row..=row)));
    }

    /// The rows of the list of inputs.
    fn rows(&self, recording: &Recording) -> Rows<'_> {
        if self.found.asked().is_active() { self.found.rows() } else { Rows::All(recording.inputs.len()) }
    }
}

/// Without its classes and inputs.
fn alone(selection: &Selection) -> Selection {
    let predicted = |term: &&Term| matches!(term, Term::Right | Term::Wrong);
    Selection { terms: selection.terms.iter().filter(predicted).cloned().collect(), epoch: selection.epoch }
}

/// "37 of 1 797 inputs".
fn counting(counted: SelectionCount, recording: &Recording) -> Option<String> {
    let inputs = counted.inputs?;
    let aggregated = recording.classes.iter().any(|class| class.aggregated > class.inputs as u64);
    let recorded = if aggregated && counted.of == recording.inputs.len() as u64 { "recorded " } else { "" };
    let noun = if counted.of == 1 { "input" } else { "inputs" };
    let of = format!("{} {recorded}{noun}", text::count(counted.of));
    Some(if inputs == counted.of { of } else { format!("{} of {of}", text::count(inputs)) })
}
