//! `dnnviz [RUN]…`: the window; stills where there is no display.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::{demo, output};
use crate::app::{self, WindowExit};
use crate::engine::{Gpu, aggregate};
use crate::export::{Still, StillView};
use crate::format;
use crate::model::columns::MAX_COLUMNS;
use crate::model::workspace::Workspace;
use crate::model::{Camera, EpochRef, Layout, Selection, SetView, ViewState};
use crate::stats::Sides;

/// The input of the demo that is shown at first: a 3, which the network learns to recognise.
const DEMO_INPUT: usize = 8;

/// Opens a window on `runs`, on the workspace if the only one is a JSON file, or on the bundled recording if
/// there are none. Without a display, draws pictures into the current folder instead.
///
/// # Errors
///
/// If there are more than [`MAX_COLUMNS`] runs, none can be opened, or nothing can be drawn.
pub fn run(runs: &[PathBuf]) -> anyhow::Result<()> {
    if let [file] = runs
        && file.is_file()
        && file.extension().is_some_and(|extension| extension == "json")
        && file.file_name().is_none_or(|name| name != "manifest.json")
    {
        let workspace = app::read_view(file)?;
        let paths = workspace.runs.iter().map(PathBuf::from).collect();
        return open(paths, Some(workspace), None);
    }
    let paths = match runs {
        // An input whose picture and prediction can be read.
        [] => return open(vec![demo::path()?], None, Some(Selection::input(DEMO_INPUT))),
        _ if runs.len() > MAX_COLUMNS => {
            bail!("a window shows at most {MAX_COLUMNS} runs side by side, {} were given", runs.len())
        }
        _ => runs.to_vec(),
    };
    open(paths, None, None)
}

/// Opens a window, or draws its first pictures if there is no display.
fn open(paths: Vec<PathBuf>, workspace: Option<Workspace>, select: Option<Selection>) -> anyhow::Result<()> {
    match app::run(paths.clone(), workspace, select.clone())? {
        WindowExit::Closed => Ok(()),
        WindowExit::NoDisplay(reason) => without_display(&paths, &select.unwrap_or_default(), &reason),
    }
}

/// Draws the first picture of each run into the current folder, and prints the paths of the files and
/// `reason`.
fn without_display(paths: &[PathBuf], select: &Selection, reason: &str) -> anyhow::Result<()> {
    let gpu = Gpu::headless()?;
    let mut files = Vec::with_capacity(paths.len());
    for (path, name) in paths.iter().zip(app::names(paths)) {
        let file = PathBuf::from(format!("dnnviz-{}.png", name.replace('/', "-")));
        first_picture(&gpu, path, select)?.save(&file)?;
        files.push(std::path::absolute(&file).unwrap_or(file));
    }
    output::print(|out| {
        writeln!(out, "There is no display for a window ({reason}).")?;
        match files.as_slice() {
            [file] => writeln!(out, "Here is the picture instead: {}", file.display()),
            files => {
                writeln!(out, "Here are the pictures instead:")?;
                files.iter().try_for_each(|file| writeln!(out, "  {}", file.display()))
            }
        }
    })
}

/// Draws the first picture of a window on the run at `path`.
fn first_picture(gpu: &Gpu, path: &Path, select: &Selection) -> anyhow::Result<Still> {
    let source = format::open(path)?;
    let recording = source.recording();
    let position = EpochRef::Last.resolve(recording)?;
    let camera = Camera::set_view(SetView::Overview, &Layout::new(recording, 1.0), 1.0);
    let mut view = ViewState::new(camera, position.number(recording));
    view.query.select = select.clone();
    let sides = Sides::one(&*source);
    let view = StillView { sides, run: 0, view, set_view: Some(SetView::Overview), position };
    Ok(Still::render(gpu, &*aggregate::backend(gpu), &[], vec![view], [1280, 720], true)?)
}
