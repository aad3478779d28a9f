//! What a training says of itself beforehand.

use std::collections::BTreeMap;

use crate::format::Pictures;
use crate::model::{Dtype, LayerKind};

/// What is recorded, known before the first epoch.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// The network's name.
    pub name: String,
    /// Names of the classes; the id of each is its index.
    pub classes: Vec<String>,
    /// The class of every input (an index into `classes`), in the order in which their values come.
    /// Empty: unlabelled, and as many inputs as the first epoch has.
    pub labels: Vec<Option<usize>>,
    /// Names of the inputs; empty: their numbers.
    pub ids: Vec<String>,
    /// One picture of each input.
    pub pictures: Pictures,
    pub keep: Keep,
    pub precision: Precision,
}

/// Whose values are stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Those of every input.
    #[default]
    All,
    /// Those of the inputs of these numbers, and aggregates over all inputs and over every class.
    Inputs(Vec<usize>),
    /// Nobody's: aggregates alone. Memory does not grow with the number of inputs.
    Aggregates,
}

/// Element type of stored unit values. Aggregates are always F32, and so is in one epoch a layer in
/// which a finite value would become infinite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    #[default]
    F32,
    F16,
    BF16,
}

impl Precision {
    /// Whether values of this element type are stored as wanted.
    pub(super) fn is(self, dtype: Dtype) -> bool {
        matches!((self, dtype), (Self::F32, Dtype::F32) | (Self::F16, Dtype::F16) | (Self::BF16, Dtype::BF16))
    }
}

/// What is told of a layer besides its values; see [`super::Recorder::describe`].
#[derive(Clone, Debug, Default)]
pub struct About {
    /// `None`: feature map, dense or other, after the shape of its activations.
    pub kind: Option<LayerKind>,
    /// The module's class, e.g. `Conv2d`.
    pub module: String,
    /// The module's full text.
    pub text: String,
    /// Trainable parameters.
    pub parameters: Option<u64>,
    /// Activations come as `[inputs, height, width, channels]`.
    pub channels_last: bool,
}

/// What is known of an epoch besides activations.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    /// As a share, 0 to 1.
    pub accuracy: Option<f64>,
    pub loss: Option<f64>,
    /// Optimiser steps done.
    pub step: Option<u64>,
    /// Any other scalars, by name.
    pub others: BTreeMap<String, f64>,
}
