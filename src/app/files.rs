//! The files of an open window: stored views, saved pictures, the system's dialog. Long operations run on
//! threads of their own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::event::{AppEvent, EventSender};
use super::run::{OpenRunList, Run};
use crate::engine::{Gpu, aggregate};
use crate::export::{Still, StillView};
use crate::model::workspace::Workspace;
use crate::model::{EpochRef, ViewState};
use crate::stats::Sides;
use crate::ui::NamedRun;
use crate::ui::panels::save_dialog::PictureOptions;

/// Time within which a person cannot have closed a dialog: it was never shown.
const NO_DIALOG: Duration = Duration::from_millis(400);
/// Greatest size of the file of a view, in bytes.
const MAX_VIEW_BYTES: u64 = 16 << 20;

/// Opens the system's dialog to choose the folder of a run, and sends [`AppEvent::PathChosen`], or
/// [`AppEvent::NoDialog`] where the system has none.
pub fn choose_run(beside: bool, send: &EventSender) {
    let send = Arc::clone(send);
    spawn("dialog", move || {
        let dialog = rfd::AsyncFileDialog::new().set_title("Open the folder of a run");
        let start = Instant::now();
        let path = pollster::block_on(dialog.pick_folder()).map(|folder| folder.path().to_owned());
        send(match path {
            None if start.elapsed() < NO_DIALOG => AppEvent::NoDialog,
            path => AppEvent::PathChosen { path, beside },
        });
    });
}

/// Reads the workspace in a file. The paths of its runs are resolved against the file's folder.
///
/// # Errors
/// If the file cannot be read, is too large, or holds no workspace.
pub fn read_view(path: &Path) -> Result<Workspace> {
    let length = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?.len();
    anyhow::ensure!(length <= MAX_VIEW_BYTES, "{} is too large for a view", path.display());
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut workspace = Workspace::parse(&text).with_context(|| format!("{} is no view", path.display()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    for run in &mut workspace.runs {
        *run = folder.join(&*run).display().to_string();
    }
    Ok(workspace)
}

/// Draws the scenes of `views` into a PNG file, and sends [`AppEvent::PictureSaved`]. `names` are those of the `runs`.
pub fn save_picture(
    views: &Workspace,
    names: Vec<String>,
    runs: OpenRunList,
    options: PictureOptions,
    gpu: Arc<Gpu>,
    send: EventSender,
) {
    let views = views.clone();
    spawn("picture", move || {
        let saved = draw_picture(&views, &names, &runs, &options, &gpu).map_err(|error| format!("{error:#}"));
        send(AppEvent::PictureSaved(saved));
    });
}

/// Draws the scenes of `views` into a PNG file; returns its path.
fn draw_picture(
    views: &Workspace,
    names: &[String],
    runs: &OpenRunList,
    options: &PictureOptions,
    gpu: &Gpu,
) -> Result<PathBuf> {
    let mut parts = Vec::new();
    let source = |run: usize| runs.get(run).and_then(Option::as_ref).map(|opened| &*opened.source);
    for column in &views.columns {
        let (Some(view), Some(a)) = (&column.view, source(column.run)) else { continue };
        let b = view.query.run_b.map_or(Some(a), source).context("the run that is subtracted is not open")?;
        let position = EpochRef::from_number(view.epoch).resolve(a.recording())?;
        let sides = Sides { a, b };
        let view = ViewState { theme: options.theme.unwrap_or(view.theme), ..view.clone() };
        parts.push(StillView { sides, run: column.run, view, set_view: None, position });
    }
    anyhow::ensure!(!parts.is_empty(), "there is nothing to draw yet");
    let recordings: Option<Vec<_>> =
        (0..runs.len()).map(|run| source(run).map(|source| source.recording())).collect();
    let named_runs: Vec<NamedRun> = recordings
        .unwrap_or_default()
        .into_iter()
        .zip(names)
        .map(|(recording, name)| NamedRun { name, id: 0, recording })
        .collect();
    let backend = aggregate::backend(gpu);
    let still = Still::render(gpu, &*backend, &named_runs, parts, options.size, options.overlay)?;
    still.save(&options.path)?;
    Ok(options.path.clone())
}

/// Returns a path for a picture of the first of `runs`, at which there is no file: in the folder of the user's
/// pictures, else in the home folder.
pub fn picture_path(runs: &[Run]) -> PathBuf {
    let name = runs.first().map_or("view", |run| run.name.as_str()).replace(['/', '\\'], "-");
    let folder = dirs::picture_dir().filter(|folder| folder.is_dir()).or_else(dirs::home_dir);
    unused_path(&folder.unwrap_or_default(), &name)
}

/// Returns a path in `folder` at which there is no file.
fn unused_path(folder: &Path, name: &str) -> PathBuf {
    let numbered = |number: u32| folder.join(format!("dnnviz-{name}-{number}.png"));
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| numbered(0))
}

/// Runs `job` on a thread of its own.
fn spawn(name: &str, job: impl FnOnce() + Send + 'static) {
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(job) {
        log::error!("cannot start a thread: {error}");
    }
}
