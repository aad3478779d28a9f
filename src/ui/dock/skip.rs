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
    pub(super) fn handle_skip_keys(&self, ui: &Ui) {
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
        let focused = self.focused_panel(ui);
        let at = panes.iter().position(|pane| Some(*pane) == focused).unwrap_or(0);
        let next = panes[(at as isize + steps).rem_euclid(panes.len() as isize) as usize];
        ui.memory_mut(|memory| match next {
            Pane::Scene => {
                if let Some(focused) = memory.focused() {
                    memory.surrender_focus(focused);
                }
            }
            pane => memory.request_focus(id(pane)),
        });
    }

    /// Returns the visible panel whose control has the focus; `None` for the scene and what is around the panels.
    fn focused_panel(&self, ui: &Ui) -> Option<Pane> {
        let focused = ui.memory(|memory| memory.focused())?;
        let at = ui.read_response(focused)?.rect.center();
        let is_there = |pane: &Pane| self.place_of(*pane).is_some_and(|place| place.contains(at));
        Pane::PANELS.into_iter().filter(|pane| self.shows(*pane)).find(is_there)
    }

    /// Returns the place of a visible panel in the last frame.
    fn place_of(&self, pane: Pane) -> Option<Rect> {
        if self.is_folded || self.enlarged.is_some() {
            return Some(self.beside);
        }
        self.tree.tiles.rect(self.tree.tiles.find_pane(&pane)?)
    }
}
