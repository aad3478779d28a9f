//! Single cells of the scene: the tooltip of the one under the pointer, boxes around several, pinned units.

use egui::{Align2, CornerRadius, FontId, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use glam::{Vec3, vec3};

use super::description::SceneDescription;
use super::projection::{ConvexOutline, Projection};
use crate::model::layout::{CELL_GAP, LEAST_HEIGHT};
use crate::model::pick::{CellState, SceneValues, pick};
use crate::model::{
    CellArrangement, LayerCells, LayerIndex, Layout, Pin, Recording, Slab, UnitCells, UnitId, UnitIndex,
};
use crate::ui::style::{Palette, SMALL, TEXT, semibold};
use crate::ui::text;

/// Greatest number of units that a box selects.
const MAX_BOX_UNITS: usize = 64;
/// Greatest number of cells that are tested for a box.
const MAX_BOX_CELLS: usize = 1 << 20;
/// Greatest number of values that are sorted to rank one; of larger layers, an evenly strided sample is.
const MAX_RANKED: usize = 1 << 20;
/// Outlines smaller than this, in points, are painted as a circle.
const MIN_OUTLINE: f32 = 6.0;

/// A cell of the scene, and the unit that it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoveredCell {
    /// Index into [`Layout::slabs`].
    pub slab: usize,
    /// The unit.
    pub unit: UnitId,
    /// Row and column in the unit's feature map; `None` where a unit is one cell.
    pub at: Option<(usize, usize)>,
    /// Index of the cell on its slab, row-major.
    pub cell: usize,
}

/// The state of pointing at cells of a scene: the pointer, and the box that is being drawn.
#[derive(Debug, Default)]
pub struct Hover {
    /// Position of the pointer over the scene; `None` while a button is down.
    pub pointer: Option<Pos2>,
    /// Two opposite corners of the box that is being drawn: where the drag began, and the pointer.
    pub region: Option<[Pos2; 2]>,
    /// The sorted values of the layer that was hovered last.
    ranks: Option<ValueRanks>,
}

/// The sorted values of one layer at one epoch.
#[derive(Debug)]
struct ValueRanks {
    /// See [`SceneValues::id`].
    values_id: u64,
    layer: LayerIndex,
    sorted: Vec<f32>,
    /// Number of values of the layer, of which `sorted` may be a sample.
    total: usize,
}

/// Returns the cell at a point of the picture.
pub fn cell_at(
    values: &SceneValues,
    layout: &Layout,
    projection: Projection,
    at: Pos2,
) -> Option<HoveredCell> {
    let hit = pick(layout, values, &projection.camera, ray(projection, at))?;
    let (slab, cell) = (layout.slabs.get(hit.slab)?, hit.cell?);
    let cell_unit = values.arrangements.get(slab.layer)?.cell_unit(slab.grid, cell)?;
    let unit = UnitId { layer: LayerIndex(slab.layer), unit: cell_unit.unit };
    Some(HoveredCell { slab: hit.slab, unit, at: cell_unit.at, cell })
}

/// Returns the units the centres of whose cells lie in a rectangle of the picture: of the slab under its
/// first corner, at most [`MAX_BOX_UNITS`] of them.
pub fn units_in(
    values: &SceneValues,
    layout: &Layout,
    projection: Projection,
    region: [Pos2; 2],
) -> Vec<UnitId> {
    let area = Rect::from_two_pos(region[0], region[1]);
    let mut units: Vec<UnitId> = Vec::new();
    let Some(hit) = pick(layout, values, &projection.camera, ray(projection, region[0])) else {
        return units;
    };
    let Some(slab) = layout.slabs.get(hit.slab) else { return units };
    let Some(arrangement) = values.arrangements.get(slab.layer) else { return units };
    let corners = [area.left_top(), area.right_top(), area.right_bottom(), area.left_bottom()];
    let (columns, rows) =
        cells_within(slab, corners.map(|corner| point_on_slab(slab, projection, corner, 0.0)));
    let cells = rows.flat_map(|row| columns.clone().map(move |column| (column, row)));
    for (column, row) in cells.take(MAX_BOX_CELLS) {
        let cell = row as usize * slab.grid.columns as usize + column as usize;
        let Some(cell_unit) = arrangement.cell_unit(slab.grid, cell) else { continue };
        let unit = UnitId { layer: LayerIndex(slab.layer), unit: cell_unit.unit };
        let at = projection.project(slab.cell_centre(column, row));
        if at.is_some_and(|at| area.contains(at)) && !units.contains(&unit) {
            units.push(unit);
            if units.len() == MAX_BOX_UNITS {
                break;
            }
        }
    }
    units
}

/// Returns the outline of the cells of a unit in the picture: of one cell with its height, or of the base of
/// a whole feature map.
fn cells_outline(
    values: &SceneValues,
    slab: &Slab,
    cells: UnitCells,
    projection: Projection,
) -> Option<ConvexOutline> {
    let cell = cells.row as usize * slab.grid.columns as usize + cells.column as usize;
    let height = if cells.columns == 1 && cells.rows == 1 {
        values.cell_height(LayerIndex(slab.layer), cell)?
    } else {
        values.rim_height().max(LEAST_HEIGHT)
    };
    let gap = CELL_GAP / 2.0;
    let corner = |column: f32, row: f32, height: f32| slab.corner() + vec3(column, -row, height) * slab.pitch;
    let (column, row) = (cells.column as f32, cells.row as f32);
    let (right, bottom) = (column + cells.columns as f32 - gap, row + cells.rows as f32 - gap);
    projection.outline(corner(column + gap, bottom, 0.0), corner(right, row + gap, height))
}

/// Returns the direction of the ray through a point of the picture.
pub(super) fn ray(projection: Projection, at: Pos2) -> Vec3 {
    let point = (at - projection.rect.min) / projection.rect.size();
    projection.camera.ray(glam::vec2(point.x, point.y), projection.rect.aspect_ratio())
}

/// Returns the point in front of a slab at a point of the picture and at a height in pitches above the front, in
/// cells from its top left; `None` if the plane of this height is missed.
pub(super) fn point_on_slab(slab: &Slab, projection: Projection, at: Pos2, height: f32) -> Option<Vec2> {
    let (eye, direction) = (projection.camera.position, ray(projection, at));
    let t = (slab.centre.z + height * slab.pitch - eye.z) / direction.z;
    let point = (eye + direction * t - slab.corner()) / slab.pitch;
    (t.is_finite() && t > 0.0).then(|| vec2(point.x, -point.y))
}

/// Returns the columns and rows of the cells that a box with these corners may contain; all of them if a
/// corner misses the slab's plane.
pub(super) fn cells_within(
    slab: &Slab,
    corners: impl IntoIterator<Item = Option<Vec2>>,
) -> (std::ops::Range<u32>, std::ops::Range<u32>) {
    let mut area = Rect::NOTHING;
    for corner in corners {
        match corner {
            Some(at) => area.extend_with(at.to_pos2()),
            None => area = Rect::EVERYTHING,
        }
    }
    let range = |from: f32, to: f32, count: u32| {
        (from.floor().max(0.0) as u32).min(count)..(to.ceil().max(0.0) as u32).min(count)
    };
    let (columns, rows) = (slab.grid.columns, slab.grid.rows);
    (range(area.left(), area.right(), columns), range(area.top(), area.bottom(), rows))
}

impl Hover {
    /// Paints the outline and the tooltip of the cell under the pointer, and the box that is being drawn.
    pub fn paint(&mut self, scene: &SceneDescription, painter: &Painter, rect: Rect) {
        let palette = Palette::of(scene.view.theme);
        if let Some([from, to]) = self.region {
            let area = Rect::from_two_pos(from, to);
            painter.rect_filled(area, CornerRadius::ZERO, palette.accent.gamma_multiply(0.12));
            let stroke = Stroke::new(1.0, palette.accent);
            painter.rect_stroke(area, CornerRadius::ZERO, stroke, egui::StrokeKind::Inside);
        }
        let (Some(values), Some(pointer)) = (scene.values, self.pointer.filter(|at| rect.contains(*at)))
        else {
            return;
        };
        let projection = Projection { camera: scene.view.camera, rect };
        let Some(hovered) = cell_at(&values, scene.layout, projection, pointer) else { return };
        let Some(slab) = scene.layout.slabs.get(hovered.slab) else { return };
        let (column, row) = slab.grid.position(hovered.cell);
        let single = UnitCells { column, row, columns: 1, rows: 1 };
        if let Some(outline) = cells_outline(&values, slab, single, projection) {
            paint_outline(painter, &outline, Stroke::new(1.5, palette.accent));
        }
        let lines = self.tooltip_lines(scene, &values, hovered);
        paint_tooltip(painter, rect, pointer, &lines, palette);
    }

    /// Returns the lines of the tooltip: the unit's name, its value, and its rank.
    fn tooltip_lines(
        &mut self,
        scene: &SceneDescription,
        values: &SceneValues,
        hovered: HoveredCell,
    ) -> Vec<String> {
        let layer = hovered.unit.layer;
        let mut title = unit_name(scene.recording, hovered.unit, values.arrangements);
        if let Some((y, x)) = hovered.at {
            title += &format!(" · y {y}, x {x}");
        }
        let CellState::Value(value) = values.cell(layer, hovered.cell) else {
            return vec![title, "no value".to_owned()];
        };
        let normalised = value / values.divisor(layer);
        let number = text::format_value(normalised, normalised.abs());
        let mut lines = vec![title, format!("{number} · {}", text::measure_label(&scene.view.query))];
        // Between two epochs the ranks change in every frame, so that they would have to be sorted in each.
        if values.t == 0.0
            && let Some(cells) = values.from.get(layer.0)
        {
            let rank = self.ranks(values.id, layer, cells).describe(value);
            let shown = text::describe_values(scene.recording, scene.runs, &scene.view.query, scene.position);
            lines.push(format!("{rank} for {shown}"));
        }
        lines
    }

    /// Returns the sorted values of a layer, which are kept until another layer or other values are hovered.
    fn ranks(&mut self, values_id: u64, layer: LayerIndex, cells: &LayerCells) -> &ValueRanks {
        let stale =
            self.ranks.as_ref().is_none_or(|ranks| (ranks.values_id, ranks.layer) != (values_id, layer));
        if stale {
            self.ranks = None;
        }
        self.ranks.get_or_insert_with(|| ValueRanks::new(values_id, layer, cells))
    }
}

impl ValueRanks {
    /// Sorts the values of a layer, or a sample of them.
    fn new(values_id: u64, layer: LayerIndex, cells: &LayerCells) -> Self {
        let stride = cells.values.len().div_ceil(MAX_RANKED).max(1);
        let sample = cells.values.iter().step_by(stride).copied();
        let mut sorted: Vec<f32> = sample.filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let total = if stride == 1 { sorted.len() } else { cells.values.len() };
        Self { values_id, layer, sorted, total }
    }

    /// Returns the rank of a value, as "17th of 4096"; of a sample, the share of the greatest values that it
    /// is among.
    fn describe(&self, value: f32) -> String {
        let greater = self.sorted.len() - self.sorted.partition_point(|other| *other <= value);
        if self.total == self.sorted.len() {
            return format!(
                "{} of {}",
                text::format_ordinal(greater as u64 + 1),
                text::format_count(self.total as u64)
            );
        }
        let share = 100.0 * (greater as f32 + 1.0) / self.sorted.len().max(1) as f32;
        format!(
            "among the greatest {} % of {}",
            text::format_value(share, share),
            text::format_count(self.total as u64)
        )
    }
}

/// Returns the name of a unit, as "conv1 · unit 17", with the class that it represents.
fn unit_name(recording: &Recording, unit: UnitId, arrangements: &[CellArrangement]) -> String {
    let UnitId { layer: LayerIndex(layer), unit: UnitIndex(unit) } = unit;
    let Some(info) = recording.layers.get(layer) else { return String::new() };
    let is_map = arrangements.get(layer).is_some_and(|it| it.mosaic.is_some());
    let class = (layer + 1 == recording.layers.len() && recording.has_class_outputs())
        .then(|| recording.classes.iter().find(|class| usize::try_from(class.id) == Ok(unit)))
        .flatten();
    let noun = if is_map { "map" } else { "unit" };
    let class_suffix =
        class.map_or_else(String::new, |class| format!(" · {}", text::truncate(&class.name, 24)));
    format!("{} · {noun} {unit}{class_suffix}", text::truncate(&info.name, 28))
}

/// Paints the outlines of the pinned units, and their names where there is room outside of `taken`.
pub fn paint_pins(scene: &SceneDescription, painter: &Painter, rect: Rect, mut taken: Vec<Rect>) {
    let Some(values) = scene.values else { return };
    let palette = Palette::of(scene.view.theme);
    let projection = Projection { camera: scene.view.camera, rect };
    for Pin { layer, unit } in &scene.view.pins {
        let index = scene.recording.layers.iter().position(|info| info.name == *layer);
        let slab = scene.layout.slabs.iter().enumerate().find(|(_, slab)| Some(slab.layer) == index);
        let slab = slab.filter(|(_, slab)| scene.view.camera.presence(slab) > 0.5);
        let Some((place, slab)) = slab else { continue };
        let cells = values.arrangements.get(slab.layer).and_then(|it| it.unit_cells(slab.grid, *unit));
        let Some(outline) = cells.and_then(|cells| cells_outline(&values, slab, cells, projection)) else {
            continue;
        };
        let bounds = outline.bounds();
        let is_hidden = |at: Pos2| {
            let hit = pick(scene.layout, &values, &projection.camera, ray(projection, at));
            hit.is_some_and(|hit| hit.slab != place)
        };
        // Behind another slab.
        if !bounds.intersects(rect) || is_hidden(bounds.center()) {
            continue;
        }
        paint_outline(painter, &outline, Stroke::new(1.5, palette.accent));
        let text = format!("{} · {unit}", text::truncate(layer, 20));
        let galley = painter.layout_no_wrap(text, FontId::proportional(SMALL - 1.0), palette.text);
        let size = galley.size() + vec2(8.0, 2.0);
        let bounds = bounds.expand(if bounds.size().max_elem() < MIN_OUTLINE { MIN_OUTLINE } else { 0.0 });
        let candidates = [
            Align2::LEFT_CENTER.anchor_size(pos2(bounds.right() + 4.0, bounds.center().y), size),
            Align2::RIGHT_CENTER.anchor_size(pos2(bounds.left() - 4.0, bounds.center().y), size),
            Align2::CENTER_BOTTOM.anchor_size(pos2(bounds.center().x, bounds.top() - 4.0), size),
            Align2::CENTER_TOP.anchor_size(pos2(bounds.center().x, bounds.bottom() + 4.0), size),
        ];
        let is_free = |place: &&Rect| {
            rect.contains_rect(**place) && !taken.iter().any(|other| other.intersects(**place))
        };
        let Some(place) = candidates.iter().find(is_free) else { continue };
        painter.rect_filled(*place, CornerRadius::same(3), palette.ground.gamma_multiply(0.85));
        painter.galley(place.min + vec2(4.0, 1.0), galley, palette.text);
        taken.push(*place);
    }
}

/// Paints an outline, or a circle around one that is too small to be visible.
fn paint_outline(painter: &Painter, outline: &ConvexOutline, stroke: Stroke) {
    let bounds = outline.bounds();
    if bounds.size().max_elem() < MIN_OUTLINE {
        painter.circle_stroke(bounds.center(), MIN_OUTLINE, stroke);
    } else {
        painter.add(Shape::closed_line(outline.points().to_vec(), stroke));
    }
}

/// Paints a few lines of text beside the pointer, within the picture.
fn paint_tooltip(painter: &Painter, rect: Rect, pointer: Pos2, lines: &[String], palette: Palette) {
    const PADDING: Vec2 = vec2(8.0, 6.0);
    const DISTANCE: f32 = 16.0;
    let galleys: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            let (font, colour) = match index {
                0 => (FontId::new(TEXT, semibold()), palette.text),
                1 => (FontId::proportional(SMALL), palette.text),
                _ => (FontId::proportional(SMALL), palette.dim),
            };
            painter.layout_no_wrap(line.clone(), font, colour)
        })
        .collect();
    let width = galleys.iter().map(|galley| galley.size().x).fold(0.0, f32::max);
    let height = galleys.iter().map(|galley| galley.size().y).sum::<f32>();
    let size = vec2(width, height) + 2.0 * PADDING;
    let fits_right = pointer.x + DISTANCE + size.x <= rect.right();
    let x = if fits_right { pointer.x + DISTANCE } else { (pointer.x - DISTANCE - size.x).max(rect.left()) };
    let fits_below = pointer.y + DISTANCE + size.y <= rect.bottom();
    let y = if fits_below { pointer.y + DISTANCE } else { (pointer.y - DISTANCE - size.y).max(rect.top()) };
    let place = Rect::from_min_size(pos2(x, y), size);
    painter.rect_filled(place, CornerRadius::same(6), palette.panel);
    let line = Stroke::new(1.0, palette.control_hovered);
    painter.rect_stroke(place, CornerRadius::same(6), line, egui::StrokeKind::Inside);
    let mut at = place.min + PADDING;
    for galley in galleys {
        let below = galley.size().y;
        painter.galley(at, galley, palette.text);
        at.y += below;
    }
}

#[cfg(test)]
mod tests;
