//! The native recording: a JSON manifest and safetensors files, which are mapped. Its layout is documented in
//! `docs/recording-format.md`.

mod arrays;
mod epoch;
mod inputs;
mod lock;
mod manifest;
mod metric;
mod resume;
mod shard;
mod values;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use self::epoch::{EpochSchema, ShardedEpoch};
use self::inputs::InputFile;
use self::manifest::{NativeEpochEntry, NativeInputsEntry, NativeManifest};
use super::FormatError;
use super::cache::ParsedCache;
use super::file::{RootFolder, shortened};
use crate::model::{
    Aggregate, Class, Epoch, EpochIndex, Format, Group, LayerIndex, MapBlock, Picture, Recording, RowBlock,
    Source, SourceError, UnitAggregates, UnitId, UnitIndex,
};

pub(super) use self::arrays::ShardArray;
pub(super) use self::epoch::array_name;
pub(super) use self::manifest::{MAX_INPUTS, NAME, VERSION};
pub use self::resume::difference;
pub use self::values::{EpochValues, LayerMaps};
pub use self::writer::{Pictures, RunWriter, ShardWriter};

/// Size limit of the cache of aggregates, in bytes.
const CACHE_BYTES: u64 = 512 << 20;

/// An open recording. Opening reads the manifest and the headers; values are mapped.
///
/// A recording in progress is opened again after every commit. Unchanged epochs are shared with the previous
/// one, so that the cost is that of the manifest and the headers of new epochs.
pub(super) struct NativeRun {
    recording: Recording,
    inputs: Arc<InputFile>,
    /// The inputs as the manifest lists them.
    listed: NativeInputsEntry,
    /// As [`Recording::epochs`].
    epochs: Vec<NativeEpoch>,
    /// By epoch number.
    aggregates: Arc<ParsedCache<(u64, Group), Vec<Aggregate>>>,
}

/// An epoch: its manifest entry and its open shards, or a description of the damage.
struct NativeEpoch {
    entry: NativeEpochEntry,
    values: Result<Arc<ShardedEpoch>, String>,
}

impl NativeRun {
    /// Opens the recording in `folder`, whose manifest has the bytes `data`.
    pub(super) fn open(folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
        Self::open_after(None, folder, data)
    }

    /// Opens the recording as [`NativeRun::open`] does. Epochs that are open in `before`, an earlier state of the
    /// same recording, are shared.
    pub(super) fn open_after(before: Option<&Self>, folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let root = RootFolder::new(folder)?;
        let path = folder.join("manifest.json");
        let manifest = NativeManifest::parse(&path, data)?;
        let mut recording = Recording {
            format: Format::Native,
            model: manifest.model(),
            layers: manifest.layers(),
            edges: manifest.edges(),
            joints: manifest.joints(),
            modules: manifest.modules(),
            classes: manifest.classes(),
            inputs: Vec::new(),
            epochs: manifest.epochs.iter().map(NativeEpochEntry::epoch).collect(),
            normalisation: manifest.normalisation(),
            warnings: Vec::new(),
        };
        let before = before.filter(|before| before.is_earlier_state_of(&recording, &manifest));
        let inputs = match before {
            Some(before) => {
                recording.inputs.clone_from(&before.recording.inputs);
                Arc::clone(&before.inputs)
            }
            None => {
                let (file, listed) = InputFile::open(&root, &path, &manifest.inputs, &recording.classes)?;
                recording.inputs = listed;
                Arc::new(file)
            }
        };
        for class in recording.inputs.iter().filter_map(|input| input.class) {
            recording.classes[class].inputs += 1;
        }
        let schema = schema(&recording);
        let open = |epoch: &NativeEpochEntry| {
            let shared = before.and_then(|before| before.shared_epoch(epoch));
            shared.map_or_else(|| ShardedEpoch::open(&root, &path, epoch, &schema).map(Arc::new), Ok)
        };
        let opened: Vec<Result<Arc<ShardedEpoch>, FormatError>> =
            manifest.epochs.par_iter().map(open).collect();
        let mut epochs = Vec::with_capacity(opened.len());
        for ((epoch, entry), opened) in recording.epochs.iter_mut().zip(manifest.epochs).zip(opened) {
            let values = match opened {
                Ok(values) => {
                    epoch.has_predictions = values.has_predictions;
                    recording.warnings.extend(not_finite(epoch));
                    Ok(values)
                }
                Err(error @ FormatError::Outside { .. }) => return Err(error),
                Err(error) => {
                    epoch.damaged = true;
                    recording.warnings.push(format!("epoch {} is damaged: {error}", entry.number));
                    Err(error.to_string())
                }
            };
            epochs.push(NativeEpoch { entry, values });
        }
        if let Some(reason) = recording.warnings.last()
            && !epochs.is_empty()
            && epochs.iter().all(|epoch| epoch.values.is_err())
        {
            return Err(FormatError::NoEpoch { path, reason: reason.clone() });
        }
        if let Some(newest) = epochs.iter().rev().find_map(|epoch| epoch.values.as_ref().ok()) {
            let counts = newest.class_counts(&recording.classes);
            for (class, count) in recording.classes.iter_mut().zip(counts) {
                class.aggregated = count;
            }
        }
        let aggregates = before
            .map_or_else(|| Arc::new(ParsedCache::new(CACHE_BYTES)), |before| Arc::clone(&before.aggregates));
        Ok(Self { recording, inputs, listed: manifest.inputs, epochs, aggregates })
    }

    /// Returns `true` if `recording` (without inputs) and `manifest` describe a later state of this recording.
    /// Committed files are never rewritten, so it suffices to compare the first and the last one.
    fn is_earlier_state_of(&self, recording: &Recording, manifest: &NativeManifest) -> bool {
        let own = &self.recording;
        let names = |classes: &[Class]| -> Vec<(i64, String)> {
            classes.iter().map(|class| (class.id, class.name.clone())).collect()
        };
        let mut values = self.epochs.iter().filter_map(|epoch| epoch.values.as_ref().ok());
        let (first, last) = (values.next(), values.next_back());
        own.layers == recording.layers
            && names(&own.classes) == names(&recording.classes)
            && self.listed == manifest.inputs
            && self.inputs.is_current()
            && first.into_iter().chain(last).all(|values| values.is_current())
    }

    /// Returns `true` if every readable epoch of `before` is shared with this one.
    pub(super) fn shares_with(&self, before: &Self) -> bool {
        before.epochs.iter().all(|epoch| match &epoch.values {
            Ok(values) => self.shared_epoch(&epoch.entry).is_some_and(|shared| Arc::ptr_eq(&shared, values)),
            Err(_) => true,
        })
    }

    /// Returns the open epoch with the number and the files of `entry`.
    fn shared_epoch(&self, entry: &NativeEpochEntry) -> Option<Arc<ShardedEpoch>> {
        let at = self.epochs.binary_search_by_key(&entry.number, |epoch| epoch.entry.number).ok()?;
        let epoch = self.epochs.get(at).filter(|epoch| epoch.entry.files == entry.files)?;
        epoch.values.as_ref().ok().map(Arc::clone)
    }

    /// Returns the encoded picture of an input as it was recorded, or `None` if there is none or it was
    /// recorded as pixels.
    pub(super) fn encoded_picture(&self, input: usize) -> Option<&[u8]> {
        self.inputs.encoded(input)
    }

    /// Returns the shards of an epoch; none for a damaged epoch.
    pub(super) fn files(&self, epoch: usize) -> Vec<PathBuf> {
        self.epoch(epoch).map_or_else(|_| Vec::new(), ShardedEpoch::files)
    }

    /// Returns an open epoch by its index.
    fn epoch(&self, epoch: usize) -> Result<&ShardedEpoch, SourceError> {
        match self.epochs.get(epoch) {
            Some(NativeEpoch { values: Ok(values), .. }) => Ok(values),
            Some(NativeEpoch { values: Err(reason), .. }) => Err(self.damaged(epoch, reason.clone())),
            None => Err(SourceError::NotRecorded { number: epoch as u64, what: "its epoch is".to_owned() }),
        }
    }

    fn number(&self, epoch: usize) -> u64 {
        self.recording.epochs.get(epoch).map_or(epoch as u64, |epoch| epoch.number)
    }

    fn damaged(&self, epoch: usize, reason: String) -> SourceError {
        SourceError::Damaged { number: self.number(epoch), reason }
    }

    /// Returns an open epoch, or an error if the layer or the unit does not exist.
    fn epoch_with_unit(
        &self,
        epoch: usize,
        UnitId { layer, unit }: UnitId,
    ) -> Result<&ShardedEpoch, SourceError> {
        let opened = self.epoch(epoch)?;
        match self.recording.layers.get(layer.0) {
            Some(layer) if unit.0 < layer.units => Ok(opened),
            _ => Err(SourceError::NotRecorded {
                number: self.number(epoch),
                what: format!("unit {unit} of layer {layer} is"),
            }),
        }
    }

    /// Fails if one of the inputs does not exist.
    fn check_inputs(&self, epoch: usize, wanted: &[usize]) -> Result<(), SourceError> {
        match wanted.iter().find(|&&input| input >= self.recording.inputs.len()) {
            None => Ok(()),
            Some(input) => Err(SourceError::NotRecorded {
                number: self.number(epoch),
                what: format!("input {input} is"),
            }),
        }
    }

    /// Converts the result of reading values of single inputs, which may not be recorded.
    fn recorded<T>(&self, epoch: usize, read: Result<Option<T>, FormatError>) -> Result<T, SourceError> {
        read.map_err(|error| self.damaged(epoch, error.to_string()))?.ok_or_else(|| {
            SourceError::NotRecorded {
                number: self.number(epoch),
                what: "values of single inputs are".to_owned(),
            }
        })
    }
}

/// Returns a warning with the number of NaN or infinite values per layer, or `None` if there are none.
fn not_finite(epoch: &Epoch) -> Option<String> {
    /// Number of layers that are named; the values of the others are counted together.
    const NAMED: usize = 3;
    let (layers, number) = (&epoch.not_finite, epoch.number);
    let mut counts: Vec<String> =
        layers.iter().take(NAMED).map(|(name, count)| format!("{count} of {}", shortened(name))).collect();
    if layers.len() > NAMED {
        let count = layers.values().skip(NAMED).fold(0_u64, |sum, &count| sum.saturating_add(count));
        counts.push(format!("{count} of {} more layers", layers.len() - NAMED));
    }
    let (verb, values) = if layers.values().eq([&1]) { ("is", "value") } else { ("are", "values") };
    let last = counts.pop()?;
    let counts = if counts.is_empty() { last } else { format!("{} and {last}", counts.join(", ")) };
    Some(format!(
        "epoch {number}: {} {verb} NaN or infinite",
        counts.replacen(" of ", &format!(" {values} of "), 1)
    ))
}

/// Returns the sizes that the arrays of a recording must have.
fn schema(recording: &Recording) -> EpochSchema<'_> {
    EpochSchema { layers: &recording.layers, classes: &recording.classes, inputs: recording.inputs.len() }
}

/// Returns the first unit of a layer.
fn first_unit(layer: LayerIndex) -> UnitId {
    UnitId { layer, unit: UnitIndex(0) }
}

impl Source for NativeRun {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        group: Group,
    ) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        let opened = self.epoch(epoch)?;
        let number = self.number(epoch);
        if let Some(cached) = self.aggregates.get((number, group)) {
            return Ok(Some(cached));
        }
        let read = opened.aggregates(&schema(&self.recording), group);
        let Some(read) = read.map_err(|error| self.damaged(epoch, error.to_string()))? else {
            return Ok(None);
        };
        let arrays = |aggregate: &Aggregate| {
            let others = [&aggregate.variance, &aggregate.min, &aggregate.max, &aggregate.rate];
            1 + others.into_iter().flatten().count()
        };
        let bytes: usize =
            read.iter().map(|aggregate| arrays(aggregate) * aggregate.mean.len() * size_of::<f32>()).sum();
        Ok(Some(self.aggregates.insert((number, group), read, bytes as u64)))
    }

    fn rows(&self, EpochIndex(epoch): EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        let opened = self.epoch(epoch)?;
        self.check_inputs(epoch, wanted)?;
        self.recorded(epoch, opened.rows(&schema(&self.recording), wanted))
    }

    fn layer_aggregate(
        &self,
        EpochIndex(epoch): EpochIndex,
        group: Group,
        layer: LayerIndex,
    ) -> Result<Option<Aggregate>, SourceError> {
        let opened = self.epoch_with_unit(epoch, first_unit(layer))?;
        let read = opened.layer_aggregate(&schema(&self.recording), group, layer.0);
        read.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn unit_aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        unit: UnitId,
    ) -> Result<UnitAggregates, SourceError> {
        let opened = self.epoch_with_unit(epoch, unit)?;
        let read = opened.unit_aggregates(&schema(&self.recording), unit);
        read.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn layer_rows(
        &self,
        EpochIndex(epoch): EpochIndex,
        layer: LayerIndex,
        wanted: &[usize],
    ) -> Result<RowBlock, SourceError> {
        let opened = self.epoch_with_unit(epoch, first_unit(layer))?;
        self.check_inputs(epoch, wanted)?;
        self.recorded(epoch, opened.layer_rows(&schema(&self.recording), layer.0, wanted))
    }

    fn unit_column(&self, EpochIndex(epoch): EpochIndex, unit: UnitId) -> Result<Vec<f32>, SourceError> {
        let opened = self.epoch_with_unit(epoch, unit)?;
        self.recorded(epoch, opened.unit_column(&schema(&self.recording), unit))
    }

    fn maps(&self, EpochIndex(epoch): EpochIndex, input: usize) -> Result<Vec<MapBlock>, SourceError> {
        let maps = self.epoch(epoch)?.maps(&schema(&self.recording), input);
        maps.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn predictions(
        &self,
        EpochIndex(epoch): EpochIndex,
    ) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        let predictions = self.epoch(epoch)?.predictions(&schema(&self.recording));
        Ok(predictions.map_err(|error| self.damaged(epoch, error.to_string()))?.map(Arc::new))
    }

    fn picture(&self, input: usize) -> Option<Picture> {
        self.inputs.picture(input)
    }
}
