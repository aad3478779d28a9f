//! Reduction of the activations of a layer to one value per unit and input, and the buffer of these values
//! until the epoch ends.

use std::sync::Arc;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

use super::RecorderError;
use super::network::{LayerDescription, Precision};
use crate::model::{Aggregate, Dtype, Layer, LayerKind, Reduction, Tensor};
use crate::stats::{Extremes, Firing, Moments, Reducer, reduce};

/// Unit values of some inputs of a layer.
pub(super) struct UnitBatch {
    pub(super) layer: Layer,
    /// Number of inputs.
    pub(super) rows: usize,
    /// `[rows, layer.units]`.
    pub(super) values: Vec<f32>,
}

/// Reduces activations of the given shape, inputs first, to unit values; see [`super::Recorder::layer`].
pub(super) fn reduce_activations(
    name: &str,
    values: &[f32],
    shape: &[usize],
    description: &LayerDescription,
) -> Result<UnitBatch, RecorderError> {
    let elements = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    let (Some((&rows, inner)), Some(1..)) = (shape.split_first(), elements) else {
        return Err(RecorderError::Shape { layer: name.to_owned(), shape: shape.to_vec() });
    };
    if elements != Some(values.len()) {
        return Err(RecorderError::Length {
            layer: name.to_owned(),
            shape: shape.to_vec(),
            found: values.len(),
        });
    }
    let (kind, reduction, values) = match *inner {
        [] | [_] => (LayerKind::Dense, Reduction::None, values.to_vec()),
        [_, features] => {
            (LayerKind::Other, Reduction::SequenceMean, interleaved_means(values, rows, features))
        }
        [.., channels] if description.channels_last => {
            (LayerKind::FeatureMap, Reduction::SpatialMean, interleaved_means(values, rows, channels))
        }
        [channels, ..] => {
            let area = values.len() / (rows * channels);
            let means = values.chunks_exact(area).map(|map| mean(map.iter()));
            (LayerKind::FeatureMap, Reduction::SpatialMean, means.collect())
        }
    };
    let layer = Layer {
        name: name.to_owned(),
        module: description.module.clone(),
        text: description.text.clone(),
        kind: description.kind.unwrap_or(kind),
        shape: inner.to_vec(),
        units: values.len() / rows,
        parameters: description.parameters,
        dtype: "float32".to_owned(),
        reduction,
    };
    Ok(UnitBatch { layer, rows, values })
}

/// Means over the positions of values of the shape `[rows, positions, channels]`.
fn interleaved_means(values: &[f32], rows: usize, channels: usize) -> Vec<f32> {
    let row = |row: &[f32]| -> Vec<f32> {
        (0..channels).map(|channel| mean(row.iter().skip(channel).step_by(channels))).collect()
    };
    values.chunks_exact(values.len() / rows).flat_map(row).collect()
}

/// The mean, summed in f64.
fn mean<'a>(values: impl ExactSizeIterator<Item = &'a f32>) -> f32 {
    let count = values.len() as f64;
    (values.map(|&value| f64::from(value)).sum::<f64>() / count) as f32
}

/// Buffer of the unit values of a layer since the last epoch, in the order of the inputs.
#[derive(Default)]
pub(super) struct LayerBuffer {
    /// Number of inputs so far.
    pub(super) rows: usize,
    /// Unit values of the inputs to keep, row after row.
    pub(super) kept: Vec<f32>,
    /// Number of unit values of all inputs that are NaN or infinite.
    pub(super) not_finite: u64,
    /// Statistics over all inputs, then over every class; empty if aggregates are not stored.
    groups: Vec<GroupReducer>,
}

impl LayerBuffer {
    /// Adds the next inputs. `keeps` returns `true` for inputs whose values are kept, `class` the class of
    /// an input; `groups` is the number of aggregates.
    pub(super) fn add(
        &mut self,
        batch: UnitBatch,
        keeps: impl Fn(usize) -> bool,
        class: impl Fn(usize) -> Option<usize>,
        groups: usize,
    ) {
        let units = batch.layer.units;
        self.not_finite += batch.values.iter().filter(|value| !value.is_finite()).count() as u64;
        for (row, values) in batch.values.chunks_exact(units).enumerate() {
            if keeps(self.rows + row) {
                self.kept.extend_from_slice(values);
            }
        }
        self.groups.resize_with(groups, || GroupReducer::new(units));
        if groups > 0
            && let Some(tensor) = Tensor::from_f32(batch.values, batch.rows, units)
        {
            let mut members = vec![Vec::new(); groups];
            members[0] = (0..batch.rows).collect();
            for row in 0..batch.rows {
                if let Some(class) = class(self.rows + row) {
                    members[1 + class].push(row);
                }
            }
            for (sums, rows) in self.groups.iter_mut().zip(&members) {
                sums.add(&tensor, rows);
            }
        }
        self.rows += batch.rows;
    }

    /// The aggregates over all inputs, then over every class.
    pub(super) fn aggregates(&self) -> impl Iterator<Item = Aggregate> + '_ {
        self.groups.iter().map(GroupReducer::aggregate)
    }
}

/// Accumulator of the statistics over one group of inputs.
struct GroupReducer {
    count: u64,
    moments: Moments,
    extremes: Extremes,
    firing: Firing,
}

impl GroupReducer {
    fn new(units: usize) -> Self {
        Self {
            count: 0,
            moments: Moments::new(units),
            extremes: Extremes::new(units),
            firing: Firing::new(units),
        }
    }

    fn add(&mut self, values: &Tensor, rows: &[usize]) {
        self.count += rows.len() as u64;
        self.moments.merge(&reduce(values, rows));
        self.extremes.merge(&reduce(values, rows));
        self.firing.merge(&reduce(values, rows));
    }

    fn aggregate(&self) -> Aggregate {
        Aggregate {
            count: self.count,
            mean: self.moments.mean(),
            variance: Some(self.moments.variance()),
            min: Some(self.extremes.min()),
            max: Some(self.extremes.max()),
            rate: Some(self.firing.rate()),
        }
    }
}

/// Converts values to a tensor `[rows, units]` in `precision`, or in F32 if a finite value would become
/// infinite. `None` if the number of values is not a multiple of `rows`.
pub(super) fn to_tensor(values: Vec<f32>, rows: usize, precision: Precision) -> Option<Tensor> {
    fn fits<H: Copy>(values: &[f32], halves: &[H], is_finite: fn(H) -> bool) -> bool {
        values.iter().zip(halves).all(|(value, &half)| is_finite(half) || !value.is_finite())
    }
    let units = values.len().checked_div(rows)?;
    let bytes: Option<(Dtype, Vec<u8>)> = match precision {
        Precision::F32 => None,
        Precision::F16 => {
            let mut halves = vec![f16::ZERO; values.len()];
            halves.convert_from_f32_slice(&values);
            fits(&values, &halves, f16::is_finite)
                .then(|| (Dtype::F16, bytemuck::cast_slice(&halves).to_vec()))
        }
        Precision::BF16 => {
            let mut halves = vec![bf16::ZERO; values.len()];
            halves.convert_from_f32_slice(&values);
            fits(&values, &halves, bf16::is_finite)
                .then(|| (Dtype::BF16, bytemuck::cast_slice(&halves).to_vec()))
        }
    };
    match bytes {
        Some((dtype, bytes)) => Tensor::new(Arc::new(bytes), 0..values.len() * 2, dtype, rows, units),
        None => Tensor::from_f32(values, rows, units),
    }
}
