//! Aggregates of an epoch, merged over its shards.

use std::ops::Range;

use super::super::super::FormatError;
use super::super::shard::Shard;
use super::{EpochSchema, EpochShard, STATISTICS, ShardedEpoch, array_name};
use crate::model::{Aggregate, Class, Group};

/// The group number of all inputs.
pub(super) const ALL: i64 = -1;

impl ShardedEpoch {
    /// Returns the aggregates of a group, one per layer, or `None` if none are stored.
    pub(in super::super) fn aggregates(
        &self,
        schema: &EpochSchema<'_>,
        group: Group,
    ) -> Result<Option<Vec<Aggregate>>, FormatError> {
        self.merged(schema, group, 0..schema.layers.len())
    }

    /// Returns the aggregates of a group for some layers, or `None` if none are stored.
    pub(super) fn merged(
        &self,
        schema: &EpochSchema<'_>,
        group: Group,
        layers: Range<usize>,
    ) -> Result<Option<Vec<Aggregate>>, FormatError> {
        if !self.has_aggregates {
            return Ok(None);
        }
        let mut merged: Vec<Option<Aggregate>> = layers.clone().map(|_| None).collect();
        let wanted = match group {
            Group::All => ALL,
            Group::Class(class) => schema.classes.get(class).map_or(i64::MIN, |class| class.id),
        };
        self.merge(schema, layers.start, &mut merged, |number| number == wanted)?;
        // Some writers store aggregates of classes alone; together these cover all inputs.
        if group == Group::All && !self.has_units && merged.iter().all(Option::is_none) {
            self.merge(schema, layers.start, &mut merged, |number| number >= 0)?;
        }
        Ok(merged.into_iter().collect())
    }

    /// Returns the number of inputs behind the aggregates of each class; 0 where it cannot be read.
    pub(in super::super) fn class_counts(&self, classes: &[Class]) -> Vec<u64> {
        let mut counts = vec![0_u64; classes.len()];
        for EpochShard { shard, .. } in &self.shards {
            let Ok(Some(groups)) = shard.integers("groups", None) else { continue };
            let Ok(Some(stored)) = shard.integers("counts", Some(groups.len())) else { continue };
            for (group, count) in groups.into_iter().zip(stored) {
                if let Some(class) = classes.iter().position(|class| class.id == group) {
                    counts[class] = counts[class].saturating_add(u64::try_from(count).unwrap_or(0));
                }
            }
        }
        counts
    }

    /// Adds the aggregates of the wanted groups in all files to `merged`, which begins with the layer
    /// `first`.
    fn merge(
        &self,
        schema: &EpochSchema<'_>,
        first: usize,
        merged: &mut [Option<Aggregate>],
        is_wanted: impl Fn(i64) -> bool,
    ) -> Result<(), FormatError> {
        for EpochShard { shard, .. } in &self.shards {
            let Some(groups) = shard.integers("groups", None)? else { continue };
            let counts = shard.integers("counts", Some(groups.len()))?.unwrap_or_default();
            for (row, (&group, &count)) in groups.iter().zip(&counts).enumerate() {
                if !is_wanted(group) {
                    continue;
                }
                let count = u64::try_from(count).unwrap_or(0);
                for (layer, sum) in (first..).zip(merged.iter_mut()) {
                    let units = schema.layers[layer].units;
                    if let Some(part) = stored_aggregate(shard, layer, units, row, count) {
                        add(sum, part);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads one row of a layer's aggregates. Returns `None` if the file has none of that layer.
fn stored_aggregate(shard: &Shard, layer: usize, units: usize, row: usize, count: u64) -> Option<Aggregate> {
    let read = |part: &str| {
        let name = array_name(layer, part);
        let tensor = shard.tensor(&name, shard.get(&name)?, row..row + 1, units)?;
        Some(tensor.row(0).into_owned())
    };
    let mean = read("mean")?;
    let [variance, second_moment, min, max, rate] = STATISTICS.map(read);
    let variance = variance.or_else(|| {
        let moments = mean.iter().zip(second_moment?);
        Some(moments.map(|(&mean, square)| variance_of(mean, square)).collect())
    });
    Some(Aggregate { count, mean, variance, min, max, rate })
}

/// Returns the variance of values with this mean and mean of squares. NaN stays NaN.
pub(super) fn variance_of(mean: f32, square: f32) -> f32 {
    let variance = f64::from(square) - f64::from(mean) * f64::from(mean);
    if variance < 0.0 { 0.0 } else { variance as f32 }
}

/// Adds the aggregate of further inputs to a sum.
pub(super) fn add(sum: &mut Option<Aggregate>, part: Aggregate) {
    *sum = Some(match sum.take() {
        None => part,
        Some(before) => join(before, part),
    });
}

/// Joins the aggregates of different inputs of one group.
fn join(a: Aggregate, b: Aggregate) -> Aggregate {
    let total = a.count + b.count;
    if b.count == 0 || a.count == 0 {
        return if b.count == 0 { a } else { b };
    }
    let (share_a, share_b) = (a.count as f64 / total as f64, b.count as f64 / total as f64);
    let weighted = move |a: f32, b: f32| (share_a * f64::from(a) + share_b * f64::from(b)) as f32;
    // `f32::min` and `f32::max` would drop NaN, which stands for "no value" and must remain.
    let min = |a: f32, b: f32| if a.is_nan() || a < b { a } else { b };
    let max = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
    // T. F. Chan, G. H. Golub, R. J. LeVeque: Updating formulae and a pairwise algorithm for computing
    // sample variances, 1979.
    let variance = a.variance.zip(b.variance).map(|(in_a, in_b)| {
        let differences = a.mean.iter().zip(&b.mean).map(|(&a, &b)| f64::from(a) - f64::from(b));
        let between = differences.map(|difference| share_a * share_b * difference * difference);
        let within = in_a.into_iter().zip(in_b).map(|(a, b)| share_a * f64::from(a) + share_b * f64::from(b));
        within.zip(between).map(|(within, between)| (within + between) as f32).collect()
    });
    fn zip(a: Vec<f32>, b: &[f32], join: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        a.into_iter().zip(b).map(|(a, &b)| join(a, b)).collect()
    }
    let both = |a: Option<Vec<f32>>, b: Option<Vec<f32>>, join: &dyn Fn(f32, f32) -> f32| {
        a.zip(b).map(|(a, b)| zip(a, &b, join))
    };
    Aggregate {
        count: total,
        mean: zip(a.mean, &b.mean, weighted),
        variance,
        min: both(a.min, b.min, &min),
        max: both(a.max, b.max, &max),
        rate: both(a.rate, b.rate, &weighted),
    }
}
