//! `dnnviz info`: the contents of a recording.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use super::output::{self, counted, printable};
use crate::format;
use crate::model::number::{format_metric, format_percent};
use crate::model::{Layer, Normalisation, Recording};

/// Number of classes or epochs that are listed; the rest is only counted.
const MAX_LISTED: usize = 60;

/// Tell what a RUN holds: model, layers, classes, inputs, epochs, warnings
#[derive(Debug, clap::Args)]
pub struct InfoArgs {
    /// The recording or DNNViz dump
    run: PathBuf,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Prints the contents of a recording.
///
/// # Errors
///
/// If the recording cannot be read, or the standard output cannot be written.
pub fn run(args: &InfoArgs) -> anyhow::Result<()> {
    let source = format::open(&args.run)?;
    let recording = source.recording();
    if args.json {
        output::print_json(&InfoReport::new(recording))
    } else {
        output::print(|out| print(out, recording))
    }
}

/// The JSON document. Scripts depend on its keys.
#[derive(Serialize)]
struct InfoReport<'a> {
    format: &'static str,
    model: &'a str,
    units: usize,
    inputs: usize,
    classes: Vec<ClassInfo<'a>>,
    layers: Vec<LayerInfo<'a>>,
    epochs: Vec<EpochInfo<'a>>,
    edges: usize,
    joints: usize,
    modules: &'a BTreeMap<String, String>,
    normalisation: &'static str,
    warnings: &'a [String],
}

/// A class in the JSON document.
#[derive(Serialize)]
struct ClassInfo<'a> {
    id: i64,
    name: &'a str,
    inputs: usize,
}

/// A layer in the JSON document.
#[derive(Serialize)]
struct LayerInfo<'a> {
    name: &'a str,
    r#type: &'a str,
    kind: &'static str,
    units: usize,
    shape: &'a [usize],
}

/// An epoch in the JSON document.
#[derive(Serialize)]
struct EpochInfo<'a> {
    number: u64,
    accuracy: Option<f64>,
    /// Absent if not recorded; `null` if not finite, as every number.
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<f64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metrics: &'a BTreeMap<String, f64>,
    damaged: bool,
}

impl<'a> InfoReport<'a> {
    fn new(recording: &'a Recording) -> Self {
        let layer = |layer: &'a Layer| LayerInfo {
            name: &layer.name,
            r#type: if layer.text.is_empty() { &layer.module } else { &layer.text },
            kind: layer.kind.name(),
            units: layer.units,
            shape: &layer.shape,
        };
        Self {
            format: recording.format.name(),
            model: &recording.model,
            units: recording.units(),
            inputs: recording.inputs.len(),
            classes: recording
                .classes
                .iter()
                .map(|class| ClassInfo { id: class.id, name: &class.name, inputs: class.inputs })
                .collect(),
            layers: recording.layers.iter().map(layer).collect(),
            epochs: recording
                .epochs
                .iter()
                .map(|epoch| EpochInfo {
                    number: epoch.number,
                    accuracy: epoch.accuracy,
                    loss: epoch.loss,
                    metrics: &epoch.metrics,
                    damaged: epoch.damaged,
                })
                .collect(),
            edges: recording.edges.len(),
            joints: recording.joints.len(),
            modules: &recording.modules,
            normalisation: recording.normalisation.name(),
            warnings: &recording.warnings,
        }
    }
}

/// Writes the contents of a recording for people.
fn print(out: &mut dyn Write, recording: &Recording) -> io::Result<()> {
    writeln!(
        out,
        "{} · {} · {} · {} · {} · {}\n",
        printable(&recording.model),
        recording.format.name(),
        counted(recording.layers.len(), "layer", "layers"),
        counted(recording.units(), "unit", "units"),
        counted(recording.inputs.len(), "input", "inputs"),
        counted(recording.epochs.len(), "epoch", "epochs"),
    )?;
    let rows: Vec<[String; 5]> = recording
        .layers
        .iter()
        .map(|layer| {
            [
                printable(&layer.name),
                printable(&layer.module),
                layer.kind.name().to_owned(),
                layer.units.to_string(),
                layer.shape.iter().map(usize::to_string).collect::<Vec<_>>().join(" × "),
            ]
        })
        .collect();
    let right = [false, false, false, true, false];
    output::columns(out, ["layer", "type", "kind", "units", "shape"], right, &rows)?;
    writeln!(out)?;
    writeln!(out, "edges    {}", recording.edges.len())?;
    let mut joints: BTreeMap<&str, usize> = BTreeMap::new();
    for joint in &recording.joints {
        *joints.entry(&joint.operation).or_default() += 1;
    }
    if !joints.is_empty() {
        let counts = joints.iter().map(|(operation, count)| format!("{} ({count})", printable(operation)));
        list(out, "joints", counts)?;
    }
    let classes = recording.classes.iter().map(|class| {
        let name = printable(&class.name);
        // DNNViz dumps name a class by its id.
        let id = if name == class.id.to_string() { String::new() } else { format!("#{} ", class.id) };
        format!("{id}{name} ({})", class.count())
    });
    list(out, "classes", classes)?;
    let epochs = recording.epochs.iter().map(|epoch| {
        let result = match (epoch.accuracy, epoch.loss) {
            _ if epoch.damaged => ": damaged".to_owned(),
            (Some(accuracy), Some(loss)) if !loss.is_finite() => {
                format!(": {} %, loss {}", format_percent(accuracy), format_metric(loss))
            }
            (Some(accuracy), _) => format!(": {} %", format_percent(accuracy)),
            (None, Some(loss)) => format!(": loss {}", format_metric(loss)),
            (None, None) => String::new(),
        };
        format!("{}{result}", epoch.number)
    });
    list(out, "epochs", epochs)?;
    let values = match recording.normalisation {
        Normalisation::None => "as the network computed them",
        Normalisation::PerItemPerLayer => {
            "normalised per input and layer: they compare within one layer of one input"
        }
    };
    writeln!(out, "values   {values}")?;
    recording.warnings.iter().try_for_each(|warning| writeln!(out, "warning  {}", printable(warning)))
}

/// Writes `items` after a heading: at most [`MAX_LISTED`], then the number of those left out.
fn list(out: &mut dyn Write, heading: &str, items: impl ExactSizeIterator<Item = String>) -> io::Result<()> {
    let all = items.len();
    if all == 0 {
        return writeln!(out, "{heading:<9}none");
    }
    let rest = (all > MAX_LISTED).then(|| format!("… {} more (--json lists all)", all - MAX_LISTED));
    output::paragraph(out, heading, items.take(MAX_LISTED).chain(rest))
}
