//! `dnnviz bench render`: frame times, compared with those of an empty frame and of every cell as a box.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::output;
use crate::cli::render::{PictureSize, SetViewArg};
use crate::engine::bench::{RenderBench, bench_render};
use crate::engine::{Gpu, Path, Renderer};
use crate::format;
use crate::model::{
    Camera, EpochIndex, EpochPosition, EpochRef, Grid, LayerCells, Normalisation, Query, SetView, ViewState,
};
use crate::scene::{FrameOptions, LoadedEpoch, Scene};
use crate::stats::{Cells, Cpu, Sides, colour_range};

/// How long a frame takes
#[derive(Debug, clap::Args)]
pub struct BenchRenderArgs {
    /// The recording or DNNViz dump; without it, made-up values
    run: Option<PathBuf>,

    /// Cells of the made-up values, in one layer
    #[arg(long, value_name = "N", default_value_t = 1_000_000, conflicts_with = "run")]
    cells: usize,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    size: PictureSize,

    /// From where: overview, front, top, grazing, close, or all of them
    #[arg(long, value_name = "VIEW", default_value = "overview")]
    view: MeasuredViews,

    /// How cells are drawn
    #[arg(long, value_enum, default_value_t = PathArg::Raycast)]
    path: PathArg,

    /// Between two epochs, as while playing
    #[arg(long)]
    moving: bool,

    /// Seconds to measure each view for
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,

    /// Print one JSON document; an array of them for all views
    #[arg(long)]
    json: bool,
}

/// A path of the renderer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PathArg {
    /// Rays over the pyramids
    Raycast,
    /// The same rays in one compute shader
    Compute,
    /// Every cell an instanced box
    Cells,
}

/// One set view, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MeasuredViews {
    One(SetView),
    All,
}

impl std::str::FromStr for MeasuredViews {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            one => SetViewArg::from_str(one, false).map(|view| Self::One(view.into())),
        }
    }
}

/// The report on one view.
#[derive(Serialize)]
struct BenchRenderReport {
    adapter: String,
    path: &'static str,
    view: &'static str,
    cells: u64,
    size: [u32; 2],
    /// Share of the pixels that show a slab.
    coverage: f64,
    frame_ms: FrameTimes,
    /// Milliseconds of an empty frame.
    floor_ms: f64,
    /// Milliseconds of a frame that draws every cell as a box; `null` if not measured.
    cells_path_ms: Option<f64>,
    /// Size of the values on the device.
    resident_bytes: u64,
}

/// Milliseconds of a frame.
#[derive(Serialize)]
struct FrameTimes {
    median: f64,
    p99: f64,
}

/// Measures and prints the report.
///
/// # Errors
///
/// If the recording cannot be read, or there is no graphics device.
pub fn run(args: &BenchRenderArgs) -> anyhow::Result<()> {
    let gpu = Gpu::headless()?;
    let (scene, normalisation) = match &args.run {
        Some(run) => load_recording(&gpu, run, args.moving)?,
        None => upload_synthetic(&gpu, args.cells, args.moving)?,
    };
    let path = match args.path {
        PathArg::Raycast => Path::Raycast,
        PathArg::Compute => Path::Compute,
        PathArg::Cells => Path::Cells,
    };
    let PictureSize(size) = args.size;
    let budget = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let views = match args.view {
        MeasuredViews::One(view) => vec![view],
        MeasuredViews::All => SetView::ALL.to_vec(),
    };
    let mut renderer = Renderer::new(&gpu);
    let mut reports = Vec::new();
    for set_view in views {
        let camera = Camera::set_view(set_view, scene.from.field.layout(), size[0] as f32 / size[1] as f32);
        let view = ViewState::new(camera, 0.0);
        let t = if args.moving { 0.5 } else { 0.0 };
        let scene =
            Scene { position: EpochPosition { t, ..EpochPosition::at(EpochIndex(0)) }, ..scene.clone() };
        let extremes = scene.extremes(&view, normalisation);
        let ranges = colour_range::colour_ranges(&view, normalisation, &extremes);
        let divisors = scene.divisors(&view);
        let frame = scene.frame(FrameOptions {
            view: &view,
            ranges: &ranges,
            divisors: &divisors,
            picture: None,
            network: Default::default(),
            size,
        });
        let measured = bench_render(&gpu, &mut renderer, &frame, path, budget);
        reports.push(report(&gpu, args.path, set_view, size, &measured));
    }
    if args.json {
        return match reports.as_slice() {
            [report] => output::print_json(report),
            reports => output::print_json(&reports),
        };
    }
    let table: Vec<[String; 7]> = reports
        .iter()
        .map(|report| {
            let ms = |value: f64| format!("{value:.1}");
            [
                report.view.to_owned(),
                format!("{:.2}", report.coverage),
                ms(report.frame_ms.median),
                ms(report.frame_ms.p99),
                ms(report.floor_ms),
                report.cells_path_ms.map_or_else(|| "–".to_owned(), ms),
                report
                    .cells_path_ms
                    .map_or_else(|| "–".to_owned(), |boxes| format!("{:.1}", boxes / report.frame_ms.median)),
            ]
        })
        .collect();
    output::print(|out| {
        if let Some(report) = reports.first() {
            writeln!(
                out,
                "{} · {} · {} × {} · {} MB of values on the device\n",
                report.adapter,
                output::counted(report.cells as usize, "cell", "cells"),
                size[0],
                size[1],
                report.resident_bytes >> 20,
            )?;
        }
        let headings = ["view", "coverage", "median ms", "p99 ms", "floor ms", "boxes ms", "times faster"];
        output::columns(out, headings, [false, true, true, true, true, true, true], &table)
    })
}

/// Loads the last epoch of a recording, or the one before and the last if `moving`. Returns the normalisation
/// of the recording with it.
fn load_recording(gpu: &Gpu, run: &std::path::Path, moving: bool) -> anyhow::Result<(Scene, Normalisation)> {
    let source = format::open(run)?;
    let recording = source.recording();
    let last = EpochRef::Last.resolve(recording)?.from;
    let before = (0..last.0).rev().find(|&epoch| !recording.epochs[epoch].damaged).map_or(last, EpochIndex);
    let sides = Sides::one(&*source);
    let load = |epoch| LoadedEpoch::load(gpu, &Cpu, sides, &Query::default(), epoch, &[]);
    let to = load(last)?;
    let from = if moving { load(before)? } else { to.clone() };
    Ok((Scene { from, to, position: EpochPosition::at(EpochIndex(0)) }, recording.normalisation))
}

/// Uploads one layer of synthetic values like those after a ReLU: many zeros, in patches.
fn upload_synthetic(gpu: &Gpu, cells: usize, moving: bool) -> anyhow::Result<(Scene, Normalisation)> {
    let load = |seed: u32| {
        let grid = Grid::near_square(cells);
        let columns = grid.columns as f32;
        let values = (0..cells)
            .into_par_iter()
            .map(|unit| {
                let (column, row) = grid.position(unit);
                let patch = (9.0 * column as f32 / columns).sin() * (7.0 * row as f32 / columns).cos();
                let noise = mix_bits(unit as u32 ^ seed) as f32 / u32::MAX as f32;
                ((noise - 0.35).max(0.0) * (0.8 + 0.7 * patch)).min(1.0)
            })
            .collect();
        let layers = vec![LayerCells { grid, units: cells, values }];
        LoadedEpoch::upload(gpu, Cells { layers, ..Cells::default() }, false)
    };
    let from = load(0)?;
    let to = if moving { load(1)? } else { from.clone() };
    Ok((Scene { from, to, position: EpochPosition::at(EpochIndex(0)) }, Normalisation::PerItemPerLayer))
}

/// Mixes the bits of a number (`lowbias32` by Chris Wellons).
fn mix_bits(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

/// Returns the report on one view.
fn report(
    gpu: &Gpu,
    path: PathArg,
    view: SetView,
    size: [u32; 2],
    measured: &RenderBench,
) -> BenchRenderReport {
    BenchRenderReport {
        adapter: gpu.describe(),
        path: match path {
            PathArg::Raycast => "raycast",
            PathArg::Compute => "compute",
            PathArg::Cells => "cells",
        },
        view: view.name(),
        cells: measured.cells,
        size,
        coverage: measured.coverage,
        frame_ms: FrameTimes { median: measured.median_ms, p99: measured.p99_ms },
        floor_ms: measured.floor_ms,
        cells_path_ms: measured.cells_path_ms,
        resident_bytes: measured.resident_bytes,
    }
}
