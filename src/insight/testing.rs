//! A recording in memory for tests, with values from a function.

use std::sync::Arc;

use crate::model::{
    Aggregate, EpochIndex, Group, MapBlock, Picture, Recording, RowBlock, Source, SourceError, Tensor,
    testing,
};

/// A recording in memory.
pub(crate) struct Made {
    pub(crate) recording: Recording,
    /// The value for the indices of an epoch, an input, a layer and a unit.
    pub(crate) value: Box<dyn Fn(usize, usize, usize, usize) -> f32 + Send + Sync>,
    /// Values of single inputs can be read.
    pub(crate) rows: bool,
    /// Changes the aggregates before they are stored; without it none are stored.
    pub(crate) aggregates: Option<fn(Aggregate) -> Aggregate>,
    pub(crate) predictions: Option<Vec<Option<usize>>>,
}

impl Made {
    /// Creates a recording without aggregates, at epochs 0, 10, 20 …
    pub(crate) fn new(
        units: &[usize],
        classes: &[&str],
        labels: &[Option<usize>],
        epochs: usize,
        value: impl Fn(usize, usize, usize, usize) -> f32 + Send + Sync + 'static,
    ) -> Self {
        let numbers: Vec<u64> = (0..epochs as u64).map(|epoch| 10 * epoch).collect();
        Self {
            recording: testing::recording(units, classes, labels, &numbers),
            value: Box::new(value),
            rows: true,
            aggregates: None,
            predictions: None,
        }
    }

    /// The finite values of a unit over a group of inputs.
    pub(crate) fn values(&self, epoch: usize, group: Group, layer: usize, unit: usize) -> Vec<f64> {
        let inputs = self.recording.inputs.iter().enumerate().filter(|(_, input)| match group {
            Group::All => true,
            Group::Class(class) => input.class == Some(class),
        });
        let values = inputs.map(|(input, _)| f64::from((self.value)(epoch, input, layer, unit)));
        values.filter(|value| value.is_finite()).collect()
    }

    /// Fails if the epoch is damaged.
    fn check_damage(&self, epoch: EpochIndex) -> Result<(), SourceError> {
        let description = &self.recording.epochs[epoch.0];
        let reason = "it ends early".to_owned();
        if description.damaged {
            Err(SourceError::Damaged { number: description.number, reason })
        } else {
            Ok(())
        }
    }
}

/// Mean; NaN without values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Population standard deviation.
pub(crate) fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    mean(&values.iter().map(|value| (value - centre).powi(2)).collect::<Vec<_>>()).sqrt()
}

/// Firing rate: the share of values > 0.
pub(crate) fn rate(values: &[f64]) -> f64 {
    values.iter().filter(|value| **value > 0.0).count() as f64 / values.len() as f64
}

/// (Selectivity index, class), from the class means.
pub(crate) fn selectivity(means: &[f64]) -> Option<(f64, usize)> {
    let finite: Vec<(usize, f64)> =
        means.iter().copied().enumerate().filter(|(_, mean)| mean.is_finite()).collect();
    let (class, greatest) = finite.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    let rest: Vec<f64> =
        finite.iter().filter(|other| other.0 != class).map(|other| other.1.max(0.0)).collect();
    let rest = mean(&rest);
    (greatest > 0.0).then(|| ((greatest - rest) / (greatest + rest), class))
}

/// A unit's means over the classes.
pub(crate) fn class_means(made: &Made, epoch: usize, layer: usize, unit: usize) -> Vec<f64> {
    let classes = 0..made.recording.classes.len();
    classes.map(|class| mean(&made.values(epoch, Group::Class(class), layer, unit))).collect()
}

/// Asserts that a value is equal to the expected one within a relative error of 10⁻⁵, or both are NaN.
#[track_caller]
pub(crate) fn close(found: f32, expected: f64, what: &str) {
    let (found, same) = (f64::from(found), found.is_nan() && expected.is_nan());
    let near = (found - expected).abs() <= 1e-5 * expected.abs().max(1e-3);
    assert!(same || near, "{what}: {found} is not {expected}");
}

/// Pseudo-random numbers in [0, 1).
pub(crate) fn noise(seed: usize) -> f32 {
    let hash = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let hash = (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (hash >> 40) as f32 / (1_u64 << 24) as f32
}

impl Source for Made {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn aggregates(
        &self,
        epoch: EpochIndex,
        group: Group,
    ) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        self.check_damage(epoch)?;
        let Some(change) = self.aggregates else { return Ok(None) };
        let layer = |layer: usize| {
            let of = |what: &dyn Fn(&[f64]) -> f64| -> Vec<f32> {
                let units = 0..self.recording.layers[layer].units;
                units.map(|unit| what(&self.values(epoch.0, group, layer, unit)) as f32).collect()
            };
            let count = self.recording.inputs.iter().filter(|input| match group {
                Group::All => true,
                Group::Class(class) => input.class == Some(class),
            });
            change(Aggregate {
                count: count.count() as u64,
                mean: of(&mean),
                variance: Some(of(&|values| deviation(values).powi(2))),
                min: Some(of(&|values| values.iter().copied().fold(f64::NAN, f64::min))),
                max: Some(of(&|values| values.iter().copied().fold(f64::NAN, f64::max))),
                rate: Some(of(&rate)),
            })
        };
        Ok(Some(Arc::new((0..self.recording.layers.len()).map(layer).collect())))
    }

    fn rows(&self, epoch: EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        self.check_damage(epoch)?;
        if !self.rows {
            let number = self.recording.epochs[epoch.0].number;
            return Err(SourceError::NotRecorded { number, what: "values of single inputs are".to_owned() });
        }
        let inputs = self.recording.inputs.len();
        let layers = self.recording.layers.iter().enumerate().map(|(layer, description)| {
            // Backwards, so that row indices differ from input indices.
            let places =
                (0..inputs).rev().flat_map(|input| (0..description.units).map(move |unit| (input, unit)));
            let values = places.map(|(input, unit)| (self.value)(epoch.0, input, layer, unit)).collect();
            Tensor::from_f32(values, inputs, description.units).unwrap()
        });
        Ok(RowBlock {
            layers: layers.collect(),
            rows: wanted.iter().map(|input| inputs - 1 - input).collect(),
        })
    }

    fn maps(&self, _epoch: EpochIndex, _input: usize) -> Result<Vec<MapBlock>, SourceError> {
        Ok(Vec::new())
    }

    fn predictions(&self, epoch: EpochIndex) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        self.check_damage(epoch)?;
        Ok(self.predictions.clone().map(Arc::new))
    }

    fn picture(&self, _input: usize) -> Option<Picture> {
        None
    }
}
