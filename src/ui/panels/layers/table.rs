//! The rows and headings of the table of layers: layout and pointer.

use egui::accesskit::SortDirection;
use egui::style::ScrollAnimation;
use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Role, Sense, Shape, Stroke, Ui, UiBuilder,
    WidgetInfo, pos2, vec2,
};
use egui_table::{CellInfo, HeaderCellInfo, HeaderRow, Table, TableDelegate, TableState};

use super::column::{TableColumn, kind};
use super::order::TableSort;
use super::{LayersAction, LayersPanel, LayersPanelState};
use crate::insight::LayerStats;
use crate::model::ViewState;
use crate::ui::style::{SMALL, semibold};
use crate::ui::text;
use crate::ui::widgets::{ROW, focus_ring};

/// Height of the headings, in points.
const HEADINGS: f32 = 24.0;
/// Space beside the content of a cell, in points.
const AIR: f32 = 8.0;
/// Width of the dot before a name, in points.
const DOT: f32 = 20.0;
/// Minimum share of a narrow table that the names take.
const NAMES: f32 = 0.27;

impl LayersPanel<'_> {
    /// Shows the headings and the visible rows.
    pub(super) fn rows(
        &self,
        ui: &mut Ui,
        table: &Response,
        view: &mut ViewState,
        state: &mut LayersPanelState,
        reveal: bool,
    ) -> Option<LayersAction> {
        let rows = state.order.rows().len() as u64;
        let revealed = state.selected.filter(|_| reveal).and_then(|layer| state.order.row_of(layer));
        let mut delegate =
            LayerTableDelegate { layers: self, table, view, state, sticky: false, action: None };
        let builder = UiBuilder::new().accessibility_parent(table.id).max_rect(table.rect);
        ui.scope_builder(builder, |ui| {
            let style = ui.style_mut();
            style.scroll_animation = ScrollAnimation::none();
            // Lines for resizing columns are faint until hovered.
            let widgets = &mut style.visuals.widgets;
            widgets.noninteractive.bg_stroke.color = self.palette.line.gamma_multiply(0.5);
            for widget in [&mut widgets.hovered, &mut widgets.active] {
                widget.bg_stroke = Stroke::new(1.0, self.palette.accent);
            }
            let columns: Vec<_> = TableColumn::ALL.iter().map(|column| column_layout(*column)).collect();
            let mut widget = Table::new()
                .id_salt("layers")
                .num_rows(rows)
                .num_sticky_cols(1)
                .headers([HeaderRow::new(HEADINGS)])
                .columns(columns.clone());
            fit_name_column(ui, widget.get_id(ui), &columns);
            if let Some(row) = revealed {
                widget = widget.scroll_to_row(row as u64, None);
            }
            widget.show(ui, &mut delegate);
        });
        delegate.action
    }
}

fn column_layout(column: TableColumn) -> egui_table::Column {
    let [least, usual, greatest] = column.widths();
    egui_table::Column::new(usual).range(egui::Rangef::new(least, greatest))
}

/// Sets the width of the names to the space beside the other columns after the available width changed, so
/// that the last visible column is not cut.
fn fit_name_column(ui: &Ui, id: egui::Id, columns: &[egui_table::Column]) {
    let room = ui.available_width();
    let mut state = TableState::load(ui, id).unwrap_or_default();
    if state.parent_width.is_some_and(|before| (before - room).abs() < 0.5) {
        return;
    }
    let [least, usual, greatest] = TableColumn::Name.widths();
    // The scrolling columns keep a minimum of the width.
    let least = least.max(usual.min(NAMES * room));
    let mut others = 0.0;
    for (at, column) in columns.iter().enumerate().skip(1) {
        let width = *state.col_widths.entry(column.id_for(at)).or_insert(column.current);
        if least + others + width > room {
            break;
        }
        others += width;
    }
    if let Some(names) = columns.first() {
        state.col_widths.insert(names.id_for(0), (room - others).clamp(least, greatest).floor());
    }
    // With known widths, egui_table needs no sizing pass.
    state.parent_width = Some(room);
    state.store(ui, id);
}

/// Returns the number of units without a value as text, if there are any.
fn without_value(stats: Option<&LayerStats>) -> Option<String> {
    let units = stats.map(|stats| stats.without_value).filter(|units| *units > 0)?;
    let plural = if units == 1 { "unit" } else { "units" };
    Some(format!("{} {plural} without a value", text::format_count(units as u64)))
}

/// Lays out one frame of the table.
struct LayerTableDelegate<'a> {
    layers: &'a LayersPanel<'a>,
    table: &'a Response,
    view: &'a mut ViewState,
    state: &'a mut LayersPanelState,
    /// The sticky part is being laid out: after the headings. The scrolling part is laid out before them.
    sticky: bool,
    action: Option<LayersAction>,
}

impl TableDelegate for LayerTableDelegate<'_> {
    fn default_row_height(&self) -> f32 {
        ROW
    }

    fn header_cell_ui(&mut self, ui: &mut Ui, cell: &HeaderCellInfo) {
        self.sticky = true;
        let Some(&column) = TableColumn::ALL.get(cell.col_range.start) else { return };
        let palette = self.layers.palette;
        let place = ui.max_rect();
        let sort = self.state.sort.filter(|sort| sort.by == column);
        let response =
            ui.interact(place, self.table.id.with(("heading", cell.col_range.start)), Sense::click());
        let direction = match sort.map(|sort| sort.reversed == column.is_number()) {
            Some(true) => Some(SortDirection::Ascending),
            Some(false) => Some(SortDirection::Descending),
            None => None,
        };
        response.widget_info(|| {
            let name = format!("Sort: {}", column.title());
            WidgetInfo::labeled(Role::ColumnHeader, ui.is_enabled(), name)
        });
        if let Some(direction) = direction {
            ui.ctx().accesskit_node_builder(response.id, |node| node.set_sort_direction(direction));
        }
        let inner = place.shrink2(vec2(AIR, 0.0));
        let colour = if sort.is_some() || response.hovered() { palette.text } else { palette.dim };
        let (align, side) = match column.is_number() {
            true => (Align2::RIGHT_CENTER, inner.right_center()),
            false => (Align2::LEFT_CENTER, inner.left_center()),
        };
        let font = if sort.is_some() { FontId::new(SMALL, semibold()) } else { FontId::proportional(SMALL) };
        let text = ui.painter().text(side, align, column.title(), font, colour);
        if let Some(direction) = direction {
            let x = if column.is_number() { text.left() - 7.0 } else { text.right() + 7.0 };
            let tip = if direction == SortDirection::Ascending { -3.0 } else { 3.0 };
            let at = |dx: f32, dy: f32| pos2(x + dx, place.center().y + dy);
            let arrow = vec![at(-3.5, -tip), at(3.5, -tip), at(0.0, tip)];
            ui.painter().add(Shape::convex_polygon(arrow, palette.accent, Stroke::NONE));
        }
        let line = Stroke::new(1.0, palette.line);
        ui.painter().hline(place.x_range(), place.bottom() - 0.5, line);
        focus_ring(ui, &response, palette);
        if ui.is_sizing_pass() {
            ui.set_min_width(text.width() + 2.0 * AIR + 12.0);
        }
        if response.clicked() {
            self.state.sort = TableSort::turned(self.state.sort, column);
            ui.ctx().request_repaint();
        }
        response.on_hover_text(column.tip());
    }

    fn row_ui(&mut self, ui: &mut Ui, row: u64) {
        let Some(index) = self.index(row) else { return };
        let Some(layer) = self.layers.recording.layers.get(index) else { return };
        let place = ui.max_rect().intersect(ui.clip_rect());
        if !place.is_positive() {
            return;
        }
        let palette = self.layers.palette;
        let id = self.table.id.with(("row", index));
        let sides = [id, id.with("scrolls")];
        // Rows take no focus; the table as a whole has it.
        let response = ui.interact(place, sides[usize::from(!self.sticky)], Sense::CLICK);
        let selected = self.state.selected == Some(index);
        if self.sticky {
            response.widget_info(|| self.row_info(ui, index));
            ui.ctx().accesskit_node_builder(id, |node| {
                node.set_selected(selected);
                node.set_row_index(row as usize);
            });
            if selected {
                ui.ctx().accesskit_node_builder(self.table.id, |node| {
                    node.set_active_descendant(id.accesskit_id());
                });
            }
        }
        let other = sides[usize::from(self.sticky)];
        let beside = ui.read_response(other).is_some_and(|other| other.hovered());
        let hovered = response.hovered() || beside || self.layers.hovered == Some(index);
        let fill = match (selected, hovered) {
            (true, _) => Some(palette.accent_fill),
            (false, true) => Some(palette.control),
            _ => None,
        };
        if let Some(fill) = fill {
            ui.painter().rect_filled(place, CornerRadius::ZERO, fill);
        }
        if selected && self.table.has_focus() {
            for y in [place.top() + 0.5, place.bottom() - 0.5] {
                ui.painter().hline(place.x_range(), y, Stroke::new(1.0, palette.accent));
            }
        }
        if self.sticky && self.layers.framed == Some(index) {
            let mark = Rect::from_min_size(place.min, vec2(2.0, place.height()));
            ui.painter().rect_filled(mark, CornerRadius::ZERO, palette.accent);
        }
        if response.clicked() {
            self.state.selected = Some(index);
            self.table.request_focus();
        }
        if response.double_clicked() {
            self.action = Some(LayersAction::Frame(index));
        }
        if self.sticky {
            let stats = self.layers.stats_of(index);
            response.on_hover_ui(|ui| {
                ui.label(format!(
                    "{} · {}\n{}",
                    layer.name,
                    layer.kind.name(),
                    text::truncate(&layer.text, 400)
                ));
                if let Some(text) = without_value(stats) {
                    ui.label(text);
                }
            });
        }
    }

    fn cell_ui(&mut self, ui: &mut Ui, cell: &CellInfo) {
        let Some(index) = self.index(cell.row_nr) else { return };
        let (Some(&column), Some(layer)) =
            (TableColumn::ALL.get(cell.col_nr), self.layers.recording.layers.get(index))
        else {
            return;
        };
        let palette = self.layers.palette;
        let stats = self.layers.stats_of(index);
        let hidden = self.view.hidden.contains(&layer.name);
        let place = ui.max_rect();
        if column == TableColumn::Name {
            self.dot(ui, index, &layer.name, hidden);
        }
        let faint = |colour: Color32| if hidden { colour.gamma_multiply(0.55) } else { colour };
        if let Some((share, wasted)) = column.bar(layer, stats) {
            let colour = if wasted { palette.warning } else { palette.dim };
            let whole = place.shrink2(vec2(4.0, 3.0));
            let bar = whole.with_max_x(whole.left() + share * whole.width());
            ui.painter().rect_filled(bar, CornerRadius::same(2), faint(colour).gamma_multiply(0.28));
        }
        let text = text::displayed(&column.text(layer, stats)).into_owned();
        let (left, right) = match column {
            TableColumn::Name => (place.left() + DOT, place.right() - 4.0),
            _ => (place.left() + AIR, place.right() - AIR),
        };
        let colour = match column {
            TableColumn::Name if self.layers.framed == Some(index) => palette.accent,
            TableColumn::Type | TableColumn::Shape => palette.dim,
            _ if text == "–" => palette.dim,
            _ if column.is_measured() && self.layers.stats_epoch.is_some() => palette.dim,
            _ => palette.text,
        };
        let font = FontId::proportional(SMALL);
        let room = ((right - left) / 6.5).max(4.0) as usize;
        let whole = || ui.painter().layout_no_wrap(text.clone(), font.clone(), faint(colour));
        let mut galley = whole();
        if ui.is_sizing_pass() {
            ui.set_min_width(galley.size().x + left - place.left() + AIR);
        } else if galley.size().x > right - left {
            galley = ui.painter().layout_no_wrap(text::truncate(&text, room), font.clone(), faint(colour));
        }
        let x = if column.is_number() { right - galley.size().x } else { left };
        let at = pos2(x, place.center().y - 0.5 * galley.size().y);
        ui.painter().galley(at, galley, colour);
    }
}

impl LayerTableDelegate<'_> {
    fn index(&self, row: u64) -> Option<usize> {
        self.state.order.rows().get(usize::try_from(row).ok()?).copied()
    }

    /// Shows the dot before a name, which is filled if the layer is visible.
    fn dot(&mut self, ui: &Ui, index: usize, name: &str, hidden: bool) {
        let palette = self.layers.palette;
        let place = ui.max_rect().with_max_x(ui.max_rect().left() + DOT).intersect(ui.clip_rect());
        if !place.is_positive() {
            return;
        }
        let response = ui.interact(place, self.table.id.with(("dot", index)), Sense::CLICK);
        response.widget_info(|| {
            WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), !hidden, format!("Visible: {name}"))
        });
        let centre = pos2(place.left() + 10.0, ui.max_rect().center().y);
        let colour = if response.hovered() { palette.accent } else { palette.dim };
        if hidden {
            ui.painter().circle_stroke(centre, 3.5, Stroke::new(1.0, colour));
        } else {
            ui.painter().circle_filled(centre, 4.0, colour);
        }
        if response.clicked() {
            self.view.toggle_layer(name);
        }
        response.on_hover_text(if hidden { "Show" } else { "Hide" });
    }

    /// Returns the accessible description of a row.
    fn row_info(&self, ui: &Ui, index: usize) -> WidgetInfo {
        let layer = &self.layers.recording.layers[index];
        let stats = self.layers.stats_of(index);
        let mut info = WidgetInfo::labeled(Role::Row, ui.is_enabled(), format!("Layer: {}", layer.name));
        let units = format!("{} units", TableColumn::Units.text(layer, stats));
        let mut parts = vec![kind(layer).to_owned(), units];
        parts.extend(TableColumn::ALL[3..].iter().filter_map(|column| {
            column.value(layer, stats)?;
            Some(format!("{} {}", column.title().to_lowercase(), column.text(layer, stats)))
        }));
        parts.extend(without_value(stats));
        if self.view.hidden.contains(&layer.name) {
            parts.push("hidden".to_owned());
        }
        info.current_text_value = Some(parts.join(" · "));
        info
    }
}
