//! A run that is being written, for the tests that watch it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use dnnviz::format::{EpochValues, Pictures, RunWriter};
use dnnviz::model::recording::sequential_edges;
use dnnviz::model::{
    Class, Epoch, Format, Input, Layer, LayerKind, Normalisation, Recording, Reduction, Tensor,
};

/// Recorded inputs.
pub const INPUTS: usize = 6;

/// A writer at work: it holds the run's lock until it is dropped.
pub struct Growing {
    writer: RunWriter,
    layers: Vec<usize>,
    epochs: u64,
    _lock: File,
}

impl Growing {
    /// Publishes a network of layers of so many units at `path`, without an epoch.
    pub fn begin(path: &Path, model: &str, layers: &[usize]) -> Self {
        let mut writer =
            RunWriter::create(path, &recording(model, layers), &Pictures::None).expect("a new run");
        writer.commit().expect("published");
        Self { writer, layers: layers.to_vec(), epochs: 0, _lock: lock(path) }
    }

    /// Writes and commits the next epoch, of number 0, 1, …
    pub fn append(&mut self) {
        self.write();
        self.commit();
    }

    /// Writes the next epoch without committing it.
    pub fn write(&mut self) {
        let number = self.epochs;
        self.epochs += 1;
        let units = self.layers.iter().map(|&units| {
            let values = (0..INPUTS * units).map(|at| value(number, at / units, at % units)).collect();
            Tensor::from_f32(values, INPUTS, units).expect("as many values as the shape says")
        });
        let values = EpochValues { units: units.collect(), ..EpochValues::default() };
        let epoch = Epoch {
            number,
            accuracy: Some(100.0 - 90.0 / (number + 1) as f64),
            loss: Some(2.0 / (number + 1) as f64),
            ..Epoch::default()
        };
        self.writer.write_epoch(&epoch, &values).expect("written");
    }

    pub fn commit(&mut self) {
        self.writer.commit().expect("committed");
    }
}

/// The value of a unit: every epoch lights up other units, and so looks clearly different.
pub fn value(epoch: u64, input: usize, unit: usize) -> f32 {
    let lit = (unit as u64 + 2 * epoch).is_multiple_of(5);
    if lit { 1.0 - 0.01 * input as f32 } else { 0.05 }
}

/// Takes the lock of the run at `path` as its writer does. A writer that does so itself has it already.
pub fn lock(path: &Path) -> File {
    let lock = File::options().create(true).append(true).open(lock_path(path)).expect("a file to lock");
    if let Err(error) = lock.try_lock() {
        assert!(matches!(error, std::fs::TryLockError::WouldBlock), "{error}");
    }
    lock
}

pub fn lock_path(run: &Path) -> PathBuf {
    run.join("writer.lock")
}

fn recording(model: &str, layers: &[usize]) -> Recording {
    let layer = |(index, &units): (usize, &usize)| Layer {
        name: format!("layer{index}"),
        module: "Linear".to_owned(),
        text: String::new(),
        kind: LayerKind::Dense,
        shape: vec![units],
        units,
        parameters: None,
        dtype: String::new(),
        reduction: Reduction::None,
    };
    Recording {
        format: Format::Native,
        model: model.to_owned(),
        layers: layers.iter().enumerate().map(layer).collect(),
        edges: sequential_edges(layers.len()),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        classes: (0..2).map(|id| Class { id, name: id.to_string(), inputs: 0, aggregated: 0 }).collect(),
        inputs: (0..INPUTS)
            .map(|index| Input { id: index.to_string(), class: Some(index % 2), has_picture: false })
            .collect(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}
