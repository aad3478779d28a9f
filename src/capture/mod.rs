//! Recording of a training from Rust, independent of the library that trains: the [`Recorder`] takes
//! activations as slices, layer by layer, reduces them to unit values and aggregates, and writes each epoch
//! when it ends. It writes files through `format` only.

#![warn(missing_docs)]

mod checks;
mod error;
mod layer;
mod network;
mod output;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

pub use self::error::RecorderError;
use self::layer::LayerBuffer;
pub use self::network::{Keep, LayerDescription, Metrics, Network, Precision};
use crate::format::{self, FormatError, Pictures, RunWriter};
use crate::model::Layer;

/// A writer of native recordings, epoch by epoch.
///
/// In every epoch, [`Recorder::layer`] takes the activations of each layer, for the same inputs in the same
/// order, and [`Recorder::epoch`] writes them. All ended epochs can be read, even if the training is
/// aborted.
///
/// ```
/// use dnnviz::Recorder;
/// use dnnviz::capture::{Metrics, Network};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("runs/cnn");
/// let network = Network {
///     name: "small CNN".to_owned(),
///     classes: vec!["cat".to_owned(), "dog".to_owned()],
///     labels: vec![Some(0), Some(1), Some(1)],
///     ..Network::default()
/// };
/// let mut rec = Recorder::create(&path, network)?;
/// for epoch in 0..2 {
///     // … train …
///     let convolved = vec![0.5; 3 * 4 * 6 * 6];
///     rec.layer("conv", &convolved, &[3, 4, 6, 6])?;
///     rec.layer("output", &[0.9, 0.1, 0.2, 0.8, 0.7, 0.3], &[3, 2])?;
///     rec.predictions(&[0, 1, 0])?;
///     rec.epoch(epoch, Metrics { accuracy: Some(2.0 / 3.0), loss: Some(0.4), ..Metrics::default() })?;
/// }
///
/// let source = dnnviz::format::open(&path)?;
/// assert_eq!(source.recording().units(), 4 + 2);
/// assert_eq!(source.recording().epochs.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Recorder {
    path: PathBuf,
    network: Network,
    /// Indices of the inputs whose values are kept, ascending; `None` for all.
    kept: Option<Vec<usize>>,
    /// The number of inputs, once known.
    inputs: Option<usize>,
    /// Descriptions by layer name.
    descriptions: HashMap<String, LayerDescription>,
    layers: Vec<Layer>,
    /// An epoch has ended or the recording was resumed: no layer can be added.
    layers_are_final: bool,
    /// The values since the last epoch, one buffer per layer.
    buffers: Vec<LayerBuffer>,
    /// Predicted classes since the last epoch.
    predictions: Vec<usize>,
    /// `None` before the first epoch.
    writer: Option<RunWriter>,
    /// Numbers of the recorded epochs.
    epochs: BTreeSet<u64>,
    /// Indices of the layers for which a warning about precision was logged.
    warned: HashSet<usize>,
}

impl Recorder {
    /// Begins a recording at `path`, which must not exist; its parent folders are created. The recording
    /// exists from the end of the first epoch on.
    ///
    /// # Errors
    /// Returns a [`RecorderError`] if `path` exists or cannot be created, or `network` contradicts itself.
    pub fn create(path: impl AsRef<Path>, network: Network) -> Result<Self, RecorderError> {
        let recorder = Self::new(path.as_ref(), network)?;
        RunWriter::prepare(path.as_ref())?;
        Ok(recorder)
    }

    /// Continues the recording at `path`, whose classes, inputs and layers must be the same, or begins one
    /// if there is none. [`Recorder::last_epoch`] is the number of its last epoch.
    ///
    /// # Errors
    /// Returns a [`RecorderError`] if the recording cannot be read or written, is of another network, or
    /// `network` contradicts itself.
    pub fn resume(path: impl AsRef<Path>, network: Network) -> Result<Self, RecorderError> {
        let path = path.as_ref();
        let mut recorder = Self::new(path, network)?;
        let (writer, recorded) = match RunWriter::reopen(path) {
            Err(FormatError::NotFound { path: missing }) if missing == path => {
                RunWriter::prepare(path)?;
                return Ok(recorder);
            }
            reopened => reopened?,
        };
        if recorder.inputs.is_none() && recorder.network.keep == Keep::All {
            recorder.inputs = Some(recorded.inputs.len());
        }
        recorder.layers.clone_from(&recorded.layers);
        recorder.buffers.resize_with(recorder.layers.len(), LayerBuffer::default);
        recorder.layers_are_final = true;
        let expected = recorder.recording(recorder.inputs.unwrap_or_default());
        if let Some(what) = format::difference(&recorded, &expected) {
            return Err(FormatError::Differs { path: path.to_owned(), what }.into());
        }
        recorder.epochs = recorded.epochs.iter().map(|epoch| epoch.number).collect();
        recorder.writer = Some(writer);
        Ok(recorder)
    }

    /// Creates a recorder and checks `network`, without files.
    fn new(path: &Path, network: Network) -> Result<Self, RecorderError> {
        let non_zero = |count: usize| (count > 0).then_some(count);
        let pictures = match &network.pictures {
            Pictures::None => None,
            Pictures::Encoded(files) => Some(files.len()),
            Pictures::Pixels { height, width, channels, values } => {
                let size = height.saturating_mul(*width).saturating_mul(*channels);
                Some(values.len().checked_div(size).unwrap_or(0))
            }
        };
        let counts = [non_zero(network.labels.len()), non_zero(network.ids.len()), pictures];
        let inputs = counts.into_iter().flatten().next();
        for (what, found) in ["labels", "ids", "pictures"].into_iter().zip(counts) {
            if let (Some(found), Some(wanted)) = (found, inputs)
                && found != wanted
            {
                return Err(RecorderError::Each { what, found, wanted });
            }
        }
        let classes = network.classes.len();
        if let Some(&class) = network.labels.iter().flatten().find(|&&class| class >= classes) {
            return Err(RecorderError::Class { class, classes });
        }
        let kept = match &network.keep {
            Keep::All => None,
            Keep::Inputs(inputs) => {
                Some(inputs.iter().copied().collect::<BTreeSet<_>>().into_iter().collect())
            }
            Keep::Aggregates => Some(Vec::new()),
        };
        let recorder = Self {
            path: path.to_owned(),
            network,
            kept,
            inputs,
            descriptions: HashMap::new(),
            layers: Vec::new(),
            layers_are_final: false,
            buffers: Vec::new(),
            predictions: Vec::new(),
            writer: None,
            epochs: BTreeSet::new(),
            warned: HashSet::new(),
        };
        recorder.check_kept(inputs)?;
        Ok(recorder)
    }

    /// Sets the description of a layer.
    ///
    /// # Errors
    /// Returns [`RecorderError::DescribedLate`] if the layer has values already.
    pub fn describe(&mut self, name: &str, description: LayerDescription) -> Result<(), RecorderError> {
        if self.layers.iter().zip(&self.buffers).any(|(layer, buffer)| layer.name == name && buffer.rows > 0)
        {
            return Err(RecorderError::DescribedLate { layer: name.to_owned() });
        }
        self.descriptions.insert(name.to_owned(), description);
        Ok(())
    }

    /// Adds activations of a layer. Further calls in the same epoch add those of the next inputs. The order
    /// of the layers is that of their first calls.
    ///
    /// `shape` starts with the number of inputs. `[inputs, units]` is recorded unchanged, of
    /// `[inputs, positions, features]` the mean over the positions, and of
    /// `[inputs, channels, height, width]` or more dimensions the mean of each channel. With
    /// [`LayerDescription::channels_last`] the channels are the last dimension. NaN and infinite values are
    /// recorded and counted.
    ///
    /// # Errors
    /// Returns a [`RecorderError`] if `values` and `shape` contradict each other, the layer has changed, or
    /// there are more inputs than in the recording. Nothing is added then.
    pub fn layer(&mut self, name: &str, values: &[f32], shape: &[usize]) -> Result<(), RecorderError> {
        let default_description = LayerDescription::default();
        let description = self.descriptions.get(name).unwrap_or(&default_description);
        let batch = layer::reduce_activations(name, values, shape, description)?;
        let index = self.layer_index(&batch)?;
        let rows = self.buffers.get(index).map_or(0, |buffer| buffer.rows) + batch.rows;
        self.check_inputs(|| format!("values of layer {name}"), rows, rows > self.inputs.unwrap_or(rows))?;
        if index == self.layers.len() {
            self.layers.push(batch.layer.clone());
            self.buffers.push(LayerBuffer::default());
        }
        let (kept, labels) = (&self.kept, &self.network.labels);
        let keeps = |input: usize| kept.as_ref().is_none_or(|kept| kept.binary_search(&input).is_ok());
        let class = |input: usize| labels.get(input).copied().flatten();
        let groups = kept.as_ref().map_or(0, |_| 1 + self.network.classes.len());
        self.buffers[index].add(batch, keeps, class, groups);
        Ok(())
    }

    /// Adds the predicted classes of the inputs, as indices into [`Network::classes`]. Further calls in the
    /// same epoch add those of the next inputs.
    ///
    /// # Errors
    /// Returns [`RecorderError::Class`] if an index is out of bounds.
    pub fn predictions(&mut self, classes: &[usize]) -> Result<(), RecorderError> {
        let known = self.network.classes.len();
        if let Some(&class) = classes.iter().find(|&&class| class >= known) {
            return Err(RecorderError::Class { class, classes: known });
        }
        self.predictions.extend_from_slice(classes);
        Ok(())
    }

    /// Ends an epoch: writes the data since the last one to disk and makes it visible to readers.
    ///
    /// # Errors
    /// Returns a [`RecorderError`] if the data is incomplete or contradicts itself; then nothing is written
    /// and the data is kept. Returns [`RecorderError::Format`] if writing fails, e.g. on a full disk; then
    /// the data of this epoch is dropped and the recording can continue; if its files were completely
    /// written nevertheless, the epoch is listed in the manifest with the next one.
    pub fn epoch(&mut self, number: u64, metrics: Metrics) -> Result<(), RecorderError> {
        let inputs = self.check_epoch(number, &metrics)?;
        self.layers_are_final = true;
        if self.kept.as_ref().is_none_or(|kept| !kept.is_empty()) {
            self.inputs = Some(inputs);
        }
        let epoch = self.describe_epoch(number, metrics);
        let values = self.take_values(inputs);
        let mut writer = match self.writer.take() {
            Some(writer) => writer,
            None => {
                let recording = self.recording(inputs);
                let pictures = self.kept_pictures();
                RunWriter::create(&self.path, &recording, &pictures)?
            }
        };
        let written = writer.write_epoch(&epoch, &values).and_then(|()| writer.commit());
        self.writer = Some(writer);
        written?;
        self.epochs.insert(number);
        Ok(())
    }

    /// The greatest recorded epoch number; `None` before the first epoch.
    pub fn last_epoch(&self) -> Option<u64> {
        self.epochs.last().copied()
    }

    /// The path of the recording.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
