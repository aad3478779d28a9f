//! The bottom panel: playing, stepping, and the epochs over the curve of the training.

use egui::{
    Align2, CornerRadius, EventFilter, FontId, Painter, Pos2, Rect, Response, Role, Sense, Shape, Stroke, Ui,
    WidgetInfo, pos2, vec2,
};

use super::playback::{Epochs, Playback, SPEEDS};
use super::style::{Palette, SMALL, TEXT, semibold};
use super::widgets::{Icon, focus_ring, icon_button};
use super::words;
use crate::model::{Recording, ViewState};

/// Height of the panel's content.
pub const HEIGHT: f32 = 64.0;
/// Below the curve: ticks and numbers.
const TICKS: f32 = 20.0;

/// What the timeline has to know.
pub struct Timeline<'a> {
    pub recording: &'a Recording,
    pub epochs: &'a Epochs,
    /// Per index into [`Recording::epochs`]: its values are at hand.
    pub ready: &'a [bool],
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
            let width = (ui.available_width() - 248.0).max(80.0);
            self.slider(ui, vec2(width, height), view, playback, now);
            ui.add_space(16.0);
            self.reading(ui, view);
            speed(ui, playback);
            if button(ui, Icon::Loop, "Loop", playback.looping, "Begin anew after the last epoch").clicked() {
                playback.looping = !playback.looping;
            }
        });
    }

    /// The current epoch and what is known of it.
    fn reading(&self, ui: &mut Ui, view: &ViewState) {
        let position = self.epochs.position(self.epochs.ordinal_of_number(view.epoch));
        let (rect, _) = ui.allocate_exact_size(vec2(124.0, 40.0), Sense::hover());
        let Some(position) = position else {
            ui.painter().text(
                rect.left_center(),
                Align2::LEFT_CENTER,
                "no readable epoch",
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
        let detail = match (epoch.accuracy, epoch.loss) {
            (Some(accuracy), _) => format!("accuracy {accuracy:.1} %"),
            (None, Some(loss)) => format!("loss {}", words::number(loss as f32, loss.abs() as f32)),
            (None, None) => String::new(),
        };
        let painter = ui.painter();
        let semibold = FontId::new(TEXT, semibold());
        painter.text(rect.left_center(), Align2::LEFT_BOTTOM, title, semibold, self.palette.text);
        let small = FontId::proportional(SMALL);
        painter.text(rect.left_center(), Align2::LEFT_TOP, detail, small, self.palette.dim);
    }

    fn slider(&self, ui: &mut Ui, size: egui::Vec2, view: &mut ViewState, playback: &mut Playback, now: f64) {
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let last = self.recording.epochs.len().saturating_sub(1).max(1) as f32;
        let track = Rect::from_min_max(
            pos2(rect.left() + 8.0, rect.top() + 8.0),
            pos2(rect.right() - 8.0, rect.bottom() - TICKS),
        );
        let x_of = |place: f64| track.left() + track.width() * place as f32 / last;
        if let Some(pointer) = response.interact_pointer_pos()
            && (response.dragged() || response.drag_started() || response.clicked())
        {
            let place = f64::from(((pointer.x - track.left()) / track.width()).clamp(0.0, 1.0) * last);
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

        let painter = ui.painter();
        painter.hline(track.x_range(), track.bottom(), Stroke::new(1.0, self.palette.line));
        let place = self.epochs.place(self.epochs.ordinal_of_number(view.epoch));
        self.curve(painter, track, x_of(place), &x_of);
        self.ticks(painter, track, &x_of);
        let x = x_of(place);
        painter.vline(x, track.top()..=track.bottom() + 4.0, Stroke::new(1.5, self.palette.accent));
        painter.circle_filled(pos2(x, track.bottom()), 5.0, self.palette.accent);
        focus_ring(ui, &response, self.palette);
        if let Some(pointer) = response.hover_pos() {
            let place = f64::from(((pointer.x - track.left()) / track.width()).clamp(0.0, 1.0) * last);
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
        if let Some(accuracy) = epoch.accuracy {
            tip.push_str(&format!("\naccuracy {accuracy:.1} %"));
        }
        if let Some(loss) = epoch.loss {
            tip.push_str(&format!("\nloss {}", words::number(loss as f32, loss.abs() as f32)));
        }
        tip
    }

    /// Accuracy (else loss) along the training, what is past a little stronger.
    fn curve(&self, painter: &Painter, track: Rect, now_x: f32, x_of: &dyn Fn(f64) -> f32) {
        let epochs = &self.recording.epochs;
        let by_accuracy = epochs.iter().any(|epoch| epoch.accuracy.is_some());
        let values: Vec<(usize, f64)> = epochs
            .iter()
            .enumerate()
            .filter_map(|(index, epoch)| {
                let value = if by_accuracy { epoch.accuracy } else { epoch.loss };
                value.filter(|value| value.is_finite()).map(|value| (index, value))
            })
            .collect();
        let low = values.iter().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
        let high = values.iter().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
        if values.len() < 2 || low >= high {
            return;
        }
        let points: Vec<Pos2> = values
            .iter()
            .map(|&(index, value)| {
                let share = ((value - low) / (high - low)) as f32;
                pos2(x_of(index as f64), track.bottom() - 2.0 - share * (track.height() - 4.0))
            })
            .collect();
        let past = Rect::from_min_max(track.min, pos2(now_x, track.bottom())).expand2(vec2(0.0, 2.0));
        let past = painter.with_clip_rect(painter.clip_rect().intersect(past));
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            past.add(Shape::convex_polygon(
                vec![a, b, pos2(b.x, track.bottom()), pos2(a.x, track.bottom())],
                self.palette.accent.gamma_multiply(0.12),
                Stroke::NONE,
            ));
        }
        painter.add(Shape::line(points.clone(), Stroke::new(1.0, self.palette.dim.gamma_multiply(0.6))));
        past.add(Shape::line(points, Stroke::new(1.0, self.palette.accent.gamma_multiply(0.8))));
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
            let text = painter.layout_no_wrap(epoch.number.to_string(), font.clone(), self.palette.dim);
            let left = x - text.size().x / 2.0;
            // The last number always stands; others keep clear of it.
            let last = index + 1 == count;
            let end = x_of((count - 1) as f64) - 16.0;
            if left > free_from && (last || left + text.size().x + 8.0 < end) {
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
