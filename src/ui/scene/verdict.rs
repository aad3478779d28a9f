//! The verdict on the predicted class, right or wrong: in words beside the outputs, and as a mark.

use egui::{Align, Align2, Color32, FontId, Painter, Rect, Shape, Stroke, Vec2, pos2, vec2};

use super::description::SceneDescription;
use super::prediction::Prediction;
use crate::ui::style::{Palette, semibold};
use crate::ui::text;

/// Distance to the rows, and of marks to texts, in points.
const GAP: f32 = 4.0;
/// Difference of the font size to that of the rows, in points.
const LARGER: f32 = 2.0;

/// A mark beside a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// The right class.
    Check,
    /// A wrong prediction.
    Cross,
}

impl Mark {
    /// Returns the mark of a class and its colour: a check mark or a cross at the predicted class, and a check mark at
    /// that of the input.
    pub(super) fn of(prediction: Prediction, class: usize, palette: Palette) -> Option<(Self, Color32)> {
        let is_right = prediction.is_right()?;
        if class == prediction.class {
            Some(if is_right { (Self::Check, palette.accent) } else { (Self::Cross, palette.warning) })
        } else {
            (prediction.true_class == Some(class)).then_some((Self::Check, palette.text))
        }
    }

    /// Returns the size of a mark beside a text of a font size, in points.
    pub(super) fn size(font_size: f32) -> Vec2 {
        Vec2::splat(0.75 * font_size)
    }

    /// Paints the mark as lines: fonts may lack its glyph.
    pub(super) fn paint(self, painter: &Painter, place: Rect, colour: Color32) {
        let stroke = Stroke::new((0.16 * place.width()).max(1.2), colour);
        let at = |x: f32, y: f32| place.lerp_inside(vec2(x, y));
        match self {
            Self::Check => {
                painter.add(Shape::line(vec![at(0.05, 0.55), at(0.38, 0.88), at(0.95, 0.15)], stroke));
            }
            Self::Cross => {
                painter.line_segment([at(0.12, 0.12), at(0.88, 0.88)], stroke);
                painter.line_segment([at(0.88, 0.12), at(0.12, 0.88)], stroke);
            }
        }
    }
}

impl SceneDescription<'_> {
    /// Paints the predicted class above or below the rows in `area`, a check mark or a cross, and the class of the
    /// input if it is another one. Returns the place that is covered; `None` without room.
    pub(super) fn paint_verdict(
        &self,
        painter: &Painter,
        area: Rect,
        prediction: Prediction,
        size: f32,
        palette: Palette,
        is_free: impl Fn(Rect) -> bool,
    ) -> Option<Rect> {
        let size = size + LARGER;
        let name = |class: usize| text::truncate(&self.recording.classes[class].name, 24);
        let line = |text: String| painter.layout_no_wrap(text, FontId::new(size, semibold()), palette.text);
        let guess = line(format!("guess {}", name(prediction.class)));
        let mark = Mark::of(prediction, prediction.class, palette);
        let truth = prediction.true_class.filter(|_| prediction.is_right() == Some(false));
        let truth = truth.map(|class| line(format!(", is {}", name(class))));
        let mark_width = mark.map_or(0.0, |_| GAP + Mark::size(size).x + 1.0);
        let truth_width = truth.as_ref().map_or(0.0, |truth| truth.size().x);
        let whole = vec2(guess.size().x + mark_width + truth_width, guess.size().y);
        let candidates = [
            (Align2::LEFT_BOTTOM, area.left_top()),
            (Align2::RIGHT_BOTTOM, area.right_top()),
            (Align2::LEFT_TOP, area.left_bottom()),
            (Align2::RIGHT_TOP, area.right_bottom()),
        ];
        let mut places = candidates.into_iter().map(|(align, corner)| {
            let away = if align.y() == Align::TOP { GAP } else { -GAP };
            align.anchor_size(corner + vec2(0.0, away), whole)
        });
        let place = places.find(|place| is_free(*place))?;
        let after_guess = place.left() + guess.size().x;
        painter.galley(place.min, guess, palette.text);
        if let Some((mark, colour)) = mark {
            let at = pos2(after_guess + GAP, place.center().y);
            mark.paint(painter, Align2::LEFT_CENTER.anchor_size(at, Mark::size(size)), colour);
        }
        if let Some(truth) = truth {
            painter.galley(pos2(place.right() - truth.size().x, place.top()), truth, palette.text);
        }
        Some(place.expand(1.0))
    }
}
