//! The time from a click on a class to the finished picture of that class, in a window with its panels.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::app::offscreen::Offscreen;
use crate::engine::Gpu;
use crate::engine::bench::quantile;
use crate::files::TemporaryFolder;
use crate::format::{SynthOptions, synth};
use crate::model::{ClassRef, Selection, Term};

const INPUTS: usize = 10_000;
const UNITS: usize = 9_354;
const CLASSES: usize = 10;
const SIZE: [u32; 2] = [1280, 720];
/// Number of clicks on each class.
const ROUNDS: usize = 3;
/// Time between two classes while the pointer is dragged over their list.
const DRAG_PERIOD: Duration = Duration::from_millis(50);
/// Number of classes that the pointer is dragged over.
const DRAGGED_CLASSES: usize = 40;
/// Longest time to wait for a picture.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The report.
#[derive(Serialize)]
pub struct ClickReport {
    inputs: usize,
    units: usize,
    /// Milliseconds of a frame of the window in which the scene is drawn.
    frame_ms: f64,
    /// Milliseconds from the click to the end of the frame that shows its class.
    ms: ClickTimes,
    /// The median of these, divided by `frame_ms`.
    frames: f64,
    drag: DragReport,
}

/// Milliseconds of clicks.
#[derive(Serialize)]
struct ClickTimes {
    median: f64,
    p99: f64,
}

/// The report on dragging over classes.
#[derive(Serialize)]
struct DragReport {
    classes: usize,
    pace_ms: f64,
    /// Number of classes that were drawn before the next one was selected.
    in_time: usize,
    /// The longest frame, in which the window did not respond.
    longest_frame_ms: f64,
}

/// Measures on a synthetic recording in half precision. It has just been written, so that it is in the page
/// cache.
///
/// # Errors
///
/// If the recording cannot be written, there is no graphics device, or a picture takes longer than 60 s.
pub fn measure() -> anyhow::Result<ClickReport> {
    let folder = TemporaryFolder::new().context("cannot make a folder for the measurement")?;
    let run = folder.path().join("run");
    let options =
        SynthOptions { units: UNITS, inputs: INPUTS, classes: CLASSES, epochs: 2, ..SynthOptions::default() };
    synth(&run, &options, &mut |_, _| {})?;
    let mut window = Offscreen::open(Gpu::headless()?, &[run], SIZE);
    ensure!(window.wait_until(TIMEOUT, |window| window.is_settled(0))?, "the made-up recording is not shown");

    let mut frames = Vec::new();
    for turn in 0..20 {
        if let Some(view) = window.view(0) {
            view.haze = turn % 2 == 0;
        }
        frames.push(ms(|| window.frame()));
    }
    // Other inputs each time, so that nothing is cached.
    let mut selected = 0;
    let mut select_next = |window: &mut Offscreen| {
        if let Some(view) = window.view(0) {
            let class = Term::Class(vec![ClassRef::Id((selected % CLASSES) as i64)]);
            let inputs = Term::Input((selected / CLASSES..=INPUTS - 1).into());
            view.query.select = Selection { terms: vec![class, inputs], epoch: None };
        }
        selected += 1;
    };
    let mut clicks = Vec::new();
    for click in 0..=ROUNDS * CLASSES {
        let start = Instant::now();
        select_next(&mut window);
        window.frame();
        ensure!(window.wait_until(TIMEOUT, |window| window.is_settled(0))?, "a class is not shown");
        // The first one compiles shaders.
        if click > 0 {
            clicks.push(start.elapsed().as_secs_f64() * 1e3);
        }
        // Lets the other epochs load, as between two clicks of a user.
        window.wait_until(Duration::from_millis(100), |_| false)?;
    }
    let (mut in_time, mut longest) = (0, 0.0_f64);
    for _ in 0..DRAGGED_CLASSES {
        let end = Instant::now() + DRAG_PERIOD;
        select_next(&mut window);
        longest = longest.max(ms(|| window.frame()));
        let remaining = end.saturating_duration_since(Instant::now());
        in_time += usize::from(window.wait_until(remaining, |window| window.is_settled(0))?);
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
    }
    clicks.sort_by(f64::total_cmp);
    frames.sort_by(f64::total_cmp);
    let (frame_ms, click) = (quantile(&frames, 0.5), quantile(&clicks, 0.5));
    Ok(ClickReport {
        inputs: INPUTS,
        units: UNITS,
        frame_ms,
        ms: ClickTimes { median: click, p99: quantile(&clicks, 0.99) },
        frames: click / frame_ms,
        drag: DragReport {
            classes: DRAGGED_CLASSES,
            pace_ms: DRAG_PERIOD.as_secs_f64() * 1e3,
            in_time,
            longest_frame_ms: longest,
        },
    })
}

impl ClickReport {
    /// Formats the report for people.
    pub fn summary(&self) -> String {
        format!(
            "click on one of {CLASSES} classes, {} inputs × {} units in half precision: {:.0} ms to the picture \
             (p99 {:.0}), {:.1} frames of {:.0} ms\ndrawn through {} classes, {:.0} ms each: {} shown in time, \
             longest frame {:.0} ms",
            self.inputs,
            self.units,
            self.ms.median,
            self.ms.p99,
            self.frames,
            self.frame_ms,
            self.drag.classes,
            self.drag.pace_ms,
            self.drag.in_time,
            self.drag.longest_frame_ms,
        )
    }
}

/// Runs `work` and returns its milliseconds.
fn ms(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
