//! Going from panel to panel by key.

use egui::{Id, Key, Modifiers, Rect, Role, Sense, Ui, WidgetInfo, vec2};

use super::{DockLayout, Pane};
use crate::ui::style::Palette;
use crate::ui::widgets::focus_ring;

/// Height of the line that shows that a panel was reached, in points.
const LINE: f32 = 3.0;

fn id(pane: Pane) -> Id {
    Id::unique(("start of", pane.title()))
}

impl Pane {
    /// Adds a place at the start of the panel that takes the focus: the next control is the panel's first one.
    pub(super) fn add_start(self, ui: &mut Ui, palette: Palette) {
        let place = Rect::from_min_size(ui.max_rect().min, vec2(ui.max_rect().width(), LINE));
        let response = ui.interact(place, id(self), Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Panel: {}", self.title())));
        focus_ring(ui, &response, palette);
    }
}

impl DockLayout {
    /// Moves the focus with `F6` to the next visible panel, with Shift to the one before; the scene is one of
    /// them.
    pub(super) fn handle_skip_keys(&mut self, ui: &Ui) {
        let pressed =
            |modifiers| ui.input_mut(|input| input.count_and_consume_key(modifiers, Key::F6)) as isize;
        // The more specific one first.
        let steps = -pressed(Modifiers::SHIFT) + pressed(Modifiers::NONE);
        if steps == 0 {
            return;
        }
        let panes: Vec<Pane> = std::iter::once(Pane::Scene)
            .chain(Pane::PANELS.into_iter().filter(|pane| self.shows(*pane)))
            .collect();
        let at = panes.iter().position(|pane| *pane == self.reached).unwrap_or(0);
        self.reached = panes[(at as isize + steps).rem_euclid(panes.len() as isize) as usize];
        ui.memory_mut(|memory| match self.reached {
            Pane::Scene => {
                if let Some(focused) = memory.focused() {
                    memory.surrender_focus(focused);
                }
            }
            pane => memory.request_focus(id(pane)),
        });
    }
}
