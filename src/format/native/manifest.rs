//! `manifest.json` of a recording.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use super::super::deepdiva::MAX_UNITS;
use super::super::file::shortened;
use super::super::{FormatError, json};
use super::metric::Metric;
use crate::model::graph::in_flow_order;
use crate::model::recording::sequential_edges;
use crate::model::{Class, Edge, Epoch, Joint, Layer, LayerKind, Node, Normalisation, Recording, Reduction};

/// Value of the field `format`.
pub(in super::super) const NAME: &str = "dnnviz";

/// The version that is written and read.
pub(in super::super) const VERSION: u64 = 1;

/// Limit of inputs in a recording; all are listed in memory.
pub(in super::super) const MAX_INPUTS: usize = 1 << 24;

/// Characters between the parts of a name: of PyTorch and of Keras.
const SEPARATORS: [char; 2] = ['.', '/'];

/// The manifest as written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct NativeManifest {
    pub(super) format: String,
    pub(super) version: u64,
    /// The program that wrote it.
    #[serde(default, deserialize_with = "json::or_default")]
    writer: String,
    model: String,
    #[serde(default, deserialize_with = "json::or_default")]
    normalisation: Normalisation,
    layers: Vec<NativeLayerEntry>,
    /// Pairs of indices into `layers` and then `joints`; absent if only the order of the layers is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edges: Option<Vec<[usize; 2]>>,
    /// The operations of the joints.
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "Vec::is_empty")]
    joints: Vec<String>,
    /// The classes of modules, by name.
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    modules: BTreeMap<String, Option<String>>,
    #[serde(default, deserialize_with = "json::or_default")]
    classes: Vec<NativeClassEntry>,
    #[serde(default, deserialize_with = "json::or_default")]
    pub(super) inputs: NativeInputsEntry,
    #[serde(default, deserialize_with = "json::or_default")]
    pub(super) epochs: Vec<NativeEpochEntry>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct NativeLayerEntry {
    name: String,
    #[serde(default, deserialize_with = "json::or_default")]
    module: String,
    #[serde(default, deserialize_with = "json::or_default")]
    text: String,
    #[serde(default, deserialize_with = "kind")]
    kind: LayerKind,
    #[serde(default, deserialize_with = "json::or_default")]
    shape: Vec<usize>,
    units: u64,
    #[serde(default)]
    parameters: Option<u64>,
    #[serde(default, deserialize_with = "json::or_default")]
    dtype: String,
    #[serde(default, deserialize_with = "json::or_default")]
    reduction: Reduction,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct NativeClassEntry {
    id: i64,
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct NativeInputsEntry {
    pub(super) count: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<String>,
}

/// A committed epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct NativeEpochEntry {
    pub(super) number: u64,
    /// Number of optimiser steps so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) step: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) time: Option<String>,
    /// In percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) accuracy: Option<Metric>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) loss: Option<Metric>,
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metrics: BTreeMap<String, Option<Metric>>,
    /// Number of values that are NaN or infinite, by layer.
    #[serde(default, deserialize_with = "json::or_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) not_finite: BTreeMap<String, u64>,
    /// Paths of the shards, relative to the recording.
    pub(super) files: Vec<String>,
}

/// Deserializes a kind of layer; unknown kinds, as of later versions, become "other".
fn kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<LayerKind, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?.unwrap_or_default();
    let known = [LayerKind::Dense, LayerKind::FeatureMap, LayerKind::Attention, LayerKind::Embedding];
    Ok(known.into_iter().find(|kind| kind.name() == name).unwrap_or_default())
}

impl NativeManifest {
    /// Parses and checks the manifest at `path`, which has the bytes `data`.
    pub(super) fn parse(path: &Path, data: &[u8]) -> Result<Self, FormatError> {
        let mut manifest: Self = json::parse(path, data)?;
        manifest.check().map_err(|what| FormatError::invalid(path, what))?;
        manifest.epochs.sort_by_key(|epoch| epoch.number);
        if let Some(pair) = manifest.epochs.windows(2).find(|pair| pair[0].number == pair[1].number) {
            return Err(FormatError::invalid(
                path,
                format!("`epochs` has the number {} twice", pair[0].number),
            ));
        }
        manifest.classes.sort_by_key(|class| class.id);
        Ok(manifest)
    }

    /// Checks sizes, indices and ids. The error describes the first problem.
    fn check(&self) -> Result<(), String> {
        if self.layers.is_empty() {
            return Err("`layers` is empty".to_owned());
        }
        let mut sum = 0_u64;
        for layer in &self.layers {
            sum = sum.saturating_add(layer.units);
            if layer.units == 0 || layer.units > MAX_UNITS || sum > MAX_UNITS {
                return Err(format!("`units` of layer {} is {}", shortened(&layer.name), layer.units));
            }
        }
        let nodes = self.layers.len() + self.joints.len();
        if let Some([from, to]) =
            self.edges.iter().flatten().find(|edge| edge.iter().any(|&end| end >= nodes))
        {
            let lists = if self.joints.is_empty() { "`layers`" } else { "`layers` and `joints`" };
            return Err(format!("`edges` has [{from}, {to}], but {lists} end at {}", nodes - 1));
        }
        self.check_joints()?;
        if self.inputs.count > MAX_INPUTS {
            return Err(format!("`inputs.count` is {}, more than {MAX_INPUTS}", self.inputs.count));
        }
        if self.inputs.count > 0 && self.inputs.file.is_none() {
            return Err(format!("`inputs.count` is {}, but `inputs.file` is missing", self.inputs.count));
        }
        let mut ids = HashSet::new();
        match self.classes.iter().find(|class| class.id < 0 || !ids.insert(class.id)) {
            Some(class) if class.id < 0 => Err(format!("`classes` has the negative id {}", class.id)),
            Some(class) => Err(format!("`classes` has the id {} twice", class.id)),
            None => Ok(()),
        }
    }

    /// Checks that data flows through every joint, and never in a circle. Without joints, any edges are accepted.
    fn check_joints(&self) -> Result<(), String> {
        if self.joints.is_empty() {
            return Ok(());
        }
        let edges = self.edges();
        let mut counts = vec![[0, 0]; self.joints.len()];
        for edge in &edges {
            for (end, node) in [edge.to, edge.from].into_iter().enumerate() {
                if let Node::Joint(joint) = node {
                    counts[joint][end] += 1;
                }
            }
        }
        for (joint, [into, out]) in counts.into_iter().enumerate() {
            if into < 2 || out < 1 {
                let operation = shortened(&self.joints[joint]);
                return Err(format!(
                    "joint number {joint} ({operation}) has {into} edges to it and {out} from it, fewer than 2 \
                     and 1"
                ));
            }
        }
        if in_flow_order(&edges).is_none() {
            return Err("data flows in a circle along `edges`".to_owned());
        }
        Ok(())
    }

    /// Returns a manifest for the network, classes and inputs of `recording`, without epochs.
    pub(super) fn describe(recording: &Recording) -> Self {
        let layers = recording.layers.len();
        let sequential = recording.edges == sequential_edges(layers);
        let pair = |edge: &Edge| [edge.from, edge.to].map(|node| node.number(layers));
        Self {
            format: NAME.to_owned(),
            version: VERSION,
            writer: concat!("dnnviz ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: recording.model.clone(),
            normalisation: recording.normalisation,
            layers: recording.layers.iter().map(NativeLayerEntry::describe).collect(),
            edges: (!sequential).then(|| recording.edges.iter().map(pair).collect()),
            joints: recording.joints.iter().map(|joint| joint.operation.clone()).collect(),
            modules: recording
                .modules
                .iter()
                .map(|(name, class)| (name.clone(), Some(class.clone())))
                .collect(),
            classes: recording
                .classes
                .iter()
                .map(|class| NativeClassEntry { id: class.id, name: class.name.clone() })
                .collect(),
            inputs: NativeInputsEntry::default(),
            epochs: Vec::new(),
        }
    }

    /// Returns the name of the network.
    pub(super) fn model(&self) -> String {
        self.model.clone()
    }

    /// Returns how the recorded values are normalised.
    pub(super) fn normalisation(&self) -> Normalisation {
        self.normalisation
    }

    /// Returns the layers.
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

    /// Returns the edges, sequential if none are listed.
    pub(super) fn edges(&self) -> Vec<Edge> {
        let layers = self.layers.len();
        let node = |number| Node::of_number(number, layers);
        match &self.edges {
            Some(edges) => edges.iter().map(|&[from, to]| Edge { from: node(from), to: node(to) }).collect(),
            None => sequential_edges(layers),
        }
    }

    /// Returns the joints.
    pub(super) fn joints(&self) -> Vec<Joint> {
        self.joints.iter().map(|operation| Joint { operation: operation.clone() }).collect()
    }

    /// Returns the classes of the modules that contain layers; others, which nothing could show, are left out.
    pub(super) fn modules(&self) -> BTreeMap<String, String> {
        // Sorted, the layers inside a module are neighbours. The ancestors of a layer are not listed instead:
        // a name of a million dots would have a million of them.
        let mut layers: Vec<&str> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
        layers.sort_unstable();
        let contains = |name: &str, separator: char| {
            let prefix = format!("{name}{separator}");
            let at = layers.partition_point(|layer| *layer < prefix.as_str());
            layers.get(at).is_some_and(|layer| layer.starts_with(&prefix))
        };
        self.modules
            .iter()
            .filter_map(|(name, class)| Some((name, class.as_ref()?)))
            .filter(|(name, _)| !name.is_empty() && SEPARATORS.into_iter().any(|at| contains(name, at)))
            .map(|(name, class)| (name.clone(), class.clone()))
            .collect()
    }

    /// Returns the classes, ascending by id, without counts.
    pub(super) fn classes(&self) -> Vec<Class> {
        self.classes
            .iter()
            .map(|class| Class { id: class.id, name: class.name.clone(), inputs: 0, aggregated: 0 })
            .collect()
    }
}

impl NativeLayerEntry {
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

impl NativeEpochEntry {
    /// Returns the entry of an epoch whose values are in `files`.
    pub(super) fn describe(epoch: &Epoch, files: Vec<String>) -> Self {
        Self {
            number: epoch.number,
            step: epoch.step,
            time: epoch.time.clone(),
            accuracy: epoch.accuracy.map(Metric),
            loss: epoch.loss.map(Metric),
            metrics: epoch.metrics.iter().map(|(name, &value)| (name.clone(), Some(Metric(value)))).collect(),
            not_finite: epoch.not_finite.clone(),
            files,
        }
    }

    /// Returns the epoch, as if it were readable.
    pub(super) fn epoch(&self) -> Epoch {
        Epoch {
            number: self.number,
            step: self.step,
            accuracy: self.accuracy.map(|Metric(value)| value),
            loss: self.loss.map(|Metric(value)| value),
            metrics: self
                .metrics
                .iter()
                .filter_map(|(name, value)| value.map(|Metric(value)| (name.clone(), value)))
                .collect(),
            time: self.time.clone(),
            not_finite: self.not_finite.clone(),
            damaged: false,
            has_predictions: false,
        }
    }
}
