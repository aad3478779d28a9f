//! `dnnviz render`: draws a still, without a window.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::ValueEnum;
use serde::Serialize;

use super::output;
use super::query::QueryArgs;
use super::view_args::ViewArgs;
use crate::engine::Gpu;
use crate::export::{Still, StillView};
use crate::format;
use crate::model::{Camera, EpochPosition, EpochRef, Layout, Query, Recording, SetView, ViewState, columns};
use crate::stats::Sides;
use crate::ui::NamedRun;

/// Draw a still, without a window
///
/// Several RUNs stand side by side, each with the same selections. Where they show values of one kind,
/// the same colour is the same value.
#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    /// The recording or DNNViz dump; several are drawn side by side
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,

    /// The PNG file to write
    #[arg(short, long, value_name = "FILE.png")]
    output: PathBuf,

    #[command(flatten)]
    query: QueryArgs,

    /// Beside what is compared: A, B and their difference
    #[arg(long, requires = "side_b")]
    with_sides: bool,

    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "1280x720")]
    size: PictureSize,

    /// From where
    #[arg(long, value_enum, default_value_t = SetViewArg::Overview)]
    view: SetViewArg,

    /// From where, as JSON or as a file of it: {"position": [x, y, z], "yaw", "pitch", "fov_y", "focus"}
    #[arg(long, value_name = "FILE|JSON", conflicts_with = "view")]
    camera: Option<OsString>,

    #[command(flatten)]
    view_args: ViewArgs,

    /// Leave out names and legend
    #[arg(long)]
    no_overlay: bool,

    /// Print one JSON document about the picture
    #[arg(long)]
    json: bool,
}

/// A set view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SetViewArg {
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

impl From<SetViewArg> for SetView {
    fn from(view: SetViewArg) -> Self {
        match view {
            SetViewArg::Overview => Self::Overview,
            SetViewArg::Front => Self::Front,
            SetViewArg::Top => Self::Top,
            SetViewArg::Grazing => Self::Grazing,
            SetViewArg::Close => Self::Close,
        }
    }
}

/// Width and height in pixels, at least 1 each, written as `1280x720`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PictureSize(pub [u32; 2]);

impl std::str::FromStr for PictureSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let edges = text.split_once(['x', '×']).and_then(|(w, h)| Some([w.parse().ok()?, h.parse().ok()?]));
        edges.filter(|edges| !edges.contains(&0)).map(Self).ok_or_else(|| "write it as 1280x720".to_owned())
    }
}

/// The JSON document. Scripts depend on its keys.
#[derive(Serialize)]
struct RenderReport<'a> {
    file: &'a Path,
    width: u32,
    height: u32,
    adapter: String,
    /// Number of cells in all scenes.
    cells: u64,
    /// Milliseconds that the scenes took to draw.
    frame_ms: f64,
}

/// Draws the still, writes it and prints a report.
///
/// # Errors
///
/// If a recording cannot be read or lacks something that an option names, there is no graphics device, or the
/// picture cannot be written.
pub fn run(args: &RenderArgs) -> anyhow::Result<()> {
    let sources = args.runs.iter().map(|run| format::open(run)).collect::<Result<Vec<_>, _>>()?;
    let run_b = args.query.open_run_b()?;
    let camera = args.camera.as_deref().map(read_camera).transpose()?;
    let mut views = Vec::new();
    for (run, source) in sources.iter().enumerate() {
        let sides = Sides { a: &**source, b: run_b.as_deref().unwrap_or(&**source) };
        views.extend(args.views(sides, run, camera)?);
    }
    if views.len() > columns::MAX_COLUMNS {
        bail!("{} views side by side are more than {}; draw fewer RUNs", views.len(), columns::MAX_COLUMNS);
    }
    let PictureSize(size) = args.size;
    let gpu = Gpu::headless()?;
    let paths = args.runs.iter().chain(&args.query.run_b);
    let names: Vec<String> = paths.map(|path| run_name(path)).collect();
    let recordings = sources.iter().chain(&run_b).map(|source| source.recording());
    let named_run = |(name, recording)| NamedRun { name, id: 0, recording };
    let runs: Vec<NamedRun> = names.iter().map(String::as_str).zip(recordings).map(named_run).collect();
    let backend = args.query.backend(&gpu);
    let still = Still::render(&gpu, &*backend, &runs, views, size, !args.no_overlay)?;
    still.save(&args.output)?;
    if args.json {
        return output::print_json(&RenderReport {
            file: &args.output,
            width: size[0],
            height: size[1],
            adapter: gpu.describe(),
            cells: still.cells,
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
            output::counted(still.cells as usize, "cell", "cells"),
            still.frame_ms,
            gpu.describe(),
        )
    })
}

impl RenderArgs {
    /// Returns the view of a run and its position among the epochs. Without a `camera` the view has that of
    /// the overview.
    ///
    /// # Errors
    ///
    /// If the recording lacks the epoch, a layer or a unit that the options name.
    fn view(
        &self,
        recording: &Recording,
        camera: Option<Camera>,
    ) -> anyhow::Result<(ViewState, EpochPosition)> {
        let (position, number) = self.query.resolve_epoch(recording)?;
        let overview = || Camera::set_view(SetView::Overview, &Layout::new(recording, 1.0), 1.0);
        let mut view = ViewState::new(camera.unwrap_or_else(overview), number);
        view.query = self.query.query(self.runs.len());
        self.view_args.apply(&mut view, recording, position)?;
        Ok((view, position))
    }

    /// Returns the view of a run.
    #[cfg(test)]
    pub(super) fn view_of(&self, recording: &Recording) -> anyhow::Result<ViewState> {
        let camera = self.camera.as_deref().map(read_camera).transpose()?;
        Ok(self.view(recording, camera)?.0)
    }

    /// Returns the views to draw of one run: sides A and B alone with `--with-sides`, then the query. `run`
    /// is the index of the run of side A.
    ///
    /// # Errors
    ///
    /// If a recording lacks the epoch, a layer or a unit that the options name.
    fn views<'a>(
        &self,
        sides: Sides<'a>,
        run: usize,
        camera: Option<Camera>,
    ) -> anyhow::Result<Vec<StillView<'a>>> {
        let recording = sides.a.recording();
        let (view, position) = self.view(recording, camera)?;
        let (set_view, number) = (camera.is_none().then(|| self.view.into()), view.epoch);
        let mut views = Vec::new();
        if self.with_sides
            && let Some(minus) = view.query.minus.clone()
        {
            let one_side = |select| Query { select, minus: None, run_b: None, ..view.query.clone() };
            let a = ViewState { query: one_side(view.query.select.clone()), ..view.clone() };
            views.push(StillView { sides: Sides::one(sides.a), run, view: a, set_view, position });
            let b = ViewState { query: one_side(minus), ..view.clone() };
            let recording_b = sides.b.recording();
            let number = EpochRef::from_number(number);
            // An epoch of its own takes precedence.
            let position = match b.query.select.epoch.unwrap_or(number).resolve(recording_b) {
                Ok(position) => position,
                Err(error) => bail!("in the run that is subtracted: {error}"),
            };
            let run = view.query.run_b.unwrap_or(run);
            views.push(StillView { sides: Sides::one(sides.b), run, view: b, set_view, position });
        }
        views.push(StillView { sides, run, view, set_view, position });
        Ok(views)
    }
}

/// Returns the name of a run: that of its folder.
fn run_name(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// Parses a camera from JSON, or from the file that `argument` names.
///
/// # Errors
///
/// If the file cannot be read, it is not JSON of a camera, or a number is outside its range.
fn read_camera(argument: &OsStr) -> anyhow::Result<Camera> {
    let path = Path::new(argument);
    let (text, name) = match argument.to_str().filter(|text| text.trim_start().starts_with('{')) {
        Some(text) => (text.to_owned(), "--camera".to_owned()),
        None => {
            let text = std::fs::read_to_string(path);
            (text.with_context(|| format!("cannot read {}", path.display()))?, path.display().to_string())
        }
    };
    let camera: Camera = serde_json::from_str(&text).with_context(|| format!("{name} is no camera"))?;
    if !camera.is_valid() {
        bail!(
            "{name} is no camera: numbers must be finite, pitch within ±π/2, fov_y in (0, 3), focus positive, \
             clear in [0, 1)"
        );
    }
    Ok(camera)
}
