//! One epoch of a recording: its shards, checked against the manifest when it is opened.

mod narrow;

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::super::FormatError;
use super::super::file::Root;
use super::manifest::ManifestEpoch;
use super::shard::{Entry, Shard};
use crate::model::{Aggregate, Class, Group, Layer, MapBlock, RowBlock, Tensor};

/// The statistics of aggregates besides the mean, and what becomes of them when shards are joined.
const STATISTICS: [&str; 5] = ["variance", "second_moment", "min", "max", "rate"];

/// The group number that stands for all inputs.
const ALL: i64 = -1;

pub(super) struct ShardedEpoch {
    shards: Vec<EpochShard>,
    has_units: bool,
    has_aggregates: bool,
    pub(super) has_predictions: bool,
}

struct EpochShard {
    shard: Shard,
    /// Rows of every per-input array.
    rows: Option<usize>,
    /// Row of each input, once looked up.
    row_of: OnceLock<HashMap<usize, usize>>,
}

/// What the arrays must agree with.
pub(super) struct Declared<'a> {
    pub(super) layers: &'a [Layer],
    pub(super) classes: &'a [Class],
    pub(super) inputs: usize,
}

impl ShardedEpoch {
    /// Maps the epoch's files and checks their headers.
    pub(super) fn open(
        root: &Root,
        manifest: &Path,
        epoch: &ManifestEpoch,
        declared: &Declared<'_>,
    ) -> Result<Self, FormatError> {
        let open =
            |name: &String| EpochShard::open(Shard::open(root, &root.join(name, manifest)?)?, declared);
        let shards = epoch.files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let count = |part: &str| {
            let has = |layer| shards.iter().any(|shard| shard.shard.get(&array(layer, part)).is_some());
            (0..declared.layers.len()).filter(|&layer| has(layer)).count()
        };
        let (units, means) = (count("units"), count("mean"));
        let partial = |found: usize| found > 0 && found < declared.layers.len();
        if partial(units) || partial(means) || units + means == 0 {
            let what = format!(
                "epoch {} has unit values of {units} and means of {means} of {} layers; one of them must be whole",
                epoch.number,
                declared.layers.len()
            );
            return Err(FormatError::invalid(manifest, what));
        }
        let has_predictions = shards.iter().any(|shard| shard.shard.get("predictions").is_some());
        Ok(Self { shards, has_units: units > 0, has_aggregates: means > 0, has_predictions })
    }

    /// Returns the paths of the shards.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        self.shards.iter().map(|shard| shard.shard.path.clone()).collect()
    }

    /// Whether the files that bear its names now are those that were opened.
    pub(super) fn is_current(&self) -> bool {
        self.shards.iter().all(|shard| shard.shard.is_current())
    }

    /// Unit values of the wanted inputs; `None` when none were recorded. Mapped, not copied, unless
    /// they lie in several files.
    pub(super) fn rows(
        &self,
        declared: &Declared<'_>,
        wanted: &[usize],
    ) -> Result<Option<RowBlock>, FormatError> {
        if !self.has_units {
            return Ok(None);
        }
        let holders = self.shards.iter().filter(|shard| shard.shard.get(&array(0, "units")).is_some());
        if let [only] = holders.collect::<Vec<_>>().as_slice()
            && let Some(layers) = only.all_units(declared.layers)
            && let Some(rows) = only.rows_of(wanted, declared)?
        {
            return Ok(Some(RowBlock { layers, rows }));
        }
        let layers = (0..declared.layers.len())
            .map(|layer| self.gather(declared, layer, wanted))
            .collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(layers.map(|layers| RowBlock { layers, rows: (0..wanted.len()).collect() }))
    }

    /// The rows of one layer from whichever files hold them; `None` when an input is in none.
    fn gather(
        &self,
        declared: &Declared<'_>,
        layer: usize,
        wanted: &[usize],
    ) -> Result<Option<Tensor>, FormatError> {
        let units = declared.layers[layer].units;
        let name = array(layer, "units");
        let mut values = Vec::new();
        for &input in wanted {
            let mut found = false;
            for shard in &self.shards {
                let Some(entry) = shard.shard.get(&name) else { continue };
                let Some(row) = shard.row(input, declared)? else { continue };
                let Some(tensor) = shard.shard.tensor(&name, entry, row..row + 1, units) else { continue };
                values.extend_from_slice(&tensor.row(0));
                found = true;
                break;
            }
            if !found {
                return Ok(None);
            }
        }
        Ok(Tensor::from_f32(values, wanted.len(), units))
    }

    /// What was aggregated over a group; `None` when nothing was.
    pub(super) fn aggregates(
        &self,
        declared: &Declared<'_>,
        group: Group,
    ) -> Result<Option<Vec<Aggregate>>, FormatError> {
        self.merged(declared, group, 0..declared.layers.len())
    }

    /// The same of some layers.
    fn merged(
        &self,
        declared: &Declared<'_>,
        group: Group,
        layers: Range<usize>,
    ) -> Result<Option<Vec<Aggregate>>, FormatError> {
        if !self.has_aggregates {
            return Ok(None);
        }
        let mut merged: Vec<Option<Aggregate>> = layers.clone().map(|_| None).collect();
        let wanted = match group {
            Group::All => ALL,
            Group::Class(class) => declared.classes.get(class).map_or(i64::MIN, |class| class.id),
        };
        self.merge(declared, layers.start, &mut merged, |found| found == wanted)?;
        // Classes together are all inputs, for writers that keep no more than classes.
        if group == Group::All && !self.has_units && merged.iter().all(Option::is_none) {
            self.merge(declared, layers.start, &mut merged, |found| found >= 0)?;
        }
        Ok(merged.into_iter().collect())
    }

    /// How many inputs of each class the aggregates speak of; 0 where they cannot be read.
    pub(super) fn class_counts(&self, classes: &[Class]) -> Vec<u64> {
        let mut counts = vec![0_u64; classes.len()];
        for EpochShard { shard, .. } in &self.shards {
            let Ok(Some(groups)) = shard.integers("groups", None) else { continue };
            let Ok(Some(told)) = shard.integers("counts", Some(groups.len())) else { continue };
            for (group, count) in groups.into_iter().zip(told) {
                if let Some(class) = classes.iter().position(|class| class.id == group) {
                    counts[class] = counts[class].saturating_add(u64::try_from(count).unwrap_or(0));
                }
            }
        }
        counts
    }

    /// Adds what the files say of the wanted groups to `merged`, of the layers from `first` on.
    fn merge(
        &self,
        declared: &Declared<'_>,
        first: usize,
        merged: &mut [Option<Aggregate>],
        wanted: impl Fn(i64) -> bool,
    ) -> Result<(), FormatError> {
        for EpochShard { shard, .. } in &self.shards {
            let Some(groups) = shard.integers("groups", None)? else { continue };
            let counts = shard.integers("counts", Some(groups.len()))?.unwrap_or_default();
            for (row, (&found, &count)) in groups.iter().zip(&counts).enumerate() {
                if !wanted(found) {
                    continue;
                }
                let count = u64::try_from(count).unwrap_or(0);
                for (layer, into) in (first..).zip(merged.iter_mut()) {
                    let Some(part) = aggregate(shard, layer, declared.layers[layer].units, row, count) else {
                        continue;
                    };
                    *into = Some(match into.take() {
                        None => part,
                        Some(before) => join(before, part),
                    });
                }
            }
        }
        Ok(())
    }

    /// Feature maps recorded for an input.
    pub(super) fn maps(&self, declared: &Declared<'_>, input: usize) -> Result<Vec<MapBlock>, FormatError> {
        let mut maps = Vec::new();
        for layer in 0..declared.layers.len() {
            let name = array(layer, "maps");
            for shard in &self.shards {
                let Some(entry) = shard.shard.get(&name) else { continue };
                let &[count, channels, height, width] = entry.shape.as_slice() else { continue };
                let row = match shard.shard.integers(&format!("{name}.inputs"), Some(count))? {
                    Some(inputs) => inputs.iter().position(|&held| usize::try_from(held) == Ok(input)),
                    None => shard.row(input, declared)?,
                };
                let Some(row) = row else { continue };
                // Products cannot overflow: the header's check made them.
                let (first, area) = (row * channels, height * width);
                if let Some(values) = shard.shard.tensor(&name, entry, first..first + channels, area) {
                    maps.push(MapBlock { layer, height, width, values });
                    break;
                }
            }
        }
        Ok(maps)
    }

    /// Predicted class index of every input.
    pub(super) fn predictions(
        &self,
        declared: &Declared<'_>,
    ) -> Result<Option<Vec<Option<usize>>>, FormatError> {
        if !self.has_predictions {
            return Ok(None);
        }
        let mut predictions = vec![None; declared.inputs];
        for shard in &self.shards {
            let Some(ids) = shard.shard.integers("predictions", shard.rows)? else { continue };
            for (input, prediction) in predictions.iter_mut().enumerate() {
                if let Some(row) = shard.row(input, declared)? {
                    let id = ids.get(row).copied().unwrap_or(-1);
                    *prediction = declared.classes.binary_search_by_key(&id, |class| class.id).ok();
                }
            }
        }
        Ok(Some(predictions))
    }
}

impl EpochShard {
    fn open(shard: Shard, declared: &Declared<'_>) -> Result<Self, FormatError> {
        let mut rows = shard.get("inputs").and_then(|entry| entry.shape.first().copied());
        let mut check_rows = |name: &str, entry: &Entry| {
            let found = entry.shape.first().copied().unwrap_or(0);
            let wanted = *rows.get_or_insert(declared.inputs);
            if found == wanted { Ok(()) } else { Err(shard.wrong(name, entry, &format!("{wanted} rows"))) }
        };
        if let Some(entry) = shard.get("predictions") {
            check_rows("predictions", entry)?;
        }
        let groups = shard.get("groups").and_then(|entry| entry.shape.first().copied());
        for (layer, declared) in declared.layers.iter().enumerate() {
            let name = array(layer, "units");
            if let Some(entry) = shard.get(&name) {
                check_units(&shard, &name, entry, declared)?;
                check_rows(&name, entry)?;
            }
            for part in ["mean"].into_iter().chain(STATISTICS) {
                let name = array(layer, part);
                let Some(entry) = shard.get(&name) else { continue };
                check_units(&shard, &name, entry, declared)?;
                if groups.is_none() || entry.shape.first().copied() != groups || Shard::is_u8(entry) {
                    return Err(shard.wrong(&name, entry, "a row for each of `groups`, not 8-bit"));
                }
            }
            let name = array(layer, "maps");
            if let Some(entry) = shard.get(&name) {
                shard.value_dtype(&name, entry)?;
                if entry.shape.len() != 4 || entry.shape.contains(&0) {
                    return Err(shard.wrong(&name, entry, "the shape [inputs, channels, height, width]"));
                }
            }
        }
        if groups.is_some() && shard.get("counts").and_then(|entry| entry.shape.first().copied()) != groups {
            return Err(FormatError::invalid(&shard.path, "`groups` needs `counts` of the same length"));
        }
        Ok(Self { shard, rows, row_of: OnceLock::new() })
    }

    /// The arrays of all layers where they lie, when this file holds them all.
    fn all_units(&self, layers: &[Layer]) -> Option<Vec<Tensor>> {
        let rows = self.rows?;
        let layer = |(index, layer): (usize, &Layer)| {
            let name = array(index, "units");
            self.shard.tensor(&name, self.shard.get(&name)?, 0..rows, layer.units)
        };
        layers.iter().enumerate().map(layer).collect()
    }

    /// The rows of some inputs; `None` when this file lacks one of them.
    fn rows_of(&self, wanted: &[usize], declared: &Declared<'_>) -> Result<Option<Vec<usize>>, FormatError> {
        if self.shard.get("inputs").is_none() {
            return Ok(wanted.iter().all(|&input| input < declared.inputs).then(|| wanted.to_vec()));
        }
        wanted.iter().map(|&input| self.row(input, declared)).collect()
    }

    /// The row of an input in this file's per-input arrays.
    fn row(&self, input: usize, declared: &Declared<'_>) -> Result<Option<usize>, FormatError> {
        if self.shard.get("inputs").is_none() {
            return Ok((input < declared.inputs).then_some(input));
        }
        if let Some(rows) = self.row_of.get() {
            return Ok(rows.get(&input).copied());
        }
        let inputs = self.shard.integers("inputs", None)?.unwrap_or_default();
        let mut rows = HashMap::with_capacity(inputs.len());
        for (row, input) in inputs.into_iter().enumerate() {
            let input = usize::try_from(input).ok().filter(|&input| input < declared.inputs);
            if input.is_none_or(|input| rows.insert(input, row).is_some()) {
                return Err(FormatError::invalid(
                    &self.shard.path,
                    format!("row {row} of `inputs` names no input, or one that another row names"),
                ));
            }
        }
        Ok(self.row_of.get_or_init(|| rows).get(&input).copied())
    }
}

/// The name of a layer's array.
pub(in super::super) fn array(layer: usize, part: &str) -> String {
    format!("{layer}/{part}")
}

fn check_units(shard: &Shard, name: &str, entry: &Entry, layer: &Layer) -> Result<(), FormatError> {
    shard.value_dtype(name, entry)?;
    match *entry.shape.as_slice() {
        [_, units] if units == layer.units => Ok(()),
        [_, found] => Err(FormatError::SizeDisagrees {
            path: shard.path.clone(),
            layer: layer.name.clone(),
            declared: layer.units,
            found,
        }),
        _ => Err(shard.wrong(name, entry, "two dimensions")),
    }
}

/// One row of a layer's aggregates; `None` when the file has none of that layer.
fn aggregate(shard: &Shard, layer: usize, units: usize, row: usize, count: u64) -> Option<Aggregate> {
    let read = |part: &str| {
        let name = array(layer, part);
        let tensor = shard.tensor(&name, shard.get(&name)?, row..row + 1, units)?;
        Some(tensor.row(0).into_owned())
    };
    let mean = read("mean")?;
    let [variance, second_moment, min, max, rate] = STATISTICS.map(read);
    let variance = variance.or_else(|| {
        let both = mean.iter().zip(second_moment?);
        // NaN stays NaN.
        Some(both.map(|(&mean, square)| spread(mean, square)).collect())
    });
    Some(Aggregate { count, mean, variance, min, max, rate })
}

/// Variance of values with this mean and mean of squares.
fn spread(mean: f32, square: f32) -> f32 {
    let variance = f64::from(square) - f64::from(mean) * f64::from(mean);
    if variance < 0.0 { 0.0 } else { variance as f32 }
}

/// Joins what two files say of different inputs of one group.
fn join(a: Aggregate, b: Aggregate) -> Aggregate {
    let total = a.count + b.count;
    if b.count == 0 || a.count == 0 {
        return if b.count == 0 { a } else { b };
    }
    let (share_a, share_b) = (a.count as f64 / total as f64, b.count as f64 / total as f64);
    let weighted = move |a: f32, b: f32| (share_a * f64::from(a) + share_b * f64::from(b)) as f32;
    // Comparisons would drop NaN, which stands for "no value" and has to stay seen.
    let least = |a: f32, b: f32| if a.is_nan() || a < b { a } else { b };
    let greatest = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
    // Chan, Golub and LeVeque, 1979.
    let variance = a.variance.zip(b.variance).map(|(in_a, in_b)| {
        let means = a.mean.iter().zip(&b.mean).map(|(&a, &b)| f64::from(a) - f64::from(b));
        let apart = means.map(|apart| share_a * share_b * apart * apart);
        let within = in_a.into_iter().zip(in_b).map(|(a, b)| share_a * f64::from(a) + share_b * f64::from(b));
        within.zip(apart).map(|(within, apart)| (within + apart) as f32).collect()
    });
    fn zip(a: Vec<f32>, b: &[f32], of: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        a.into_iter().zip(b).map(|(a, &b)| of(a, b)).collect()
    }
    let both = |a: Option<Vec<f32>>, b: Option<Vec<f32>>, of: &dyn Fn(f32, f32) -> f32| {
        a.zip(b).map(|(a, b)| zip(a, &b, of))
    };
    Aggregate {
        count: total,
        mean: zip(a.mean, &b.mean, weighted),
        variance,
        min: both(a.min, b.min, &least),
        max: both(a.max, b.max, &greatest),
        rate: both(a.rate, b.rate, &weighted),
    }
}
