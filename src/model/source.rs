//! The interface between stored recordings and everything that reads their values.

use std::sync::Arc;

use super::{EpochIndex, LayerIndex, Recording, Tensor, UnitId, UnitIndex};

/// Values that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The epoch is listed but its values are missing, half-written or broken.
    #[error("epoch {number} is damaged: {reason}")]
    Damaged {
        /// Epoch number.
        number: u64,
        /// The cause, for the message.
        reason: String,
    },
    /// The recording has no values of the requested kind.
    #[error("{what} not recorded at epoch {number}")]
    NotRecorded {
        /// Epoch number.
        number: u64,
        /// The missing values with their verb ("input 7 is"), for the message.
        what: String,
    },
}

/// The inputs of an aggregate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Every recorded input ("general" in DNNViz).
    All,
    /// The inputs of a class, by its index into [`Recording::classes`].
    Class(usize),
}

/// Stored statistics of one layer over a group of inputs; every array has one entry per unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aggregate {
    /// Number of inputs.
    pub count: u64,
    /// Mean activation; NaN without a value.
    pub mean: Vec<f32>,
    /// Population variance.
    pub variance: Option<Vec<f32>>,
    /// Least activation.
    pub min: Option<Vec<f32>>,
    /// Greatest activation.
    pub max: Option<Vec<f32>>,
    /// Firing rate: share of inputs with activation > 0, in [0, 1].
    pub rate: Option<Vec<f32>>,
}

impl Aggregate {
    /// The statistics of one unit, in arrays of one entry; `None` if there is no such unit.
    pub fn of_unit(&self, unit: UnitIndex) -> Option<Self> {
        let of = |values: &Option<Vec<f32>>| {
            values.as_ref().and_then(|values| values.get(unit.0)).map(|&value| vec![value])
        };
        Some(Self {
            count: self.count,
            mean: vec![*self.mean.get(unit.0)?],
            variance: of(&self.variance),
            min: of(&self.min),
            max: of(&self.max),
            rate: of(&self.rate),
        })
    }
}

/// Stored statistics of one unit over each group of inputs; every array has one entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitAggregates {
    /// Over all inputs.
    pub all: Option<Aggregate>,
    /// One per class, as [`Recording::classes`]; `None` for a class without a stored aggregate.
    pub classes: Vec<Option<Aggregate>>,
}

/// Unit values of some inputs.
#[derive(Clone, Debug)]
pub struct RowBlock {
    /// One tensor `[rows, units]` per layer.
    pub layers: Vec<Tensor>,
    /// For each requested input, in that order, its row in every tensor of `layers`.
    pub rows: Vec<usize>,
}

/// The feature maps of one input at one layer.
#[derive(Clone, Debug)]
pub struct MapBlock {
    /// Index into [`Recording::layers`].
    pub layer: usize,
    /// Height of each feature map.
    pub height: usize,
    /// Width of each feature map.
    pub width: usize,
    /// `[channels, height * width]`.
    pub values: Tensor,
}

/// An input's picture: 8-bit sRGB with straight alpha, row-major, `4 * width * height` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green, blue and alpha of each pixel.
    pub rgba: Vec<u8>,
}

/// A recording whose values can be read lazily and from any thread.
///
/// `wanted` has indices into [`Recording::inputs`].
///
/// # Errors
/// All methods that read values return [`SourceError::Damaged`] if the epoch's values are missing or
/// broken, and [`SourceError::NotRecorded`] if they were not recorded.
pub trait Source: Send + Sync {
    /// The description of the recording.
    fn recording(&self) -> &Recording;

    /// The stored aggregate of every layer over `group`; `None` when the recording has none and it has
    /// to be computed from the inputs.
    fn aggregates(&self, epoch: EpochIndex, group: Group)
    -> Result<Option<Arc<Vec<Aggregate>>>, SourceError>;

    /// Unit values of the wanted inputs at every layer.
    fn rows(&self, epoch: EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError>;

    /// The stored aggregate of one layer over `group`; see [`Source::aggregates`].
    fn layer_aggregate(
        &self,
        epoch: EpochIndex,
        group: Group,
        layer: LayerIndex,
    ) -> Result<Option<Aggregate>, SourceError> {
        Ok(self.aggregates(epoch, group)?.and_then(|layers| layers.get(layer.0).cloned()))
    }

    /// The stored aggregates of one unit over every group.
    fn unit_aggregates(&self, epoch: EpochIndex, unit: UnitId) -> Result<UnitAggregates, SourceError> {
        let UnitId { layer, unit } = unit;
        let of = |group| -> Result<Option<Aggregate>, SourceError> {
            Ok(self.aggregates(epoch, group)?.and_then(|layers| layers.get(layer.0)?.of_unit(unit)))
        };
        let classes = 0..self.recording().classes.len();
        Ok(UnitAggregates {
            all: of(Group::All)?,
            classes: classes.map(|class| of(Group::Class(class))).collect::<Result<_, _>>()?,
        })
    }

    /// Unit values of the wanted inputs at one layer: [`Source::rows`] with only the tensor of `layer`.
    fn layer_rows(
        &self,
        epoch: EpochIndex,
        layer: LayerIndex,
        wanted: &[usize],
    ) -> Result<RowBlock, SourceError> {
        let RowBlock { mut layers, rows } = self.rows(epoch, wanted)?;
        if layer.0 >= layers.len() {
            return Err(not_recorded(self.recording(), epoch, format!("layer {layer} is")));
        }
        Ok(RowBlock { layers: vec![layers.swap_remove(layer.0)], rows })
    }

    /// The value of one unit for every input, in the order of [`Recording::inputs`]; NaN for an input
    /// without a value.
    fn unit_column(&self, epoch: EpochIndex, unit: UnitId) -> Result<Vec<f32>, SourceError> {
        let UnitId { layer, unit } = unit;
        let inputs: Vec<usize> = (0..self.recording().inputs.len()).collect();
        let block = self.layer_rows(epoch, layer, &inputs)?;
        match block.layers.first() {
            Some(tensor) if unit.0 < tensor.columns() => Ok(tensor.column(unit.0, block.rows)),
            _ => Err(not_recorded(self.recording(), epoch, format!("unit {unit} is"))),
        }
    }

    /// The feature maps recorded for an input, one block per layer; empty when there are none.
    fn maps(&self, epoch: EpochIndex, input: usize) -> Result<Vec<MapBlock>, SourceError>;

    /// Predicted class of every input, as an index into [`Recording::classes`]; `None` where predictions
    /// were not recorded.
    fn predictions(&self, epoch: EpochIndex) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError>;

    /// The picture of an input; `None` when there is none or it cannot be decoded.
    fn picture(&self, input: usize) -> Option<Picture>;
}

/// The error for values that are not recorded at an epoch; `what` has its verb ("input 7 is").
fn not_recorded(recording: &Recording, epoch: EpochIndex, what: String) -> SourceError {
    let number = recording.epochs.get(epoch.0).map_or(epoch.0 as u64, |epoch| epoch.number);
    SourceError::NotRecorded { number, what }
}
