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
use self::manifest::Manifest;
use super::FormatError;
use super::cache::Cache;
use super::file::{Root, shortened};
use crate::model::{
    Aggregate, Epoch, Format, Group, MapBlock, Picture, Recording, RowBlock, Source, SourceError,
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
pub(super) struct Run {
    recording: Recording,
    inputs: InputFile,
    /// As [`Recording::epochs`]; what is wrong with the damaged ones.
    epochs: Vec<Result<ShardedEpoch, String>>,
    aggregates: Cache<(usize, Group), Vec<Aggregate>>,
}

impl Run {
    /// Opens the recording in `folder`, whose manifest's bytes are `data`.
    pub(super) fn open(folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
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
            epochs: manifest.epochs.iter().map(manifest::ManifestEpoch::epoch).collect(),
            normalisation: manifest.normalisation(),
            warnings: Vec::new(),
        };
        let (inputs, listed) = InputFile::open(&root, &path, &manifest.inputs, &recording.classes)?;
        for class in listed.iter().filter_map(|input| input.class) {
            recording.classes[class].inputs += 1;
        }
        recording.inputs = listed;
        let declared = declared(&recording);
        let opened: Vec<Result<ShardedEpoch, FormatError>> = manifest
            .epochs
            .par_iter()
            .map(|epoch| ShardedEpoch::open(&root, &path, epoch, &declared))
            .collect();
        let mut epochs = Vec::with_capacity(opened.len());
        for (entry, opened) in recording.epochs.iter_mut().zip(opened) {
            epochs.push(match opened {
                Ok(epoch) => {
                    entry.has_predictions = epoch.has_predictions;
                    recording.warnings.extend(not_finite(entry));
                    Ok(epoch)
                }
                Err(error @ FormatError::Outside { .. }) => return Err(error),
                Err(error) => {
                    entry.damaged = true;
                    recording.warnings.push(format!("epoch {} is damaged: {error}", entry.number));
                    Err(error.to_string())
                }
            });
        }
        if let Some(reason) = recording.warnings.last()
            && !epochs.is_empty()
            && epochs.iter().all(Result::is_err)
        {
            return Err(FormatError::NoEpoch { path, reason: reason.clone() });
        }
        Ok(Self { recording, inputs, epochs, aggregates: Cache::new(CACHE_BYTES) })
    }

    /// The encoded picture of an input as it was recorded; `None` when there is none or it was
    /// recorded as pixels.
    pub(super) fn encoded_picture(&self, input: usize) -> Option<&[u8]> {
        self.inputs.encoded(input)
    }

    fn epoch(&self, epoch: usize) -> Result<&ShardedEpoch, SourceError> {
        match self.epochs.get(epoch) {
            Some(Ok(found)) => Ok(found),
            Some(Err(reason)) => Err(self.damaged(epoch, reason.clone())),
            None => Err(SourceError::NotRecorded { number: epoch as u64, what: "its epoch is".to_owned() }),
        }
    }

    fn number(&self, epoch: usize) -> u64 {
        self.recording.epochs.get(epoch).map_or(epoch as u64, |epoch| epoch.number)
    }

    fn damaged(&self, epoch: usize, reason: String) -> SourceError {
        SourceError::Damaged { number: self.number(epoch), reason }
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

    fn aggregates(&self, epoch: usize, group: Group) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        let found = self.epoch(epoch)?;
        if let Some(kept) = self.aggregates.get((epoch, group)) {
            return Ok(Some(kept));
        }
        let read = found.aggregates(&declared(&self.recording), group);
        let Some(read) = read.map_err(|error| self.damaged(epoch, error.to_string()))? else {
            return Ok(None);
        };
        let arrays = |aggregate: &Aggregate| {
            let others = [&aggregate.second_moment, &aggregate.min, &aggregate.max, &aggregate.rate];
            1 + others.into_iter().flatten().count()
        };
        let bytes =
            read.iter().map(|aggregate| arrays(aggregate) * aggregate.mean.len() * size_of::<f32>()).sum();
        Ok(Some(self.aggregates.insert((epoch, group), read, bytes)))
    }

    fn rows(&self, epoch: usize, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        let found = self.epoch(epoch)?;
        let number = self.number(epoch);
        if let Some(input) = wanted.iter().find(|&&input| input >= self.recording.inputs.len()) {
            return Err(SourceError::NotRecorded { number, what: format!("input {input} is") });
        }
        let rows = found.rows(&declared(&self.recording), wanted);
        rows.map_err(|error| self.damaged(epoch, error.to_string()))?.ok_or_else(|| {
            SourceError::NotRecorded { number, what: "values of single inputs are".to_owned() }
        })
    }

    fn maps(&self, epoch: usize, input: usize) -> Result<Vec<MapBlock>, SourceError> {
        let maps = self.epoch(epoch)?.maps(&declared(&self.recording), input);
        maps.map_err(|error| self.damaged(epoch, error.to_string()))
    }

    fn predictions(&self, epoch: usize) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        let predictions = self.epoch(epoch)?.predictions(&declared(&self.recording));
        Ok(predictions.map_err(|error| self.damaged(epoch, error.to_string()))?.map(Arc::new))
    }

    fn picture(&self, input: usize) -> Option<Picture> {
        self.inputs.picture(input)
    }
}
