//! The floors below slabs, and the shadows that slabs cast on them: rectangles of shaders/floors.wgsl.

use bytemuck::{Pod, Zeroable};
use glam::{Vec2, vec2};

use crate::model::{Floor, ItemPlace, Layout};

/// Length of a shadow to the right and to the back, as shares of the height of its slab: light comes from the upper
/// left, in front.
const SHADOW: Vec2 = vec2(0.22, 0.34);
/// Width over which the edge of a shadow fades, as a share of the height of its slab.
const SOFTNESS: f32 = 0.16;

/// `Area` in shaders/floors.wgsl, which documents the members.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
pub(super) struct Area {
    pub low: [f32; 2],
    pub high: [f32; 2],
    pub inner_low: [f32; 2],
    pub inner_high: [f32; 2],
    pub y: f32,
    pub soft: f32,
    pub shadow: f32,
    // The size of an area is a multiple of that of its vectors.
    pub padding: f32,
}

/// Returns a floor and the shadows on it.
pub(super) fn areas(layout: &Layout, floor: &Floor) -> Vec<Area> {
    let (low, high) = (vec2(floor.low.x, floor.low.z), vec2(floor.high.x, floor.high.z));
    let y = floor.low.y;
    let all = Area {
        low: low.into(),
        high: high.into(),
        inner_low: low.into(),
        inner_high: high.into(),
        y,
        soft: 0.0,
        shadow: 0.0,
        padding: 0.0,
    };
    let shadow = |item: &ItemPlace| {
        let height = item.high.y - item.low.y;
        let inner_low = vec2(item.low.x, item.low.z - SHADOW.y * height);
        let inner_high = vec2(item.high.x + SHADOW.x * height, item.high.z);
        let soft = SOFTNESS * height;
        let (outer_low, outer_high) = ((inner_low - soft).max(low), (inner_high + soft).min(high));
        let is_above = item.low.y > y && item.low.y - y < height;
        (is_above && outer_low.cmplt(outer_high).all()).then(|| Area {
            low: outer_low.into(),
            high: outer_high.into(),
            inner_low: inner_low.into(),
            inner_high: inner_high.into(),
            soft,
            shadow: 1.0,
            ..all
        })
    };
    std::iter::once(all).chain(layout.items.iter().filter_map(shadow)).collect()
}
