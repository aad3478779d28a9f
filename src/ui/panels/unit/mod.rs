//! The biography of pinned units: their training, their classes, the inputs that drive them, and units
//! like them.

mod alike;
mod chart;
mod classes;
mod copy;
mod lines;
mod pins;
#[cfg(test)]
mod tests;
mod training;

use egui::{Align2, FontId, Label, RichText, ScrollArea, Sense, Ui, vec2};

pub use self::pins::{PinError, pin};
use crate::insight::UnitProfile;
use crate::model::{Pin, Recording, Selection, ViewState};
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::thumbnails::Pictures;

/// Height of the chart, at least and at most.
const CHART: std::ops::RangeInclusive<f32> = 96.0..=240.0;
/// Width of a column from which on there may be another.
const COLUMN: f32 = 264.0;

/// What is known of a pinned unit: `None` as long as it is being read, or why it cannot be.
pub type ProfileResult<'a> = Option<Result<&'a UnitProfile, &'a str>>;

/// What the panel has to know.
#[derive(Clone, Copy)]
pub struct Units<'a> {
    pub recording: &'a Recording,
    /// Of the pinned units, in any order.
    pub biographies: &'a [(Pin, ProfileResult<'a>)],
    /// What the scene shows of each of these.
    pub values: &'a [Option<f32>],
    pub pictures: &'a Pictures,
    pub palette: Palette,
}

/// What the panel asks for that is not a change of the view.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Show these inputs in the whole scene.
    Select(Selection),
    /// Pin this unit as well.
    Pin(Pin),
    /// The picture of this input would be shown. Asked for in every frame until it is known.
    WantPicture(usize),
    /// Put a text on the clipboard.
    Copy(String),
}

/// Where hands are in the panel.
#[derive(Debug, Default)]
pub struct Hands {
    /// The unit that is shown, one of those pinned; others may set it.
    pub shown: Option<Pin>,
    /// Training compares all pinned units.
    compare: bool,
    /// What is being written into the field, and why it was not understood.
    text: String,
    error: Option<String>,
    /// The chip of the unit that is shown takes the keyboard; a chip was removed by key.
    focus: bool,
    by_key: bool,
    /// How many units were pinned in the last frame.
    pinned: usize,
    /// How high everything below the facts was when it was last known.
    height: f32,
}

impl<'a> Units<'a> {
    /// Shows everything, as wide as there is room; changes epoch and pins in the view.
    pub fn show(&self, ui: &mut Ui, view: &mut ViewState, hands: &mut Hands) -> Vec<Action> {
        let mut actions = Vec::new();
        // What was pinned last is shown; what is pinned no more is not.
        if view.pins.len() > hands.pinned
            || hands.shown.as_ref().is_none_or(|shown| !view.pins.contains(shown))
        {
            hands.shown = view.pins.last().cloned();
        }
        let room = ui.available_height();
        ScrollArea::vertical().id_salt("units").auto_shrink(false).show(ui, |ui| {
            self.pins(ui, view, hands, &mut actions);
            let Some(pin) = hands.shown.clone().filter(|pin| view.pins.contains(pin)) else {
                self.nothing(ui);
                return;
            };
            match self.of(&pin) {
                Some(Ok(biography)) => {
                    self.facts(ui, &pin, biography);
                    let top = ui.cursor().top();
                    self.parts(ui, (&pin, biography), view, hands, &mut actions, room);
                    hands.height = ui.cursor().top() - top;
                }
                Some(Err(reason)) => {
                    let text =
                        RichText::new(text::truncate(reason, 400)).size(SMALL).color(self.palette.warning);
                    ui.add(Label::new(text).wrap());
                }
                None => self.reading(ui, hands.height),
            }
        });
        hands.pinned = view.pins.len();
        actions
    }

    /// What is told below the facts, in as many columns as there is room for.
    fn parts(
        &self,
        ui: &mut Ui,
        (pin, biography): (&Pin, &'a UnitProfile),
        view: &mut ViewState,
        hands: &mut Hands,
        actions: &mut Vec<Action>,
        room: f32,
    ) {
        let columns = ((ui.available_width() / COLUMN) as usize).clamp(1, 4);
        let chart = (room - 120.0).clamp(*CHART.start(), *CHART.end());
        #[derive(Clone, Copy)]
        enum Part {
            Training,
            Classes,
            Strongest,
            Twins,
        }
        let parts: &[&[Part]] = match columns {
            1 => &[&[Part::Training, Part::Classes, Part::Strongest, Part::Twins]],
            2 => &[&[Part::Training, Part::Strongest], &[Part::Classes, Part::Twins]],
            3 => &[&[Part::Training], &[Part::Classes], &[Part::Strongest, Part::Twins]],
            _ => &[&[Part::Training], &[Part::Classes], &[Part::Strongest], &[Part::Twins]],
        };
        ui.spacing_mut().item_spacing.x = 16.0;
        ui.columns(columns, |columns| {
            for (ui, parts) in columns.iter_mut().zip(parts) {
                ui.spacing_mut().item_spacing.x = 8.0;
                for part in *parts {
                    match part {
                        Part::Training => self.training(ui, (pin, biography), view, hands, chart),
                        Part::Classes => actions.extend(self.classes(ui, biography, view)),
                        Part::Strongest => self.strongest(ui, biography, view, actions),
                        Part::Twins => self.twins(ui, (pin, biography), view, actions),
                    }
                }
            }
        });
    }

    /// A line of facts.
    fn facts(&self, ui: &mut Ui, pin: &Pin, biography: &UnitProfile) {
        let number = |value: f32| text::number(value, value.abs());
        let all = biography.distributions.iter().find(|distribution| distribution.class.is_none());
        let mut parts = Vec::new();
        parts.extend(self.value(pin).map(|value| format!("now {}", number(value))));
        if let Some(epoch) = self.recording.epochs.get(biography.epoch.0) {
            parts.push(format!("at epoch {}:", epoch.number));
        }
        parts.extend(all.map(|all| format!("mean {}", number(all.mean))));
        let of = text::count(biography.of as u64);
        parts.extend(biography.rank.map(|rank| format!("{} of {of}", ordinal(rank))));
        parts.extend(biography.selectivity.map(|selectivity| {
            let class = self.recording.classes.get(selectivity.class);
            let class =
                class.map_or_else(String::new, |class| format!(" for {}", text::truncate(&class.name, 24)));
            format!("selectivity {}{class}", text::number(selectivity.index, 1.0))
        }));
        let rate = all.and_then(|all| all.rate);
        parts.extend(rate.map(|rate| format!("fires for {:.0} % of inputs", 100.0 * rate)));
        let text = parts.join(" · ").replace(": ·", ":");
        ui.add(Label::new(RichText::new(text).size(SMALL).color(self.palette.dim)).wrap());
    }

    /// Keeps the place of what is being read.
    fn reading(&self, ui: &mut Ui, height: f32) {
        self.dim(ui, "reading…");
        let size = vec2(ui.available_width(), height.max(*CHART.start()));
        let (place, _) = ui.allocate_exact_size(size, Sense::hover());
        let chart = place.with_max_y(place.top() + CHART.start());
        let font = FontId::proportional(SMALL);
        ui.painter().text(chart.center(), Align2::CENTER_CENTER, "…", font, self.palette.dim);
    }

    fn of(&self, pin: &Pin) -> ProfileResult<'a> {
        self.biographies.iter().find(|(of, _)| of == pin)?.1
    }

    /// The biography of a unit, where it is known.
    fn known(&self, pin: &Pin) -> Option<&'a UnitProfile> {
        self.of(pin)?.ok()
    }

    /// What the scene shows of a unit.
    fn value(&self, pin: &Pin) -> Option<f32> {
        let place = self.biographies.iter().position(|(of, _)| of == pin)?;
        self.values.get(place).copied().flatten()
    }

    fn dim(&self, ui: &mut Ui, text: &str) {
        ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
    }
}

/// A unit as its chip says it: "conv2 · 17".
fn named(pin: &Pin) -> String {
    format!("{} · {}", text::truncate(&pin.layer, 24), pin.unit)
}

/// "1st", "12th", "23rd".
fn ordinal(number: usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{ending}", text::count(number as u64))
}
