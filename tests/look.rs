//! How the panels look, on the demo: a few parts of the window against pictures that were looked at. Where
//! they are meant to look otherwise, `UPDATE_SNAPSHOTS=1 cargo test --test look` draws these anew.

mod support;

use std::path::Path;
use std::time::Duration;

use dnnviz::app::offscreen::Offscreen;
use dnnviz::model::{Pin, UnitIndex};
use egui::{Event, Key, Modifiers, pos2};
use egui_kittest::{SnapshotOptions, try_image_snapshot_options};
use image::RgbaImage;
use image::imageops::crop_imm;

const SIZE: [u32; 2] = [1280, 800];
/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Left, top, width and height of what is compared.
const SIDE: [u32; 4] = [992, 34, 288, 666];
const LAYERS: [u32; 4] = [0, 476, 545, 228];
const UNIT: [u32; 4] = [546, 476, 445, 228];
const TRAINING: [u32; 4] = [0, 709, 1280, 70];
const POINTED: [u32; 4] = [340, 110, 260, 160];
const COMMANDS: [u32; 4] = [340, 56, 600, 250];

fn window() -> Option<Offscreen> {
    let gpu = support::gpu()?;
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let mut window = Offscreen::open(gpu, &[demo], SIZE);
    window.frame();
    assert!(window.wait_until(PATIENCE, |window| window.is_settled(0)).expect("it goes on"));
    let pin = Pin { layer: "features.8".to_owned(), unit: UnitIndex(205) };
    window.view(0).expect("it is open").pins.push(pin.clone());
    window.frame();
    let told = |window: &Offscreen| window.unit_profile(0, &pin).is_some() && window.layer_stats(0).is_some();
    assert!(window.wait_until(PATIENCE, told).expect("it goes on"), "what is told of the unit did not come");
    // Pictures of the inputs come last.
    window.wait_until(Duration::from_millis(800), |_| false).expect("it goes on");
    // Charts find their bounds by the frame before.
    (0..4).for_each(|_| window.frame());
    Some(window)
}

/// Compares parts of the window with the pictures of their names.
#[track_caller]
fn compare(window: &Offscreen, parts: &[(&str, [u32; 4])]) {
    let pixels = window.picture().expect("the device is there");
    let picture = RgbaImage::from_raw(SIZE[0], SIZE[1], pixels).expect("as many pixels");
    // Drivers round the edges of glyphs and lines differently: some steps of 255 are no other picture.
    let options = SnapshotOptions::new().threshold(30.0).max_failed_pixels(20);
    let other: Vec<String> = parts
        .iter()
        .filter_map(|(name, [left, top, width, height])| {
            let part = crop_imm(&picture, *left, *top, *width, *height).to_image();
            try_image_snapshot_options(&part, *name, &options).err().map(|error| format!("{name}: {error}"))
        })
        .collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
}

#[test]
fn panels_look_as_they_were_approved() {
    let Some(mut window) = window() else { return };
    compare(&window, &[("input", SIDE), ("layers", LAYERS), ("unit", UNIT), ("training", TRAINING)]);
    window.press_with(Modifiers::COMMAND, Key::Num2);
    window.frame();
    compare(&window, &[("options", SIDE)]);
    window.send_event(Event::PointerMoved(pos2(384.0, 188.0)));
    compare(&window, &[("pointing", POINTED)]);
    window.press_with(Modifiers::COMMAND, Key::K);
    window.frame();
    window.send_event(Event::Text("colours".to_owned()));
    window.frame();
    compare(&window, &[("commands", COMMANDS)]);
}
