//! The strongest inputs of a unit, and the units with similar activations.

use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2,
    vec2,
};

use super::{UnitAction, UnitPanel};
use crate::insight::UnitProfile;
use crate::model::{Pin, Selection, ViewState};
use crate::ui::style::SMALL;
use crate::ui::text;
use crate::ui::widgets::{RowContent, focus_ring, heading, row};

/// Edge of a picture, in points.
const PICTURE: f32 = 48.0;
/// Size of a picture with its class and value, in points.
const TILE: Vec2 = vec2(60.0, PICTURE + 40.0);
/// Maximum number of inputs.
const INPUTS: usize = 24;

impl UnitPanel<'_> {
    /// Shows the inputs with the highest values; a click selects one.
    pub(super) fn strongest(
        &self,
        ui: &mut Ui,
        profile: &UnitProfile,
        view: &ViewState,
        actions: &mut Vec<UnitAction>,
    ) {
        heading(ui, "Strongest inputs");
        if profile.strongest.is_empty() {
            self.dim(ui, "single inputs were not recorded");
            return;
        }
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            for &(input, value) in profile.strongest.iter().take(INPUTS) {
                let selected = view.query.select.single_input() == Some(input);
                self.tile(ui, input, value, selected, actions);
            }
        });
    }

    fn tile(&self, ui: &mut Ui, input: usize, value: f32, selected: bool, actions: &mut Vec<UnitAction>) {
        let palette = self.palette;
        let (rect, response) = ui.allocate_exact_size(TILE, Sense::click());
        if !ui.is_rect_visible(rect) {
            return;
        }
        let description =
            format!("{}, activation {}", text::describe_input(self.recording, input), number(value));
        response.widget_info(|| {
            let name = format!("Strongest: input {input}");
            let mut info = WidgetInfo::selected(Role::Button, ui.is_enabled(), selected, name);
            info.current_text_value = Some(description.clone());
            info
        });
        let fill = match (selected, response.hovered()) {
            (true, _) => Some(palette.accent_fill),
            (false, true) => Some(palette.control),
            _ => None,
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(rect, CornerRadius::same(4), fill);
        }
        let centre = pos2(rect.center().x, rect.top() + 4.0 + 0.5 * PICTURE);
        let frame = Rect::from_center_size(centre, Vec2::splat(PICTURE));
        let has_picture = self.recording.inputs.get(input).is_some_and(|input| input.has_picture);
        if let Some(texture) = self.pictures.get(input) {
            let size = texture.size_vec2();
            let fitted = Rect::from_center_size(centre, size * (PICTURE / size.max_elem().max(1.0)));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            ui.painter().image(texture.id(), fitted, whole, Color32::WHITE);
        } else {
            if has_picture && !self.pictures.knows(input) {
                actions.push(UnitAction::WantPicture(input));
            }
            let stroke = Stroke::new(1.0, palette.line);
            ui.painter().rect_stroke(frame, CornerRadius::same(4), stroke, StrokeKind::Inside);
            let number = input.to_string();
            let font = FontId::proportional(SMALL);
            ui.painter().text(centre, Align2::CENTER_CENTER, text::truncate(&number, 7), font, palette.dim);
        }
        let class = self.recording.inputs.get(input).and_then(|input| input.class);
        let class = class.and_then(|class| self.recording.classes.get(class));
        let lines =
            [(class.map_or("", |class| class.name.as_str()), palette.text), (&number(value), palette.dim)];
        for (line, (text, colour)) in [0.0, 16.0].into_iter().zip(lines) {
            let at = pos2(rect.center().x, frame.bottom() + 2.0 + line);
            ui.painter().text(
                at,
                Align2::CENTER_TOP,
                text::truncate(text, 9),
                FontId::proportional(SMALL),
                colour,
            );
        }
        focus_ring(ui, &response, palette);
        if response.clicked() {
            actions.push(UnitAction::Select(Selection::input(input)));
        }
        response.on_hover_ui(|ui| {
            ui.label(description);
        });
    }

    /// Shows the most similar units; a click pins one.
    pub(super) fn similar_units(
        &self,
        ui: &mut Ui,
        (pin, profile): (&Pin, &UnitProfile),
        view: &ViewState,
        actions: &mut Vec<UnitAction>,
    ) {
        heading(ui, "Similar units");
        if profile.similar.is_empty() {
            self.dim(ui, "no other unit to compare with");
            return;
        }
        ui.spacing_mut().item_spacing.y = 0.0;
        for similar in &profile.similar {
            let other = Pin { layer: pin.layer.clone(), unit: similar.unit };
            let content = RowContent {
                name: format!("Similar: unit {}", similar.unit),
                left: &format!("unit {}", similar.unit),
                right: &format!("r = {}", text::format_value(similar.correlation, 1.0)),
                selected: view.pins.contains(&other),
            };
            let response = row(ui, self.palette, content);
            if response.clicked() {
                actions.push(UnitAction::Pin(other));
            }
            response.on_hover_ui(|ui| {
                ui.label(format!(
                    "unit {} of {} answers like unit {}:\nPearson's correlation over the inputs is {}.\n\
                     Click to pin it beside.",
                    similar.unit,
                    text::truncate(&pin.layer, 40),
                    pin.unit,
                    text::format_value(similar.correlation, 1.0)
                ));
            });
        }
    }
}

/// Formats a value on a scale of its own size.
fn number(value: f32) -> String {
    text::format_value(value, value.abs())
}
