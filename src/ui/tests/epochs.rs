//! Moving through the epochs by slider, keys and playback, and following the newest one.

use egui::{Key, Modifiers, pos2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::{Window, window};
use crate::model::Epoch;
use crate::ui::testing::{self, TestWindow};

#[test]
fn the_slider_and_the_arrow_keys_move_the_epoch() {
    let mut window = window(testing::recording());
    window.get_by_label("Epoch").set_value_accesskit(1.0);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 1.0);
    window.key_press(Key::ArrowRight);
    window.press(Key::ArrowRight);
    assert_eq!(window.state().interface.view.epoch, 3.0);
    window.click("Step back");
    assert_eq!(window.state().interface.view.epoch, 2.0);
}

#[test]
fn dragging_the_slider_scrubs_and_rests_on_a_recorded_epoch() {
    let mut window = window(testing::recording());
    let rect = window.get_by_label("Epoch").rect();
    let at = |share: f32| pos2(rect.left() + 8.0 + share * (rect.width() - 16.0), rect.center().y);
    let mut scrubbed = 0.0;
    window
        .drag(Modifiers::NONE, &[at(0.9), at(0.4)], |window| scrubbed = window.state().interface.view.epoch);
    assert!((scrubbed - 1.6).abs() < 0.05, "between two epochs while held: {scrubbed}");
    assert_eq!(window.state().interface.view.epoch, 2.0);
}

#[test]
fn space_plays_and_pauses() {
    let mut window = window(testing::recording());
    window.key_press(Key::Space);
    window.step();
    assert!(window.state().interface.playback.playing);
    assert!(window.state().interface.view.epoch < 1.0, "it begins anew, being at the end");
    for _ in 0..8 {
        window.step();
    }
    let reached = window.state().interface.view.epoch;
    assert!(reached > 0.5, "{reached}");
    window.press(Key::Space);
    assert!(!window.state().interface.playback.playing);
}

/// Appends an epoch, as a writer does.
fn append(window: &mut TestWindow<Window>) {
    let state = window.state_mut();
    let number = state.recording.epochs.last().map_or(0, |epoch| epoch.number + 1);
    state.recording.epochs.push(Epoch { number, accuracy: Some(90.0), loss: Some(0.5), ..Epoch::default() });
    state.interface.set_recording(&state.recording);
}

const BADGE: &str = "Follow the newest epoch";

#[test]
fn the_badge_is_there_while_a_writer_is_at_work() {
    let mut window = window(testing::recording());
    assert!(window.query_by_label(BADGE).is_none());
    window.state_mut().live = true;
    window.run();
    let badge = window.get_by_label(BADGE);
    assert_eq!(badge.accesskit_node().toggled(), Some(egui::accesskit::Toggled::True));
    window.state_mut().live = false;
    window.run();
    assert!(window.query_by_label(BADGE).is_none());
}

#[test]
fn the_newest_epoch_is_followed_until_the_user_goes_elsewhere() {
    let mut window = window(testing::recording());
    window.state_mut().live = true;
    append(&mut window);
    window.step();
    assert!(window.state().interface.view.epoch < 5.0, "it glides");
    window.run();
    assert_eq!(window.state().interface.view.epoch, 5.0);

    window.click("Step back");
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 4.0, "a hand has stepped back");
    let badge = window.get_by_label(BADGE);
    assert_eq!(badge.accesskit_node().toggled(), Some(egui::accesskit::Toggled::False));

    window.click(BADGE);
    assert_eq!(window.state().interface.view.epoch, 6.0, "the badge leads to the newest");
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 7.0, "and on");
    window.click(BADGE);
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 7.0, "pressed again, it stays");

    for (key, newest) in [(Key::L, 8.0), (Key::End, 9.0)] {
        window.press(key);
        assert_eq!(window.state().interface.view.epoch, newest, "{key:?}");
        window.get_by_label("Epoch").set_value_accesskit(2.0);
        append(&mut window);
        window.run();
        assert_eq!(window.state().interface.view.epoch, 2.0, "scrubbed back");
    }
}

#[test]
fn new_epochs_are_played_too() {
    let mut window = window(testing::recording());
    window.key_press(Key::Space);
    for _ in 0..4 {
        window.step();
    }
    append(&mut window);
    let mut furthest: f64 = 0.0;
    for _ in 0..60 {
        window.step();
        furthest = furthest.max(window.state().interface.view.epoch);
    }
    assert_eq!(furthest, 5.0);
    assert!(window.state().interface.playback.playing && !window.state().interface.playback.following);
}

#[test]
fn epochs_are_added_to_a_recording_without_any() {
    let mut recording = testing::recording();
    recording.epochs.clear();
    let mut window = window(recording);
    window.state_mut().live = true;
    window.run();
    append(&mut window);
    append(&mut window);
    window.run();
    assert_eq!(window.state().interface.view.epoch, 1.0);
}
