//! `dnnviz bench ui`: the time that the panels of the window add to a frame.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use serde::Serialize;

use crate::app::offscreen::Offscreen;
use crate::cli::output;
use crate::cli::render::PictureSize;
use crate::engine::Gpu;
use crate::engine::bench::quantile;
use crate::model::{Pin, UnitIndex};

/// Longest time to wait for a frame.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Number of measured frames of each kind; the kinds alternate.
const FRAMES: usize = 60;

/// What the panels add to a frame
///
/// The same window with all panels open and two units pinned, and with the scene alone: laid out,
/// tessellated and drawn to its end on the device. Once while the pointer moves over a slab and the scene
/// stays as it is, and once from epoch to epoch, where the scene is drawn anew.
#[derive(Debug, clap::Args)]
pub struct BenchUiArgs {
    /// The recording or DNNViz dump that is shown
    run: PathBuf,

    /// Width and height of the window in pixels
    #[arg(long, value_name = "WxH", default_value = "1920x1080")]
    size: PictureSize,

    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The report, with medians in milliseconds.
#[derive(Serialize)]
struct BenchUiReport {
    size: [u32; 2],
    /// A frame with all panels.
    panels_ms: f64,
    /// A frame of the scene alone.
    scene_ms: f64,
    /// The difference of the two.
    added_ms: f64,
    /// The 99th percentile of frames with all panels, less the median of the scene alone.
    added_p99_ms: f64,
    /// The part of a frame with all panels that is spent on the thread of the window, for layout and
    /// tessellation.
    laid_out_ms: f64,
    /// A frame in which the pointer moves to another cell, less one in which it rests. The cell is found and
    /// described in the frame of the move.
    hover_ms: f64,
    /// A frame in which the epoch changes, with all panels and with everything loaded.
    step_ms: f64,
    /// The same with the scene alone, which is larger then.
    step_scene_ms: f64,
}

/// Measures and prints the report.
///
/// # Errors
///
/// If the recording cannot be read, there is no graphics device, or a frame takes longer than 60 s.
pub fn run(args: &BenchUiArgs) -> anyhow::Result<()> {
    let PictureSize(size) = args.size;
    let mut window = Offscreen::open(Gpu::headless()?, std::slice::from_ref(&args.run), size);
    ensure!(window.wait_until(TIMEOUT, |window| window.is_settled(0))?, "the recording is not shown");
    let pins: Vec<Pin> = window.recording().map_or_else(Vec::new, |recording| {
        let pin =
            |layer: &crate::model::Layer| Pin { layer: layer.name.clone(), unit: UnitIndex(layer.units / 2) };
        recording.layers.iter().take(2).map(pin).collect()
    });
    if let Some(view) = window.view(0) {
        view.pins.clone_from(&pins);
    }
    let is_described = |window: &Offscreen| {
        let profiled = pins.iter().all(|pin| matches!(window.unit_profile(0, pin), Some(Ok(_))));
        profiled && window.layer_stats(0).is_some()
    };
    window.frame();
    ensure!(window.wait_until(TIMEOUT, is_described)?, "what is told of the pinned units did not come");
    // Lets everything load that the window loads on its own.
    window.wait_until(Duration::from_millis(500), |_| false)?;
    let step_key = |turn: usize| [egui::Key::ArrowRight, egui::Key::ArrowLeft][turn % 2];
    for turn in 0..2 {
        window.press(step_key(turn));
        ensure!(window.wait_until(TIMEOUT, is_described)?, "what is told of another epoch did not come");
        window.wait_until(Duration::from_millis(500), |_| false)?;
    }
    let (mut panels, mut scenes, mut rests, mut layouts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut steps, mut scene_steps) = (Vec::new(), Vec::new());
    for turn in 0..FRAMES {
        // The pointer moves over the middle slabs.
        let pointer = egui::pos2(size[0] as f32 * (0.3 + 0.003 * turn as f32), size[1] as f32 * 0.25);
        window.take_longest_block();
        panels.push(ms(|| window.send_event(egui::Event::PointerMoved(pointer))));
        layouts.push(window.take_longest_block().as_secs_f64() * 1e3);
        rests.push(ms(|| window.frame()));
        steps.push(ms(|| window.press(step_key(turn))));
        window.press(egui::Key::F10);
        // Draws the scene in its other size once, without measuring.
        window.frame();
        scenes.push(ms(|| window.frame()));
        scene_steps.push(ms(|| window.press(step_key(turn + 1))));
        window.press(egui::Key::F10);
        window.frame();
    }
    for times in [&mut panels, &mut scenes, &mut rests, &mut layouts, &mut steps, &mut scene_steps] {
        times.sort_by(f64::total_cmp);
    }
    let median = |times: &[f64]| quantile(times, 0.5);
    let scene_ms = median(&scenes);
    let report = BenchUiReport {
        size,
        panels_ms: median(&panels),
        scene_ms,
        added_ms: median(&panels) - scene_ms,
        added_p99_ms: quantile(&panels, 0.99) - scene_ms,
        laid_out_ms: median(&layouts),
        hover_ms: median(&panels) - median(&rests),
        step_ms: median(&steps),
        step_scene_ms: median(&scene_steps),
    };
    if args.json {
        return output::print_json(&report);
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
            report.panels_ms,
            report.scene_ms,
            report.added_ms,
            report.added_p99_ms,
            report.laid_out_ms,
            report.hover_ms,
            report.step_ms,
            report.step_scene_ms
        )
    })
}

/// Runs `work` and returns its milliseconds.
fn ms(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
