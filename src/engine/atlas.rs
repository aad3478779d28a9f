//! Packs the cells of all slabs into the pages of one texture array.
//!
//! A slab whose pyramid has blocks of up to 2^k × 2^k cells starts at a multiple of 2^k texels, so that level k
//! of a page consists of level k of every slab on it and no block holds cells of two slabs.

use crate::model::Grid;

/// The rectangle of a slab's cells in the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtlasSlot {
    /// Index of the page, from 0.
    pub page: u32,
    /// Column of the first texel.
    pub x: u32,
    /// Row of the first texel.
    pub y: u32,
    /// Coarsest pyramid level of the slab, at which it is at most [`TOP_BLOCKS`] blocks wide and high.
    pub top: u32,
}

/// Greatest number of blocks per side at the coarsest level of a pyramid. A ray crosses so few of them that
/// coarser levels would cost more than they save; their wider alignment would waste texture memory.
pub const TOP_BLOCKS: u32 = 8;

/// The slots of all slabs, and number and size of the pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atlas {
    /// Slot of each slab.
    pub slots: Vec<AtlasSlot>,
    /// Width and height of a page in texels, a power of two.
    pub page_size: u32,
    /// Number of pages, at least 1.
    pub pages: u32,
    /// Number of pyramid levels above the cells, at least 1.
    pub levels: u32,
}

/// An error of packing slabs that exceed the texture limits of the device.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AtlasError {
    /// The cells of one layer exceed a page of the greatest size.
    #[error(
        "layer {layer} needs {columns} × {rows} cells; this device holds at most {limit} × {limit} a layer"
    )]
    LayerTooLarge {
        /// Number of the layer, from 1.
        layer: usize,
        /// Columns of its grid.
        columns: u32,
        /// Rows of its grid.
        rows: u32,
        /// Greatest width and height of a page, in texels.
        limit: u32,
    },
    /// The cells of all layers need more pages than a texture array has.
    #[error("the network needs {pages} texture pages of {size} × {size} cells; this device has {limit}")]
    TooManyPages {
        /// Number of pages needed.
        pages: u32,
        /// Width and height of a page, in texels.
        size: u32,
        /// Greatest number of pages.
        limit: u32,
    },
}

/// Coarsest pyramid level of a grid.
fn top_level(grid: Grid) -> u32 {
    let longest = grid.columns.max(grid.rows).max(1);
    longest.div_ceil(TOP_BLOCKS).next_power_of_two().trailing_zeros()
}

impl Atlas {
    /// Packs `grids` by shelves, the tallest first, into at most `max_pages` pages of at most `max_size` ×
    /// `max_size` texels.
    ///
    /// # Errors
    ///
    /// When a grid is larger than a page, or the grids need too many pages.
    pub fn new(grids: &[Grid], max_size: u32, max_pages: u32) -> Result<Self, AtlasError> {
        let padded = |grid: Grid| {
            let block = 1u32 << top_level(grid);
            (grid.columns.next_multiple_of(block), grid.rows.next_multiple_of(block))
        };
        let max_size = if max_size.is_power_of_two() { max_size } else { max_size.next_power_of_two() / 2 };
        for (layer, &grid) in grids.iter().enumerate() {
            if grid.columns > max_size || grid.rows > max_size {
                return Err(AtlasError::LayerTooLarge {
                    layer: layer + 1,
                    columns: grid.columns,
                    rows: grid.rows,
                    limit: max_size,
                });
            }
        }
        let area: u64 =
            grids.iter().map(|&grid| padded(grid)).map(|(w, h)| u64::from(w) * u64::from(h)).sum();
        let longest = grids.iter().map(|&grid| padded(grid)).map(|(w, h)| w.max(h)).max().unwrap_or(1);
        let mut page_size = longest.next_power_of_two().max(4);
        while page_size < max_size && u64::from(page_size) * u64::from(page_size) < area {
            page_size *= 2;
        }

        let mut order: Vec<usize> = (0..grids.len()).collect();
        order.sort_by_key(|&i| (std::cmp::Reverse(padded(grids[i]).1), i));
        let mut slots = vec![AtlasSlot { page: 0, x: 0, y: 0, top: 0 }; grids.len()];
        let (mut page, mut x, mut y, mut shelf) = (0, 0, 0, 0);
        for index in order {
            let (width, height) = padded(grids[index]);
            let top = top_level(grids[index]);
            let block = 1u32 << top;
            x = u32::next_multiple_of(x, block);
            if x + width > page_size {
                (x, y, shelf) = (0, y + shelf, 0);
            }
            y = u32::next_multiple_of(y, block);
            if y + height > page_size {
                (page, x, y, shelf) = (page + 1, 0, 0, 0);
            }
            slots[index] = AtlasSlot { page, x, y, top };
            x += width;
            shelf = shelf.max(height);
        }
        let pages = page + 1;
        if pages > max_pages {
            return Err(AtlasError::TooManyPages { pages, size: page_size, limit: max_pages });
        }
        let levels = slots.iter().map(|slot| slot.top).max().unwrap_or(0).max(1);
        Ok(Self { slots, page_size, pages, levels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slabs_never_share_a_block_at_any_level_they_use() {
        let sizes = [24, 48, 72, 10, 64, 192, 384, 256, 4096, 1000, 10, 9_216, 1, 70_000];
        let grids: Vec<Grid> = sizes.iter().map(|&units| Grid::near_square(units)).collect();
        let atlas = Atlas::new(&grids, 512, 64).expect("fits");
        for (i, (slot, grid)) in atlas.slots.iter().zip(&grids).enumerate() {
            assert!(slot.x + grid.columns <= atlas.page_size && slot.y + grid.rows <= atlas.page_size);
            assert_eq!((slot.x % (1 << slot.top), slot.y % (1 << slot.top)), (0, 0));
            assert!(grid.columns.max(grid.rows).div_ceil(1 << slot.top) <= TOP_BLOCKS);
            for (other, other_grid) in atlas.slots.iter().zip(&grids).skip(i + 1) {
                if other.page != slot.page {
                    continue;
                }
                // The texels of a slab's own blocks, padding included, hold no cell of another.
                let padded =
                    |from: u32, length: u32, block: u32| (from, from + length.next_multiple_of(block));
                let apart = |(a, b): (u32, u32), (c, d): (u32, u32)| b <= c || d <= a;
                let (block, other_block) = (1 << slot.top, 1 << other.top);
                let across = apart(
                    padded(slot.x, grid.columns, block),
                    padded(other.x, other_grid.columns, other_block),
                );
                let down =
                    apart(padded(slot.y, grid.rows, block), padded(other.y, other_grid.rows, other_block));
                assert!(across || down, "{slot:?} and {other:?}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_is_said() {
        assert_eq!(
            Atlas::new(&[Grid { columns: 5000, rows: 10 }], 4096, 1),
            Err(AtlasError::LayerTooLarge { layer: 1, columns: 5000, rows: 10, limit: 4096 })
        );
        let grids = [Grid { columns: 4096, rows: 4096 }; 3];
        assert_eq!(
            Atlas::new(&grids, 4096, 2),
            Err(AtlasError::TooManyPages { pages: 3, size: 4096, limit: 2 })
        );
    }
}
