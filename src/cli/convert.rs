//! `dnnviz import`, `export-json` and `synth`: the commands that write recordings and dumps.

use std::path::{Path, PathBuf};

use super::output::{self, counted, printable};
use crate::format::{self, SynthOptions};

/// Write a DNNViz dump as a recording
///
/// The values stay as they are, normalised per input and layer. Epochs that are damaged are left
/// out with a warning.
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The DNNViz/DeepDIVA v2 dump
    dump: PathBuf,

    /// Where the recording goes; must not exist yet
    #[arg(short, long, value_name = "RUN")]
    output: PathBuf,
}

/// Write a recording as a DNNViz dump, which any DNNViz v2 reader opens
///
/// Values that are not normalised are normalised as DeepDIVA does, per input and layer.
#[derive(Debug, clap::Args)]
pub struct ExportJsonArgs {
    /// The recording
    run: PathBuf,

    /// Where the dump goes; must not exist yet
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

/// Write a made-up recording of any size
///
/// The same options make the same values. It takes about 2 bytes per unit, input and epoch.
#[derive(Debug, clap::Args)]
pub struct SynthArgs {
    /// Where the recording goes; must not exist yet
    #[arg(short, long, value_name = "RUN")]
    output: PathBuf,

    /// Units of all layers together
    #[arg(long, value_name = "N")]
    units: usize,

    /// Layers, each of which holds a share of the units
    #[arg(long, value_name = "N", default_value_t = 8)]
    layers: usize,

    /// Recorded epochs
    #[arg(long, value_name = "N", default_value_t = 4)]
    epochs: usize,

    /// Recorded inputs; 0 keeps aggregates alone [default: 20, and 0 above a million units]
    #[arg(long, value_name = "N")]
    inputs: Option<usize>,

    /// Classes of the inputs
    #[arg(long, value_name = "N", default_value_t = 10)]
    classes: usize,

    /// Another number makes other values
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// Writes a dump as a recording, and prints its sizes.
///
/// # Errors
///
/// If the dump cannot be read, or the recording exists already, cannot be written or cannot be read back.
pub fn import(args: &ImportArgs) -> anyhow::Result<()> {
    format::import(&args.dump, &args.output, &mut output::progress("importing"))?;
    print_summary(&args.output)
}

/// Writes a recording as a dump, and prints its sizes.
///
/// # Errors
///
/// If the recording cannot be read, or the dump exists already, cannot be written or cannot be read back.
pub fn export_json(args: &ExportJsonArgs) -> anyhow::Result<()> {
    format::export_json(&args.run, &args.output, &mut output::progress("exporting"))?;
    print_summary(&args.output)
}

/// Writes a synthetic recording, and prints its sizes.
///
/// # Errors
///
/// If the options are out of range, or the recording exists already, cannot be written or cannot be read
/// back.
pub fn synth(args: &SynthArgs) -> anyhow::Result<()> {
    let options = SynthOptions {
        units: args.units,
        layers: args.layers,
        epochs: args.epochs,
        inputs: args.inputs.unwrap_or(if args.units > 1_000_000 { 0 } else { 20 }),
        classes: args.classes,
        seed: args.seed,
    };
    format::synth(&args.output, &options, &mut output::progress("making up"))?;
    print_summary(&args.output)
}

/// Opens the recording or dump at `path` and prints its sizes, so that a file that cannot be read back is an
/// error.
fn print_summary(path: &Path) -> anyhow::Result<()> {
    let source = format::open(path)?;
    let recording = source.recording();
    output::print(|out| {
        writeln!(
            out,
            "{}: {}, {}, {}, {}",
            printable(&path.display().to_string()),
            counted(recording.layers.len(), "layer", "layers"),
            counted(recording.units(), "unit", "units"),
            counted(recording.inputs.len(), "input", "inputs"),
            counted(recording.epochs.len(), "epoch", "epochs"),
        )
    })
}
