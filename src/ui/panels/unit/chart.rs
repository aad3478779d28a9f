//! Chart of mean activations over the epochs, with tooltip, pointer and keys.

use egui::{Align2, EventFilter, FontId, Key, Response, Role, Sense, Ui, WidgetInfo};
use egui_plot::{AxisHints, GridMark, Line, LineStyle, Plot, PlotPoints, VLine};

use crate::insight::UnitEpoch;
use crate::model::{Epoch, Recording};
use crate::ui::style::{Palette, SMALL};
use crate::ui::text;
use crate::ui::widgets::focus_ring;

/// Maximum number of points of a line.
const DRAWN: usize = 1024;

/// A line of the chart: a mean activation per epoch.
pub(super) struct ChartSeries<'a> {
    /// "all inputs", or the name of a class or a unit.
    pub name: String,
    /// Colour of the line.
    pub colour: egui::Color32,
    /// The line is dashed.
    pub dashed: bool,
    /// The line is thicker than others.
    pub bold: bool,
    /// The epochs of the recording that `history` is of.
    pub epochs: &'a [Epoch],
    /// One per readable epoch.
    pub history: &'a [UnitEpoch],
    /// The value of an epoch.
    pub value: Box<dyn Fn(&UnitEpoch) -> f32 + 'a>,
}

impl<'a> ChartSeries<'a> {
    /// Returns (number of the epoch, value) for every recorded epoch.
    pub fn points(&self) -> impl Iterator<Item = [f64; 2]> {
        self.history.iter().filter_map(|epoch_stats| {
            let epoch = self.epochs.get(epoch_stats.epoch.0)?;
            Some([epoch.number as f64, f64::from((self.value)(epoch_stats))])
        })
    }

    /// Returns the value at the epoch with this number.
    pub fn at(&self, number: u64) -> Option<f32> {
        let is_there = |epoch_stats: &&UnitEpoch| {
            self.epochs.get(epoch_stats.epoch.0).is_some_and(|epoch| epoch.number == number)
        };
        let epoch_stats = self.history.iter().find(is_there)?;
        Some((self.value)(epoch_stats)).filter(|value| value.is_finite())
    }
}

/// Chart of lines over the epochs.
pub(super) struct TrainingChart<'a, 'l> {
    /// The recording whose epochs can be chosen.
    pub recording: &'a Recording,
    /// The colours of axes, grid and text.
    pub palette: Palette,
    /// The lines, the topmost last.
    pub lines: &'l [ChartSeries<'a>],
    /// Height of the chart, in points.
    pub height: f32,
}

impl TrainingChart<'_, '_> {
    /// Shows the chart; returns the number of the epoch that the user chose.
    pub fn show(&self, ui: &mut Ui, now: f64, summary: &str) -> Option<f64> {
        let palette = self.palette;
        let [mut x, mut y] = [[f64::INFINITY, f64::NEG_INFINITY]; 2];
        let mut pieces: Vec<(usize, Vec<[f64; 2]>)> = Vec::new();
        for (number, line) in self.lines.iter().enumerate() {
            let points: Vec<[f64; 2]> = line.points().collect();
            for point in points.iter().filter(|point| point[1].is_finite()) {
                for (ends, value) in [(&mut x, point[0]), (&mut y, point[1])] {
                    *ends = [ends[0].min(value), ends[1].max(value)];
                }
            }
            // Lines are interrupted where there is no value.
            let runs = points.split(|point| !point[1].is_finite()).filter(|run| !run.is_empty());
            pieces.extend(runs.map(|run| (number, decimate(run))));
        }
        if x[0] > x[1] {
            [x, y] = [[0.0, 1.0]; 2];
        }
        let margin = |[low, high]: [f64; 2], share: f64, least: f64| {
            let margin = (share * (high - low)).max(least);
            (low - margin)..=(high + margin)
        };
        let (across, upwards) = (margin(x, 0.02, 0.02), margin(y, 0.08, 0.05 * y[1].abs().max(1e-6)));
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
                    .formatter(|mark, _| tick(mark.value, mark.step_size)),
            ])
            .label_formatter(|_| None)
            .sense(Sense::click_and_drag());
        let plot_response = plot.show(ui, |plot| {
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
        if self.lines.iter().all(|line| line.history.is_empty()) {
            let font = FontId::proportional(SMALL);
            let at = plot_response.transform.frame().center();
            ui.painter().text(at, Align2::CENTER_CENTER, "reading…", font, palette.dim);
        }
        let response = plot_response.response;
        response.widget_info(|| WidgetInfo::labeled(Role::Canvas, ui.is_enabled(), summary));
        focus_ring(ui, &response, palette);
        let number = |epoch: usize| self.recording.epochs.get(epoch).map(|epoch| epoch.number as f64);
        let chosen = if response.clicked() || response.dragged() {
            let at = response.interact_pointer_pos();
            at.and_then(|at| self.nearest(plot_response.transform.value_from_position(at).x))
        } else {
            self.keys(ui, &response, now)
        };
        self.show_tooltip(ui, response, &plot_response.transform);
        chosen.and_then(number)
    }

    /// Returns the epochs that a line has, as indices into the recording's epochs.
    fn epochs(&self) -> impl Iterator<Item = usize> {
        let own = self.lines.iter().filter(|line| std::ptr::eq(line.epochs, &*self.recording.epochs));
        own.max_by_key(|line| line.history.len()).into_iter().flat_map(|line| {
            let known = |epoch: &usize| *epoch < self.recording.epochs.len();
            line.history.iter().map(|epoch_stats| epoch_stats.epoch.0).filter(known)
        })
    }

    /// Returns the epoch whose number is nearest.
    fn nearest(&self, number: f64) -> Option<usize> {
        let distance = |epoch: &usize| (self.recording.epochs[*epoch].number as f64 - number).abs();
        self.epochs().min_by(|a, b| distance(a).total_cmp(&distance(b)))
    }

    /// Handles the arrow keys, which step through the epochs.
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

    /// Shows a tooltip with the line nearest to the pointer, at the nearest epoch.
    fn show_tooltip(&self, ui: &Ui, response: Response, transform: &egui_plot::PlotTransform) {
        let Some(at) = response.hover_pos() else { return };
        let Some(epoch) = self.nearest(transform.value_from_position(at).x) else { return };
        let number = self.recording.epochs[epoch].number;
        let place = |value: f32| {
            transform.position_from_point(&egui_plot::PlotPoint::new(number as f64, f64::from(value)))
        };
        let values = self.lines.iter().filter_map(|line| Some((line, line.at(number)?)));
        let distance = |value: f32| (place(value).y - at.y).abs();
        let Some((line, value)) = values.min_by(|a, b| distance(a.1).total_cmp(&distance(b.1))) else {
            return;
        };
        ui.painter().circle_filled(place(value), 3.5, line.colour);
        let value = text::format_value(value, value.abs());
        response.on_hover_text_at_pointer(format!("epoch {number} · {} · {value}", line.name));
    }
}

/// Returns grid lines on round numbers that are multiples of `least`, at most about `most` of them.
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
        // Adding 0 turns −0 into 0.
        marks.push(GridMark { value: at * step + 0.0, step_size: step });
        at += 1.0;
    }
    marks
}

/// Formats a round number with the digits of its step.
fn tick(value: f64, step: f64) -> String {
    let decimals = -step.log10().floor();
    if !(-5.0..=6.0).contains(&decimals) {
        return text::format_value(value as f32, value.abs() as f32);
    }
    format!("{value:.*}", decimals.max(0.0) as usize).replace('-', "\u{2212}")
}

/// Keeps the lowest and the highest point of each stretch of very many points, so that no peak is lost.
fn decimate(points: &[[f64; 2]]) -> Vec<[f64; 2]> {
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
    fn ticks_have_the_digits_of_their_step() {
        let cases = [
            (0.6, 0.2, "0.6"),
            (0.0, 0.2, "0.0"),
            (-0.25, 0.05, "\u{2212}0.25"),
            (1200.0, 200.0, "1200"),
            (3e-9, 1e-9, "3e\u{2212}9"),
        ];
        for (value, step, text) in cases {
            assert_eq!(tick(value, step), text);
        }
    }

    #[test]
    fn a_long_training_keeps_its_peaks() {
        let mut points: Vec<[f64; 2]> = (0..100_000).map(|at| [f64::from(at), f64::from(at % 13)]).collect();
        points[54_321][1] = 99.0;
        points[12_345][1] = -99.0;
        let thin = decimate(&points);
        assert!(thin.len() <= DRAWN, "{}", thin.len());
        assert!(thin.contains(&points[54_321]) && thin.contains(&points[12_345]));
        assert!(thin.windows(2).all(|pair| pair[0][0] < pair[1][0]), "in their order");
        assert_eq!(decimate(&points[..DRAWN]), points[..DRAWN]);
    }
}
