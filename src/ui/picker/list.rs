//! A list whose rows are chosen by mouse and keys. Only the rows in sight are laid out, so that it may
//! be as long as it likes.

use egui::containers::scroll_area::{DragScroll, ScrollSource};
use egui::style::ScrollAnimation;
use egui::{
    Event, EventFilter, Key, Modifiers, PointerButton, Rect, Response, Role, ScrollArea, Sense, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::model::Ranges;
use crate::ui::choice::{Choice, How, Pull};
use crate::ui::style::Palette;
use crate::ui::widgets::{ROW, Row, focus_ring, paint_row};

/// Rows that are seen at a time.
const ROWS: usize = 6;

/// A list and what is chosen in it.
pub struct List<'a> {
    /// Its accessible name.
    pub name: &'a str,
    pub palette: Palette,
    pub rows: usize,
    pub chosen: &'a Ranges,
    pub pull: Pull,
}

/// What a row says.
pub struct RowText<'a> {
    /// Its accessible name.
    pub name: String,
    pub left: String,
    pub right: std::borrow::Cow<'a, str>,
}

/// What a hand did to a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    pub chosen: Ranges,
    /// These and nothing else are meant; otherwise they were added to or taken from what was chosen.
    pub alone: bool,
}

impl List<'_> {
    /// Shows the rows in sight, and returns what is chosen where that changed.
    pub fn show<'t>(
        &self,
        ui: &mut Ui,
        choice: &mut Choice,
        text: impl Fn(usize) -> RowText<'t>,
    ) -> Option<Picked> {
        if self.rows == 0 {
            return None;
        }
        // A finger that is drawn over the rows chooses them.
        let source = ScrollSource { drag: DragScroll::Never, ..ScrollSource::default() };
        let area = ScrollArea::vertical()
            .id_salt(self.name)
            .max_height(ROWS as f32 * ROW)
            .auto_shrink([false, true])
            .scroll_source(source);
        let shown = area.show_viewport(ui, |ui, viewport| {
            let height = self.rows as f32 * ROW;
            let (whole, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
            let top = whole.top() + viewport.top();
            let seen =
                Rect::from_x_y_ranges(whole.x_range(), top..=whole.bottom().min(top + viewport.height()));
            self.rows_in(ui, whole, seen, choice, &text)
        });
        shown.inner
    }

    fn rows_in<'t>(
        &self,
        ui: &mut Ui,
        whole: Rect,
        seen: Rect,
        choice: &mut Choice,
        text: &impl Fn(usize) -> RowText<'t>,
    ) -> Option<Picked> {
        let id = ui.scope_id().with(self.name);
        let list = ui.interact(seen, id, Sense::drag());
        list.widget_info(|| WidgetInfo::labeled(Role::ListBox, ui.is_enabled(), self.name));
        ui.ctx().accesskit_node_builder(id, |node| node.set_multiselectable());

        let mut picked = self.pressed(ui, &list, whole, seen, choice);
        if list.has_focus() {
            picked = self.keys(ui, &list, choice).or(picked);
            // A key may have led to a row out of sight.
            if picked.is_some() {
                choice.reveal();
            }
        }

        let inner = ui.new_child(UiBuilder::new().max_rect(seen).accessibility_parent(id));
        let first = row_at(seen.top(), whole, self.rows);
        for row in first..=row_at(seen.bottom() - 0.5, whole, self.rows) {
            let place = self.place(whole, row);
            // Not to be focused: the list has the keyboard as a whole.
            let response = inner.interact(place, id.with(row), Sense::CLICK);
            let RowText { name, left, right } = text(row);
            let selected = self.chosen.contains(row);
            response.widget_info(|| WidgetInfo::labeled(Role::ListBoxOption, inner.is_enabled(), &name));
            inner.ctx().accesskit_node_builder(response.id, |node| {
                node.set_selected(selected);
                node.set_position_in_set(row + 1);
                node.set_size_of_set(self.rows);
            });
            if choice.cursor() == Some(row) {
                inner.ctx().accesskit_node_builder(id, |node| {
                    node.set_active_descendant(response.id.accesskit_id());
                });
            }
            if response.clicked() {
                // Pressed and released within one frame, or clicked by other means than a pointer.
                if !choice.is_held() {
                    let how = How::of(held_at_press(&inner));
                    let chosen = choice.press(self.chosen, row, how);
                    picked = Some(Picked { chosen, alone: how == How::Alone });
                    choice.release();
                }
                // A click on a row counts as one beside the list, which would lose the keyboard.
                list.request_focus();
            }
            let shown = Row { name, left: &left, right: &right, selected };
            paint_row(&inner, self.palette, place, response.hovered(), &shown);
            if list.has_focus() && choice.cursor() == Some(row) {
                focus_ring(&inner, &list.clone().with_new_rect(place), self.palette);
            }
        }
        if !list.dragged() {
            choice.release();
        }
        if let Some(row) = choice.take_revealed() {
            ui.scroll_to_rect_animation(self.place(whole, row), None, ScrollAnimation::none());
        }
        picked
    }

    fn place(&self, whole: Rect, row: usize) -> Rect {
        Rect::from_min_size(pos2(whole.left(), whole.top() + row as f32 * ROW), vec2(whole.width(), ROW))
    }

    /// What the pointer does: it presses, and pulls.
    fn pressed(
        &self,
        ui: &Ui,
        list: &Response,
        whole: Rect,
        seen: Rect,
        choice: &mut Choice,
    ) -> Option<Picked> {
        if list.drag_started_by(PointerButton::Primary) {
            list.request_focus();
            let at = ui.input(|input| input.pointer.press_origin()).or(list.interact_pointer_pos())?;
            let how = How::of(held_at_press(ui));
            let chosen = choice.press(self.chosen, row_at(at.y, whole, self.rows), how);
            return Some(Picked { chosen, alone: how == How::Alone });
        }
        if !list.dragged_by(PointerButton::Primary) {
            return None;
        }
        let at = list.interact_pointer_pos()?.y;
        // Beyond an edge the rows come by, the faster the further.
        let beyond = (at - seen.bottom()).max(0.0) + (at - seen.top()).min(0.0);
        if beyond != 0.0 {
            let speed = beyond * (8.0 + beyond.abs() / 8.0);
            let step = ui.input(|input| input.stable_dt.min(0.1));
            ui.scroll_with_delta_animation(vec2(0.0, -speed * step), ScrollAnimation::none());
            ui.ctx().request_repaint();
        }
        let row = row_at(at.clamp(seen.top(), seen.bottom() - 0.5), whole, self.rows);
        let alone = choice.is_held_alone();
        choice.pull(row, self.pull).map(|chosen| Picked { chosen, alone })
    }

    /// What the keys do, which are the list's while it has the focus.
    fn keys(&self, ui: &Ui, list: &Response, choice: &mut Choice) -> Option<Picked> {
        let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(list.id, arrows));
        let page = ROWS as isize - 1;
        let mut picked: Option<Picked> = None;
        // In their order and with the modifiers of each: several may come within a frame.
        for event in ui.input(|input| input.events.clone()) {
            let Event::Key { key, pressed: true, modifiers, .. } = event else { continue };
            let steps = match key {
                Key::ArrowDown => 1,
                Key::ArrowUp => -1,
                Key::PageDown => page,
                Key::PageUp => -page,
                Key::Home => -isize::MAX,
                Key::End => isize::MAX,
                Key::Space => {
                    let chosen = picked.as_ref().map_or(self.chosen, |picked| &picked.chosen);
                    let turned = choice.toggle(chosen).map(|chosen| Picked { chosen, alone: false });
                    picked = turned.or(picked);
                    continue;
                }
                Key::A if modifiers.command => {
                    picked = Some(Picked { chosen: Ranges::from(0..=self.rows - 1), alone: true });
                    continue;
                }
                _ => continue,
            };
            if let Some(chosen) = choice.step(steps, self.rows, modifiers.shift) {
                picked = Some(Picked { chosen, alone: !modifiers.shift });
            }
        }
        picked
    }
}

/// The keys that were held when the pointer was pressed or released in this frame: they may be up again.
fn held_at_press(ui: &Ui) -> Modifiers {
    ui.input(|input| {
        let press = |event: &Event| match event {
            Event::PointerButton { button: PointerButton::Primary, modifiers, .. } => Some(*modifiers),
            _ => None,
        };
        input.events.iter().find_map(press).unwrap_or(input.modifiers)
    })
}

fn row_at(y: f32, whole: Rect, rows: usize) -> usize {
    (((y - whole.top()) / ROW).floor().max(0.0) as usize).min(rows - 1)
}
