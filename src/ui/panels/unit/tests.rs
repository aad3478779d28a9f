//! The panel of unit profiles, driven by keys and accessible names.

use egui::accesskit::Toggled;
use egui::{Key, pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::{ProfileResult, UnitAction, UnitPanel, UnitPanelState};
use crate::insight::{Distribution, Selectivity, SimilarUnit, UnitEpoch, UnitProfile};
use crate::model::{EpochIndex, LayerIndex, Pin, Recording, Selection, UnitId, UnitIndex, ViewState};
use crate::ui::style::Palette;
use crate::ui::testing::{self, TestWindow};
use crate::ui::widgets::thumbnails::Thumbnails;

pub(super) struct State {
    pub(super) recording: Recording,
    pub(super) profiles: Vec<(Pin, Option<Result<UnitProfile, String>>)>,
    pub(super) view: ViewState,
    panel: UnitPanelState,
    pictures: Thumbnails,
    actions: Vec<UnitAction>,
}

pub(super) type Window = TestWindow<State>;

pub(super) fn panel(size: egui::Vec2) -> Window {
    let recording = testing::recording();
    let view = testing::view(&recording);
    let state = State {
        view,
        recording,
        profiles: Vec::new(),
        panel: UnitPanelState::default(),
        pictures: Thumbnails::default(),
        actions: Vec::new(),
    };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let profiles: Vec<(Pin, ProfileResult)> = state
            .profiles
            .iter()
            .map(|(pin, profile)| {
                let profile = profile.as_ref().map(|profile| profile.as_ref().map_err(String::as_str));
                (pin.clone(), profile)
            })
            .collect();
        let units = UnitPanel {
            recording: &state.recording,
            profiles: &profiles,
            subtracted: None,
            values: &[Some(0.625), None],
            shown: "class cat · epoch 4",
            epoch: 4,
            pictures: &state.pictures,
            palette: Palette::of(state.view.theme),
        };
        let actions = units.show(ui, &mut state.view, &mut state.panel);
        state.actions.extend(actions);
    };
    TestWindow::open(size, state, show)
}

pub(super) fn pin(layer: &str, unit: usize) -> Pin {
    Pin { layer: layer.to_owned(), unit: UnitIndex(unit) }
}

/// A unit that becomes selective for cats: from 0.125 to 0.5 over five epochs, the third without a value.
pub(super) fn profile(unit: usize) -> UnitProfile {
    let epoch_stats = |epoch: usize| {
        let grown = 0.125 * epoch as f32;
        let mean = |value: f32| if epoch == 2 { f32::NAN } else { value };
        UnitEpoch {
            epoch: EpochIndex(epoch),
            all: mean(0.125 + grown),
            classes: vec![mean(2.0 * grown), mean(0.0625), mean(0.0)],
        }
    };
    let of = |class, mean: f32, quartiles| Distribution {
        class,
        count: 2,
        mean,
        deviation: Some(0.25),
        quartiles,
        rate: Some(0.75),
    };
    UnitProfile {
        unit: UnitId { layer: LayerIndex(1), unit: UnitIndex(unit) },
        epoch: EpochIndex(4),
        history: (0..5).map(epoch_stats).collect(),
        distributions: vec![
            of(None, 0.5, Some([-0.5, 0.0, 0.25, 0.75, 2.0])),
            of(Some(0), 1.0, Some([0.5, 0.75, 1.0, 1.25, 2.0])),
            of(Some(1), 0.0625, None),
            of(Some(2), 0.0, None),
        ],
        strongest: vec![(3, 2.0), (0, 1.5)],
        selectivity: Some(Selectivity { index: 0.875, class: 0 }),
        similar: vec![
            SimilarUnit { unit: UnitIndex(5), correlation: 0.984_375 },
            SimilarUnit { unit: UnitIndex(9), correlation: -0.25 },
        ],
        rank: Some(2),
        of: 64,
    }
}

/// The panel with conv2's unit 17 pinned, and its profile known.
pub(super) fn one() -> Window {
    let mut window = panel(vec2(800.0, 600.0));
    window.state_mut().view.pins = vec![pin("conv2", 17)];
    window.state_mut().profiles = vec![(pin("conv2", 17), Some(Ok(profile(17))))];
    window.run();
    window
}

/// The same with conv1's unit 3 as well.
fn two() -> Window {
    let mut window = one();
    window.state_mut().view.pins.push(pin("conv1", 3));
    let other = UnitProfile {
        unit: UnitId { layer: LayerIndex(0), unit: UnitIndex(3) },
        rank: Some(11),
        of: 16,
        ..profile(3)
    };
    window.state_mut().profiles.push((pin("conv1", 3), Some(Ok(other))));
    window.run();
    window
}

fn write(window: &mut Window, text: &str) {
    window.focus("Pin a unit");
    window.type_text(text);
    window.press(Key::Enter);
}

fn pins(window: &Window) -> Vec<String> {
    window.state().view.pins.iter().map(|pin| format!("{}:{}", pin.layer, pin.unit)).collect()
}

fn is_shown(window: &Window, chip: &str) -> bool {
    window.get_by_label(chip).accesskit_node().toggled() == Some(Toggled::True)
}

#[test]
fn without_pins_it_says_how_to_pin() {
    let mut window = panel(vec2(500.0, 300.0));
    window.get_by_label_contains("Click a cell in the scene");
    write(&mut window, "conv9:1");
    window.get_by_label_contains("there is no layer `conv9`; there are");
    assert_eq!(window.state().actions, []);
    window.press_with(egui::Modifiers::COMMAND, Key::A);
    write(&mut window, "conv2:63");
    assert_eq!(window.state().actions, [UnitAction::Pin(pin("conv2", 63))]);
    assert!(window.query_by_label_contains("there is no layer").is_none());
    assert_eq!(window.get_by_label("Pin a unit").value().as_deref(), Some(""), "ready for the next");
}

#[test]
fn units_are_typed_one_after_the_other() {
    let mut window = one();
    write(&mut window, "conv1:3");
    window.state_mut().view.pins.push(pin("conv1", 3));
    window.run();
    assert!(window.get_by_label("Pin a unit").is_focused(), "a chip more beside it");
    window.type_text("fc:2");
    window.press(Key::Enter);
    assert_eq!(window.state().actions, [UnitAction::Pin(pin("conv1", 3)), UnitAction::Pin(pin("fc", 2))]);
}

#[test]
fn chips_select_and_remove_units() {
    let mut window = two();
    assert!(is_shown(&window, "Pins: conv1 · 3"), "the latest");
    window.get_by_label_contains("11th of 16");
    window.click("Pins: conv2 · 17");
    assert!(is_shown(&window, "Pins: conv2 · 17") && !is_shown(&window, "Pins: conv1 · 3"));
    window.get_by_label_contains("2nd of 64");
    window.click("Remove: conv1 · 3");
    assert_eq!(pins(&window), ["conv2:17"]);
    assert!(is_shown(&window, "Pins: conv2 · 17"), "it stays");
    // A unit that is pinned already is shown, and not pinned twice.
    let mut window = two();
    write(&mut window, "conv2:17");
    assert!(is_shown(&window, "Pins: conv2 · 17"));
    assert_eq!((pins(&window).len(), window.state().actions.len()), (2, 0));
    window.click("Pins: Clear");
    assert_eq!(pins(&window), [""; 0]);
    window.get_by_label_contains("Click a cell in the scene");
}

#[test]
fn the_delete_key_removes_units_one_after_the_other() {
    let mut window = two();
    window.focus("Pins: conv1 · 3");
    window.press(Key::Delete);
    assert_eq!(pins(&window), ["conv2:17"]);
    assert!(window.get_by_label("Pins: conv2 · 17").is_focused(), "the keyboard goes on");
    window.press(Key::Delete);
    assert_eq!(pins(&window), [""; 0]);
}

#[test]
fn the_facts_are_shown_in_a_line() {
    let window = one();
    let facts = "0.625 for class cat · epoch 4. All inputs at epoch 4: mean 0.500, 2nd of 64 by mean · selectivity 0.88 for cat · fires for 75 % of \
                 inputs";
    window.get_by_label(facts);
}

#[test]
fn a_click_on_the_training_moves_the_epoch() {
    let mut window = one();
    let summary =
        "Training of conv2 unit 17: mean activation from 0.125 at epoch 0 to 0.625 at epoch 4".to_owned();
    let chart = window.get_by_label(&summary).rect();
    let mut at = |share: f32| {
        let pos = pos2(chart.left() + share * chart.width(), chart.center().y);
        window.click_at(pos);
        window.state().view.epoch
    };
    assert_eq!([at(0.02), at(0.98)], [0.0, 4.0]);
    // Close to the quarters of the chart.
    assert_eq!([at(0.27), at(0.5), at(0.73)], [1.0, 2.0, 3.0]);
    window.focus(&summary);
    window.press(Key::ArrowLeft);
    assert_eq!(window.state().view.epoch, 2.0);
    window.press(Key::ArrowRight);
    assert_eq!(window.state().view.epoch, 3.0);
}

#[test]
fn the_tooltip_names_epoch_class_and_value() {
    let mut window = one();
    let chart = window.get_by_label_contains("Training of conv2").rect();
    window.hover_at(pos2(chart.right() - 4.0, chart.top() + 8.0));
    window.run();
    window.get_by_label("epoch 4 · cat · 1");
    window.hover_at(pos2(chart.right() - 4.0, chart.bottom() - 4.0));
    window.run();
    window.get_by_label("epoch 4 · bird · 0");
}

#[test]
fn a_class_is_selected_in_the_whole_scene() {
    let mut window = one();
    assert_eq!(
        window.get_by_label("Classes: cat").value().as_deref(),
        Some(
            "2 values · mean 1 · standard deviation 0.250 · median 1 · middle half 0.750 to 1.25 · \
             all 0.500 to 2 · fires for 75 %"
        )
    );
    window.click("Classes: dog");
    let select = |text: &str| UnitAction::Select(text.parse().expect("a selection"));
    assert_eq!(window.state().actions, [select("class:dog")]);
    window.state_mut().view.query.select = "class:dog".parse().expect("a selection");
    window.run();
    assert_eq!(window.get_by_label("Classes: dog").accesskit_node().toggled(), Some(Toggled::True));
    window.click("Classes: all inputs");
    assert_eq!(window.state().actions[1..], [select("all")]);
}

#[test]
fn strongest_inputs_are_shown_and_their_pictures_requested() {
    let mut window = one();
    assert_eq!(
        window.get_by_label("Strongest: input 3").value().as_deref(),
        Some("input 3 (class cat), activation 2")
    );
    assert_eq!(window.state().actions, [], "this recording has no pictures");
    window.click("Strongest: input 3");
    assert_eq!(window.state().actions, [UnitAction::Select(Selection::input(3))]);
    window.state_mut().recording.inputs[0].has_picture = true;
    window.state_mut().actions.clear();
    window.step();
    assert_eq!(window.state().actions, [UnitAction::WantPicture(0)]);
    let ctx = window.ctx.clone();
    window.state_mut().pictures.insert(&ctx, 0, None);
    window.state_mut().actions.clear();
    window.step();
    assert_eq!(window.state().actions, [], "now it is known that it cannot be read");
}

#[test]
fn a_similar_unit_is_pinned() {
    let mut window = one();
    window.get_by_label("Similar: unit 9");
    window.click("Similar: unit 5");
    assert_eq!(window.state().actions, [UnitAction::Pin(pin("conv2", 5))]);
}

#[test]
fn units_are_compared() {
    let mut window = one();
    assert!(window.query_by_label("Training: Compare units").is_none(), "there is but one");
    let mut window_of_two = two();
    window_of_two.click("Training: Compare units");
    window_of_two.get_by_label("Training of 2 units: conv2 · 17, conv1 · 3");
    window_of_two.click("Training: By class");
    window_of_two.get_by_label_contains("Training of conv1 unit 3");
    // The profile of one of them is not known yet.
    window_of_two.click("Training: Compare units");
    window_of_two.state_mut().profiles[0].1 = None;
    window_of_two.run();
    window_of_two.get_by_label("Training of 1 units: conv1 · 3");
    window.run();
}

#[test]
fn while_a_profile_is_read_its_space_is_kept() {
    let mut window = one();
    let below = |window: &Window| window.get_by_label("Pin a unit").rect();
    let before = below(&window);
    window.state_mut().profiles[0].1 = None;
    window.run();
    window.get_by_label("reading…");
    assert_eq!(below(&window), before);
    let height = window.state().panel.height;
    assert!(height > 300.0, "{height}: its place is kept");
    window.state_mut().profiles[0].1 = Some(Err("epoch 4 is damaged".to_owned()));
    window.run();
    window.get_by_label("epoch 4 is damaged");
    // The history arrives last; the rest is shown before.
    window.state_mut().profiles[0].1 = Some(Ok(UnitProfile { history: Vec::new(), ..profile(17) }));
    window.run();
    window.get_by_label("Training of conv2 unit 17: being read");
    window.get_by_label("Similar: unit 5");
    assert_eq!(window.state().panel.height, height);
    // Not requested yet.
    window.state_mut().profiles.clear();
    window.run();
    window.get_by_label("reading…");
}

#[test]
fn a_profile_is_copied_with_all_digits() {
    let mut window = one();
    window.click("Pins: Copy");
    let expected = "\
layer\tunit\tepoch\tnow\tmean\trank\tof\tselectivity\tfor class
conv2\t17\t4\t0.625\t0.5\t2\t64\t0.875\tcat

epoch\tall inputs\tcat\tdog\tbird
0\t0.125\t0\t0.0625\t0
1\t0.25\t0.25\t0.0625\t0
2\t\t\t\t
3\t0.5\t0.75\t0.0625\t0
4\t0.625\t1\t0.0625\t0

class\tvalues\tmean\tdeviation\tleast\tlower quartile\tmedian\tupper quartile\tgreatest\tfiring rate
all inputs\t2\t0.5\t0.25\t-0.5\t0\t0.25\t0.75\t2\t0.75
cat\t2\t1\t0.25\t0.5\t0.75\t1\t1.25\t2\t0.75
dog\t2\t0.0625\t0.25\t\t\t\t\t\t0.75
bird\t2\t0\t0.25\t\t\t\t\t\t0.75

input\tid\tclass\tactivation
3\timage-3\tcat\t2
0\timage-0\tcat\t1.5

like it\tcorrelation
5\t0.984375
9\t-0.25
";
    assert_eq!(window.state().actions, [UnitAction::Copy(expected.to_owned())]);
}
