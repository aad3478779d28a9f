//! Description of a training: its network, layers and metrics.

use std::collections::BTreeMap;

use crate::format::Pictures;
use crate::model::{Dtype, LayerKind};

/// Description of the network and its inputs, known before the first epoch.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The network's name.
    pub name: String,
    /// The classes (`Sequential`) of the modules that contain layers, by name, see
    /// [`crate::model::Recording::modules`].
    pub modules: BTreeMap<String, String>,
    /// Names of the classes; the id of each is its index.
    pub classes: Vec<String>,
    /// The class of every input (an index into `classes`), in the order of the inputs. Empty if the inputs
    /// are unlabelled; their number is then that of the first epoch.
    pub labels: Vec<Option<usize>>,
    /// Identifiers of the inputs; empty to use their indices.
    pub ids: Vec<String>,
    /// One picture of each input, or none.
    pub pictures: Pictures,
    /// The inputs whose values are stored.
    pub keep: Keep,
    /// Element type of stored unit values.
    pub precision: Precision,
}

/// The inputs whose values are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// All inputs.
    #[default]
    All,
    /// The inputs of these indices, with aggregates over all inputs and over every class.
    Inputs(Vec<usize>),
    /// None, only aggregates. Memory does not grow with the number of inputs.
    Aggregates,
}

/// Element type of stored unit values. Aggregates are always F32, and so is a layer in an epoch in which a
/// finite value would become infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// IEEE 754 single precision.
    #[default]
    F32,
    /// IEEE 754 half precision.
    F16,
    /// The upper half of a single-precision number.
    BF16,
}

impl Precision {
    /// Returns `true` if `dtype` is this element type.
    pub(super) fn is(self, dtype: Dtype) -> bool {
        matches!((self, dtype), (Self::F32, Dtype::F32) | (Self::F16, Dtype::F16) | (Self::BF16, Dtype::BF16))
    }
}

/// Description of a layer, see [`super::Recorder::describe`].
#[derive(Clone, Debug, Default)]
pub struct LayerDescription {
    /// The kind of its units; `None` to derive it from the shape of the activations: feature map, dense or
    /// other.
    pub kind: Option<LayerKind>,
    /// The module's class, e.g. `Conv2d`.
    pub module: String,
    /// The module's full text.
    pub text: String,
    /// Number of trainable parameters.
    pub parameters: Option<u64>,
    /// Activations have the shape `[inputs, height, width, channels]`.
    pub channels_last: bool,
}

/// Metrics of an epoch.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// Accuracy, in [0, 1].
    pub accuracy: Option<f64>,
    /// Loss.
    pub loss: Option<f64>,
    /// Number of optimiser steps so far.
    pub step: Option<u64>,
    /// Further metrics, by name.
    pub others: BTreeMap<String, f64>,
}
