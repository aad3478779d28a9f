//! `manifest.json` of a dump, checked as far as possible without the activation files.

use std::path::Path;

use serde::Deserialize;

use super::super::FormatError;
use super::super::file::{numeric_order, shortened};
use super::super::json::{self, ObjectEntries};
use super::module;
use crate::model::{Layer, LayerKind, Reduction};

/// The supported version.
pub(in super::super) const VERSION: u64 = 2;

/// Limit of units in a recording: more than any memory holds, few enough that sums of bytes do not overflow.
pub(in super::super) const MAX_UNITS: u64 = 1 << 40;

/// The manifest as written; unknown fields are ignored.
#[derive(Deserialize)]
struct RawManifest {
    model: RawModel,
    items: RawItems,
    epochs: ObjectEntries<RawEpoch>,
}

#[derive(Deserialize)]
struct RawModel {
    name: String,
    layers: ObjectEntries<RawLayer>,
}

#[derive(Deserialize)]
struct RawLayer {
    r#type: String,
    dim: i64,
    size: u64,
}

#[derive(Deserialize)]
struct RawItems {
    #[serde(default, deserialize_with = "json::or_default")]
    single: ObjectEntries<RawItem>,
    #[serde(default, deserialize_with = "json::or_default")]
    class: ObjectEntries<RawItem>,
    #[serde(default, deserialize_with = "json::or_default")]
    general: ObjectEntries<RawItem>,
}

#[derive(Deserialize)]
struct RawItem {
    key: String,
    class: i64,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    cover: Option<String>,
}

#[derive(Deserialize)]
struct RawEpoch {
    #[serde(default)]
    number: Option<u64>,
    #[serde(default)]
    accuracy: Option<f64>,
    folder: String,
    #[serde(default)]
    datetime: Option<String>,
}

/// A checked manifest.
pub(super) struct DumpManifest {
    pub(super) model: String,
    pub(super) layers: Vec<Layer>,
    /// One item per input.
    pub(super) singles: Vec<DumpItem>,
    /// One item per class, ascending by class.
    pub(super) classes: Vec<DumpItem>,
    /// The item of all inputs.
    pub(super) general: Option<DumpItem>,
    /// Ascending by number.
    pub(super) epochs: Vec<DumpEpoch>,
}

/// An item with one file in every epoch.
pub(super) struct DumpItem {
    /// Key in the manifest, an index as text.
    pub(super) name: String,
    /// File name without extension.
    pub(super) key: String,
    /// Label of the input or class; -1 for none.
    pub(super) class: i64,
    /// Declared number of inputs.
    pub(super) size: Option<u64>,
    /// File name of the picture.
    pub(super) cover: Option<String>,
}

/// An epoch as the manifest lists it.
pub(super) struct DumpEpoch {
    pub(super) number: u64,
    /// In percent.
    pub(super) accuracy: Option<f64>,
    /// As written: begins with `/`, but is relative to `data/`.
    pub(super) folder: String,
    pub(super) time: Option<String>,
}

impl DumpManifest {
    /// Reads and checks the manifest at `path`, whose bytes are `data`.
    pub(super) fn parse(path: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let raw: RawManifest = json::parse(path, data)?;
        Ok(Self {
            model: raw.model.name,
            layers: layers(path, raw.model.layers)?,
            singles: items(path, "items.single", raw.items.single)?,
            classes: classes(path, raw.items.class)?,
            general: items(path, "items.general", raw.items.general)?.into_iter().next(),
            epochs: epochs(path, raw.epochs)?,
        })
    }
}

fn layers(path: &Path, mut entries: ObjectEntries<RawLayer>) -> Result<Vec<Layer>, FormatError> {
    if entries.0.is_empty() {
        return Err(FormatError::invalid(path, "`model.layers` is empty"));
    }
    sort_unique(path, "model.layers", &mut entries)?;
    let mut sum = 0_u64;
    let layer = |(name, raw): (String, RawLayer)| {
        let (kind, reduction) = match raw.dim {
            4 => (LayerKind::FeatureMap, Reduction::SpatialMean),
            2 => (LayerKind::Dense, Reduction::None),
            _ => (LayerKind::Other, Reduction::None),
        };
        // DeepDIVA records one filter of other layers, whatever their size.
        let units = if kind == LayerKind::Other { 1 } else { raw.size };
        sum = sum.saturating_add(units);
        let count = |number: u64| {
            usize::try_from(number).ok().filter(|_| number <= MAX_UNITS && sum <= MAX_UNITS).ok_or_else(
                || FormatError::invalid(path, format!("`size` of layer {} is {number}", shortened(&name))),
            )
        };
        Ok(Layer {
            module: module::class(&raw.r#type).to_owned(),
            kind,
            shape: vec![count(raw.size.max(1))?],
            units: count(units)?,
            parameters: module::parameters(&raw.r#type),
            dtype: String::new(),
            reduction,
            text: raw.r#type,
            name,
        })
    };
    entries.0.into_iter().map(layer).collect()
}

fn items(
    path: &Path,
    place: &str,
    mut entries: ObjectEntries<RawItem>,
) -> Result<Vec<DumpItem>, FormatError> {
    sort_unique(path, place, &mut entries)?;
    let item = |(name, raw): (String, RawItem)| {
        let is_file_name =
            |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\']);
        for name in std::iter::once(&raw.key).chain(&raw.cover) {
            if !is_file_name(name) {
                return Err(FormatError::Outside { path: path.to_owned(), name: shortened(name) });
            }
        }
        Ok(DumpItem { name, key: raw.key, class: raw.class, size: raw.size, cover: raw.cover })
    };
    entries.0.into_iter().map(item).collect()
}

fn classes(path: &Path, entries: ObjectEntries<RawItem>) -> Result<Vec<DumpItem>, FormatError> {
    let mut classes = items(path, "items.class", entries)?;
    classes.sort_by_key(|item| item.class);
    if let Some(item) = classes.first().filter(|item| item.class < 0) {
        return Err(FormatError::invalid(
            path,
            format!("`items.class` has the negative class {}", item.class),
        ));
    }
    match classes.windows(2).find(|pair| pair[0].class == pair[1].class) {
        Some(pair) => Err(duplicate(path, "items.class", &pair[0].class.to_string())),
        None => Ok(classes),
    }
}

fn epochs(path: &Path, entries: ObjectEntries<RawEpoch>) -> Result<Vec<DumpEpoch>, FormatError> {
    let epoch = |(name, raw): (String, RawEpoch)| {
        let number = raw.number.or_else(|| name.parse().ok()).ok_or_else(|| {
            FormatError::invalid(
                path,
                format!("`epochs` has \"{}\", which is not a number", shortened(&name)),
            )
        })?;
        let accuracy = raw.accuracy.filter(|accuracy| accuracy.is_finite());
        Ok(DumpEpoch { number, accuracy, folder: raw.folder, time: raw.datetime })
    };
    let mut epochs = entries.0.into_iter().map(epoch).collect::<Result<Vec<_>, FormatError>>()?;
    epochs.sort_by_key(|epoch| epoch.number);
    match epochs.windows(2).find(|pair| pair[0].number == pair[1].number) {
        Some(pair) => Err(duplicate(path, "epochs", &pair[0].number.to_string())),
        None => Ok(epochs),
    }
}

/// Sorts the entries of the object called `place` and fails if a key appears twice.
fn sort_unique<T>(path: &Path, place: &str, entries: &mut ObjectEntries<T>) -> Result<(), FormatError> {
    entries.0.sort_by(|(a, _), (b, _)| numeric_order(a).cmp(&numeric_order(b)));
    match entries.0.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(duplicate(path, place, &pair[0].0)),
        None => Ok(()),
    }
}

/// Returns the error for a key that appears twice.
fn duplicate(path: &Path, place: &str, key: &str) -> FormatError {
    FormatError::invalid(path, format!("`{place}` has \"{}\" twice", shortened(key)))
}
