//! `dnnviz bench biography`: the time from pinning a unit to its unit profile.

use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use serde::Serialize;

use crate::app::insights::{InsightCache, InsightRequest, InsightResponse};
use crate::cli::output;
use crate::engine::bench::quantile;
use crate::files::TemporaryFolder;
use crate::format::{self, EpochValues, Pictures, RunWriter, SynthOptions, synth};
use crate::insight::UnitProfile;
use crate::model::{EpochIndex, Group, LayerIndex, Source, UnitId, UnitIndex};
use crate::stats::aggregated;

/// How long it takes from pinning a unit to everything that is said of it
///
/// Its means along the training, its values by class at the last epoch, its strongest inputs, and the
/// units like it. On two made-up recordings in half precision in the temporary folder, one with single
/// inputs alone and one that keeps aggregates as well; both have just been written and so lie in memory,
/// as far as that goes.
#[derive(Debug, clap::Args)]
pub struct BenchUnitProfileArgs {
    /// Recorded epochs
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: u32,

    /// Inputs whose values are recorded
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    inputs: u32,

    /// Units of the layer
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    units: u32,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

const CLASSES: usize = 10;
/// Number of units that are pinned, one after the other.
const PINNED_UNITS: usize = 20;
/// Longest time to wait for a unit profile.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The report.
#[derive(Serialize)]
struct BenchUnitProfileReport {
    epochs: usize,
    inputs: usize,
    units: usize,
    classes: usize,
    /// Size of the values of single inputs in each of the recordings.
    bytes: u64,
    with_aggregates: ProfileTimes,
    single_inputs_alone: ProfileTimes,
}

/// Milliseconds from pinning to the finished unit profile.
#[derive(Serialize)]
struct ProfileTimes {
    /// Number of pinned units.
    pinned: usize,
    /// The first one after opening.
    first_ms: f64,
    /// The median of all.
    median_ms: f64,
    /// The 99th percentile of all.
    p99_ms: f64,
}

/// Measures and prints the report.
///
/// # Errors
///
/// If the recordings cannot be written, their unit profiles differ, or one takes longer than 120 s.
pub fn run(args: &BenchUnitProfileArgs) -> anyhow::Result<()> {
    let (epochs, inputs, units) = (args.epochs as usize, args.inputs as usize, args.units as usize);
    let folder = TemporaryFolder::new().context("cannot make a folder for the measurement")?;
    let [plain, aggregated] = ["plain", "aggregated"].map(|name| folder.path().join(name));
    let options =
        SynthOptions { units, layers: 1, epochs, inputs, classes: CLASSES, ..SynthOptions::default() };
    synth(&plain, &options, &mut |_, _| {})?;
    add_aggregates(&*format::open(&plain)?, &aggregated)?;
    let (single_inputs_alone, plain_profiles) = measure(&plain)?;
    let (with_aggregates, aggregated_profiles) = measure(&aggregated)?;
    for (a, b) in plain_profiles.iter().zip(&aggregated_profiles) {
        ensure!(have_equal_values(a, b), "the two recordings tell of different lives: a bug in biographies");
    }
    let bytes = (epochs * inputs * units) as u64 * 2;
    let report = BenchUnitProfileReport {
        epochs,
        inputs,
        units,
        classes: CLASSES,
        bytes,
        with_aggregates,
        single_inputs_alone,
    };
    if args.json {
        return output::print_json(&report);
    }
    let rows =
        [("with aggregates", &report.with_aggregates), ("single inputs alone", &report.single_inputs_alone)]
            .map(|(name, times)| {
                let [median, p99, first] =
                    [times.median_ms, times.p99_ms, times.first_ms].map(|ms| format!("{ms:.1}"));
                [name.to_owned(), median, p99, first]
            });
    output::print(|out| {
        writeln!(
            out,
            "{} × {} × {} · {:.1} GB in half precision, in the page cache · {}\n",
            output::counted(report.epochs, "epoch", "epochs"),
            output::counted(report.inputs, "input", "inputs"),
            output::counted(report.units, "unit", "units"),
            report.bytes as f64 / 1e9,
            output::counted(rayon::current_num_threads(), "thread", "threads"),
        )?;
        output::columns(out, ["", "median ms", "p99 ms", "first ms"], [false, true, true, true], &rows)?;
        writeln!(
            out,
            "\nfrom pinning to the biography, {} each",
            output::counted(report.with_aggregates.pinned, "unit", "units")
        )
    })
}

/// Writes a copy of a recording at `path`, with aggregates of all inputs and of each class.
fn add_aggregates(plain: &dyn Source, path: &Path) -> anyhow::Result<()> {
    let recording = plain.recording();
    let all: Vec<usize> = (0..recording.inputs.len()).collect();
    let mut writer = RunWriter::create(path, recording, &Pictures::None)?;
    for (index, epoch) in recording.epochs.iter().enumerate() {
        let block = plain.rows(EpochIndex(index), &all)?;
        let groups = (0..recording.classes.len()).map(Group::Class).chain([Group::All]);
        let aggregates = groups.map(|group| {
            let rows: Vec<usize> = match group {
                Group::All => block.rows.clone(),
                Group::Class(class) => recording.inputs_of(class).map(|input| block.rows[input]).collect(),
            };
            (group, block.layers.iter().map(|tensor| aggregated(tensor, &rows)).collect())
        });
        let values = EpochValues {
            aggregates: aggregates.collect(),
            units: block.layers.clone(),
            ..EpochValues::default()
        };
        writer.write_epoch(epoch, &values)?;
    }
    Ok(writer.commit()?)
}

/// Opens the recording as the window does and pins units, one after the other. Returns the times and the unit
/// profiles.
fn measure(path: &Path) -> anyhow::Result<(ProfileTimes, Vec<UnitProfile>)> {
    let source = format::open(path)?;
    let recording = source.recording();
    let units = recording.layers.first().context("the made-up recording has no layer")?.units;
    let epoch = recording.epochs.last().context("the made-up recording has no epoch")?.number;
    let epochs = recording.epochs.len();
    let (sender, responses) = channel();
    let sender = Mutex::new(sender);
    let respond = move |response| {
        // It fails after the measurement only.
        if let Ok(sender) = sender.lock() {
            let _ = sender.send(response);
        }
    };
    let mut cache = InsightCache::new(Arc::clone(&source), Box::new(respond));
    let (mut times, mut profiles) = (Vec::new(), Vec::new());
    for unit in (0..units).step_by(units.div_ceil(PINNED_UNITS)) {
        let start = Instant::now();
        let unit = UnitId { layer: LayerIndex(0), unit: UnitIndex(unit) };
        let profile = request_profile(&mut cache, &responses, unit, epoch)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        ensure!(profile.history.len() == epochs, "epochs are missing in a biography: a bug");
        profiles.push(profile);
    }
    let first_ms = times[0];
    times.sort_by(f64::total_cmp);
    let (median_ms, p99_ms) = (quantile(&times, 0.5), quantile(&times, 0.99));
    Ok((ProfileTimes { pinned: times.len(), first_ms, median_ms, p99_ms }, profiles))
}

/// Requests a unit profile and waits for it.
fn request_profile(
    cache: &mut InsightCache,
    responses: &Receiver<InsightResponse>,
    unit: UnitId,
    epoch: u64,
) -> anyhow::Result<UnitProfile> {
    cache.request(vec![InsightRequest::UnitProfile { unit, epoch }]);
    cache.insert(responses.recv_timeout(TIMEOUT).context("a biography does not come")?);
    match cache.unit_profile(unit, epoch) {
        Some(Ok(profile)) => Ok(profile.clone()),
        Some(Err(reason)) => bail!("{reason}"),
        None => bail!("another question was answered"),
    }
}

/// Returns `true` if two unit profiles are equal, apart from rounding of the means.
fn have_equal_values(a: &UnitProfile, b: &UnitProfile) -> bool {
    let close = |a: f32, b: f32| (a - b).abs() <= 1e-5 * a.abs().max(1e-2) || a.is_nan() && b.is_nan();
    let mut epochs = a.history.iter().zip(&b.history);
    let same = |(a, b): (&crate::insight::UnitEpoch, &crate::insight::UnitEpoch)| {
        close(a.all, b.all) && a.classes.iter().zip(&b.classes).all(|(&a, &b)| close(a, b))
    };
    epochs.all(same) && a.strongest == b.strongest && a.similar == b.similar
}
