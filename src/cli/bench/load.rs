//! `dnnviz bench load`: how long one epoch of a dump takes to load.

use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::output::{self, counted};
use crate::engine::bench::quantile;
use crate::format::RunHandle;
use crate::model::{EpochIndex, EpochRef, Format, Group, Source, SourceError};

/// How long one epoch of a DNNViz dump takes to load
///
/// All activation files of the epoch are read, parsed and checked, from the page cache.
#[derive(Debug, clap::Args)]
pub struct BenchLoadArgs {
    /// The DNNViz/DeepDIVA v2 dump
    dump: PathBuf,

    /// Which epoch: a recorded number, first, last or best
    #[arg(long, value_name = "E", default_value = "last")]
    epoch: EpochRef,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Least time to measure for.
const LEAST_TIME: Duration = Duration::from_secs(2);
/// Least number of measured loads.
const LEAST_REPETITIONS: usize = 11;

/// The time that one epoch takes to load.
#[derive(Serialize)]
struct LoadReport {
    /// Number of the epoch.
    epoch: u64,
    files: usize,
    /// Size of all files together.
    bytes: u64,
    /// Number of threads that parse.
    threads: usize,
    repetitions: usize,
    /// Median over the repetitions.
    load_ms: f64,
    load_mb_per_s: f64,
}

/// Measures and prints the report.
///
/// # Errors
///
/// If the dump cannot be read, or is a native recording.
pub fn run(args: &BenchLoadArgs) -> anyhow::Result<()> {
    let report = measure(args)?;
    if args.json {
        return output::print_json(&report);
    }
    output::print(|out| {
        writeln!(
            out,
            "epoch {} · {} · {:.2} MB · {} · median of {}\n",
            report.epoch,
            counted(report.files, "file", "files"),
            report.bytes as f64 / 1e6,
            counted(report.threads, "thread", "threads"),
            counted(report.repetitions, "load", "loads"),
        )?;
        let row = [format!("{:.2}", report.load_ms), format!("{:.0}", report.load_mb_per_s)];
        output::columns(out, ["ms", "MB/s"], [true, true], &[row])
    })
}

fn measure(args: &BenchLoadArgs) -> anyhow::Result<LoadReport> {
    let opened = RunHandle::open(&args.dump)?;
    let source = opened.source();
    let recording = source.recording();
    ensure!(
        recording.format == Format::DeepDivaV2,
        "{}: bench load measures DNNViz dumps; a recording is mapped, there is nothing to parse",
        args.dump.display()
    );
    let epoch = args.epoch.resolve(recording)?.from;
    let files = opened.epoch_files(epoch);
    let bytes = files.iter().map(|file| fs::metadata(file).map_or(0, |metadata| metadata.len())).sum();
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < LEAST_REPETITIONS || begin.elapsed() < LEAST_TIME {
        // Opened again each time, since parsed values are cached.
        let source = RunHandle::open(&args.dump)?.source();
        let start = Instant::now();
        load(&*source, epoch)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    let load_ms = quantile(&times, 0.5);
    Ok(LoadReport {
        epoch: recording.epochs.get(epoch.0).map_or(0, |epoch| epoch.number),
        files: files.len(),
        bytes,
        threads: rayon::current_num_threads(),
        repetitions: times.len(),
        load_ms,
        load_mb_per_s: bytes as f64 / 1e3 / load_ms,
    })
}

/// Reads the values of all inputs, classes and of the whole data set at an epoch.
fn load(source: &dyn Source, epoch: EpochIndex) -> Result<(), SourceError> {
    let recording = source.recording();
    let inputs: Vec<usize> = (0..recording.inputs.len()).collect();
    if !inputs.is_empty() {
        black_box(source.rows(epoch, &inputs)?);
    }
    let mut groups: Vec<Group> = (0..recording.classes.len()).map(Group::Class).collect();
    groups.push(Group::All);
    groups.par_iter().try_for_each(|&group| source.aggregates(epoch, group).map(|_| ()))
}
