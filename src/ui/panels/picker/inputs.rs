//! The list of inputs: searched, narrowed down by class and by what was predicted, with their pictures.

use std::borrow::Cow;

use egui::{FontId, Key, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo};

use super::filter::{Filter, Rows};
use super::list::{List, Picked};
use super::row::{Entry, TALL, Verdict};
use super::{Known, Offer, Picker, alone};
use crate::model::{PredictionFilter, Selection};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::list_selection::Choice;
use crate::ui::widgets::list_selection::Pull;
use crate::ui::widgets::{ROW, named, segmented};

/// Edge of the picture of the one that is chosen.
const COVER: f32 = 72.0;
/// Rows of classes that are seen at a time.
const CLASSES: f32 = 12.0;

impl Offer<'_> {
    pub(super) fn inputs(&self, ui: &mut Ui, picker: &mut Picker, current: &Selection) -> Option<Selection> {
        let sought = self.search(ui, picker);
        self.narrow(ui, &mut picker.filter);
        let more = self.find(picker);
        if more {
            ui.ctx().request_repaint();
        }
        let all = self.shown(ui, picker, current, more);
        if let Some(Sought { input, chosen }) = sought {
            let number = picker.filter.number(self.recording.inputs.len());
            let rows = picker.rows(self.recording);
            let first = (rows.count() > 0).then(|| rows.input(0));
            let target = input.or(number).or(first.filter(|_| chosen));
            picker.lead_to(target, self.recording);
            if chosen && let Some(target) = target {
                return Some(Selection { epoch: current.epoch, ..Selection::input(target) });
            }
        }
        let pictured = self.pictured(picker);
        let Picker { inputs, known, found, .. } = picker;
        let known = known.as_ref()?;
        let every = Rows::All(self.recording.inputs.len());
        let list = List {
            name: &format!("{}: inputs", self.group),
            palette: self.palette,
            rows: if found.asked().is_active() { found.rows() } else { every },
            row: if pictured { TALL } else { ROW },
            height: self.list_height,
            chosen: &known.inputs,
            pull: Pull::Lasso,
        };
        let picked = list.show(ui, inputs, |index| self.entry(known, index, pictured));
        self.picture(ui, current);
        let Some(Picked { chosen, alone: is_alone }) = picked else { return all };
        Some(match chosen.single() {
            // One input is meant as such, whatever was made of it.
            Some(input) if is_alone => Selection { epoch: current.epoch, ..Selection::input(input) },
            _ if is_alone => alone(current).with_inputs(&chosen),
            _ => current.with_inputs(&chosen),
        })
    }

    /// The line to search in; says where it leads.
    fn search(&self, ui: &mut Ui, picker: &mut Picker) -> Option<Sought> {
        let text = &mut picker.filter.text;
        let edit = TextEdit::singleline(text)
            .font(FontId::proportional(SMALL))
            .hint_text("Search by name, or go to a number")
            .desired_width(f32::INFINITY);
        let response = ui.add(edit);
        let written = text.clone();
        response.widget_info(|| {
            let name = format!("{}: search inputs", self.group);
            let mut info = WidgetInfo::labeled(Role::SearchInput, ui.is_enabled(), name);
            info.current_text_value = Some(written.clone());
            info
        });
        if response.lost_focus() {
            let pressed = |key| ui.input(|input| input.key_pressed(key));
            if pressed(Key::Escape) {
                text.clear();
                return None;
            }
            if pressed(Key::Enter) && !written.trim().is_empty() {
                return Some(Sought { input: None, chosen: true });
            }
        }
        let number = picker.filter.number(self.recording.inputs.len());
        (response.changed() && number.is_some()).then_some(Sought { input: number, chosen: false })
    }

    /// By class, and by what was predicted.
    fn narrow(&self, ui: &mut Ui, filter: &mut Filter) {
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

    /// Goes on looking for what the filter leaves; whether more is to come.
    fn find(&self, picker: &mut Picker) -> bool {
        let mut filter = picker.filter.without_number(self.recording.inputs.len());
        // What is not known here leaves nothing out.
        filter.class = filter.class.filter(|class| *class < self.recording.classes.len());
        if self.predictions.is_none() {
            filter.predicted = PredictionFilter::All;
        }
        filter.text = filter.text.trim().to_owned();
        if *picker.found.asked() != filter {
            // Rows are counted anew.
            picker.inputs = Choice::default();
        }
        if filter.is_active() {
            return picker.found.advance(&filter, self.recording, self.predictions, self.epoch);
        }
        picker.found = super::Found::default();
        false
    }

    /// How many the filter leaves, and the button that chooses them.
    fn shown(&self, ui: &mut Ui, picker: &Picker, current: &Selection, more: bool) -> Option<Selection> {
        if !picker.found.asked().is_active() {
            return None;
        }
        let rows = picker.found.rows();
        let total = self.recording.inputs.len();
        let count = |count: usize| text::count(count as u64);
        let mut asked = None;
        ui.horizontal(|ui| {
            let text = if more {
                format!("{} in {} of {}…", count(rows.count()), count(picker.found.passed()), count(total))
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
                    asked = Some(picker.found.asked().selection(self.recording, current, rows));
                }
            });
        });
        asked
    }

    /// Whether there are pictures to be shown.
    fn pictured(&self, picker: &mut Picker) -> bool {
        if self.pictures.is_none() {
            return false;
        }
        let place = std::ptr::from_ref(self.recording).addr();
        match picker.pictured {
            Some((known, pictured)) if known == place => pictured,
            _ => {
                let pictured = self.recording.inputs.iter().any(|input| input.has_picture);
                picker.pictured = Some((place, pictured));
                pictured
            }
        }
    }

    /// What a row says of an input.
    fn entry(&self, known: &Known, index: usize, pictured: bool) -> Entry<'_> {
        let input = &self.recording.inputs[index];
        let name_of = |class: usize| self.recording.classes.get(class).map(|class| class.name.as_str());
        let number = index.to_string();
        let predicted = self.predictions.and_then(|all| all.get(index).copied().flatten());
        let verdict = match (predicted, input.class) {
            (None, _) => Verdict::Unknown,
            (Some(predicted), Some(class)) if predicted == class => Verdict::Right,
            (Some(predicted), Some(_)) => Verdict::Wrong(name_of(predicted).unwrap_or("another class")),
            (Some(predicted), None) => name_of(predicted).map_or(Verdict::Unknown, Verdict::Unlabelled),
        };
        let picture = self.pictures.filter(|_| pictured).map(|pictures| {
            if input.has_picture {
                pictures.request(index);
            }
            pictures.get(index)
        });
        let belongs = !known.selection.terms.is_empty()
            && (known.classes.is_empty() || input.class.is_some_and(|class| known.classes.contains(class)))
            && (known.inputs.is_empty() || known.inputs.contains(index))
            && match known.selection.predicted() {
                Some(PredictionFilter::All) => true,
                Some(PredictionFilter::Right) => verdict == Verdict::Right,
                Some(PredictionFilter::Wrong) => matches!(verdict, Verdict::Wrong(_)),
                None => false,
            };
        Entry {
            name: format!("{}: input {index}", self.group),
            left: if input.id == number { number } else { format!("{number}  {}", input.id) },
            right: Cow::Borrowed(input.class.and_then(name_of).unwrap_or_default()),
            verdict,
            picture,
            belongs,
        }
    }

    /// The picture of the one input that is chosen. It stands below the list, so that no row moves from
    /// under the hand that chooses it.
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
        ui.add(image.alt_text(text::input(self.recording, input)));
    }
}

/// Where the line to search in leads.
struct Sought {
    /// The input that it is the number of.
    input: Option<usize>,
    /// It, or the first that is found, is to be chosen.
    chosen: bool,
}
