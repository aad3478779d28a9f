//! The items of a layout: slabs of single layers, and folded groups, whose layers are tiles on one slab.

use glam::{Vec2, Vec3, vec2};

use super::grid::Grid;
use super::places::{SLAB_BORDER, Slab};
use crate::model::module_tree::{Fold, ModuleItem, ModuleTree};

/// Greatest distance between the centres of neighbouring cells, in world units, except in a column of classes.
const MAX_PITCH: f32 = 0.5;
/// Height of a column of classes, as a share of the tallest slab: its names must be legible.
const COLUMN_HEIGHT: f32 = 0.8;
/// Longest edge of a folded group, as a multiple of that of a layer with as many cells.
const GROUP_SIDE: f32 = 1.25;
/// Free space between two tiles, in world units.
const TILE_GAP: f32 = 2.0 * SLAB_BORDER + 0.02;

/// One item of a layout.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    /// Index of the group that is folded to it.
    pub group: Option<usize>,
    /// Index of the outermost group that it is in.
    pub stage: Option<usize>,
    /// Width and height.
    pub size: Vec2,
    /// Greatest height of its cells, in world units.
    pub depth: f32,
    /// The slabs on it.
    pub tiles: Vec<ItemTile>,
}

/// The place of a slab on its item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ItemTile {
    /// Index of the slab.
    pub slab: usize,
    /// Position of its centre, from the middle of the item's lower edge; y up.
    pub centre: Vec2,
    pub pitch: f32,
}

/// Returns slabs of the given grids and numbers of used cells, with their pitches and without places.
pub(super) fn slabs(grids: &[(Grid, usize)]) -> Vec<Slab> {
    let tallest = grids.iter().map(|(grid, _)| slab_side(*grid)).fold(0.0, f32::max);
    let slab = |(layer, &(grid, units)): (usize, &(Grid, usize))| {
        let longest = grid.columns.max(grid.rows) as f32;
        let side = slab_side(grid);
        let is_column = grid.columns == 1 && grid.rows > 1;
        let pitch = if is_column { side.max(COLUMN_HEIGHT * tallest) / longest } else { side / longest };
        // The cells of a few units are not larger than those of a column.
        let pitch = if is_column { pitch } else { pitch.min(MAX_PITCH) };
        Slab { layer, grid, units, centre: Vec3::ZERO, pitch, hidden: false }
    };
    grids.iter().enumerate().map(slab).collect()
}

/// Returns an item for each slab that is not hidden.
pub(super) fn of_layers(slabs: &[Slab]) -> Vec<Item> {
    let visible = slabs.iter().enumerate().filter(|(_, slab)| !slab.hidden);
    visible.map(|(index, slab)| single(index, slab, None)).collect()
}

/// Returns the items of a network, in the order of the layers, without hidden layers.
pub(super) fn of_tree(tree: &ModuleTree, fold: &Fold, slabs: &[Slab]) -> Vec<Item> {
    let item = |item: ModuleItem| match item {
        ModuleItem::Layer(layer) => {
            let slab = slabs.get(layer).filter(|slab| !slab.hidden)?;
            Some(single(layer, slab, None))
        }
        ModuleItem::Group(group) => {
            let layers = tree.groups[group].layers.clone();
            let visible: Vec<usize> =
                layers.filter(|&layer| slabs.get(layer).is_some_and(|slab| !slab.hidden)).collect();
            match visible[..] {
                [] => None,
                [layer] => Some(single(layer, &slabs[layer], Some(group))),
                _ => Some(mosaic(&visible, slabs, group)),
            }
        }
    };
    let with_stage = |item: Item| {
        let stage = item.tiles.first().and_then(|tile| tree.stage_of(tile.slab));
        Item { stage, ..item }
    };
    let mut items: Vec<Item> = tree.items(fold).into_iter().filter_map(item).map(with_stage).collect();
    enlarge_columns(&mut items, slabs);
    items
}

/// Makes a column of classes nearly as tall as the tallest item: its names must be legible.
fn enlarge_columns(items: &mut [Item], slabs: &[Slab]) {
    let tallest = items.iter().map(|item| item.size.y).fold(0.0, f32::max);
    for item in items {
        let [tile] = &mut item.tiles[..] else { continue };
        let slab = &slabs[tile.slab];
        let scale = COLUMN_HEIGHT * tallest / item.size.y;
        if slab.grid.columns == 1 && slab.grid.rows > 1 && scale > 1.0 {
            item.size *= scale;
            item.depth *= scale;
            tile.pitch *= scale;
            tile.centre *= scale;
        }
    }
}

fn single(index: usize, slab: &Slab, group: Option<usize>) -> Item {
    let size = slab.extent();
    let tile = ItemTile { slab: index, centre: vec2(0.0, size.y / 2.0), pitch: slab.pitch };
    Item { group, stage: None, size, depth: slab.max_height(), tiles: vec![tile] }
}

/// Lays out slabs as tiles of one item, in lines from the top left, so that the item is nearly square.
fn mosaic(members: &[usize], slabs: &[Slab], group: usize) -> Item {
    let cells: f32 = members.iter().map(|&member| slabs[member].grid.cells() as f32).sum();
    let side = GROUP_SIDE * cells.sqrt().sqrt();
    let sizes: Vec<Vec2> = members.iter().map(|&member| slabs[member].extent()).collect();
    let total: f32 = sizes.iter().map(|size| size.x).sum();
    let mut best: Option<(f32, Vec<usize>)> = None;
    // More lines than the square root of the members make it higher than wide, whatever their sizes.
    let most = ((members.len() as f32).sqrt() * 2.0).ceil() as usize;
    for count in 1..=most.min(members.len()) {
        let lines = lines(&sizes, total / count as f32);
        let size = size_of(&sizes, &lines);
        let oblong = size.max_element() / size.min_element().max(f32::MIN_POSITIVE);
        if best.as_ref().is_none_or(|(least, _)| oblong < *least) {
            best = Some((oblong, lines));
        }
    }
    let lines = best.map_or_else(|| vec![members.len()], |(_, lines)| lines);
    let natural = size_of(&sizes, &lines);
    let widest = lines.iter().copied().max().unwrap_or(1);
    let room = (side - TILE_GAP * (widest.max(lines.len()) - 1) as f32).max(0.4 * side);
    let scale = room / natural.max_element().max(f32::MIN_POSITIVE);
    let mut tiles = Vec::with_capacity(members.len());
    let (mut top, mut next, mut width, mut depth) = (0.0_f32, 0, 0.0_f32, 0.0_f32);
    for count in lines {
        let line = next..next + count;
        let height = line.clone().map(|index| sizes[index].y * scale).fold(0.0, f32::max);
        let mut left = 0.0;
        for index in line {
            let (slab, size) = (&slabs[members[index]], sizes[index] * scale);
            let pitch = slab.pitch * scale;
            depth = depth.max(slab.max_height() * scale);
            tiles.push(ItemTile {
                slab: members[index],
                centre: vec2(left + size.x / 2.0, top - size.y / 2.0),
                pitch,
            });
            left += size.x + TILE_GAP;
        }
        width = width.max(left - TILE_GAP);
        top -= height + TILE_GAP;
        next += count;
    }
    let height = -top - TILE_GAP;
    for tile in &mut tiles {
        tile.centre += vec2(-width / 2.0, height);
    }
    Item { group: Some(group), stage: None, size: vec2(width, height), depth, tiles }
}

/// Divides tiles into lines of about a width; returns the number of tiles in each.
fn lines(sizes: &[Vec2], width: f32) -> Vec<usize> {
    let mut lines = vec![0];
    let (mut used, mut before) = (0.0, 0.0);
    for size in sizes {
        // To the line in which its middle is.
        if lines.last().is_some_and(|&count| count > 0) && used + size.x / 2.0 > before + width * 1.001 {
            lines.push(0);
            before = used;
        }
        used += size.x;
        if let Some(count) = lines.last_mut() {
            *count += 1;
        }
    }
    lines
}

/// Returns the size of lines of tiles, without gaps.
fn size_of(sizes: &[Vec2], lines: &[usize]) -> Vec2 {
    let mut size = Vec2::ZERO;
    let mut next = 0;
    for &count in lines {
        let line = &sizes[next..next + count];
        size.x = size.x.max(line.iter().map(|size| size.x).sum());
        size.y += line.iter().map(|size| size.y).fold(0.0, f32::max);
        next += count;
    }
    size
}

/// Longest edge of a slab with many cells in world units. It grows with the fourth root of the number of cells:
/// ten classes stay legible beside four thousand units.
fn slab_side(grid: Grid) -> f32 {
    let cells = grid.cells() as f32;
    cells.sqrt().sqrt()
}
