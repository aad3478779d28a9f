//! Picking: the first cell or slab that a ray hits. It tests the same boxes that the shaders draw, one
//! by one along the ray, and is therefore exact at every distance.

use glam::{DVec3, Vec3, dvec3};

use super::layout::{CELL_GAP, CELL_HEIGHT, LEAST_HEIGHT, SLAB_BORDER, SLAB_THICKNESS};
use super::{Camera, CellArrangement, LayerCells, LayerIndex, Layout, Slab, UnitId, ValueRange};

/// The values that the scene shows, between two epochs, and what decides the heights of its cells.
#[derive(Clone, Copy, Debug)]
pub struct SceneValues<'a> {
    /// Per layer, as computed, at the earlier epoch.
    pub from: &'a [LayerCells],
    /// The same at the later epoch: on the same grids, or `t` is 0.
    pub to: &'a [LayerCells],
    /// Position between the two epochs, in [0, 1).
    pub t: f32,
    /// Per layer, the units that its cells show.
    pub arrangements: &'a [CellArrangement],
    /// Identifies the values of the earlier epoch: other values have another number.
    pub id: u64,
    /// Per layer, the range of the colour map, in normalised values.
    pub ranges: &'a [ValueRange],
    /// Per layer, the divisor that normalises its values.
    pub divisors: &'a [f32],
    /// The middle of the colour map is zero, and cells of negative values are lower than the rim of the slab.
    pub diverging: bool,
    /// Factor on the height of cells, as in [`super::ViewState::height`].
    pub height: f32,
}

/// Greatest height of a cell if the colour map diverges, as a share of [`CELL_HEIGHT`]: much deeper cells would be
/// hidden by their neighbours.
const DIVERGING_HEIGHT: f32 = 0.5;

/// Returns the greatest height of a cell, in pitches. `height` is the factor [`super::ViewState::height`].
pub fn max_cell_height(diverging: bool, height: f32) -> f32 {
    let share = if diverging { DIVERGING_HEIGHT } else { 1.0 };
    (CELL_HEIGHT * share * height.clamp(0.05, 10.0)).max(LEAST_HEIGHT)
}

/// Returns the height of the rim around the cells of a slab, in pitches: that of the value 0 if the colour map
/// diverges, so that positive values stand out of the slab and negative ones sink into it, else 0. `height` is the
/// factor [`super::ViewState::height`].
pub fn rim_height(diverging: bool, height: f32) -> f32 {
    if diverging { 0.5 * (LEAST_HEIGHT + max_cell_height(true, height)) } else { 0.0 }
}

/// The state of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CellState {
    /// There is no cell at this place.
    Absent,
    /// A cell without a finite value.
    NoValue,
    /// The value of the cell, as computed, not normalised.
    Value(f32),
}

impl SceneValues<'_> {
    /// Returns the content of a cell (an index, row-major). With a value at one epoch only, it is that of the
    /// nearer epoch.
    pub fn cell(&self, layer: LayerIndex, cell: usize) -> CellState {
        let at = |layers: &[LayerCells]| layers.get(layer.0).and_then(|it| it.values.get(cell)).copied();
        let Some(a) = at(self.from).filter(|value| *value != LayerCells::NO_CELL) else {
            return CellState::Absent;
        };
        let value = if self.t > 0.0 {
            let b = at(self.to).unwrap_or(f32::NAN);
            match (a.is_finite(), b.is_finite()) {
                (true, true) => a + (b - a) * self.t,
                _ if self.t >= 0.5 => b,
                _ => a,
            }
        } else {
            a
        };
        if value.is_finite() { CellState::Value(value) } else { CellState::NoValue }
    }

    /// Returns the divisor that normalises the values of a layer.
    pub fn divisor(&self, layer: LayerIndex) -> f32 {
        self.divisors.get(layer.0).copied().unwrap_or(1.0)
    }

    /// Returns the normalised value of a unit; `None` without a value, or where whole feature maps are shown.
    pub fn unit_value(&self, layout: &Layout, UnitId { layer, unit }: UnitId) -> Option<f32> {
        let slab = layout.slabs.iter().find(|slab| slab.layer == layer.0)?;
        let cells = self.arrangements.get(layer.0)?.unit_cells(slab.grid, unit)?;
        let cell = cells.row as usize * slab.grid.columns as usize + cells.column as usize;
        match self.cell(layer, cell) {
            CellState::Value(value) if cells.columns == 1 && cells.rows == 1 => {
                Some(value / self.divisor(layer))
            }
            _ => None,
        }
    }

    /// The greatest height of a cell, in pitches.
    fn max_cell_height(&self) -> f32 {
        max_cell_height(self.diverging, self.height)
    }

    /// Height of the rim around the cells of a slab, in pitches.
    pub fn rim_height(&self) -> f32 {
        rim_height(self.diverging, self.height)
    }

    /// Height of a cell in pitches; `None` where there is no cell. A cell without a value is flat, or level with
    /// the rim.
    pub fn cell_height(&self, layer: LayerIndex, cell: usize) -> Option<f32> {
        let share = match self.cell(layer, cell) {
            CellState::Absent => return None,
            CellState::NoValue => return Some(self.rim_height().max(LEAST_HEIGHT)),
            CellState::Value(value) => {
                let range = self.ranges.get(layer.0).copied().unwrap_or(ValueRange::UNIT);
                let range = range.scaled(self.divisor(layer));
                let (low, width) =
                    if self.diverging { (0.0, range.reach()) } else { (range.low, range.high - range.low) };
                let position = (value - low) * if width.is_normal() { 1.0 / width } else { 1.0 };
                (if self.diverging { 0.5 + 0.5 * position } else { position }).clamp(0.0, 1.0)
            }
        };
        Some(LEAST_HEIGHT + share * (self.max_cell_height() - LEAST_HEIGHT))
    }
}

/// The first hit of a ray.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pick {
    /// Index into [`Layout::slabs`].
    pub slab: usize,
    /// Row-major index of the cell; `None` for the slab itself.
    pub cell: Option<usize>,
    /// Distance from the camera, in world units.
    pub distance: f32,
}

/// Returns the first cell or slab that a ray from `camera` hits; `direction` is in world space and of
/// length 1. Slabs with an opacity of at most 0.5 are passed through.
pub fn pick(layout: &Layout, values: &SceneValues, camera: &Camera, direction: Vec3) -> Option<Pick> {
    pick_among(0..layout.slabs.len(), layout, values, camera, direction)
}

/// As [`pick`], but tests only the slabs with the given indices.
pub fn pick_among(
    slabs: impl IntoIterator<Item = usize>,
    layout: &Layout,
    values: &SceneValues,
    camera: &Camera,
    direction: Vec3,
) -> Option<Pick> {
    let mut best: Option<Pick> = None;
    for index in slabs {
        let Some(slab) = layout.slabs.get(index) else { continue };
        if camera.presence(slab) <= 0.5 {
            continue;
        }
        let ray = SlabRay::new(slab, camera.position, direction);
        let nearer = |t: f64| best.is_none_or(|best| t * f64::from(slab.pitch) < f64::from(best.distance));
        let border = f64::from(SLAB_BORDER / slab.pitch);
        let grid = dvec3(f64::from(slab.grid.columns), f64::from(slab.grid.rows), 0.0);
        let low = dvec3(-border, -border, -f64::from(SLAB_THICKNESS / slab.pitch));
        let high = grid + dvec3(border, border, 0.0);
        let bottom = ray.enters(low, high);
        let rim = ray.enters_rim(grid, high.with_z(f64::from(values.rim_height())));
        let body = bottom.into_iter().chain(rim).min_by(f64::total_cmp).filter(|t| nearer(*t));
        let limit = body.unwrap_or(f64::INFINITY);
        let cell = ray.first_cell(slab, values, limit).filter(|(_, t)| nearer(*t));
        let hit = match cell {
            Some((cell, t)) => Some((Some(cell), t)),
            None => body.map(|t| (None, t)),
        };
        if let Some((cell, t)) = hit {
            best = Some(Pick { slab: index, cell, distance: t as f32 * slab.pitch });
        }
    }
    best
}

/// A ray in slab space: x right and y down from the top-left corner, z out of the slab, all in pitches.
struct SlabRay {
    origin: DVec3,
    direction: DVec3,
}

impl SlabRay {
    fn new(slab: &Slab, camera_position: Vec3, direction: Vec3) -> Self {
        let flip = dvec3(1.0, -1.0, 1.0);
        let origin = (camera_position - slab.corner()).as_dvec3() * flip / f64::from(slab.pitch);
        let mut direction = direction.as_dvec3() * flip;
        for axis in 0..3 {
            // A component of zero would divide by zero below.
            if direction[axis].abs() < 1e-9 {
                direction[axis] = 1e-9;
            }
        }
        Self { origin, direction }
    }

    /// Ray parameters at which the ray enters and leaves a box.
    fn span(&self, low: DVec3, high: DVec3) -> (f64, f64) {
        let a = (low - self.origin) / self.direction;
        let b = (high - self.origin) / self.direction;
        (a.min(b).max_element(), a.max(b).min_element())
    }

    /// Ray parameter at which the ray enters a box from outside; `None` if it misses the box.
    fn enters(&self, low: DVec3, high: DVec3) -> Option<f64> {
        let (enter, leave) = self.span(low, high);
        (enter > 0.0 && enter <= leave).then_some(enter)
    }

    /// Ray parameter at which the ray enters a rim around a grid, of which `high` is the corner with the highest
    /// coordinates; `None` if it misses the rim, or if the rim has no height.
    fn enters_rim(&self, grid: DVec3, high: DVec3) -> Option<f64> {
        let low = (grid - high).with_z(0.0);
        let sides = [
            (low, high.with_x(0.0)),
            (low.with_x(grid.x), high),
            (low, high.with_y(0.0)),
            (low.with_y(grid.y), high),
        ];
        let sides = sides.into_iter().filter(|_| high.z > 0.0);
        sides.filter_map(|(low, high)| self.enters(low, high)).min_by(f64::total_cmp)
    }

    /// Index of the first cell that the ray hits before `limit`, and the ray parameter of the hit. Visits
    /// the cells along the ray one by one (Amanatides and Woo, "A Fast Voxel Traversal Algorithm for Ray
    /// Tracing", 1987).
    fn first_cell(&self, slab: &Slab, values: &SceneValues, limit: f64) -> Option<(usize, f64)> {
        let (columns, rows) = (i64::from(slab.grid.columns), i64::from(slab.grid.rows));
        let high = dvec3(columns as f64, rows as f64, f64::from(values.max_cell_height()));
        let (enter, leave) = self.span(DVec3::ZERO, high);
        let (start, end) = (enter.max(0.0), leave.min(limit));
        if start >= end {
            return None;
        }
        let at = self.origin + self.direction * start;
        let mut column = (at.x.floor() as i64).clamp(0, columns - 1);
        let mut row = (at.y.floor() as i64).clamp(0, rows - 1);
        let step = |along: f64| if along > 0.0 { 1i64 } else { -1 };
        let (right, down) = (step(self.direction.x), step(self.direction.y));
        let crossing = |cell: i64, step: i64, origin: f64, along: f64| {
            ((cell + i64::from(step > 0)) as f64 - origin) / along
        };
        let gap = f64::from(CELL_GAP) / 2.0;
        loop {
            let cell = (row * columns + column) as usize;
            if cell < slab.units
                && let Some(height) = values.cell_height(LayerIndex(slab.layer), cell)
            {
                let corner = dvec3(column as f64, row as f64, 0.0);
                let low = corner + dvec3(gap, gap, 0.0);
                let high = corner + dvec3(1.0 - gap, 1.0 - gap, f64::from(height));
                if let Some(t) = self.enters(low, high).filter(|t| *t < limit) {
                    return Some((cell, t));
                }
            }
            let next_column = crossing(column, right, self.origin.x, self.direction.x);
            let next_row = crossing(row, down, self.origin.y, self.direction.y);
            if next_column.min(next_row) >= end {
                return None;
            }
            if next_column < next_row {
                column += right
            } else {
                row += down
            }
            if !(0..columns).contains(&column) || !(0..rows).contains(&row) {
                return None;
            }
        }
    }
}
