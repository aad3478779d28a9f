//! The layout of slabs and cells in world space.
//!
//! World axes are right-handed with y up. Data flows along −z, and cells rise from a slab towards +z, the input
//! side, from which the default camera looks. A long network is divided into rows, each with its floor; every
//! further row is lower and nearer to the camera. Layers that work side by side stand side by side, along x.
//! The layers of a folded group are tiles on one slab.

mod grid;
mod items;
mod overview;
mod places;
mod rows;
mod slots;

use std::collections::BTreeSet;

pub use grid::{Grid, LayerCells};
pub use places::{
    CELL_GAP, CELL_HEIGHT, Floor, GroupPlace, ItemPlace, LEAST_HEIGHT, Layout, SLAB_BORDER, SLAB_THICKNESS,
    Slab,
};

use super::camera::Direction;
use super::module_tree::{Fold, ModuleTree};
use super::{LayerKind, Recording};

/// Layers of at most this many units are drawn as one column when they name the classes.
const MAX_COLUMN: usize = 24;

/// The choices by which a layout is made, besides the layers.
#[derive(Clone, Copy, Debug)]
pub struct LayoutOptions<'a> {
    /// The folded groups.
    pub fold: &'a Fold,
    /// Names of layers that are hidden.
    pub hidden: &'a BTreeSet<String>,
    /// Width by height of the picture for which the rows are chosen; greater than 0.
    pub aspect: f32,
}

impl Layout {
    /// Lays out all layers of a recording, one cell per unit, for a picture of an aspect ratio (width by height).
    pub fn new(recording: &Recording, aspect: f32) -> Self {
        let options = LayoutOptions { fold: &Fold::default(), hidden: &BTreeSet::new(), aspect };
        Self::arranged(recording, &Self::grids(recording), options)
    }

    /// Returns the grid of each layer, with one cell per unit, and its number of used cells.
    pub fn grids(recording: &Recording) -> Vec<(Grid, usize)> {
        let last = recording.layers.len().saturating_sub(1);
        let has_class_outputs = recording.has_class_outputs();
        let grid = |(index, layer): (usize, &super::Layer)| {
            let column = index == last
                && has_class_outputs
                && layer.units <= MAX_COLUMN
                && !matches!(layer.kind, LayerKind::FeatureMap);
            (if column { Grid::column(layer.units) } else { Grid::near_square(layer.units) }, layer.units)
        };
        recording.layers.iter().enumerate().map(grid).collect()
    }

    /// Lays out slabs of the given grids and numbers of used cells in one row, without a floor.
    pub fn of_grids(grids: impl IntoIterator<Item = (Grid, usize)>) -> Self {
        let grids: Vec<(Grid, usize)> = grids.into_iter().collect();
        let slabs = items::slabs(&grids);
        let items = items::of_layers(&slabs);
        let slots = (0..items.len()).map(|item| vec![item]).collect();
        let layout = rows::one_row(&items, slots, slabs);
        Self { floors: Vec::new(), ..layout }
    }

    /// Lays out the slabs of a network: `grids` are the grid and the number of used cells of each layer.
    pub fn arranged(recording: &Recording, grids: &[(Grid, usize)], options: LayoutOptions<'_>) -> Self {
        let tree = ModuleTree::new(recording);
        let mut slabs = items::slabs(grids);
        for slab in &mut slabs {
            let name = recording.layers.get(slab.layer).map(|layer| &layer.name);
            slab.hidden = name.is_some_and(|name| options.hidden.contains(name));
        }
        let items = items::of_tree(&tree, options.fold, &slabs);
        let slots = slots::slots(&recording.edges, grids.len(), &items);
        let mut layout = overview::best(&items, slots, slabs, options.aspect);
        layout.groups = rows::group_places(&tree, &items, &layout);
        layout
    }

    /// Returns that one of several directions in which the visible parts of the slabs are the largest in a picture
    /// of this aspect ratio; the first of none is that of the overview.
    pub fn best_direction(&self, directions: &[Direction], aspect: f32) -> Direction {
        overview::best_direction(self, directions, aspect)
    }
}

#[cfg(test)]
mod tests;
