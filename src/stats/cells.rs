//! Unit values laid out for drawing: a grid of units per layer, or a mosaic of feature maps.

use std::sync::Arc;

use super::table::moment;
use super::{Backend, Sides, StatsError, Unmatched, table};
use crate::model::{
    CellArrangement, EpochPosition, Grid, LayerCells, Layout, MapBlock, Mosaic, Norm, Query, Source, Stat,
    UnitPermutation,
};

/// What the slabs of a network show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// One per layer of A.
    pub layers: Vec<LayerCells>,
    /// What stands where, as many as there are layers.
    pub arrangements: Vec<CellArrangement>,
    /// Layers without values because the run that is subtracted has no such layer.
    pub unmatched: Vec<Unmatched>,
}

impl Cells {
    /// The same units in another order, given one per layer; `None` stays as trained. A layer of as many
    /// units or feature maps as its order has is laid out anew. A single column stays as it is: its
    /// cells are known by their place.
    pub fn ordered(mut self, orders: &[Option<Arc<UnitPermutation>>]) -> Self {
        for ((layer, arrangement), places) in self.layers.iter_mut().zip(&mut self.arrangements).zip(orders) {
            let Some(places) = places.as_ref().filter(|it| it.units() == arrangement.units) else { continue };
            if layer.grid.columns == 1 {
                continue;
            }
            let before = std::mem::replace(&mut layer.values, vec![LayerCells::NO_CELL; layer.units]);
            let new = CellArrangement { places: Some(Arc::clone(places)), ..arrangement.clone() };
            let columns = layer.grid.columns as usize;
            for unit in 0..arrangement.units {
                let (Some(old), Some(at)) =
                    (arrangement.patch(layer.grid, unit), new.patch(layer.grid, unit))
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

    /// Bytes that they take.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| size_of_val(layer.values.as_slice()) as u64).sum()
    }
}

/// What the cells of every layer show for `query` at a recorded epoch of A (an index). They are not
/// normalised, whatever [`Query::norm`] says: that is for whoever shows them.
///
/// A layer is a grid of its units as [`Layout::new`] has it. When the query is one single input, the
/// layers whose whole feature maps were recorded for it are mosaics ([`Grid::mosaic`]), with gutters
/// of one cell.
pub fn cells(sides: Sides, query: &Query, epoch: usize, backend: &dyn Backend) -> Result<Cells, StatsError> {
    let position = EpochPosition::at(epoch);
    let source = sides.a;
    let raw = Query { norm: Norm::Raw, ..query.clone() };
    let table = table(sides, &raw, position, backend)?;
    let grids = Layout::new(source.recording()).slabs;
    let mut layers: Vec<LayerCells> = grids
        .iter()
        .zip(table.layers)
        .map(|(slab, values)| LayerCells { grid: slab.grid, units: values.len(), values })
        .collect();
    let mut arrangements: Vec<CellArrangement> =
        layers.iter().map(|layer| CellArrangement::plain(layer.units)).collect();
    for map in maps(source, query, position)? {
        let index = map.layer;
        let (mosaic, arrangement) = mosaic(&map).ok_or_else(|| StatsError::Shape {
            layer: source.recording().layers.get(index).map_or_else(|| index.to_string(), |l| l.name.clone()),
            found: format!("feature maps of {} values", map.values.columns()),
            expected: format!("{} × {}", map.height, map.width),
        })?;
        if let (Some(layer), Some(own)) = (layers.get_mut(index), arrangements.get_mut(index)) {
            (*layer, *own) = (mosaic, arrangement);
        }
    }
    Ok(Cells { layers, arrangements, unmatched: table.unmatched })
}

/// The feature maps that answer the query: those of one input, at one recorded epoch. A single value
/// is its own mean, least and greatest.
fn maps(source: &dyn Source, query: &Query, epoch: EpochPosition) -> Result<Vec<MapBlock>, StatsError> {
    let Some(input) = query.select.single_input() else { return Ok(Vec::new()) };
    let own_value = matches!(query.stat, Stat::Mean | Stat::Min | Stat::Max);
    let position = moment(source.recording(), &query.select, epoch)?;
    if query.minus.is_some() || !own_value || position.t > 0.0 {
        return Ok(Vec::new());
    }
    Ok(source.maps(position.from, input)?)
}

/// Tiles the maps; `None` when the block contradicts itself.
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
    fn units_stand_in_the_grid_of_the_layout() {
        let memory = Memory::new();
        let layers = cells(Sides::one(&memory), &query("class:1"), 1, &Cpu).unwrap().layers;
        let table = table(Sides::one(&memory), &query("class:1"), EpochPosition::at(1), &Cpu).unwrap();
        for ((slab, layer), values) in
            Layout::new(&memory.recording).slabs.iter().zip(&layers).zip(&table.layers)
        {
            assert_eq!((layer.grid, layer.units, &layer.values), (slab.grid, slab.units, values));
        }
        assert_eq!(layers[1].grid, Grid::column(3), "a layer that names the classes is a column");
    }

    #[test]
    fn the_maps_of_one_input_are_a_mosaic() {
        let memory = with_maps();
        let layers = cells(Sides::one(&memory), &query("input:4"), 0, &Cpu).unwrap().layers;
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
    fn units_and_maps_stand_in_the_order_that_is_asked_for() {
        let memory = with_maps();
        let trained = cells(Sides::one(&memory), &query("input:4"), 0, &Cpu).unwrap();
        let orders = [vec![1, 0], vec![2, 0, 1]].map(|unit_at| UnitPermutation::new(unit_at).map(Arc::new));
        let ordered = trained.clone().ordered(&orders);
        for (layer, (was, now)) in trained.layers.iter().zip(&ordered.layers).enumerate() {
            assert_eq!((was.grid, was.units, was.values.len()), (now.grid, now.units, now.values.len()));
            let (was_at, now_at) = (&trained.arrangements[layer], &ordered.arrangements[layer]);
            let mut known = 0;
            for cell in 0..now.values.len() {
                let Some(spot) = now_at.spot(now.grid, cell) else {
                    assert_eq!(now.values[cell], LayerCells::NO_CELL);
                    continue;
                };
                let patch = was_at.patch(was.grid, spot.unit).unwrap();
                let (y, x) = spot.at.unwrap_or((0, 0));
                let old = (patch.row as usize + y) * was.grid.columns as usize + patch.column as usize + x;
                assert_eq!(now.values[cell].to_bits(), was.values[old].to_bits());
                known += 1;
            }
            assert_eq!(known, [2, 18][layer]);
            assert_ne!(format!("{:?}", now.values), format!("{:?}", was.values));
        }
        let column = cells(Sides::one(&memory), &query("all"), 0, &Cpu).unwrap();
        assert_eq!(column.clone().ordered(&orders).layers[1], column.layers[1], "classes keep their names");
        let wrong = [None, UnitPermutation::new(vec![1, 0]).map(Arc::new)];
        assert_eq!(format!("{:?}", trained.clone().ordered(&wrong)), format!("{trained:?}"));
    }

    #[test]
    fn a_mosaic_answers_for_one_input_only() {
        let memory = with_maps();
        let units = |query: &Query| cells(Sides::one(&memory), query, 0, &Cpu).unwrap().layers[1].units;
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
            let error = cells(Sides::one(&memory), &query("input:4"), 0, &Cpu).unwrap_err();
            assert!(matches!(&error, StatsError::Shape { layer, .. } if layer == "2"), "{error}");
        }
    }
}
