//! Checks of the recorder's data before it is written.

use super::layer::UnitBatch;
use super::{Metrics, Recorder, RecorderError};
use crate::model::{Layer, Reduction};

impl Recorder {
    /// Index of the layer of `batch`; one past the last for a new layer.
    ///
    /// # Errors
    /// Returns a [`RecorderError`] if the layer has changed, or is new after the first epoch.
    pub(super) fn layer_index(&self, batch: &UnitBatch) -> Result<usize, RecorderError> {
        let now = &batch.layer;
        let Some(index) = self.layers.iter().position(|layer| layer.name == now.name) else {
            if self.layers_are_final {
                let known: Vec<&str> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
                let known = known.join(", ");
                return Err(RecorderError::NewLayer { layer: now.name.clone(), known });
            }
            return Ok(self.layers.len());
        };
        let before = &self.layers[index];
        if (before.units, before.reduction) != (now.units, now.reduction) {
            let units = |layer: &Layer| match layer.reduction {
                Reduction::None => format!("{} units", layer.units),
                Reduction::SpatialMean => format!("{} channels", layer.units),
                Reduction::SequenceMean => format!("{} features at every position", layer.units),
            };
            let (before, now) = (units(before), units(now));
            return Err(RecorderError::LayerChanged { layer: batch.layer.name.clone(), before, now });
        }
        Ok(index)
    }

    /// Fails with [`RecorderError::Inputs`] if `is_wrong` and the number of inputs is known.
    pub(super) fn check_inputs(
        &self,
        what: impl Fn() -> String,
        found: usize,
        is_wrong: bool,
    ) -> Result<(), RecorderError> {
        match self.inputs {
            Some(wanted) if is_wrong => Err(RecorderError::Inputs { what: what(), found, wanted }),
            _ => Ok(()),
        }
    }

    /// Fails with [`RecorderError::Kept`] if an input to keep is out of bounds.
    pub(super) fn check_kept(&self, inputs: Option<usize>) -> Result<(), RecorderError> {
        let last = self.kept.as_ref().and_then(|kept| kept.last().copied());
        match (last, inputs) {
            (Some(input), Some(inputs)) if input >= inputs => Err(RecorderError::Kept { input, inputs }),
            _ => Ok(()),
        }
    }

    /// Checks the data of an epoch before it is written. Returns its number of inputs.
    pub(super) fn check_epoch(&self, number: u64, metrics: &Metrics) -> Result<usize, RecorderError> {
        if let Some(last) = self.epochs.last().copied().filter(|_| self.epochs.contains(&number)) {
            return Err(RecorderError::Epoch { number, last });
        }
        if let Some(accuracy) = metrics.accuracy.filter(|accuracy| !(0.0..=1.0).contains(accuracy)) {
            return Err(RecorderError::Accuracy(accuracy));
        }
        let Some(first) = self.buffers.iter().map(|buffer| buffer.rows).find(|&rows| rows > 0) else {
            return Err(RecorderError::NoLayers);
        };
        let wanted = self.inputs.unwrap_or(first);
        for (layer, buffer) in self.layers.iter().zip(&self.buffers) {
            if buffer.rows == 0 {
                return Err(RecorderError::MissingLayer { layer: layer.name.clone() });
            }
            if buffer.rows != wanted {
                let what = format!("values of layer {}", layer.name);
                return Err(RecorderError::Inputs { what, found: buffer.rows, wanted });
            }
        }
        let found = self.predictions.len();
        if found > 0 && found != wanted {
            return Err(RecorderError::Inputs { what: "predictions".to_owned(), found, wanted });
        }
        self.check_kept(Some(wanted))?;
        Ok(wanted)
    }
}
