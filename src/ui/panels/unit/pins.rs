//! The strip of pinned units: which is shown, which goes, and a field to pin another.

use egui::{
    Align2, Button, CornerRadius, FontId, Key, Label, RichText, Role, Sense, Stroke, TextEdit, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{Action, Hands, Units, named};
use crate::model::{Pin, Recording, UnitIndex, ViewState};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::focus_ring;

/// Height of the chips.
const CHIP: f32 = 24.0;

/// Why a text names no unit.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    #[error("`{0}` names no unit: write layer:unit")]
    Syntax(String),
    #[error("there is no layer `{0}`")]
    UnknownLayer(String),
    #[error("{layer} has {}: there is no unit {unit}", units(*count))]
    OutOfRange { layer: String, unit: usize, count: usize },
}

fn units(count: usize) -> String {
    match count {
        0 => "no units".to_owned(),
        1 => "the unit 0 alone".to_owned(),
        _ => format!("the units 0 to {}", count - 1),
    }
}

/// The unit that a text names: "conv2:17", or as it stands on a chip, "conv2 · 17".
pub fn pin(recording: &Recording, text: &str) -> Result<Pin, PinError> {
    let syntax = || PinError::Syntax(text::truncate(text.trim(), 40));
    let (layer, unit) = text.rsplit_once([':', '·']).ok_or_else(syntax)?;
    let unit: usize = unit.trim().parse().map_err(|_| syntax())?;
    let name = layer.trim();
    let layer = recording.layers.iter().find(|layer| layer.name == name);
    let layer = layer.ok_or_else(|| PinError::UnknownLayer(text::truncate(name, 40)))?;
    if unit >= layer.units {
        return Err(PinError::OutOfRange { layer: text::truncate(name, 40), unit, count: layer.units });
    }
    Ok(Pin { layer: name.to_owned(), unit: UnitIndex(unit) })
}

impl Units<'_> {
    /// Shows the chips, and what can be done with them.
    pub(super) fn pins(
        &self,
        ui: &mut Ui,
        view: &mut ViewState,
        hands: &mut Hands,
        actions: &mut Vec<Action>,
    ) {
        let mut removed = None;
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing.x = 4.0;
            for (number, pin) in view.pins.iter().enumerate() {
                let shown = hands.shown.as_ref() == Some(pin);
                let (chosen, gone) = self.chip(ui, pin, shown, hands);
                if chosen {
                    hands.shown = Some(pin.clone());
                }
                if gone {
                    removed = Some(number);
                }
            }
            self.field(ui, view, hands, actions);
            let button = |ui: &mut Ui, name: &str, enabled: bool, tip: &str| {
                let response = ui.add_enabled(enabled, Button::new(RichText::new(name).size(SMALL)));
                response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, format!("Pins: {name}")));
                response.on_hover_text(tip).clicked()
            };
            if !view.pins.is_empty() && button(ui, "Clear", true, "Let go of all pinned units") {
                view.pins.clear();
            }
            let known = hands.shown.as_ref().and_then(|pin| Some((pin, self.known(pin)?)));
            if !view.pins.is_empty() {
                let tip = "Copy what is shown of this unit, as tab-separated text";
                if button(ui, "Copy", known.is_some(), tip)
                    && let Some((pin, biography)) = known
                {
                    actions.push(Action::Copy(self.copied(pin, biography)));
                }
            }
        });
        if let Some(error) = &hands.error {
            let text = RichText::new(error).size(SMALL).color(self.palette.warning);
            ui.add(Label::new(text).truncate());
        }
        if let Some(number) = removed {
            // What follows takes its place, also under the keyboard.
            let gone = view.pins.remove(number);
            if hands.shown.as_ref() == Some(&gone) {
                let last = view.pins.len().saturating_sub(1);
                hands.shown = view.pins.get(number.min(last)).cloned();
                hands.focus = hands.shown.is_some() && hands.by_key;
            }
        }
    }

    /// A chip: whether it was chosen, and whether it is to go.
    fn chip(&self, ui: &mut Ui, pin: &Pin, shown: bool, hands: &mut Hands) -> (bool, bool) {
        let palette = self.palette;
        let name = named(pin);
        let text = ui.painter().layout_no_wrap(name.clone(), FontId::proportional(SMALL), palette.text);
        let size = vec2(text.size().x + 8.0 + 24.0, CHIP);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        // Of the unit, not of its place: the keyboard stays with it when others come or go.
        let response = ui.interact(rect, ui.scope_id().with(("chip", pin)), Sense::click());
        response.widget_info(|| {
            WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), shown, format!("Pins: {name}"))
        });
        let fill = match (shown, response.hovered()) {
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
        if shown && std::mem::take(&mut hands.focus) {
            response.request_focus();
        }
        let delete = response.has_focus() && ui.input(|input| input.key_pressed(Key::Delete));
        if delete || remove.clicked() {
            hands.by_key = delete;
        }
        let gone = delete || remove.clicked();
        let chosen = response.clicked();
        let value = self.value(pin).map(|value| format!("\nnow {}", text::number(value, value.abs())));
        response.on_hover_ui(|ui| {
            ui.label(format!("{} unit {}{}", pin.layer, pin.unit, value.unwrap_or_default()));
        });
        remove.on_hover_text("Let go (Delete)");
        (chosen && !gone, gone)
    }

    /// The line that a unit is pinned by.
    fn field(&self, ui: &mut Ui, view: &ViewState, hands: &mut Hands, actions: &mut Vec<Action>) {
        let edit = TextEdit::singleline(&mut hands.text)
            .id(ui.scope_id().with("pin a unit"))
            .font(FontId::proportional(SMALL))
            .hint_text("layer:unit")
            .desired_width(96.0)
            .min_size(vec2(0.0, CHIP));
        let response = ui.add(edit);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::TextInput, ui.is_enabled(), "Pin a unit");
            info.current_text_value = Some(hands.text.clone());
            info
        });
        if response.changed() {
            hands.error = None;
        }
        if !(response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter)))
            || hands.text.trim().is_empty()
        {
            return;
        }
        // For the next one, or to mend this one.
        response.request_focus();
        match pin(self.recording, &hands.text) {
            Ok(pin) => {
                hands.text.clear();
                hands.error = None;
                if view.pins.contains(&pin) {
                    hands.shown = Some(pin);
                } else {
                    actions.push(Action::Pin(pin));
                }
            }
            Err(error) => hands.error = Some(error.to_string()),
        }
    }

    /// One sentence for who has pinned nothing.
    pub(super) fn nothing(&self, ui: &mut Ui) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    #[test]
    fn a_unit_is_named_by_layer_and_number() {
        let mut recording = testing::recording();
        recording.layers[0].name = "block:1".to_owned();
        let named = |text: &str| pin(&recording, text);
        let expect = |layer: &str, unit| Ok(Pin { layer: layer.to_owned(), unit: UnitIndex(unit) });
        assert_eq!(named("conv2:17"), expect("conv2", 17));
        assert_eq!(named("  fc : 2 "), expect("fc", 2));
        assert_eq!(named("conv2 · 63"), expect("conv2", 63), "as it stands on a chip");
        assert_eq!(named("block:1:3"), expect("block:1", 3));
        assert_eq!(named("conv2"), Err(PinError::Syntax("conv2".to_owned())));
        assert_eq!(named("conv2:-1"), Err(PinError::Syntax("conv2:-1".to_owned())));
        assert_eq!(named("conv9:1"), Err(PinError::UnknownLayer("conv9".to_owned())));
        let error = named("conv2:64").expect_err("64 units");
        assert_eq!(error, PinError::OutOfRange { layer: "conv2".to_owned(), unit: 64, count: 64 });
        assert_eq!(error.to_string(), "conv2 has the units 0 to 63: there is no unit 64");
    }
}
