//! The timeline, driven by keys, pointer and accessible names.

use egui::{Key, Modifiers, Pos2, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::{HEIGHT, Timeline, handle_keys};
use crate::model::{Recording, ViewState};
use crate::ui::playback::{Epochs, Playback};
use crate::ui::style::Palette;
use crate::ui::testing::{self, TestWindow};

struct State {
    recording: Recording,
    epochs: Epochs,
    view: ViewState,
    playback: Playback,
    live: bool,
}

type Window = TestWindow<State>;

/// The timeline alone, over epochs 0…9 of which 7 is the best.
fn window(width: f32, live: bool) -> Window {
    let mut recording = testing::recording();
    recording.epochs = (0..10)
        .map(|number| crate::model::Epoch {
            number,
            accuracy: Some(if number == 7 { 99.0 } else { 10.0 * number as f64 }),
            ..Default::default()
        })
        .collect();
    let mut state = State {
        epochs: Epochs::new(&recording),
        view: testing::view(&recording),
        playback: Playback::default(),
        recording,
        live,
    };
    state.playback.following = false;
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let (now, step) = ui.input(|input| (input.time, f64::from(input.stable_dt)));
        if ui.memory(|memory| memory.focused()).is_none() {
            handle_keys(ui, &state.epochs, &state.view, &mut state.playback);
        }
        state.view.epoch = state.playback.update(&state.epochs, state.view.epoch, now, step, true);
        let timeline = Timeline {
            recording: &state.recording,
            epochs: &state.epochs,
            ready: &[],
            live: state.live,
            reduced_motion: true,
            palette: Palette::of(state.view.theme),
        };
        timeline.show(ui, &mut state.view, &mut state.playback);
    };
    TestWindow::open(vec2(width, HEIGHT + 16.0), state, show)
}

fn marked(window: &Window) -> Option<(f64, f64)> {
    let state = window.state();
    state.playback.range(&state.epochs).map(|range| (range.first, range.last))
}

/// Returns the position of an epoch on the slider, at its middle height.
fn at(window: &Window, epoch: f32) -> Pos2 {
    let rect = window.get_by_label("Epoch").rect();
    pos2(rect.left() + 8.0 + epoch / 9.0 * (rect.width() - 16.0), rect.center().y)
}

#[test]
fn buttons_and_keys_go_to_the_first_the_best_and_the_last_epoch() {
    let mut window = window(1280.0, false);
    for (name, epoch) in [("First epoch", 0.0), ("Best epoch", 7.0), ("Last epoch", 9.0)] {
        window.click(name);
        assert_eq!(window.state().view.epoch, epoch, "{name}");
    }
    for (key, epoch) in [(Key::OpenBracket, 0.0), (Key::B, 7.0), (Key::CloseBracket, 9.0)] {
        window.press(key);
        assert_eq!(window.state().view.epoch, epoch, "{key:?}");
    }
    let state = window.state_mut();
    state.recording.epochs.iter_mut().for_each(|epoch| epoch.accuracy = None);
    state.epochs = Epochs::new(&state.recording);
    window.run();
    assert!(window.is_disabled("Best epoch"), "nothing tells which");
    window.press(Key::B);
    assert_eq!(window.state().view.epoch, 9.0);
}

#[test]
fn keys_mark_a_range_and_escape_on_the_slider_clears_it() {
    let mut window = window(1280.0, false);
    window.state_mut().view.epoch = 3.0;
    window.press(Key::I);
    assert_eq!(marked(&window), Some((3.0, 9.0)));
    window.state_mut().view.epoch = 6.0;
    window.press(Key::O);
    assert_eq!(marked(&window), Some((3.0, 6.0)));
    window.get_by_value("epochs 3–6");
    window.press(Key::Escape);
    assert!(marked(&window).is_some(), "Escape elsewhere is for others");
    window.focus("Epoch");
    window.press(Key::ArrowLeft);
    assert_eq!(window.state().view.epoch, 5.0, "arrows are the slider's");
    window.press(Key::O);
    assert_eq!(marked(&window), Some((3.0, 5.0)));
    window.press(Key::Escape);
    assert_eq!(marked(&window), None);
    assert!(window.get_by_label("Epoch").is_focused());
    assert!(window.query_by_value("epochs 3–5").is_none());
}

#[test]
fn a_drag_with_shift_marks_and_leaves_the_epoch_alone() {
    let mut window = window(1280.0, false);
    let (from, to) = (at(&window, 8.1), at(&window, 2.2));
    window.drag(Modifiers::SHIFT, &[from, from + 0.3 * (to - from), to], |_| ());
    assert_eq!((marked(&window), window.state().view.epoch), (Some((2.0, 8.0)), 9.0));
    let (from, to) = (at(&window, 9.0), at(&window, 4.0));
    window.drag(Modifiers::NONE, &[from, from + 0.3 * (to - from), to], |_| ());
    assert_eq!((marked(&window), window.state().view.epoch), (Some((2.0, 8.0)), 4.0), "scrubbed as ever");
    window.click("Clear range");
    assert_eq!(marked(&window), None);
}

#[test]
fn the_ends_of_a_range_are_dragged_and_do_not_pass_each_other() {
    let mut window = window(1280.0, false);
    let epochs = window.state().epochs.clone();
    window.state_mut().playback.mark(2.0, 8.0, &epochs);
    window.run();
    let end = |window: &Window, name: &str| window.get_by_label(name).rect().center();
    let from = end(&window, "Range start");
    let to = pos2(at(&window, 4.1).x, from.y);
    window.drag(Modifiers::NONE, &[from, from + 0.3 * (to - from), to], |_| ());
    assert_eq!(marked(&window), Some((4.0, 8.0)));
    let from = end(&window, "Range end");
    let to = pos2(at(&window, 1.0).x, from.y);
    window.drag(Modifiers::NONE, &[from, from + 0.3 * (to - from), to], |_| ());
    assert_eq!(marked(&window), Some((4.0, 5.0)));
    assert_eq!(window.state().view.epoch, 9.0, "the epoch stays");
}

#[test]
fn a_screen_reader_marks_a_range() {
    let mut window = window(1280.0, false);
    let value = |window: &Window, name: &str| window.get_by_label(name).accesskit_node().numeric_value();
    assert_eq!((value(&window, "Range start"), value(&window, "Range end")), (Some(0.0), Some(9.0)));
    window.get_by_label("Range start").set_value_accesskit(3.0);
    window.run();
    assert_eq!(marked(&window), Some((3.0, 9.0)));
    assert_eq!(value(&window, "Range start"), Some(3.0));
    window.focus("Range end");
    window.press(Key::ArrowLeft);
    window.press(Key::ArrowLeft);
    assert_eq!(marked(&window), Some((3.0, 7.0)));
    assert_eq!(window.state().view.epoch, 9.0, "the arrows are the handle's");
    window.press(Key::Escape);
    assert_eq!(marked(&window), None);
}

#[test]
fn controls_never_overlap_at_any_width() {
    let names = [
        "First epoch",
        "Step back",
        "Play",
        "Step forward",
        "Last epoch",
        "Best epoch",
        "Epoch",
        "Follow the newest epoch",
        "Speed",
        "Loop",
    ];
    for width in [1280.0, 900.0, 760.0, 640.0, 560.0, 480.0, 400.0, 320.0, 240.0] {
        let window = window(width, true);
        let shown: Vec<_> =
            names.iter().filter_map(|name| Some((*name, window.query_by_label(name)?.rect()))).collect();
        for (name, rect) in &shown {
            assert!(rect.left() >= 0.0 && rect.right() <= width, "{name} at {width}: {rect}");
        }
        for pair in shown.windows(2) {
            assert!(pair[0].1.right() <= pair[1].1.left(), "{} and {} at {width}", pair[0].0, pair[1].0);
        }
        let slider = window.get_by_label("Epoch").rect().width();
        assert!(slider >= width.min(480.0) / 5.0, "{slider} of {width}");
        assert!(window.query_by_label("Play").is_some());
        assert_eq!(shown.len() == names.len(), width >= 640.0, "at {width}: {shown:?}");
    }
}
