//! A recording in memory for tests.

use std::sync::Arc;

use crate::model::{
    Aggregate, EpochIndex, Group, MapBlock, Picture, Recording, RowBlock, Source, SourceError, Tensor,
    testing,
};

/// The stored aggregates of an epoch index and a group, one per layer.
pub(super) type StoredAggregates = fn(usize, Group) -> Option<Vec<Aggregate>>;

/// Six inputs of the classes 0, 1, 2, 0, 1, 2 over two layers of 2 and 3 units, at epochs 0, 4 and 8.
pub(super) struct Memory {
    pub(super) recording: Recording,
    pub(super) aggregates: StoredAggregates,
    /// Values of single inputs can be read.
    pub(super) rows: bool,
    pub(super) predictions: Option<Vec<Option<usize>>>,
    pub(super) maps: Vec<MapBlock>,
    /// Values for (input, layer, unit) instead of [`value`].
    pub(super) overrides: Vec<((usize, usize, usize), f32)>,
}

/// The default value of a unit.
pub(super) fn value(epoch: usize, input: usize, layer: usize, unit: usize) -> f32 {
    ((input * 7 + layer * 3 + unit * 5) % 11) as f32 * 0.1 - 0.2 + epoch as f32
}

impl Memory {
    pub(super) fn new() -> Self {
        let labels: Vec<Option<usize>> = (0..6).map(|input| Some(input % 3)).collect();
        Self {
            recording: testing::recording(&[2, 3], &["0", "1", "2"], &labels, &[0, 4, 8]),
            aggregates: |_, _| None,
            rows: true,
            predictions: None,
            maps: Vec::new(),
            overrides: Vec::new(),
        }
    }

    pub(super) fn value(&self, epoch: usize, input: usize, layer: usize, unit: usize) -> f32 {
        let override_value = self.overrides.iter().find(|(place, _)| *place == (input, layer, unit));
        override_value.map_or_else(|| value(epoch, input, layer, unit), |&(_, value)| value)
    }
}

impl Source for Memory {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn aggregates(
        &self,
        epoch: EpochIndex,
        group: Group,
    ) -> Result<Option<Arc<Vec<Aggregate>>>, SourceError> {
        Ok((self.aggregates)(epoch.0, group).map(Arc::new))
    }

    fn rows(&self, epoch: EpochIndex, wanted: &[usize]) -> Result<RowBlock, SourceError> {
        let number = self.recording.epochs[epoch.0].number;
        if !self.rows {
            return Err(SourceError::NotRecorded { number, what: "values of single inputs are".to_owned() });
        }
        if self.recording.epochs[epoch.0].damaged {
            return Err(SourceError::Damaged { number, reason: "it ends early".to_owned() });
        }
        let layers = self.recording.layers.iter().enumerate().map(|(layer, description)| {
            let inputs = self.recording.inputs.len();
            let places = (0..inputs).flat_map(|input| (0..description.units).map(move |unit| (input, unit)));
            let values = places.map(|(input, unit)| self.value(epoch.0, input, layer, unit)).collect();
            Tensor::from_f32(values, inputs, description.units).unwrap()
        });
        Ok(RowBlock { layers: layers.collect(), rows: wanted.to_vec() })
    }

    fn maps(&self, _epoch: EpochIndex, _input: usize) -> Result<Vec<MapBlock>, SourceError> {
        Ok(self.maps.clone())
    }

    fn predictions(&self, _epoch: EpochIndex) -> Result<Option<Arc<Vec<Option<usize>>>>, SourceError> {
        Ok(self.predictions.clone().map(Arc::new))
    }

    fn picture(&self, _input: usize) -> Option<Picture> {
        None
    }
}
