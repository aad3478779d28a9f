//! Slabs, floors and groups at their places.

use std::ops::Range;

use glam::{Vec2, Vec3, vec2, vec3};

use super::grid::Grid;
use crate::model::camera::Direction;

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
/// Width of the values beside a column of classes, as a share of its height.
const OUTPUTS_WIDTH: f32 = 0.8;
/// Free space between the first slab and an input's picture: a constant, and a factor of the picture's height.
const PICTURE_GAP: (f32, f32) = (0.8, 0.55);

/// The body of one layer in world space.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slab {
    /// Index into [`Recording::layers`](crate::model::Recording::layers).
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

/// The place of a group of layers, folded or not.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPlace {
    /// Its path, see [`ModuleGroup::path`](crate::model::ModuleGroup::path).
    pub path: String,
    /// Number of groups that contain it.
    pub depth: usize,
    /// Indices of its layers.
    pub layers: Range<usize>,
    /// Class of the module (`Bottleneck`); empty where it is not recorded.
    pub module: String,
    /// Number of groups directly inside it.
    pub groups: usize,
    /// The class of all groups directly inside it; empty if they differ or it is not recorded.
    pub inner_module: String,
    /// Its layers are tiles on one slab.
    pub folded: bool,
    /// The boxes around its visible slabs in each row: (lowest corner, highest corner).
    pub bounds: Vec<(Vec3, Vec3)>,
}

/// The place of an item: of the slab of a layer, or of those of a folded group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ItemPlace {
    /// Lowest corner of the box around its slabs.
    pub low: Vec3,
    /// Highest corner of that box.
    pub high: Vec3,
    /// Index of its row.
    pub row: usize,
    /// Index of its slot, rising along the way of the data; items side by side have the same one.
    pub slot: usize,
}

/// The floor below a row of slabs, or below the part of a row that is one stage: a level rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Floor {
    /// Corner with the least x and z.
    pub low: Vec3,
    /// Corner with the greatest x and z, at the same height.
    pub high: Vec3,
}

/// The positions of all slabs of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// In the order of the layers.
    pub slabs: Vec<Slab>,
    /// Aspect ratio, width by height, of an input's picture in front of the first slab; `None` without
    /// a picture.
    pub picture: Option<f32>,
    /// The items, each a slab or a folded group.
    pub items: Vec<ItemPlace>,
    /// Per slab, the index of its item; `None` for a hidden one.
    pub item_of: Vec<Option<usize>>,
    /// The groups of layers that are visible, each after the one that contains it.
    pub groups: Vec<GroupPlace>,
    /// The floors, from the first row on.
    pub floors: Vec<Floor>,
    /// The rows: (lowest corner, highest corner) of all slabs in each.
    pub rows: Vec<(Vec3, Vec3)>,
    /// The direction in which the camera of the overview looks.
    pub overview: Direction,
}

impl Layout {
    /// World position of the top-left corner of an input's picture, and its width and height, for a
    /// picture of the given aspect ratio (width by height). `None` without slabs.
    pub fn picture_place(&self, aspect: f32) -> Option<(Vec3, Vec2)> {
        let first = self.slabs.iter().find(|slab| !slab.hidden).or(self.slabs.first())?;
        let extent = first.extent();
        let height = extent.y.max(extent.x);
        let width = height * aspect;
        let gap = PICTURE_GAP.0 + PICTURE_GAP.1 * height;
        let bottom = first.centre.y - extent.y / 2.0;
        Some((vec3(first.centre.x - width / 2.0, bottom + height, first.centre.z + gap), vec2(width, height)))
    }

    /// The boxes around the picture, the slabs that are not hidden, or else all, and the values that are written beside
    /// a column of classes: (lowest corner, highest corner) of each.
    pub fn boxes(&self) -> impl Iterator<Item = (Vec3, Vec3)> + Clone + '_ {
        let picture = self
            .picture
            .and_then(|aspect| self.picture_place(aspect))
            .map(|(corner, size)| (corner - vec3(0.0, size.y, 0.0), corner + vec3(size.x, 0.0, 0.0)));
        let any = self.slabs.iter().any(|slab| !slab.hidden);
        let slabs = self.slabs.iter().filter(move |slab| !(any && slab.hidden)).map(Slab::bounds);
        slabs.chain(picture).chain(self.outputs_place())
    }

    /// The box in which the values of the classes are written, beside a column of them: (lowest corner, highest
    /// corner).
    fn outputs_place(&self) -> Option<(Vec3, Vec3)> {
        let slab = self.slabs.iter().rfind(|slab| !slab.hidden)?;
        let size = slab.extent();
        let corner = slab.corner() + vec3(size.x, -size.y, 0.0);
        (slab.grid.columns == 1 && slab.grid.rows > 1)
            .then(|| (corner, corner + vec3(OUTPUTS_WIDTH * size.y, size.y, 0.0)))
    }

    /// Returns the item that the slab of a layer is on; `None` if the layer is hidden.
    pub fn item(&self, layer: usize) -> Option<usize> {
        self.slabs.get(layer).filter(|slab| !slab.hidden)?;
        self.item_of.get(layer).copied().flatten()
    }

    /// The box around [`Self::boxes`]: (lowest corner, highest corner).
    pub fn bounds(&self) -> (Vec3, Vec3) {
        let around = |(low, high): (Vec3, Vec3), (other_low, other_high): (Vec3, Vec3)| {
            (low.min(other_low), high.max(other_high))
        };
        self.boxes().fold((Vec3::INFINITY, Vec3::NEG_INFINITY), around)
    }

    /// The widest slab that is not hidden, or else the widest of all; `None` without slabs.
    pub fn largest_slab(&self) -> Option<&Slab> {
        let key = |slab: &&Slab| (!slab.hidden, slab.extent().x);
        self.slabs.iter().max_by(|a, b| key(a).partial_cmp(&key(b)).unwrap_or(std::cmp::Ordering::Equal))
    }

    /// Returns the innermost visible group around a layer, as an index into [`Self::groups`].
    pub fn group_of(&self, layer: usize) -> Option<usize> {
        self.groups.iter().rposition(|group| group.layers.contains(&layer))
    }

    /// Returns the folded group that a layer is in, as an index into [`Self::groups`].
    pub fn folded_group_of(&self, layer: usize) -> Option<usize> {
        self.groups.iter().position(|group| group.folded && group.layers.contains(&layer))
    }

    /// Interpolates the places of slabs and floors between two layouts of the same layers, `t` in [0, 1]; what
    /// only one of them has is taken from `to`.
    pub fn lerp(&self, to: &Self, t: f32) -> Self {
        let mut layout = to.clone();
        for (slab, from) in layout.slabs.iter_mut().zip(&self.slabs) {
            if slab.grid == from.grid && !from.hidden && !slab.hidden {
                slab.centre = from.centre.lerp(slab.centre, t);
                slab.pitch = from.pitch + (slab.pitch - from.pitch) * t;
            }
        }
        layout
    }
}
