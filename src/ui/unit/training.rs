//! The training of units as lines: epochs across, mean activation upwards.

use egui::{Align2, EventFilter, FontId, Key, Response, Role, Sense, Ui, WidgetInfo, vec2};
use egui_plot::{AxisHints, GridMark, Line, LineStyle, Plot, PlotPoints, VLine};

use super::lines::{MOST, look};
use super::{Hands, Units};
use crate::insight::{Biography, Moment};
use crate::model::{Pin, Recording, ViewState};
use crate::ui::overlay::short;
use crate::ui::style::{Palette, SMALL};
use crate::ui::widgets::{focus_ring, segmented};
use crate::ui::words;

/// Points of a line up to which all are drawn.
const DRAWN: usize = 1024;

/// One line: a mean activation per epoch.
pub(super) struct Series<'a> {
    /// "all inputs", a class or a unit.
    pub name: String,
    pub colour: egui::Color32,
    pub dashed: bool,
    pub bold: bool,
    moments: &'a [Moment],
    value: Box<dyn Fn(&Moment) -> f32 + 'a>,
}

impl<'a> Series<'a> {
    /// (number of the epoch, value) as far as recorded.
    fn points(&self, recording: &'a Recording) -> impl Iterator<Item = [f64; 2]> {
        self.moments.iter().filter_map(|moment| {
            let epoch = recording.epochs.get(moment.epoch)?;
            Some([epoch.number as f64, f64::from((self.value)(moment))])
        })
    }

    /// The value at an index into the recording's epochs.
    fn at(&self, epoch: usize) -> Option<f32> {
        let moment = self.moments.iter().find(|moment| moment.epoch == epoch)?;
        Some((self.value)(moment)).filter(|value| value.is_finite())
    }
}

impl<'a> Units<'a> {
    /// The lines that are shown of one unit: one per class, that of all inputs last, above the others.
    pub(super) fn by_class(&self, biography: &'a Biography, view: &ViewState) -> Vec<Series<'a>> {
        let classes = &self.recording.classes;
        let chosen = view.query.select.classes(self.recording).unwrap_or_default();
        let mut lines = Vec::new();
        for (class, number) in self.classes_drawn(biography, &chosen) {
            let look = look(number, self.palette);
            let bold = chosen.contains(&class);
            let faint = !chosen.is_empty() && !bold;
            lines.push(Series {
                name: short(&classes[class].name, 32),
                colour: if faint { look.colour.gamma_multiply(0.45) } else { look.colour },
                dashed: look.dashed,
                bold,
                moments: &biography.history,
                value: Box::new(move |moment| moment.classes.get(class).copied().unwrap_or(f32::NAN)),
            });
        }
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
    pub(super) fn classes_drawn(&self, biography: &Biography, chosen: &[usize]) -> Vec<(usize, usize)> {
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
        (pin, biography): (&Pin, &'a Biography),
        view: &mut ViewState,
        hands: &mut Hands,
        height: f32,
    ) {
        crate::ui::widgets::heading(ui, "Training");
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
fn summary(recording: &Recording, pin: &Pin, biography: &Biography) -> String {
    let told = |moment: &Moment| {
        let epoch = recording.epochs.get(moment.epoch).map_or(0, |epoch| epoch.number);
        format!("{} at epoch {epoch}", words::number(moment.all, moment.all.abs()))
    };
    let who = format!("Training of {} unit {}", short(&pin.layer, 40), pin.unit);
    match (biography.history.first(), biography.history.last()) {
        (Some(first), Some(last)) if first.epoch != last.epoch => {
            format!("{who}: mean activation from {} to {}", told(first), told(last))
        }
        (Some(only), _) => format!("{who}: mean activation {}", told(only)),
        _ => format!("{who}: no epoch yet"),
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

/// Lines over the epochs.
struct Chart<'a, 'l> {
    recording: &'a Recording,
    palette: Palette,
    lines: &'l [Series<'a>],
    height: f32,
}

impl Chart<'_, '_> {
    /// Returns the number of the epoch that a hand chose.
    fn show(&self, ui: &mut Ui, now: f64, summary: &str) -> Option<f64> {
        let palette = self.palette;
        let [mut x, mut y] = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        let mut pieces: Vec<(usize, Vec<[f64; 2]>)> = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            let points: Vec<[f64; 2]> = line.points(self.recording).collect();
            for point in points.iter().filter(|point| point[1].is_finite()) {
                for (ends, value) in [(&mut x, point[0]), (&mut y, point[1])] {
                    *ends = [ends[0].min(value), ends[1].max(value)];
                }
            }
            // No line across what has no value.
            let runs = points.split(|point| !point[1].is_finite()).filter(|run| !run.is_empty());
            pieces.extend(runs.map(|run| (number, thinned(run))));
        }
        if x[0] > x[1] {
            [x, y] = [[0.0, 1.0]; 2];
        }
        let margin = |[low, high]: [f64; 2], share: f64, least: f64| {
            let margin = (share * (high - low)).max(least);
            (low - margin)..=(high + margin)
        };
        let (across, upwards) = (margin(x, 0.02, 0.02), margin(y, 0.08, 0.05 * y[1].abs().max(1e-6)));
        let span = (y[1] - y[0]).max(0.1 * y[1].abs()) as f32;
        let axis = |axis: AxisHints<'static>| {
            axis.tick_label_color(palette.dim)
                .tick_label_font(FontId::proportional(SMALL))
                .label_spacing(egui::Rangef::new(8.0, 9.0))
        };
        let plot = Plot::new("training")
            .height(self.height)
            .show_background(false)
            .show_crosshair(false)
            .show_x(false)
            .show_y(false)
            .allow_drag(false)
            .allow_zoom(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .show_grid([false, true])
            .grid_color(palette.line)
            .grid_fade(0.0)
            .x_grid_spacer(|input| marks(input.bounds, 8.0, 1.0))
            .y_grid_spacer(|input| marks(input.bounds, 4.0, 0.0))
            .custom_x_axes(vec![axis(AxisHints::new_x()).formatter(|mark, _| format!("{}", mark.value))])
            .custom_y_axes(vec![
                axis(AxisHints::new_y())
                    .min_thickness(32.0)
                    .formatter(move |mark, _| words::number(mark.value as f32, span)),
            ])
            .label_formatter(|_| None)
            .sense(Sense::click_and_drag());
        let shown = plot.show(ui, |plot| {
            plot.set_plot_bounds_x(across);
            plot.set_plot_bounds_y(upwards);
            plot.vline(VLine::new("epoch", now).color(palette.accent).width(1.0).allow_hover(false));
            for (number, points) in pieces {
                let line = &self.lines[number];
                let style = if line.dashed { LineStyle::dashed_dense() } else { LineStyle::Solid };
                let drawn = Line::new(line.name.clone(), PlotPoints::new(points))
                    .color(line.colour)
                    .width(if line.bold { 2.5 } else { 1.5 })
                    .style(style)
                    .allow_hover(false);
                plot.line(drawn);
            }
        });
        let response = shown.response;
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, ui.is_enabled(), summary));
        focus_ring(ui, &response, palette);
        let number = |epoch: usize| self.recording.epochs.get(epoch).map(|epoch| epoch.number as f64);
        let chosen = if response.clicked() || response.dragged() {
            let at = response.interact_pointer_pos();
            at.and_then(|at| self.nearest(shown.transform.value_from_position(at).x))
        } else {
            self.keys(ui, &response, now)
        };
        self.tell(ui, response, &shown.transform);
        chosen.and_then(number)
    }

    /// Indices into the recording's epochs that some line knows.
    fn epochs(&self) -> impl Iterator<Item = usize> {
        self.lines.iter().max_by_key(|line| line.moments.len()).into_iter().flat_map(|line| {
            let known = |epoch: &usize| *epoch < self.recording.epochs.len();
            line.moments.iter().map(|moment| moment.epoch).filter(known)
        })
    }

    /// The epoch whose number is nearest.
    fn nearest(&self, number: f64) -> Option<usize> {
        let distance = |epoch: &usize| (self.recording.epochs[*epoch].number as f64 - number).abs();
        self.epochs().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// Arrow keys step through the epochs.
    fn keys(&self, ui: &Ui, response: &Response, now: f64) -> Option<usize> {
        if !response.has_focus() {
            return None;
        }
        let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let pressed = |key| ui.input(|input| input.key_pressed(key));
        let number = |epoch: &usize| self.recording.epochs[*epoch].number as f64;
        if pressed(Key::ArrowRight) {
            self.epochs().find(|epoch| number(epoch) > now)
        } else if pressed(Key::ArrowLeft) {
            self.epochs().filter(|epoch| number(epoch) < now).last()
        } else {
            None
        }
    }

    /// Says what the pointer is at: the line nearest to it, at the epoch nearest to it.
    fn tell(&self, ui: &Ui, response: Response, transform: &egui_plot::PlotTransform) {
        let Some(at) = response.hover_pos() else { return };
        let Some(epoch) = self.nearest(transform.value_from_position(at).x) else { return };
        let number = self.recording.epochs[epoch].number;
        let place = |value: f32| {
            transform.position_from_point(&egui_plot::PlotPoint::new(number as f64, f64::from(value)))
        };
        let values = self.lines.iter().filter_map(|line| Some((line, line.at(epoch)?)));
        let distance = |value: f32| (place(value).y - at.y).abs();
        let Some((line, value)) = values.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))) else {
            return;
        };
        ui.painter().circle_filled(place(value), 3.5, line.colour);
        let value = words::number(value, value.abs());
        response.on_hover_text_at_pointer(format!("epoch {number} · {} · {value}", line.name));
    }
}

/// Where lines of the grid stand: at most about `most` of them, on round numbers that are multiples of
/// `least`.
fn marks((low, high): (f64, f64), most: f64, least: f64) -> Vec<GridMark> {
    let rough = (high - low) / most;
    if !rough.is_finite() || rough <= 0.0 {
        return Vec::new();
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * power).into_iter().find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * power).max(least);
    let mut at = (low / step).ceil();
    let mut marks = Vec::new();
    while at * step <= high && marks.len() < 32 {
        // Without −0.
        marks.push(GridMark { value: at * step + 0.0, step_size: step });
        at += 1.0;
    }
    marks
}

/// Of very many points the least and the greatest of each stretch, so that no peak is lost.
fn thinned(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
    if points.len() <= DRAWN {
        return points.to_vec();
    }
    let mut thin = Vec::with_capacity(DRAWN + 2);
    for stretch in points.chunks(points.len().div_ceil(DRAWN / 2)) {
        let by = |a: &&[f64; 2], b: &&[f64; 2]| a[1].total_cmp(&b[1]);
        let (Some(low), Some(high)) = (stretch.iter().min_by(by), stretch.iter().max_by(by)) else {
            continue;
        };
        let (first, second) = if low[0] <= high[0] { (low, high) } else { (high, low) };
        thin.push(*first);
        if second != first {
            thin.push(*second);
        }
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grid_stands_on_round_numbers() {
        let values = |bounds, most, least| {
            marks(bounds, most, least).iter().map(|mark| mark.value).collect::<Vec<_>>()
        };
        assert_eq!(values((-0.1, 4.1), 8.0, 1.0), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(values((-2.0, 102.0), 8.0, 1.0), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(values((0.0, 1.0), 4.0, 0.0), [0.0, 0.5, 1.0]);
        assert_eq!(values((-0.5, 0.5), 4.0, 0.0), [-0.5, 0.0, 0.5]);
        assert!(values((1.0, 1.0), 4.0, 0.0).is_empty());
        assert!(values((f64::NAN, 1.0), 4.0, 0.0).is_empty());
    }

    #[test]
    fn a_long_training_keeps_its_peaks() {
        let mut points: Vec<[f64; 2]> = (0..100_000).map(|at| [f64::from(at), f64::from(at % 13)]).collect();
        points[54_321][1] = 99.0;
        points[12_345][1] = -99.0;
        let thin = thinned(&points);
        assert!(thin.len() <= DRAWN, "{}", thin.len());
        assert!(thin.contains(&points[54_321]) && thin.contains(&points[12_345]));
        assert!(thin.windows(2).all(|pair| pair[0][0] < pair[1][0]), "in their order");
        assert_eq!(thinned(&points[..DRAWN]), points[..DRAWN]);
    }
}
