//! Writing a dump in the layout of DeepDIVA.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::super::FormatError;
use crate::files::{self, StagedFolder};
use crate::model::{Epoch, Layer, LayerKind, Recording};

/// Writes a dump. It gets its name in [`DumpWriter::finish`]; before that, nothing exists there.
pub(in super::super) struct DumpWriter {
    staged: StagedFolder,
    target: PathBuf,
    manifest: ManifestJson,
}

/// An item with one file in every epoch.
#[derive(Clone, Copy)]
pub(in super::super) enum DumpFile {
    /// Index of an input.
    Single(usize),
    /// Index of a class.
    Class(usize),
    /// All inputs.
    General,
}

/// The items of a dump.
pub(in super::super) struct DumpContents {
    /// `true` if single inputs have files.
    pub(in super::super) singles: bool,
    /// Indices of the classes that have a file, each with its number of inputs.
    pub(in super::super) classes: Vec<(usize, u64)>,
    /// Number of inputs of the general file.
    pub(in super::super) general: u64,
}

#[derive(Serialize)]
struct ManifestJson {
    datetime: String,
    version: u64,
    model: ModelJson,
    items: ItemsJson,
    #[serde(serialize_with = "keyed")]
    epochs: Vec<(String, EpochJson)>,
}

#[derive(Serialize)]
struct ModelJson {
    name: String,
    #[serde(serialize_with = "keyed")]
    layers: Vec<(String, LayerJson)>,
}

#[derive(Serialize)]
struct LayerJson {
    r#type: String,
    dim: u8,
    size: usize,
}

#[derive(Serialize)]
struct ItemsJson {
    #[serde(serialize_with = "keyed")]
    single: Vec<(String, ItemJson)>,
    #[serde(serialize_with = "keyed")]
    class: Vec<(String, ItemJson)>,
    #[serde(serialize_with = "keyed")]
    general: Vec<(String, ItemJson)>,
}

#[derive(Serialize)]
struct ItemJson {
    key: String,
    class: i64,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cover: Option<String>,
}

#[derive(Serialize)]
struct EpochJson {
    number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    accuracy: Option<f64>,
    folder: String,
    datetime: String,
}

impl DumpWriter {
    /// Begins a dump at `target`, which must not exist.
    pub(in super::super) fn create(
        target: &Path,
        recording: &Recording,
        contents: &DumpContents,
    ) -> Result<Self, FormatError> {
        let staged = StagedFolder::create(target).map_err(FormatError::create(target))?;
        fs::create_dir_all(staged.path().join("activations/data")).map_err(FormatError::write(target))?;
        let singles = if contents.singles { recording.inputs.as_slice() } else { &[] };
        let classes = contents
            .classes
            .iter()
            .filter_map(|&(index, size)| Some((index, recording.classes.get(index)?.id, size)));
        let manifest = ManifestJson {
            datetime: recording.epochs.iter().rev().find_map(|epoch| epoch.time.clone()).unwrap_or_default(),
            version: super::VERSION,
            model: ModelJson {
                name: recording.model.clone(),
                layers: (1..).map(key_text).zip(recording.layers.iter().map(LayerJson::describe)).collect(),
            },
            items: ItemsJson {
                single: singles
                    .iter()
                    .enumerate()
                    .map(|(index, input)| {
                        let label = input.class.and_then(|class| recording.classes.get(class));
                        let label = label.map_or(-1, |class| class.id);
                        (index.to_string(), ItemJson::new(DumpFile::Single(index), label, 1))
                    })
                    .collect(),
                class: classes
                    .map(|(index, id, size)| {
                        (id.to_string(), ItemJson::new(DumpFile::Class(index), id, size))
                    })
                    .collect(),
                general: vec![("0".to_owned(), ItemJson::new(DumpFile::General, -1, contents.general))],
            },
            epochs: Vec::new(),
        };
        Ok(Self { staged, target: target.to_owned(), manifest })
    }

    /// Adds the picture of an input, encoded as a file with this extension.
    pub(in super::super) fn cover(
        &mut self,
        input: usize,
        bytes: &[u8],
        extension: &str,
    ) -> Result<(), FormatError> {
        let Some((_, item)) = self.manifest.items.single.get_mut(input) else { return Ok(()) };
        let name = format!("{}.{extension}", key("cover", input));
        let folder = self.staged.path().join("activations/cover");
        fs::create_dir_all(&folder).map_err(FormatError::write(&self.target))?;
        let path = folder.join(&name);
        item.cover = Some(name);
        files::write(&path, false, |out| out.write_all(bytes)).map_err(FormatError::write(&self.target))
    }

    /// Begins an epoch. The following calls of [`DumpWriter::values`] write its files.
    pub(in super::super) fn begin_epoch(&mut self, epoch: &Epoch) -> Result<(), FormatError> {
        let folder = format!("/epoch{}", epoch.number);
        fs::create_dir(self.data(&folder)).map_err(FormatError::write(&self.target))?;
        let entry = EpochJson {
            number: epoch.number,
            accuracy: epoch.accuracy,
            folder,
            datetime: epoch.time.clone().unwrap_or_default(),
        };
        self.manifest.epochs.push((epoch.number.to_string(), entry));
        Ok(())
    }

    /// Writes one file of the current epoch: values per layer.
    pub(in super::super) fn values(
        &self,
        item: DumpFile,
        layers: &[impl AsRef<[f32]>],
    ) -> Result<(), FormatError> {
        let Some((_, epoch)) = self.manifest.epochs.last() else { return Ok(()) };
        let path = self.data(&epoch.folder).join(format!("{}.json", item.key()));
        // Not synced: the dump has no final name yet, and there are very many files.
        let write = || {
            let mut out = io::BufWriter::new(fs::File::create_new(path)?);
            write_values(&mut out, layers)?;
            out.flush()
        };
        write().map_err(FormatError::write(&self.target))
    }

    /// Writes the manifest and gives the dump its name.
    pub(in super::super) fn finish(mut self) -> Result<(), FormatError> {
        let path = self.staged.path().join("activations/manifest.json");
        let text = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| FormatError::invalid(&self.target, error.to_string()))?;
        files::write(&path, false, |out| out.write_all(&text)).map_err(FormatError::write(&self.target))?;
        self.staged.publish().map_err(FormatError::create(&self.target))
    }

    /// Returns the path of an epoch's folder as named in the manifest.
    fn data(&self, folder: &str) -> PathBuf {
        self.staged.path().join("activations/data").join(folder.trim_start_matches('/'))
    }
}

impl DumpFile {
    /// Returns the name of the item's files without extension.
    fn key(self) -> String {
        match self {
            Self::Single(input) => key("single", input),
            Self::Class(class) => key("class", class),
            Self::General => key("general", 0),
        }
    }
}

impl ItemJson {
    fn new(item: DumpFile, class: i64, size: u64) -> Self {
        Self { key: item.key(), class, size, cover: None }
    }
}

impl LayerJson {
    fn describe(layer: &Layer) -> Self {
        let dim = match layer.kind {
            LayerKind::FeatureMap => 4,
            // DNNViz reads one filter of other layers; layers of more units are written as dense.
            LayerKind::Other if layer.units == 1 => 3,
            _ => 2,
        };
        let text = [&layer.text, &layer.module, &layer.name].into_iter().find(|text| !text.is_empty());
        Self { r#type: text.cloned().unwrap_or_default(), dim, size: layer.units }
    }
}

/// Returns 32 hexadecimal digits, like DeepDIVA's file names, but the same in every export (FNV-1a, 128 bit).
fn key(kind: &str, index: usize) -> String {
    let hash = format!("{kind}/{index}")
        .bytes()
        .fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
        });
    format!("{hash:032x}")
}

/// Returns the key of a layer by its number.
fn key_text(number: usize) -> String {
    number.to_string()
}

/// Serializes pairs as an object in their order.
fn keyed<T: Serialize, S: Serializer>(pairs: &[(String, T)], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(pairs.len()))?;
    for (key, value) in pairs {
        map.serialize_entry(key, value)?;
    }
    map.end()
}

/// Writes an activation file as Python does: indented by 2, with bare `NaN` and `Infinity`.
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
