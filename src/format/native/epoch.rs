//! One epoch of a recording: its shards, checked against the manifest when they are opened.

mod aggregates;
mod partial;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::super::FormatError;
use super::super::file::RootFolder;
use super::manifest::NativeEpochEntry;
use super::shard::{ArrayInfo, Shard};
use crate::model::{Class, Layer, MapBlock, RowBlock, Tensor};

/// Array names of the statistics besides the mean.
const STATISTICS: [&str; 5] = ["variance", "second_moment", "min", "max", "rate"];

/// The open shards of one epoch.
pub(super) struct ShardedEpoch {
    shards: Vec<EpochShard>,
    /// `true` if there are values of single inputs.
    has_units: bool,
    has_aggregates: bool,
    pub(super) has_predictions: bool,
}

/// A shard and the inputs that its rows belong to.
struct EpochShard {
    shard: Shard,
    /// Number of rows of every per-input array.
    rows: Option<usize>,
    /// Row of each input, filled on the first lookup.
    row_of: OnceLock<HashMap<usize, usize>>,
}

/// The sizes that the arrays of an epoch must have.
pub(super) struct EpochSchema<'a> {
    pub(super) layers: &'a [Layer],
    pub(super) classes: &'a [Class],
    /// Number of inputs.
    pub(super) inputs: usize,
}

impl ShardedEpoch {
    /// Maps the files of an epoch and checks their headers. `manifest` is the path of the manifest, for
    /// messages.
    pub(super) fn open(
        root: &RootFolder,
        manifest: &Path,
        epoch: &NativeEpochEntry,
        schema: &EpochSchema<'_>,
    ) -> Result<Self, FormatError> {
        let open = |name: &String| EpochShard::open(Shard::open(root, &root.join(name, manifest)?)?, schema);
        let shards = epoch.files.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let layers = schema.layers.len();
        let layers_with = |part: &str| {
            let has = |layer| shards.iter().any(|shard| shard.shard.get(&array_name(layer, part)).is_some());
            (0..layers).filter(|&layer| has(layer)).count()
        };
        let (units, means) = (layers_with("units"), layers_with("mean"));
        let is_partial = |count: usize| count > 0 && count < layers;
        if is_partial(units) || is_partial(means) || units + means == 0 {
            let what = format!(
                "epoch {} has unit values of {units} and means of {means} of {layers} layers; one of them must be \
                 whole",
                epoch.number,
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

    /// Returns `true` if the files with these names are still the ones that are mapped.
    pub(super) fn is_current(&self) -> bool {
        self.shards.iter().all(|shard| shard.shard.is_current())
    }

    /// Returns the unit values of the wanted inputs, or `None` if none were recorded. They are mapped, and
    /// copied only if they are in several files.
    pub(super) fn rows(
        &self,
        schema: &EpochSchema<'_>,
        wanted: &[usize],
    ) -> Result<Option<RowBlock>, FormatError> {
        if !self.has_units {
            return Ok(None);
        }
        let name = array_name(0, "units");
        let with_units: Vec<_> =
            self.shards.iter().filter(|shard| shard.shard.get(&name).is_some()).collect();
        if let [only] = with_units.as_slice()
            && let Some(layers) = only.all_units(schema.layers)
            && let Some(rows) = only.rows_of(wanted, schema)?
        {
            return Ok(Some(RowBlock { layers, rows }));
        }
        let layers = (0..schema.layers.len())
            .map(|layer| self.gather(schema, layer, wanted))
            .collect::<Result<Option<Vec<_>>, _>>()?;
        Ok(layers.map(|layers| RowBlock { layers, rows: (0..wanted.len()).collect() }))
    }

    /// Copies the rows of one layer from the files that contain them. Returns `None` if an input is in none.
    fn gather(
        &self,
        schema: &EpochSchema<'_>,
        layer: usize,
        wanted: &[usize],
    ) -> Result<Option<Tensor>, FormatError> {
        let units = schema.layers[layer].units;
        let name = array_name(layer, "units");
        let mut values = Vec::new();
        for &input in wanted {
            let length = values.len();
            for shard in &self.shards {
                let Some(info) = shard.shard.get(&name) else { continue };
                let Some(row) = shard.row(input, schema)? else { continue };
                let Some(tensor) = shard.shard.tensor(&name, info, row..row + 1, units) else { continue };
                values.extend_from_slice(&tensor.row(0));
                break;
            }
            if values.len() == length {
                return Ok(None);
            }
        }
        Ok(Tensor::from_f32(values, wanted.len(), units))
    }

    /// Returns the feature maps recorded for an input.
    pub(super) fn maps(&self, schema: &EpochSchema<'_>, input: usize) -> Result<Vec<MapBlock>, FormatError> {
        let mut maps = Vec::new();
        for layer in 0..schema.layers.len() {
            let name = array_name(layer, "maps");
            for shard in &self.shards {
                let Some(info) = shard.shard.get(&name) else { continue };
                let &[count, channels, height, width] = info.shape.as_slice() else { continue };
                let row = match shard.shard.integers(&format!("{name}.inputs"), Some(count))? {
                    Some(inputs) => inputs.iter().position(|&stored| usize::try_from(stored) == Ok(input)),
                    None => shard.row(input, schema)?,
                };
                let Some(row) = row else { continue };
                // The products cannot overflow, since the header's check computed them.
                let (first, area) = (row * channels, height * width);
                if let Some(values) = shard.shard.tensor(&name, info, first..first + channels, area) {
                    maps.push(MapBlock { layer, height, width, values });
                    break;
                }
            }
        }
        Ok(maps)
    }

    /// Returns the predicted class index of every input, or `None` if no predictions were recorded.
    pub(super) fn predictions(
        &self,
        schema: &EpochSchema<'_>,
    ) -> Result<Option<Vec<Option<usize>>>, FormatError> {
        if !self.has_predictions {
            return Ok(None);
        }
        let mut predictions = vec![None; schema.inputs];
        for shard in &self.shards {
            let Some(ids) = shard.shard.integers("predictions", shard.rows)? else { continue };
            for (input, prediction) in predictions.iter_mut().enumerate() {
                if let Some(row) = shard.row(input, schema)? {
                    let id = ids.get(row).copied().unwrap_or(-1);
                    *prediction = schema.classes.binary_search_by_key(&id, |class| class.id).ok();
                }
            }
        }
        Ok(Some(predictions))
    }
}

impl EpochShard {
    /// Checks the types and shapes of all arrays.
    fn open(shard: Shard, schema: &EpochSchema<'_>) -> Result<Self, FormatError> {
        let mut rows = shard.get("inputs").and_then(|info| info.shape.first().copied());
        let mut check_rows = |name: &str, info: &ArrayInfo| {
            let found = info.shape.first().copied().unwrap_or(0);
            let expected = *rows.get_or_insert(schema.inputs);
            if found == expected { Ok(()) } else { Err(shard.wrong(name, info, &format!("{expected} rows"))) }
        };
        if let Some(info) = shard.get("predictions") {
            check_rows("predictions", info)?;
        }
        let groups = shard.get("groups").and_then(|info| info.shape.first().copied());
        for (index, layer) in schema.layers.iter().enumerate() {
            let name = array_name(index, "units");
            if let Some(info) = shard.get(&name) {
                check_units(&shard, &name, info, layer)?;
                check_rows(&name, info)?;
            }
            for part in ["mean"].into_iter().chain(STATISTICS) {
                let name = array_name(index, part);
                let Some(info) = shard.get(&name) else { continue };
                check_units(&shard, &name, info, layer)?;
                if groups.is_none() || info.shape.first().copied() != groups || Shard::is_u8(info) {
                    return Err(shard.wrong(&name, info, "a row for each of `groups`, not 8-bit"));
                }
            }
            let name = array_name(index, "maps");
            if let Some(info) = shard.get(&name) {
                shard.value_dtype(&name, info)?;
                if info.shape.len() != 4 || info.shape.contains(&0) {
                    return Err(shard.wrong(&name, info, "the shape [inputs, channels, height, width]"));
                }
            }
        }
        if groups.is_some() && shard.get("counts").and_then(|info| info.shape.first().copied()) != groups {
            return Err(FormatError::invalid(&shard.path, "`groups` needs `counts` of the same length"));
        }
        Ok(Self { shard, rows, row_of: OnceLock::new() })
    }

    /// Returns the mapped arrays of all layers, or `None` if this file does not contain all of them.
    fn all_units(&self, layers: &[Layer]) -> Option<Vec<Tensor>> {
        let rows = self.rows?;
        let layer = |(index, layer): (usize, &Layer)| {
            let name = array_name(index, "units");
            self.shard.tensor(&name, self.shard.get(&name)?, 0..rows, layer.units)
        };
        layers.iter().enumerate().map(layer).collect()
    }

    /// Returns the rows of some inputs, or `None` if this file lacks one of them.
    fn rows_of(&self, wanted: &[usize], schema: &EpochSchema<'_>) -> Result<Option<Vec<usize>>, FormatError> {
        if self.shard.get("inputs").is_none() {
            return Ok(wanted.iter().all(|&input| input < schema.inputs).then(|| wanted.to_vec()));
        }
        wanted.iter().map(|&input| self.row(input, schema)).collect()
    }

    /// Returns the row of an input in this file's per-input arrays.
    fn row(&self, input: usize, schema: &EpochSchema<'_>) -> Result<Option<usize>, FormatError> {
        if self.shard.get("inputs").is_none() {
            return Ok((input < schema.inputs).then_some(input));
        }
        if let Some(rows) = self.row_of.get() {
            return Ok(rows.get(&input).copied());
        }
        let inputs = self.shard.integers("inputs", None)?.unwrap_or_default();
        let mut rows = HashMap::with_capacity(inputs.len());
        for (row, input) in inputs.into_iter().enumerate() {
            let input = usize::try_from(input).ok().filter(|&input| input < schema.inputs);
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

/// Returns the name of a layer's array.
pub(in super::super) fn array_name(layer: usize, part: &str) -> String {
    format!("{layer}/{part}")
}

/// Fails unless an array has two dimensions and one column per unit of `layer`.
fn check_units(shard: &Shard, name: &str, info: &ArrayInfo, layer: &Layer) -> Result<(), FormatError> {
    shard.value_dtype(name, info)?;
    match *info.shape.as_slice() {
        [_, units] if units == layer.units => Ok(()),
        [_, units] => Err(FormatError::SizeDisagrees {
            path: shard.path.clone(),
            layer: layer.name.clone(),
            declared: layer.units,
            found: units,
        }),
        _ => Err(shard.wrong(name, info, "two dimensions")),
    }
}
