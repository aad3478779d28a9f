//! Writing a dump as DeepDIVA lays it out.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::super::FormatError;
use super::super::stage::{Stage, write_file};
use crate::model::{Epoch, Layer, LayerKind, Recording};

/// A dump that is being written. Nothing stands under its name before [`DumpWriter::finish`].
pub(in super::super) struct DumpWriter {
    stage: Stage,
    target: PathBuf,
    manifest: Manifest,
}

/// What has one file in every epoch.
#[derive(Clone, Copy)]
pub(in super::super) enum Item {
    Single(usize),
    /// Index into the classes.
    Class(usize),
    General,
}

/// What a dump lists besides its layers and epochs.
pub(in super::super) struct Listed {
    /// Whether single inputs have files.
    pub(in super::super) singles: bool,
    /// Indices of the classes that have a file, and how many inputs each speaks of.
    pub(in super::super) classes: Vec<(usize, u64)>,
    /// How many inputs the general file speaks of.
    pub(in super::super) general: u64,
}

#[derive(Serialize)]
struct Manifest {
    datetime: String,
    version: u64,
    model: Model,
    items: Items,
    #[serde(serialize_with = "keyed")]
    epochs: Vec<(String, ManifestEpoch)>,
}

#[derive(Serialize)]
struct Model {
    name: String,
    #[serde(serialize_with = "keyed")]
    layers: Vec<(String, ManifestLayer)>,
}

#[derive(Serialize)]
struct ManifestLayer {
    r#type: String,
    dim: u8,
    size: usize,
}

#[derive(Serialize)]
struct Items {
    #[serde(serialize_with = "keyed")]
    single: Vec<(String, ManifestItem)>,
    #[serde(serialize_with = "keyed")]
    class: Vec<(String, ManifestItem)>,
    #[serde(serialize_with = "keyed")]
    general: Vec<(String, ManifestItem)>,
}

#[derive(Serialize)]
struct ManifestItem {
    key: String,
    class: i64,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cover: Option<String>,
}

#[derive(Serialize)]
struct ManifestEpoch {
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    folder: String,
    datetime: String,
}

impl DumpWriter {
    /// Begins a dump at `target`, which must not exist, with files of what `listed` says.
    pub(in super::super) fn create(
        target: &Path,
        recording: &Recording,
        listed: &Listed,
    ) -> Result<Self, FormatError> {
        let stage = Stage::begin(target)?;
        fs::create_dir_all(stage.folder().join("activations/data")).map_err(FormatError::write(target))?;
        let singles = if listed.singles { recording.inputs.as_slice() } else { &[] };
        let classes = listed
            .classes
            .iter()
            .filter_map(|&(index, size)| Some((index, recording.classes.get(index)?.id, size)));
        let manifest = Manifest {
            datetime: recording.epochs.iter().rev().find_map(|epoch| epoch.time.clone()).unwrap_or_default(),
            version: super::VERSION,
            model: Model {
                name: recording.model.clone(),
                layers: (1..)
                    .map(key_text)
                    .zip(recording.layers.iter().map(ManifestLayer::describe))
                    .collect(),
            },
            items: Items {
                single: singles
                    .iter()
                    .enumerate()
                    .map(|(index, input)| {
                        let label = input.class.and_then(|class| recording.classes.get(class));
                        let label = label.map_or(-1, |class| class.id);
                        (index.to_string(), ManifestItem::new(Item::Single(index), label, 1))
                    })
                    .collect(),
                class: classes
                    .map(|(index, id, size)| {
                        (id.to_string(), ManifestItem::new(Item::Class(index), id, size))
                    })
                    .collect(),
                general: vec![("0".to_owned(), ManifestItem::new(Item::General, -1, listed.general))],
            },
            epochs: Vec::new(),
        };
        Ok(Self { stage, target: target.to_owned(), manifest })
    }

    /// Adds the picture of an input, encoded as a file with this ending.
    pub(in super::super) fn cover(
        &mut self,
        input: usize,
        bytes: &[u8],
        ending: &str,
    ) -> Result<(), FormatError> {
        let Some((_, item)) = self.manifest.items.single.get_mut(input) else { return Ok(()) };
        let name = format!("{}.{ending}", key("cover", input));
        let folder = self.stage.folder().join("activations/cover");
        fs::create_dir_all(&folder).map_err(FormatError::write(&self.target))?;
        let path = folder.join(&name);
        item.cover = Some(name);
        write_file(&path, false, |out| out.write_all(bytes)).map_err(|error| self.named(error))
    }

    /// Begins an epoch, whose files follow.
    pub(in super::super) fn begin_epoch(&mut self, epoch: &Epoch) -> Result<(), FormatError> {
        let folder = format!("/epoch{}", epoch.number);
        fs::create_dir(self.data(&folder)).map_err(FormatError::write(&self.target))?;
        let entry = ManifestEpoch {
            number: epoch.number,
            accuracy: epoch.accuracy,
            folder,
            datetime: epoch.time.clone().unwrap_or_default(),
        };
        self.manifest.epochs.push((epoch.number.to_string(), entry));
        Ok(())
    }

    /// Writes a file of the epoch that was begun last: values per layer.
    pub(in super::super) fn values(
        &self,
        item: Item,
        layers: &[impl AsRef<[f32]>],
    ) -> Result<(), FormatError> {
        let Some((_, epoch)) = self.manifest.epochs.last() else { return Ok(()) };
        let path = self.data(&epoch.folder).join(format!("{}.json", item.key()));
        // Not synced one by one: nothing has its final name yet, and there are very many.
        let write = || {
            let mut out = io::BufWriter::new(fs::File::create_new(path)?);
            write_values(&mut out, layers)?;
            out.flush()
        };
        write().map_err(FormatError::write(&self.target))
    }

    /// Completes the dump and gives it its name.
    pub(in super::super) fn finish(mut self) -> Result<(), FormatError> {
        let path = self.stage.folder().join("activations/manifest.json");
        let text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| FormatError::invalid(&self.target, error.to_string()))?;
        write_file(&path, false, |out| out.write_all(&text)).map_err(|error| self.named(error))?;
        self.stage.publish()
    }

    fn data(&self, folder: &str) -> PathBuf {
        self.stage.folder().join("activations/data").join(folder.trim_start_matches('/'))
    }

    /// The same error, told of the name that the dump will have.
    fn named(&self, error: FormatError) -> FormatError {
        match error {
            FormatError::Write { source, .. } => FormatError::Write { path: self.target.clone(), source },
            other => other,
        }
    }
}

impl Item {
    fn key(self) -> String {
        match self {
            Self::Single(input) => key("single", input),
            Self::Class(class) => key("class", class),
            Self::General => key("general", 0),
        }
    }
}

impl ManifestItem {
    fn new(item: Item, class: i64, size: u64) -> Self {
        Self { key: item.key(), class, size, cover: None }
    }
}

impl ManifestLayer {
    fn describe(layer: &Layer) -> Self {
        let dim = match layer.kind {
            LayerKind::FeatureMap => 4,
            // DNNViz takes one filter of layers that are neither; more units are told as dense.
            LayerKind::Other if layer.units == 1 => 3,
            _ => 2,
        };
        let text = [&layer.text, &layer.module, &layer.name].into_iter().find(|text| !text.is_empty());
        Self { r#type: text.cloned().unwrap_or_default(), dim, size: layer.units }
    }
}

/// 32 hexadecimal digits, as DeepDIVA's names have, but the same on every export (FNV-1a, 128 bit).
fn key(kind: &str, index: usize) -> String {
    let hash = format!("{kind}/{index}")
        .bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
    format!("{hash:032x}")
}

fn key_text(number: usize) -> String {
    number.to_string()
}

/// Pairs as an object in their order.
fn keyed<T: Serialize, S: Serializer>(pairs: &[(String, T)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    for (key, value) in pairs {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

/// Indented by 2 as Python does, bare `NaN` and `Infinity` included.
fn write_values(out: &mut impl Write, layers: &[impl AsRef<[f32]>]) -> io::Result<()> {
    out.write_all(b"{\n  \"layers\": {")?;
    for (index, values) in layers.iter().enumerate() {
        let comma = if index > 0 { "," } else { "" };
        write!(out, "{comma}\n    \"{}\": {{\n      \"filters\": {{", index + 1)?;
        for (filter, value) in values.as_ref().iter().enumerate() {
            let comma = if filter > 0 { "," } else { "" };
            write!(out, "{comma}\n        \"{}\": ", filter + 1)?;
            match *value {
                value if value.is_nan() => out.write_all(b"NaN")?,
                f32::INFINITY => out.write_all(b"Infinity")?,
                f32::NEG_INFINITY => out.write_all(b"-Infinity")?,
                value => write!(out, "{value:?}")?,
            }
        }
        out.write_all(b"\n      }\n    }")?;
    }
    out.write_all(b"\n  }\n}")
}
