//! Rows of slots: their places in the world.

use std::ops::Range;

use glam::{Vec3, vec3};

use super::items::Item;
use super::places::{Floor, GroupPlace, ItemPlace, Layout, SLAB_BORDER, SLAB_THICKNESS, Slab};
use crate::model::camera::Direction;
use crate::model::module_tree::ModuleTree;

/// Free space between items side by side, in world units: a constant, and a share of their width.
const SIDE_GAP: (f32, f32) = (0.3, 0.06);
/// Free space above a row, below the floor of the row before it: a constant, and a share of the tallest row.
const ROW_GAP: (f32, f32) = (0.5, 0.16);
/// Offset of a row from the row before it, towards the camera, as a share of the width of the widest row.
const ROW_STEP: f32 = 0.5;
/// Greatest factor by which gaps grow so that a row is as long as the longest one.
const STRETCH: f32 = 1.7;
/// Distance of the floor below the slabs, in world units.
const FLOOR_DEPTH: f32 = 0.12;
/// Width of the floor around the slabs, as a share of the widest row, and half the gap between two floors.
const FLOOR_MARGIN: (f32, f32) = (0.12, 0.12);

/// An order of items in rows.
#[derive(Clone, Debug)]
pub(super) struct Arrangement<'a> {
    pub items: &'a [Item],
    /// The items of each slot, in the order of the data.
    pub slots: Vec<Vec<usize>>,
    /// Index of the first slot of each row; the first is 0.
    pub starts: Vec<usize>,
}

/// The extent of a slot.
#[derive(Clone, Copy)]
struct SlotSize {
    width: f32,
    height: f32,
    /// Height of the cells.
    depth: f32,
}

impl Arrangement<'_> {
    /// The slots of each row.
    pub fn rows(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let ends = self.starts.iter().copied().skip(1).chain([self.slots.len()]);
        self.starts.iter().copied().zip(ends).map(|(start, end)| start..end)
    }

    fn size(&self, slot: usize) -> SlotSize {
        let items = || self.slots[slot].iter().map(|&item| &self.items[item]);
        let widths: f32 = items().map(|item| item.size.x).sum();
        let gaps = items().count().saturating_sub(1) as f32;
        SlotSize {
            width: widths + gaps * SIDE_GAP.0 + SIDE_GAP.1 * if gaps > 0.0 { widths } else { 0.0 },
            height: items().map(|item| item.size.y).fold(0.0, f32::max),
            depth: items().map(|item| item.depth).fold(0.0, f32::max),
        }
    }

    /// Places the slabs, with gaps along z that are `spread` times the usual ones. Seen in `direction`, all rows begin
    /// below each other. The slabs of `slabs` that are no item keep their place.
    pub fn layout_for(&self, slabs: Vec<Slab>, spread: f32, direction: Direction) -> Layout {
        let sizes: Vec<SlotSize> = (0..self.slots.len()).map(|slot| self.size(slot)).collect();
        let lengths: Vec<f32> = self
            .rows()
            .map(|row| row.skip(1).map(|slot| gap(sizes[slot - 1], sizes[slot], spread)).sum())
            .collect();
        let longest = lengths.iter().copied().fold(0.0, f32::max);
        let tallest = sizes.iter().map(|size| size.height).fold(0.0, f32::max);
        let widest = sizes.iter().map(|size| size.width).fold(0.0, f32::max);
        let mut layout = Layout {
            slabs,
            picture: None,
            items: vec![ItemPlace { low: Vec3::ZERO, high: Vec3::ZERO, row: 0, slot: 0 }; self.items.len()],
            item_of: Vec::new(),
            groups: Vec::new(),
            floors: Vec::new(),
            rows: Vec::new(),
            overview: direction,
        };
        layout.item_of = vec![None; layout.slabs.len()];
        let mut base = Vec3::ZERO;
        for (row, (slots, length)) in self.rows().zip(lengths).enumerate() {
            if slots.is_empty() {
                continue;
            }
            let height = slots.clone().map(|slot| sizes[slot].height).fold(0.0, f32::max);
            if row > 0 {
                let step = ROW_STEP * widest;
                base += vec3(
                    step,
                    -(height + ROW_GAP.0 + ROW_GAP.1 * tallest),
                    step / direction.yaw.tan().max(0.5),
                );
            }
            let stretch = if length > 0.0 { (longest / length).min(STRETCH) } else { 1.0 };
            self.place_row(&mut layout, slots, &sizes, base, spread * stretch, FLOOR_MARGIN.0 * widest);
        }
        layout
    }

    fn place_row(
        &self,
        layout: &mut Layout,
        slots: Range<usize>,
        sizes: &[SlotSize],
        base: Vec3,
        spread: f32,
        margin: f32,
    ) {
        let mut at = base;
        let mut bounds = (Vec3::INFINITY, Vec3::NEG_INFINITY);
        let mut floor: Option<(Option<usize>, Floor)> = None;
        let half = slots.clone().map(|slot| sizes[slot].width).fold(0.0, f32::max) / 2.0 + margin;
        for slot in slots.clone() {
            if slot > slots.start {
                at.z -= gap(sizes[slot - 1], sizes[slot], spread);
            }
            let size = sizes[slot];
            let gaps = self.slots[slot].len().saturating_sub(1).max(1) as f32;
            let widths: f32 = self.slots[slot].iter().map(|&item| self.items[item].size.x).sum();
            let mut left = at.x - size.width / 2.0;
            for &index in &self.slots[slot] {
                let item = &self.items[index];
                let mut place = (Vec3::INFINITY, Vec3::NEG_INFINITY);
                let middle = vec3(left + item.size.x / 2.0, at.y, at.z);
                for tile in &item.tiles {
                    let slab = &mut layout.slabs[tile.slab];
                    slab.pitch = tile.pitch;
                    slab.centre = middle + tile.centre.extend(0.0);
                    let (low, high) = slab.bounds();
                    place = (place.0.min(low), place.1.max(high));
                    layout.item_of[tile.slab] = Some(index);
                }
                bounds = (bounds.0.min(place.0), bounds.1.max(place.1));
                layout.items[index] = ItemPlace { low: place.0, high: place.1, row: layout.rows.len(), slot };
                left += item.size.x + (size.width - widths) / gaps;
            }
            let stage = self.slots[slot].first().and_then(|&item| self.items[item].stage);
            let end = Floor {
                low: vec3(at.x - half, at.y - FLOOR_DEPTH, at.z - SLAB_THICKNESS - margin),
                high: vec3(at.x + half, at.y - FLOOR_DEPTH, at.z + size.depth + margin),
            };
            match &mut floor {
                Some((of, floor)) if *of == stage => floor.low = end.low,
                _ => {
                    let mut next = end;
                    if let Some((_, mut last)) = floor {
                        // Two floors meet in the middle of the gap between their slabs.
                        let middle = 0.5 * ((last.low.z + margin) + (end.high.z - margin));
                        last.low.z = (middle + FLOOR_MARGIN.1).max(last.low.z.min(middle));
                        next.high.z = middle - FLOOR_MARGIN.1;
                        layout.floors.push(last);
                    }
                    floor = Some((stage, next));
                }
            }
        }
        layout.floors.extend(floor.map(|(_, floor)| floor));
        layout.rows.push(bounds);
    }
}

/// Places slabs in one row.
pub(super) fn one_row(items: &[Item], slots: Vec<Vec<usize>>, slabs: Vec<Slab>) -> Layout {
    Arrangement { items, slots, starts: vec![0] }.layout_for(slabs, 1.0, Direction::default())
}

/// Distance along z between two slots. It grows with both, and more behind a wide one so that it does not hide a
/// narrow one.
fn gap(before: SlotSize, after: SlotSize, spread: f32) -> f32 {
    let (before, after, depth) = (before.width, after.width, after.depth);
    let gap = 0.7 + 0.4 * before + 0.2 * after + 0.5 * (before - after).max(0.0);
    (gap * spread).max(depth + 2.0 * SLAB_BORDER + 0.2)
}

/// Returns the class of all groups directly inside a group; empty if they differ.
fn inner_module(tree: &ModuleTree, group: usize) -> &str {
    let mut modules = tree.children(group).map(|child| tree.groups[child].module.as_str());
    let first = modules.next().unwrap_or("");
    if modules.all(|module| module == first) { first } else { "" }
}

/// Returns the visible groups of a layout, without the whole network unless that is folded.
pub(super) fn group_places(tree: &ModuleTree, items: &[Item], layout: &Layout) -> Vec<GroupPlace> {
    let mut folded_ends = 0;
    let folded: std::collections::HashSet<usize> = items.iter().filter_map(|item| item.group).collect();
    let mut places = Vec::new();
    for (index, group) in tree.groups.iter().enumerate() {
        let is_folded = folded.contains(&index);
        // Groups inside a folded one are not visible.
        if group.layers.start < folded_ends || (index == 0 && !is_folded) {
            continue;
        }
        if is_folded {
            folded_ends = group.layers.end;
        }
        let mut bounds: Vec<(Vec3, Vec3)> = Vec::new();
        let mut row_before = None;
        let slabs = group.layers.clone().filter_map(|layer| layout.slabs.get(layer));
        for slab in slabs.filter(|slab| !slab.hidden) {
            let (low, high) = slab.bounds();
            let row = layout.item_of[slab.layer].map(|item| layout.items[item].row);
            match bounds.last_mut() {
                Some(last) if row == row_before => *last = (last.0.min(low), last.1.max(high)),
                _ => bounds.push((low, high)),
            }
            row_before = row;
        }
        if !bounds.is_empty() {
            places.push(GroupPlace {
                path: group.path.clone(),
                depth: group.depth,
                layers: group.layers.clone(),
                module: group.module.clone(),
                groups: tree.children(index).count(),
                inner_module: inner_module(tree, index).to_owned(),
                folded: is_folded,
                bounds,
            });
        }
    }
    places
}
