//! The drawn slabs, as far as ribbons depend on them.

use super::super::frame::SlabData;
use crate::model::layout::{SLAB_BORDER, SLAB_THICKNESS};

/// The geometry of a drawn slab that ribbons depend on, in world units.
#[derive(Clone, Copy)]
pub(super) struct RibbonSlab {
    pub(super) layer: usize,
    /// Index in draw order.
    pub(super) draw_index: usize,
    /// z of the front face.
    pub(super) front: f32,
    /// Range along z of the slab with its cells.
    pub(super) low: f32,
    pub(super) high: f32,
    /// Range along y of the slab.
    pub(super) bottom: f32,
    pub(super) top: f32,
    pub(super) opacity: f32,
}

/// Returns the slabs by layer, which is front to back.
pub(super) fn ribbon_slabs(slabs: &[SlabData], height: f32) -> Vec<RibbonSlab> {
    let mut ribbon_slabs: Vec<RibbonSlab> = slabs
        .iter()
        .enumerate()
        .map(|(draw_index, slab)| RibbonSlab {
            layer: slab.layer as usize,
            draw_index,
            front: slab.corner.z,
            low: slab.corner.z - SLAB_THICKNESS,
            high: slab.corner.z + height * slab.pitch,
            bottom: slab.corner.y - slab.grid[1] as f32 * slab.pitch - SLAB_BORDER,
            top: slab.corner.y + SLAB_BORDER,
            opacity: slab.opacity,
        })
        .collect();
    ribbon_slabs.sort_by_key(|slab| slab.layer);
    for index in 1..ribbon_slabs.len() {
        // Very high cells could reach the slab in front; the rest of the gap stays for the ribbon.
        let gap = ribbon_slabs[index - 1].low - ribbon_slabs[index].front;
        ribbon_slabs[index].high = ribbon_slabs[index].high.min(ribbon_slabs[index].front + 0.8 * gap);
    }
    ribbon_slabs
}
