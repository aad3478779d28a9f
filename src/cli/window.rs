//! `dnnviz [RUN]`: the window; a still where there is no display.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::output;
use super::render::{self, Part};
use crate::app::{self, Ended};
use crate::engine::Gpu;
use crate::model::{Camera, EpochRef, Layout, SetView, ViewState};
use crate::stats::Sides;

/// The recording that is shown when none is named, in the source.
const DEMO: &str = "assets/demo";

/// The same, beside the folder of an installed program.
const INSTALLED_DEMO: &str = "share/dnnviz/demo";

pub fn run(runs: &[PathBuf]) -> anyhow::Result<()> {
    let path = match runs {
        [] => demo()?,
        [path] => path.clone(),
        _ => bail!("the window shows one RUN, {} were given", runs.len()),
    };
    match app::run(path.clone())? {
        Ended::Closed => Ok(()),
        Ended::NoDisplay(reason) => without_display(&path, &reason),
    }
}

/// The bundled recording: beside the program, where it is installed, else where it was built.
fn demo() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe().ok();
    let folder = program.as_deref().and_then(Path::parent);
    let beside = folder.map(|folder| folder.join(DEMO));
    let installed = folder.and_then(Path::parent).map(|prefix| prefix.join(INSTALLED_DEMO));
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join(DEMO);
    beside
        .into_iter()
        .chain(installed)
        .chain([built])
        .find(|path| path.join("manifest.json").is_file())
        .context("the bundled demo is missing; name a RUN, as in `dnnviz runs/mnist`")
}

/// Draws the picture that the window would open with into the current folder, and says where and
/// why.
fn without_display(path: &Path, reason: &str) -> anyhow::Result<()> {
    let source = super::open(path)?;
    let recording = source.recording();
    let position = EpochRef::Last.resolve(recording)?;
    let gpu = Gpu::headless()?;
    let camera = Camera::set_view(SetView::Overview, &Layout::new(recording), 1.0);
    let view = ViewState::new(camera, position.number(recording));
    let sides = Sides::one(&*source);
    let part = Part { sides, own: 0, view, set_view: Some(SetView::Overview), position };
    let (still, _) = render::still(&gpu, &[], vec![part], [1280, 720], true)?;
    let name = path.file_name().map_or_else(|| "run".into(), |name| name.to_string_lossy().into_owned());
    let file = PathBuf::from(format!("dnnviz-{name}.png"));
    still.save(&file)?;
    let shown = std::path::absolute(&file).unwrap_or(file);
    output::print(|out| {
        writeln!(out, "There is no display for a window ({reason}).")?;
        writeln!(out, "Here is the picture instead: {}", shown.display())
    })
}
