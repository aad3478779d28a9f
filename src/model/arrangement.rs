//! Assignment of the units of a layer to the cells of its slab.

use std::sync::Arc;

use super::{Grid, UnitIndex};

/// An order of the units of a layer on its slab: a bijection between units and places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPermutation {
    unit_at: Vec<u32>,
    place_of: Vec<u32>,
}

impl UnitPermutation {
    /// Creates a permutation from the unit at each place; `None` unless every unit in
    /// `0..unit_at.len()` occurs exactly once.
    pub fn new(unit_at: Vec<u32>) -> Option<Self> {
        const NONE: u32 = u32::MAX;
        let mut place_of = vec![NONE; unit_at.len()];
        for (place, &unit) in (0..NONE).zip(&unit_at) {
            let slot = place_of.get_mut(unit as usize)?;
            if std::mem::replace(slot, place) != NONE {
                return None;
            }
        }
        Some(Self { unit_at, place_of })
    }

    /// The number of units.
    pub fn units(&self) -> usize {
        self.unit_at.len()
    }

    /// The unit at each place.
    pub fn unit_at(&self) -> &[u32] {
        &self.unit_at
    }

    /// The unit at a place; `None` outside the permutation.
    pub fn unit(&self, place: usize) -> Option<usize> {
        self.unit_at.get(place).map(|&unit| unit as usize)
    }

    /// The place of a unit; `None` outside the permutation.
    pub fn place(&self, unit: usize) -> Option<usize> {
        self.place_of.get(unit).map(|&place| place as usize)
    }
}

/// The tiling of a mosaic of feature maps, as computed by [`Grid::mosaic`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mosaic {
    /// Number of tiles in a row.
    pub across: usize,
    /// Height of one feature map, in cells.
    pub height: usize,
    /// Width of one feature map, in cells.
    pub width: usize,
}

/// The assignment of units to the cells of one slab.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellArrangement {
    /// Number of units of the layer; of a mosaic, the number of its feature maps.
    pub units: usize,
    /// The tiling where whole feature maps are shown; `None` for one cell per unit.
    pub mosaic: Option<Mosaic>,
    /// The order of the units; `None` is the order of the network.
    pub places: Option<Arc<UnitPermutation>>,
}

/// The unit that one cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellUnit {
    /// The unit.
    pub unit: UnitIndex,
    /// Row and column within the feature map, where whole maps are shown.
    pub at: Option<(usize, usize)>,
}

/// The rectangle of cells that shows one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitCells {
    /// Leftmost column.
    pub column: u32,
    /// Topmost row.
    pub row: u32,
    /// Width in cells.
    pub columns: u32,
    /// Height in cells.
    pub rows: u32,
}

impl CellArrangement {
    /// An arrangement of `units` units in the order of the network, one cell each.
    pub fn as_trained(units: usize) -> Self {
        Self { units, ..Self::default() }
    }

    /// The unit that a cell shows; `cell` is a row-major index into `grid`. `None` where there is no cell.
    pub fn cell_unit(&self, grid: Grid, cell: usize) -> Option<CellUnit> {
        let (place, at) = match self.mosaic {
            None => (cell, None),
            Some(mosaic) => {
                let (column, row) = grid.position(cell);
                let (column, row) = (column as usize, row as usize);
                let (x, y) = (column % (mosaic.width + 1), row % (mosaic.height + 1));
                if x >= mosaic.width || y >= mosaic.height {
                    return None;
                }
                let tile = row / (mosaic.height + 1) * mosaic.across + column / (mosaic.width + 1);
                (tile, Some((y, x)))
            }
        };
        if place >= self.units {
            return None;
        }
        let unit = match &self.places {
            Some(places) => places.unit(place)?,
            None => place,
        };
        Some(CellUnit { unit: UnitIndex(unit), at })
    }

    /// The cells that show a unit on `grid`; `None` where the layer has no such unit.
    pub fn unit_cells(&self, grid: Grid, UnitIndex(unit): UnitIndex) -> Option<UnitCells> {
        if unit >= self.units {
            return None;
        }
        let place = match &self.places {
            Some(places) => places.place(unit)?,
            None => unit,
        };
        Some(match self.mosaic {
            None => {
                let (column, row) = grid.position(place);
                UnitCells { column, row, columns: 1, rows: 1 }
            }
            Some(Mosaic { across, height, width }) => {
                let (column, row) = (place % across.max(1), place / across.max(1));
                UnitCells {
                    column: (column * (width + 1)) as u32,
                    row: (row * (height + 1)) as u32,
                    columns: width as u32,
                    rows: height as u32,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_permutations_are_accepted() {
        assert!(UnitPermutation::new(vec![2, 0, 1]).is_some());
        assert_eq!(UnitPermutation::new(vec![0, 0, 1]), None);
        assert_eq!(UnitPermutation::new(vec![0, 3, 1]), None);
    }

    #[test]
    fn cell_unit_and_unit_cells_are_inverse() {
        let places = UnitPermutation::new(vec![2, 0, 1]).map(Arc::new);
        let (across, tiled) = Grid::mosaic(3, 2, 3);
        let mosaic = Some(Mosaic { across, height: 2, width: 3 });
        for (grid, mosaic, cells_per_unit) in [(Grid::near_square(3), None, 1), (tiled, mosaic, 6)] {
            let arrangement = CellArrangement { units: 3, mosaic, places: places.clone() };
            let mut seen = [0; 3];
            for cell in 0..grid.cells() {
                let Some(shown) = arrangement.cell_unit(grid, cell) else { continue };
                seen[shown.unit.0] += 1;
                let cells = arrangement.unit_cells(grid, shown.unit).expect("the unit has cells");
                let (y, x) = shown.at.unwrap_or((0, 0));
                assert_eq!(grid.position(cell), (cells.column + x as u32, cells.row + y as u32));
            }
            assert_eq!(seen, [cells_per_unit; 3]);
        }
        let arrangement = CellArrangement { units: 3, mosaic: None, places };
        assert_eq!(
            arrangement.cell_unit(Grid::near_square(3), 0),
            Some(CellUnit { unit: UnitIndex(2), at: None })
        );
    }
}
