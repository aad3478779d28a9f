//! The layout of slabs and cells in world space.
//!
//! World axes are right-handed with y up. Data flows along −z: the first slab is at z = 0 and the last
//! one has the least z. Cells rise from a slab towards +z, the input side, from which the default camera
//! looks.

use std::collections::BTreeSet;

use glam::{Vec2, Vec3, vec2, vec3};

use super::{Layer, LayerKind, Recording};

/// Fraction of a cell's pitch that is left free between two cells.
pub const CELL_GAP: f32 = 0.12;
/// Height of a cell of full value, in pitches of its layer.
pub const CELL_HEIGHT: f32 = 1.3;
/// Height of a cell with the least value or none, in pitches: a flat, visible tile.
pub const LEAST_HEIGHT: f32 = 0.06;
/// Thickness of a slab, in world units.
pub const SLAB_THICKNESS: f32 = 0.06;
/// Free border around the cells of a slab, in world units.
pub const SLAB_BORDER: f32 = 0.05;
/// Layers of at most this many units are drawn as one column when they name the classes.
const MAX_COLUMN: usize = 24;

/// The cells of one slab: `columns × rows`, row-major from the top left, as seen from the input side.
///
/// A mosaic of feature maps is a grid of tiles with one free cell between two tiles; cell values
/// are then laid out by [`Grid::mosaic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// Number of columns, at least 1.
    pub columns: u32,
    /// Number of rows, at least 1.
    pub rows: u32,
}

impl Grid {
    /// A near-square grid for `units` units.
    pub fn near_square(units: usize) -> Self {
        let columns = (units as f64).sqrt().ceil().max(1.0) as usize;
        Self { columns: columns as u32, rows: units.div_ceil(columns).max(1) as u32 }
    }

    /// A grid of one column for `units` units.
    pub fn column(units: usize) -> Self {
        Self { columns: 1, rows: units.max(1) as u32 }
    }

    /// The number of cells, used or not.
    pub fn cells(self) -> usize {
        self.columns as usize * self.rows as usize
    }

    /// The (column, row) of the cell with this row-major index.
    pub fn position(self, index: usize) -> (u32, u32) {
        ((index % self.columns as usize) as u32, (index / self.columns as usize) as u32)
    }

    /// Tiles and grid of a mosaic of `channels` maps of `height × width`: (tiles per row, grid).
    pub fn mosaic(channels: usize, height: usize, width: usize) -> (usize, Self) {
        let across = ((channels * (height + 1)) as f64 / (width + 1) as f64).sqrt().round().max(1.0) as usize;
        let across = across.min(channels.max(1));
        let down = channels.div_ceil(across).max(1);
        let grid = Self {
            columns: (across * (width + 1)).saturating_sub(1).max(1) as u32,
            rows: (down * (height + 1)).saturating_sub(1).max(1) as u32,
        };
        (across, grid)
    }
}

/// The values of the cells of one slab.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerCells {
    /// The grid of cells.
    pub grid: Grid,
    /// Number of cells with an entry in `values`: one per unit, or the whole grid of a mosaic. The
    /// further cells of the grid are empty.
    pub units: usize,
    /// Row-major from the top left, `units` long. Each is finite, or NaN for "no value", or
    /// [`LayerCells::NO_CELL`] for a place without a cell, such as the gutter of a mosaic.
    pub values: Vec<f32>,
}

impl LayerCells {
    /// Marks a place of the grid without a cell.
    pub const NO_CELL: f32 = f32::NEG_INFINITY;
}

/// The body of one layer in world space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slab {
    /// Index into [`Recording::layers`].
    pub layer: usize,
    /// The grid of cells.
    pub grid: Grid,
    /// Number of used cells: one per unit, or every cell of a mosaic. The further cells are empty.
    pub units: usize,
    /// Centre of the slab's front face, from which cells rise.
    pub centre: Vec3,
    /// Distance between the centres of neighbouring cells, in world units.
    pub pitch: f32,
    /// The slab is neither drawn nor hit by rays, and takes no room.
    pub hidden: bool,
}

impl Slab {
    /// Width and height of the slab's cell area, in world units.
    pub fn extent(&self) -> Vec2 {
        vec2(self.grid.columns as f32, self.grid.rows as f32) * self.pitch
    }

    /// World position of the top-left corner of the cell area, on the slab's front face.
    pub fn corner(&self) -> Vec3 {
        let extent = self.extent();
        self.centre + vec3(-extent.x / 2.0, extent.y / 2.0, 0.0)
    }

    /// Greatest height of a cell above the slab, in world units.
    pub fn max_height(&self) -> f32 {
        CELL_HEIGHT * self.pitch
    }

    /// World position of the centre of cell (column, row), on the slab's front face.
    pub fn cell_centre(&self, column: u32, row: u32) -> Vec3 {
        self.corner() + vec3((column as f32 + 0.5) * self.pitch, -(row as f32 + 0.5) * self.pitch, 0.0)
    }

    /// The box around slab and cells: (lowest corner, highest corner).
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let half = self.extent() / 2.0;
        (
            self.centre - vec3(half.x, half.y, SLAB_THICKNESS),
            self.centre + vec3(half.x, half.y, self.max_height()),
        )
    }
}

/// The positions of all slabs of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// In the order of the layers, front to back.
    pub slabs: Vec<Slab>,
    /// Aspect ratio, width by height, of an input's picture in front of the first slab; `None` without
    /// a picture.
    pub picture: Option<f32>,
}

impl Layout {
    /// Lays out one slab per layer, with one cell per unit.
    pub fn new(recording: &Recording) -> Self {
        let last = recording.layers.len().saturating_sub(1);
        let has_class_outputs = recording.has_class_outputs();
        Self::of_grids(recording.layers.iter().enumerate().map(|(index, layer)| {
            let column = index == last
                && has_class_outputs
                && layer.units <= MAX_COLUMN
                && !matches!(layer.kind, LayerKind::FeatureMap);
            let grid = if column { Grid::column(layer.units) } else { Grid::near_square(layer.units) };
            (grid, layer.units)
        }))
    }

    /// Lays out slabs of the given grids and numbers of used cells.
    pub fn of_grids(grids: impl IntoIterator<Item = (Grid, usize)>) -> Self {
        let grids: Vec<(Grid, usize)> = grids.into_iter().collect();
        let tallest = grids.iter().map(|(grid, _)| slab_side(*grid)).fold(0.0, f32::max);
        let slab = |(layer, (grid, units)): (usize, (Grid, usize))| {
            let longest = grid.columns.max(grid.rows) as f32;
            let side = slab_side(grid);
            // A column of classes has labels that must be legible: nearly as tall as the tallest slab.
            let is_column = grid.columns == 1 && grid.rows > 1;
            let pitch = if is_column { side.max(0.8 * tallest) / longest } else { side / longest };
            // The cells of a few units are not larger than those of a column.
            let pitch = if is_column { pitch } else { pitch.min(MAX_PITCH) };
            Slab { layer, grid, units, centre: Vec3::ZERO, pitch, hidden: false }
        };
        let mut layout = Self { slabs: grids.into_iter().enumerate().map(slab).collect(), picture: None };
        layout.place();
        layout
    }

    /// Places the slabs that are not hidden one behind the other.
    fn place(&mut self) {
        let (mut z, mut previous) = (0.0, None);
        for slab in self.slabs.iter_mut().filter(|slab| !slab.hidden) {
            let breadth = slab.extent().x;
            z -= previous.map_or(0.0, |previous| gap(previous, breadth));
            slab.centre.z = z;
            previous = Some(breadth);
        }
    }

    /// Hides the slabs of the layers with the names in `hidden` and shows all others, without gaps.
    pub fn hide(&mut self, layers: &[Layer], hidden: &BTreeSet<String>) {
        for slab in &mut self.slabs {
            slab.hidden = layers.get(slab.layer).is_some_and(|layer| hidden.contains(&layer.name));
        }
        self.place();
    }

    /// World position of the top-left corner of an input's picture, and its width and height, for a
    /// picture of the given aspect ratio (width by height). `None` without slabs.
    pub fn picture_place(&self, aspect: f32) -> Option<(Vec3, Vec2)> {
        let first = self.slabs.iter().find(|slab| !slab.hidden).or(self.slabs.first())?;
        let extent = first.extent();
        let height = extent.y.max(extent.x);
        let width = height * aspect;
        let gap = 0.8 + 0.55 * height;
        Some((first.centre + vec3(-width / 2.0, height / 2.0, gap), vec2(width, height)))
    }

    /// The box around the picture and the slabs that are not hidden, or else all: (lowest corner, highest
    /// corner).
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let picture = self
            .picture
            .and_then(|aspect| self.picture_place(aspect))
            .map(|(corner, size)| (corner - vec3(0.0, size.y, 0.0), corner + vec3(size.x, 0.0, 0.0)));
        let any = self.slabs.iter().any(|slab| !slab.hidden);
        self.slabs
            .iter()
            .filter(|slab| !(any && slab.hidden))
            .map(Slab::bounds)
            .chain(picture)
            .fold((Vec3::INFINITY, Vec3::NEG_INFINITY), |(low, high), (slab_low, slab_high)| {
                (low.min(slab_low), high.max(slab_high))
            })
    }
}

/// Greatest distance between the centres of neighbouring cells, in world units, except in a column of classes.
const MAX_PITCH: f32 = 0.5;

/// Longest edge of a slab with many cells in world units. It grows with the fourth root of the number of cells:
/// ten classes stay legible beside four thousand units.
fn slab_side(grid: Grid) -> f32 {
    let cells = grid.cells() as f32;
    cells.sqrt().sqrt()
}

/// Free distance along z between two slabs of the given widths. It grows with both, and more behind a
/// wide slab so that it does not hide a narrow one.
fn gap(before: f32, after: f32) -> f32 {
    0.7 + 0.4 * before + 0.2 * after + 0.5 * (before - after).max(0.0)
}
