//! A row of a list: a picture if there is one, a name, and details to its right.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, CornerRadius, FontId, Galley, Rect, Stroke, TextureHandle, Ui, pos2, vec2};

use crate::ui::style::{Palette, SMALL};

/// Height of a row with a picture, in points.
pub const TALL: f32 = 28.0;
/// Edge of the picture, in points.
const PICTURE: f32 = 24.0;

/// The prediction for an input compared with its label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PredictionOutcome<'a> {
    /// There is no known prediction.
    Unknown,
    /// Predicted class and label are equal.
    Right,
    /// Predicted as this class instead of the label.
    Wrong(&'a str),
    /// Predicted as this class; there is no label.
    Unlabelled(&'a str),
}

/// The state of a row.
#[derive(Clone, Copy, Debug)]
pub struct RowState {
    /// The row is selected.
    pub selected: bool,
    /// The pointer is over the row.
    pub hovered: bool,
    /// The row has the whole width of the list, and room for details at its right.
    pub is_alone: bool,
}

/// The content of a row.
pub struct ListEntry<'a> {
    /// Its accessible name.
    pub name: String,
    /// The text at the left.
    pub left: String,
    /// The text at the right: the class of an input, or the size of a class.
    pub right: Cow<'a, str>,
    /// The prediction for an input.
    pub outcome: PredictionOutcome<'a>,
    /// `None` without room for a picture; `Some(None)` until the picture is loaded.
    pub picture: Option<Option<&'a TextureHandle>>,
    /// The input is selected by a term other than its number.
    pub belongs: bool,
}

impl ListEntry<'_> {
    /// Returns the accessible description.
    pub fn description(&self) -> String {
        let mut text = self.left.clone();
        if !self.right.is_empty() {
            let _ = write!(text, ", {}", self.right);
        }
        match self.outcome {
            PredictionOutcome::Unknown => {}
            PredictionOutcome::Right => text.push_str(", predicted right"),
            PredictionOutcome::Wrong(class) => {
                let _ = write!(text, ", wrongly predicted as {class}");
            }
            PredictionOutcome::Unlabelled(class) => {
                let _ = write!(text, ", predicted as {class}");
            }
        }
        text
    }

    /// Paints the row into `rect`.
    pub(super) fn paint(&self, ui: &Ui, palette: Palette, rect: Rect, state: RowState) {
        let RowState { selected, hovered, is_alone } = state;
        let fill = match (selected, hovered) {
            (true, _) => Some(palette.accent_fill),
            (false, true) => Some(palette.control),
            _ => None,
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
        }
        if self.belongs && !selected {
            let bar = Rect::from_min_size(rect.left_top() + vec2(0.0, 4.0), vec2(2.0, rect.height() - 8.0));
            ui.painter().rect_filled(bar, CornerRadius::same(1), palette.accent);
        }
        let mut left = rect.left() + 8.0;
        if let Some(picture) = self.picture {
            let place = Rect::from_center_size(
                pos2(rect.left() + 4.0 + PICTURE / 2.0, rect.center().y),
                vec2(PICTURE, PICTURE),
            );
            paint_picture(ui, palette, place, picture);
            left = place.right() + 8.0;
        }
        // The name has at least a third of the width.
        let room = rect.right() - 8.0 - left;
        let most = 2.0 / 3.0 * room - 16.0;
        let mut right = rect.right() - 8.0;
        // Paints a text that ends at `right`, and returns its left edge.
        let paint_right = |right: f32, text: &str, most: f32, colour: Color32| {
            let text = galley(ui, text, most, colour);
            let left = right - text.size().x;
            ui.painter().galley(pos2(left, rect.center().y - text.size().y / 2.0), text, colour);
            left
        };
        let sign = |right: f32| pos2(right - 8.0, rect.center().y);
        match self.outcome {
            PredictionOutcome::Unknown if !is_alone => {}
            PredictionOutcome::Unknown => right = paint_right(right, &self.right, most, palette.dim),
            PredictionOutcome::Right => {
                right = paint_right(right, &self.right, most, palette.dim);
                tick(ui, sign(right), palette.dim);
                right -= 16.0;
            }
            PredictionOutcome::Wrong(class) => {
                right = paint_right(right, class, most / 2.0, palette.warning);
                arrow(ui, sign(right), palette.dim);
                right -= 16.0;
                right = paint_right(right, &self.right, most / 2.0, palette.dim);
            }
            PredictionOutcome::Unlabelled(class) => {
                right = paint_right(right, class, most, palette.dim);
                arrow(ui, sign(right), palette.dim);
                right -= 16.0;
            }
        }
        let name = galley(ui, &self.left, right - 8.0 - left, palette.text);
        ui.painter().galley(pos2(left, rect.center().y - name.size().y / 2.0), name, palette.text);
    }
}

/// Returns the width of a text in a row, in points.
pub(super) fn text_width(ui: &Ui, text: &str) -> f32 {
    galley(ui, text, f32::INFINITY, Color32::WHITE).size().x
}

/// Lays out one line, cut at `width`.
fn galley(ui: &Ui, text: &str, width: f32, colour: Color32) -> Arc<Galley> {
    let mut job = LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(SMALL), colour);
    job.wrap = TextWrapping::truncate_at_width(width.max(8.0));
    ui.painter().layout_job(job)
}

fn paint_picture(ui: &Ui, palette: Palette, place: Rect, picture: Option<&TextureHandle>) {
    let Some(texture) = picture else {
        ui.painter().rect_filled(place, CornerRadius::same(2), palette.control);
        return;
    };
    let size = texture.size_vec2();
    let fitted = size * (PICTURE / size.max_elem().max(1.0));
    let uv = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), Rect::from_center_size(place.center(), fitted), uv, Color32::WHITE);
}

/// Paints the mark of a right prediction.
fn tick(ui: &Ui, centre: egui::Pos2, colour: Color32) {
    let points = [vec2(-3.5, 0.0), vec2(-1.0, 3.0), vec2(4.0, -3.5)].map(|offset| centre + offset);
    ui.painter().line(points.to_vec(), Stroke::new(1.25, colour));
}

/// Paints the arrow from a label to the predicted class.
fn arrow(ui: &Ui, centre: egui::Pos2, colour: Color32) {
    let stroke = Stroke::new(1.0, colour);
    ui.painter().line([vec2(-4.0, 0.0), vec2(4.0, 0.0)].map(|offset| centre + offset).to_vec(), stroke);
    let head = [vec2(1.5, -2.5), vec2(4.0, 0.0), vec2(1.5, 2.5)].map(|offset| centre + offset);
    ui.painter().line(head.to_vec(), stroke);
}
