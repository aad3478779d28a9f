//! Gestures over a scene: those that move the camera, and those that point at or select units.

use glam::{vec2, vec3};

use super::camera_input::CameraInput;
use super::hover::Hover;
use crate::model::{SetView, UnitId};

/// Reads the camera input of a frame over the area of `response`; keys are ignored unless `keys`.
pub fn read_gestures(ui: &egui::Ui, response: &egui::Response, keys: bool) -> CameraInput {
    use egui::{Key, PointerButton};

    let rect = response.rect;
    let heights = |drag: egui::Vec2| vec2(drag.x, drag.y) / rect.height().max(1.0);
    let hovered = response.hovered() || response.dragged();
    let dragged = |button| if response.dragged_by(button) { response.drag_delta() } else { egui::Vec2::ZERO };
    let (primary, secondary, middle) =
        (dragged(PointerButton::Primary), dragged(PointerButton::Secondary), dragged(PointerButton::Middle));
    // Read before `ui.input`, which holds a lock that this call takes as well.
    let double_clicked = response.double_clicked_by(PointerButton::Primary);
    ui.input(|input| {
        let mut gestures = CameraInput {
            now: input.time,
            step: input.stable_dt,
            pressed: response.is_pointer_button_down_on(),
            rotate: heights(secondary),
            is_rotating: response.is_pointer_button_down_on() && input.pointer.secondary_down(),
            pan: heights(middle),
            fast: input.modifiers.shift,
            ..CameraInput::default()
        };
        if input.modifiers.shift {
            gestures.pan += heights(primary);
        } else {
            gestures.orbit = heights(primary);
        }
        if hovered && let Some(at) = input.pointer.latest_pos() {
            let at = (at - rect.min) / rect.size();
            gestures.pointer = Some(vec2(at.x, at.y));
        }
        if hovered {
            let scrolled = input.smooth_scroll_delta();
            if is_touchpad(input) && !gestures.is_rotating {
                // Two fingers orbit; with Shift they pan.
                let swipe = heights(scrolled);
                if input.modifiers.shift { gestures.pan += swipe } else { gestures.orbit += swipe }
            } else {
                gestures.wheel = scrolled.x + scrolled.y;
            }
            gestures.pinch = input.zoom_delta();
        }
        gestures.frame_slab = double_clicked;
        if keys && !input.modifiers.command {
            let axis = |plus: Key, minus: Key| {
                f32::from(u8::from(input.key_down(plus))) - f32::from(u8::from(input.key_down(minus)))
            };
            gestures.fly = vec3(axis(Key::D, Key::A), axis(Key::E, Key::Q), axis(Key::W, Key::S));
            gestures.frame_slab |= input.key_pressed(Key::F);
            gestures.set_view = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5]
                .into_iter()
                .zip(SetView::ALL)
                .find(|(key, _)| input.key_pressed(*key))
                .map(|(_, view)| view);
        }
        gestures
    })
}

/// The units that were selected with the pointer.
pub struct SelectedUnits {
    /// The unit that was clicked.
    pub clicked: Option<UnitId>,
    /// The units in a box that was drawn with Alt held.
    pub boxed: Vec<UnitId>,
}

/// Updates the pointer and the box of `hover`; returns the units that were clicked or in a finished box.
/// `units_in` returns the units in the region between two corners, which are equal for a click.
pub fn select_units(
    ui: &egui::Ui,
    response: &egui::Response,
    hover: &mut Hover,
    units_in: impl Fn([egui::Pos2; 2]) -> Vec<UnitId>,
) -> SelectedUnits {
    use egui::PointerButton;

    let drag_started = response.drag_started_by(PointerButton::Primary);
    let drag_stopped = response.drag_stopped();
    let is_over = response.hovered();
    let clicked = response.clicked_by(PointerButton::Primary);
    let (alt, is_down, at, origin) = ui.input(|input| {
        let pointer = &input.pointer;
        (input.modifiers.alt, pointer.any_down(), pointer.latest_pos(), pointer.press_origin())
    });
    hover.pointer = at.filter(|_| is_over && !is_down);
    if drag_started && alt {
        hover.region = origin.or(at).zip(at).map(|(from, to)| [from, to]);
    }
    if let (Some(region), Some(at)) = (&mut hover.region, at) {
        region[1] = at;
    }
    let boxed = if drag_stopped || !is_down {
        hover.region.take().map(&units_in).unwrap_or_default()
    } else {
        Vec::new()
    };
    let at = response.interact_pointer_pos().filter(|_| clicked && !alt);
    SelectedUnits { clicked: at.and_then(|at| units_in([at, at]).first().copied()), boxed }
}

/// Returns `true` if a touchpad scrolls. If the system does not report the device, the unit is taken for it:
/// mouse wheels count in lines, touchpads in points.
fn is_touchpad(input: &egui::InputState) -> bool {
    use egui::{Event, MouseWheelSource, MouseWheelUnit};
    matches!(input.scroll_source(), Some(MouseWheelSource::Trackpad | MouseWheelSource::Momentum))
        || input
            .events
            .iter()
            .any(|event| matches!(event, Event::MouseWheel { unit: MouseWheelUnit::Point, .. }))
}
