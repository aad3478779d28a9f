//! What the panels of the window add to a frame.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;

use super::super::render::Size;
use crate::app::offscreen::Offscreen;
use crate::cli::output;
use crate::engine::Gpu;
use crate::engine::bench::quantile;
use crate::model::{Pin, UnitIndex};

const PATIENCE: Duration = Duration::from_secs(60);
/// Frames of each kind that are measured, in turns.
const FRAMES: usize = 60;

/// What the panels add to a frame
///
/// The same window with all panels open and two units pinned, and with the scene alone: laid out,
/// tessellated and drawn to its end on the device. Once while the pointer moves over a slab and the scene
/// stays as it is, and once from epoch to epoch, where the scene is drawn anew.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The recording or DNNViz dump that is shown
    run: PathBuf,

    /// Width and height of the window in pixels
    #[arg(long, value_name = "WxH", default_value = "1920x1080")]
    size: Size,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Told {
    size: [u32; 2],
    /// Milliseconds of a frame, medians.
    panels_ms: f64,
    scene_ms: f64,
    /// The panels' part, and its 99th percentile over the scene's median.
    added_ms: f64,
    added_p99_ms: f64,
    /// Of the panels' frames, the part on the window's thread: laying out and tessellating.
    laid_out_ms: f64,
    /// The frame in which the pointer comes to another cell, over one in which it rests: what it takes to
    /// find the cell and to tell of it, which is painted in the same frame.
    hover_ms: f64,
    /// Frames that show another epoch, of which everything is known; the scene alone is larger.
    step_ms: f64,
    step_scene_ms: f64,
}

pub fn run(args: &Args) -> anyhow::Result<()> {
    let Size(size) = args.size;
    let mut window = Offscreen::open(Gpu::headless()?, std::slice::from_ref(&args.run), size);
    ensure!(window.until(PATIENCE, |window| window.is_settled(0))?, "the recording is not shown");
    let pins: Vec<Pin> = window.recording().map_or_else(Vec::new, |recording| {
        let pin =
            |layer: &crate::model::Layer| Pin { layer: layer.name.clone(), unit: UnitIndex(layer.units / 2) };
        recording.layers.iter().take(2).map(pin).collect()
    });
    if let Some(view) = window.view(0) {
        view.pins.clone_from(&pins);
    }
    let told = |window: &Offscreen| {
        let known = pins.iter().all(|pin| matches!(window.unit_profile(0, pin), Some(Ok(_))));
        known && window.layer_stats(0).is_some()
    };
    window.frame();
    ensure!(window.until(PATIENCE, told)?, "what is told of the pinned units did not come");
    // Everything that comes by itself has come.
    window.until(Duration::from_millis(500), |_| false)?;
    let step = |turn: usize| [egui::Key::ArrowRight, egui::Key::ArrowLeft][turn % 2];
    for turn in 0..2 {
        window.press(step(turn));
        ensure!(window.until(PATIENCE, told)?, "what is told of another epoch did not come");
        window.until(Duration::from_millis(500), |_| false)?;
    }
    let (mut panels, mut scenes, mut rests, mut holds) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut steps, mut scene_steps) = (Vec::new(), Vec::new());
    for turn in 0..FRAMES {
        // Over the middle slabs.
        let at = egui::pos2(size[0] as f32 * (0.3 + 0.003 * turn as f32), size[1] as f32 * 0.25);
        window.longest_hold();
        panels.push(ms(|| window.give(egui::Event::PointerMoved(at))));
        holds.push(window.longest_hold().as_secs_f64() * 1e3);
        rests.push(ms(|| window.frame()));
        steps.push(ms(|| window.press(step(turn))));
        window.press(egui::Key::F10);
        // A scene of another size is drawn once.
        window.frame();
        scenes.push(ms(|| window.frame()));
        scene_steps.push(ms(|| window.press(step(turn + 1))));
        window.press(egui::Key::F10);
        window.frame();
    }
    for times in [&mut panels, &mut scenes, &mut rests, &mut holds, &mut steps, &mut scene_steps] {
        times.sort_by(f64::total_cmp);
    }
    let median = |times: &[f64]| quantile(times, 0.5);
    let scene_ms = median(&scenes);
    let told = Told {
        size,
        panels_ms: median(&panels),
        scene_ms,
        added_ms: median(&panels) - scene_ms,
        added_p99_ms: quantile(&panels, 0.99) - scene_ms,
        laid_out_ms: median(&holds),
        hover_ms: median(&panels) - median(&rests),
        step_ms: median(&steps),
        step_scene_ms: median(&scene_steps),
    };
    if args.json {
        return output::print_json(&told);
    }
    output::print(|out| {
        writeln!(
            out,
            "{} × {} · medians of {FRAMES} frames\nall panels {:.2} ms, the scene alone {:.2} ms: the panels \
             add {:.2} ms (p99 {:.2}), {:.2} ms of it laid out on the window's thread\npointing at another \
             cell adds {:.2} ms to its frame\nfrom epoch to epoch: all panels \
             {:.2} ms, the scene alone {:.2} ms",
            size[0],
            size[1],
            told.panels_ms,
            told.scene_ms,
            told.added_ms,
            told.added_p99_ms,
            told.laid_out_ms,
            told.hover_ms,
            told.step_ms,
            told.step_scene_ms
        )
    })
}

fn ms(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
