//! The panel's pickers, driven by accessible names, as a hand or a screen reader would.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, PointerButton, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use crate::model::{Diff, EpochIndex, EpochPosition, EpochRef, Recording, ViewState};
use crate::ui::Columns;
use crate::ui::NamedRun;
use crate::ui::OpenRuns;
use crate::ui::Pictures;
use crate::ui::panels::input::Hands;
use crate::ui::panels::input::Input as Pane;
use crate::ui::style::{Palette, install_fonts, install_style};
use crate::ui::testing;
use crate::ui::text;

struct State {
    runs: Vec<Recording>,
    view: ViewState,
    hands: Hands,
    pictures: Pictures,
}

type Window = Harness<'static, State>;

/// The pane over the first of some runs.
fn panel(runs: Vec<Recording>) -> Window {
    let view = testing::view(&runs[0]);
    let state = State { runs, view, hands: Hands::default(), pictures: Pictures::default() };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let names = ["clean", "tampered"];
        let facts = |(run, name)| NamedRun { name, recording: run };
        let runs: Vec<NamedRun> = state.runs.iter().zip(names).map(facts).collect();
        let pane = Pane {
            recording: &state.runs[0],
            runs: OpenRuns { all: &runs, own: 0 },
            pictures: &state.pictures,
            palette: Palette::of(state.view.theme),
            columns: &Columns::default(),
            predictions: None,
        };
        pane.show(ui, &mut state.view, &mut state.hands);
        // A frame has a legend, too.
        let query = state.view.query.clone();
        std::hint::black_box(text::shown(
            &state.runs[0],
            pane.runs,
            &query,
            EpochPosition::at(EpochIndex(0)),
        ));
    };
    let mut window = Harness::builder()
        .with_size(vec2(264.0, 1200.0))
        .with_max_steps(200)
        .with_context_setup(|ctx| {
            install_fonts(ctx);
            install_style(ctx, crate::model::Theme::Dark);
        })
        .build_ui_state(show, state);
    window.run();
    window
}

/// Sixty inputs and predictions at every epoch but the first.
fn many() -> Recording {
    let mut recording = testing::recording();
    let six = recording.inputs.clone();
    recording.inputs = six.iter().cycle().take(60).cloned().collect();
    recording.classes.iter_mut().for_each(|class| class.inputs = 20);
    recording.epochs.iter_mut().skip(1).for_each(|epoch| epoch.has_predictions = true);
    recording
}

fn select(window: &Window) -> String {
    window.state().view.query.select.to_string()
}

fn minus(window: &Window) -> Option<String> {
    window.state().view.query.minus.as_ref().map(ToString::to_string)
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    window.run();
}

fn click_with(window: &mut Window, modifiers: Modifiers, name: &str) {
    window.get_by_label(name).click_modifiers(modifiers);
    window.run();
}

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;

/// The accessible names of the rows in sight that are chosen.
fn chosen(window: &Window) -> Vec<String> {
    let rows = window.get_all_by_role(Role::ListBoxOption);
    let chosen = rows.filter(|row| row.accesskit_node().is_selected() == Some(true));
    chosen.filter_map(|row| row.accesskit_node().label()).collect()
}

fn write(window: &mut Window, name: &str, text: &str) {
    let field = window.get_by_label(name);
    field.focus();
    window.run();
    window.key_press_modifiers(CTRL, Key::A);
    window.run();
    window.event(Event::Text(text.to_owned()));
    window.run();
}

fn error(window: &Window, part: &str) -> bool {
    window.query_by_label_contains(part).is_some()
}

#[test]
fn classes_are_clicked_toggled_and_extended() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Class");
    assert_eq!(select(&window), "class:cat", "the first, to begin with");
    click(&mut window, "Show: class bird");
    assert_eq!(select(&window), "class:bird");
    click_with(&mut window, CTRL, "Show: class cat");
    assert_eq!(select(&window), "class:cat,bird");
    assert_eq!(chosen(&window), ["Show: class cat", "Show: class bird"]);
    window.get_by_label("40 of 60 inputs");
    click_with(&mut window, SHIFT, "Show: class dog");
    assert_eq!(select(&window), "class:cat,dog", "from the last that was clicked");
    click_with(&mut window, CTRL, "Show: class cat");
    click_with(&mut window, CTRL, "Show: class dog");
    assert_eq!(select(&window), "all", "the last one is let go");
    window.get_by_label("Show: class dog");
    window.get_by_label("60 inputs");
    click(&mut window, "Show: class dog");
    click(&mut window, "Show: General");
    assert_eq!(select(&window), "all");
    assert!(window.query_by_label("Show: class dog").is_none(), "the list is closed");
}

#[test]
fn a_screen_reader_chooses_too() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Class");
    window.get_by_label("Show: class dog").click_accesskit();
    window.run();
    assert_eq!(select(&window), "class:dog");
    let list = window.get_by_label("Show: classes");
    assert_eq!(list.accesskit_node().role(), Role::ListBox);
    assert_eq!(list.get_all_by_role(Role::ListBoxOption).count(), 3, "the rows belong to it");
}

/// Presses at one row's middle, moves over others, and returns what was chosen on the way.
fn drag(window: &mut Window, modifiers: Modifiers, from: &str, over: &[Pos2]) -> Vec<String> {
    let press = |window: &mut Window, pos: Pos2, pressed: bool| {
        window.event_modifiers(
            Event::PointerButton { pos, button: PointerButton::Primary, pressed, modifiers },
            modifiers,
        );
        window.step();
    };
    let at = window.get_by_label(from).rect().center();
    window.hover_at(at);
    window.step();
    press(window, at, true);
    let mut passed = vec![select(window)];
    for pos in over {
        window.hover_at(*pos);
        window.step();
        window.step();
        passed.push(select(window));
    }
    press(window, over.last().copied().unwrap_or(at), false);
    window.run();
    passed
}

#[test]
fn a_lasso_over_inputs_takes_what_it_covers() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Input");
    let at = |window: &Window, row: usize| {
        window.get_by_label(&format!("Show: input {row}")).rect().center() + vec2(30.0, 4.0)
    };
    let over = [at(&window, 1), at(&window, 4), at(&window, 3)];
    let passed = drag(&mut window, Modifiers::NONE, "Show: input 1", &over);
    assert_eq!(passed, ["input:1", "input:1", "input:1-4", "input:1-3"]);
    window.get_by_label("3 of 60 inputs");
    let over = [at(&window, 4), at(&window, 5)];
    let passed = drag(&mut window, CTRL, "Show: input 5", &over);
    assert_eq!(passed, ["input:1-3,5", "input:1-5", "input:1-3,5"], "added to what there was");
    click_with(&mut window, CTRL, "Show: input 2");
    assert_eq!(select(&window), "input:1,3,5");
    click_with(&mut window, SHIFT, "Show: input 4");
    assert_eq!(select(&window), "input:2-4");
    click_with(&mut window, CTRL.plus(SHIFT), "Show: input 1");
    assert_eq!(select(&window), "input:1-4");
}

#[test]
fn a_lasso_pulled_beyond_the_edge_brings_more_rows() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Input");
    let list = window.get_by_label("Show: inputs").rect();
    let below = list.center_bottom() + vec2(0.0, 60.0);
    let over = vec![below; 20];
    let passed = drag(&mut window, Modifiers::NONE, "Show: input 2", &over);
    assert_eq!(passed.last().map(String::as_str), Some("input:2-59"), "{passed:?}");
    assert_eq!(passed[1], "input:2-5", "the last in sight");
    assert!(passed[2] != passed[1] && passed[2] != "input:2-59", "step by step: {passed:?}");
    window.get_by_label("Show: input 59");
}

#[test]
fn pulled_over_classes_the_one_under_the_pointer_is_chosen() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Class");
    let at = |window: &Window, name: &str| window.get_by_label(name).rect().center();
    let over = [at(&window, "Show: class dog"), at(&window, "Show: class bird")];
    let passed = drag(&mut window, Modifiers::NONE, "Show: class cat", &over);
    assert_eq!(passed, ["class:cat", "class:dog", "class:bird"]);
}

#[test]
fn keys_move_extend_and_toggle_in_a_list() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Input");
    window.get_by_label("Show: inputs").focus();
    window.run();
    let mut press = |modifiers: Modifiers, key: Key| {
        window.key_press_modifiers(modifiers, key);
        window.run();
        select(&window)
    };
    assert_eq!(press(Modifiers::NONE, Key::ArrowDown), "input:1", "from the one that was chosen");
    assert_eq!(press(SHIFT, Key::ArrowDown), "input:1-2");
    assert_eq!(press(SHIFT, Key::ArrowDown), "input:1-3");
    assert_eq!(press(SHIFT, Key::ArrowUp), "input:1-2");
    assert_eq!(press(Modifiers::NONE, Key::Space), "input:1", "the row that keys are at");
    assert_eq!(press(Modifiers::NONE, Key::Space), "input:1-2");
    assert_eq!(press(Modifiers::NONE, Key::ArrowUp), "input:1");
    assert_eq!(press(CTRL, Key::A), "input:0-59");
    assert_eq!(press(Modifiers::NONE, Key::End), "input:59");
    assert_eq!(press(SHIFT, Key::PageUp), "input:54-59");
    assert!(window.get_by_label("Show: input 54").is_focused(), "arrows stay in the list");
}

#[test]
fn one_input_is_meant_as_such_and_lists_join_by_ctrl() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Class");
    click(&mut window, "Show predicted: Wrong");
    assert_eq!(select(&window), "class:cat&wrong");
    click(&mut window, "Show: Input");
    assert_eq!(select(&window), "class:cat&wrong", "the list is only opened");
    click_with(&mut window, CTRL, "Show: input 3");
    assert_eq!(select(&window), "class:cat&input:3&wrong");
    click_with(&mut window, CTRL, "Show: input 3");
    click_with(&mut window, CTRL, "Show: input 4");
    assert_eq!(select(&window), "class:cat&wrong", "no cat");
    assert!(error(&window, "selects no recorded input"));
    click(&mut window, "Show: input 4");
    assert_eq!(select(&window), "input:4");
    assert!(!error(&window, "selects no recorded input"));
    assert_eq!(window.state().view.query.select.single_input(), Some(4));
}

#[test]
fn right_and_wrong_are_offered_where_there_are_predictions() {
    let mut window = panel(vec![many()]);
    window.state_mut().view.epoch = 0.0;
    window.run();
    assert!(window.query_by_label("Show predicted: Right").is_none());
    window.state_mut().view.epoch = 3.0;
    window.run();
    click(&mut window, "Show predicted: Right");
    assert_eq!(select(&window), "right");
    assert!(window.query_by_label("60 inputs").is_none(), "how many is not known");
    window.state_mut().view.epoch = 0.0;
    window.run();
    click(&mut window, "Show predicted: All");
    assert_eq!(select(&window), "all", "they can always be let go");
}

#[test]
fn a_selection_may_have_a_moment_of_its_own() {
    let mut window = panel(vec![many()]);
    click(&mut window, "Show: Class");
    click(&mut window, "Show: epoch");
    click(&mut window, "the first epoch");
    assert_eq!(select(&window), "class:cat@first");
    click(&mut window, "Show: class dog");
    assert_eq!(select(&window), "class:dog@first");
    click(&mut window, "Show: epoch");
    click(&mut window, "epoch 4");
    assert_eq!(window.state().view.query.select.epoch, Some(EpochRef::Number(4)));
    window.get_by_label("Show: epoch number");
    click(&mut window, "Show: epoch");
    click(&mut window, "the epoch shown");
    assert_eq!(select(&window), "class:dog");
}

#[test]
fn text_and_lists_follow_each_other() {
    let mut window = panel(vec![many()]);
    let field = "Show: selection";
    assert_eq!(window.get_by_label(field).value().as_deref(), Some("all"));
    write(&mut window, field, "class:dog,bird&input:1-3@first");
    assert_eq!(select(&window), "class:dog,bird&input:1-3@first");
    assert_eq!(chosen(&window), ["Show: input 1", "Show: input 2", "Show: input 3"]);
    window.get_by_label("2 of 60 inputs");
    click(&mut window, "Show: Class");
    assert_eq!(chosen(&window), ["Show: class dog", "Show: class bird"]);
    click_with(&mut window, CTRL, "Show: class cat");
    let text = "class:cat,dog,bird&input:1-3@first";
    assert_eq!(window.get_by_label(field).value().as_deref(), Some(text));
    assert_eq!(select(&window), text);
    write(&mut window, field, "input:40");
    window.get_by_label("Show: input 40");
}

#[test]
fn text_that_is_no_selection_is_told_and_the_view_keeps_what_it_showed() {
    let mut window = panel(vec![many()]);
    let field = "Show: selection";
    write(&mut window, field, "class:dog");
    for (text, part) in [
        ("clas:dog", "is no selection"),
        ("class:cow", "there is no class `cow`"),
        ("input:60", "there is no input 60"),
        ("class:dog&input:0", "selects no recorded input"),
        ("input:5-4", "runs backwards"),
        ("all@77", "epoch 77 is not recorded"),
        ("wrong@first", "needs predictions"),
        ("all@soon", "is no epoch"),
    ] {
        write(&mut window, field, text);
        assert_eq!(select(&window), "class:dog", "after {text}");
        assert!(error(&window, part), "{text} is told");
        assert_eq!(window.get_by_label(field).value().as_deref(), Some(text), "and can be mended");
    }
    window.key_press(Key::Escape);
    window.run();
    assert_eq!(window.get_by_label(field).value().as_deref(), Some("class:dog"), "or given up");
    write(&mut window, field, "wrong");
    assert_eq!(select(&window), "wrong");
}

#[test]
fn side_b_is_chosen_alike_in_any_open_run() {
    let mut other = many();
    other.classes.truncate(2);
    other.inputs.truncate(30);
    let mut window = panel(vec![many(), other]);
    assert!(window.query_by_label("Minus: run").is_none());
    click(&mut window, "Minus: Class");
    click(&mut window, "Minus: class bird");
    click(&mut window, "Minus: run");
    click(&mut window, "tampered");
    let query = &window.state().view.query;
    assert_eq!(query.run_b, Some(1));
    assert_eq!(minus(&window).as_deref(), Some("all"), "the other run knows no birds");
    click(&mut window, "Minus: Class");
    assert!(window.query_by_label("Minus: class bird").is_none(), "its classes are offered");
    click(&mut window, "Minus: class dog");
    assert_eq!(minus(&window).as_deref(), Some("class:dog"));
    click(&mut window, "Minus: Input");
    click(&mut window, "Minus: inputs");
    window.key_press(Key::End);
    window.run();
    assert_eq!(minus(&window).as_deref(), Some("input:29"));
    click(&mut window, "Difference: Effect size");
    assert_eq!(window.state().view.query.diff, Diff::Effect);
    click(&mut window, "Minus: None");
    let query = &window.state().view.query;
    assert_eq!((&query.minus, query.run_b), (&None, None));
}
