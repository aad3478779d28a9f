//! The description of a recorded training: layers, classes, inputs and epochs, without values.

use std::collections::BTreeMap;

use super::{LayerIndex, Pin, UnitId};

use serde::{Deserialize, Serialize};

/// The file format of a recording.
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

/// The normalisation of the values before they were recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Normalisation {
    /// Values are as the network computed them.
    #[default]
    None,
    /// DeepDIVA: per input and layer, shifted to be non-negative, then divided by the maximum.
    /// Values are comparable within one layer of one input only.
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

/// The kind of the units of a layer.
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
    /// Any other unit.
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

/// The reduction of an activation to one value per unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reduction {
    /// No reduction: one unit is one number of the activation.
    #[default]
    None,
    /// The mean over the spatial positions of a feature map.
    SpatialMean,
    /// The mean over the positions of a sequence.
    SequenceMean,
}

/// One recorded layer; layers are listed in the order in which data flows.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The name: a DeepDIVA key ("1") or a dotted module name.
    pub name: String,
    /// The module's class, e.g. `Conv2d`.
    pub module: String,
    /// The module's full printed text; may have several lines.
    pub text: String,
    /// The kind of its units.
    pub kind: LayerKind,
    /// Shape of one input's activation, without the batch dimension; `[channels]` when only that is known.
    pub shape: Vec<usize>,
    /// Number of unit values per input.
    pub units: usize,
    /// Trainable parameters, where known.
    pub parameters: Option<u64>,
    /// Element type of the activation in the network ("float32"), empty when unknown.
    pub dtype: String,
    /// The reduction of its activations to unit values.
    pub reduction: Reduction,
}

/// An operation that is no layer and combines the data of several nodes, such as a sum or a concatenation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Joint {
    /// The name of the operation: `add`, `concat`.
    pub operation: String,
}

/// A node of the network, between which data flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// Index into [`Recording::layers`].
    Layer(usize),
    /// Index into [`Recording::joints`].
    Joint(usize),
}

impl Node {
    /// The node with a number, where `layers` layers are numbered first and then the joints.
    pub fn of_number(number: usize, layers: usize) -> Self {
        number.checked_sub(layers).map_or(Self::Layer(number), Self::Joint)
    }

    /// Its number, where `layers` layers are numbered first and then the joints.
    pub fn number(self, layers: usize) -> usize {
        match self {
            Self::Layer(layer) => layer,
            Self::Joint(joint) => layers + joint,
        }
    }
}

/// Data flow between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The source.
    pub from: Node,
    /// The target.
    pub to: Node,
}

impl Edge {
    /// Data flow between two layers, given by their indices into [`Recording::layers`].
    pub const fn between_layers(from: usize, to: usize) -> Self {
        Self { from: Node::Layer(from), to: Node::Layer(to) }
    }
}

/// A class of the data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Class {
    /// The label in the data set.
    pub id: i64,
    /// The name; not necessarily unique.
    pub name: String,
    /// Number of recorded inputs of this class.
    pub inputs: usize,
    /// Number of inputs in the newest epoch's stored aggregates; 0 without aggregates.
    pub aggregated: u64,
}

impl Class {
    /// Number of inputs from which its statistics are computed.
    pub fn count(&self) -> u64 {
        self.aggregated.max(self.inputs as u64)
    }
}

/// One recorded probe input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The identifier in the recording.
    pub id: String,
    /// Index into [`Recording::classes`]; `None` for an unlabelled input.
    pub class: Option<usize>,
    /// [`super::Source::picture`] has a picture of this input.
    pub has_picture: bool,
}

/// One recorded epoch of the training.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Epoch {
    /// The number that the training gave the epoch.
    pub number: u64,
    /// Number of optimiser steps so far, where known.
    pub step: Option<u64>,
    /// Accuracy in percent, where known; NaN or infinite where the training computed that.
    pub accuracy: Option<f64>,
    /// Loss, where known; NaN or infinite where the training computed that.
    pub loss: Option<f64>,
    /// Further metrics, by name; they can be NaN or infinite.
    pub metrics: BTreeMap<String, f64>,
    /// Time of recording, as written in the recording.
    pub time: Option<String>,
    /// Number of NaN or infinite values by layer name; only layers with such values.
    pub not_finite: BTreeMap<String, u64>,
    /// The values cannot be read; [`Recording::warnings`] has the reason.
    pub damaged: bool,
    /// Predicted classes were recorded; the selections `right` and `wrong` need them.
    pub has_predictions: bool,
}

/// Everything about a recorded training except its values, which a [`super::Source`] reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    /// The file format.
    pub format: Format,
    /// The network's name.
    pub model: String,
    /// In the order in which data flows.
    pub layers: Vec<Layer>,
    /// Data flow between the layers, directly or through joints.
    pub edges: Vec<Edge>,
    /// The joints of the network; each has edges from several nodes.
    pub joints: Vec<Joint>,
    /// The classes (`Sequential`) of the modules that contain layers, by name: `layer3` and `layer3.0` contain
    /// `layer3.0.conv1`. Only those that are recorded; empty for dumps.
    pub modules: BTreeMap<String, String>,
    /// Ascending by id.
    pub classes: Vec<Class>,
    /// The recorded inputs.
    pub inputs: Vec<Input>,
    /// Ascending by number.
    pub epochs: Vec<Epoch>,
    /// The normalisation of the recorded values.
    pub normalisation: Normalisation,
    /// Damage and inconsistencies found when opening, one sentence each.
    pub warnings: Vec<String>,
}

impl Recording {
    /// The number of units of all layers together.
    pub fn units(&self) -> usize {
        self.layers.iter().map(|layer| layer.units).sum()
    }

    /// Returns the unit of a pin; `None` when there is no such unit.
    pub fn unit_of_pin(&self, pin: &Pin) -> Option<UnitId> {
        let layer = self.layers.iter().position(|layer| layer.name == pin.layer)?;
        (pin.unit.0 < self.layers[layer].units).then_some(UnitId { layer: LayerIndex(layer), unit: pin.unit })
    }

    /// Returns the pin of a unit; `None` without such a layer.
    pub fn pin(&self, unit: UnitId) -> Option<Pin> {
        Some(Pin { layer: self.layers.get(unit.layer.0)?.name.clone(), unit: unit.unit })
    }

    /// Indices of the inputs of a class, ascending.
    pub fn inputs_of(&self, class: usize) -> impl Iterator<Item = usize> + '_ {
        self.inputs
            .iter()
            .enumerate()
            .filter(move |(_, input)| input.class == Some(class))
            .map(|(index, _)| index)
    }

    /// Returns `true` if the last layer has one unit per class, in the order of the class ids.
    pub fn has_class_outputs(&self) -> bool {
        self.layers.last().is_some_and(|last| !self.classes.is_empty() && last.units >= self.classes.len())
            && self.classes.iter().all(|class| {
                usize::try_from(class.id).is_ok_and(|id| id < self.layers[self.layers.len() - 1].units)
            })
    }
}

/// The edges from each of `layers` layers to the next, for a network whose edges are not recorded.
pub fn sequential_edges(layers: usize) -> Vec<Edge> {
    (1..layers).map(|to| Edge::between_layers(to - 1, to)).collect()
}
