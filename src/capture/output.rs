//! The recorder's data in the form in which it is written.

use std::mem;

use super::layer::{self, LayerBuffer};
use super::{Metrics, Recorder};
use crate::format::{EpochValues, Pictures};
use crate::model::recording::sequential_edges;
use crate::model::{Class, Epoch, Format, Group, Input, Normalisation, Recording};

impl Recorder {
    /// The description of an epoch for the manifest.
    pub(super) fn describe_epoch(&self, number: u64, metrics: Metrics) -> Epoch {
        let not_finite = self.layers.iter().zip(&self.buffers).filter(|(_, buffer)| buffer.not_finite > 0);
        Epoch {
            number,
            step: metrics.step,
            accuracy: metrics.accuracy.map(|share| 100.0 * share),
            loss: metrics.loss,
            metrics: metrics.others,
            time: Some(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            not_finite: not_finite.map(|(layer, buffer)| (layer.name.clone(), buffer.not_finite)).collect(),
            damaged: false,
            has_predictions: !self.predictions.is_empty(),
        }
    }

    /// Takes the values since the last epoch, which leaves the buffers empty.
    pub(super) fn take_values(&mut self, inputs: usize) -> EpochValues {
        let mut buffers = mem::take(&mut self.buffers);
        self.buffers.resize_with(self.layers.len(), LayerBuffer::default);
        let predictions = mem::take(&mut self.predictions);
        let mut values = EpochValues::default();
        let kept = self.kept_inputs(inputs);
        if !kept.is_empty() {
            for (index, buffer) in buffers.iter_mut().enumerate() {
                let tensor =
                    layer::to_tensor(mem::take(&mut buffer.kept), kept.len(), self.network.precision);
                let is_wider =
                    tensor.as_ref().is_some_and(|tensor| !self.network.precision.is(tensor.dtype()));
                if is_wider && self.warned.insert(index) {
                    let name = &self.layers[index].name;
                    log::warn!(
                        "layer {name} has values too large for half precision; they are stored as F32"
                    );
                }
                values.units.extend(tensor);
            }
            if !predictions.is_empty() {
                values.predictions =
                    Some(kept.iter().map(|&input| predictions.get(input).copied()).collect());
            }
        }
        if self.kept.is_some() {
            let classes = (0..self.network.classes.len()).map(Group::Class);
            values.aggregates =
                std::iter::once(Group::All).chain(classes).map(|group| (group, Vec::new())).collect();
            for buffer in &buffers {
                for ((_, layers), aggregate) in values.aggregates.iter_mut().zip(buffer.aggregates()) {
                    layers.push(aggregate);
                }
            }
        }
        values
    }

    /// Indices of the inputs to keep, ascending.
    fn kept_inputs(&self, inputs: usize) -> Vec<usize> {
        self.kept.clone().unwrap_or_else(|| (0..inputs).collect())
    }

    /// The description of the recording, with `inputs` inputs and without epochs.
    pub(super) fn recording(&self, inputs: usize) -> Recording {
        let network = &self.network;
        let input = |number: usize| Input {
            id: network.ids.get(number).cloned().unwrap_or_else(|| number.to_string()),
            class: network.labels.get(number).copied().flatten(),
            has_picture: false,
        };
        let class = |(id, name): (usize, &String)| Class {
            id: id as i64,
            name: name.clone(),
            inputs: 0,
            aggregated: 0,
        };
        Recording {
            format: Format::Native,
            model: network.name.clone(),
            layers: self.layers.clone(),
            edges: sequential_edges(self.layers.len()),
            joints: Vec::new(),
            modules: network.modules.clone(),
            classes: network.classes.iter().enumerate().map(class).collect(),
            inputs: self.kept_inputs(inputs).into_iter().map(input).collect(),
            epochs: Vec::new(),
            normalisation: Normalisation::None,
            warnings: Vec::new(),
        }
    }

    /// The pictures of the inputs to keep.
    pub(super) fn kept_pictures(&self) -> Pictures {
        let Some(kept) = &self.kept else { return self.network.pictures.clone() };
        match &self.network.pictures {
            Pictures::None => Pictures::None,
            Pictures::Encoded(files) => {
                Pictures::Encoded(kept.iter().map(|&input| files[input].clone()).collect())
            }
            Pictures::Pixels { height, width, channels, values } => {
                let size = height * width * channels;
                let pixels = |&input: &usize| values[input * size..(input + 1) * size].iter().copied();
                Pictures::Pixels {
                    height: *height,
                    width: *width,
                    channels: *channels,
                    values: kept.iter().flat_map(pixels).collect(),
                }
            }
        }
    }
}
