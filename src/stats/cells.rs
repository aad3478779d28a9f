//! Unit values laid out as cells: a grid of units per layer, or a mosaic of feature maps.

use std::sync::Arc;

use super::side::resolve_epoch;
use super::{Backend, DeviceCopy, Sides, StatsError, UnmatchedLayer, table};
use crate::model::{
    CellArrangement, EpochIndex, EpochPosition, Grid, LayerCells, Layout, MapBlock, Mosaic, Norm, Query,
    Source, Stat, UnitIndex, UnitPermutation,
};

/// The cells of all slabs of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// One per layer of A.
    pub layers: Vec<LayerCells>,
    /// The assignment of units to cells, one per layer of A.
    pub arrangements: Vec<CellArrangement>,
    /// The unit values of each layer of A on the device of the backend, in the order of the network: the values
    /// of `layers` before their arrangement. `None` if they are not there, and for mosaics.
    pub copies: Vec<Option<DeviceCopy>>,
    /// Layers of A without values because run B has no layer to compare.
    pub unmatched: Vec<UnmatchedLayer>,
}

impl Cells {
    /// Lays out the units in other orders, one per layer; `None` keeps the order of the network. An order
    /// with another number of units than the layer has is ignored. Layers of a single column keep their
    /// order, because class labels identify their cells by position.
    pub fn ordered(mut self, orders: &[Option<Arc<UnitPermutation>>]) -> Self {
        for ((layer, arrangement), places) in self.layers.iter_mut().zip(&mut self.arrangements).zip(orders) {
            let Some(places) = places.as_ref().filter(|places| places.units() == arrangement.units) else {
                continue;
            };
            if layer.grid.columns == 1 {
                continue;
            }
            let before = std::mem::replace(&mut layer.values, vec![LayerCells::NO_CELL; layer.units]);
            let new = CellArrangement { places: Some(Arc::clone(places)), ..arrangement.clone() };
            let columns = layer.grid.columns as usize;
            for unit in (0..arrangement.units).map(UnitIndex) {
                let (Some(old), Some(at)) =
                    (arrangement.unit_cells(layer.grid, unit), new.unit_cells(layer.grid, unit))
                else {
                    continue;
                };
                let start = |column: u32, row: u32| row as usize * columns + column as usize;
                for line in 0..old.rows {
                    let from = start(old.column, old.row + line);
                    let to = start(at.column, at.row + line);
                    let width = old.columns as usize;
                    if let (Some(to), Some(from)) =
                        (layer.values.get_mut(to..to + width), before.get(from..from + width))
                    {
                        to.copy_from_slice(from);
                    }
                }
            }
            *arrangement = new;
        }
        self
    }

    /// Size of the values in bytes.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| size_of_val(layer.values.as_slice()) as u64).sum()
    }
}

/// Computes the cells of every layer for `query` at a recorded epoch of A. The values are not
/// normalised, whatever [`Query::norm`] is.
///
/// A layer is a grid of its units as in [`Layout::grids`]. If the query is a single input, layers whose
/// feature maps are recorded for it are mosaics ([`Grid::mosaic`]) with gutters of one cell.
///
/// # Errors
/// Returns a [`StatsError`] if [`table()`] does, or if feature maps contradict their size.
pub fn cells(
    sides: Sides,
    query: &Query,
    epoch: EpochIndex,
    backend: &dyn Backend,
) -> Result<Cells, StatsError> {
    let position = EpochPosition::at(epoch);
    let source = sides.a;
    let raw = Query { norm: Norm::Raw, ..query.clone() };
    let mut table = table(sides, &raw, position, backend)?;
    let grids = Layout::grids(source.recording());
    let mut layers: Vec<LayerCells> = grids
        .into_iter()
        .zip(table.layers)
        .map(|((grid, _), values)| LayerCells { grid, units: values.len(), values })
        .collect();
    let mut arrangements: Vec<CellArrangement> =
        layers.iter().map(|layer| CellArrangement::as_trained(layer.units)).collect();
    for map in read_maps(source, query, position)? {
        let index = map.layer;
        let (mosaic, arrangement) = mosaic(&map).ok_or_else(|| StatsError::Shape {
            layer: source.recording().layers.get(index).map_or_else(|| index.to_string(), |l| l.name.clone()),
            found: format!("feature maps of {} values", map.values.columns()),
            expected: format!("{} × {}", map.height, map.width),
        })?;
        if let (Some(layer), Some(own)) = (layers.get_mut(index), arrangements.get_mut(index)) {
            (*layer, *own) = (mosaic, arrangement);
            table.copies[index] = None;
        }
    }
    Ok(Cells { layers, arrangements, copies: table.copies, unmatched: table.unmatched })
}

/// Reads the feature maps for a query of one input at one recorded epoch; empty for other queries. The
/// mean, minimum and maximum of a single input are its value.
fn read_maps(source: &dyn Source, query: &Query, epoch: EpochPosition) -> Result<Vec<MapBlock>, StatsError> {
    let Some(input) = query.select.single_input() else { return Ok(Vec::new()) };
    let is_own_value = matches!(query.stat, Stat::Mean | Stat::Min | Stat::Max);
    let position = resolve_epoch(source.recording(), &query.select, epoch)?;
    if query.minus.is_some() || !is_own_value || position.t > 0.0 {
        return Ok(Vec::new());
    }
    Ok(source.maps(position.from, input)?)
}

/// Lays out feature maps as a mosaic; `None` if their size contradicts the number of values.
fn mosaic(map: &MapBlock) -> Option<(LayerCells, CellArrangement)> {
    let (channels, height, width) = (map.values.rows(), map.height, map.width);
    if channels == 0 || width == 0 || height.checked_mul(width)? != map.values.columns() {
        return None;
    }
    let (across, grid) = Grid::mosaic(channels, height, width);
    let mut values = vec![LayerCells::NO_CELL; grid.cells()];
    let columns = grid.columns as usize;
    for channel in 0..channels {
        let (left, top) = (channel % across * (width + 1), channel / across * (height + 1));
        for (y, line) in map.values.row(channel).chunks_exact(width).enumerate() {
            let start = (top + y) * columns + left;
            for (cell, &value) in values[start..start + width].iter_mut().zip(line) {
                *cell = if value.is_finite() { value } else { f32::NAN };
            }
        }
    }
    let arrangement =
        CellArrangement { units: channels, mosaic: Some(Mosaic { across, height, width }), places: None };
    Some((LayerCells { grid, units: grid.cells(), values }, arrangement))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Selection, Tensor};
    use crate::stats::Cpu;
    use crate::stats::testing::Memory;

    fn query(select: &str) -> Query {
        Query { select: select.parse().unwrap(), ..Query::default() }
    }

    /// Three maps of 2 × 3 at the second layer.
    fn with_maps() -> Memory {
        let mut memory = Memory::new();
        let mut values: Vec<f32> = (0..18).map(|value| value as f32).collect();
        values[7] = f32::NAN;
        values[8] = f32::NEG_INFINITY;
        let values = Tensor::from_f32(values, 3, 6).unwrap();
        memory.maps = vec![MapBlock { layer: 1, height: 2, width: 3, values }];
        memory
    }

    #[test]
    fn units_have_the_grid_of_the_layout() {
        let memory = Memory::new();
        let layers = cells(Sides::one(&memory), &query("class:1"), EpochIndex(1), &Cpu).unwrap().layers;
        let table =
            table(Sides::one(&memory), &query("class:1"), EpochPosition::at(EpochIndex(1)), &Cpu).unwrap();
        for (((grid, units), layer), values) in
            Layout::grids(&memory.recording).into_iter().zip(&layers).zip(&table.layers)
        {
            assert_eq!((layer.grid, layer.units, &layer.values), (grid, units, values));
        }
        assert_eq!(layers[1].grid, Grid::column(3), "a layer that names the classes is a column");
    }

    #[test]
    fn the_maps_of_one_input_are_a_mosaic() {
        let memory = with_maps();
        let layers = cells(Sides::one(&memory), &query("input:4"), EpochIndex(0), &Cpu).unwrap().layers;
        assert_eq!(layers[0].grid, Grid { columns: 2, rows: 1 }, "no maps of this layer");
        let layer = &layers[1];
        // Three tiles of 3 × 2: (3 * 3 / 4).sqrt() rounds to 2 across.
        assert_eq!(layer.grid, Grid { columns: 7, rows: 5 });
        assert_eq!((layer.units, layer.values.len()), (35, 35));
        let shown: Vec<String> = layer
            .values
            .iter()
            .map(|&value| match value {
                LayerCells::NO_CELL => ".".to_owned(),
                value => value.to_string(),
            })
            .collect();
        let lines: Vec<String> = shown.chunks(7).map(|line| line.join(" ")).collect();
        assert_eq!(
            lines,
            ["0 1 2 . 6 NaN NaN", "3 4 5 . 9 10 11", ". . . . . . .", "12 13 14 . . . .", "15 16 17 . . . .",]
        );
    }

    #[test]
    fn units_and_maps_have_the_given_order() {
        let memory = with_maps();
        let trained = cells(Sides::one(&memory), &query("input:4"), EpochIndex(0), &Cpu).unwrap();
        let orders = [vec![1, 0], vec![2, 0, 1]].map(|unit_at| UnitPermutation::new(unit_at).map(Arc::new));
        let ordered = trained.clone().ordered(&orders);
        for (layer, (was, now)) in trained.layers.iter().zip(&ordered.layers).enumerate() {
            assert_eq!((was.grid, was.units, was.values.len()), (now.grid, now.units, now.values.len()));
            let (was_at, now_at) = (&trained.arrangements[layer], &ordered.arrangements[layer]);
            let mut known = 0;
            for cell in 0..now.values.len() {
                let Some(shown) = now_at.cell_unit(now.grid, cell) else {
                    assert_eq!(now.values[cell], LayerCells::NO_CELL);
                    continue;
                };
                let old_cells = was_at.unit_cells(was.grid, shown.unit).unwrap();
                let (y, x) = shown.at.unwrap_or((0, 0));
                let old =
                    (old_cells.row as usize + y) * was.grid.columns as usize + old_cells.column as usize + x;
                assert_eq!(now.values[cell].to_bits(), was.values[old].to_bits());
                known += 1;
            }
            assert_eq!(known, [2, 18][layer]);
            assert_ne!(format!("{:?}", now.values), format!("{:?}", was.values));
        }
        let column = cells(Sides::one(&memory), &query("all"), EpochIndex(0), &Cpu).unwrap();
        assert_eq!(column.clone().ordered(&orders).layers[1], column.layers[1], "classes keep their names");
        let wrong = [None, UnitPermutation::new(vec![1, 0]).map(Arc::new)];
        assert_eq!(format!("{:?}", trained.clone().ordered(&wrong)), format!("{trained:?}"));
    }

    #[test]
    fn mosaics_are_for_single_inputs_only() {
        let memory = with_maps();
        let units =
            |query: &Query| cells(Sides::one(&memory), query, EpochIndex(0), &Cpu).unwrap().layers[1].units;
        assert_eq!(units(&query("input:4@first")), 35);
        for select in ["input:4,5", "class:1", "all", "input:4&class:1", "input:4@2.5"] {
            assert_eq!(units(&query(select)), 3, "{select}");
        }
        assert_eq!(units(&Query { minus: Some(Selection::input(4)), ..query("input:4") }), 3);
        assert_eq!(units(&Query { stat: Stat::Std, ..query("input:4") }), 3);
        assert_eq!(units(&Query { stat: Stat::Max, ..query("input:4") }), 35);
    }

    #[test]
    fn maps_that_contradict_themselves_are_refused() {
        for (height, width) in [(2, 2), (0, 0), (usize::MAX, 2)] {
            let mut memory = with_maps();
            (memory.maps[0].height, memory.maps[0].width) = (height, width);
            let error = cells(Sides::one(&memory), &query("input:4"), EpochIndex(0), &Cpu).unwrap_err();
            assert!(matches!(&error, StatsError::Shape { layer, .. } if layer == "2"), "{error}");
        }
    }
}
