//! The facts of a recorded training, without its values.

use std::collections::BTreeMap;

use super::Pin;

use serde::{Deserialize, Serialize};

/// What a recording was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A DNNViz/DeepDIVA version 2 dump (JSON files).
    DeepDivaV2,
    /// The native recording, version 1 (JSON manifest and safetensors).
    Native,
}

impl Format {
    /// The name that `dnnviz info --json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeepDivaV2 => "deepdiva-v2",
            Self::Native => "dnnviz-1",
        }
    }
}

/// What was done to the values before they were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Values are as the network computed them.
    #[default]
    None,
    /// DeepDIVA: per input and layer, shifted to be non-negative, then divided by the maximum.
    /// Values compare within one layer of one input only.
    PerItemPerLayer,
}

impl Normalisation {
    /// The name that `dnnviz info --json` prints.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::PerItemPerLayer => "per-item-per-layer",
        }
    }
}

/// What one unit of a layer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// A neuron of a fully connected layer.
    Dense,
    /// A channel of a convolution.
    FeatureMap,
    /// A head or channel of an attention block.
    Attention,
    /// A dimension of an embedding.
    Embedding,
    #[default]
    Other,
}

impl LayerKind {
    /// The name used in manifests and in `dnnviz info --json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dense => "dense",
            Self::FeatureMap => "feature-map",
            Self::Attention => "attention",
            Self::Embedding => "embedding",
            Self::Other => "other",
        }
    }
}

/// How an activation was reduced to one value per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// Nothing was reduced: one unit is one number of the activation.
    #[default]
    None,
    /// The mean over the spatial positions of a feature map.
    SpatialMean,
    /// The mean over the positions of a sequence.
    SequenceMean,
}

/// One layer, in the order in which data flows.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The name it goes by: a DeepDIVA key ("1"), or a dotted module name.
    pub name: String,
    /// The module's class, e.g. `Conv2d`.
    pub module: String,
    /// The module's full printed text; may have several lines.
    pub text: String,
    pub kind: LayerKind,
    /// Shape of one input's activation, batch left out. `[channels]` when only that is known.
    pub shape: Vec<usize>,
    /// How many unit values are recorded per input.
    pub units: usize,
    /// Trainable parameters, where known.
    pub parameters: Option<u64>,
    /// Element type of the activation in the network ("float32"), empty when unknown.
    pub dtype: String,
    pub reduction: Reduction,
}

/// Data flows from layer `from` to layer `to` (indices into [`Recording::layers`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    pub from: usize,
    pub to: usize,
}

/// A label of the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    pub id: i64,
    pub name: String,
    /// How many of the recorded inputs bear it.
    pub inputs: usize,
    /// How many inputs the newest epoch's stored aggregates speak of; 0 without any.
    pub aggregated: u64,
}

impl Class {
    /// How many inputs its values come from.
    pub fn count(&self) -> u64 {
        self.aggregated.max(self.inputs as u64)
    }
}

/// One recorded probe input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// What the recording calls it.
    pub id: String,
    /// Index into [`Recording::classes`].
    pub class: Option<usize>,
    /// Whether [`super::Source::picture`] has a picture for it.
    pub has_picture: bool,
}

/// One recorded moment of the training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    pub number: u64,
    /// Optimiser steps done, where known.
    pub step: Option<u64>,
    /// In percent, where known.
    pub accuracy: Option<f64>,
    pub loss: Option<f64>,
    /// Any other scalars, by name.
    pub metrics: BTreeMap<String, f64>,
    /// When it was recorded, as the recording says it.
    pub time: Option<String>,
    /// How many values were NaN or infinite, by the name of their layer; only layers with such values.
    pub not_finite: BTreeMap<String, u64>,
    /// Its values cannot be read; [`Recording::warnings`] says why.
    pub damaged: bool,
    /// Whether predicted classes were recorded (needed by `right` and `wrong`).
    pub has_predictions: bool,
}

/// Everything about a recorded training except its values, which a [`super::Source`] hands out.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub format: Format,
    /// The network's name.
    pub model: String,
    pub layers: Vec<Layer>,
    pub edges: Vec<Edge>,
    /// Ascending by id.
    pub classes: Vec<Class>,
    pub inputs: Vec<Input>,
    /// Ascending by number.
    pub epochs: Vec<Epoch>,
    pub normalisation: Normalisation,
    /// What was found damaged or odd, one sentence each.
    pub warnings: Vec<String>,
}

impl Recording {
    /// Units of all layers together.
    pub fn units(&self) -> usize {
        self.layers.iter().map(|layer| layer.units).sum()
    }

    /// Returns the indices of the layer and unit of a pin; `None` when there is no such unit.
    pub fn unit_of_pin(&self, pin: &Pin) -> Option<(usize, usize)> {
        let layer = self.layers.iter().position(|layer| layer.name == pin.layer)?;
        (pin.unit < self.layers[layer].units).then_some((layer, pin.unit))
    }

    /// Returns the pin of a unit of a layer, given by their indices; `None` without such a layer.
    pub fn pin(&self, layer: usize, unit: usize) -> Option<Pin> {
        Some(Pin { layer: self.layers.get(layer)?.name.clone(), unit })
    }

    /// Indices of the inputs of a class.
    pub fn inputs_of(&self, class: usize) -> impl Iterator<Item = usize> + '_ {
        self.inputs
            .iter()
            .enumerate()
            .filter(move |(_, input)| input.class == Some(class))
            .map(|(index, _)| index)
    }

    /// Whether data takes another way than from each layer to the next.
    pub fn branches(&self) -> bool {
        self.edges.len() + 1 != self.layers.len() || self.edges.iter().any(|edge| edge.to != edge.from + 1)
    }

    /// Whether the last layer has one unit per class, so that its units can bear class names.
    pub fn output_names_classes(&self) -> bool {
        self.layers.last().is_some_and(|last| !self.classes.is_empty() && last.units >= self.classes.len())
            && self.classes.iter().all(|class| {
                usize::try_from(class.id).is_ok_and(|id| id < self.layers[self.layers.len() - 1].units)
            })
    }
}

/// Edges of a network of which nothing is known but the order of its layers.
pub fn sequential_edges(layers: usize) -> Vec<Edge> {
    (1..layers).map(|to| Edge { from: to - 1, to }).collect()
}
