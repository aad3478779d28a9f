//! `manifest.json` of a dump: what it declares, checked as far as it can be without its data.

use std::path::Path;

use serde::Deserialize;

use super::super::FormatError;
use super::super::file::{numeric_order, shortened};
use super::super::json::{self, Entries};
use super::module;
use crate::model::{Layer, LayerKind, Reduction};

/// The one version that is known.
pub(in super::super) const VERSION: u64 = 2;

/// Units of a recording; more than any memory holds, few enough that sums of bytes do not overflow.
pub(in super::super) const MOST_UNITS: u64 = 1 << 40;

#[derive(Deserialize)]
struct Raw {
    model: RawModel,
    items: RawItems,
    epochs: Entries<RawEpoch>,
}

#[derive(Deserialize)]
struct RawModel {
    name: String,
    layers: Entries<RawLayer>,
}

#[derive(Deserialize)]
struct RawLayer {
    r#type: String,
    dim: i64,
    size: u64,
}

#[derive(Deserialize)]
struct RawItems {
    #[serde(default)]
    single: Entries<RawItem>,
    #[serde(default)]
    class: Entries<RawItem>,
    #[serde(default)]
    general: Entries<RawItem>,
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
pub(super) struct Manifest {
    pub(super) model: String,
    pub(super) layers: Vec<Layer>,
    /// One file an input.
    pub(super) singles: Vec<Item>,
    /// One file a class, ascending by class.
    pub(super) classes: Vec<Item>,
    pub(super) general: Option<Item>,
    /// Ascending by number.
    pub(super) epochs: Vec<ListedEpoch>,
}

/// What has one file in every epoch.
pub(super) struct Item {
    /// Its index in the manifest, as text.
    pub(super) name: String,
    /// File name without its ending.
    pub(super) key: String,
    pub(super) class: i64,
    /// How many inputs it speaks of, where said.
    pub(super) size: Option<u64>,
    pub(super) cover: Option<String>,
}

pub(super) struct ListedEpoch {
    pub(super) number: u64,
    pub(super) accuracy: Option<f64>,
    /// As written: absolute-looking, but below `data/`.
    pub(super) folder: String,
    pub(super) time: Option<String>,
}

impl Manifest {
    /// Reads and checks the manifest at `path`, whose bytes are `data`.
    pub(super) fn parse(path: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let raw: Raw = json::parse(path, data)?;
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

fn layers(path: &Path, mut entries: Entries<RawLayer>) -> Result<Vec<Layer>, FormatError> {
    if entries.0.is_empty() {
        return Err(FormatError::invalid(path, "the model has no layers"));
    }
    sort_unique(path, "model.layers", &mut entries)?;
    let mut sum = 0_u64;
    let layer = |(name, raw): (String, RawLayer)| {
        let (kind, reduction) = match raw.dim {
            4 => (LayerKind::FeatureMap, Reduction::SpatialMean),
            2 => (LayerKind::Dense, Reduction::None),
            _ => (LayerKind::Other, Reduction::None),
        };
        // Whatever the size of other layers, DeepDIVA records one filter of them.
        let units = if kind == LayerKind::Other { 1 } else { raw.size };
        sum = sum.saturating_add(units);
        let count = |number: u64| {
            usize::try_from(number).ok().filter(|_| number <= MOST_UNITS && sum <= MOST_UNITS).ok_or_else(
                || FormatError::invalid(path, format!("layer {} declares {number} units", shortened(&name))),
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

fn items(path: &Path, place: &str, mut entries: Entries<RawItem>) -> Result<Vec<Item>, FormatError> {
    sort_unique(path, place, &mut entries)?;
    let item = |(name, raw): (String, RawItem)| {
        let inside =
            |name: &str| !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\']);
        for name in std::iter::once(&raw.key).chain(&raw.cover) {
            if !inside(name) {
                return Err(FormatError::Outside { path: path.to_owned(), name: shortened(name) });
            }
        }
        Ok(Item { name, key: raw.key, class: raw.class, size: raw.size, cover: raw.cover })
    };
    entries.0.into_iter().map(item).collect()
}

fn classes(path: &Path, entries: Entries<RawItem>) -> Result<Vec<Item>, FormatError> {
    let mut classes = items(path, "items.class", entries)?;
    classes.sort_by_key(|item| item.class);
    if let Some(item) = classes.first().filter(|item| item.class < 0) {
        return Err(FormatError::invalid(path, format!("class {} is negative", item.class)));
    }
    match classes.windows(2).find(|pair| pair[0].class == pair[1].class) {
        Some(pair) => Err(twice(path, "items.class", &pair[0].class.to_string())),
        None => Ok(classes),
    }
}

fn epochs(path: &Path, entries: Entries<RawEpoch>) -> Result<Vec<ListedEpoch>, FormatError> {
    let epoch = |(name, raw): (String, RawEpoch)| {
        let number = raw.number.or_else(|| name.parse().ok()).ok_or_else(|| {
            FormatError::invalid(path, format!("epoch `{}` is not a number", shortened(&name)))
        })?;
        let accuracy = raw.accuracy.filter(|accuracy| accuracy.is_finite());
        Ok(ListedEpoch { number, accuracy, folder: raw.folder, time: raw.datetime })
    };
    let mut epochs = entries.0.into_iter().map(epoch).collect::<Result<Vec<_>, FormatError>>()?;
    epochs.sort_by_key(|epoch| epoch.number);
    match epochs.windows(2).find(|pair| pair[0].number == pair[1].number) {
        Some(pair) => Err(twice(path, "epochs", &pair[0].number.to_string())),
        None => Ok(epochs),
    }
}

fn sort_unique<T>(path: &Path, place: &str, entries: &mut Entries<T>) -> Result<(), FormatError> {
    entries.0.sort_by(|(a, _), (b, _)| numeric_order(a).cmp(&numeric_order(b)));
    match entries.0.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(twice(path, place, &pair[0].0)),
        None => Ok(()),
    }
}

fn twice(path: &Path, place: &str, key: &str) -> FormatError {
    FormatError::invalid(path, format!("`{place}` has \"{}\" twice", shortened(key)))
}
