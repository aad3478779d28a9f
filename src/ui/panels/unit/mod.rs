//! Panel with the profiles of pinned units: training, classes, strongest inputs, and similar units.

mod chart;
mod classes;
mod copy;
mod lines;
mod pin_name;
mod pins;
mod similar;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_layout;
mod training;

use egui::{Align2, FontId, Label, RichText, ScrollArea, Sense, Ui, vec2};

use crate::insight::UnitProfile;
use crate::model::{Pin, Recording, Selection, ViewState};
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::thumbnails::Thumbnails;

/// Minimum and maximum height of the chart, in points.
const CHART: std::ops::RangeInclusive<f32> = 96.0..=240.0;
/// Minimum width of a column of sections, in points.
const COLUMN: f32 = 264.0;

/// The profile of a pinned unit: `None` while it is being read, or the reason why it cannot be.
pub type ProfileResult<'a> = Option<Result<&'a UnitProfile, &'a str>>;

/// The other run of a difference, and the profiles of the pinned units in it.
#[derive(Clone, Copy)]
pub struct SubtractedRun<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its recording.
    pub recording: &'a Recording,
    /// The profile of each pinned unit, in the order of [`UnitPanel::profiles`].
    pub profiles: &'a [ProfileResult<'a>],
}

/// Panel with the profiles of pinned units.
#[derive(Clone, Copy)]
pub struct UnitPanel<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// Profiles of the pinned units, in any order.
    pub profiles: &'a [(Pin, ProfileResult<'a>)],
    /// The run that is subtracted, if it is another one.
    pub subtracted: Option<SubtractedRun<'a>>,
    /// The value in the scene of each unit in `profiles`.
    pub values: &'a [Option<f32>],
    /// The inputs and the epoch of `values`.
    pub shown: &'a str,
    /// The number of the current epoch.
    pub epoch: u64,
    /// Pictures of the inputs.
    pub pictures: &'a Thumbnails,
    /// The colours.
    pub palette: Palette,
}

/// A request of the panel that is no change of the view.
#[derive(Clone, Debug, PartialEq)]
pub enum UnitAction {
    /// Show this selection in the scene.
    Select(Selection),
    /// Pin this unit as well.
    Pin(Pin),
    /// Read the picture of this input; requested in every frame until it has been read.
    WantPicture(usize),
    /// Put this text on the clipboard.
    Copy(String),
}

/// Input state of the panel.
#[derive(Debug, Default)]
pub struct UnitPanelState {
    /// The pinned unit whose profile is visible. It can be set from outside.
    pub current: Option<Pin>,
    /// The chart compares all pinned units.
    compare: bool,
    /// The text in the field.
    text: String,
    /// The error of the last text that was entered.
    error: Option<String>,
    /// The chip of the current unit has to get the focus.
    focus: bool,
    /// The last chip was removed by key.
    by_key: bool,
    /// Number of units pinned in the last frame.
    pinned: usize,
    /// Height of everything below the facts when it was last known, in points.
    height: f32,
}

impl<'a> UnitPanel<'a> {
    /// Shows the panel over the available width; changes epoch and pins in the view.
    pub fn show(&self, ui: &mut Ui, view: &mut ViewState, state: &mut UnitPanelState) -> Vec<UnitAction> {
        let mut actions = Vec::new();
        // A newly pinned unit is shown; a unit that is no longer pinned is not.
        if view.pins.len() > state.pinned
            || state.current.as_ref().is_none_or(|current| !view.pins.contains(current))
        {
            state.current = view.pins.last().cloned();
        }
        let room = ui.available_height();
        ScrollArea::vertical().id_salt("units").auto_shrink(false).show(ui, |ui| {
            self.pins(ui, view, state, &mut actions);
            let Some(pin) = state.current.clone().filter(|pin| view.pins.contains(pin)) else {
                self.empty_hint(ui);
                return;
            };
            match self.profile_result(&pin) {
                Some(Ok(profile)) => {
                    self.facts(ui, &pin, profile);
                    let top = ui.cursor().top();
                    self.sections(ui, (&pin, profile), view, state, &mut actions, room);
                    state.height = ui.cursor().top() - top;
                }
                Some(Err(reason)) => {
                    let text =
                        RichText::new(text::truncate(reason, 400)).size(SMALL).color(self.palette.warning);
                    ui.add(Label::new(text).wrap());
                }
                None => self.placeholder(ui, state.height),
            }
        });
        state.pinned = view.pins.len();
        actions
    }

    /// Shows the sections below the facts, in as many columns as the width allows.
    fn sections(
        &self,
        ui: &mut Ui,
        (pin, profile): (&Pin, &'a UnitProfile),
        view: &mut ViewState,
        state: &mut UnitPanelState,
        actions: &mut Vec<UnitAction>,
        room: f32,
    ) {
        let columns = ((ui.available_width() / COLUMN) as usize).clamp(1, 4);
        let chart = (room - 120.0).clamp(*CHART.start(), *CHART.end());
        #[derive(Clone, Copy)]
        enum UnitSection {
            Training,
            Classes,
            Strongest,
            SimilarUnits,
        }
        let sections: &[&[UnitSection]] = match columns {
            1 => &[&[
                UnitSection::Training,
                UnitSection::Classes,
                UnitSection::Strongest,
                UnitSection::SimilarUnits,
            ]],
            2 => &[
                &[UnitSection::Training, UnitSection::Strongest],
                &[UnitSection::Classes, UnitSection::SimilarUnits],
            ],
            3 => &[
                &[UnitSection::Training],
                &[UnitSection::Classes],
                &[UnitSection::Strongest, UnitSection::SimilarUnits],
            ],
            _ => &[
                &[UnitSection::Training],
                &[UnitSection::Classes],
                &[UnitSection::Strongest],
                &[UnitSection::SimilarUnits],
            ],
        };
        ui.spacing_mut().item_spacing.x = 16.0;
        ui.columns(columns, |columns| {
            for (ui, sections) in columns.iter_mut().zip(sections) {
                ui.spacing_mut().item_spacing.x = 8.0;
                for section in *sections {
                    match section {
                        UnitSection::Training => self.training(ui, (pin, profile), view, state, chart),
                        UnitSection::Classes => actions.extend(self.classes(ui, profile, view)),
                        UnitSection::Strongest => self.strongest(ui, profile, view, actions),
                        UnitSection::SimilarUnits => self.similar_units(ui, (pin, profile), view, actions),
                    }
                }
            }
        });
    }

    /// Shows the facts of a unit: its value in the scene, then those of its profile in each run.
    fn facts(&self, ui: &mut Ui, pin: &Pin, profile: &UnitProfile) {
        let number = |value: f32| text::format_value(value, value.abs());
        let shown = self.value(pin).map(|value| format!("{} for {}. ", number(value), self.shown));
        let text = shown.unwrap_or_default() + &describe(self.recording, profile);
        // A profile of another epoch is described until the current one is computed.
        let is_current = epoch_of(self.recording, profile) == Some(self.epoch);
        let colour = if is_current { self.palette.dim } else { self.palette.warning };
        ui.add(Label::new(RichText::new(text).size(SMALL).color(colour)).wrap());
        let Some(run) = self.subtracted else { return };
        let text = match self.subtracted_profile(pin) {
            Some(Ok(profile)) => describe(run.recording, profile),
            Some(Err(reason)) => text::truncate(reason, 200),
            None => "reading…".to_owned(),
        };
        let text = format!("In {}: {text}", text::truncate(run.name, 40));
        ui.add(Label::new(RichText::new(text).size(SMALL).color(self.palette.dim)).wrap());
    }

    /// Reserves the space of a profile that is being read.
    fn placeholder(&self, ui: &mut Ui, height: f32) {
        self.dim(ui, "reading…");
        let size = vec2(ui.available_width(), height.max(*CHART.start()));
        let (place, _) = ui.allocate_exact_size(size, Sense::hover());
        let chart = place.with_max_y(place.top() + CHART.start());
        let font = FontId::proportional(SMALL);
        ui.painter().text(chart.center(), Align2::CENTER_CENTER, "…", font, self.palette.dim);
    }

    fn profile_result(&self, pin: &Pin) -> ProfileResult<'a> {
        self.profiles.iter().find(|(of_pin, _)| of_pin == pin)?.1
    }

    /// Returns the profile of a unit, if it is known.
    fn profile(&self, pin: &Pin) -> Option<&'a UnitProfile> {
        self.profile_result(pin)?.ok()
    }

    /// Returns the profile of a unit in the run that is subtracted.
    fn subtracted_profile(&self, pin: &Pin) -> ProfileResult<'a> {
        let place = self.profiles.iter().position(|(of_pin, _)| of_pin == pin)?;
        *self.subtracted?.profiles.get(place)?
    }

    /// Returns the value of a unit in the scene.
    fn value(&self, pin: &Pin) -> Option<f32> {
        let place = self.profiles.iter().position(|(of_pin, _)| of_pin == pin)?;
        self.values.get(place).copied().flatten()
    }

    fn dim(&self, ui: &mut Ui, text: &str) {
        ui.label(RichText::new(text).size(SMALL).color(self.palette.dim));
    }
}

/// Returns the number of the epoch of a profile.
fn epoch_of(recording: &Recording, profile: &UnitProfile) -> Option<u64> {
    recording.epochs.get(profile.epoch.0).map(|epoch| epoch.number)
}

/// Describes a profile in one line: mean, rank, selectivity and firing rate.
fn describe(recording: &Recording, profile: &UnitProfile) -> String {
    let number = |value: f32| text::format_value(value, value.abs());
    let all = profile.distributions.iter().find(|distribution| distribution.class.is_none());
    let epoch = epoch_of(recording, profile);
    let at = epoch.map_or_else(String::new, |epoch| format!(" at epoch {epoch}"));
    let total = text::format_count(profile.of as u64);
    let rank = profile.rank.map(|rank| format!(", {} of {total} by mean", text::format_ordinal(rank as u64)));
    let mut parts = Vec::new();
    parts.extend(
        all.map(|all| format!("All inputs{at}: mean {}{}", number(all.mean), rank.unwrap_or_default())),
    );
    parts.extend(profile.selectivity.map(|selectivity| {
        let class = recording.classes.get(selectivity.class);
        let class =
            class.map_or_else(String::new, |class| format!(" for {}", text::truncate(&class.name, 24)));
        format!("selectivity {}{class}", text::format_value(selectivity.index, 1.0))
    }));
    let rate = all.and_then(|all| all.rate);
    parts.extend(rate.map(|rate| format!("fires for {:.0} % of inputs", 100.0 * rate)));
    parts.join(" · ")
}
