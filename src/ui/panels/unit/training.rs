//! The chart of a unit's training: its lines, legend and summary.

use egui::{Align2, FontId, Sense, Ui, vec2};

use super::chart::{ChartSeries, TrainingChart};
use super::lines::{MOST, series_style};
use super::pin_name::pin_label;
use super::{UnitPanel, UnitPanelState};
use crate::insight::{UnitEpoch, UnitProfile};
use crate::model::{Pin, Recording, ViewState};
use crate::ui::style::{Palette, SMALL};
use crate::ui::text;
use crate::ui::widgets::{heading, segmented};

impl<'a> UnitPanel<'a> {
    /// Returns the lines of one unit: one per class, and that of all inputs last, on top.
    pub(super) fn by_class(&self, profile: &'a UnitProfile, view: &ViewState) -> Vec<ChartSeries<'a>> {
        let classes = &self.recording.classes;
        let chosen = view.query.select.classes(self.recording).unwrap_or_default();
        let mut lines = Vec::new();
        for (class, number) in self.classes_drawn(profile, &chosen) {
            let series_style = series_style(number, self.palette);
            let bold = chosen.contains(&class);
            let faint = !chosen.is_empty() && !bold;
            lines.push(ChartSeries {
                name: text::truncate(&classes[class].name, 32),
                colour: if faint { series_style.colour.gamma_multiply(0.45) } else { series_style.colour },
                dashed: series_style.dashed,
                bold,
                epochs: &self.recording.epochs,
                history: &profile.history,
                value: Box::new(move |epoch_stats| {
                    epoch_stats.classes.get(class).copied().unwrap_or(f32::NAN)
                }),
            });
        }
        // Lines of selected classes are drawn on top of others.
        lines.sort_by_key(|line| line.bold);
        lines.push(ChartSeries {
            name: "all inputs".to_owned(),
            colour: self.palette.text,
            dashed: false,
            bold: true,
            epochs: &self.recording.epochs,
            history: &profile.history,
            value: Box::new(|epoch_stats| epoch_stats.all),
        });
        lines
    }

    /// Returns the line of a unit in the run that is subtracted: its mean over all inputs.
    fn in_subtracted_run(&self, pin: &Pin) -> Option<ChartSeries<'a>> {
        let run = self.subtracted?;
        let profile = self.subtracted_profile(pin)?.ok()?;
        Some(ChartSeries {
            name: format!("all inputs, {}", text::truncate(run.name, 40)),
            colour: self.palette.warning,
            dashed: true,
            bold: true,
            epochs: &run.recording.epochs,
            history: &profile.history,
            value: Box::new(|epoch_stats| epoch_stats.all),
        })
    }

    /// Returns the classes that have a line, each with the number of its style: all of a few; of many the
    /// selected ones or, without any, the one that the unit is most selective for.
    pub(super) fn classes_drawn(&self, profile: &UnitProfile, chosen: &[usize]) -> Vec<(usize, usize)> {
        let classes = self.recording.classes.len();
        if classes <= MOST {
            return (0..classes).map(|class| (class, class)).collect();
        }
        let most = profile.selectivity.map(|selectivity| selectivity.class);
        let drawn = if chosen.is_empty() { most.as_slice() } else { chosen };
        drawn.iter().copied().filter(|&class| class < classes).take(MOST).zip(0..).collect()
    }

    /// Returns one line per pinned unit whose profile is known: its mean over all inputs.
    fn by_unit(&self, pins: &[Pin]) -> Vec<ChartSeries<'a>> {
        let known =
            pins.iter().enumerate().filter_map(|(number, pin)| Some((number, pin, self.profile(pin)?)));
        let lines = known.map(|(number, pin, profile)| {
            let series_style = series_style(number, self.palette);
            ChartSeries {
                name: pin_label(pin),
                colour: series_style.colour,
                dashed: series_style.dashed,
                bold: false,
                epochs: &self.recording.epochs,
                history: &profile.history,
                value: Box::new(|epoch_stats| epoch_stats.all),
            }
        });
        lines.collect()
    }

    /// Shows the chart, `height` points high; a click or a drag changes the epoch.
    pub(super) fn training(
        &self,
        ui: &mut Ui,
        (pin, profile): (&Pin, &'a UnitProfile),
        view: &mut ViewState,
        state: &mut UnitPanelState,
        height: f32,
    ) {
        heading(ui, "Training");
        if view.pins.len() > 1 {
            let options = [(false, "By class"), (true, "Compare units")];
            if let Some(compare) = segmented(ui, self.palette, "Training", &options, Some(state.compare)) {
                state.compare = compare;
            }
        }
        let compares = state.compare && view.pins.len() > 1;
        let mut lines = if compares { self.by_unit(&view.pins) } else { self.by_class(profile, view) };
        let other = self.in_subtracted_run(pin).filter(|_| !compares);
        let has_other = other.is_some();
        lines.extend(other);
        let summary = if compares {
            let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
            format!("Training of {} units: {}", names.len(), names.join(", "))
        } else {
            summary(self.recording, pin, profile)
        };
        let chart = TrainingChart { recording: self.recording, palette: self.palette, lines: &lines, height };
        if let Some(epoch) = chart.show(ui, view.epoch, &summary) {
            view.epoch = epoch;
        }
        if compares {
            legend(ui, self.palette, &lines);
        } else if has_other {
            // The two lines of all inputs; the list of classes names the others.
            legend(ui, self.palette, &lines[lines.len().saturating_sub(2)..]);
        }
    }
}

/// Describes the chart: "Training of conv2 unit 17: mean activation from 0.1 at epoch 0 to 0.8 at epoch
/// 12".
fn summary(recording: &Recording, pin: &Pin, profile: &UnitProfile) -> String {
    let value_at = |epoch_stats: &UnitEpoch| {
        let epoch = recording.epochs.get(epoch_stats.epoch.0).map_or(0, |epoch| epoch.number);
        format!("{} at epoch {epoch}", text::format_value(epoch_stats.all, epoch_stats.all.abs()))
    };
    let title = format!("Training of {} unit {}", text::truncate(&pin.layer, 40), pin.unit);
    match (profile.history.first(), profile.history.last()) {
        (Some(first), Some(last)) if first.epoch != last.epoch => {
            format!("{title}: mean activation from {} to {}", value_at(first), value_at(last))
        }
        (Some(only), _) => format!("{title}: mean activation {}", value_at(only)),
        _ => format!("{title}: being read"),
    }
}

/// Shows the names of the lines, if no list beside the chart does.
fn legend(ui: &mut Ui, palette: Palette, lines: &[ChartSeries]) {
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
