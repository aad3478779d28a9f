//! DNNViz/DeepDIVA version 2 dumps.
//!
//! Opening reads the manifest, checks the end of every listed file and parses one file. The others are
//! parsed when their values are first requested.

mod fast;
mod items;
mod manifest;
mod module;
mod values;
mod write;

use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::items::{inputs, join_classes};
use self::manifest::{DumpItem, DumpManifest};
use self::values::ParsedLayers;
use super::FormatError;
use super::cache::ParsedCache;
use super::file::{RootFolder, shortened};
use super::{parallel, picture};
use crate::model::recording::sequential_edges;
use crate::model::{
    Aggregate, Epoch, EpochIndex, Format, Group, LayerIndex, MapBlock, Normalisation, Picture, Recording,
    RowBlock, Source, SourceError, Tensor, UnitAggregates, UnitId,
};

pub(super) use self::manifest::{MAX_UNITS, VERSION};
pub(super) use self::write::{DumpContents, DumpFile, DumpWriter};

/// Size limit of the cache of parsed values, in bytes.
const CACHE_BYTES: u64 = 512 << 20;

/// An opened dump.
pub(super) struct Dump {
    root: RootFolder,
    recording: Recording,
    /// As [`Recording::inputs`].
    singles: Vec<DumpItem>,
    /// As [`Recording::classes`]; `None` where a class has no file.
    classes: Vec<Option<DumpItem>>,
    general: Option<DumpItem>,
    /// The folder of each epoch.
    folders: Vec<PathBuf>,
    cache: ParsedCache<(usize, DumpFileKey), ParsedLayers>,
}

/// Identifies an activation file within an epoch.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum DumpFileKey {
    /// Index of an input.
    Single(usize),
    Group(Group),
}

impl Dump {
    /// Opens the dump in `folder`, whose manifest has the bytes `data`.
    pub(super) fn open(folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let root = RootFolder::new(folder)?;
        let path = folder.join("manifest.json");
        let manifest = DumpManifest::parse(&path, data)?;
        let (classes, class_items) = join_classes(&manifest.singles, manifest.classes);
        let inputs = inputs(&root, &manifest.singles, &classes);
        let mut warnings = Vec::new();
        for (class, item) in classes.iter().zip(&class_items) {
            if let Some(size) = item.as_ref().and_then(|item| item.size)
                && size != class.inputs as u64
                && !manifest.singles.is_empty()
            {
                let id = class.id;
                warnings
                    .push(format!("class {id} is said to have {size} inputs, {} are listed", class.inputs));
            }
        }
        let folders = manifest
            .epochs
            .iter()
            .map(|epoch| {
                let below = epoch.folder.trim_start_matches(['/', '\\']);
                let outside = || FormatError::Outside { path: path.clone(), name: shortened(&epoch.folder) };
                root.join(&format!("data/{below}"), &path).map_err(|_| outside())
            })
            .collect::<Result<_, _>>()?;
        let epochs = manifest.epochs.into_iter().map(|epoch| Epoch {
            number: epoch.number,
            accuracy: epoch.accuracy,
            time: epoch.time,
            ..Epoch::default()
        });
        let recording = Recording {
            format: Format::DeepDivaV2,
            model: manifest.model,
            edges: sequential_edges(manifest.layers.len()),
            joints: Vec::new(),
            modules: BTreeMap::new(),
            layers: manifest.layers,
            classes,
            inputs,
            epochs: epochs.collect(),
            normalisation: Normalisation::PerItemPerLayer,
            warnings,
        };
        let mut dump = Self {
            root,
            recording,
            singles: manifest.singles,
            classes: class_items,
            general: manifest.general,
            folders,
            cache: ParsedCache::new(CACHE_BYTES),
        };
        dump.find_damage()?;
        dump.check_sizes(&path)?;
        Ok(dump)
    }

    /// Returns the bytes of an input's cover file and its extension.
    pub(super) fn cover(&self, input: usize) -> Option<(Vec<u8>, &str)> {
        let cover = self.singles.get(input)?.cover.as_deref()?;
        let bytes = self.root.read(&self.cover_path(cover), picture::MAX_BYTES).ok()?;
        Some((bytes, Path::new(cover).extension()?.to_str()?))
    }

    /// Iterates over the activation files of an epoch.
    pub(super) fn files(&self, epoch: usize) -> impl Iterator<Item = PathBuf> + '_ {
        let items = self.singles.iter().chain(self.classes.iter().flatten()).chain(&self.general);
        items.filter_map(move |item| self.file(epoch, item))
    }

    /// Reads and parses an activation file, past the cache.
    fn parse(&self, path: &Path) -> Result<ParsedLayers, FormatError> {
        let data = RootFolder::read_checked(path, values::max_file_bytes(self.recording.units()))?;
        let layers = &self.recording.layers;
        fast::parse(&data, layers).map_or_else(|| values::parse(path, &data, layers), Ok)
    }

    fn cover_path(&self, cover: &str) -> PathBuf {
        self.root.folder().join("cover").join(cover)
    }

    /// Returns the path of an item's file at an epoch.
    fn file(&self, epoch: usize, item: &DumpItem) -> Option<PathBuf> {
        Some(self.folders.get(epoch)?.join(format!("{}.json", item.key)))
    }

    /// Marks the epochs whose folder is missing or whose files are missing or incomplete, by their ends.
    fn find_damage(&mut self) -> Result<(), FormatError> {
        let checks = parallel::map(self.folders.len(), |epoch| self.check_files(epoch));
        for (epoch, check) in checks.into_iter().enumerate() {
            match check {
                Ok(()) => {}
                Err(error @ FormatError::Outside { .. }) => return Err(error),
                Err(error) => self.mark_damaged(epoch, &error),
            }
        }
        Ok(())
    }

    fn check_files(&self, epoch: usize) -> Result<(), FormatError> {
        let folder = &self.folders[epoch];
        if !self.root.has_folder(folder)? {
            return Err(FormatError::NotFound { path: folder.clone() });
        }
        self.files(epoch).try_for_each(|path| check_end(&self.root, &path))
    }

    fn mark_damaged(&mut self, epoch: usize, error: &FormatError) {
        let entry = &mut self.recording.epochs[epoch];
        entry.damaged = true;
        self.recording.warnings.push(format!("epoch {} is damaged: {error}", entry.number));
    }

    /// Parses one file of the first readable epoch, so that wrong sizes in the manifest are an error of
    /// opening.
    fn check_sizes(&mut self, manifest: &Path) -> Result<(), FormatError> {
        let items = self.singles.len() + self.classes.len() + usize::from(self.general.is_some());
        if items == 0 {
            return Err(FormatError::invalid(manifest, "it lists no items, so there are no values to show"));
        }
        for epoch in 0..self.folders.len() {
            if self.recording.epochs[epoch].damaged {
                continue;
            }
            let first = self.general.iter().chain(self.classes.iter().flatten()).chain(&self.singles).next();
            let Some(path) = first.and_then(|item| self.file(epoch, item)) else { continue };
            match self.parse(&path) {
                Ok(_) => return Ok(()),
                Err(error @ FormatError::SizeDisagrees { .. }) => return Err(error),
                Err(error) => self.mark_damaged(epoch, &error),
            }
        }
        let reason = self.recording.warnings.last().cloned();
        Err(FormatError::NoEpoch {
            path: manifest.to_owned(),
            reason: reason.unwrap_or_else(|| "none is listed yet".to_owned()),
        })
    }

    /// Returns the values of a file, from the cache if possible, or `None` if the dump has no such file.
    fn values(&self, epoch: usize, key: DumpFileKey) -> Result<Option<Arc<ParsedLayers>>, SourceError> {
        if let Some(values) = self.cache.get((epoch, key)) {
            return Ok(Some(values));
        }
        let item = match key {
            DumpFileKey::Single(input) => self.singles.get(input),
            DumpFileKey::Group(Group::All) => self.general.as_ref(),
            DumpFileKey::Group(Group::Class(class)) => self.classes.get(class).and_then(Option::as_ref),
        };
        let Some(path) = item.and_then(|item| self.file(epoch, item)) else { return Ok(None) };
        let values = self.parse(&path).map_err(|error| self.damaged(epoch, error.to_string()))?;
        let bytes: usize = values.iter().map(|layer| size_of_val(layer.as_slice())).sum();
        Ok(Some(self.cache.insert((epoch, key), values, bytes as u64)))
    }

    /// Returns the number of inputs of a group.
    fn count(&self, group: Group) -> u64 {
        let (listed, item) = match group {
            Group::All => (self.recording.inputs.len(), self.general.as_ref()),
            Group::Class(class) => (
                self.recording.classes.get(class).map_or(0, |class| class.inputs),
                self.classes.get(class).and_then(Option::as_ref),
            ),
        };
        // Without single inputs there is only the declared number.
        let declared = item.and_then(|item| item.size).filter(|_| self.singles.is_empty());
        declared.unwrap_or(listed as u64)
    }

    /// Returns the unit values of the wanted inputs at some layers.
    fn rows_at(&self, epoch: usize, layers: Range<usize>, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        self.check_epoch(epoch)?;
        let missing = |input: usize| SourceError::NotRecorded {
            number: self.number(epoch),
            what: format!("input {input} is"),
        };
        let read = |index: usize| {
            let input = wanted[index];
            self.values(epoch, DumpFileKey::Single(input))?.ok_or_else(|| missing(input))
        };
        let files = parallel::map(wanted.len(), read).into_iter().collect::<Result<Vec<_>, _>>()?;
        let layer = |index: usize| {
            let units = self.recording.layers[index].units;
            let values: Vec<f32> = files.iter().flat_map(|file| &file[index]).copied().collect();
            Tensor::from_f32(values, files.len(), units)
                .ok_or_else(|| self.damaged(epoch, format!("layer {index} does not fit its declared size")))
        };
        let layers = layers.map(layer).collect::<Result<_, _>>()?;
        Ok(RowBlock { layers, rows: (0..wanted.len()).collect() })
    }

    fn damaged(&self, epoch: usize, reason: String) -> SourceError {
        SourceError::Damaged { number: self.number(epoch), reason }
    }

    fn number(&self, epoch: usize) -> u64 {
        self.recording.epochs.get(epoch).map_or(epoch as u64, |epoch| epoch.number)
    }

    /// Fails if an epoch is damaged or not recorded.
    fn check_epoch(&self, epoch: usize) -> Result<(), SourceError> {
        match self.recording.epochs.get(epoch) {
            Some(entry) if entry.damaged => {
                let begin = format!("epoch {} is damaged: ", entry.number);
                let reason = self.recording.warnings.iter().find_map(|warning| warning.strip_prefix(&begin));
                Err(self.damaged(epoch, reason.unwrap_or("its files are not whole").to_owned()))
            }
            Some(_) => Ok(()),
            None => Err(SourceError::NotRecorded { number: epoch as u64, what: "its epoch is".to_owned() }),
        }
    }
}

impl Source for Dump {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        group: Group,
    ) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        self.check_epoch(epoch)?;
        let Some(values) = self.values(epoch, DumpFileKey::Group(group))? else { return Ok(None) };
        let count = self.count(group);
        let aggregate = |mean: &Vec<f32>| Aggregate { count, mean: mean.clone(), ..Aggregate::default() };
        Ok(Some(Arc::new(values.iter().map(aggregate).collect())))
    }

    fn rows(&self, EpochIndex(epoch): EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        self.rows_at(epoch, 0..self.recording.layers.len(), wanted)
    }

    fn layer_aggregate(
        &self,
        EpochIndex(epoch): EpochIndex,
        group: Group,
        LayerIndex(layer): LayerIndex,
    ) -> Result<Option<Aggregate>, SourceError> {
        self.check_epoch(epoch)?;
        let values = self.values(epoch, DumpFileKey::Group(group))?;
        let mean = values.and_then(|values| values.get(layer).cloned());
        Ok(mean.map(|mean| Aggregate { count: self.count(group), mean, ..Aggregate::default() }))
    }

    fn unit_aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        unit: UnitId,
    ) -> Result<UnitAggregates, SourceError> {
        self.check_epoch(epoch)?;
        let of_group = |group| -> Result<Option<Aggregate>, SourceError> {
            let values = self.values(epoch, DumpFileKey::Group(group))?;
            let mean = values.and_then(|values| values.get(unit.layer.0)?.get(unit.unit.0).copied());
            Ok(mean.map(|mean| Aggregate {
                count: self.count(group),
                mean: vec![mean],
                ..Aggregate::default()
            }))
        };
        let classes = 0..self.recording.classes.len();
        Ok(UnitAggregates {
            all: of_group(Group::All)?,
            classes: classes.map(|class| of_group(Group::Class(class))).collect::<Result<_, _>>()?,
        })
    }

    fn layer_rows(
        &self,
        EpochIndex(epoch): EpochIndex,
        LayerIndex(layer): LayerIndex,
        wanted: &[usize],
    ) -> Result<RowBlock, SourceError> {
        if layer >= self.recording.layers.len() {
            let what = format!("layer {layer} is");
            return Err(SourceError::NotRecorded { number: self.number(epoch), what });
        }
        self.rows_at(epoch, layer..layer + 1, wanted)
    }

    fn maps(&self, EpochIndex(epoch): EpochIndex, _input: usize) -> Result<Vec<MapBlock>, SourceError> {
        self.check_epoch(epoch).map(|()| Vec::new())
    }

    fn predictions(
        &self,
        EpochIndex(epoch): EpochIndex,
    ) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        self.check_epoch(epoch).map(|()| None)
    }

    fn picture(&self, input: usize) -> Option<Picture> {
        picture::decode(&self.cover(input)?.0)
    }
}

/// Fails unless a file exists and ends with a closing brace, which incomplete files hardly ever do.
fn check_end(root: &RootFolder, path: &Path) -> Result<(), FormatError> {
    let (mut file, bytes) = root.open(path)?;
    let mut tail = [0_u8; 16];
    let length = bytes.min(tail.len() as u64);
    let read = |error| FormatError::read(path, error);
    file.seek(SeekFrom::Start(bytes - length)).map_err(read)?;
    let tail = &mut tail[..length as usize];
    file.read_exact(tail).map_err(read)?;
    if tail.trim_ascii_end().ends_with(b"}") || (length == 16 && tail.trim_ascii().is_empty()) {
        Ok(())
    } else {
        Err(FormatError::Truncated { path: path.to_owned() })
    }
}
