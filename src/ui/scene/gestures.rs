//! What mouse, touchpad and keys did over the scene, as the navigator takes it.

use glam::{vec2, vec3};

use super::hover::Hover;
use super::navigation::Input;
use crate::model::SetView;

/// Reads what was done over the picture `response` covers; keys only where they are for it.
pub fn gather(ui: &egui::Ui, response: &egui::Response, keys: bool) -> Input {
    use egui::{Key, PointerButton};

    let rect = response.rect;
    let heights = |drag: egui::Vec2| vec2(drag.x, drag.y) / rect.height().max(1.0);
    let hovered = response.hovered() || response.dragged();
    let dragged = |button| if response.dragged_by(button) { response.drag_delta() } else { egui::Vec2::ZERO };
    let (primary, secondary, middle) =
        (dragged(PointerButton::Primary), dragged(PointerButton::Secondary), dragged(PointerButton::Middle));
    // Asked before the input is locked: it would wait for that lock for ever.
    let double_clicked = response.double_clicked_by(PointerButton::Primary);
    ui.input(|input| {
        let mut done = Input {
            now: input.time,
            step: input.stable_dt,
            pressed: response.is_pointer_button_down_on(),
            look: heights(secondary),
            looking: response.is_pointer_button_down_on() && input.pointer.secondary_down(),
            pan: heights(middle),
            haste: input.modifiers.shift,
            ..Input::default()
        };
        if input.modifiers.shift {
            done.pan += heights(primary);
        } else {
            done.orbit = heights(primary);
        }
        if hovered && let Some(at) = input.pointer.latest_pos() {
            let at = (at - rect.min) / rect.size();
            done.pointer = Some(vec2(at.x, at.y));
        }
        if hovered {
            let scrolled = input.smooth_scroll_delta();
            if is_touchpad(input) && !done.looking {
                // Two fingers turn the scene; with Shift they slide it.
                let swipe = heights(scrolled);
                if input.modifiers.shift { done.pan += swipe } else { done.orbit += swipe }
            } else {
                done.wheel = scrolled.x + scrolled.y;
            }
            done.pinch = input.zoom_delta();
        }
        done.frame = double_clicked;
        if keys && !input.modifiers.command {
            let axis = |plus: Key, minus: Key| {
                f32::from(u8::from(input.key_down(plus))) - f32::from(u8::from(input.key_down(minus)))
            };
            done.fly = vec3(axis(Key::D, Key::A), axis(Key::E, Key::Q), axis(Key::W, Key::S));
            done.frame |= input.key_pressed(Key::F);
            done.go = [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5]
                .into_iter()
                .zip(SetView::ALL)
                .find(|(key, _)| input.key_pressed(*key))
                .map(|(_, view)| view);
            if input.key_pressed(Key::Home) {
                done.go = Some(SetView::Overview);
            }
        }
        done
    })
}

/// Index of a layer, and of a unit in it.
pub type Unit = (usize, usize);

/// Follows the pointer for `hover`, and asks `units` what was meant: by a click, whose region is a point,
/// or by a box that was drawn with Alt held. Returns the unit of the one and those of the other.
pub fn choose(
    ui: &egui::Ui,
    response: &egui::Response,
    hover: &mut Hover,
    units: impl Fn([egui::Pos2; 2]) -> Vec<(usize, usize)>,
) -> (Option<Unit>, Vec<Unit>) {
    use egui::PointerButton;

    let started = response.drag_started_by(PointerButton::Primary);
    let stopped = response.drag_stopped();
    let over = response.hovered();
    let clicked = response.clicked_by(PointerButton::Primary);
    let (alt, down, at, origin) = ui.input(|input| {
        let pointer = &input.pointer;
        (input.modifiers.alt, pointer.any_down(), pointer.latest_pos(), pointer.press_origin())
    });
    hover.pointer = at.filter(|_| over && !down);
    if started && alt {
        hover.region = origin.or(at).zip(at).map(|(from, to)| [from, to]);
    }
    if let (Some(region), Some(at)) = (&mut hover.region, at) {
        region[1] = at;
    }
    let boxed =
        if stopped || !down { hover.region.take().map(&units).unwrap_or_default() } else { Vec::new() };
    let at = response.interact_pointer_pos().filter(|_| clicked && !alt);
    (at.and_then(|at| units([at, at]).first().copied()), boxed)
}

/// Whether what scrolls are two fingers. Where the system does not say, wheels count in lines.
fn is_touchpad(input: &egui::InputState) -> bool {
    use egui::{Event, MouseWheelSource, MouseWheelUnit};
    matches!(input.scroll_source(), Some(MouseWheelSource::Trackpad | MouseWheelSource::Momentum))
        || input
            .events
            .iter()
            .any(|event| matches!(event, Event::MouseWheel { unit: MouseWheelUnit::Point, .. }))
}
