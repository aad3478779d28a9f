//! Synthetic recordings of any size, written as a stream: for trials and measurements.

mod network;
mod numbers;
mod options;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use half::f16;
use rayon::prelude::*;
use safetensors::Dtype as StoredDtype;

use self::network::{SynthEpoch, SynthNetwork, SynthUnit};
pub use self::options::SynthOptions;
use super::error::FormatError;
use super::native::{Pictures, RunWriter, ShardArray, array_name};
use crate::model::{Class, Epoch, Format, Input, Normalisation, Recording};

/// Number of aggregated values over all groups up to which every statistic is written; above it, only the mean
/// is, in half precision.
const MAX_DETAILED: usize = 1 << 22;

/// Number of aggregated values up to which there are groups for classes; above it, only for all inputs.
const MAX_GROUPED: usize = 1 << 26;

/// Number of inputs up to which they have pictures.
const MAX_PICTURES: usize = 4096;

/// Number of values computed at a time.
const VALUES_PER_CHUNK: usize = 1 << 20;

/// Width and height of the pictures in pixels.
const SIDE: usize = 16;

/// Number of inputs of each class behind the aggregates if no inputs are recorded.
const INPUTS_PER_CLASS: u64 = 1000;

/// Writes a synthetic recording at `dir`, which must not exist. Activations are noise at first; later, units
/// respond to classes. They are sparse as after a ReLU, and some units are dead. `progress` is called with the
/// number of finished epochs and the number of all epochs.
///
/// # Errors
/// If the options are out of range or the recording cannot be written.
pub fn synth(
    dir: &Path,
    options: &SynthOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), FormatError> {
    options.check()?;
    let network = SynthNetwork::new(options);
    let inputs = (0..options.inputs).map(|index| Input {
        id: index.to_string(),
        class: network.class_of(index),
        has_picture: options.inputs <= MAX_PICTURES,
    });
    let classes = (0..options.classes).map(|id| Class {
        id: id as i64,
        name: id.to_string(),
        inputs: 0,
        aggregated: 0,
    });
    let recording = Recording {
        format: Format::Native,
        model: "Synthetic".to_owned(),
        layers: network.layers(),
        edges: crate::model::recording::sequential_edges(options.layers),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        classes: classes.collect(),
        inputs: inputs.collect(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    };
    let pictures = if (1..=MAX_PICTURES).contains(&options.inputs) {
        let values = (0..options.inputs).flat_map(|input| network.picture(input, SIDE)).collect();
        Pictures::Pixels { height: SIDE, width: SIDE, channels: 3, values }
    } else {
        Pictures::None
    };
    let mut writer = RunWriter::create(dir, &recording, &pictures)?;
    for index in 0..options.epochs {
        progress(index, options.epochs);
        let state = network.epoch(index, options.epochs);
        let mut epoch = Epoch { number: index as u64, ..Epoch::default() };
        epoch.metrics.insert("learning_rate".to_owned(), 0.1 * f64::from(1.0 - 0.9 * state.learned));
        let arrays = if options.inputs > 0 {
            let (predictions, loss) = network.predict(&state);
            if options.classes > 0 {
                let right =
                    (0..options.inputs).filter(|&input| network.class_of(input) == predictions[input]);
                epoch.accuracy = Some(100.0 * right.count() as f64 / options.inputs as f64);
                epoch.loss = Some(loss);
            }
            row_arrays(&network, state, &predictions)
        } else {
            if options.classes > 0 {
                let chance = 1.0 / options.classes as f64;
                let learned = f64::from(state.learned);
                epoch.accuracy = Some(100.0 * (chance + (0.97 - chance).max(0.0) * learned));
                epoch.loss = Some((options.classes as f64).ln() * (1.0 - learned) + 0.05);
            }
            aggregate_arrays(&network, state)
        };
        writer.write_arrays(&epoch, arrays)?;
    }
    writer.commit()?;
    progress(options.epochs, options.epochs);
    Ok(())
}

/// Returns the arrays of the unit values of every input, in half precision.
fn row_arrays<'a>(
    network: &'a SynthNetwork,
    state: SynthEpoch,
    predictions: &[Option<usize>],
) -> Vec<ShardArray<'a>> {
    let inputs = network.inputs();
    let mut arrays: Vec<ShardArray<'a>> = (0..network.sizes().len())
        .map(|layer| {
            let units = network.sizes()[layer];
            let shape = vec![inputs, units];
            ShardArray::new(array_name(layer, "units"), StoredDtype::F16, shape, move |out| {
                write_halves(out, inputs * units, |index| {
                    network.value(&state, layer, index % units, index / units)
                })
            })
        })
        .collect();
    if predictions.iter().any(Option::is_some) {
        let ids = predictions.iter().map(|class| class.map_or(-1, |class| class as i64)).collect();
        arrays.push(ShardArray::integers("predictions", ids));
    }
    arrays
}

/// Returns the arrays of aggregates, computed as the expected values over many inputs.
fn aggregate_arrays(network: &SynthNetwork, state: SynthEpoch) -> Vec<ShardArray<'_>> {
    let units: usize = network.sizes().iter().sum();
    let classes = network.classes();
    let values = units.saturating_mul(classes + 1);
    let grouped = if values <= MAX_GROUPED { classes } else { 0 };
    let groups: Vec<Option<usize>> = std::iter::once(None).chain((0..grouped).map(Some)).collect();
    let count = |group: &Option<usize>| match group {
        None => INPUTS_PER_CLASS * classes.max(1) as u64,
        Some(_) => INPUTS_PER_CLASS,
    };
    let mut arrays = vec![
        ShardArray::integers(
            "groups",
            groups.iter().map(|group| group.map_or(-1, |class| class as i64)).collect(),
        ),
        ShardArray::integers("counts", groups.iter().map(|group| count(group) as i64).collect()),
    ];
    type StatisticOfUnit = fn(&SynthUnit) -> f32;
    let statistics: [(&str, StatisticOfUnit); 5] = [
        ("mean", |moments| moments.mean),
        ("variance", |moments| (moments.second - moments.mean * moments.mean).max(0.0)),
        ("min", |moments| moments.min),
        ("max", |moments| moments.max),
        ("rate", |moments| moments.rate),
    ];
    for (layer, &units) in network.sizes().iter().enumerate() {
        let shape = vec![groups.len(), units];
        if values > MAX_DETAILED {
            let groups = groups.clone();
            arrays.push(ShardArray::new(array_name(layer, "mean"), StoredDtype::F16, shape, move |out| {
                write_halves(out, groups.len() * units, |index| {
                    network.moments(&state, layer, index % units, groups[index / units]).mean
                })
            }));
            continue;
        }
        for (name, read) in statistics {
            let groups = groups.clone();
            arrays.push(ShardArray::new(
                array_name(layer, name),
                StoredDtype::F32,
                shape.clone(),
                move |out| {
                    let value = |index: usize| {
                        read(&network.moments(&state, layer, index % units, groups[index / units]))
                    };
                    write_chunks(out, groups.len() * units, |index| value(index).to_le_bytes())
                },
            ));
        }
    }
    arrays
}

/// Writes `length` half-precision numbers.
fn write_halves(out: &mut dyn Write, length: usize, value: impl Fn(usize) -> f32 + Sync) -> io::Result<()> {
    write_chunks(out, length, |index| f16::from_f32(value(index)).to_le_bytes())
}

/// Writes `length` elements, computed in parallel, chunk by chunk.
fn write_chunks<const N: usize>(
    out: &mut dyn Write,
    length: usize,
    element: impl Fn(usize) -> [u8; N] + Sync,
) -> io::Result<()> {
    let mut chunk = Vec::new();
    for start in (0..length).step_by(VALUES_PER_CHUNK) {
        let end = (start + VALUES_PER_CHUNK).min(length);
        (start..end).into_par_iter().with_min_len(1024).map(&element).collect_into_vec(&mut chunk);
        out.write_all(chunk.as_flattened())?;
    }
    Ok(())
}
