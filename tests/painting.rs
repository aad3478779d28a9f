//! A frame paints only what it changes: what is on the window afterwards is what painting all of it
//! would give, pixel by pixel but for the rounding of cut-off triangles, whatever was done.

mod support;

use std::path::Path;
use std::time::Duration;

use dnnviz::app::offscreen::Offscreen;
use egui::{Event, Key, Modifiers, MouseWheelUnit, PointerButton, TouchPhase, pos2, vec2};

const SIZE: [u32; 2] = [1280, 800];
/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn window(scale: f32) -> Option<Offscreen> {
    let gpu = support::gpu()?;
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo");
    let mut window = Offscreen::open(gpu, &[demo], SIZE).at_scale(scale);
    settle(&mut window);
    Some(window)
}

fn settle(window: &mut Offscreen) {
    window.frame();
    let all = |window: &Offscreen| (0..window.columns()).all(|column| window.is_settled(column));
    assert!(window.until(PATIENCE, all).expect("it goes on"), "what is asked for did not come");
    window.frame();
}

#[track_caller]
fn check(window: &mut Offscreen, what: &str) {
    let painted = window.picture().expect("the device is there");
    let anew = window.picture_anew().expect("the device is there");
    let pixels = painted.chunks_exact(4).zip(anew.chunks_exact(4));
    // The smallest step is rounding: cut off elsewhere, a triangle's colours are interpolated otherwise.
    let differ = |(a, b): (&[u8], &[u8])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 1);
    let other: Vec<usize> = pixels.enumerate().filter(|(_, pair)| differ(*pair)).map(|(at, _)| at).collect();
    let first = other.first().map(|at| (at % SIZE[0] as usize, at / SIZE[0] as usize));
    assert!(other.is_empty(), "{what}: {} pixels are not as they should be, first {first:?}", other.len());
}

/// Moves, clicks, scrolls, presses keys and gives commands all over the window, and checks every frame.
fn session(scale: f32) {
    let Some(mut window) = window(scale) else { return };
    check(&mut window, "at first");
    let [width, height] = SIZE.map(|pixels| pixels as f32 / scale);
    let at =
        |column: u32, row: u32| pos2(width * (column as f32 + 0.5) / 8.0, height * (row as f32 + 0.5) / 6.0);
    for (column, row) in (0..6).flat_map(|row| (0..8).map(move |column| (column, row))) {
        window.give(Event::PointerMoved(at(column, row)));
        check(&mut window, &format!("pointing at {:?}", at(column, row)));
        if (column + row) % 3 == 0 {
            let scroll = Event::MouseWheel {
                unit: MouseWheelUnit::Point,
                delta: vec2(0.0, -40.0),
                phase: TouchPhase::Move,
                source: egui::MouseWheelSource::Unknown,
                modifiers: Modifiers::NONE,
            };
            window.give(scroll);
            check(&mut window, &format!("scrolling at {:?}", at(column, row)));
        }
    }
    for key in
        [Key::ArrowRight, Key::ArrowLeft, Key::End, Key::Home, Key::F1, Key::Escape, Key::F10, Key::F10]
    {
        window.press(key);
        check(&mut window, &format!("{key:?}"));
        settle(&mut window);
        check(&mut window, &format!("after {key:?}"));
    }
    for digit in [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num3, Key::Plus, Key::Minus] {
        window.press_with(Modifiers::COMMAND, digit);
        check(&mut window, &format!("Ctrl {digit:?}"));
        settle(&mut window);
        check(&mut window, &format!("after Ctrl {digit:?}"));
    }
    for command in
        ["show class 3", "duplicate", "minus class 5", "colours: cividis", "dark or light", "remove"]
    {
        window.press_with(Modifiers::COMMAND, Key::K);
        check(&mut window, "the command box");
        window.give(Event::Text(command.to_owned()));
        check(&mut window, &format!("typing {command}"));
        window.press(Key::Enter);
        check(&mut window, command);
        settle(&mut window);
        check(&mut window, &format!("after {command}"));
    }
    // Pins what is in the middle of the scene, drags the camera about, and drags a box of text.
    for (from, to) in [((4, 2), (4, 2)), ((4, 2), (5, 3)), ((0, 1), (1, 3)), ((7, 2), (7, 3))] {
        let (from, to) = (at(from.0, from.1), at(to.0, to.1));
        let button = |pos, pressed| Event::PointerButton {
            pos,
            button: PointerButton::Primary,
            pressed,
            modifiers: Modifiers::NONE,
        };
        for event in [
            Event::PointerMoved(from),
            button(from, true),
            Event::PointerMoved(from.lerp(to, 0.5)),
            Event::PointerMoved(to),
            button(to, false),
        ] {
            window.give(event);
            check(&mut window, &format!("dragging from {from:?} to {to:?}"));
        }
        settle(&mut window);
        check(&mut window, "after dragging");
    }
}

#[test]
fn a_frame_painted_in_part_is_the_frame() {
    session(1.0);
}

#[test]
fn a_frame_painted_in_part_is_the_frame_at_another_scale() {
    session(1.5);
}
