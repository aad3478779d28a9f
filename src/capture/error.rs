//! Errors of the recorder, one variant per cause.

use crate::format::FormatError;

/// Data that cannot be recorded. Each message is one line. Epochs recorded before remain valid.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The shape has fewer than two dimensions, or one of them is 0.
    #[error("layer {layer} has the shape {shape:?}; give [inputs, units …], none of them 0")]
    Shape {
        /// Name of the layer.
        layer: String,
        /// The shape.
        shape: Vec<usize>,
    },
    /// The number of values is not the product of the shape.
    #[error("layer {layer} has {found} values, which are not the shape {shape:?}")]
    Length {
        /// Name of the layer.
        layer: String,
        /// The shape.
        shape: Vec<usize>,
        /// Number of values.
        found: usize,
    },
    /// The layer has another number of units or another reduction than before.
    #[error("layer {layer} was {before} and is now {now}; record another network under another name")]
    LayerChanged {
        /// Name of the layer.
        layer: String,
        /// Its units before, for the message.
        before: String,
        /// Its units now, for the message.
        now: String,
    },
    /// The layer was not recorded in the first epoch.
    #[error("layer {layer} was not in the first epoch; its layers are {known}")]
    NewLayer {
        /// Name of the layer.
        layer: String,
        /// List of the recorded layers, for the message.
        known: String,
    },
    /// A layer of the earlier epochs has no values in this one.
    #[error("layer {layer} came without values in this epoch; give all layers before the epoch ends")]
    MissingLayer {
        /// Name of the layer.
        layer: String,
    },
    /// A layer is described after its first values.
    #[error("layer {layer} has values already; describe it before they come")]
    DescribedLate {
        /// Name of the layer.
        layer: String,
    },
    /// An epoch ended without values.
    #[error("an epoch ended without values of any layer; give them before it ends")]
    NoLayers,
    /// Values or predictions have another number of inputs than the recording.
    #[error("{what} came for {found} inputs, there are {wanted}; give each input once an epoch")]
    Inputs {
        /// The kind of data, for the message.
        what: String,
        /// Its number of inputs.
        found: usize,
        /// The number of inputs of the recording.
        wanted: usize,
    },
    /// Labels, ids and pictures are not of the same number.
    #[error("{found} {what} for {wanted} inputs; give one of each")]
    Each {
        /// The kind of data, for the message.
        what: &'static str,
        /// Its number.
        found: usize,
        /// The number of inputs.
        wanted: usize,
    },
    /// A class index is out of bounds.
    #[error("class {class} is not one of the {classes} classes; classes are numbered from 0")]
    Class {
        /// The class index.
        class: usize,
        /// Number of classes.
        classes: usize,
    },
    /// The index of an input to keep is out of bounds.
    #[error("input {input} cannot be kept: there are {inputs}, numbered from 0")]
    Kept {
        /// The input index.
        input: usize,
        /// Number of inputs.
        inputs: usize,
    },
    /// An accuracy is not in [0, 1].
    #[error("the accuracy {0} is not a share from 0 to 1; divide percent by 100")]
    Accuracy(f64),
    /// An epoch of this number is recorded already.
    #[error("epoch {number} is recorded already; the last one is {last}")]
    Epoch {
        /// The epoch number.
        number: u64,
        /// The greatest recorded epoch number.
        last: u64,
    },
    /// Reading or writing the recording failed.
    #[error(transparent)]
    Format(#[from] FormatError),
}
