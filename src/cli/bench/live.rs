//! `dnnviz bench live`: the time from the commit of an epoch to the finished picture of that epoch.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::app::offscreen::Offscreen;
use crate::cli::output;
use crate::engine::Gpu;
use crate::engine::bench::quantile;
use crate::files::TemporaryFolder;
use crate::format::{EpochValues, Pictures, RunWriter};
use crate::model::recording::sequential_edges;
use crate::model::{
    Class, Epoch, Format, Input, Layer, LayerKind, Normalisation, Recording, Reduction, Tensor,
};

/// How long it takes from the commit of an epoch to the picture that shows it
///
/// A writer commits epochs into a temporary run; the window's content, without a window, follows it
/// and draws what it would show, to the end of the work on the graphics device. The glide from the
/// epoch before is left out.
#[derive(Debug, clap::Args)]
pub struct BenchLiveArgs {
    /// Epochs to commit and to see
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    commits: u64,

    /// Units of the network, in eight layers
    #[arg(long, value_name = "N", default_value_t = 9354, value_parser = clap::value_parser!(u32).range(8..))]
    units: u32,

    /// Inputs whose values are recorded
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    inputs: u32,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Size of the window in pixels.
const SIZE: [u32; 2] = [1280, 720];
/// Least time between two commits, so that the work of one has ended before the next.
const COMMIT_PERIOD: Duration = Duration::from_millis(200);
/// Longest time to wait for a picture.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Units of the layers of an AlexNet; the network of the measurement has the same proportions.
const ALEXNET: [usize; 8] = [64, 192, 384, 256, 256, 4096, 4096, 10];
const CLASSES: usize = 10;

/// The report.
#[derive(Serialize)]
struct BenchLiveReport {
    adapter: String,
    commits: u64,
    units: usize,
    inputs: usize,
    size: [u32; 2],
    spacing_ms: u64,
    latency_ms: CommitLatency,
}

/// Milliseconds from a commit to the picture of it.
#[derive(Serialize)]
struct CommitLatency {
    median: f64,
    p99: f64,
    max: f64,
}

/// Measures and prints the report.
///
/// # Errors
///
/// If the run cannot be written, there is no graphics device, or a picture takes longer than 30 s.
pub fn run(args: &BenchLiveArgs) -> anyhow::Result<()> {
    let gpu = Gpu::headless()?;
    let adapter = gpu.describe();
    let folder = TemporaryFolder::new().context("a temporary folder for the run")?;
    let run = folder.path().join("run");
    let recording = synthetic_recording(args.units as usize, args.inputs as usize);
    let (units, inputs) = (recording.units(), recording.inputs.len());
    let mut latencies = measure(gpu, &run, recording, args.commits)?;
    latencies.sort_by(f64::total_cmp);
    let report = BenchLiveReport {
        adapter,
        commits: args.commits,
        units,
        inputs,
        size: SIZE,
        spacing_ms: COMMIT_PERIOD.as_millis() as u64,
        latency_ms: CommitLatency {
            median: quantile(&latencies, 0.5),
            p99: quantile(&latencies, 0.99),
            max: quantile(&latencies, 1.0),
        },
    };
    if args.json {
        return output::print_json(&report);
    }
    output::print(|out| {
        writeln!(
            out,
            "{} · {} · {} · {} × {}\n",
            report.adapter,
            output::counted(report.units, "unit", "units"),
            output::counted(report.inputs, "input", "inputs"),
            SIZE[0],
            SIZE[1],
        )?;
        let CommitLatency { median, p99, max } = report.latency_ms;
        let row = [median, p99, max].map(|ms| format!("{ms:.1}"));
        output::columns(out, ["median ms", "p99 ms", "max ms"], [true; 3], &[row])?;
        writeln!(
            out,
            "\nfrom the return of {}, at least {} ms apart, to the finished picture of the window that \
             shows the epoch, without its glide",
            output::counted(report.commits as usize, "commit", "commits"),
            report.spacing_ms,
        )
    })
}

/// Returns the milliseconds from each commit to the picture of it.
fn measure(gpu: Gpu, run: &Path, recording: Recording, commits: u64) -> anyhow::Result<Vec<f64>> {
    let (committed, committed_at) = channel();
    let (drawn, next_commit) = channel();
    let target = run.to_owned();
    let writer = thread::spawn(move || write_epochs(&target, &recording, commits, &committed, &next_commit));
    let mut window = Offscreen::open(gpu, &[run.to_owned()], SIZE);
    let mut latencies = Vec::new();
    for number in 0..=commits {
        if !window.wait_for_epoch(number, TIMEOUT)? {
            bail!("the picture of epoch {number} did not come within {} s", TIMEOUT.as_secs());
        }
        let finished = Instant::now();
        // A writer that failed has dropped the sender; joining its thread returns the reason.
        let Ok(commit_time) = committed_at.recv() else { break };
        // The first one includes compiling shaders.
        if number > 0 {
            latencies.push(finished.saturating_duration_since(commit_time).as_secs_f64() * 1e3);
        }
        let _ = drawn.send(());
    }
    drop(drawn);
    writer.join().map_err(|_| anyhow::anyhow!("the writer's thread failed"))??;
    ensure!(latencies.len() as u64 == commits, "only {} of {commits} commits were seen", latencies.len());
    Ok(latencies)
}

/// Writes a first epoch and `commits` more, each after a message from `next_commit`, and sends the time of
/// each commit to `committed`.
fn write_epochs(
    run: &Path,
    recording: &Recording,
    commits: u64,
    committed: &Sender<Instant>,
    next_commit: &Receiver<()>,
) -> anyhow::Result<()> {
    let mut writer = RunWriter::create(run, recording, &Pictures::None)?;
    for number in 0..=commits {
        let share = (number as f64 + 1.0) / (commits as f64 + 1.0);
        let epoch = Epoch {
            number,
            accuracy: Some(100.0 * share.sqrt()),
            loss: Some(2.3 * (1.0 - share) + 0.1),
            ..Epoch::default()
        };
        let units = layer_tensors(recording, number).context("these units and inputs are too many")?;
        writer.write_epoch(&epoch, &EpochValues { units, ..EpochValues::default() })?;
        writer.commit()?;
        let commit_time = Instant::now();
        // If the other side has failed, it returns the reason itself.
        if committed.send(commit_time).is_err() || next_commit.recv().is_err() {
            break;
        }
        thread::sleep(COMMIT_PERIOD.saturating_sub(commit_time.elapsed()));
    }
    Ok(())
}

/// Returns a recording without epochs, of a network of about `units` units.
fn synthetic_recording(units: usize, inputs: usize) -> Recording {
    let all: usize = ALEXNET.iter().sum();
    let layer = |(index, share): (usize, &usize)| {
        let units = (units * share / all).max(1);
        let (module, kind) =
            if index < 5 { ("Conv2d", LayerKind::FeatureMap) } else { ("Linear", LayerKind::Dense) };
        Layer {
            name: index.to_string(),
            module: module.to_owned(),
            text: String::new(),
            kind,
            shape: vec![units],
            units,
            parameters: None,
            dtype: "float32".to_owned(),
            reduction: Reduction::None,
        }
    };
    let layers: Vec<Layer> = ALEXNET.iter().enumerate().map(layer).collect();
    Recording {
        format: Format::Native,
        model: "AlexNet".to_owned(),
        edges: sequential_edges(layers.len()),
        joints: Vec::new(),
        modules: BTreeMap::new(),
        layers,
        classes: (0..CLASSES as i64)
            .map(|id| Class { id, name: id.to_string(), inputs: 0, aggregated: 0 })
            .collect(),
        inputs: (0..inputs)
            .map(|index| Input { id: index.to_string(), class: Some(index % CLASSES), has_picture: false })
            .collect(),
        epochs: Vec::new(),
        normalisation: Normalisation::None,
        warnings: Vec::new(),
    }
}

/// Returns values that differ from epoch to epoch and from unit to unit; many are 0, as after a ReLU.
fn layer_tensors(recording: &Recording, epoch: u64) -> Option<Vec<Tensor>> {
    let rows = recording.inputs.len();
    let layer = |layer: &Layer| {
        let value = |index: usize| {
            let (row, unit) = (index / layer.units, index % layer.units);
            let wave = ((unit * 7 + row * 3 + epoch as usize * 5) % 97) as f32 / 97.0;
            (wave - 0.4).max(0.0)
        };
        Tensor::from_f32((0..rows * layer.units).map(value).collect(), rows, layer.units)
    };
    recording.layers.iter().map(layer).collect()
}
