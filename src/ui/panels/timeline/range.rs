//! The marked range on the slider: a band, its text, and two handles.

use egui::{
    Align2, Color32, CornerRadius, EventFilter, FontId, Key, Modifiers, Painter, Rect, Response, Role, Sense,
    Stroke, Ui, WidgetInfo, pos2, vec2,
};

use super::Timeline;
use super::slider::{TimelineTrack, pressed_steps, requested_number, requested_steps};
use crate::model::ViewState;
use crate::ui::playback::Playback;
use crate::ui::style::SMALL;
use crate::ui::widgets::focus_ring;

/// Half the width, and the height, of a handle. It ends above the line where the current epoch is dragged.
const HANDLE: egui::Vec2 = vec2(6.0, 16.0);

/// One end of the marked range.
#[derive(Clone, Copy, PartialEq)]
enum RangeEnd {
    Start,
    End,
}

impl Timeline<'_> {
    /// Paints the band behind the curves.
    pub(super) fn band(&self, painter: &Painter, track: &TimelineTrack, playback: &Playback) {
        if playback.range(self.epochs).is_some() {
            let band = self.band_rect(track, playback);
            painter.rect_filled(band, CornerRadius::ZERO, self.palette.accent.gamma_multiply(0.12));
        }
    }

    /// Returns the area between the ends of the range.
    fn band_rect(&self, track: &TimelineTrack, playback: &Playback) -> Rect {
        let (first, last) = playback.bounds(self.epochs);
        let x_of = |ordinal: f64| track.x_of(self.epochs.place(ordinal));
        Rect::from_x_y_ranges(x_of(first)..=x_of(last).min(track.rect.right()), track.rect.y_range())
    }

    /// Shows the handles, which keys and screen readers reach even without a range, and the text.
    pub(super) fn range(
        &self,
        ui: &Ui,
        slider: &Response,
        track: &TimelineTrack,
        view: &mut ViewState,
        playback: &mut Playback,
    ) {
        if self.epochs.last() < 1.0 {
            return;
        }
        let before = playback.range(self.epochs);
        for end in [RangeEnd::Start, RangeEnd::End] {
            self.end(ui, slider, track, view, playback, end);
        }
        if before.is_some() {
            self.range_label(ui, slider, track, playback);
        }
        // A range marked while playing moves playback into it.
        if playback.playing && before != playback.range(self.epochs) {
            let (first, last) = playback.bounds(self.epochs);
            let ordinal = self.epochs.ordinal_of_number(view.epoch);
            if ordinal < first || ordinal > last {
                view.epoch = self.epochs.number(first);
            }
        }
    }

    /// Shows one handle of the range.
    fn end(
        &self,
        ui: &Ui,
        slider: &Response,
        track: &TimelineTrack,
        view: &mut ViewState,
        playback: &mut Playback,
        end: RangeEnd,
    ) {
        let marked = playback.range(self.epochs).is_some();
        let (first, last) = playback.bounds(self.epochs);
        let (ordinal, name) = match end {
            RangeEnd::Start => (first, "Range start"),
            RangeEnd::End => (last, "Range end"),
        };
        let x = track.x_of(self.epochs.place(ordinal)).min(track.rect.right());
        let rect = Rect::from_min_max(
            pos2(x - HANDLE.x, track.rect.top() - 4.0),
            pos2(x + HANDLE.x, track.rect.top() - 4.0 + HANDLE.y),
        );
        // An invisible handle takes no pointer input.
        let sense = if marked { Sense::click_and_drag() } else { Sense::focusable_noninteractive() };
        let response = ui.interact(rect, slider.id.with(name), sense);
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), self.epochs.number(ordinal), name));

        let mut target =
            requested_number(ui, response.id).map(|number| self.epochs.ordinal_of_number(number));
        let mut steps = requested_steps(ui, response.id);
        if response.has_focus() {
            let filter = EventFilter { horizontal_arrows: true, escape: marked, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
            steps += pressed_steps(ui);
            super::handle_keys(ui, self.epochs, view, playback);
            if marked && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
                playback.marked = None;
                return;
            }
        }
        if steps != 0 {
            target = Some(ordinal + f64::from(steps));
        }
        if response.dragged()
            && let Some(pointer) = response.interact_pointer_pos()
        {
            target = Some(self.epochs.ordinal_of_place(track.place_at(pointer.x)));
        }
        if let Some(target) = target.map(f64::round) {
            // The handles do not pass each other, so that a drag stays with the one that was pressed.
            match end {
                RangeEnd::Start => playback.mark(target.clamp(0.0, (last - 1.0).max(0.0)), last, self.epochs),
                RangeEnd::End => playback.mark(first, target.max(first + 1.0), self.epochs),
            }
        }
        if response.hovered() || response.dragged() {
            ui.set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
        }
        let focused = response.has_focus();
        if marked || focused {
            let held = response.hovered() || response.dragged() || focused;
            self.paint_end(&ui.painter_at(slider.rect.expand2(vec2(8.0, 0.0))), track, x, end, held);
        }
        if focused {
            focus_ring(ui, &response, self.palette);
        }
        let tip = match end {
            RangeEnd::Start => "Playing begins here (I marks it at the current epoch)",
            RangeEnd::End => "Playing ends here (O marks it at the current epoch)",
        };
        response.on_hover_text(tip);
    }

    /// Paints a line with a flag that points into the range.
    fn paint_end(&self, painter: &Painter, track: &TimelineTrack, x: f32, end: RangeEnd, held: bool) {
        let colour = if held { self.palette.accent } else { self.palette.accent.gamma_multiply(0.7) };
        painter.vline(x, track.rect.y_range(), Stroke::new(1.0, colour));
        let inwards = if end == RangeEnd::Start { 6.0 } else { -6.0 };
        let top = track.rect.top();
        let flag = [pos2(x, top - 4.0), pos2(x + inwards, top), pos2(x, top + 4.0)];
        painter.add(egui::Shape::convex_polygon(flag.to_vec(), colour, Stroke::NONE));
    }

    /// Shows "epochs 3–9" in the band or, if that is too narrow, beside it, and the button that clears the
    /// range.
    fn range_label(&self, ui: &Ui, slider: &Response, track: &TimelineTrack, playback: &mut Playback) {
        let Some(range) = playback.range(self.epochs) else { return };
        let band = self.band_rect(track, playback);
        let text = format!("epochs {}–{}", range.first, range.last);
        let font = FontId::proportional(SMALL - 1.0);
        let galley = ui.painter().layout_no_wrap(text.clone(), font.clone(), self.palette.text);
        let width = galley.size().x + 20.0;
        let left = if band.width() >= width + 16.0 {
            band.center().x - width / 2.0
        } else if band.right() + 8.0 + width <= track.rect.right() {
            band.right() + 8.0
        } else {
            band.left() - 8.0 - width
        };
        let place = Rect::from_min_size(pos2(left, slider.rect.top() + 2.0), vec2(width, 16.0));
        let clear = Rect::from_min_max(pos2(place.right() - 18.0, place.top()), place.right_bottom());
        let label_rect = Rect::from_min_max(place.left_top(), pos2(clear.left(), place.bottom()));
        let label = ui.interact(label_rect, slider.id.with("range words"), Sense::hover());
        label.widget_info(|| WidgetInfo::labeled(Role::Label, true, &text));
        let response = ui.interact(clear, slider.id.with("clear range"), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), "Clear range"));

        // The curves continue behind the text.
        ui.painter().rect_filled(place, CornerRadius::same(4), self.palette.panel.gamma_multiply(0.8));
        ui.painter().text(
            label_rect.left_center() + vec2(4.0, 0.0),
            Align2::LEFT_CENTER,
            text,
            font,
            self.palette.text,
        );
        cross(ui, clear.center(), if response.hovered() { self.palette.text } else { self.palette.dim });
        focus_ring(ui, &response, self.palette);
        if response.on_hover_text("Mark nothing (Esc on the slider)").clicked() {
            playback.marked = None;
        }
    }
}

fn cross(ui: &Ui, centre: egui::Pos2, colour: Color32) {
    let stroke = Stroke::new(1.25, colour);
    for side in [-1.0, 1.0] {
        let arm = vec2(3.0, 3.0 * side);
        ui.painter().line_segment([centre - arm, centre + arm], stroke);
    }
}
