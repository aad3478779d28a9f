//! Made-up recordings of any size, written as a stream: for trying things out and for measuring.

mod network;

use std::io::{self, Write};
use std::path::Path;

use half::f16;
use rayon::prelude::*;
use safetensors::Dtype as Stored;

use self::network::{Moment, Moments, Network};
use super::FormatError;
use super::deepdiva::MOST_UNITS;
use super::native::{MOST_INPUTS, Part, Pictures, RunWriter, array};
use crate::model::{Class, Epoch, Format, Input, Normalisation, Recording};

/// What to make up. The same options give the same files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthOptions {
    /// Of all layers together.
    pub units: usize,
    pub layers: usize,
    pub epochs: usize,
    /// Recorded inputs; 0 keeps aggregates alone.
    pub inputs: usize,
    pub classes: usize,
    pub seed: u64,
}

impl Default for SynthOptions {
    fn default() -> Self {
        Self { units: 100_000, layers: 8, epochs: 10, inputs: 50, classes: 10, seed: 0 }
    }
}

/// Aggregated values, over all groups, up to which every statistic is kept; above it the mean alone,
/// in half precision.
const MOST_DETAILED: usize = 1 << 22;

/// Aggregated values up to which there are groups for classes; above it for all inputs alone.
const MOST_GROUPED: usize = 1 << 26;

/// Inputs up to which pictures are made.
const MOST_PICTURES: usize = 4096;

/// Values that are made at a time.
const CHUNK: usize = 1 << 20;

/// Side of the pictures in pixels.
const SIDE: usize = 16;

/// Inputs of each class that aggregates speak of when none are recorded.
const INPUTS_A_CLASS: u64 = 1000;

/// Writes a made-up recording at `dir`, which must not exist: noise at first, later units that answer
/// to classes, sparse as after a ReLU, some of them dead. `progress` hears how many of how many
/// epochs are done.
pub fn synth(
    dir: &Path,
    options: &SynthOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), FormatError> {
    check(options)?;
    let network = Network::new(options);
    let inputs = (0..options.inputs).map(|index| Input {
        id: index.to_string(),
        class: network.class_of(index),
        has_picture: options.inputs <= MOST_PICTURES,
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
        classes: classes.collect(),
        inputs: inputs.collect(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    };
    let pictures = if (1..=MOST_PICTURES).contains(&options.inputs) {
        let values = (0..options.inputs).flat_map(|input| network.picture(input, SIDE)).collect();
        Pictures::Pixels { height: SIDE, width: SIDE, channels: 3, values }
    } else {
        Pictures::None
    };
    let mut writer = RunWriter::create(dir, &recording, &pictures)?;
    for index in 0..options.epochs {
        progress(index, options.epochs);
        let moment = network.moment(index, options.epochs);
        let mut epoch = Epoch { number: index as u64, ..Epoch::default() };
        epoch.metrics.insert("learning_rate".to_owned(), 0.1 * f64::from(1.0 - 0.9 * moment.learned));
        let parts = if options.inputs > 0 {
            let (predictions, loss) = network.predict(&moment);
            if options.classes > 0 {
                let right =
                    (0..options.inputs).filter(|&input| network.class_of(input) == predictions[input]);
                epoch.accuracy = Some(100.0 * right.count() as f64 / options.inputs as f64);
                epoch.loss = Some(loss);
            }
            row_parts(&network, moment, &predictions)
        } else {
            if options.classes > 0 {
                let chance = 1.0 / options.classes as f64;
                let learned = f64::from(moment.learned);
                epoch.accuracy = Some(100.0 * (chance + (0.97 - chance).max(0.0) * learned));
                epoch.loss = Some((options.classes as f64).ln() * (1.0 - learned) + 0.05);
            }
            aggregate_parts(&network, moment)
        };
        writer.write_parts(&epoch, parts)?;
    }
    writer.commit()?;
    progress(options.epochs, options.epochs);
    Ok(())
}

fn check(options: &SynthOptions) -> Result<(), FormatError> {
    let needs = |what: &str| Err(FormatError::Synth { what: what.to_owned() });
    if options.layers == 0 || options.units < options.layers {
        return needs("at least one layer, and one unit a layer");
    }
    if options.units as u64 > MOST_UNITS {
        return needs("fewer units");
    }
    if options.epochs == 0 || options.epochs > 1_000_000 {
        return needs("between 1 and 1000000 epochs");
    }
    if options.inputs > MOST_INPUTS || options.classes > 100_000 {
        return needs("fewer inputs or classes");
    }
    Ok(())
}

/// Unit values of every input, half precision.
fn row_parts<'a>(network: &'a Network, moment: Moment, predictions: &[Option<usize>]) -> Vec<Part<'a>> {
    let inputs = network.inputs();
    let mut parts: Vec<Part<'a>> = (0..network.sizes().len())
        .map(|layer| {
            let units = network.sizes()[layer];
            let shape = vec![inputs, units];
            Part::new(array(layer, "units"), Stored::F16, shape, move |out| {
                write_halves(out, inputs * units, |at| network.value(&moment, layer, at % units, at / units))
            })
        })
        .collect();
    if predictions.iter().any(Option::is_some) {
        let ids = predictions.iter().map(|class| class.map_or(-1, |class| class as i64)).collect();
        parts.push(Part::integers("predictions", ids));
    }
    parts
}

/// Aggregates as they would be of very many inputs.
fn aggregate_parts(network: &Network, moment: Moment) -> Vec<Part<'_>> {
    let units: usize = network.sizes().iter().sum();
    let classes = network.classes();
    let values = units.saturating_mul(classes + 1);
    let grouped = if values <= MOST_GROUPED { classes } else { 0 };
    let groups: Vec<Option<usize>> = std::iter::once(None).chain((0..grouped).map(Some)).collect();
    let count = |group: &Option<usize>| match group {
        None => INPUTS_A_CLASS * classes.max(1) as u64,
        Some(_) => INPUTS_A_CLASS,
    };
    let mut parts = vec![
        Part::integers("groups", groups.iter().map(|group| group.map_or(-1, |class| class as i64)).collect()),
        Part::integers("counts", groups.iter().map(|group| count(group) as i64).collect()),
    ];
    type Read = fn(&Moments) -> f32;
    let statistics: [(&str, Read); 5] = [
        ("mean", |moments| moments.mean),
        ("variance", |moments| (moments.second - moments.mean * moments.mean).max(0.0)),
        ("min", |moments| moments.min),
        ("max", |moments| moments.max),
        ("rate", |moments| moments.rate),
    ];
    for (layer, &units) in network.sizes().iter().enumerate() {
        let shape = vec![groups.len(), units];
        if values > MOST_DETAILED {
            let groups = groups.clone();
            parts.push(Part::new(array(layer, "mean"), Stored::F16, shape, move |out| {
                write_halves(out, groups.len() * units, |at| {
                    network.moments(&moment, layer, at % units, groups[at / units]).mean
                })
            }));
            continue;
        }
        for (name, read) in statistics {
            let groups = groups.clone();
            parts.push(Part::new(array(layer, name), Stored::F32, shape.clone(), move |out| {
                let value =
                    |at: usize| read(&network.moments(&moment, layer, at % units, groups[at / units]));
                write_chunks(out, groups.len() * units, |at| value(at).to_le_bytes())
            }));
        }
    }
    parts
}

fn write_halves(out: &mut dyn Write, length: usize, value: impl Fn(usize) -> f32 + Sync) -> io::Result<()> {
    write_chunks(out, length, |at| f16::from_f32(value(at)).to_le_bytes())
}

/// Writes `length` elements, made in parallel, without holding them together.
fn write_chunks<const N: usize>(
    out: &mut dyn Write,
    length: usize,
    element: impl Fn(usize) -> [u8; N] + Sync,
) -> io::Result<()> {
    let mut chunk = Vec::new();
    for start in (0..length).step_by(CHUNK) {
        let end = (start + CHUNK).min(length);
        (start..end).into_par_iter().with_min_len(1024).map(&element).collect_into_vec(&mut chunk);
        out.write_all(chunk.as_flattened())?;
    }
    Ok(())
}
