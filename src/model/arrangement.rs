//! Which unit each cell of a slab shows, and where a unit stands.

use std::sync::Arc;

use super::Grid;

/// The order in which the units of a layer stand on its slab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitPermutation {
    unit_at: Vec<u32>,
    place_of: Vec<u32>,
}

impl UnitPermutation {
    /// From the unit at each place; `None` unless each unit stands at exactly one.
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

    /// How many units there are.
    pub fn units(&self) -> usize {
        self.unit_at.len()
    }

    /// The unit at a place.
    pub fn unit(&self, place: usize) -> Option<usize> {
        self.unit_at.get(place).map(|&unit| unit as usize)
    }

    /// The place of a unit.
    pub fn place(&self, unit: usize) -> Option<usize> {
        self.place_of.get(unit).map(|&place| place as usize)
    }
}

/// A mosaic of feature maps, as [`Grid::mosaic`] tiles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mosaic {
    /// Tiles in a row.
    pub across: usize,
    /// Of one map.
    pub height: usize,
    pub width: usize,
}

/// What stands where on one slab.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellArrangement {
    /// Units of the layer; of a mosaic, its feature maps.
    pub units: usize,
    pub mosaic: Option<Mosaic>,
    /// `None` is as trained.
    pub places: Option<Arc<UnitPermutation>>,
}

/// What one cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellUnit {
    /// From 0, as trained.
    pub unit: usize,
    /// Row and column within its feature map, where whole maps are shown.
    pub at: Option<(usize, usize)>,
}

/// The cells that one unit takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitCells {
    pub column: u32,
    pub row: u32,
    pub columns: u32,
    pub rows: u32,
}

impl CellArrangement {
    /// `units` units as trained, a cell each.
    pub fn plain(units: usize) -> Self {
        Self { units, ..Self::default() }
    }

    /// What the cell of this index shows, row-major over `grid`; `None` where nothing stands.
    pub fn spot(&self, grid: Grid, cell: usize) -> Option<CellUnit> {
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
        Some(CellUnit { unit, at })
    }

    /// The cells of a unit on `grid`; `None` where the layer has no such unit.
    pub fn patch(&self, grid: Grid, unit: usize) -> Option<UnitCells> {
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
    fn only_permutations_are_orders() {
        assert!(UnitPermutation::new(vec![2, 0, 1]).is_some());
        assert_eq!(UnitPermutation::new(vec![0, 0, 1]), None);
        assert_eq!(UnitPermutation::new(vec![0, 3, 1]), None);
    }

    #[test]
    fn cells_and_units_name_each_other() {
        let places = UnitPermutation::new(vec![2, 0, 1]).map(Arc::new);
        let (across, tiled) = Grid::mosaic(3, 2, 3);
        let mosaic = Some(Mosaic { across, height: 2, width: 3 });
        for (grid, mosaic, cells) in [(Grid::near_square(3), None, 1), (tiled, mosaic, 6)] {
            let arrangement = CellArrangement { units: 3, mosaic, places: places.clone() };
            let mut seen = [0; 3];
            for cell in 0..grid.cells() {
                let Some(spot) = arrangement.spot(grid, cell) else { continue };
                seen[spot.unit] += 1;
                let patch = arrangement.patch(grid, spot.unit).expect("it stands somewhere");
                let (y, x) = spot.at.unwrap_or((0, 0));
                assert_eq!(grid.position(cell), (patch.column + x as u32, patch.row + y as u32));
            }
            assert_eq!(seen, [cells; 3]);
        }
        let arrangement = CellArrangement { units: 3, mosaic: None, places };
        assert_eq!(arrangement.spot(Grid::near_square(3), 0), Some(CellUnit { unit: 2, at: None }));
    }
}
