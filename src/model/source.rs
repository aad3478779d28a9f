//! Where values come from: the one interface between what is stored and what is shown.

use std::sync::Arc;

use super::{Recording, Tensor};

/// Why values could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The epoch is listed but its values are missing, half-written or broken.
    #[error("epoch {number} is damaged: {reason}")]
    Damaged { number: u64, reason: String },
    /// The recording holds nothing of the kind asked for.
    #[error("{what} not recorded at epoch {number}")]
    NotRecorded { number: u64, what: String },
}

/// The inputs that an aggregate speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Every recorded input ("general" in DNNViz).
    All,
    /// Index into [`Recording::classes`].
    Class(usize),
}

/// What is stored of one layer over a group of inputs; every array has one entry per unit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Aggregate {
    /// Inputs that were aggregated.
    pub count: u64,
    pub mean: Vec<f32>,
    /// Population variance.
    pub variance: Option<Vec<f32>>,
    pub min: Option<Vec<f32>>,
    pub max: Option<Vec<f32>>,
    /// Share of inputs with activation > 0.
    pub rate: Option<Vec<f32>>,
}

impl Aggregate {
    /// What it says of one unit: arrays of one entry. `None` where it says nothing of it.
    pub fn of_unit(&self, unit: usize) -> Option<Self> {
        let of = |values: &Option<Vec<f32>>| values.as_ref().and_then(|it| it.get(unit)).map(|&it| vec![it]);
        Some(Self {
            count: self.count,
            mean: vec![*self.mean.get(unit)?],
            variance: of(&self.variance),
            min: of(&self.min),
            max: of(&self.max),
            rate: of(&self.rate),
        })
    }
}

/// What is stored of one unit over each group of inputs; every array has one entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnitAggregates {
    pub all: Option<Aggregate>,
    /// As [`Recording::classes`]; `None` where nothing is stored of a class.
    pub classes: Vec<Option<Aggregate>>,
}

/// Unit values of some inputs: one tensor `[rows, units]` per layer.
#[derive(Clone, Debug)]
pub struct RowBlock {
    pub layers: Vec<Tensor>,
    /// For each input that was asked for, in that order, its row in every tensor of `layers`.
    pub rows: Vec<usize>,
}

/// Whole feature maps of one input at one layer: `[channels, height * width]`.
#[derive(Clone, Debug)]
pub struct MapBlock {
    pub layer: usize,
    pub height: usize,
    pub width: usize,
    pub values: Tensor,
}

/// An input's picture: 8-bit sRGB with straight alpha, row-major, `4 * width * height` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub rgba: Vec<u8>,
}

/// A recording whose values can be read, lazily and from any thread.
pub trait Source: Send + Sync {
    fn recording(&self) -> &Recording;

    /// The stored aggregate of every layer over `group`; `None` when the recording keeps none and
    /// it has to be computed from the inputs. `epoch` is an index into [`Recording::epochs`].
    fn aggregates(&self, epoch: usize, group: Group) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError>;

    /// Unit values of the wanted inputs (indices into [`Recording::inputs`]).
    fn rows(&self, epoch: usize, wanted: &[usize]) -> Result<RowBlock, SourceError>;

    /// The stored aggregate of one layer over `group`, as [`Source::aggregates`] has it.
    fn layer_aggregate(
        &self,
        epoch: usize,
        group: Group,
        layer: usize,
    ) -> Result<Option<Aggregate>, SourceError> {
        Ok(self.aggregates(epoch, group)?.and_then(|layers| layers.get(layer).cloned()))
    }

    /// What is stored of one unit, over all groups.
    fn unit_aggregates(
        &self,
        epoch: usize,
        layer: usize,
        unit: usize,
    ) -> Result<UnitAggregates, SourceError> {
        let of = |group| -> Result<Option<Aggregate>, SourceError> {
            Ok(self.aggregates(epoch, group)?.and_then(|layers| layers.get(layer)?.of_unit(unit)))
        };
        let classes = 0..self.recording().classes.len();
        Ok(UnitAggregates {
            all: of(Group::All)?,
            classes: classes.map(|class| of(Group::Class(class))).collect::<Result<_, _>>()?,
        })
    }

    /// Unit values of the wanted inputs at one layer: [`Source::rows`] with one tensor, that of `layer`.
    fn layer_rows(&self, epoch: usize, layer: usize, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        let RowBlock { mut layers, rows } = self.rows(epoch, wanted)?;
        if layer >= layers.len() {
            return Err(not_recorded(self.recording(), epoch, format!("layer {layer} is")));
        }
        Ok(RowBlock { layers: vec![layers.swap_remove(layer)], rows })
    }

    /// The value of one unit for every input, in the order of [`Recording::inputs`]; NaN where an input
    /// has none.
    fn unit_column(&self, epoch: usize, layer: usize, unit: usize) -> Result<Vec<f32>, SourceError> {
        let inputs: Vec<usize> = (0..self.recording().inputs.len()).collect();
        let block = self.layer_rows(epoch, layer, &inputs)?;
        match block.layers.first() {
            Some(tensor) if unit < tensor.columns() => Ok(tensor.column(unit, block.rows)),
            _ => Err(not_recorded(self.recording(), epoch, format!("unit {unit} is"))),
        }
    }

    /// Whole feature maps recorded for this input; empty when there are none.
    fn maps(&self, epoch: usize, input: usize) -> Result<Vec<MapBlock>, SourceError>;

    /// Predicted class index per input, where recorded.
    fn predictions(&self, epoch: usize) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError>;

    /// The picture of an input; `None` when there is none or it cannot be decoded.
    fn picture(&self, input: usize) -> Option<Picture>;
}

/// That `what` ("input 7 is") is not there at `epoch`, an index.
fn not_recorded(recording: &Recording, epoch: usize, what: String) -> SourceError {
    let number = recording.epochs.get(epoch).map_or(epoch as u64, |epoch| epoch.number);
    SourceError::NotRecorded { number, what }
}
