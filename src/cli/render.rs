//! `dnnviz render`: a still, without a window.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::Serialize;

use super::output;
use super::query::QueryArgs;
use crate::engine::{Gpu, Renderer};
use crate::export::{Still, Values};
use crate::model::{Camera, EpochPosition, Layout, SetView, Theme, ViewState};
use crate::stats::{Cpu, Sides};
use crate::ui::{OpenRuns, RunFacts};

/// Draw a still, without a window
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording or DNNViz dump
    run: PathBuf,

    /// The PNG file to write
    #[arg(short, long, value_name = "FILE.png")]
    output: PathBuf,

    #[command(flatten)]
    query: QueryArgs,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    size: Size,

    /// From where
    #[arg(long, value_enum, default_value_t = ViewArg::Overview)]
    view: ViewArg,

    /// From where, as a JSON file: {"position": [x, y, z], "yaw", "pitch", "fov_y", "focus"}
    #[arg(long, value_name = "FILE", conflicts_with = "view")]
    camera: Option<PathBuf>,

    /// On dark or on light ground
    #[arg(long, value_enum, default_value_t = ThemeArg::Dark)]
    theme: ThemeArg,

    /// Leave out names and legend
    #[arg(long)]
    no_overlay: bool,

    /// Print one JSON document about the picture
    #[arg(long)]
    json: bool,
}

/// The set views.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ViewArg {
    /// Everything, three-quarter
    Overview,
    /// Straight at the first layer
    Front,
    /// From above
    Top,
    /// Along a layer's face
    Grazing,
    /// A few cells
    Close,
}

impl From<ViewArg> for SetView {
    fn from(view: ViewArg) -> Self {
        match view {
            ViewArg::Overview => Self::Overview,
            ViewArg::Front => Self::Front,
            ViewArg::Top => Self::Top,
            ViewArg::Grazing => Self::Grazing,
            ViewArg::Close => Self::Close,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ThemeArg {
    Dark,
    Light,
}

/// Width and height as `1280x720`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub [u32; 2]);

impl std::str::FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let edges = text.split_once(['x', '×']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
        edges.filter(|edges| !edges.contains(&0)).map(Self).ok_or_else(|| "write it as 1280x720".to_owned())
    }
}

#[derive(Serialize)]
struct Told<'a> {
    file: &'a Path,
    width: u32,
    height: u32,
    adapter: String,
    cells: u64,
    frame_ms: f64,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let source = super::open(&args.run)?;
    let recording = source.recording();
    let (position, number) = args.query.moment(recording)?;
    let camera = args.camera.as_deref().map(read_camera).transpose()?;
    let theme = match args.theme {
        ThemeArg::Dark => Theme::Dark,
        ThemeArg::Light => Theme::Light,
    };
    let Size(size) = args.size;
    let gpu = Gpu::headless()?;
    let mut view = ViewState::new(Camera::set_view(SetView::Overview, &Layout::new(recording), 1.0), number);
    let run_b = args.query.open_run_b()?;
    let sides = Sides { a: &*source, b: run_b.as_deref().unwrap_or(&*source) };
    view.query = args.query.query(1);
    view.theme = theme;
    let set_view = match camera {
        Some(camera) => {
            view.camera = camera;
            None
        }
        None => Some(args.view.into()),
    };
    let path_b = args.query.run_b.as_deref().unwrap_or(&args.run);
    let names = [run_name(&args.run), run_name(path_b)];
    let runs = [
        RunFacts { name: &names[0], recording },
        RunFacts { name: &names[1], recording: sides.b.recording() },
    ];
    let overlay = (!args.no_overlay).then_some(OpenRuns { all: &runs, own: 0 });
    let (still, cells) = still(&gpu, sides, view, set_view, position, size, overlay)?;
    still.save(&args.output)?;
    if args.json {
        return output::print_json(&Told {
            file: &args.output,
            width: size[0],
            height: size[1],
            adapter: gpu.describe(),
            cells,
            frame_ms: still.frame_ms,
        });
    }
    output::print(|out| {
        writeln!(
            out,
            "{} · {} × {} · {} · {:.1} ms on {}",
            args.output.display(),
            size[0],
            size[1],
            output::counted(cells as usize, "cell", "cells"),
            still.frame_ms,
            gpu.describe(),
        )
    })
}

/// What people call a run: the name of its folder.
fn run_name(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Draws `view`, from a set view when there is one, and counts its cells.
pub fn still(
    gpu: &Gpu,
    sides: Sides,
    mut view: ViewState,
    set_view: Option<SetView>,
    position: EpochPosition,
    size: [u32; 2],
    overlay: Option<OpenRuns>,
) -> anyhow::Result<(Still, u64)> {
    let values = Values::load(gpu, sides, &view, position, &Cpu)?;
    if let Some(set_view) = set_view {
        // What stands there is known only now: mosaics of feature maps, the input's picture.
        view.camera = Camera::set_view(set_view, &values.layout, size[0] as f32 / size[1] as f32);
    }
    let cells = values.layout.slabs.iter().map(|slab| slab.units as u64).sum();
    let mut renderer = Renderer::new(gpu);
    let still = Still::render(gpu, &mut renderer, sides.a.recording(), &values, &view, size, overlay)?;
    Ok((still, cells))
}

/// A camera from a file, with finite numbers and a field of view that can be drawn.
fn read_camera(path: &Path) -> anyhow::Result<Camera> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let camera: Camera =
        serde_json::from_str(&text).with_context(|| format!("{} is no camera", path.display()))?;
    let numbers = [camera.yaw, camera.pitch, camera.fov_y, camera.focus];
    let sound = camera.position.is_finite()
        && numbers.iter().all(|number| number.is_finite())
        && camera.pitch.abs() <= std::f32::consts::FRAC_PI_2
        && camera.fov_y > 0.0
        && camera.fov_y < 3.0
        && camera.focus > 0.0;
    if !sound {
        bail!(
            "{} is no camera: numbers must be finite, pitch within ±π/2, fov_y in (0, 3), focus positive",
            path.display()
        );
    }
    Ok(camera)
}
