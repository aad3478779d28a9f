//! The timeline: playback controls, slider over the epochs with a marked range, and curves of the metrics.

mod fit;
mod range;
mod slider;
#[cfg(test)]
mod tests;

use egui::{Align2, CornerRadius, FontId, Key, Modifiers, Role, Sense, Stroke, Ui, WidgetInfo, vec2};

use self::fit::TimelineFit;
use super::curves::MetricCurve;
use crate::model::{Recording, ViewState};
use crate::ui::playback::Epochs;
use crate::ui::playback::Playback;
use crate::ui::playback::{SPEEDS, rate, speeds};
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::TEXT;
use crate::ui::style::semibold;
use crate::ui::text;
use crate::ui::widgets::Icon;
use crate::ui::widgets::focus_ring;
use crate::ui::widgets::icon_button;

/// Height of the content, in points.
pub const HEIGHT: f32 = 64.0;
/// Height of the "live" badge, in points.
const BADGE: f32 = 24.0;

/// The timeline at the bottom of the window.
pub struct Timeline<'a> {
    /// The recording.
    pub recording: &'a Recording,
    /// Its readable epochs.
    pub epochs: &'a Epochs,
    /// Per index into [`Recording::epochs`], `true` if its values are loaded.
    pub ready: &'a [bool],
    /// A writer is adding epochs.
    pub live: bool,
    /// New epochs change the scale of the slider without animation.
    pub reduced_motion: bool,
    /// The colours.
    pub palette: Palette,
}

impl Timeline<'_> {
    /// Shows the controls, which change the view's epoch and the playback.
    pub fn show(&self, ui: &mut Ui, view: &mut ViewState, playback: &mut Playback) {
        let now = ui.input(|input| input.time);
        let height = ui.available_height();
        let fit = TimelineFit::of(ui.available_width(), self.live);
        let epochs = self.epochs;
        ui.horizontal_centered(|ui| {
            ui.spacing_mut().item_spacing.x = fit::GAP;
            let button = |ui: &mut Ui, icon, name, on, tip| {
                icon_button(ui, self.palette, icon, name, on, tip).clicked()
            };
            if fit.jumps && button(ui, Icon::First, "First epoch", false, "First epoch ([)") {
                playback.glide_to(0.0, epochs, view.epoch, now);
            }
            if button(ui, Icon::Back, "Step back", false, "Step back (left arrow)") {
                playback.step(-1, epochs, view.epoch, now);
            }
            let (icon, name) = if playback.playing { (Icon::Pause, "Pause") } else { (Icon::Play, "Play") };
            if button(ui, icon, name, playback.playing, "Play or pause (space)") {
                playback.toggle(epochs, &mut view.epoch);
            }
            if button(ui, Icon::Forward, "Step forward", false, "Step forward (right arrow)") {
                playback.step(1, epochs, view.epoch, now);
            }
            if fit.jumps {
                if button(ui, Icon::Last, "Last epoch", false, "Last epoch (])") {
                    playback.glide_to(epochs.last(), epochs, view.epoch, now);
                }
                let tip = match epochs.best() {
                    Some(_) => "Best epoch: the highest accuracy, else the lowest loss (B)",
                    None => "No epoch has an accuracy or a loss, so none is the best",
                };
                let at_best = epochs.best().is_some_and(|best| epochs.number(best) == view.epoch);
                let best = |ui: &mut Ui| button(ui, Icon::Best, "Best epoch", at_best, tip);
                let pressed = ui.add_enabled_ui(epochs.best().is_some(), best).inner;
                if let Some(best) = epochs.best().filter(|_| pressed) {
                    playback.glide_to(best, epochs, view.epoch, now);
                }
            }
            ui.add_space(fit::AROUND - fit::GAP);
            self.slider(ui, vec2(fit.slider, height), view, playback, now);
            if let Some(width) = fit.badge {
                ui.add_space(fit::GAP);
                self.badge(ui, width, playback);
            }
            ui.add_space(fit::AROUND);
            if let Some(width) = fit.reading {
                self.reading(ui, width, view);
            }
            if fit.speed {
                speed(ui, self.epochs, playback);
            }
            let tip = "Begin anew after the last epoch, or after that of the marked range";
            if fit.looping && button(ui, Icon::Loop, "Loop", playback.looping, tip) {
                playback.looping = !playback.looping;
            }
        });
    }

    /// Shows a badge while a writer adds epochs; a click toggles following the newest one.
    fn badge(&self, ui: &mut Ui, width: f32, playback: &mut Playback) {
        let (rect, response) = ui.allocate_exact_size(vec2(width, BADGE), Sense::click());
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
        let named = width >= fit::BADGE;
        let dot = if named { rect.left_center() + vec2(12.0, 0.0) } else { rect.center() };
        let colour = if on { palette.text } else { palette.dim };
        if on {
            ui.painter().circle_filled(dot, 3.5, palette.accent);
        } else {
            ui.painter().circle_stroke(dot, 3.0, Stroke::new(1.0, palette.dim));
        }
        if named {
            let text = rect.left_center() + vec2(21.0, 0.0);
            ui.painter().text(text, Align2::LEFT_CENTER, "live", FontId::proportional(SMALL), colour);
        }
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

    /// Shows the current epoch and its metrics.
    fn reading(&self, ui: &mut Ui, width: f32, view: &ViewState) {
        let position = self.epochs.position(self.epochs.ordinal_of_number(view.epoch));
        let (rect, _) = ui.allocate_exact_size(vec2(width, 52.0), Sense::hover());
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
        let epoch = &self.recording.epochs[nearest.0];
        let title = if position.t == 0.0 {
            format!("epoch {}", epoch.number)
        } else {
            format!("epoch {:.1}", position.number(self.recording))
        };
        let curves: Vec<MetricCurve> = MetricCurve::of(self.recording).collect();
        let painter = ui.painter();
        let title = painter.layout_no_wrap(title, FontId::new(TEXT, semibold()), self.palette.text);
        // In a narrow timeline, only the curves and the tooltip show the metrics.
        let labels: Vec<_> = curves
            .iter()
            .filter(|_| width >= fit::READING)
            .filter_map(|curve| Some((curve, curve.label(epoch)?)))
            .map(|(curve, text)| {
                (curve, painter.layout_no_wrap(text, FontId::proportional(SMALL), self.palette.dim))
            })
            .collect();
        let height = title.size().y + labels.iter().map(|(_, text)| text.size().y).sum::<f32>();
        let mut at = rect.left_center() - vec2(0.0, height / 2.0);
        let line = title.size().y;
        painter.galley(at, title, self.palette.text);
        at.y += line;
        for (curve, text) in labels {
            let line = text.size().y;
            // With one curve, no sample of its colour is needed.
            let indent = if curves.len() > 1 { 14.0 } else { 0.0 };
            if indent > 0.0 {
                let stroke = Stroke::new(1.5, curve.colours(self.palette)[0]);
                painter.hline(at.x..=at.x + 9.0, at.y + line / 2.0, stroke);
            }
            painter.galley(at + vec2(indent, 0.0), text, self.palette.dim);
            at.y += line;
        }
    }
}

/// Handles the keys of the epochs: `[` and `]` go to the first and the last, `B` to the best, `I` and `O`
/// mark the start and the end of a range.
pub fn handle_keys(ui: &Ui, epochs: &Epochs, view: &ViewState, playback: &mut Playback) {
    let now = ui.input(|input| input.time);
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    let target =
        [(Key::OpenBracket, Some(0.0)), (Key::CloseBracket, Some(epochs.last())), (Key::B, epochs.best())]
            .into_iter()
            .filter(|(key, _)| pressed(*key))
            .find_map(|(_, target)| target);
    if let Some(target) = target {
        playback.glide_to(target, epochs, view.epoch, now);
    }
    if pressed(Key::I) {
        playback.mark_from(view.epoch, epochs);
    }
    if pressed(Key::O) {
        playback.mark_to(view.epoch, epochs);
    }
}

fn speed(ui: &mut Ui, epochs: &Epochs, playback: &mut Playback) {
    let rate = rate(epochs);
    let name = |speed: f64| match SPEEDS.contains(&speed) {
        true => format!("{speed}×"),
        false => "slow".to_owned(),
    };
    let rate_of = |speed: f64| text::format_value((rate * speed) as f32, (rate * speed) as f32);
    let combo = egui::ComboBox::from_id_salt("speed")
        .selected_text(name(playback.speed))
        .width(56.0)
        .show_ui(ui, |ui| {
            for speed in speeds(epochs) {
                let text = format!("{}  {} epochs/s", name(speed), rate_of(speed));
                ui.selectable_value(&mut playback.speed, speed, text);
            }
        });
    let text = name(playback.speed);
    combo.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, true, "Speed");
        info.current_text_value = Some(text.clone());
        info
    });
    let tip = format!("Speed of playing: {} epochs a second", rate_of(playback.speed));
    combo.response.on_hover_text(tip);
}
