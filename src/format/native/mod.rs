//! The native recording: a JSON manifest and safetensors files, read by mapping. Its layout is
//! documented in `docs/recording-format.md`.

mod epoch;
mod inputs;
mod lock;
mod manifest;
mod parts;
mod resume;
mod shard;
mod values;
mod writer;

use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use self::epoch::{Declared, ShardedEpoch};
use self::inputs::InputFile;
use self::manifest::{Manifest, ManifestEpoch, ManifestInputs};
use super::FormatError;
use super::cache::Cache;
use super::file::{Root, shortened};
use crate::model::{
    Aggregate, Class, Epoch, EpochIndex, Format, Group, LayerIndex, MapBlock, Picture, Recording, RowBlock,
    Source, SourceError, UnitAggregates, UnitIndex,
};

pub(super) use self::epoch::array;
pub(super) use self::manifest::{MOST_INPUTS, NAME, VERSION};
pub(super) use self::parts::Part;
pub use self::resume::difference;
pub use self::values::{EpochValues, LayerMaps};
pub use self::writer::{Pictures, RunWriter, ShardWriter};

/// Converted aggregates that are kept, in bytes.
const CACHE_BYTES: usize = 512 << 20;

/// An opened recording. Costs the manifest and the headers; values are mapped.
///
/// A run that is being written is opened again after every commit. What did not change since is
/// shared with the one that was open before, so that this costs the manifest and the headers of new
/// epochs, however many there are.
pub(super) struct Run {
    recording: Recording,
    inputs: Arc<InputFile>,
    listed: ManifestInputs,
    /// As [`Recording::epochs`].
    epochs: Vec<OpenEpoch>,
    /// By epoch number.
    aggregates: Arc<Cache<(u64, Group), Vec<Aggregate>>>,
}

/// An epoch as the manifest lists it, and what came of opening it: what is wrong with a damaged one.
struct OpenEpoch {
    entry: ManifestEpoch,
    values: Result<Arc<ShardedEpoch>, String>,
}

impl Run {
    /// Opens the recording in `folder`, whose manifest's bytes are `data`.
    pub(super) fn open(folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
        Self::open_after(None, folder, data)
    }

    /// As [`Run::open`]; what `before`, the same run as it was, has in common with it is not opened
    /// again.
    pub(super) fn open_after(before: Option<&Self>, folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let root = Root::new(folder)?;
        let path = folder.join("manifest.json");
        let manifest = Manifest::parse(&path, data)?;
        let mut recording = Recording {
            format: Format::Native,
            model: manifest.model(),
            layers: manifest.layers(),
            edges: manifest.edges(),
            classes: manifest.classes(),
            inputs: Vec::new(),
            epochs: manifest.epochs.iter().map(ManifestEpoch::epoch).collect(),
            normalisation: manifest.normalisation(),
            warnings: Vec::new(),
        };
        let before = before.filter(|before| before.is_of(&recording, &manifest));
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
        let declared = declared(&recording);
        let open = |epoch: &ManifestEpoch| {
            let kept = before.and_then(|before| before.kept(epoch));
            kept.map_or_else(|| ShardedEpoch::open(&root, &path, epoch, &declared).map(Arc::new), Ok)
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
            epochs.push(OpenEpoch { entry, values });
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
        let aggregates =
            before.map_or_else(|| Arc::new(Cache::new(CACHE_BYTES)), |before| Arc::clone(&before.aggregates));
        Ok(Self { recording, inputs, listed: manifest.inputs, epochs, aggregates })
    }

    /// Whether what stands in the folder now, described as `recording` (its inputs not yet listed)
    /// and `manifest`, is this run later on: committed files are never rewritten, so it is as soon as
    /// its first and last files are those that are open.
    fn is_of(&self, recording: &Recording, manifest: &Manifest) -> bool {
        let ours = &self.recording;
        let names = |classes: &[Class]| -> Vec<(i64, String)> {
            classes.iter().map(|class| (class.id, class.name.clone())).collect()
        };
        let mut values = self.epochs.iter().filter_map(|epoch| epoch.values.as_ref().ok());
        let (first, last) = (values.next(), values.next_back());
        ours.layers == recording.layers
            && names(&ours.classes) == names(&recording.classes)
            && self.listed == manifest.inputs
            && self.inputs.is_current()
            && first.into_iter().chain(last).all(|values| values.is_current())
    }

    /// Whether every epoch that could be read of `before` is the same one here.
    pub(super) fn shares_with(&self, before: &Self) -> bool {
        before.epochs.iter().all(|epoch| match &epoch.values {
            Ok(values) => self.kept(&epoch.entry).is_some_and(|kept| Arc::ptr_eq(&kept, values)),
            Err(_) => true,
        })
    }

    /// The epoch, when it is open as `entry` lists it.
    fn kept(&self, entry: &ManifestEpoch) -> Option<Arc<ShardedEpoch>> {
        let at = self.epochs.binary_search_by_key(&entry.number, |epoch| epoch.entry.number).ok()?;
        let epoch = self.epochs.get(at).filter(|epoch| epoch.entry.files == entry.files)?;
        epoch.values.as_ref().ok().map(Arc::clone)
    }

    /// The encoded picture of an input as it was recorded; `None` when there is none or it was
    /// recorded as pixels.
    pub(super) fn encoded_picture(&self, input: usize) -> Option<&[u8]> {
        self.inputs.encoded(input)
    }

    fn epoch(&self, epoch: usize) -> Result<&ShardedEpoch, SourceError> {
        match self.epochs.get(epoch) {
            Some(OpenEpoch { values: Ok(found), .. }) => Ok(found),
            Some(OpenEpoch { values: Err(reason), .. }) => Err(self.damaged(epoch, reason.clone())),
            None => Err(SourceError::NotRecorded { number: epoch as u64, what: "its epoch is".to_owned() }),
        }
    }

    fn number(&self, epoch: usize) -> u64 {
        self.recording.epochs.get(epoch).map_or(epoch as u64, |epoch| epoch.number)
    }

    fn damaged(&self, epoch: usize, reason: String) -> SourceError {
        SourceError::Damaged { number: self.number(epoch), reason }
    }

    /// The epoch, of which a unit of a layer is to be read.
    fn epoch_with(&self, epoch: usize, layer: usize, unit: usize) -> Result<&ShardedEpoch, SourceError> {
        let found = self.epoch(epoch)?;
        match self.recording.layers.get(layer) {
            Some(facts) if unit < facts.units => Ok(found),
            _ => Err(SourceError::NotRecorded {
                number: self.number(epoch),
                what: format!("unit {unit} of layer {layer} is"),
            }),
        }
    }

    fn check_inputs(&self, epoch: usize, wanted: &[usize]) -> Result<(), SourceError> {
        match wanted.iter().find(|&&input| input >= self.recording.inputs.len()) {
            None => Ok(()),
            Some(input) => Err(SourceError::NotRecorded {
                number: self.number(epoch),
                what: format!("input {input} is"),
            }),
        }
    }

    /// What was read of single inputs, if they were recorded.
    fn recorded<T>(&self, epoch: usize, read: Result<Option<T>, FormatError>) -> Result<T, SourceError> {
        read.map_err(|error| self.damaged(epoch, error.to_string()))?.ok_or_else(|| {
            SourceError::NotRecorded {
                number: self.number(epoch),
                what: "values of single inputs are".to_owned(),
            }
        })
    }
}

/// What is told of an epoch in which values are NaN or infinite: how many, in which layers.
fn not_finite(epoch: &Epoch) -> Option<String> {
    /// Layers that are named; the values of the others are told together.
    const NAMED: usize = 3;
    let (layers, number) = (&epoch.not_finite, epoch.number);
    let mut told: Vec<String> =
        layers.iter().take(NAMED).map(|(name, count)| format!("{count} of {}", shortened(name))).collect();
    if layers.len() > NAMED {
        let count = layers.values().skip(NAMED).fold(0_u64, |sum, &count| sum.saturating_add(count));
        told.push(format!("{count} of {} more layers", layers.len() - NAMED));
    }
    let (verb, values) = if layers.values().eq([&1]) { ("is", "value") } else { ("are", "values") };
    let last = told.pop()?;
    let told = if told.is_empty() { last } else { format!("{} and {last}", told.join(", ")) };
    Some(format!(
        "epoch {number}: {} {verb} NaN or infinite",
        told.replacen(" of ", &format!(" {values} of "), 1)
    ))
}

fn declared(recording: &Recording) -> Declared<'_> {
    Declared { layers: &recording.layers, classes: &recording.classes, inputs: recording.inputs.len() }
}

impl Source for Run {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        group: Group,
    ) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        let found = self.epoch(epoch)?;
        let number = self.number(epoch);
        if let Some(kept) = self.aggregates.get((number, group)) {
            return Ok(Some(kept));
        }
        let read = found.aggregates(&declared(&self.recording), group);
        let Some(read) = read.map_err(|error| self.damaged(epoch, error.to_string()))? else {
            return Ok(None);
        };
        let arrays = |aggregate: &Aggregate| {
            let others = [&aggregate.variance, &aggregate.min, &aggregate.max, &aggregate.rate];
            1 + others.into_iter().flatten().count()
        };
        let bytes =
            read.iter().map(|aggregate| arrays(aggregate) * aggregate.mean.len() * size_of::<f32>()).sum();
        Ok(Some(self.aggregates.insert((number, group), read, bytes)))
    }

    fn rows(&self, EpochIndex(epoch): EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        let found = self.epoch(epoch)?;
        self.check_inputs(epoch, wanted)?;
        self.recorded(epoch, found.rows(&declared(&self.recording), wanted))
    }

    fn layer_aggregate(
        &self,
        EpochIndex(epoch): EpochIndex,
        group: Group,
        LayerIndex(layer): LayerIndex,
    ) -> Result<Option<Aggregate>, SourceError> {
        let found = self.epoch_with(epoch, layer, 0)?;
        let read = found.layer_aggregate(&declared(&self.recording), group, layer);
        read.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn unit_aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        LayerIndex(layer): LayerIndex,
        UnitIndex(unit): UnitIndex,
    ) -> Result<UnitAggregates, SourceError> {
        let found = self.epoch_with(epoch, layer, unit)?;
        let read = found.unit_aggregates(&declared(&self.recording), layer, unit);
        read.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn layer_rows(
        &self,
        EpochIndex(epoch): EpochIndex,
        LayerIndex(layer): LayerIndex,
        wanted: &[usize],
    ) -> Result<RowBlock, SourceError> {
        let found = self.epoch_with(epoch, layer, 0)?;
        self.check_inputs(epoch, wanted)?;
        self.recorded(epoch, found.layer_rows(&declared(&self.recording), layer, wanted))
    }

    fn unit_column(
        &self,
        EpochIndex(epoch): EpochIndex,
        LayerIndex(layer): LayerIndex,
        UnitIndex(unit): UnitIndex,
    ) -> Result<Vec<f32>, SourceError> {
        let found = self.epoch_with(epoch, layer, unit)?;
        self.recorded(epoch, found.unit_column(&declared(&self.recording), layer, unit))
    }

    fn maps(&self, EpochIndex(epoch): EpochIndex, input: usize) -> Result<Vec<MapBlock>, SourceError> {
        let maps = self.epoch(epoch)?.maps(&declared(&self.recording), input);
        maps.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn predictions(
        &self,
        EpochIndex(epoch): EpochIndex,
    ) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        let predictions = self.epoch(epoch)?.predictions(&declared(&self.recording));
        Ok(predictions.map_err(|error| self.damaged(epoch, error.to_string()))?.map(Arc::new))
    }

    fn picture(&self, input: usize) -> Option<Picture> {
        self.inputs.picture(input)
    }
}
