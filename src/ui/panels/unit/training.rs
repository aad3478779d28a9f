//! The training of units: which lines there are, and what they are in words.

use egui::{Align2, FontId, Sense, Ui, vec2};

use super::chart::Chart;
use super::lines::{MOST, look};
use super::{Hands, Units};
use crate::insight::{UnitEpoch, UnitProfile};
use crate::model::{EpochIndex, Pin, Recording, ViewState};
use crate::ui::style::{Palette, SMALL};
use crate::ui::text;
use crate::ui::widgets::{heading, segmented};

/// One line: a mean activation per epoch.
pub(super) struct Series<'a> {
    /// "all inputs", a class or a unit.
    pub name: String,
    pub colour: egui::Color32,
    pub dashed: bool,
    pub bold: bool,
    /// One per readable epoch.
    pub moments: &'a [UnitEpoch],
    value: Box<dyn Fn(&UnitEpoch) -> f32 + 'a>,
}

impl<'a> Series<'a> {
    /// (number of the epoch, value) as far as recorded.
    pub fn points(&self, recording: &'a Recording) -> impl Iterator<Item = [f64; 2]> {
        self.moments.iter().filter_map(|moment| {
            let epoch = recording.epochs.get(moment.epoch.0)?;
            Some([epoch.number as f64, f64::from((self.value)(moment))])
        })
    }

    /// The value at an index into the recording's epochs.
    pub fn at(&self, epoch: usize) -> Option<f32> {
        let moment = self.moments.iter().find(|moment| moment.epoch == EpochIndex(epoch))?;
        Some((self.value)(moment)).filter(|value| value.is_finite())
    }
}

impl<'a> Units<'a> {
    /// The lines that are shown of one unit: one per class, that of all inputs last, above the others.
    pub(super) fn by_class(&self, biography: &'a UnitProfile, view: &ViewState) -> Vec<Series<'a>> {
        let classes = &self.recording.classes;
        let chosen = view.query.select.classes(self.recording).unwrap_or_default();
        let mut lines = Vec::new();
        for (class, number) in self.classes_drawn(biography, &chosen) {
            let look = look(number, self.palette);
            let bold = chosen.contains(&class);
            let faint = !chosen.is_empty() && !bold;
            lines.push(Series {
                name: text::truncate(&classes[class].name, 32),
                colour: if faint { look.colour.gamma_multiply(0.45) } else { look.colour },
                dashed: look.dashed,
                bold,
                moments: &biography.history,
                value: Box::new(move |moment| moment.classes.get(class).copied().unwrap_or(f32::NAN)),
            });
        }
        // What is chosen lies above the others.
        lines.sort_by_key(|line| line.bold);
        lines.push(Series {
            name: "all inputs".to_owned(),
            colour: self.palette.text,
            dashed: false,
            bold: true,
            moments: &biography.history,
            value: Box::new(|moment| moment.all),
        });
        lines
    }

    /// Classes that have a line, and its number: all of a few; of many those that are chosen or, without
    /// any, the one that the unit answers to most.
    pub(super) fn classes_drawn(&self, biography: &UnitProfile, chosen: &[usize]) -> Vec<(usize, usize)> {
        let classes = self.recording.classes.len();
        if classes <= MOST {
            return (0..classes).map(|class| (class, class)).collect();
        }
        let most = biography.selectivity.map(|selectivity| selectivity.class);
        let drawn = if chosen.is_empty() { most.as_slice() } else { chosen };
        drawn.iter().copied().filter(|&class| class < classes).take(MOST).zip(0..).collect()
    }

    /// One line per pinned unit that is known: its mean over all inputs.
    fn by_unit(&self, pins: &[Pin]) -> Vec<Series<'a>> {
        let known = pins.iter().enumerate().filter_map(|(number, pin)| Some((number, pin, self.known(pin)?)));
        let lines = known.map(|(number, pin, biography)| {
            let look = look(number, self.palette);
            Series {
                name: super::named(pin),
                colour: look.colour,
                dashed: look.dashed,
                bold: false,
                moments: &biography.history,
                value: Box::new(|moment| moment.all),
            }
        });
        lines.collect()
    }

    /// Shows the lines, `height` points high; a click or a drag moves the epoch.
    pub(super) fn training(
        &self,
        ui: &mut Ui,
        (pin, biography): (&Pin, &'a UnitProfile),
        view: &mut ViewState,
        hands: &mut Hands,
        height: f32,
    ) {
        heading(ui, "Training");
        if view.pins.len() > 1 {
            let options = [(false, "By class"), (true, "Compare units")];
            if let Some(compare) = segmented(ui, self.palette, "Training", &options, Some(hands.compare)) {
                hands.compare = compare;
            }
        }
        let compares = hands.compare && view.pins.len() > 1;
        let lines = if compares { self.by_unit(&view.pins) } else { self.by_class(biography, view) };
        let summary = if compares {
            let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
            format!("Training of {} units: {}", names.len(), names.join(", "))
        } else {
            summary(self.recording, pin, biography)
        };
        let chart = Chart { recording: self.recording, palette: self.palette, lines: &lines, height };
        if let Some(epoch) = chart.show(ui, view.epoch, &summary) {
            view.epoch = epoch;
        }
        if compares {
            legend(ui, self.palette, &lines);
        }
    }
}

/// "Training of conv2 unit 17: mean activation from 0.1 at epoch 0 to 0.8 at epoch 12".
fn summary(recording: &Recording, pin: &Pin, biography: &UnitProfile) -> String {
    let told = |moment: &UnitEpoch| {
        let epoch = recording.epochs.get(moment.epoch.0).map_or(0, |epoch| epoch.number);
        format!("{} at epoch {epoch}", text::number(moment.all, moment.all.abs()))
    };
    let who = format!("Training of {} unit {}", text::truncate(&pin.layer, 40), pin.unit);
    match (biography.history.first(), biography.history.last()) {
        (Some(first), Some(last)) if first.epoch != last.epoch => {
            format!("{who}: mean activation from {} to {}", told(first), told(last))
        }
        (Some(only), _) => format!("{who}: mean activation {}", told(only)),
        _ => format!("{who}: being read"),
    }
}

/// What the lines are, where no list beside them says it.
fn legend(ui: &mut Ui, palette: Palette, lines: &[Series]) {
    ui.horizontal_wrapped(|ui| {
        for line in lines {
            let name =
                ui.painter().layout_no_wrap(line.name.clone(), FontId::proportional(SMALL), palette.dim);
            let (place, _) = ui.allocate_exact_size(vec2(name.size().x + 20.0, 16.0), Sense::hover());
            let stroke = egui::Stroke::new(2.0, line.colour);
            ui.painter().hline(place.left()..=place.left() + 14.0, place.center().y, stroke);
            let at = Align2::LEFT_CENTER.anchor_size(place.left_center() + vec2(20.0, 0.0), name.size());
            ui.painter().galley(at.min, name, palette.dim);
        }
    });
}
