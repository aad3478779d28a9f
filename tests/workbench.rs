//! The workbench as a whole, without a display: commands, history, opening, and every control as those
//! meet it who cannot see it.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use dnnviz::app::offscreen::Offscreen;
use dnnviz::model::{ColourMap, SetView, Theme};
use egui::accesskit::{Action, Node, Role};
use egui::{Event, Key, Modifiers};
use tempfile::TempDir;

/// Longer than anything here may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a view has to stay before it counts as one.
const REST: Duration = Duration::from_millis(600);

fn demo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/demo")
}

/// A window without a display of 1280 × 1400 on the demo; `None` without a graphics adapter.
fn window() -> Option<Offscreen> {
    let gpu = support::gpu()?;
    let mut window = Offscreen::open(gpu, &[demo()], [1280, 1400]).with_accessibility();
    settled(&mut window);
    Some(window)
}

#[track_caller]
fn settled(window: &mut Offscreen) {
    let all = |window: &Offscreen| (0..window.columns()).all(|column| window.is_settled(column));
    window.frame();
    assert!(window.wait_until(PATIENCE, all).expect("it goes on"), "what is asked for did not come");
    window.frame();
}

/// Lets what is shown count as a view.
fn rest(window: &mut Offscreen) {
    window.frame();
    sleep(REST);
    window.frame();
}

#[track_caller]
fn click(window: &mut Offscreen, name: &str) {
    assert!(window.click(name), "there is no {name} among {:?}", names(window));
}

fn names(window: &Offscreen) -> Vec<String> {
    window.controls().filter_map(|node| node.label().map(str::to_owned)).collect()
}

/// Types a command's name into the command box, and takes the first that is found.
fn command(window: &mut Offscreen, name: &str) {
    window.press_with(Modifiers::COMMAND, Key::K);
    window.frame();
    window.send_event(Event::Text(name.to_owned()));
    window.press(Key::Enter);
    window.frame();
}

#[test]
fn commands_are_found_by_a_few_letters() {
    let Some(mut window) = window() else { return };
    command(&mut window, "dark or");
    assert_eq!(window.view(0).unwrap().theme, Theme::Light);
    command(&mut window, "colours: cividis");
    assert_eq!(window.view(0).unwrap().colour_map, Some(ColourMap::Cividis));
    command(&mut window, "show class 3");
    assert_eq!(window.view(0).unwrap().query.select.to_string(), "class:3");
    window.press_with(Modifiers::COMMAND, Key::K);
    window.frame();
    assert!(window.control("Name of a command").is_some());
    window.press(Key::ArrowDown);
    window.press(Key::Escape);
    window.frame();
    assert!(window.control("Name of a command").is_none(), "Escape closes it and nothing is done");
    assert_eq!(window.view(0).unwrap().query.select.to_string(), "class:3");
}

#[test]
fn keys_lead_to_every_panel_and_the_list_of_keys() {
    let Some(mut window) = window() else { return };
    assert!(window.control("Statistic: Mean").is_some());
    window.press_with(Modifiers::COMMAND, Key::Num2);
    window.frame();
    assert!(window.control("Statistic: Mean").is_none());
    window.press_with(Modifiers::COMMAND, Key::Num2);
    window.frame();
    assert!(window.control("Statistic: Mean").is_some());
    window.press(Key::F10);
    window.frame();
    assert!(window.control("Statistic: Mean").is_none() && window.control("Open a run").is_none());
    window.press(Key::F10);
    window.send_event(Event::Text("?".to_owned()));
    // Bars and overlays are measured in the first frame.
    window.frame();
    window.frame();
    let said: Vec<&str> = window.controls().filter_map(|node| node.value().or(node.label())).collect();
    for wanted in ["orbit", "Ctrl K, /", "Find a command", "Alt Left", "Space"] {
        assert!(said.contains(&wanted), "{wanted} is not among {said:?}");
    }
    window.press(Key::Escape);
    window.frame();
    assert!(window.controls().all(|node| node.value() != Some("orbit")));
}

#[test]
fn views_are_gone_back_to_and_changes_undone() {
    let Some(mut window) = window() else { return };
    rest(&mut window);
    let first = window.view(0).unwrap().clone();
    click(&mut window, "View: Top");
    rest(&mut window);
    click(&mut window, "Statistic: Max");
    rest(&mut window);
    let third = window.view(0).unwrap().clone();
    assert!(third.camera != first.camera && third.query.stat != first.query.stat);

    window.press_with(Modifiers::ALT, Key::ArrowLeft);
    window.frame();
    let second = window.view(0).unwrap().clone();
    assert_eq!((second.camera, second.query.stat), (third.camera, first.query.stat));
    click(&mut window, "Back");
    window.frame();
    assert_eq!(*window.view(0).unwrap(), first);
    window.press_with(Modifiers::ALT, Key::ArrowRight);
    click(&mut window, "Forward");
    window.frame();
    assert_eq!(*window.view(0).unwrap(), third);

    // The camera stays where it is.
    click(&mut window, "View: Front");
    let front = window.view(0).unwrap().camera;
    window.press_with(Modifiers::COMMAND, Key::Z);
    window.frame();
    let undone = window.view(0).unwrap().clone();
    assert_eq!((undone.query.stat, undone.camera), (first.query.stat, front));
    window.press_with(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    window.frame();
    assert_eq!(window.view(0).unwrap().query.stat, third.query.stat);
}

#[test]
fn a_removed_column_is_brought_back() {
    let Some(mut window) = window() else { return };
    rest(&mut window);
    window.press(Key::C);
    settled(&mut window);
    command(&mut window, "show class 5");
    settled(&mut window);
    rest(&mut window);
    window.press(Key::Delete);
    window.frame();
    assert_eq!(window.columns(), 1);
    rest(&mut window);
    click(&mut window, "Undo");
    settled(&mut window);
    assert_eq!((window.columns(), window.active()), (2, 1));
    assert_eq!(window.view(1).unwrap().query.select.to_string(), "class:5");
}

#[test]
fn a_copied_view_opens_the_same_again() {
    let Some(mut window) = window() else { return };
    command(&mut window, "minus class 5");
    click(&mut window, "View: Grazing");
    // Marked up to the third epoch.
    command(&mut window, "first epoch");
    window.press(Key::ArrowRight);
    window.press(Key::ArrowRight);
    window.press(Key::O);
    settled(&mut window);
    let looked_at = window.view(0).unwrap().clone();
    let copy = |window: &mut Offscreen| {
        window.press_with(Modifiers::COMMAND, Key::J);
        window.copied().expect("it was copied").to_owned()
    };
    let json = copy(&mut window);
    let marked = |json: &str| {
        serde_json::from_str::<serde_json::Value>(json).expect("JSON")["columns"][0]["marked"].clone()
    };
    assert_eq!(marked(&json), serde_json::json!({ "first": 0.0, "last": 2.0 }));

    // Pasted into the window.
    command(&mut window, "minus nothing");
    click(&mut window, "View: Overview");
    window.press(Key::I);
    assert_ne!(*window.view(0).unwrap(), looked_at);
    assert_ne!(marked(&copy(&mut window)), marked(&json));
    window.send_event(Event::Paste(json.clone()));
    settled(&mut window);
    assert_eq!(*window.view(0).unwrap(), looked_at);
    assert_eq!(copy(&mut window), json);

    // As a file, in a window on something else.
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("view.json");
    fs::write(&file, &json).expect("a file");
    let other = folder.path().join("nothing");
    let mut window =
        Offscreen::open(support::gpu().expect("as before"), &[other], [1280, 800]).with_accessibility();
    window.frame();
    window.drop_file(file);
    assert!(window.wait_until(PATIENCE, |window| window.is_settled(0)).expect("it goes on"));
    assert_eq!(*window.view(0).unwrap(), looked_at);
    assert_eq!(marked(&copy(&mut window)), marked(&json));

    window.send_event(Event::Paste("no view at all".to_owned()));
    window.frame();
    let said = names(&window);
    assert!(said.iter().any(|text| text.contains("What was pasted is no view")), "{said:?}");
    assert_eq!(*window.view(0).unwrap(), looked_at, "and nothing has changed");
}

#[test]
fn a_dropped_run_is_opened_and_the_one_before_is_gone_back_to() {
    let Some(mut window) = window() else { return };
    rest(&mut window);
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("made up");
    let made = std::process::Command::new(env!("CARGO_BIN_EXE_dnnviz"))
        .args(["synth", "--units", "64", "--layers", "2", "--epochs", "2", "-o"])
        .arg(&path)
        .status()
        .expect("it runs");
    assert!(made.success());
    window.drop_file(path.clone());
    assert!(
        window.wait_until(PATIENCE, |window| window.run(0) == Some(1) && window.is_settled(0)).expect("so")
    );
    assert_eq!(window.recording().expect("it is open").layers.len(), 2);
    rest(&mut window);
    click(&mut window, "Back");
    settled(&mut window);
    assert_eq!(window.run(0), Some(0));
    assert_eq!(window.recording().expect("it is open").layers.len(), 8);

    // The same again by its path in the command box: not opened twice.
    command(&mut window, &path.display().to_string());
    settled(&mut window);
    assert_eq!((window.columns(), window.run(0)), (1, Some(1)));

    // A file that is no run is reported in its column, and the window stays.
    let file = folder.path().join("notes.txt");
    fs::write(&file, "nothing to see").expect("a file");
    window.drop_file(file);
    let absent = |window: &Offscreen| window.run(0).is_none();
    assert!(window.wait_until(PATIENCE, absent).expect("the window stays"));
    window.press_with(Modifiers::ALT, Key::ArrowLeft);
    settled(&mut window);
    assert_eq!(window.run(0), Some(1));
}

/// Returns `true` for a node that can be operated. A node without a role is the empty part of a bar of
/// tabs, by which panels are moved; scroll bars only show a position: lists and panes are scrolled by key.
fn is_control(node: &Node) -> bool {
    matches!(
        node.role(),
        Role::Button
            | Role::CheckBox
            | Role::RadioButton
            | Role::Slider
            | Role::SpinButton
            | Role::ComboBox
            | Role::TextInput
            | Role::SearchInput
            | Role::ListBox
            | Role::ListBoxOption
            | Role::Link
            | Role::Canvas
    ) || (node.supports_action(Action::Click) && !matches!(node.role(), Role::Unknown | Role::ScrollBar))
}

#[test]
fn every_control_has_a_name_and_an_action() {
    let Some(mut window) = window() else { return };
    let mut seen = 0;
    for lay_out in ["Show: Class", "Show: Input", "Minus: General", "Range: Fixed", "Order: Class", "About"] {
        click(&mut window, lay_out);
        settled(&mut window);
        for node in window.controls().filter(|node| is_control(node)) {
            let by = || {
                node.labelled_by()
                    .iter()
                    .find_map(|id| window.control_by_id(*id).and_then(|of| of.label().or(of.value())))
            };
            // Of a text that can be selected, the name is the text.
            let text = || node.value().filter(|_| node.role() == Role::Label);
            let name = node.label().or_else(by).or_else(text).unwrap_or_default();
            assert!(!name.trim().is_empty(), "after {lay_out}, a {:?} has no name: {node:?}", node.role());
            let acts = [Action::Click, Action::SetValue, Action::Focus, Action::Increment];
            let can = acts.into_iter().any(|action| node.supports_action(action));
            assert!(can || node.is_disabled(), "after {lay_out}, nothing can be done with {name}: {node:?}");
            seen += 1;
        }
    }
    assert!(seen > 300, "{seen} controls are too few to be all");
}

#[test]
fn the_scene_is_told_in_words() {
    let Some(mut window) = window() else { return };
    command(&mut window, "show class 3");
    settled(&mut window);
    let scene = window.control("Scene").expect("there is a scene");
    let said = scene.description().expect("it is described").to_owned();
    assert!(said.starts_with("AlexNet: 8 layers, 9354 units, 13 epochs."), "{said}");
    assert!(said.contains("mean activation · class 3 · epoch 12"), "{said}");
    window.press_with(Modifiers::COMMAND, Key::I);
    assert_eq!(window.copied(), Some(said.as_str()));
}

#[test]
fn set_views_are_reached_by_keys() {
    let Some(mut window) = window() else { return };
    let layout = |window: &mut Offscreen| window.view(0).unwrap().camera;
    let overview = layout(&mut window);
    window.press(Key::Num3);
    window.frame();
    assert_ne!(layout(&mut window), overview);
    window.press(Key::Home);
    window.frame();
    assert_eq!(layout(&mut window), overview);
    assert_eq!(SetView::ALL.len(), 5);
}

#[test]
fn a_panel_is_enlarged_by_its_button_and_escape_restores_the_others() {
    let Some(mut window) = window() else { return };
    let is_there = |window: &Offscreen, name: &str| window.control(name).is_some();
    assert!(is_there(&window, "Layers: search") && is_there(&window, "Show: General"));
    assert!(window.click("Enlarge Unit"));
    assert!(is_there(&window, "Restore the panels") && is_there(&window, "Pin a unit"));
    assert!(!is_there(&window, "Layers: search") && !is_there(&window, "Show: General"));

    // The first Escape leaves the text field.
    assert!(window.act("Pin a unit", Action::Focus, None));
    window.press(Key::Escape);
    assert!(is_there(&window, "Restore the panels"));
    window.press(Key::Escape);
    window.frame();
    assert!(!is_there(&window, "Restore the panels") && is_there(&window, "Layers: search"));

    assert!(window.click("Enlarge Layers"));
    assert!(window.click("Restore the panels"));
    assert!(is_there(&window, "Show: General"));
}
