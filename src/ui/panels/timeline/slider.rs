//! The slider over the epochs: curves, ticks, pointer and keys.

use egui::accesskit::{Action, ActionData};
use egui::{
    CornerRadius, EventFilter, FontId, Id, Key, Modifiers, Painter, Rect, Response, Sense, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{Timeline, handle_keys};
use crate::model::{Epoch, ViewState};
use crate::ui::panels::curves::MetricCurve;
use crate::ui::playback::Playback;
use crate::ui::style::SMALL;
use crate::ui::widgets::focus_ring;

/// Height of ticks and numbers below the curves, in points.
const TICKS: f32 = 20.0;
/// Duration of the animation that makes room for a new epoch, in seconds.
const GROWTH: f32 = 0.3;

/// Mapping between places and horizontal positions.
pub(super) struct TimelineTrack {
    /// The area of the curves, in points.
    pub(super) rect: Rect,
    /// The last place.
    last: f32,
    /// The place at the right end, which is animated towards `last`.
    animated_last: f32,
}

impl TimelineTrack {
    /// Returns the position of a place: an index into the recording's epochs, or between two of them.
    pub(super) fn x_of(&self, place: f64) -> f32 {
        self.rect.left() + self.rect.width() * place as f32 / self.animated_last
    }

    /// Returns the place at a horizontal position.
    pub(super) fn place_at(&self, x: f32) -> f64 {
        f64::from((self.animated_last * (x - self.rect.left()) / self.rect.width()).clamp(0.0, self.last))
    }
}

impl Timeline<'_> {
    /// Shows the slider, which changes the epoch and the marked range.
    pub(super) fn slider(
        &self,
        ui: &mut Ui,
        size: egui::Vec2,
        view: &mut ViewState,
        playback: &mut Playback,
        now: f64,
    ) {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let last = self.recording.epochs.len().saturating_sub(1).max(1) as f32;
        // The slider makes room for a new epoch gradually.
        let animated_last = if self.reduced_motion {
            last
        } else {
            ui.ctx().animate_value_with_time(response.id.with("last"), last, GROWTH)
        };
        let track = Rect::from_min_max(
            pos2(rect.left() + 8.0, rect.top() + 8.0),
            pos2(rect.right() - 8.0, rect.bottom() - TICKS),
        );
        let track = TimelineTrack { rect: track, last, animated_last };
        self.drag(ui, &response, &track, view, playback, now);
        self.keyboard_and_screen_reader(ui, &response, view, playback, now);

        let painter = ui.painter_at(rect.expand2(vec2(8.0, 0.0)));
        self.band(&painter, &track, playback);
        let line = track.rect;
        painter.hline(line.x_range(), line.bottom(), Stroke::new(1.0, self.palette.line));
        let place = self.epochs.place(self.epochs.ordinal_of_number(view.epoch));
        let x = track.x_of(place).min(line.right());
        let x_of = |place| track.x_of(place);
        for curve in MetricCurve::of(self.recording) {
            curve.paint(&painter, self.palette, self.recording, line, x, &x_of);
        }
        self.ticks(&painter, line, &x_of);
        if !self.recording.epochs.is_empty() {
            painter.vline(x, line.top()..=line.bottom() + 4.0, Stroke::new(1.5, self.palette.accent));
            painter.circle_filled(pos2(x, line.bottom()), 5.0, self.palette.accent);
        }
        focus_ring(ui, &response, self.palette);
        self.range(ui, &response, &track, view, playback);
        if let Some(pointer) = response.hover_pos() {
            let place = track.place_at(pointer.x);
            response.on_hover_text_at_pointer(self.tip(place.round() as usize));
        }
    }

    /// Handles the pointer, which scrubs or, with Shift, marks a range.
    fn drag(
        &self,
        ui: &Ui,
        response: &Response,
        track: &TimelineTrack,
        view: &mut ViewState,
        playback: &mut Playback,
        now: f64,
    ) {
        let marking = RangeMarking(response.id.with("marking"));
        let origin = ui.input(|input| input.pointer.press_origin());
        if response.drag_started() && ui.input(|input| input.modifiers.shift) {
            let from = origin.or(response.interact_pointer_pos());
            marking.begin(ui, from.map(|from| self.epochs.ordinal_of_place(track.place_at(from.x))));
        }
        if let Some(pointer) = response.interact_pointer_pos()
            && (response.dragged() || response.drag_started() || response.clicked())
        {
            let ordinal = self.epochs.ordinal_of_place(track.place_at(pointer.x));
            if let Some(from) = marking.from(ui) {
                playback.mark(from, ordinal, self.epochs);
            } else if response.clicked() {
                playback.glide_to(ordinal, self.epochs, view.epoch, now);
            } else {
                playback.hold();
                view.epoch = self.epochs.number(ordinal);
            }
        }
        if response.drag_stopped() && !marking.end(ui) {
            // A drag can end between epochs; the picture glides to a recorded one.
            let ordinal = self.epochs.ordinal_of_number(view.epoch);
            playback.glide_to(ordinal, self.epochs, view.epoch, now);
        }
    }

    /// Handles keys and screen readers, and sets the accessible value.
    fn keyboard_and_screen_reader(
        &self,
        ui: &Ui,
        response: &Response,
        view: &mut ViewState,
        playback: &mut Playback,
        now: f64,
    ) {
        let id = response.id;
        let mut steps = requested_steps(ui, id);
        if response.has_focus() {
            let marked = playback.range(self.epochs).is_some();
            let filter = EventFilter { horizontal_arrows: true, escape: marked, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(id, filter));
            steps += pressed_steps(ui);
            handle_keys(ui, self.epochs, view, playback);
            if marked && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Escape)) {
                playback.marked = None;
            }
        }
        if steps != 0 {
            playback.step(steps, self.epochs, view.epoch, now);
        }
        if let Some(number) = requested_number(ui, id) {
            playback.glide_to(self.epochs.ordinal_of_number(number), self.epochs, view.epoch, now);
        }
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), view.epoch, "Epoch"));
    }

    fn tip(&self, index: usize) -> String {
        let Some(epoch) = self.recording.epochs.get(index) else { return String::new() };
        let mut tip = format!("epoch {}", epoch.number);
        if epoch.damaged {
            tip.push_str(" – damaged");
        }
        for label in MetricCurve::of(self.recording).filter_map(|curve| curve.label(epoch)) {
            tip.push('\n');
            tip.push_str(&label);
        }
        tip.push_str("\nShift and drag to mark a range");
        tip
    }

    /// Paints a tick per recorded epoch: bright if its values are loaded, crossed if it is damaged.
    fn ticks(&self, painter: &Painter, track: Rect, x_of: &dyn Fn(f64) -> f32) {
        let count = self.recording.epochs.len();
        let font = FontId::proportional(SMALL - 1.0);
        let top = track.bottom() + 2.0;
        let dense = track.width() / count.max(1) as f32 <= 3.0;
        let mut free_from = f32::NEG_INFINITY;
        let step = label_step(&self.recording.epochs, track.width(), |number| {
            painter.layout_no_wrap(number.to_string(), font.clone(), self.palette.dim).size().x + 8.0
        });
        for (index, epoch) in self.recording.epochs.iter().enumerate() {
            let x = x_of(index as f64);
            if epoch.damaged {
                let stroke = Stroke::new(1.5, self.palette.warning);
                painter.line_segment([pos2(x - 2.5, top), pos2(x + 2.5, top + 5.0)], stroke);
                painter.line_segment([pos2(x - 2.5, top + 5.0), pos2(x + 2.5, top)], stroke);
            } else if !dense {
                let ready = self.ready.get(index).copied().unwrap_or(false);
                let colour = if ready { self.palette.text } else { self.palette.dim.gamma_multiply(0.5) };
                painter.vline(x, top..=top + 4.0, Stroke::new(1.0, colour));
            }
            // Skips the layout of numbers for which there is no room, as for most of thousands.
            let (is_first, is_last) = (index == 0, index + 1 == count);
            if !(is_first || is_last) && (x < free_from || !epoch.number.is_multiple_of(step)) {
                continue;
            }
            let text = painter.layout_no_wrap(epoch.number.to_string(), font.clone(), self.palette.dim);
            let left = x - text.size().x / 2.0;
            // The last number is always shown; others keep clear of it.
            let end = x_of((count - 1) as f64) - 16.0;
            if left > free_from && (is_last || left + text.size().x + 8.0 < end) {
                free_from = left + text.size().x + 8.0;
                painter.galley(pos2(left, top + 4.0), text, self.palette.dim);
            }
        }
        if dense {
            painter.rect_filled(
                Rect::from_min_max(pos2(track.left(), top), pos2(track.right(), top + 2.0)),
                CornerRadius::ZERO,
                self.palette.dim.gamma_multiply(0.5),
            );
        }
    }
}

/// Returns the step between the numbers below a track of `width` points: a round one for evenly spaced epochs
/// for which there is no room, else 1. `label` returns the width of a number.
fn label_step(epochs: &[Epoch], width: f32, label: impl Fn(u64) -> f32) -> u64 {
    let [first, second, .., last] = epochs else { return 1 };
    let spacing = second.number.saturating_sub(first.number).max(1);
    let is_even = |pair: &[Epoch]| pair[1].number.saturating_sub(pair[0].number) == spacing;
    if !epochs.windows(2).all(is_even) || !first.number.is_multiple_of(spacing) {
        return 1;
    }
    let room = (width / label(last.number)).max(1.0) as u64;
    spacing * round_step((epochs.len() as u64 - 1).div_ceil(room))
}

/// Returns the least of 1, 2, 5, 10, 20, 50, … that is at least `least`.
fn round_step(least: u64) -> u64 {
    let steps = (0..19).flat_map(|power| [1, 2, 5].map(|digit| digit * 10u64.pow(power)));
    steps.into_iter().find(|step| *step >= least).unwrap_or(u64::MAX)
}

/// The ordinal at which a drag that marks a range began; kept until the release.
struct RangeMarking(Id);

impl RangeMarking {
    fn begin(&self, ui: &Ui, from: Option<f64>) {
        if let Some(from) = from {
            ui.data_mut(|data| data.insert_temp(self.0, from));
        }
    }

    fn from(&self, ui: &Ui) -> Option<f64> {
        ui.data(|data| data.get_temp(self.0))
    }

    /// Ends marking; returns `true` if a range was being marked.
    fn end(&self, ui: &Ui) -> bool {
        ui.data_mut(|data| data.remove_temp::<f64>(self.0)).is_some()
    }
}

/// Returns the steps that a screen reader requests.
pub(super) fn requested_steps(ui: &Ui, id: Id) -> i32 {
    ui.input(|input| {
        let requests = |action| input.num_accesskit_action_requests(id, action) as i32;
        requests(Action::Increment) - requests(Action::Decrement)
    })
}

/// Returns the number that a screen reader requests.
pub(super) fn requested_number(ui: &Ui, id: Id) -> Option<f64> {
    ui.input(|input| {
        let requests = input.accesskit_action_requests(id, Action::SetValue);
        let number = requests.filter_map(|request| match request.data {
            Some(ActionData::NumericValue(value)) => Some(value),
            _ => None,
        });
        number.last()
    })
}

/// Returns the steps of the pressed arrow keys.
pub(super) fn pressed_steps(ui: &Ui) -> i32 {
    ui.input_mut(|input| {
        let mut presses = |key| input.count_and_consume_key(Modifiers::NONE, key) as i32;
        presses(Key::ArrowRight) - presses(Key::ArrowLeft)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_below_the_track_are_round_where_there_are_many() {
        let one = crate::ui::testing::recording().epochs[0].clone();
        let epochs = |numbers: Vec<u64>| -> Vec<Epoch> {
            numbers.into_iter().map(|number| Epoch { number, ..one.clone() }).collect()
        };
        for (numbers, step) in [
            ((0..13).collect(), 1),
            ((0..10_000).collect(), 500),
            ((1..=300).collect(), 20),
            ((0..300).map(|epoch| 15 * epoch).collect(), 300),
            ((0..300).map(|epoch| epoch * epoch).collect(), 1),
            (vec![7], 1),
            (vec![], 1),
        ] {
            assert_eq!(label_step(&epochs(numbers), 800.0, |_| 40.0), step);
        }
    }
}
