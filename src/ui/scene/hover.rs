//! What is told of single cells: the one under the pointer, and those that are kept in sight.

use egui::{Align2, CornerRadius, FontId, Painter, Pos2, Rect, Shape, Stroke, Vec2, pos2, vec2};
use glam::{Vec3, vec3};

use super::description::SceneDescription;
use crate::model::layout::{CELL_GAP, LEAST_HEIGHT};
use crate::model::pick::{CellState, SceneValues, pick};
use crate::model::{CellArrangement, LayerCells, Layout, Pin, Recording, Slab, UnitCells};
use crate::ui::scene::projection::Outline;
use crate::ui::scene::projection::Projection;
use crate::ui::style::Palette;
use crate::ui::style::SMALL;
use crate::ui::style::TEXT;
use crate::ui::style::semibold;
use crate::ui::text;

/// Most units that a box takes.
pub const MOST_IN_BOX: usize = 64;
/// Most cells that are looked at for it.
const MOST_TRIED: usize = 1 << 20;
/// Layers with more cells than this are ranked among an evenly strided sample of them.
const RANKED: usize = 1 << 20;
/// Outlines smaller than this are shown as a ring, in points.
const LEAST_OUTLINE: f32 = 6.0;

/// A cell, and what it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hovered {
    /// Index into [`crate::model::Layout::slabs`].
    pub slab: usize,
    /// Index into [`Recording::layers`].
    pub layer: usize,
    pub unit: usize,
    /// Row and column within its feature map, where whole maps are shown.
    pub at: Option<(usize, usize)>,
    /// Row-major on its slab.
    pub cell: usize,
}

/// What is under the pointer, and the box that is being drawn.
#[derive(Debug, Default)]
pub struct Hover {
    /// Where the pointer rests over the scene; `None` while a button is down.
    pub pointer: Option<Pos2>,
    /// Where a box begins that is being drawn, and where the hand is.
    pub region: Option<[Pos2; 2]>,
    found: Option<Hovered>,
    ranks: Option<Ranks>,
}

/// The values of one layer at one moment, sorted.
#[derive(Debug)]
struct Ranks {
    moment: u64,
    layer: usize,
    sorted: Vec<f32>,
    /// Values that there are, of which `sorted` may be a sample.
    of: usize,
}

/// Returns the cell at a point of the picture.
pub fn cell_at(values: &SceneValues, layout: &Layout, projection: Projection, at: Pos2) -> Option<Hovered> {
    let hit = pick(layout, values, &projection.camera, ray(projection, at))?;
    let (slab, cell) = (layout.slabs.get(hit.slab)?, hit.cell?);
    let cell_unit = values.arrangements.get(slab.layer)?.cell_unit(slab.grid, cell)?;
    Some(Hovered { slab: hit.slab, layer: slab.layer, unit: cell_unit.unit, at: cell_unit.at, cell })
}

/// Returns the units, as (layer, unit), the centres of whose cells lie in a rectangle of the picture: of the
/// slab under its first corner, at most [`MOST_IN_BOX`] of them.
pub fn units_in(
    values: &SceneValues,
    layout: &Layout,
    projection: Projection,
    region: [Pos2; 2],
) -> Vec<(usize, usize)> {
    let area = Rect::from_two_pos(region[0], region[1]);
    let mut units: Vec<(usize, usize)> = Vec::new();
    let Some(hit) = pick(layout, values, &projection.camera, ray(projection, region[0])) else {
        return units;
    };
    let Some(slab) = layout.slabs.get(hit.slab) else { return units };
    let Some(arrangement) = values.arrangements.get(slab.layer) else { return units };
    let corners = [area.left_top(), area.right_top(), area.right_bottom(), area.left_bottom()];
    let (columns, rows) = covered(slab, corners.map(|corner| on_face(slab, projection, corner)));
    let cells = rows.flat_map(|row| columns.clone().map(move |column| (column, row)));
    for (column, row) in cells.take(MOST_TRIED) {
        let cell = row as usize * slab.grid.columns as usize + column as usize;
        let Some(cell_unit) = arrangement.cell_unit(slab.grid, cell) else { continue };
        let at = projection.see(slab.cell_centre(column, row));
        if at.is_some_and(|at| area.contains(at)) && !units.contains(&(slab.layer, cell_unit.unit)) {
            units.push((slab.layer, cell_unit.unit));
            if units.len() == MOST_IN_BOX {
                break;
            }
        }
    }
    units
}

/// Returns the outline of the cells of a unit in the picture: of one cell with its height, or of the base of
/// a whole feature map.
fn outline(values: &SceneValues, slab: &Slab, cells: UnitCells, projection: Projection) -> Option<Outline> {
    let cell = cells.row as usize * slab.grid.columns as usize + cells.column as usize;
    let height = if cells.columns == 1 && cells.rows == 1 {
        values.cell_height(slab.layer, cell)?
    } else {
        LEAST_HEIGHT
    };
    let gap = CELL_GAP / 2.0;
    let corner = |column: f32, row: f32, height: f32| slab.corner() + vec3(column, -row, height) * slab.pitch;
    let (column, row) = (cells.column as f32, cells.row as f32);
    let (right, bottom) = (column + cells.columns as f32 - gap, row + cells.rows as f32 - gap);
    projection.outline(corner(column + gap, bottom, 0.0), corner(right, row + gap, height))
}

fn ray(projection: Projection, at: Pos2) -> Vec3 {
    let point = (at - projection.rect.min) / projection.rect.size();
    projection.camera.ray(glam::vec2(point.x, point.y), projection.rect.aspect_ratio())
}

/// Where a point of the picture falls on the front of a slab, in cells from its top left.
fn on_face(slab: &Slab, projection: Projection, at: Pos2) -> Option<Vec2> {
    let (eye, direction) = (projection.camera.position, ray(projection, at));
    let t = (slab.centre.z - eye.z) / direction.z;
    let on = (eye + direction * t - slab.corner()) / slab.pitch;
    (t.is_finite() && t > 0.0).then(|| vec2(on.x, -on.y))
}

/// Columns and rows that a box with these corners can reach; all where a corner misses the face.
fn covered(slab: &Slab, corners: [Option<Vec2>; 4]) -> (std::ops::Range<u32>, std::ops::Range<u32>) {
    let mut area = Rect::NOTHING;
    for corner in corners {
        match corner {
            Some(at) => area.extend_with(at.to_pos2()),
            None => area = Rect::EVERYTHING,
        }
    }
    let range = |from: f32, to: f32, most: u32| {
        (from.floor().max(0.0) as u32).min(most)..(to.ceil().max(0.0) as u32).min(most)
    };
    let (columns, rows) = (slab.grid.columns, slab.grid.rows);
    (range(area.left(), area.right(), columns), range(area.top(), area.bottom(), rows))
}

impl Hover {
    /// The cell that was under the pointer when the scene was painted last.
    pub fn found(&self) -> Option<Hovered> {
        self.found
    }

    /// Finds what is under the pointer and tells of it; paints the box that is being drawn.
    pub fn paint(&mut self, scene: &SceneDescription, painter: &Painter, rect: Rect) {
        let palette = Palette::of(scene.view.theme);
        self.found = None;
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
        self.found = Some(hovered);
        let Some(slab) = scene.layout.slabs.get(hovered.slab) else { return };
        let (column, row) = slab.grid.position(hovered.cell);
        let one = UnitCells { column, row, columns: 1, rows: 1 };
        if let Some(outline) = outline(&values, slab, one, projection) {
            stroke(painter, &outline, Stroke::new(1.5, palette.accent));
        }
        let lines = self.lines(scene, &values, hovered);
        tooltip(painter, rect, pointer, &lines, palette);
    }

    fn lines(&mut self, scene: &SceneDescription, values: &SceneValues, hovered: Hovered) -> Vec<String> {
        let mut title = name(scene.recording, hovered.layer, hovered.unit, values.arrangements);
        if let Some((y, x)) = hovered.at {
            title += &format!(" · y {y}, x {x}");
        }
        let CellState::Value(value) = values.cell(hovered.layer, hovered.cell) else {
            return vec![title, "no value".to_owned()];
        };
        let shown = value / values.divisor(hovered.layer);
        let number = text::format_value(shown, shown.abs());
        let mut lines = vec![title, format!("{number} · {}", text::measure_label(&scene.view.query))];
        // Between two moments ranks change from frame to frame.
        if values.t == 0.0
            && let Some(layer) = values.from.get(hovered.layer)
        {
            lines.push(self.ranks(values.id, hovered.layer, layer).tell(value));
        }
        lines
    }

    fn ranks(&mut self, moment: u64, layer: usize, cells: &LayerCells) -> &Ranks {
        let stale = self.ranks.as_ref().is_none_or(|it| (it.moment, it.layer) != (moment, layer));
        if stale {
            self.ranks = None;
        }
        self.ranks.get_or_insert_with(|| Ranks::new(moment, layer, cells))
    }
}

impl Ranks {
    fn new(moment: u64, layer: usize, cells: &LayerCells) -> Self {
        let stride = cells.values.len().div_ceil(RANKED).max(1);
        let sample = cells.values.iter().step_by(stride).copied();
        let mut sorted: Vec<f32> = sample.filter(|value| value.is_finite()).collect();
        sorted.sort_unstable_by(f32::total_cmp);
        let of = if stride == 1 { sorted.len() } else { cells.values.len() };
        Self { moment, layer, sorted, of }
    }

    /// "17th of 4096", or the share of a sample that is greater.
    fn tell(&self, value: f32) -> String {
        let greater = self.sorted.len() - self.sorted.partition_point(|other| *other <= value);
        if self.of == self.sorted.len() {
            return format!(
                "{} of {}",
                text::format_ordinal(greater as u64 + 1),
                text::format_count(self.of as u64)
            );
        }
        let share = 100.0 * (greater as f32 + 1.0) / self.sorted.len().max(1) as f32;
        format!(
            "among the greatest {} % of {}",
            text::format_value(share, share),
            text::format_count(self.of as u64)
        )
    }
}

/// What a unit is called: "conv1 · unit 17", with the class that it stands for.
pub fn name(recording: &Recording, layer: usize, unit: usize, arrangements: &[CellArrangement]) -> String {
    let Some(facts) = recording.layers.get(layer) else { return String::new() };
    let is_map = arrangements.get(layer).is_some_and(|it| it.mosaic.is_some());
    let class = (layer + 1 == recording.layers.len() && recording.has_class_outputs())
        .then(|| recording.classes.iter().find(|class| usize::try_from(class.id) == Ok(unit)))
        .flatten();
    let what = if is_map { "map" } else { "unit" };
    let own = class.map_or_else(String::new, |class| format!(" · {}", text::truncate(&class.name, 24)));
    format!("{} · {what} {unit}{own}", text::truncate(&facts.name, 28))
}

/// Outlines the units that are kept in sight, and names them where there is room; returns what names
/// cover.
pub fn paint_pins(scene: &SceneDescription, painter: &Painter, rect: Rect, mut taken: Vec<Rect>) {
    let Some(values) = scene.values else { return };
    let palette = Palette::of(scene.view.theme);
    let projection = Projection { camera: scene.view.camera, rect };
    for Pin { layer, unit } in &scene.view.pins {
        let index = scene.recording.layers.iter().position(|it| it.name == *layer);
        let slab = scene.layout.slabs.iter().find(|slab| Some(slab.layer) == index);
        let Some(slab) = slab.filter(|slab| scene.view.camera.presence(slab) > 0.5) else { continue };
        let patch = values.arrangements.get(slab.layer).and_then(|it| it.unit_cells(slab.grid, unit.0));
        let Some(outline) = patch.and_then(|patch| outline(&values, slab, patch, projection)) else {
            continue;
        };
        let bounds = outline.bounds();
        if !bounds.intersects(rect) {
            continue;
        }
        stroke(painter, &outline, Stroke::new(1.5, palette.accent));
        let text = format!("{} · {unit}", text::truncate(layer, 20));
        let galley = painter.layout_no_wrap(text, FontId::proportional(SMALL - 1.0), palette.text);
        let size = galley.size() + vec2(8.0, 2.0);
        let bounds =
            bounds.expand(if bounds.size().max_elem() < LEAST_OUTLINE { LEAST_OUTLINE } else { 0.0 });
        let spots = [
            Align2::LEFT_CENTER.anchor_size(pos2(bounds.right() + 4.0, bounds.center().y), size),
            Align2::RIGHT_CENTER.anchor_size(pos2(bounds.left() - 4.0, bounds.center().y), size),
            Align2::CENTER_BOTTOM.anchor_size(pos2(bounds.center().x, bounds.top() - 4.0), size),
            Align2::CENTER_TOP.anchor_size(pos2(bounds.center().x, bounds.bottom() + 4.0), size),
        ];
        let free = |place: &&Rect| {
            rect.contains_rect(**place) && !taken.iter().any(|other| other.intersects(**place))
        };
        let Some(place) = spots.iter().find(free) else { continue };
        painter.rect_filled(*place, CornerRadius::same(3), palette.ground.gamma_multiply(0.85));
        painter.galley(place.min + vec2(4.0, 1.0), galley, palette.text);
        taken.push(*place);
    }
}

/// An outline, or a ring around one that is too small to be seen.
fn stroke(painter: &Painter, outline: &Outline, stroke: Stroke) {
    let bounds = outline.bounds();
    if bounds.size().max_elem() < LEAST_OUTLINE {
        painter.circle_stroke(bounds.center(), LEAST_OUTLINE, stroke);
    } else {
        painter.add(Shape::closed_line(outline.points().to_vec(), stroke));
    }
}

/// A few lines beside the pointer; they stay in the picture and off the pointer.
fn tooltip(painter: &Painter, rect: Rect, pointer: Pos2, lines: &[String], palette: Palette) {
    const PAD: Vec2 = vec2(8.0, 6.0);
    const AWAY: f32 = 16.0;
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
    let size = vec2(width, height) + 2.0 * PAD;
    let fits_right = pointer.x + AWAY + size.x <= rect.right();
    let x = if fits_right { pointer.x + AWAY } else { (pointer.x - AWAY - size.x).max(rect.left()) };
    let fits_below = pointer.y + AWAY + size.y <= rect.bottom();
    let y = if fits_below { pointer.y + AWAY } else { (pointer.y - AWAY - size.y).max(rect.top()) };
    let place = Rect::from_min_size(pos2(x, y), size);
    painter.rect_filled(place, CornerRadius::same(6), palette.panel);
    let line = Stroke::new(1.0, palette.control_hovered);
    painter.rect_stroke(place, CornerRadius::same(6), line, egui::StrokeKind::Inside);
    let mut at = place.min + PAD;
    for galley in galleys {
        let below = galley.size().y;
        painter.galley(at, galley, palette.text);
        at.y += below;
    }
}

#[cfg(test)]
mod tests;
