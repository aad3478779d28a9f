//! Curves of accuracy and loss behind the slider, and their values as text.

use egui::{Mesh, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use crate::model::{Epoch, Recording};
use crate::ui::style::Palette;
use crate::ui::text;

/// Distance of the marks of values that are not finite from the upper edge, in points.
const NOT_FINITE_MARK: f32 = 4.0;

/// The metric of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricCurve {
    /// [`Epoch::accuracy`], in percent.
    Accuracy,
    /// [`Epoch::loss`].
    Loss,
}

impl MetricCurve {
    /// Returns the metrics that at least one epoch has.
    pub fn of(recording: &Recording) -> impl Iterator<Item = Self> {
        [Self::Accuracy, Self::Loss]
            .into_iter()
            .filter(|curve| recording.epochs.iter().any(|epoch| curve.value(epoch).is_some()))
    }

    /// Returns the value at an epoch, which can be NaN or infinite.
    fn value(self, epoch: &Epoch) -> Option<f64> {
        match self {
            Self::Accuracy => epoch.accuracy,
            Self::Loss => epoch.loss,
        }
    }

    /// Returns the value as text, "accuracy 97.0 %", "loss NaN"; `None` if the epoch has none.
    pub fn label(self, epoch: &Epoch) -> Option<String> {
        let value = self.value(epoch)?;
        Some(match self {
            Self::Accuracy => format!("accuracy {} %", text::format_percent(value)),
            Self::Loss => format!("loss {}", text::format_metric(value)),
        })
    }

    /// Returns the colours of the part up to the current epoch and of the rest.
    pub fn colours(self, palette: Palette) -> [egui::Color32; 2] {
        match self {
            Self::Accuracy => [palette.accent.gamma_multiply(0.8), palette.dim.gamma_multiply(0.6)],
            Self::Loss => [palette.text.gamma_multiply(0.6), palette.dim.gamma_multiply(0.35)],
        }
    }

    /// Draws the curve into `track`, stronger to the left of `now`. `x_of` returns the position of a place
    /// (an index into the recording's epochs).
    pub fn paint(
        self,
        painter: &Painter,
        palette: Palette,
        recording: &Recording,
        track: Rect,
        now: f32,
        x_of: &dyn Fn(f64) -> f32,
    ) {
        let values: Vec<(f32, f64)> = {
            let epochs = recording.epochs.iter().enumerate();
            epochs.filter_map(|(index, epoch)| Some((x_of(index as f64), self.value(epoch)?))).collect()
        };
        let (low, high) = finite_range(values.iter().map(|(_, value)| *value));
        let height = track.height() - 4.0;
        let y_of = |value: f64| {
            // A constant metric is a line in the middle.
            let share = if low < high { (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) } else { 0.5 };
            track.bottom() - 2.0 - share as f32 * height
        };
        let [done, to_come] = self.colours(palette);
        let part = |left: f32, right: f32| {
            let part = Rect::from_x_y_ranges(left..=right, track.y_range()).expand2(vec2(0.0, 2.0));
            painter.with_clip_rect(painter.clip_rect().intersect(part))
        };
        let (before, after) = (part(track.left() - 1.0, now), part(now, track.right() + 1.0));
        // A value that is not finite breaks the curve; its epoch is marked at the upper edge.
        for run in values.chunk_by(|a, b| a.1.is_finite() && b.1.is_finite()) {
            if !run[0].1.is_finite() {
                let place = pos2(run[0].0, track.top() + NOT_FINITE_MARK);
                for painter in [&before, &after] {
                    paint_cross(painter, place, palette.warning);
                }
                continue;
            }
            let points = decimate(&run.iter().map(|&(x, value)| pos2(x, y_of(value))).collect::<Vec<_>>());
            if let [point] = *points {
                before.circle_filled(point, 1.5, done);
                after.circle_filled(point, 1.5, to_come);
                continue;
            }
            // The two parts overlap in the segment before this point, which both draw.
            let split = points.partition_point(|point| point.x <= now);
            let past = &points[..(split + 1).min(points.len())];
            let rest = &points[split.saturating_sub(1)..];
            if self == Self::Accuracy {
                before.add(area(past, track.bottom(), palette.accent.gamma_multiply(0.12)));
            }
            before.add(Shape::line(past.to_vec(), Stroke::new(1.0, done)));
            after.add(Shape::line(rest.to_vec(), Stroke::new(1.0, to_come)));
        }
    }
}

/// Returns the least and the greatest of the values that are finite; the least is greater without any.
fn finite_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)))
}

/// Draws the mark of a value that is not finite.
fn paint_cross(painter: &Painter, place: Pos2, colour: egui::Color32) {
    let stroke = Stroke::new(1.2, colour);
    for diagonal in [vec2(2.5, 2.5), vec2(2.5, -2.5)] {
        painter.line_segment([place - diagonal, place + diagonal], stroke);
    }
}

/// Returns the area below a curve.
fn area(points: &[Pos2], bottom: f32, colour: egui::Color32) -> Mesh {
    let mut mesh = Mesh::default();
    for (at, point) in (0..).zip(points) {
        mesh.colored_vertex(*point, colour);
        mesh.colored_vertex(pos2(point.x, bottom), colour);
        if at > 0 {
            mesh.add_triangle(2 * at - 2, 2 * at - 1, 2 * at);
            mesh.add_triangle(2 * at - 1, 2 * at, 2 * at + 1);
        }
    }
    mesh
}

/// Drops points that are indistinguishable on the screen: of every stretch of two points, the highest and
/// the lowest stay.
fn decimate(points: &[Pos2]) -> Vec<Pos2> {
    let stretch = |point: &Pos2| (point.x / 2.0).floor();
    let mut thin = Vec::with_capacity(points.len());
    for many in points.chunk_by(|a, b| stretch(a) == stretch(b)) {
        let extreme = |a: &&Pos2, b: &&Pos2| a.y.total_cmp(&b.y);
        let (Some(top), Some(low)) = (many.iter().min_by(extreme), many.iter().max_by(extreme)) else {
            continue;
        };
        thin.extend(many.iter().filter(|point| many.len() <= 2 || *point == top || *point == low));
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_of_thousands_keeps_its_peaks_and_few_points() {
        let mut points: Vec<Pos2> =
            (0..5000).map(|at| pos2(at as f32 * 0.1, (at % 7) as f32 * 0.01)).collect();
        points[1234].y = -30.0;
        points[4321].y = 40.0;
        let thin = decimate(&points);
        assert!(thin.len() <= 2 * 251, "{}", thin.len());
        assert!(thin.contains(&points[1234]) && thin.contains(&points[4321]));
        assert!(thin.windows(2).all(|pair| pair[0].x <= pair[1].x), "in their order");
        assert_eq!(decimate(&points[..1]), points[..1]);
        let sparse: Vec<Pos2> = (0..50).map(|at| pos2(at as f32 * 9.0, at as f32)).collect();
        assert_eq!(decimate(&sparse), sparse, "few points stay as they are");
    }
}
