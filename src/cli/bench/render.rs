//! `dnnviz bench render`: frame times, with the floor and the plain path measured beside them.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use clap::ValueEnum;
use rayon::prelude::*;
use serde::Serialize;

use crate::cli::output;
use crate::cli::render::{Size, ViewArg};
use crate::engine::bench::{RenderBench, bench_render};
use crate::engine::{Gpu, Path, Renderer};
use crate::model::{
    Camera, EpochIndex, EpochPosition, EpochRef, Grid, LayerCells, Normalisation, Query, SetView, ViewState,
};
use crate::scene::{FrameOptions, LoadedEpoch, Scene};
use crate::stats::{Cells, Cpu, Sides, colour_range};

/// How long a frame takes
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording or DNNViz dump; without it, made-up values
    run: Option<PathBuf>,

    /// Cells of the made-up values, in one layer
    #[arg(long, value_name = "N", default_value_t = 1_000_000, conflicts_with = "run")]
    cells: usize,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    size: Size,

    /// From where: overview, front, top, grazing, close, or all of them
    #[arg(long, value_name = "VIEW", default_value = "overview")]
    view: Views,

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum PathArg {
    /// Rays over the pyramids
    Raycast,
    /// The same rays in one compute shader
    Compute,
    /// Every cell an instanced box
    Cells,
}

/// One set view or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Views {
    One(SetView),
    All,
}

impl std::str::FromStr for Views {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            one => ViewArg::from_str(one, false).map(|view| Self::One(view.into())),
        }
    }
}

#[derive(Serialize)]
struct Row {
    adapter: String,
    path: &'static str,
    view: &'static str,
    cells: u64,
    size: [u32; 2],
    coverage: f64,
    frame_ms: Times,
    floor_ms: f64,
    cells_path_ms: Option<f64>,
    resident_bytes: u64,
}

#[derive(Serialize)]
struct Times {
    median: f64,
    p99: f64,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let gpu = Gpu::headless()?;
    let (scene, normalisation) = match &args.run {
        Some(run) => recorded(&gpu, run, args.moving)?,
        None => made_up(&gpu, args.cells, args.moving)?,
    };
    let path = match args.path {
        PathArg::Raycast => Path::Raycast,
        PathArg::Compute => Path::Compute,
        PathArg::Cells => Path::Cells,
    };
    let Size(size) = args.size;
    let budget = Duration::try_from_secs_f64(args.seconds).context("--seconds")?;
    let views = match args.view {
        Views::One(view) => vec![view],
        Views::All => SetView::ALL.to_vec(),
    };
    let mut renderer = Renderer::new(&gpu);
    let mut rows = Vec::new();
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
        let found = bench_render(&gpu, &mut renderer, &frame, path, budget);
        rows.push(row(&gpu, args.path, set_view, size, &found));
    }
    if args.json {
        return match rows.as_slice() {
            [row] => output::print_json(row),
            rows => output::print_json(&rows),
        };
    }
    let table: Vec<[String; 7]> = rows
        .iter()
        .map(|row| {
            let ms = |value: f64| format!("{value:.1}");
            [
                row.view.to_owned(),
                format!("{:.2}", row.coverage),
                ms(row.frame_ms.median),
                ms(row.frame_ms.p99),
                ms(row.floor_ms),
                row.cells_path_ms.map_or_else(|| "–".to_owned(), ms),
                row.cells_path_ms
                    .map_or_else(|| "–".to_owned(), |plain| format!("{:.1}", plain / row.frame_ms.median)),
            ]
        })
        .collect();
    output::print(|out| {
        if let Some(row) = rows.first() {
            writeln!(
                out,
                "{} · {} · {} × {} · {} MB of values on the device\n",
                row.adapter,
                output::counted(row.cells as usize, "cell", "cells"),
                size[0],
                size[1],
                row.resident_bytes >> 20,
            )?;
        }
        let heads = ["view", "coverage", "median ms", "p99 ms", "floor ms", "boxes ms", "times faster"];
        output::columns(out, heads, [false, true, true, true, true, true, true], &table)
    })
}

/// The last epoch of a recording, or the one before and it while `moving`; and the recording's normalisation.
fn recorded(gpu: &Gpu, run: &std::path::Path, moving: bool) -> anyhow::Result<(Scene, Normalisation)> {
    let source = crate::cli::open(run)?;
    let recording = source.recording();
    let last = EpochRef::Last.resolve(recording)?.from;
    let before = (0..last.0).rev().find(|&epoch| !recording.epochs[epoch].damaged).map_or(last, EpochIndex);
    let sides = Sides::one(&*source);
    let load = |epoch| LoadedEpoch::load(gpu, &Cpu, sides, &Query::default(), epoch, &[]);
    let to = load(last)?;
    let from = if moving { load(before)? } else { to.clone() };
    Ok((Scene { from, to, position: EpochPosition::at(EpochIndex(0)) }, recording.normalisation))
}

/// One layer of made-up values like those behind a ReLU: many zeros, in patches.
fn made_up(gpu: &Gpu, cells: usize, moving: bool) -> anyhow::Result<(Scene, Normalisation)> {
    let load = |seed: u32| {
        let grid = Grid::near_square(cells);
        let columns = grid.columns as f32;
        let values = (0..cells)
            .into_par_iter()
            .map(|unit| {
                let (column, row) = grid.position(unit);
                let patch = (9.0 * column as f32 / columns).sin() * (7.0 * row as f32 / columns).cos();
                let noise = scrambled(unit as u32 ^ seed) as f32 / u32::MAX as f32;
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

/// A well-mixed function of its argument (Chris Wellons' lowbias32).
fn scrambled(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7feb_352d);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}

fn row(gpu: &Gpu, path: PathArg, view: SetView, size: [u32; 2], found: &RenderBench) -> Row {
    Row {
        adapter: gpu.describe(),
        path: match path {
            PathArg::Raycast => "raycast",
            PathArg::Compute => "compute",
            PathArg::Cells => "cells",
        },
        view: view.name(),
        cells: found.cells,
        size,
        coverage: found.coverage,
        frame_ms: Times { median: found.median_ms, p99: found.p99_ms },
        floor_ms: found.floor_ms,
        cells_path_ms: found.cells_path_ms,
        resident_bytes: found.resident_bytes,
    }
}
