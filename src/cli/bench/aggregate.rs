//! `dnnviz bench aggregate`: the throughput of reducing classes, compared with that of reading the values.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use multiversion::multiversion;
use rayon::prelude::*;
use serde::Serialize;

use super::click::{self, ClickReport};
use crate::cli::output;
use crate::engine::bench::quantile;
use crate::engine::{Gpu, GpuError, aggregate};
use crate::model::{Stat, Tensor};
use crate::stats::{LayerRows, Moments, TensorRows, reduce};

/// How long counts, means and variances of all classes take, beside reading the same values
///
/// Made-up values in single precision, whose inputs belong to classes at random. The ceiling is what
/// all cores together read of these values when they do nothing but add them up.
#[derive(Debug, clap::Args)]
pub struct BenchAggregateArgs {
    /// Inputs whose values are reduced
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(1..))]
    inputs: u32,

    /// Units of the layer
    #[arg(long, value_name = "N", default_value_t = 32_000, value_parser = clap::value_parser!(u32).range(1..))]
    units: u32,

    /// Classes that the inputs are in
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    classes: u32,

    /// Only the CPU path beside the ceiling, without graphics device and window
    #[arg(long)]
    cpu_only: bool,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Number of measured rounds, after one that is not measured.
const ROUNDS: usize = 25;
/// Number of values that a core adds at a time: long enough to be read at full speed, short enough that the
/// cores finish together.
const CHUNK: usize = 1 << 18;
/// Number of units whose results are compared with sums in f64.
const COMPARED: usize = 64;

/// The report; throughputs in 10⁹ bytes per second.
#[derive(Serialize)]
struct BenchAggregateReport {
    inputs: usize,
    units: usize,
    classes: usize,
    /// Size of the values.
    bytes: usize,
    /// Throughput of adding the values on all cores.
    read_ceiling_gbps: f64,
    cpu: CpuThroughput,
    /// `null` without a graphics driver.
    gpu: Option<GpuThroughput>,
    /// `null` without a graphics driver, which the window needs.
    click: Option<ClickReport>,
}

/// The throughput of reducing on the graphics device, without transfers if the values stay there.
#[derive(Serialize)]
struct GpuThroughput {
    adapter: String,
    gbps: f64,
    /// Throughput of a copy on the device; bytes read and bytes written both count.
    copy_ceiling_gbps: f64,
    /// Share of the copy ceiling.
    ratio: f64,
    /// `true` if the values stay on the device; otherwise they are uploaded each time.
    resident: bool,
    /// Greatest relative difference between a standard deviation and that of the CPU.
    error: f64,
}

/// The throughput of reducing on the CPU.
#[derive(Serialize)]
struct CpuThroughput {
    gbps: f64,
    /// Share of the read ceiling.
    ratio: f64,
    ms: f64,
    /// Greatest relative error of a mean or standard deviation of the compared units.
    error: f64,
}

/// Measures and prints the report.
///
/// # Errors
///
/// If the values do not fit in memory, the results are wrong, or the graphics device fails.
pub fn run(args: &BenchAggregateArgs) -> anyhow::Result<()> {
    let (inputs, units, classes) = (args.inputs as usize, args.units as usize, args.classes as usize);
    let values = synthetic_values(inputs, units)?;
    let bytes = size_of_val(values.as_slice());
    let tensor = Tensor::from_f32(values, inputs, units).context("values do not fit their shape")?;
    let values = tensor.as_f32().context("values do not lie as numbers")?;
    let mut groups = vec![Vec::new(); classes];
    for input in 0..inputs {
        groups[(hash(input) >> 32) as usize % classes].push(input);
    }

    let class_moments = reduce_classes(&tensor, &groups);
    let error = greatest_error(values, units, &groups, &class_moments)?;
    let (mut read, mut reduced) = (Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times =
            [ms(|| values.par_chunks(CHUNK).map(sum).sum::<f32>()), ms(|| reduce_classes(&tensor, &groups))];
        if round > 0 {
            read.push(times[0]);
            reduced.push(times[1]);
        }
    }
    let [read, reduced] = [read, reduced].map(median);
    let report = BenchAggregateReport {
        inputs,
        units,
        classes,
        bytes,
        read_ceiling_gbps: bytes as f64 / read / 1e6,
        cpu: CpuThroughput { gbps: bytes as f64 / reduced / 1e6, ratio: read / reduced, ms: reduced, error },
        gpu: if args.cpu_only { None } else { measure_gpu(&tensor, &groups, &class_moments)? },
        click: None,
    };
    drop((tensor, class_moments));
    let click = report.gpu.as_ref().map(|_| click::measure()).transpose()?;
    let report = BenchAggregateReport { click, ..report };
    if args.json {
        return output::print_json(&report);
    }
    output::print(|out| {
        writeln!(
            out,
            "{} × {} in {} · {:.0} MB · {} · medians of {ROUNDS} rounds\n",
            output::counted(report.inputs, "input", "inputs"),
            output::counted(report.units, "unit", "units"),
            output::counted(report.classes, "class", "classes"),
            report.bytes as f64 / 1e6,
            output::counted(rayon::current_num_threads(), "thread", "threads"),
        )?;
        let rows = [("reading alone", read, report.read_ceiling_gbps), ("cpu", reduced, report.cpu.gbps)]
            .map(|(name, ms, rate)| [name.to_owned(), format!("{ms:.2}"), format!("{rate:.1}")]);
        output::columns(out, ["", "ms", "GB/s"], [false, true, true], &rows)?;
        writeln!(
            out,
            "\ncounts, means and variances at {:.2} of what reading alone reaches; greatest relative error \
             {:.0e}",
            report.cpu.ratio, report.cpu.error,
        )?;
        let Some(gpu) = &report.gpu else { return Ok(()) };
        writeln!(
            out,
            "\n{}: {:.1} GB/s{}, {:.2} of the {:.1} GB/s that it reads and writes in a copy; greatest \
             relative difference {:.0e}",
            gpu.adapter,
            gpu.gbps,
            if gpu.resident { "" } else { " with the way there" },
            gpu.ratio,
            gpu.copy_ceiling_gbps,
            gpu.error,
        )?;
        let Some(click) = &report.click else { return Ok(()) };
        writeln!(out, "\n{}", click.summary())
    })
}

/// Time for measuring the device; a slow one takes longer.
const GPU_BUDGET: Duration = Duration::from_secs(3);

/// Measures the graphics device; returns `None` if there is none.
fn measure_gpu(
    tensor: &Tensor,
    groups: &[Vec<usize>],
    classes: &[ClassMoments],
) -> anyhow::Result<Option<GpuThroughput>> {
    let gpu = match Gpu::headless() {
        Ok(gpu) => gpu,
        Err(GpuError::NoAdapter) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // A second handle, as an open recording has one: only then do the values stay on the device.
    let _open = tensor.clone();
    let layers: Vec<LayerRows<'_>> =
        groups.iter().map(|rows| LayerRows { a: TensorRows { tensor, rows }, b: None }).collect();
    let measured = aggregate::bench(&gpu, &layers, Stat::Std, GPU_BUDGET)?;
    let deviations = classes.iter().flat_map(|class| &class.variance).map(|v| f64::from(*v).sqrt());
    let error = measured
        .values
        .iter()
        .flatten()
        .zip(deviations)
        .map(|(&actual, expected)| (f64::from(actual) / expected - 1.0).abs())
        .filter(|difference| !difference.is_nan())
        .fold(0.0, f64::max);
    Ok(Some(GpuThroughput {
        adapter: gpu.describe(),
        gbps: measured.gbps,
        copy_ceiling_gbps: measured.copy_ceiling_gbps,
        ratio: measured.gbps / measured.copy_ceiling_gbps,
        resident: measured.resident,
        error,
    }))
}

/// The count, mean and population variance of one class, per unit.
struct ClassMoments {
    count: Vec<u64>,
    mean: Vec<f32>,
    variance: Vec<f32>,
}

/// Reduces each class; this is the measured work.
fn reduce_classes(tensor: &Tensor, groups: &[Vec<usize>]) -> Vec<ClassMoments> {
    let class = |rows: &Vec<usize>| {
        let moments: Moments = reduce(tensor, rows);
        ClassMoments { count: moments.count(), mean: moments.mean(), variance: moments.variance() }
    };
    groups.par_iter().map(class).collect()
}

/// Adds the values. It keeps many sums, so that no addition waits for the one before; this gives the read
/// ceiling.
#[multiversion(targets = "simd")]
fn sum(values: &[f32]) -> f32 {
    let mut sums = [0.0; 128];
    let (chunks, rest) = values.as_chunks::<128>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum()
}

/// Runs `work` and returns its milliseconds.
fn ms<T>(work: impl FnOnce() -> T) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64() * 1e3
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    quantile(&times, 0.5)
}

/// Returns a pseudo-random number for an index.
fn hash(index: usize) -> u64 {
    let hash = (index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash ^ hash >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

/// Returns `inputs` × `units` values between 0 and 1, with another mean for each unit.
///
/// # Errors
///
/// If the values do not fit in memory.
fn synthetic_values(inputs: usize, units: usize) -> anyhow::Result<Vec<f32>> {
    let count = inputs.checked_mul(units).context("these inputs and units are too many")?;
    let mut values = Vec::new();
    values.try_reserve_exact(count).with_context(|| format!("{count} values do not fit in memory"))?;
    let value = |index: usize| {
        let noise = (hash(index) >> 40) as f32 / (1_u64 << 25) as f32;
        noise + 0.5 * (index % units) as f32 / units as f32
    };
    values.par_extend((0..count).into_par_iter().map(value));
    Ok(values)
}

/// Returns the greatest relative error of means and standard deviations in [`COMPARED`] units, against sums
/// in f64.
///
/// # Errors
///
/// If a count is wrong.
fn greatest_error(
    values: &[f32],
    units: usize,
    groups: &[Vec<usize>],
    classes: &[ClassMoments],
) -> anyhow::Result<f64> {
    let mut greatest = 0.0_f64;
    for (rows, class) in groups.iter().zip(classes) {
        for unit in (0..units).step_by(units.div_ceil(COMPARED)) {
            ensure!(class.count[unit] == rows.len() as u64, "counts differ: a bug in the reduction");
            let column = || rows.iter().map(|&row| f64::from(values[row * units + unit]));
            let mean = column().sum::<f64>() / rows.len() as f64;
            let deviation = (column().map(|v| (v - mean).powi(2)).sum::<f64>() / rows.len() as f64).sqrt();
            let actual = (f64::from(class.mean[unit]), f64::from(class.variance[unit]).sqrt());
            for (actual, expected) in [(actual.0, mean), (actual.1, deviation)] {
                if actual != expected && !rows.is_empty() {
                    greatest = greatest.max((actual / expected - 1.0).abs());
                }
            }
        }
    }
    Ok(greatest)
}
