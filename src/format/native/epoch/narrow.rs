//! Reading little of an epoch: one layer's aggregate, one unit's, one unit's values. What is not asked
//! for is not touched, so that the life of a unit costs little however large the network is.

use super::super::super::FormatError;
use super::{ALL, Declared, EpochShard, STATISTICS, ShardedEpoch, array, join, spread};
use crate::model::{Aggregate, Group, RowBlock, Tensor, UnitAggregates};

impl ShardedEpoch {
    /// What was aggregated of one layer over a group; `None` when nothing was.
    pub(in super::super) fn layer_aggregate(
        &self,
        declared: &Declared<'_>,
        group: Group,
        layer: usize,
    ) -> Result<Option<Aggregate>, FormatError> {
        Ok(self.merged(declared, group, layer..layer + 1)?.and_then(|mut layers| layers.pop()))
    }

    /// What was aggregated of one unit, over all groups.
    pub(in super::super) fn unit_aggregates(
        &self,
        declared: &Declared<'_>,
        layer: usize,
        unit: usize,
    ) -> Result<UnitAggregates, FormatError> {
        let mut found = UnitAggregates { all: None, classes: vec![None; declared.classes.len()] };
        if !self.has_aggregates {
            return Ok(found);
        }
        let mut unlisted: Option<Aggregate> = None;
        for EpochShard { shard, .. } in &self.shards {
            let Some(groups) = shard.integers("groups", None)? else { continue };
            let counts = shard.integers("counts", Some(groups.len()))?.unwrap_or_default();
            let units = declared.layers[layer].units;
            let column = |part: &str| {
                let name = array(layer, part);
                let tensor = shard.tensor(&name, shard.get(&name)?, 0..groups.len(), units)?;
                Some(tensor.column(unit, 0..groups.len()))
            };
            let Some(mean) = column("mean") else { continue };
            let [variance, second_moment, min, max, rate] = STATISTICS.map(column);
            for (row, (&group, &count)) in groups.iter().zip(&counts).enumerate() {
                let of = |column: &Option<Vec<f32>>| column.as_ref().map(|column| vec![column[row]]);
                let variance = of(&variance).or_else(|| {
                    let square = second_moment.as_ref()?[row];
                    Some(vec![spread(mean[row], square)])
                });
                let part = Aggregate {
                    count: u64::try_from(count).unwrap_or(0),
                    mean: vec![mean[row]],
                    variance,
                    min: of(&min),
                    max: of(&max),
                    rate: of(&rate),
                };
                let add = |into: &mut Option<Aggregate>, part: Aggregate| {
                    *into = Some(match into.take() {
                        None => part,
                        Some(before) => join(before, part),
                    });
                };
                if group >= 0 && !self.has_units {
                    add(&mut unlisted, part.clone());
                }
                if group == ALL {
                    add(&mut found.all, part);
                } else if let Ok(class) = declared.classes.binary_search_by_key(&group, |class| class.id) {
                    add(&mut found.classes[class], part);
                }
            }
        }
        // As for whole layers: classes together are all inputs.
        found.all = found.all.or(unlisted);
        Ok(found)
    }

    /// Unit values of the wanted inputs at one layer; `None` when none were recorded.
    pub(in super::super) fn layer_rows(
        &self,
        declared: &Declared<'_>,
        layer: usize,
        wanted: &[usize],
    ) -> Result<Option<RowBlock>, FormatError> {
        if !self.has_units {
            return Ok(None);
        }
        let holders: Vec<_> = self.holders(layer).collect();
        if let [(only, tensor)] = holders.as_slice()
            && let Some(rows) = only.rows_of(wanted, declared)?
        {
            return Ok(Some(RowBlock { layers: vec![tensor.clone()], rows }));
        }
        let gathered = self.gather(declared, layer, wanted)?;
        Ok(gathered.map(|tensor| RowBlock { layers: vec![tensor], rows: (0..wanted.len()).collect() }))
    }

    /// The value of one unit for every input, NaN where none was recorded; `None` when there are no
    /// values of single inputs at all.
    pub(in super::super) fn unit_column(
        &self,
        declared: &Declared<'_>,
        layer: usize,
        unit: usize,
    ) -> Result<Option<Vec<f32>>, FormatError> {
        if !self.has_units {
            return Ok(None);
        }
        let holders: Vec<_> = self.holders(layer).collect();
        if let [(only, tensor)] = holders.as_slice()
            && only.shard.get("inputs").is_none()
        {
            return Ok(Some(tensor.column(unit, 0..declared.inputs.min(tensor.rows()))));
        }
        let mut column = vec![f32::NAN; declared.inputs];
        // Backwards: of an input that lies in several files, the first one tells.
        for (shard, tensor) in holders.into_iter().rev() {
            let values = tensor.column(unit, 0..tensor.rows());
            for (input, value) in column.iter_mut().enumerate() {
                if let Some(found) = shard.row(input, declared)?.and_then(|row| values.get(row)) {
                    *value = *found;
                }
            }
        }
        Ok(Some(column))
    }

    /// The files that hold values of a layer, and these.
    fn holders(&self, layer: usize) -> impl Iterator<Item = (&EpochShard, Tensor)> {
        let name = array(layer, "units");
        self.shards.iter().filter_map(move |shard| {
            let entry = shard.shard.get(&name)?;
            let units = entry.shape.get(1).copied()?;
            Some((shard, shard.shard.tensor(&name, entry, 0..shard.rows?, units)?))
        })
    }
}
