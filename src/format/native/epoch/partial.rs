//! Reading a part of an epoch: one layer, or one unit. Only the arrays and columns concerned are read, so
//! that the cost does not depend on the size of the network.

use super::super::super::FormatError;
use super::aggregates::{ALL, add, variance_of};
use super::{EpochSchema, EpochShard, STATISTICS, ShardedEpoch, array_name};
use crate::model::{Aggregate, Group, RowBlock, Tensor, UnitAggregates, UnitId};

impl ShardedEpoch {
    /// Returns the aggregate of one layer over a group, or `None` if none is stored.
    pub(in super::super) fn layer_aggregate(
        &self,
        schema: &EpochSchema<'_>,
        group: Group,
        layer: usize,
    ) -> Result<Option<Aggregate>, FormatError> {
        Ok(self.merged(schema, group, layer..layer + 1)?.and_then(|mut layers| layers.pop()))
    }

    /// Returns the aggregates of one unit over all groups.
    pub(in super::super) fn unit_aggregates(
        &self,
        schema: &EpochSchema<'_>,
        unit: UnitId,
    ) -> Result<UnitAggregates, FormatError> {
        let (layer, unit) = (unit.layer.0, unit.unit.0);
        let mut aggregates = UnitAggregates { all: None, classes: vec![None; schema.classes.len()] };
        if !self.has_aggregates {
            return Ok(aggregates);
        }
        let mut of_classes: Option<Aggregate> = None;
        for EpochShard { shard, .. } in &self.shards {
            let Some(groups) = shard.integers("groups", None)? else { continue };
            let counts = shard.integers("counts", Some(groups.len()))?.unwrap_or_default();
            let units = schema.layers[layer].units;
            let column = |part: &str| {
                let name = array_name(layer, part);
                let tensor = shard.tensor(&name, shard.get(&name)?, 0..groups.len(), units)?;
                Some(tensor.column(unit, 0..groups.len()))
            };
            let Some(mean) = column("mean") else { continue };
            let [variance, second_moment, min, max, rate] = STATISTICS.map(column);
            for (row, (&group, &count)) in groups.iter().zip(&counts).enumerate() {
                let value = |column: &Option<Vec<f32>>| column.as_ref().map(|column| vec![column[row]]);
                let variance = value(&variance).or_else(|| {
                    let square = second_moment.as_ref()?[row];
                    Some(vec![variance_of(mean[row], square)])
                });
                let part = Aggregate {
                    count: u64::try_from(count).unwrap_or(0),
                    mean: vec![mean[row]],
                    variance,
                    min: value(&min),
                    max: value(&max),
                    rate: value(&rate),
                };
                if group >= 0 && !self.has_units {
                    add(&mut of_classes, part.clone());
                }
                if group == ALL {
                    add(&mut aggregates.all, part);
                } else if let Ok(class) = schema.classes.binary_search_by_key(&group, |class| class.id) {
                    add(&mut aggregates.classes[class], part);
                }
            }
        }
        // As for whole layers: the classes together cover all inputs.
        aggregates.all = aggregates.all.or(of_classes);
        Ok(aggregates)
    }

    /// Returns the unit values of the wanted inputs at one layer, or `None` if none were recorded.
    pub(in super::super) fn layer_rows(
        &self,
        schema: &EpochSchema<'_>,
        layer: usize,
        wanted: &[usize],
    ) -> Result<Option<RowBlock>, FormatError> {
        if !self.has_units {
            return Ok(None);
        }
        let with_units: Vec<_> = self.shards_with_units(layer).collect();
        if let [(only, tensor)] = with_units.as_slice()
            && let Some(rows) = only.rows_of(wanted, schema)?
        {
            return Ok(Some(RowBlock { layers: vec![tensor.clone()], rows }));
        }
        let gathered = self.gather(schema, layer, wanted)?;
        Ok(gathered.map(|tensor| RowBlock { layers: vec![tensor], rows: (0..wanted.len()).collect() }))
    }

    /// Returns the value of one unit for every input, NaN where none was recorded, or `None` if no values of
    /// single inputs were recorded.
    pub(in super::super) fn unit_column(
        &self,
        schema: &EpochSchema<'_>,
        unit: UnitId,
    ) -> Result<Option<Vec<f32>>, FormatError> {
        let (layer, unit) = (unit.layer.0, unit.unit.0);
        if !self.has_units {
            return Ok(None);
        }
        let with_units: Vec<_> = self.shards_with_units(layer).collect();
        if let [(only, tensor)] = with_units.as_slice()
            && only.shard.get("inputs").is_none()
        {
            return Ok(Some(tensor.column(unit, 0..schema.inputs.min(tensor.rows()))));
        }
        let mut column = vec![f32::NAN; schema.inputs];
        // In reverse, so that the first of several files with the same input has precedence.
        for (shard, tensor) in with_units.into_iter().rev() {
            let values = tensor.column(unit, 0..tensor.rows());
            for (input, value) in column.iter_mut().enumerate() {
                if let Some(stored) = shard.row(input, schema)?.and_then(|row| values.get(row)) {
                    *value = *stored;
                }
            }
        }
        Ok(Some(column))
    }

    /// Iterates over the shards with unit values of a layer, and these values.
    fn shards_with_units(&self, layer: usize) -> impl Iterator<Item = (&EpochShard, Tensor)> {
        let name = array_name(layer, "units");
        self.shards.iter().filter_map(move |shard| {
            let info = shard.shard.get(&name)?;
            let units = info.shape.get(1).copied()?;
            Some((shard, shard.shard.tensor(&name, info, 0..shard.rows?, units)?))
        })
    }
}
