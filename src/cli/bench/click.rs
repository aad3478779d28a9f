//! From a click on a class to the picture that shows it, in a whole window.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Serialize;

use crate::app::offscreen::Offscreen;
use crate::engine::Gpu;
use crate::engine::bench::quantile;
use crate::format::{SynthOptions, synth};
use crate::model::{Selection, Term};

const INPUTS: usize = 10_000;
const UNITS: usize = 9_354;
const CLASSES: usize = 10;
const SIZE: [u32; 2] = [1280, 720];
/// How often each class is clicked at.
const ROUNDS: usize = 3;
/// From class to class while a hand is drawn through their list: quicker than anyone looks.
const PACE: Duration = Duration::from_millis(50);
const DRAGGED: usize = 40;
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Serialize)]
pub struct Clicks {
    inputs: usize,
    units: usize,
    /// How long one picture of the window takes when the scene is drawn anew.
    frame_ms: f64,
    /// From the click to the end of the picture that shows its class.
    ms: Times,
    /// The median of these by the time of a frame.
    frames: f64,
    drag: Drag,
}

#[derive(Serialize)]
struct Times {
    median: f64,
    p99: f64,
}

#[derive(Serialize)]
struct Drag {
    classes: usize,
    pace_ms: f64,
    /// How many of the classes were shown before the next one was asked for.
    in_time: usize,
    /// The longest that the window was kept from the hand.
    longest_frame_ms: f64,
}

/// Measures on a made-up recording in half precision that was just written, and so lies in memory.
pub fn measure() -> anyhow::Result<Clicks> {
    let folder = tempfile::tempdir().context("cannot make a folder for the measurement")?;
    let run = folder.path().join("run");
    let options =
        SynthOptions { units: UNITS, inputs: INPUTS, classes: CLASSES, epochs: 2, ..SynthOptions::default() };
    synth(&run, &options, &mut |_, _| {})?;
    let mut window = Offscreen::open(Gpu::headless()?, &[run], SIZE);
    ensure!(
        window.wait_until(PATIENCE, |window| window.is_settled(0))?,
        "the made-up recording is not shown"
    );

    let mut frames = Vec::new();
    for turn in 0..20 {
        if let Some(view) = window.view(0) {
            view.haze = turn % 2 == 0;
        }
        frames.push(ms(|| window.frame()));
    }
    // Other inputs each time, so that nothing has been read before.
    let mut nth = 0;
    let mut next = |window: &mut Offscreen| {
        if let Some(view) = window.view(0) {
            let class = Term::Class(vec![(nth % CLASSES).to_string()]);
            let inputs = Term::Input((nth / CLASSES..=INPUTS - 1).into());
            view.query.select = Selection { terms: vec![class, inputs], epoch: None };
        }
        nth += 1;
    };
    let mut clicks = Vec::new();
    for click in 0..=ROUNDS * CLASSES {
        let start = Instant::now();
        next(&mut window);
        window.frame();
        ensure!(window.wait_until(PATIENCE, |window| window.is_settled(0))?, "a class is not shown");
        // The first one compiles what the others need.
        if click > 0 {
            clicks.push(start.elapsed().as_secs_f64() * 1e3);
        }
        // Let the other epochs be read, as they are while a person looks.
        window.wait_until(Duration::from_millis(100), |_| false)?;
    }
    let (mut in_time, mut longest) = (0, 0.0_f64);
    for _ in 0..DRAGGED {
        let end = Instant::now() + PACE;
        next(&mut window);
        longest = longest.max(ms(|| window.frame()));
        let shown =
            window.wait_until(end.saturating_duration_since(Instant::now()), |it| it.is_settled(0))?;
        in_time += usize::from(shown);
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
    }
    clicks.sort_by(f64::total_cmp);
    frames.sort_by(f64::total_cmp);
    let (frame_ms, click) = (quantile(&frames, 0.5), quantile(&clicks, 0.5));
    Ok(Clicks {
        inputs: INPUTS,
        units: UNITS,
        frame_ms,
        ms: Times { median: click, p99: quantile(&clicks, 0.99) },
        frames: click / frame_ms,
        drag: Drag {
            classes: DRAGGED,
            pace_ms: PACE.as_secs_f64() * 1e3,
            in_time,
            longest_frame_ms: longest,
        },
    })
}

impl Clicks {
    /// For people.
    pub fn told(&self) -> String {
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

fn ms(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64() * 1e3
}
