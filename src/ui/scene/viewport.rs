//! The part of the window that a scene fills: its input, its status, and messages in place of a scene.

use std::time::Duration;

use egui::{Align2, CornerRadius, FontId, Id, Painter, Rect, Ui, vec2};

use crate::model::{Theme, UnitId};
use crate::ui::style::{Palette, SMALL, TEXT};

/// The part of the window that a scene fills.
pub struct Viewport<'a> {
    /// The place, in points.
    pub rect: Rect,
    /// Id of the scene among the columns.
    pub id: Id,
    /// Accessible name.
    pub name: &'a str,
    /// `true` if keys are for this scene.
    pub keys: bool,
}

/// The effects of pointer and keys in a viewport.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SceneResponse {
    /// A click or drag began in it.
    pub pressed: bool,
    /// The camera was moved.
    pub camera_moved: bool,
    /// The unit whose cell was clicked.
    pub clicked: Option<UnitId>,
    /// The units around whose cells a box was drawn, in the order of their cells.
    pub boxed: Vec<UnitId>,
    /// A unit was pinned.
    pub pinned: bool,
}

/// Number of epochs whose values are loaded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadProgress {
    /// Epochs that are loaded.
    pub done: usize,
    /// Epochs that can be loaded.
    pub of: usize,
}

/// The status of a scene that is painted over it.
pub struct SceneStatus<'a> {
    /// `true` if there is a picture of the scene to paint over.
    pub has_scene: bool,
    /// A problem, in one line.
    pub note: Option<&'a str>,
    /// Progress of loading the values.
    pub progress: LoadProgress,
}

impl SceneStatus<'_> {
    /// Paints a thin bar while values are being loaded, and the problem.
    pub fn paint(&self, painter: &Painter, rect: Rect, palette: Palette) {
        let LoadProgress { done, of } = self.progress;
        if done < of {
            let share = done as f32 / of.max(1) as f32;
            let bar = Rect::from_min_size(rect.left_top(), vec2(rect.width() * share, 2.0));
            painter.rect_filled(bar, CornerRadius::ZERO, palette.accent);
        }
        if let Some(note) = self.note {
            let galley = painter.layout(
                note.to_owned(),
                FontId::proportional(SMALL),
                palette.warning,
                (rect.width() - 48.0).max(40.0),
            );
            let place = Align2::LEFT_TOP.anchor_size(rect.left_top() + vec2(24.0, 20.0), galley.size());
            painter.rect_filled(place.expand(8.0), CornerRadius::same(6), palette.ground.gamma_multiply(0.9));
            painter.galley(place.min, galley, palette.warning);
        }
    }
}

/// Paints an empty scene for a recording that is not there yet or cannot be opened: `title`, and the reason
/// below it in small print. Without animation, since it may stay for long.
pub fn paint_message(ui: &Ui, rect: Rect, theme: Theme, title: &str, reason: &str) {
    let palette = paint_empty(ui, rect, theme, title);
    let width = text_width(rect);
    let reason = ui.painter().layout(reason.to_owned(), FontId::proportional(SMALL), palette.dim, width);
    let place = Align2::CENTER_TOP.anchor_size(rect.center() + vec2(0.0, 4.0), reason.size());
    ui.painter().galley(place.min, reason, palette.dim);
}

/// Paints an empty scene while a recording is being opened: `title`, and a moving bar.
pub fn paint_opening(ui: &Ui, rect: Rect, theme: Theme, title: &str) {
    let palette = paint_empty(ui, rect, theme, title);
    let painter = ui.painter();
    let width = text_width(rect).min(200.0);
    let track = Rect::from_center_size(rect.center() + vec2(0.0, 12.0), vec2(width, 2.0));
    painter.rect_filled(track, CornerRadius::ZERO, palette.line);
    let t = (ui.input(|input| input.time) * 0.8).fract() as f32;
    let x_of = |share: f32| track.left() + track.width() * share.clamp(0.0, 1.0);
    let bar = Rect::from_x_y_ranges(x_of(1.4 * t - 0.4)..=x_of(1.4 * t), track.y_range());
    painter.rect_filled(bar, CornerRadius::ZERO, palette.accent);
    ui.ctx().request_repaint_after(Duration::from_millis(33));
}

/// Width of the text in the middle of an empty scene.
fn text_width(rect: Rect) -> f32 {
    (0.8 * rect.width()).clamp(40.0, 560.0)
}

/// Paints an empty scene with `title` just above its middle; returns the palette.
fn paint_empty(ui: &Ui, rect: Rect, theme: Theme, title: &str) -> Palette {
    let palette = Palette::of(theme);
    let painter = ui.painter();
    painter.rect_filled(rect, CornerRadius::ZERO, palette.ground);
    let width = text_width(rect);
    let galley = painter.layout(title.to_owned(), FontId::proportional(TEXT), palette.text, width);
    let place = Align2::CENTER_BOTTOM.anchor_size(rect.center(), galley.size());
    painter.galley(place.min, galley, palette.text);
    palette
}
