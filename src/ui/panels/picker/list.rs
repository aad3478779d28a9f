//! A list whose rows are selected by pointer and keys. Only visible rows are laid out, whatever the number
//! of rows.

use egui::containers::scroll_area::{DragScroll, ScrollSource};
use egui::style::ScrollAnimation;
use egui::{
    Event, EventFilter, Key, Modifiers, PointerButton, Pos2, Rect, Response, Role, ScrollArea, Sense, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::filter::ListRows;
use super::row::{ListEntry, RowState};
use crate::model::Ranges;
use crate::ui::style::Palette;
use crate::ui::widgets::focus_ring;
use crate::ui::widgets::list_selection::DragMode;
use crate::ui::widgets::list_selection::ListSelection;
use crate::ui::widgets::list_selection::SelectMode;

/// A list and its selected rows.
pub struct SelectableList<'a> {
    /// Its accessible name.
    pub name: &'a str,
    /// The colours.
    pub palette: Palette,
    /// The inputs or classes of the rows.
    pub rows: ListRows<'a>,
    /// Number of columns; the rows go down the first one, then down the next. At least 1.
    pub columns: usize,
    /// Height of a row, in points.
    pub row: f32,
    /// Maximum height of the list, in points.
    pub height: f32,
    /// The selected inputs or classes, listed or not.
    pub chosen: &'a Ranges,
    /// The effect of a drag over the rows.
    pub drag_mode: DragMode,
}

/// A change of the selection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListResponse {
    /// The inputs or classes that are selected now.
    pub chosen: Ranges,
    /// They replace the previous selection; otherwise some were added to it or removed from it.
    pub replaces: bool,
}

impl SelectableList<'_> {
    /// Shows the visible rows, and returns the selection if it changed. `entry` returns the content of a
    /// row.
    pub fn show<'t>(
        &self,
        ui: &mut Ui,
        list_selection: &mut ListSelection,
        entry: impl Fn(usize) -> ListEntry<'t>,
    ) -> Option<ListResponse> {
        if self.rows.count() == 0 {
            return None;
        }
        // A drag over the rows selects them instead of scrolling.
        let source = ScrollSource { drag: DragScroll::Never, ..ScrollSource::default() };
        let area = ScrollArea::vertical()
            .id_salt(self.name)
            .max_height(self.height)
            .auto_shrink([false, true])
            .scroll_source(source);
        let output = area.show_viewport(ui, |ui, viewport| {
            let height = self.lines() as f32 * self.row;
            let (whole, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
            let top = whole.top() + viewport.top();
            let visible =
                Rect::from_x_y_ranges(whole.x_range(), top..=whole.bottom().min(top + viewport.height()));
            self.visible_rows(ui, whole, visible, list_selection, &entry)
        });
        output.inner
    }

    /// Returns the height that the list takes, in points.
    pub fn shown_height(&self) -> f32 {
        self.height.min(self.lines() as f32 * self.row)
    }

    fn visible_rows<'t>(
        &self,
        ui: &mut Ui,
        whole: Rect,
        visible: Rect,
        list_selection: &mut ListSelection,
        entry: &impl Fn(usize) -> ListEntry<'t>,
    ) -> Option<ListResponse> {
        let id = ui.scope_id().with(self.name);
        let list = ui.interact(visible, id, Sense::drag());
        list.widget_info(|| WidgetInfo::labeled(Role::ListBox, ui.is_enabled(), self.name));
        ui.ctx().accesskit_node_builder(id, |node| node.set_multiselectable());

        let mut change = self.handle_pointer(ui, &list, whole, visible, list_selection);
        if list.has_focus() {
            change = self.handle_keys(ui, &list, list_selection).or(change);
            // A key may have moved the cursor to a row that is not visible.
            if change.is_some() {
                list_selection.reveal();
            }
        }

        let inner = ui.new_child(UiBuilder::new().max_rect(visible).accessibility_parent(id));
        let lines = self.line_at(visible.top(), whole)..=self.line_at(visible.bottom() - 0.5, whole);
        let rows = (0..self.columns).flat_map(|column| lines.clone().map(move |line| (column, line)));
        let rows = rows.map(|(column, line)| column * self.lines() + line);
        for row in rows.filter(|row| *row < self.rows.count()) {
            let place = self.place(whole, row);
            // Rows take no focus; the list as a whole has it.
            let response = inner.interact(place, id.with(row), Sense::CLICK);
            let item = self.rows.input(row);
            let entry = entry(item);
            let selected = self.chosen.contains(item);
            response
                .widget_info(|| WidgetInfo::labeled(Role::ListBoxOption, inner.is_enabled(), &entry.name));
            inner.ctx().accesskit_node_builder(response.id, |node| {
                node.set_selected(selected);
                node.set_position_in_set(row + 1);
                node.set_size_of_set(self.rows.count());
                node.set_description(entry.description());
            });
            if list_selection.cursor() == Some(row) {
                inner.ctx().accesskit_node_builder(id, |node| {
                    node.set_active_descendant(response.id.accesskit_id());
                });
            }
            if response.clicked() {
                // Pressed and released within one frame, or clicked by a screen reader.
                if !list_selection.is_held() {
                    let mode = SelectMode::of(modifiers_at_press(&inner));
                    change = Some(self.press(list_selection, row, mode));
                    list_selection.release();
                }
                // A click on a row counts as one outside of the list, which would lose the focus.
                list.request_focus();
            }
            let is_alone = self.columns == 1;
            entry.paint(
                &inner,
                self.palette,
                place,
                RowState { selected, hovered: response.hovered(), is_alone },
            );
            if !is_alone {
                response.on_hover_text(entry.description());
            }
            if list.has_focus() && list_selection.cursor() == Some(row) {
                focus_ring(&inner, &list.clone().with_new_rect(place), self.palette);
            }
        }
        if !list.dragged() {
            list_selection.release();
        }
        if let Some(row) = list_selection.take_revealed() {
            ui.scroll_to_rect_animation(self.place(whole, row), None, ScrollAnimation::none());
        }
        change
    }

    /// Returns the number of rows of the first column.
    fn lines(&self) -> usize {
        self.rows.count().div_ceil(self.columns)
    }

    fn place(&self, whole: Rect, row: usize) -> Rect {
        let (column, line) = (row / self.lines(), row % self.lines());
        let size = vec2(whole.width() / self.columns as f32, self.row);
        Rect::from_min_size(whole.min + vec2(column as f32, line as f32) * size, size)
    }

    fn line_at(&self, y: f32, whole: Rect) -> usize {
        let line = ((y - whole.top()) / self.row).floor().max(0.0) as usize;
        line.min(self.lines().saturating_sub(1))
    }

    fn row_at(&self, at: Pos2, whole: Rect) -> usize {
        let column = ((at.x - whole.left()) / whole.width() * self.columns as f32).floor().max(0.0) as usize;
        let row = column.min(self.columns - 1) * self.lines() + self.line_at(at.y, whole);
        row.min(self.rows.count().saturating_sub(1))
    }

    fn press(&self, list_selection: &mut ListSelection, row: usize, mode: SelectMode) -> ListResponse {
        let rows = list_selection.press(&self.rows.rows_of(self.chosen), row, mode);
        self.list_response(&rows, mode)
    }

    /// Returns the selection after these rows were selected in this mode.
    fn list_response(&self, rows: &Ranges, mode: SelectMode) -> ListResponse {
        let mut chosen = self.rows.inputs_of(rows);
        if mode.keeps() {
            let unlisted = self.rows.unlisted(self.chosen);
            if !unlisted.is_empty() {
                chosen = chosen.as_slice().iter().chain(unlisted.as_slice()).cloned().collect();
            }
        }
        ListResponse { chosen, replaces: mode == SelectMode::Alone }
    }

    /// Handles presses and drags of the pointer.
    fn handle_pointer(
        &self,
        ui: &Ui,
        list: &Response,
        whole: Rect,
        visible: Rect,
        list_selection: &mut ListSelection,
    ) -> Option<ListResponse> {
        if list.drag_started_by(PointerButton::Primary) {
            list.request_focus();
            let at = ui.input(|input| input.pointer.press_origin()).or(list.interact_pointer_pos())?;
            let mode = SelectMode::of(modifiers_at_press(ui));
            return Some(self.press(list_selection, self.row_at(at, whole), mode));
        }
        if !list.dragged_by(PointerButton::Primary) {
            return None;
        }
        let at = list.interact_pointer_pos()?;
        // Beyond an edge the list scrolls, with a speed that grows with the distance.
        let beyond = (at.y - visible.bottom()).max(0.0) + (at.y - visible.top()).min(0.0);
        if beyond != 0.0 {
            let speed = beyond * (8.0 + beyond.abs() / 8.0);
            let step = ui.input(|input| input.stable_dt.min(0.1));
            ui.scroll_with_delta_animation(vec2(0.0, -speed * step), ScrollAnimation::none());
            ui.ctx().request_repaint();
        }
        let at = pos2(at.x, at.y.clamp(visible.top(), visible.bottom() - 0.5));
        let row = self.row_at(at, whole);
        let mode = list_selection.held()?;
        list_selection.drag(row, self.drag_mode).map(|rows| self.list_response(&rows, mode))
    }

    /// Handles the keys of the focused list.
    fn handle_keys(
        &self,
        ui: &Ui,
        list: &Response,
        list_selection: &mut ListSelection,
    ) -> Option<ListResponse> {
        let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(list.id, arrows));
        let page = ((self.height / self.row) as isize - 1).max(1);
        let mut change: Option<ListResponse> = None;
        // In order, each with its own modifiers, because several keys can arrive within a frame.
        for event in ui.input(|input| input.events.clone()) {
            let Event::Key { key, pressed: true, modifiers, .. } = event else { continue };
            let steps = match key {
                Key::ArrowDown => 1,
                Key::ArrowUp => -1,
                Key::ArrowRight if self.columns > 1 => self.lines() as isize,
                Key::ArrowLeft if self.columns > 1 => -(self.lines() as isize),
                Key::PageDown => page,
                Key::PageUp => -page,
                Key::Home | Key::End => {
                    // Elsewhere these keys are commands of the scene.
                    ui.input_mut(|input| input.consume_key(modifiers, key));
                    if key == Key::Home { -isize::MAX } else { isize::MAX }
                }
                Key::Space => {
                    let chosen = change.as_ref().map_or(self.chosen, |change| &change.chosen);
                    let rows = list_selection.toggle(&self.rows.rows_of(chosen));
                    change = rows.map(|rows| self.list_response(&rows, SelectMode::Toggle)).or(change);
                    continue;
                }
                Key::A if modifiers.command => {
                    change =
                        Some(self.list_response(&Ranges::from(0..=self.rows.count() - 1), SelectMode::Alone));
                    continue;
                }
                _ => continue,
            };
            if let Some(rows) = list_selection.step(steps, self.rows.count(), modifiers.shift) {
                let mode = if modifiers.shift { SelectMode::Extend } else { SelectMode::Alone };
                change = Some(self.list_response(&rows, mode));
            }
        }
        change
    }
}

/// Returns the modifiers at the press or release in this frame, because they may have been released since.
fn modifiers_at_press(ui: &Ui) -> Modifiers {
    ui.input(|input| {
        let press = |event: &Event| match event {
            Event::PointerButton { button: PointerButton::Primary, modifiers, .. } => Some(*modifiers),
            _ => None,
        };
        input.events.iter().find_map(press).unwrap_or(input.modifiers)
    })
}
