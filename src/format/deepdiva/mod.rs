//! DNNViz/DeepDIVA version 2 dumps: opening, and handing out their values lazily.
//!
//! Opening reads the manifest, looks at every listed file's end and parses one file; all others are
//! parsed when their values are first wanted.

mod fast;
mod manifest;
mod module;
mod values;
mod write;

use std::collections::BTreeSet;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::manifest::{Item as ListedItem, Manifest};
use self::values::LayerValues;
use super::FormatError;
use super::cache::Cache;
use super::file::{Root, shortened};
use super::{parallel, picture};
use crate::model::recording::sequential_edges;
use crate::model::{
    Aggregate, Class, Epoch, EpochIndex, Format, Group, Input, LayerIndex, MapBlock, Normalisation, Picture,
    Recording, RowBlock, Source, SourceError, Tensor, UnitAggregates, UnitIndex,
};

pub(super) use self::manifest::{MOST_UNITS, VERSION};
pub(super) use self::write::{DumpWriter, Item, Listed};

/// Parsed values that are kept, in bytes.
const CACHE_BYTES: usize = 512 << 20;

/// An opened dump.
pub(super) struct Dump {
    root: Root,
    recording: Recording,
    singles: Vec<ListedItem>,
    /// As [`Recording::classes`]; `None` where a class has no file.
    classes: Vec<Option<ListedItem>>,
    general: Option<ListedItem>,
    /// Folder of each epoch.
    folders: Vec<PathBuf>,
    cache: Cache<(usize, What), LayerValues>,
}

/// What a file speaks of: indices into the inputs or classes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    Single(usize),
    Group(Group),
}

impl Dump {
    /// Opens the dump in `folder`, whose manifest's bytes are `data`.
    pub(super) fn open(folder: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let root = Root::new(folder)?;
        let path = folder.join("manifest.json");
        let manifest = Manifest::parse(&path, data)?;
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
                let below = epoch.folder.trim_start_matches('/');
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
            cache: Cache::new(CACHE_BYTES),
        };
        dump.find_damage()?;
        dump.check_sizes(&path)?;
        Ok(dump)
    }

    /// The bytes of an input's cover file as they are, and its name's ending.
    pub(super) fn cover(&self, input: usize) -> Option<(Vec<u8>, &str)> {
        let cover = self.singles.get(input)?.cover.as_deref()?;
        let bytes = self.root.read(&self.cover_path(cover), picture::MOST_BYTES).ok()?;
        Some((bytes, Path::new(cover).extension()?.to_str()?))
    }

    /// Every activation file of an epoch.
    pub(super) fn files(&self, epoch: usize) -> impl Iterator<Item = PathBuf> + '_ {
        let items = self.singles.iter().chain(self.classes.iter().flatten()).chain(&self.general);
        items.filter_map(move |item| self.file(epoch, item))
    }

    /// Reads and parses activation files in parallel, past the cache.
    pub(super) fn parse_all(&self, paths: &[PathBuf]) -> Vec<Result<LayerValues, FormatError>> {
        parallel::map(paths.len(), |index| self.parse(&paths[index]))
    }

    fn parse(&self, path: &Path) -> Result<LayerValues, FormatError> {
        let data = Root::read_again(path, values::file_cap(self.recording.units()))?;
        values::parse(path, &data, &self.recording.layers)
    }

    fn cover_path(&self, cover: &str) -> PathBuf {
        self.root.folder().join("cover").join(cover)
    }

    fn file(&self, epoch: usize, item: &ListedItem) -> Option<PathBuf> {
        Some(self.folders.get(epoch)?.join(format!("{}.json", item.key)))
    }

    /// Marks the epochs whose folder or files are not whole, as far as their sizes and ends tell.
    fn find_damage(&mut self) -> Result<(), FormatError> {
        let found = parallel::map(self.folders.len(), |epoch| self.check_files(epoch));
        for (epoch, found) in found.into_iter().enumerate() {
            match found {
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

    /// Parses one file of the first readable epoch, so that sizes that no file agrees with are told
    /// on opening and not in the middle of looking.
    fn check_sizes(&mut self, manifest: &Path) -> Result<(), FormatError> {
        let everything = self.singles.len() + self.classes.len() + usize::from(self.general.is_some());
        if everything == 0 {
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

    /// The values of a file; parsed at most once while they fit the cache. `None` when the dump has
    /// no such file.
    fn values(&self, epoch: usize, what: What) -> Result<Option<Arc<LayerValues>>, SourceError> {
        if let Some(values) = self.cache.get((epoch, what)) {
            return Ok(Some(values));
        }
        let item = match what {
            What::Single(input) => self.singles.get(input),
            What::Group(Group::All) => self.general.as_ref(),
            What::Group(Group::Class(class)) => self.classes.get(class).and_then(Option::as_ref),
        };
        let Some(path) = item.and_then(|item| self.file(epoch, item)) else { return Ok(None) };
        let values = self.parse(&path).map_err(|error| self.damaged(epoch, error.to_string()))?;
        let bytes = values.iter().map(|layer| layer.len() * size_of::<f32>()).sum();
        Ok(Some(self.cache.insert((epoch, what), values, bytes)))
    }

    /// How many inputs a group's file speaks of.
    fn count(&self, group: Group) -> u64 {
        let (listed, item) = match group {
            Group::All => (self.recording.inputs.len(), self.general.as_ref()),
            Group::Class(class) => (
                self.recording.classes.get(class).map_or(0, |class| class.inputs),
                self.classes.get(class).and_then(Option::as_ref),
            ),
        };
        // Without single inputs there is only the dump's word for it.
        let said = item.and_then(|item| item.size).filter(|_| self.singles.is_empty());
        said.unwrap_or(listed as u64)
    }

    /// Unit values of the wanted inputs at some layers.
    fn rows_at(&self, epoch: usize, layers: Range<usize>, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        self.check_epoch(epoch)?;
        let missing = |input: usize| SourceError::NotRecorded {
            number: self.number(epoch),
            what: format!("input {input} is"),
        };
        let read = |at: usize| {
            let input = wanted[at];
            self.values(epoch, What::Single(input))?.ok_or_else(|| missing(input))
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
        let Some(values) = self.values(epoch, What::Group(group))? else { return Ok(None) };
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
        let values = self.values(epoch, What::Group(group))?;
        let mean = values.and_then(|values| values.get(layer).cloned());
        Ok(mean.map(|mean| Aggregate { count: self.count(group), mean, ..Aggregate::default() }))
    }

    fn unit_aggregates(
        &self,
        EpochIndex(epoch): EpochIndex,
        LayerIndex(layer): LayerIndex,
        UnitIndex(unit): UnitIndex,
    ) -> Result<UnitAggregates, SourceError> {
        self.check_epoch(epoch)?;
        let of = |group| -> Result<Option<Aggregate>, SourceError> {
            let values = self.values(epoch, What::Group(group))?;
            let mean = values.and_then(|values| values.get(layer)?.get(unit).copied());
            Ok(mean.map(|mean| Aggregate {
                count: self.count(group),
                mean: vec![mean],
                ..Aggregate::default()
            }))
        };
        let classes = 0..self.recording.classes.len();
        Ok(UnitAggregates {
            all: of(Group::All)?,
            classes: classes.map(|class| of(Group::Class(class))).collect::<Result<_, _>>()?,
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

/// All classes that the dump names, ascending, with their files where they have one.
fn join_classes(singles: &[ListedItem], with_file: Vec<ListedItem>) -> (Vec<Class>, Vec<Option<ListedItem>>) {
    let mut with_file: std::collections::BTreeMap<i64, ListedItem> =
        with_file.into_iter().map(|item| (item.class, item)).collect();
    // A label below 0 is DeepDIVA's "none".
    let labels = singles.iter().map(|item| item.class).filter(|&label| label >= 0);
    let ids: BTreeSet<i64> = with_file.keys().copied().chain(labels).collect();
    let mut counts = std::collections::HashMap::<i64, usize>::new();
    for item in singles {
        *counts.entry(item.class).or_default() += 1;
    }
    ids.into_iter()
        .map(|id| {
            let inputs = counts.get(&id).copied().unwrap_or(0);
            (Class { id, name: id.to_string(), inputs, aggregated: 0 }, with_file.remove(&id))
        })
        .unzip()
}

fn inputs(root: &Root, singles: &[ListedItem], classes: &[Class]) -> Vec<Input> {
    let input = |item: &ListedItem| Input {
        id: item.name.clone(),
        class: classes.binary_search_by_key(&item.class, |class| class.id).ok(),
        has_picture: item.cover.as_ref().is_some_and(|cover| {
            root.open(&root.folder().join("cover").join(cover)).is_ok_and(|(_, bytes)| bytes > 0)
        }),
    };
    singles.iter().map(input).collect()
}

/// Whether a file is there and ends as a JSON object does; half-written ones hardly ever do.
fn check_end(root: &Root, path: &Path) -> Result<(), FormatError> {
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
