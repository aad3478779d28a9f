//! The strip of pinned units, with a field to pin another one.

use egui::{
    Align2, Button, CornerRadius, FontId, Key, Label, RichText, Role, Sense, Stroke, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use super::pin_name::{parse_pin, pin_label};
use super::{UnitAction, UnitPanel, UnitPanelState};
use crate::model::{Pin, ViewState};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::focus_ring;

/// Height of the chips, in points.
const CHIP: f32 = 24.0;

impl UnitPanel<'_> {
    /// Shows the chips, the field and the buttons.
    pub(super) fn pins(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        state: &mut UnitPanelState,
        actions: &mut Vec<UnitAction>,
    ) {
        let mut removed = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (number, pin) in view.pins.iter().enumerate() {
                let is_current = state.current.as_ref() == Some(pin);
                let (chosen, is_removed) = self.chip(ui, pin, is_current, state);
                if chosen {
                    state.current = Some(pin.clone());
                }
                if is_removed {
                    removed = Some(number);
                }
            }
            self.field(ui, view, state, actions);
            let button = |ui: &mut Ui, name: &str, enabled: bool, tip: &str| {
                let response = ui.add_enabled(enabled, Button::new(RichText::new(name).size(SMALL)));
                response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, format!("Pins: {name}")));
                response.on_hover_text(tip).clicked()
            };
            if !view.pins.is_empty() && button(ui, "Clear", true, "Let go of all pinned units") {
                view.pins.clear();
            }
            let shown_profile = state.current.as_ref().and_then(|pin| Some((pin, self.profile(pin)?)));
            if !view.pins.is_empty() {
                let tip = "Copy what is shown of this unit, as tab-separated text";
                if button(ui, "Copy", shown_profile.is_some(), tip)
                    && let Some((pin, profile)) = shown_profile
                {
                    actions.push(UnitAction::Copy(self.copied(pin, profile)));
                }
            }
        });
        if let Some(error) = &state.error {
            let text = RichText::new(error).size(SMALL).color(self.palette.warning);
            ui.add(Label::new(text).truncate());
        }
        if let Some(number) = removed {
            // The next unit is shown in place of the removed one, and gets the focus.
            let removed_pin = view.pins.remove(number);
            if state.current.as_ref() == Some(&removed_pin) {
                let last = view.pins.len().saturating_sub(1);
                state.current = view.pins.get(number.min(last)).cloned();
                state.focus = state.current.is_some() && state.by_key;
            }
        }
    }

    /// Shows a chip; returns `true` if it was chosen, and `true` if it is to be removed.
    fn chip(&self, ui: &mut Ui, pin: &Pin, is_current: bool, state: &mut UnitPanelState) -> (bool, bool) {
        let palette = self.palette;
        let name = pin_label(pin);
        let text = ui.painter().layout_no_wrap(name.clone(), FontId::proportional(SMALL), palette.text);
        let size = vec2(text.size().x + 8.0 + 24.0, CHIP);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        // The id depends on the unit, not its place, so that the focus stays with it when others are pinned
        // or removed.
        let response = ui.interact(rect, ui.scope_id().with(("chip", pin)), Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), is_current, format!("Pins: {name}"))
        });
        let fill = match (is_current, response.hovered()) {
            (true, _) => palette.accent_fill,
            (false, true) => palette.control_hovered,
            _ => palette.control,
        };
        ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
        focus_ring(ui, &response, palette);
        let at = Align2::LEFT_CENTER.anchor_size(rect.left_center() + vec2(8.0, 0.0), text.size());
        ui.painter().galley(at.min, text, palette.text);
        let cross = rect.with_min_x(rect.right() - 22.0);
        let remove = ui.interact(cross, response.id.with("remove"), Sense::click());
        remove.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), format!("Remove: {name}")));
        let colour = if remove.hovered() { palette.accent } else { palette.dim };
        for sign in [1.0, -1.0] {
            let centre = cross.center();
            let arm = vec2(3.5, sign * 3.5);
            ui.painter().line_segment([centre - arm, centre + arm], Stroke::new(1.5, colour));
        }
        focus_ring(ui, &remove, palette);
        if is_current && std::mem::take(&mut state.focus) {
            response.request_focus();
        }
        let delete = response.has_focus() && ui.input(|input| input.key_pressed(Key::Delete));
        if delete || remove.clicked() {
            state.by_key = delete;
        }
        let is_removed = delete || remove.clicked();
        let chosen = response.clicked();
        let value = self.value(pin).map(|value| format!("\nnow {}", text::format_value(value, value.abs())));
        response.on_hover_ui(|ui| {
            ui.label(format!("{} unit {}{}", pin.layer, pin.unit, value.unwrap_or_default()));
        });
        remove.on_hover_text("Let go (Delete)");
        (chosen && !is_removed, is_removed)
    }

    /// Shows the field in which a unit is named to be pinned.
    fn field(
        &self,
        ui: &mut Ui,
        view: &ViewState,
        state: &mut UnitPanelState,
        actions: &mut Vec<UnitAction>,
    ) {
        let edit = TextEdit::singleline(&mut state.text)
            .id(ui.scope_id().with("pin a unit"))
            .font(FontId::proportional(SMALL))
            .hint_text("layer:unit")
            .desired_width(96.0)
            .min_size(vec2(0.0, CHIP));
        let response = ui.add(edit);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), "Pin a unit");
            info.current_text_value = Some(state.text.clone());
            info
        });
        if response.changed() {
            state.error = None;
        }
        if !(response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)))
            || state.text.trim().is_empty()
        {
            return;
        }
        // The focus stays in the field, for the next unit or a correction.
        response.request_focus();
        match parse_pin(self.recording, &state.text) {
            Ok(pin) => {
                state.text.clear();
                state.error = None;
                if view.pins.contains(&pin) {
                    state.current = Some(pin);
                } else {
                    actions.push(UnitAction::Pin(pin));
                }
            }
            Err(error) => state.error = Some(error.to_string()),
        }
    }

    /// Shows a hint if nothing is pinned.
    pub(super) fn empty_hint(&self, ui: &mut Ui) {
        let at = ui.cursor().min;
        ui.painter().circle_filled(pos2(at.x + 4.0, at.y + 12.0), 2.5, self.palette.accent);
        ui.horizontal_wrapped(|ui| {
            ui.add_space(12.0);
            self.dim(
                ui,
                "Click a cell in the scene to pin its unit, or write layer:unit in the field above.",
            );
        });
    }
}
