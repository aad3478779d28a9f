//! Recording a training from Rust, whatever library it trains with: activations come in as slices,
//! layer by layer, and every epoch is on disk when it ends.

mod error;
mod layer;
mod network;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem;
use std::path::{Path, PathBuf};

pub use self::error::RecorderError;
use self::layer::{Reduced, Taken};
pub use self::network::{About, Keep, Metrics, Network, Precision};
use crate::format::{self, EpochValues, FormatError, Pictures, RunWriter};
use crate::model::recording::sequential_edges;
use crate::model::{Class, Epoch, Format, Group, Input, Layer, Normalisation, Recording, Reduction};

/// Records a training, epoch by epoch.
///
/// Between two epochs every layer's activations are handed over, of the same inputs and in the same
/// order; [`Recorder::epoch`] writes them. A reader finds the epochs that have ended, whatever happens
/// to the training.
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
    /// Numbers of the inputs whose values are kept, ascending; `None`: all of them.
    kept: Option<Vec<usize>>,
    /// How many inputs there are, once known.
    inputs: Option<usize>,
    abouts: HashMap<String, About>,
    layers: Vec<Layer>,
    /// An epoch has ended, or the recording is gone on with: there are no more layers.
    settled: bool,
    /// As `layers`: what came since the last epoch.
    taken: Vec<Taken>,
    predictions: Vec<usize>,
    /// From the first epoch on.
    writer: Option<RunWriter>,
    epochs: BTreeSet<u64>,
    /// Layers of which it was told that they do not fit the precision.
    warned: HashSet<usize>,
}

impl Recorder {
    /// Begins a recording at `path`, where nothing must stand; the folders above it are made. It stands
    /// there from the end of the first epoch on.
    pub fn create(path: impl AsRef<Path>, network: Network) -> Result<Self, RecorderError> {
        let recorder = Self::new(path.as_ref(), network)?;
        RunWriter::prepare(path.as_ref())?;
        Ok(recorder)
    }

    /// Goes on with the recording at `path`, whose classes, inputs and layers must be the same; begins
    /// one when there is none. [`Recorder::last_epoch`] tells where it stopped.
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
        let unknown = recorder.inputs.is_none();
        if unknown && recorder.network.keep == Keep::All {
            recorder.inputs = Some(recorded.inputs.len());
        }
        recorder.layers.clone_from(&recorded.layers);
        recorder.taken.resize_with(recorder.layers.len(), Taken::default);
        recorder.settled = true;
        let wanted = recorder.recording(recorder.inputs.unwrap_or_default());
        if let Some(what) = format::difference(&recorded, &wanted) {
            return Err(FormatError::Differs { path: path.to_owned(), what }.into());
        }
        recorder.epochs = recorded.epochs.iter().map(|epoch| epoch.number).collect();
        recorder.writer = Some(writer);
        Ok(recorder)
    }

    fn new(path: &Path, network: Network) -> Result<Self, RecorderError> {
        let some = |count: usize| (count > 0).then_some(count);
        let pictures = match &network.pictures {
            Pictures::None => None,
            Pictures::Encoded(files) => Some(files.len()),
            Pictures::Pixels { height, width, channels, values } => {
                let size = height.saturating_mul(*width).saturating_mul(*channels);
                Some(values.len().checked_div(size).unwrap_or(0))
            }
        };
        let counts = [some(network.labels.len()), some(network.ids.len()), pictures];
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
            abouts: HashMap::new(),
            layers: Vec::new(),
            settled: false,
            taken: Vec::new(),
            predictions: Vec::new(),
            writer: None,
            epochs: BTreeSet::new(),
            warned: HashSet::new(),
        };
        recorder.check_kept(inputs)?;
        Ok(recorder)
    }

    /// Tells more of a layer than its values do, before the first of them come.
    pub fn describe(&mut self, name: &str, about: About) -> Result<(), RecorderError> {
        if self.layers.iter().zip(&self.taken).any(|(layer, taken)| layer.name == name && taken.rows > 0) {
            return Err(RecorderError::DescribedLate { layer: name.to_owned() });
        }
        self.abouts.insert(name.to_owned(), about);
        Ok(())
    }

    /// Takes a layer's activations; called again before the epoch ends, those of the next inputs.
    /// Layers are recorded in the order of their first call, which is that of the network.
    ///
    /// `shape` begins with the number of inputs. `[inputs, units]` is recorded as it is; of
    /// `[inputs, positions, features]` the mean over positions; of `[inputs, channels, height, width]`,
    /// or more sides, the mean of each channel, which comes last where [`About::channels_last`] says
    /// so. NaN and infinite values are recorded and counted.
    pub fn layer(&mut self, name: &str, values: &[f32], shape: &[usize]) -> Result<(), RecorderError> {
        let undescribed = About::default();
        let batch = layer::reduced(name, values, shape, self.abouts.get(name).unwrap_or(&undescribed))?;
        let index = self.index_of(&batch)?;
        let found = self.taken.get(index).map_or(0, |taken| taken.rows) + batch.rows;
        self.check_inputs(|| format!("values of layer {name}"), found, found > self.inputs.unwrap_or(found))?;
        if index == self.layers.len() {
            self.layers.push(batch.layer.clone());
            self.taken.push(Taken::default());
        }
        let (kept, labels) = (&self.kept, &self.network.labels);
        let keeps = |input: usize| kept.as_ref().is_none_or(|kept| kept.binary_search(&input).is_ok());
        let class = |input: usize| labels.get(input).copied().flatten();
        let groups = kept.as_ref().map_or(0, |_| 1 + self.network.classes.len());
        self.taken[index].add(batch, keeps, class, groups);
        Ok(())
    }

    /// Takes the predicted classes of the inputs; called again, those of the next inputs.
    pub fn predictions(&mut self, classes: &[usize]) -> Result<(), RecorderError> {
        let known = self.network.classes.len();
        if let Some(&class) = classes.iter().find(|&&class| class >= known) {
            return Err(RecorderError::Class { class, classes: known });
        }
        self.predictions.extend_from_slice(classes);
        Ok(())
    }

    /// Ends an epoch: when this returns, what came since the last one is on disk, and readers see it.
    ///
    /// Of values that do not fit together nothing is written and nothing forgotten. When writing fails,
    /// on a full disk for one, this epoch's values are dropped and the recording can go on: what came
    /// as far as the disk is listed with the next epoch.
    pub fn epoch(&mut self, number: u64, metrics: Metrics) -> Result<(), RecorderError> {
        let inputs = self.check_epoch(number, &metrics)?;
        self.settled = true;
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

    /// The greatest number of a recorded epoch.
    pub fn last_epoch(&self) -> Option<u64> {
        self.epochs.last().copied()
    }

    /// Where the recording is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Index of the layer that `batch` is of; one past the last when it is new.
    fn index_of(&self, batch: &Reduced) -> Result<usize, RecorderError> {
        let now = &batch.layer;
        let Some(index) = self.layers.iter().position(|layer| layer.name == now.name) else {
            if self.settled {
                let known: Vec<&str> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
                let known = known.join(", ");
                return Err(RecorderError::NewLayer { layer: now.name.clone(), known });
            }
            return Ok(self.layers.len());
        };
        let before = &self.layers[index];
        if (before.units, before.reduction) != (now.units, now.reduction) {
            let about = |layer: &Layer| match layer.reduction {
                Reduction::None => format!("{} units", layer.units),
                Reduction::SpatialMean => format!("{} channels", layer.units),
                Reduction::SequenceMean => format!("{} features at every position", layer.units),
            };
            let (before, now) = (about(before), about(now));
            return Err(RecorderError::LayerChanged { layer: batch.layer.name.clone(), before, now });
        }
        Ok(index)
    }

    fn check_inputs(
        &self,
        what: impl Fn() -> String,
        found: usize,
        wrong: bool,
    ) -> Result<(), RecorderError> {
        match self.inputs {
            Some(wanted) if wrong => Err(RecorderError::Inputs { what: what(), found, wanted }),
            _ => Ok(()),
        }
    }

    fn check_kept(&self, inputs: Option<usize>) -> Result<(), RecorderError> {
        let last = self.kept.as_ref().and_then(|kept| kept.last().copied());
        match (last, inputs) {
            (Some(input), Some(inputs)) if input >= inputs => Err(RecorderError::Kept { input, inputs }),
            _ => Ok(()),
        }
    }

    /// Everything that can be wrong with an epoch but writing it. Returns how many inputs it has.
    fn check_epoch(&self, number: u64, metrics: &Metrics) -> Result<usize, RecorderError> {
        if let Some(last) = self.epochs.last().copied().filter(|_| self.epochs.contains(&number)) {
            return Err(RecorderError::Epoch { number, last });
        }
        if let Some(accuracy) = metrics.accuracy.filter(|accuracy| !(0.0..=1.0).contains(accuracy)) {
            return Err(RecorderError::Accuracy(accuracy));
        }
        let Some(first) = self.taken.iter().map(|taken| taken.rows).find(|&rows| rows > 0) else {
            return Err(RecorderError::NoLayers);
        };
        let wanted = self.inputs.unwrap_or(first);
        for (layer, taken) in self.layers.iter().zip(&self.taken) {
            if taken.rows == 0 {
                return Err(RecorderError::MissingLayer { layer: layer.name.clone() });
            }
            if taken.rows != wanted {
                let what = format!("values of layer {}", layer.name);
                return Err(RecorderError::Inputs { what, found: taken.rows, wanted });
            }
        }
        let found = self.predictions.len();
        if found > 0 && found != wanted {
            return Err(RecorderError::Inputs { what: "predictions".to_owned(), found, wanted });
        }
        self.check_kept(Some(wanted))?;
        Ok(wanted)
    }

    fn describe_epoch(&self, number: u64, metrics: Metrics) -> Epoch {
        let not_finite = self.layers.iter().zip(&self.taken).filter(|(_, taken)| taken.not_finite > 0);
        Epoch {
            number,
            step: metrics.step,
            accuracy: metrics.accuracy.map(|share| 100.0 * share),
            loss: metrics.loss,
            metrics: metrics.others,
            time: Some(jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            not_finite: not_finite.map(|(layer, taken)| (layer.name.clone(), taken.not_finite)).collect(),
            damaged: false,
            has_predictions: !self.predictions.is_empty(),
        }
    }

    /// What came since the last epoch, which is forgotten by that.
    fn take_values(&mut self, inputs: usize) -> EpochValues {
        let mut taken = mem::take(&mut self.taken);
        self.taken.resize_with(self.layers.len(), Taken::default);
        let predictions = mem::take(&mut self.predictions);
        let mut values = EpochValues::default();
        let kept = self.kept_inputs(inputs);
        if !kept.is_empty() {
            for (index, taken) in taken.iter_mut().enumerate() {
                let tensor = layer::stored(mem::take(&mut taken.kept), kept.len(), self.network.precision);
                let wide = tensor.as_ref().is_some_and(|tensor| !self.network.precision.is(tensor.dtype()));
                if wide && self.warned.insert(index) {
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
            for taken in &taken {
                for ((_, layers), aggregate) in values.aggregates.iter_mut().zip(taken.aggregates()) {
                    layers.push(aggregate);
                }
            }
        }
        values
    }

    fn kept_inputs(&self, inputs: usize) -> Vec<usize> {
        self.kept.clone().unwrap_or_else(|| (0..inputs).collect())
    }

    /// What a manifest says, of `inputs` inputs.
    fn recording(&self, inputs: usize) -> Recording {
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
            classes: network.classes.iter().enumerate().map(class).collect(),
            inputs: self.kept_inputs(inputs).into_iter().map(input).collect(),
            epochs: Vec::new(),
            normalisation: Normalisation::None,
            warnings: Vec::new(),
        }
    }

    fn kept_pictures(&self) -> Pictures {
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
