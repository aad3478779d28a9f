//! Keys: from panel to panel, and those that a focused control keeps to itself.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;

use super::{Window, perform, window};
use crate::model::{SetView, Theme};
use crate::ui::commands::ViewCommand;
use crate::ui::dock::Pane;
use crate::ui::scene::navigation::CameraTarget;
use crate::ui::testing::{self, TestWindow};

#[test]
fn a_key_goes_from_panel_to_panel() {
    let mut window = window(testing::recording());
    for panel in ["Input", "Options", "Layers", "Unit"] {
        window.press(Key::F6);
        assert!(window.get_by_label(&format!("Panel: {panel}")).is_focused(), "{panel}");
    }
    window.press_with(egui::Modifiers::SHIFT, Key::F6);
    assert!(window.get_by_label("Panel: Layers").is_focused(), "and back");
    window.press(Key::Tab);
    assert!(window.get_by_label("Layers: search").is_focused(), "the first control of the panel");
    window.press(Key::F6);
    window.press(Key::F6);
    assert!(window.ctx.memory(|memory| memory.focused()).is_none(), "the scene has the keys");
    // From a control that got the focus otherwise, it goes on from that panel.
    window.focus("Theme: Light");
    window.press(Key::F6);
    assert!(window.get_by_label("Panel: Layers").is_focused());
    window.state_mut().arrangement.enlarge(Pane::Unit);
    window.run();
    window.focus("Pin a unit");
    window.press(Key::F6);
    assert!(window.ctx.memory(|memory| memory.focused()).is_none(), "there is one panel");
    window.press(Key::F6);
    assert!(window.get_by_label("Panel: Unit").is_focused());
}

#[test]
fn home_and_end_keep_their_meaning_outside_of_text_and_lists() {
    let mut window = window(testing::recording());
    let target = |window: &TestWindow<Window>| window.state().interface.navigator.target();
    let (overview, framed) = (Some(CameraTarget::View(SetView::Overview)), Some(CameraTarget::Slab(1)));
    perform(&mut window, ViewCommand::FrameLayer(1));
    window.focus("Theme: Light");
    window.press(Key::Home);
    assert_eq!(target(&window), overview, "a button has no use for the key");

    // A table and a text field have.
    perform(&mut window, ViewCommand::FrameLayer(1));
    window.get_by_role_and_label(Role::Table, "Layers").focus();
    window.run();
    window.press(Key::Home);
    assert_eq!(target(&window), framed, "the key goes to the first row");
    window.focus("Layers: search");
    window.press(Key::Home);
    assert_eq!(target(&window), framed, "the key goes to the beginning of the line");
}

#[test]
fn groups_fold_and_unfold_by_command() {
    let mut recording = testing::recording();
    let template = recording.layers[1].clone();
    let names = ["a.0.x", "a.0.y", "a.1.x", "a.1.y"];
    recording
        .layers
        .splice(1..2, names.map(|name| crate::model::Layer { name: name.to_owned(), ..template.clone() }));
    let mut window = window(recording);
    let fold = |window: &TestWindow<Window>| window.state().interface.view.fold.clone();
    perform(&mut window, ViewCommand::FoldBy(-9));
    assert_eq!(fold(&window).depth, Some(1), "stages stay");
    perform(&mut window, ViewCommand::FoldBy(1));
    assert_eq!(fold(&window).depth, Some(2));
    // The groups are the whole network, a, a.0 and a.1.
    perform(&mut window, ViewCommand::Unfold(2));
    assert!(fold(&window).unfolded.contains("a.0"));
    let target = window.state().interface.navigator.target();
    assert_eq!(target, Some(CameraTarget::Group(1, 2)), "the camera goes there");
    perform(&mut window, ViewCommand::Fold(1));
    assert_eq!((fold(&window).folded.contains("a"), fold(&window).unfolded.len()), (true, 0));
    perform(&mut window, ViewCommand::FoldAutomatically);
    assert_eq!(fold(&window), crate::model::Fold::default());
}

#[test]
fn keys_of_a_focused_control_do_not_reach_the_scene() {
    let mut window = window(testing::recording());
    window.focus("Theme: Light");
    window.press(Key::Space);
    assert_eq!(window.state().interface.view.theme, Theme::Light, "the control is pressed");
    assert!(!window.state().interface.playback.playing, "and nothing is played");
}
