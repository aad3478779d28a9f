//! The texture arrays of the values of a network.

use super::atlas::Atlas;

/// Cells and blocks of all pages, laid out as shaders/shared/frame.wgsl describes.
pub(super) struct Textures {
    pub(super) cells: wgpu::Texture,
    pub(super) blocks: wgpu::Texture,
}

impl Textures {
    /// Returns the origin of a level of a page among the cells: level 0 is the cells themselves, the others
    /// the greatest of their blocks.
    pub(super) fn greatest_origin(atlas: &Atlas, page: u32, level: u32) -> wgpu::Origin3d {
        if level == 0 {
            return wgpu::Origin3d { x: 0, y: 0, z: page };
        }
        let at = Self::block_origin(atlas, page, level);
        wgpu::Origin3d { z: atlas.pages + at.z, ..at }
    }

    /// Returns the origin of the blocks of a level of a page; `z` is the pair of pages.
    pub(super) fn block_origin(atlas: &Atlas, page: u32, level: u32) -> wgpu::Origin3d {
        let edge = atlas.page_size;
        wgpu::Origin3d { x: (page & 1) * (edge / 2), y: edge - (edge >> (level - 1)), z: page / 2 }
    }
}
