//! The texture arrays of a field.

use super::atlas::Atlas;

/// Cells and blocks of all pages, laid out as shaders/shared/frame.wgsl describes.
pub(super) struct Textures {
    /// The cells, and after them the greatest values of all blocks, as `R16Float`.
    pub(super) cells: wgpu::Texture,
    /// The blocks as `Rgba16Float`: greatest, mean, deviation, shares.
    pub(super) blocks: wgpu::Texture,
}

impl Textures {
    /// Returns the origin of a level of a page in `cells`: level 0 holds the cells themselves, the others the
    /// greatest values of their blocks.
    pub(super) fn greatest_origin(atlas: &Atlas, page: u32, level: u32) -> wgpu::Origin3d {
        if level == 0 {
            return wgpu::Origin3d { x: 0, y: 0, z: page };
        }
        let at = Self::block_origin(atlas, page, level);
        wgpu::Origin3d { z: atlas.pages + at.z, ..at }
    }

    /// Returns the origin of a level, from 1, of a page in `blocks`; `z` is the index of the pair of pages.
    pub(super) fn block_origin(atlas: &Atlas, page: u32, level: u32) -> wgpu::Origin3d {
        let edge = atlas.page_size;
        wgpu::Origin3d { x: (page & 1) * (edge / 2), y: edge - (edge >> (level - 1)), z: page / 2 }
    }
}
