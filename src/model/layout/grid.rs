//! Grids of cells.

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
