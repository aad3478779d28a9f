//! The bottom panel: playing, stepping, and the epochs over the curve of the training.

use egui::{
    Align2, CornerRadius, EventFilter, FontId, Painter, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo,
    pos2, vec2,
};

use super::curves::Curve;
use super::playback::{Epochs, Playback, SPEEDS};
use super::style::{Palette, SMALL, TEXT, semibold};
use super::widgets::{Icon, focus_ring, icon_button};
use crate::model::{Recording, ViewState};

/// Height of the panel's content.
pub const HEIGHT: f32 = 64.0;
/// Below the curve: ticks and numbers.
const TICKS: f32 = 20.0;
/// Size of the badge that says that more is being written.
const BADGE: egui::Vec2 = vec2(52.0, 24.0);
/// Seconds in which the slider makes room for a new epoch.
const GROWTH: f32 = 0.3;

/// What the timeline has to know.
pub struct Timeline<'a> {
    pub recording: &'a Recording,
    pub epochs: &'a Epochs,
    /// Per index into [`Recording::epochs`]: its values are at hand.
    pub ready: &'a [bool],
    /// More epochs are being written.
    pub live: bool,
    pub reduced_motion: bool,
    pub palette: Palette,
}

impl Timeline<'_> {
    /// Shows the controls; they change the view's epoch and the playback.
    pub fn show(&self, ui: &mut Ui, view: &mut ViewState, playback: &mut Playback) {
        let now = ui.input(|input| input.time);
        let height = ui.available_height();
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            let button =
                |ui: &mut Ui, icon, name, on, tip| icon_button(ui, self.palette, icon, name, on, tip);
            if button(ui, Icon::Back, "Step back", false, "Step back (←)").clicked() {
                playback.step(-1, self.epochs, view.epoch, now);
            }
            let (icon, name) = if playback.playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
            if button(ui, icon, name, playback.playing, "Play or pause (space)").clicked() {
                playback.toggle(self.epochs, &mut view.epoch);
            }
            if button(ui, Icon::Forward, "Step forward", false, "Step forward (→)").clicked() {
                playback.step(1, self.epochs, view.epoch, now);
            }
            ui.add_space(8.0);
            let badge = if self.live { BADGE.x + 12.0 } else { 0.0 };
            let width = (ui.available_width() - 248.0 - badge).max(80.0);
            self.slider(ui, vec2(width, height), view, playback, now);
            if self.live {
                ui.add_space(4.0);
                self.badge(ui, playback);
            }
            ui.add_space(16.0);
            self.reading(ui, view);
            speed(ui, playback);
            if button(ui, Icon::Loop, "Loop", playback.looping, "Begin anew after the last epoch").clicked() {
                playback.looping = !playback.looping;
            }
        });
    }

    /// That the training is going on, and whether its newest epoch is followed.
    fn badge(&self, ui: &mut Ui, playback: &mut Playback) {
        let (rect, response) = ui.allocate_exact_size(BADGE, Sense::click());
        let on = playback.following;
        response.widget_info(|| {
            WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), on, "Follow the newest epoch")
        });
        let (palette, radius) = (self.palette, CornerRadius::same(4));
        let fill = match (on, response.hovered()) {
            (true, _) => palette.accent_fill,
            (false, true) => palette.control_hovered,
            (false, false) => palette.control,
        };
        ui.painter().rect_filled(rect, radius, fill);
        focus_ring(ui, &response, palette);
        let dot = rect.left_center() + vec2(12.0, 0.0);
        let colour = if on { palette.text } else { palette.dim };
        if on {
            ui.painter().circle_filled(dot, 3.5, palette.accent);
        } else {
            ui.painter().circle_stroke(dot, 3.0, Stroke::new(1.0, palette.dim));
        }
        let text = rect.left_center() + vec2(21.0, 0.0);
        ui.painter().text(text, Align2::LEFT_CENTER, "live", FontId::proportional(SMALL), colour);
        if response.clicked() {
            if on {
                playback.following = false;
            } else {
                playback.follow();
            }
        }
        response.on_hover_text(if on {
            "Being recorded, and its newest epoch is shown as soon as it is there"
        } else {
            "Being recorded. Show the newest epoch, and those to come (L)"
        });
    }

    /// The current epoch and what is known of it.
    fn reading(&self, ui: &mut Ui, view: &ViewState) {
        let position = self.epochs.position(self.epochs.ordinal_of_number(view.epoch));
        let (rect, _) = ui.allocate_exact_size(vec2(124.0, 52.0), Sense::hover());
        let Some(position) = position else {
            let none = self.recording.epochs.is_empty();
            ui.painter().text(
                rect.left_center(),
                Align2::LEFT_CENTER,
                if none { "no epoch yet" } else { "no readable epoch" },
                FontId::proportional(TEXT),
                self.palette.dim,
            );
            return;
        };
        let nearest = if position.t < 0.5 { position.from } else { position.to };
        let epoch = &self.recording.epochs[nearest];
        let title = if position.t == 0.0 {
            format!("epoch {}", epoch.number)
        } else {
            format!("epoch {:.1}", position.number(self.recording))
        };
        let curves: Vec<Curve> = Curve::of(self.recording).collect();
        let painter = ui.painter();
        let title = painter.layout_no_wrap(title, FontId::new(TEXT, semibold()), self.palette.text);
        let told: Vec<_> = curves
            .iter()
            .filter_map(|curve| Some((curve, curve.tell(epoch)?)))
            .map(|(curve, text)| {
                (curve, painter.layout_no_wrap(text, FontId::proportional(SMALL), self.palette.dim))
            })
            .collect();
        let height = title.size().y + told.iter().map(|(_, text)| text.size().y).sum::<f32>();
        let mut at = rect.left_center() - vec2(0.0, height / 2.0);
        let line = title.size().y;
        painter.galley(at, title, self.palette.text);
        at.y += line;
        for (curve, text) in told {
            let line = text.size().y;
            // Which curve is which has to be said only when there are two.
            let indent = if curves.len() > 1 { 14.0 } else { 0.0 };
            if indent > 0.0 {
                let stroke = Stroke::new(1.5, curve.colours(self.palette)[0]);
                painter.hline(at.x..=at.x + 9.0, at.y + line / 2.0, stroke);
            }
            painter.galley(at + vec2(indent, 0.0), text, self.palette.dim);
            at.y += line;
        }
    }

    fn slider(&self, ui: &mut Ui, size: egui::Vec2, view: &mut ViewState, playback: &mut Playback, now: f64) {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let last = self.recording.epochs.len().saturating_sub(1).max(1) as f32;
        // Makes room for a new epoch little by little.
        let shown = if self.reduced_motion {
            last
        } else {
            ui.ctx().animate_value_with_time(response.id.with("last"), last, GROWTH)
        };
        let track = Rect::from_min_max(
            pos2(rect.left() + 8.0, rect.top() + 8.0),
            pos2(rect.right() - 8.0, rect.bottom() - TICKS),
        );
        let x_of = |place: f64| track.left() + track.width() * place as f32 / shown;
        let place_at = |pointer: egui::Pos2| {
            f64::from((shown * (pointer.x - track.left()) / track.width()).clamp(0.0, last))
        };
        if let Some(pointer) = response.interact_pointer_pos()
            && (response.dragged() || response.drag_started() || response.clicked())
        {
            let place = place_at(pointer);
            let ordinal = self.epochs.ordinal_of_place(place);
            if response.clicked() {
                playback.glide_to(ordinal, self.epochs, view.epoch, now);
            } else {
                playback.hold();
                view.epoch = self.epochs.number(ordinal);
            }
        }
        if response.drag_stopped() {
            // A hand lets go anywhere; the picture comes to rest on what was recorded.
            let ordinal = self.epochs.ordinal_of_number(view.epoch);
            playback.glide_to(ordinal, self.epochs, view.epoch, now);
        }
        self.keys(ui, &response, view, playback, now);
        response.widget_info(|| WidgetInfo::slider(ui.is_enabled(), view.epoch, "Epoch"));

        let painter = ui.painter_at(rect.expand2(vec2(8.0, 0.0)));
        painter.hline(track.x_range(), track.bottom(), Stroke::new(1.0, self.palette.line));
        let place = self.epochs.place(self.epochs.ordinal_of_number(view.epoch));
        let x = x_of(place).min(track.right());
        for curve in Curve::of(self.recording) {
            curve.paint(&painter, self.palette, self.recording, track, x, &x_of);
        }
        self.ticks(&painter, track, &x_of);
        if !self.recording.epochs.is_empty() {
            painter.vline(x, track.top()..=track.bottom() + 4.0, Stroke::new(1.5, self.palette.accent));
            painter.circle_filled(pos2(x, track.bottom()), 5.0, self.palette.accent);
        }
        focus_ring(ui, &response, self.palette);
        if let Some(pointer) = response.hover_pos() {
            let place = place_at(pointer);
            response.on_hover_text_at_pointer(self.tip(place.round() as usize));
        }
    }

    fn keys(&self, ui: &Ui, response: &Response, view: &mut ViewState, playback: &mut Playback, now: f64) {
        use egui::accesskit::{Action, ActionData};
        if response.has_focus() {
            let arrows = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        }
        let (mut steps, mut wanted) = (0, None);
        ui.input(|input| {
            steps += input.num_accesskit_action_requests(response.id, Action::Increment) as i32;
            steps -= input.num_accesskit_action_requests(response.id, Action::Decrement) as i32;
            for request in input.accesskit_action_requests(response.id, Action::SetValue) {
                if let Some(ActionData::NumericValue(value)) = request.data {
                    wanted = Some(value);
                }
            }
        });
        if steps != 0 {
            playback.step(steps, self.epochs, view.epoch, now);
        }
        if let Some(number) = wanted {
            playback.glide_to(self.epochs.ordinal_of_number(number), self.epochs, view.epoch, now);
        }
    }

    fn tip(&self, index: usize) -> String {
        let Some(epoch) = self.recording.epochs.get(index) else { return String::new() };
        let mut tip = format!("epoch {}", epoch.number);
        if epoch.damaged {
            tip.push_str(" – damaged");
        }
        for told in Curve::of(self.recording).filter_map(|curve| curve.tell(epoch)) {
            tip.push('\n');
            tip.push_str(&told);
        }
        tip
    }

    /// A tick per recorded epoch: bright when its values are at hand, crossed when damaged.
    fn ticks(&self, painter: &Painter, track: Rect, x_of: &dyn Fn(f64) -> f32) {
        let count = self.recording.epochs.len();
        let font = FontId::proportional(SMALL - 1.0);
        let top = track.bottom() + 2.0;
        let dense = track.width() / count.max(1) as f32 <= 3.0;
        let mut free_from = f32::NEG_INFINITY;
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
            // Where a number begins at the latest; most of thousands find no room.
            let is_last = index + 1 == count;
            if x < free_from && !is_last {
                continue;
            }
            let text = painter.layout_no_wrap(epoch.number.to_string(), font.clone(), self.palette.dim);
            let left = x - text.size().x / 2.0;
            // The last number always stands; others keep clear of it.
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

fn speed(ui: &mut Ui, playback: &mut Playback) {
    let name = |speed: f64| format!("{speed}×");
    let combo = egui::ComboBox::from_id_salt("speed")
        .selected_text(name(playback.speed))
        .width(56.0)
        .show_ui(ui, |ui| {
            for speed in SPEEDS {
                ui.selectable_value(&mut playback.speed, speed, name(speed));
            }
        });
    let text = name(playback.speed);
    combo.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, "Speed");
        info.current_text_value = Some(text.clone());
        info
    });
    combo.response.on_hover_text("Speed of playing");
}
