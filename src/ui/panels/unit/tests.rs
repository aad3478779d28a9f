//! The biographies' panel, driven by keys and accessible names.

use egui::accesskit::Toggled;
use egui::{Event, Key, Rect, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::{Action, Hands, ProfileResult, Units};
use crate::insight::{Distribution, Selectivity, SimilarUnit, UnitEpoch, UnitProfile};
use crate::model::{EpochIndex, LayerIndex, Pin, Recording, Selection, Theme, UnitIndex, ViewState};
use crate::ui::style::{Palette, install_fonts, install_style};
use crate::ui::{Pictures, testing};

struct State {
    recording: Recording,
    known: Vec<(Pin, Option<Result<UnitProfile, String>>)>,
    view: ViewState,
    hands: Hands,
    pictures: Pictures,
    asked: Vec<Action>,
}

type Window = Harness<'static, State>;

fn panel(size: egui::Vec2) -> Window {
    let recording = testing::recording();
    let view = testing::view(&recording);
    let state = State {
        view,
        recording,
        known: Vec::new(),
        hands: Hands::default(),
        pictures: Pictures::default(),
        asked: Vec::new(),
    };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let known: Vec<(Pin, ProfileResult)> = state
            .known
            .iter()
            .map(|(pin, known)| {
                let known = known.as_ref().map(|known| known.as_ref().map_err(String::as_str));
                (pin.clone(), known)
            })
            .collect();
        let units = Units {
            recording: &state.recording,
            biographies: &known,
            values: &[Some(0.625), None],
            pictures: &state.pictures,
            palette: Palette::of(state.view.theme),
        };
        let asked = units.show(ui, &mut state.view, &mut state.hands);
        state.asked.extend(asked);
    };
    let mut window = Harness::builder()
        .with_size(size)
        .with_max_steps(50)
        .with_context_setup(|ctx| {
            install_fonts(ctx);
            install_style(ctx, Theme::Dark);
        })
        .build_ui_state(show, state);
    window.run();
    window
}

fn pin(layer: &str, unit: usize) -> Pin {
    Pin { layer: layer.to_owned(), unit: UnitIndex(unit) }
}

/// A unit that learns to tell cats: from 0.125 to 0.5 over five epochs, the third without a value.
fn biography(unit: usize) -> UnitProfile {
    let moment = |epoch: usize| {
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
        layer: LayerIndex(1),
        unit: UnitIndex(unit),
        epoch: EpochIndex(4),
        history: (0..5).map(moment).collect(),
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

/// conv2's unit 17 is pinned, and known.
fn one() -> Window {
    let mut window = panel(vec2(800.0, 600.0));
    window.state_mut().view.pins = vec![pin("conv2", 17)];
    window.state_mut().known = vec![(pin("conv2", 17), Some(Ok(biography(17))))];
    window.run();
    window
}

/// So are it and conv1's unit 3.
fn two() -> Window {
    let mut window = one();
    window.state_mut().view.pins.push(pin("conv1", 3));
    let other = UnitProfile { layer: LayerIndex(0), rank: Some(11), of: 16, ..biography(3) };
    window.state_mut().known.push((pin("conv1", 3), Some(Ok(other))));
    window.run();
    window
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    window.run();
}

fn write(window: &mut Window, text: &str) {
    window.get_by_label("Pin a unit").focus();
    window.run();
    window.event(Event::Text(text.to_owned()));
    window.run();
    window.key_press(Key::Enter);
    window.run();
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
    window.get_by_label("there is no layer `conv9`");
    assert_eq!(window.state().asked, []);
    window.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
    window.run();
    write(&mut window, "conv2:63");
    assert_eq!(window.state().asked, [Action::Pin(pin("conv2", 63))]);
    assert!(window.query_by_label_contains("there is no layer").is_none());
    assert_eq!(window.get_by_label("Pin a unit").value().as_deref(), Some(""), "ready for the next");
}

#[test]
fn one_unit_after_the_other_is_written() {
    let mut window = one();
    write(&mut window, "conv1:3");
    window.state_mut().view.pins.push(pin("conv1", 3));
    window.run();
    assert!(window.get_by_label("Pin a unit").is_focused(), "a chip more beside it");
    window.event(Event::Text("fc:2".to_owned()));
    window.run();
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(window.state().asked, [Action::Pin(pin("conv1", 3)), Action::Pin(pin("fc", 2))]);
}

#[test]
fn chips_choose_and_let_go() {
    let mut window = two();
    assert!(is_shown(&window, "Pins: conv1 · 3"), "the latest");
    window.get_by_label_contains("11th of 16");
    click(&mut window, "Pins: conv2 · 17");
    assert!(is_shown(&window, "Pins: conv2 · 17") && !is_shown(&window, "Pins: conv1 · 3"));
    window.get_by_label_contains("2nd of 64");
    click(&mut window, "Remove: conv1 · 3");
    assert_eq!(pins(&window), ["conv2:17"]);
    assert!(is_shown(&window, "Pins: conv2 · 17"), "it stays");
    // Written once more, it is shown and not pinned twice.
    let mut window = two();
    write(&mut window, "conv2:17");
    assert!(is_shown(&window, "Pins: conv2 · 17"));
    assert_eq!((pins(&window).len(), window.state().asked.len()), (2, 0));
    click(&mut window, "Pins: Clear");
    assert_eq!(pins(&window), [""; 0]);
    window.get_by_label_contains("Click a cell in the scene");
}

#[test]
fn the_delete_key_lets_go_one_after_the_other() {
    let mut window = two();
    window.get_by_label("Pins: conv1 · 3").focus();
    window.run();
    window.key_press(Key::Delete);
    window.run();
    assert_eq!(pins(&window), ["conv2:17"]);
    assert!(window.get_by_label("Pins: conv2 · 17").is_focused(), "the keyboard goes on");
    window.key_press(Key::Delete);
    window.run();
    assert_eq!(pins(&window), [""; 0]);
}

#[test]
fn the_facts_are_told_in_a_line() {
    let window = one();
    let facts = "now 0.625 · at epoch 4: mean 0.500 · 2nd of 64 · selectivity 0.88 for cat · fires for 75 % of \
                 inputs";
    window.get_by_label(facts);
}

#[test]
fn a_click_on_the_training_moves_the_epoch() {
    let mut window = one();
    let told =
        "Training of conv2 unit 17: mean activation from 0.125 at epoch 0 to 0.625 at epoch 4".to_owned();
    let chart = window.get_by_label(&told).rect();
    let mut at = |share: f32| {
        let pos = pos2(chart.left() + share * chart.width(), chart.center().y);
        window.hover_at(pos);
        window.run();
        for pressed in [true, false] {
            let button = egui::PointerButton::Primary;
            let modifiers = egui::Modifiers::NONE;
            window.event(Event::PointerButton { pos, button, pressed, modifiers });
        }
        window.run();
        window.state().view.epoch
    };
    assert_eq!([at(0.02), at(0.98)], [0.0, 4.0]);
    // The quarters of what lies between.
    assert_eq!([at(0.27), at(0.5), at(0.73)], [1.0, 2.0, 3.0]);
    window.get_by_label(&told).focus();
    window.run();
    window.key_press(Key::ArrowLeft);
    window.run();
    assert_eq!(window.state().view.epoch, 2.0);
    window.key_press(Key::ArrowRight);
    window.run();
    assert_eq!(window.state().view.epoch, 3.0);
}

#[test]
fn the_pointer_is_told_epoch_class_and_value() {
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
    click(&mut window, "Classes: dog");
    let select = |text: &str| Action::Select(text.parse().expect("a selection"));
    assert_eq!(window.state().asked, [select("class:dog")]);
    window.state_mut().view.query.select = "class:dog".parse().expect("a selection");
    window.run();
    assert_eq!(window.get_by_label("Classes: dog").accesskit_node().toggled(), Some(Toggled::True));
    click(&mut window, "Classes: all inputs");
    assert_eq!(window.state().asked[1..], [select("all")]);
}

#[test]
fn inputs_are_shown_and_their_pictures_asked_for() {
    let mut window = one();
    assert_eq!(
        window.get_by_label("Strongest: input 3").value().as_deref(),
        Some("input 3 (class cat), activation 2")
    );
    assert_eq!(window.state().asked, [], "this recording has no pictures");
    click(&mut window, "Strongest: input 3");
    assert_eq!(window.state().asked, [Action::Select(Selection::input(3))]);
    window.state_mut().recording.inputs[0].has_picture = true;
    window.state_mut().asked.clear();
    window.step();
    assert_eq!(window.state().asked, [Action::WantPicture(0)]);
    let ctx = window.ctx.clone();
    window.state_mut().pictures.insert(&ctx, 0, None);
    window.state_mut().asked.clear();
    window.step();
    assert_eq!(window.state().asked, [], "now it is known that it cannot be read");
}

#[test]
fn a_twin_is_pinned() {
    let mut window = one();
    window.get_by_label("Like it: unit 9");
    click(&mut window, "Like it: unit 5");
    assert_eq!(window.state().asked, [Action::Pin(pin("conv2", 5))]);
}

#[test]
fn units_are_compared() {
    let mut window = one();
    assert!(window.query_by_label("Training: Compare units").is_none(), "there is but one");
    let mut window_of_two = two();
    click(&mut window_of_two, "Training: Compare units");
    window_of_two.get_by_label("Training of 2 units: conv2 · 17, conv1 · 3");
    click(&mut window_of_two, "Training: By class");
    window_of_two.get_by_label_contains("Training of conv1 unit 3");
    // One of them is not known yet.
    click(&mut window_of_two, "Training: Compare units");
    window_of_two.state_mut().known[0].1 = None;
    window_of_two.run();
    window_of_two.get_by_label("Training of 1 units: conv1 · 3");
    window.run();
}

#[test]
fn while_it_is_read_nothing_jumps_and_errors_are_one_line() {
    let mut window = one();
    let below = |window: &Window| window.get_by_label("Pin a unit").rect();
    let before = below(&window);
    window.state_mut().known[0].1 = None;
    window.run();
    window.get_by_label("reading…");
    assert_eq!(below(&window), before);
    let height = window.state().hands.height;
    assert!(height > 300.0, "{height}: its place is kept");
    window.state_mut().known[0].1 = Some(Err("epoch 4 is damaged".to_owned()));
    window.run();
    window.get_by_label("epoch 4 is damaged");
    // What takes longest comes last: the rest is there.
    window.state_mut().known[0].1 = Some(Ok(UnitProfile { history: Vec::new(), ..biography(17) }));
    window.run();
    window.get_by_label("Training of conv2 unit 17: being read");
    window.get_by_label("Like it: unit 5");
    assert_eq!(window.state().hands.height, height);
    // Not asked for yet.
    window.state_mut().known.clear();
    window.run();
    window.get_by_label("reading…");
}

#[test]
fn what_is_known_is_copied_exactly() {
    let mut window = one();
    click(&mut window, "Pins: Copy");
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
    assert_eq!(window.state().asked, [Action::Copy(expected.to_owned())]);
}

#[test]
fn a_narrow_pane_has_one_column_and_a_wide_one_several() {
    let tops = |width: f32| {
        let mut window = panel(vec2(width, 900.0));
        window.state_mut().view.pins = vec![pin("conv2", 17)];
        window.state_mut().known = vec![(pin("conv2", 17), Some(Ok(biography(17))))];
        window.run();
        let screen = Rect::from_min_size(egui::Pos2::ZERO, vec2(width, 900.0));
        let top = |name: &str| {
            let rect = window.get_by_label_contains(name).rect();
            assert!(screen.x_range().contains(rect.right()), "{name} at {rect:?} of {width}");
            rect.top()
        };
        ["Training of", "Classes: all inputs", "Strongest: input 3", "Like it: unit 5"].map(top)
    };
    let [training, classes, strongest, twins] = tops(420.0);
    assert!(training < classes && classes < strongest && strongest < twins);
    let [training, classes, strongest, twins] = tops(600.0);
    assert!((training - classes).abs() < 40.0 && strongest > training + 100.0 && twins > classes + 40.0);
    let [training, classes, strongest, twins] = tops(1200.0);
    let all = [training, classes, strongest, twins];
    assert!(all.iter().all(|top| (top - training).abs() < 40.0), "side by side: {all:?}");
}

#[test]
fn of_a_thousand_classes_those_in_sight_are_laid_out() {
    let mut window = one();
    let state = window.state_mut();
    let class = state.recording.classes[0].clone();
    let named = |index: usize| crate::model::Class { name: format!("class{index}"), ..class.clone() };
    state.recording.classes = (0..1000).map(named).collect();
    let mut many = biography(17);
    let of = |class| Distribution { class: Some(class), ..many.distributions[1].clone() };
    many.distributions = (0..1000).map(of).collect();
    for moment in &mut many.history {
        moment.classes = vec![0.25; 1000];
    }
    state.known[0].1 = Some(Ok(many));
    window.run();
    let rows = window.get_all_by_label_contains("Classes: class").count();
    assert!((13..=15).contains(&rows), "{rows} rows");
}
