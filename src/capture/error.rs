//! Every way in which a training can be told wrongly, one variant per cause.

use crate::format::FormatError;

/// Why something cannot be recorded. Each message is one line. What was recorded before stays.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    #[error("layer {layer} has the shape {shape:?}; give [inputs, units …], none of them 0")]
    Shape { layer: String, shape: Vec<usize> },
    #[error("layer {layer} has {found} values, which are not the shape {shape:?}")]
    Length { layer: String, shape: Vec<usize>, found: usize },
    #[error("layer {layer} was {before} and is now {now}; record another network under another name")]
    LayerChanged { layer: String, before: String, now: String },
    #[error("layer {layer} was not in the first epoch; its layers are {known}")]
    NewLayer { layer: String, known: String },
    #[error("layer {layer} came without values in this epoch; give all layers before the epoch ends")]
    MissingLayer { layer: String },
    #[error("layer {layer} has values already; describe it before they come")]
    DescribedLate { layer: String },
    #[error("an epoch ended without values of any layer; give them before it ends")]
    NoLayers,
    #[error("{what} came for {found} inputs, there are {wanted}; give each input once an epoch")]
    Inputs { what: String, found: usize, wanted: usize },
    #[error("{found} {what} for {wanted} inputs; give one of each")]
    Each { what: &'static str, found: usize, wanted: usize },
    #[error("class {class} is not one of the {classes} classes; classes are numbered from 0")]
    Class { class: usize, classes: usize },
    #[error("input {input} cannot be kept: there are {inputs}, numbered from 0")]
    Kept { input: usize, inputs: usize },
    #[error("the accuracy {0} is not a share from 0 to 1; divide percent by 100")]
    Accuracy(f64),
    #[error("epoch {number} is recorded already; the last one is {last}")]
    Epoch { number: u64, last: u64 },
    #[error(transparent)]
    Format(#[from] FormatError),
}
