//! Accuracy and loss along the training: thin curves behind the slider, and their values in words.

use egui::{Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use super::style::Palette;
use super::words;
use crate::model::{Epoch, Recording};

/// What a curve tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    Accuracy,
    Loss,
}

impl Curve {
    /// Those of which some epoch has a value.
    pub fn of(recording: &Recording) -> impl Iterator<Item = Self> {
        [Self::Accuracy, Self::Loss]
            .into_iter()
            .filter(|curve| recording.epochs.iter().any(|epoch| curve.value(epoch).is_some()))
    }

    fn value(self, epoch: &Epoch) -> Option<f64> {
        match self {
            Self::Accuracy => epoch.accuracy,
            Self::Loss => epoch.loss,
        }
        .filter(|value| value.is_finite())
    }

    /// "accuracy 97.0 %"; `None` when the epoch has no such value.
    pub fn tell(self, epoch: &Epoch) -> Option<String> {
        let value = self.value(epoch)?;
        Some(match self {
            Self::Accuracy => format!("accuracy {value:.1} %"),
            Self::Loss => format!("loss {}", words::number(value as f32, value.abs() as f32)),
        })
    }

    /// What is past, and what is yet to come of a training that is over.
    pub fn colours(self, palette: Palette) -> [egui::Color32; 2] {
        match self {
            Self::Accuracy => [palette.accent.gamma_multiply(0.8), palette.dim.gamma_multiply(0.6)],
            Self::Loss => [palette.text.gamma_multiply(0.6), palette.dim.gamma_multiply(0.35)],
        }
    }

    /// Draws the curve into `track`, what lies left of `now` stronger. `x_of` is where a place (an
    /// index into the recording's epochs) stands.
    pub fn paint(
        self,
        painter: &Painter,
        palette: Palette,
        recording: &Recording,
        track: Rect,
        now: f32,
        x_of: &dyn Fn(f64) -> f32,
    ) {
        let values = || {
            let epochs = recording.epochs.iter().enumerate();
            epochs.filter_map(|(index, epoch)| Some((index, self.value(epoch)?)))
        };
        let low = values().map(|(_, value)| value).fold(f64::INFINITY, f64::min);
        let high = values().map(|(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
        if low >= high {
            return;
        }
        let height = track.height() - 4.0;
        let point = |(index, value): (usize, f64)| {
            let share = ((value - low) / (high - low)) as f32;
            pos2(x_of(index as f64), track.bottom() - 2.0 - share * height)
        };
        let points: Vec<Pos2> = values().map(point).collect();
        let past = Rect::from_min_max(track.min, pos2(now, track.bottom())).expand2(vec2(0.0, 2.0));
        let past = painter.with_clip_rect(painter.clip_rect().intersect(past));
        if self == Self::Accuracy {
            for pair in points.windows(2) {
                let (a, b) = (pair[0], pair[1]);
                past.add(Shape::convex_polygon(
                    vec![a, b, pos2(b.x, track.bottom()), pos2(a.x, track.bottom())],
                    palette.accent.gamma_multiply(0.12),
                    Stroke::NONE,
                ));
            }
        }
        let [done, to_come] = self.colours(palette);
        painter.add(Shape::line(points.clone(), Stroke::new(1.0, to_come)));
        past.add(Shape::line(points, Stroke::new(1.0, done)));
    }
}
