//! `manifest.json` of a recording, as it stands in the file.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::super::deepdiva::MOST_UNITS;
use super::super::file::shortened;
use super::super::{FormatError, json};
use crate::model::recording::sequential_edges;
use crate::model::{Class, Edge, Epoch, Layer, LayerKind, Normalisation, Recording, Reduction};

/// What `format` says.
pub(in super::super) const NAME: &str = "dnnviz";

/// The version that is written, and the only one that is read.
pub(in super::super) const VERSION: u64 = 1;

/// Inputs of a recording; all are listed in memory.
pub(in super::super) const MOST_INPUTS: usize = 1 << 24;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: String,
    pub(super) version: u64,
    /// The program that wrote it.
    #[serde(default)]
    writer: String,
    model: String,
    #[serde(default)]
    normalisation: Normalisation,
    layers: Vec<ManifestLayer>,
    /// Pairs of indices into `layers`; absent when only their order is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<[usize; 2]>>,
    #[serde(default)]
    classes: Vec<ManifestClass>,
    #[serde(default)]
    pub(super) inputs: ManifestInputs,
    #[serde(default)]
    pub(super) epochs: Vec<ManifestEpoch>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ManifestLayer {
    name: String,
    #[serde(default)]
    module: String,
    #[serde(default)]
    text: String,
    #[serde(default, deserialize_with = "kind")]
    kind: LayerKind,
    #[serde(default)]
    shape: Vec<usize>,
    units: u64,
    #[serde(default)]
    parameters: Option<u64>,
    #[serde(default)]
    dtype: String,
    #[serde(default)]
    reduction: Reduction,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct ManifestClass {
    id: i64,
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ManifestInputs {
    pub(super) count: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
}

/// One committed epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct ManifestEpoch {
    pub(super) number: u64,
    /// Optimiser steps done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    /// In percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accuracy: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) loss: Option<f64>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metrics: BTreeMap<String, Option<f64>>,
    /// Values that are NaN or infinite, by layer.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) not_finite: BTreeMap<String, u64>,
    /// Its shards, relative to the run.
    pub(super) files: Vec<String>,
}

/// Kinds that a later writer may know are "other" here.
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LayerKind, D::Error> {
    let name = String::deserialize(deserializer)?;
    let known = [LayerKind::Dense, LayerKind::FeatureMap, LayerKind::Attention, LayerKind::Embedding];
    Ok(known.into_iter().find(|kind| kind.name() == name).unwrap_or_default())
}

impl Manifest {
    /// Reads and checks the manifest at `path`, whose bytes are `data`.
    pub(super) fn parse(path: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let mut manifest: Self = json::parse(path, data)?;
        manifest.check().map_err(|what| FormatError::invalid(path, what))?;
        manifest.epochs.sort_by_key(|epoch| epoch.number);
        if let Some(pair) = manifest.epochs.windows(2).find(|pair| pair[0].number == pair[1].number) {
            return Err(FormatError::invalid(path, format!("epoch {} is there twice", pair[0].number)));
        }
        manifest.classes.sort_by_key(|class| class.id);
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.layers.is_empty() {
            return Err("the model has no layers".to_owned());
        }
        let mut sum = 0_u64;
        for layer in &self.layers {
            sum = sum.saturating_add(layer.units);
            if layer.units == 0 || layer.units > MOST_UNITS || sum > MOST_UNITS {
                return Err(format!("layer {} declares {} units", shortened(&layer.name), layer.units));
            }
        }
        let layers = self.layers.len();
        if let Some([from, to]) =
            self.edges.iter().flatten().find(|edge| edge.iter().any(|&end| end >= layers))
        {
            return Err(format!("an edge goes from layer {from} to {to}, there are {layers} layers"));
        }
        if self.inputs.count > MOST_INPUTS {
            return Err(format!("{} inputs are declared, the most is {MOST_INPUTS}", self.inputs.count));
        }
        if self.inputs.count > 0 && self.inputs.file.is_none() {
            return Err("inputs are declared, but no file of them".to_owned());
        }
        let mut ids = HashSet::new();
        match self.classes.iter().find(|class| class.id < 0 || !ids.insert(class.id)) {
            Some(class) => Err(format!("class id {} is negative or there twice", class.id)),
            None => Ok(()),
        }
    }

    /// A manifest without epochs for what `recording` describes.
    pub(super) fn describe(recording: &Recording) -> Self {
        let sequential = recording.edges == sequential_edges(recording.layers.len());
        Self {
            format: NAME.to_owned(),
            version: VERSION,
            writer: concat!("dnnviz ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: recording.model.clone(),
            normalisation: recording.normalisation,
            layers: recording.layers.iter().map(ManifestLayer::describe).collect(),
            edges: (!sequential).then(|| recording.edges.iter().map(|edge| [edge.from, edge.to]).collect()),
            classes: recording
                .classes
                .iter()
                .map(|class| ManifestClass { id: class.id, name: class.name.clone() })
                .collect(),
            inputs: ManifestInputs::default(),
            epochs: Vec::new(),
        }
    }

    pub(super) fn model(&self) -> String {
        self.model.clone()
    }

    pub(super) fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// The layers; units fit `usize` as their bytes do.
    pub(super) fn layers(&self) -> Vec<Layer> {
        self.layers
            .iter()
            .map(|layer| Layer {
                name: layer.name.clone(),
                module: layer.module.clone(),
                text: layer.text.clone(),
                kind: layer.kind,
                shape: layer.shape.clone(),
                units: usize::try_from(layer.units).unwrap_or(usize::MAX),
                parameters: layer.parameters,
                dtype: layer.dtype.clone(),
                reduction: layer.reduction,
            })
            .collect()
    }

    pub(super) fn edges(&self) -> Vec<Edge> {
        match &self.edges {
            Some(edges) => edges.iter().map(|&[from, to]| Edge { from, to }).collect(),
            None => sequential_edges(self.layers.len()),
        }
    }

    /// Ascending by id; without counts.
    pub(super) fn classes(&self) -> Vec<Class> {
        self.classes
            .iter()
            .map(|class| Class { id: class.id, name: class.name.clone(), inputs: 0, aggregated: 0 })
            .collect()
    }
}

impl ManifestLayer {
    fn describe(layer: &Layer) -> Self {
        Self {
            name: layer.name.clone(),
            module: layer.module.clone(),
            text: layer.text.clone(),
            kind: layer.kind,
            shape: layer.shape.clone(),
            units: layer.units as u64,
            parameters: layer.parameters,
            dtype: layer.dtype.clone(),
            reduction: layer.reduction,
        }
    }
}

impl ManifestEpoch {
    /// An epoch as the model has it; `files` hold its values.
    pub(super) fn describe(epoch: &Epoch, files: Vec<String>) -> Self {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Self {
            number: epoch.number,
            step: epoch.step,
            time: epoch.time.clone(),
            accuracy: finite(epoch.accuracy),
            loss: finite(epoch.loss),
            metrics: epoch.metrics.iter().map(|(name, &value)| (name.clone(), finite(Some(value)))).collect(),
            not_finite: epoch.not_finite.clone(),
            files,
        }
    }

    /// The epoch as the model has it; whether it is damaged is not known here.
    pub(super) fn epoch(&self) -> Epoch {
        let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
        Epoch {
            number: self.number,
            step: self.step,
            accuracy: finite(self.accuracy),
            loss: finite(self.loss),
            metrics: self
                .metrics
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), finite(*value)?)))
                .collect(),
            time: self.time.clone(),
            not_finite: self.not_finite.clone(),
            damaged: false,
            has_predictions: false,
        }
    }
}
