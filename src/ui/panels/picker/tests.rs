//! The panel's pickers, driven by accessible names, pointer and keys.

use egui::accesskit::Role;
use egui::{Key, Modifiers, Pos2, vec2};
use egui_kittest::kittest::{NodeT, Queryable};

use crate::model::{Diff, EpochRef, Ranges, Recording, Selection, Term, ViewState};
use crate::ui::ColumnBar;
use crate::ui::NamedRun;
use crate::ui::OpenRuns;
use crate::ui::panels::input::InputPanel;
use crate::ui::panels::input::InputPanelState;
use crate::ui::style::Palette;
use crate::ui::testing::{self, TestWindow};
use crate::ui::widgets::ROW;
use crate::ui::widgets::thumbnails::Thumbnails;

pub(super) struct State {
    runs: Vec<Recording>,
    pub(super) view: ViewState,
    panel: InputPanelState,
    pictures: Thumbnails,
}

pub(super) type Window = TestWindow<State>;

/// The panel over the first of some runs.
fn panel(runs: Vec<Recording>) -> Window {
    panel_of_height(1200.0, runs)
}

/// The same, `height` points high.
pub(super) fn panel_of_height(height: f32, runs: Vec<Recording>) -> Window {
    let view = testing::view(&runs[0]);
    let state = State { runs, view, panel: InputPanelState::default(), pictures: Thumbnails::default() };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let names = ["clean", "tampered"];
        let facts = |(run, name)| NamedRun { name, id: 1, recording: run };
        let runs: Vec<NamedRun> = state.runs.iter().zip(names).map(facts).collect();
        let pane = InputPanel {
            recording: &state.runs[0],
            runs: OpenRuns { all: &runs, own: 0 },
            pictures: &state.pictures,
            palette: Palette::of(state.view.theme),
            columns: &ColumnBar::default(),
            predictions: None,
        };
        pane.show(ui, &mut state.view, &mut state.panel);
    };
    TestWindow::open(vec2(264.0, height), state, show)
}

/// Sixty inputs and predictions at every epoch but the first.
pub(super) fn many() -> Recording {
    let mut recording = testing::recording();
    let six = recording.inputs.clone();
    recording.inputs = six.iter().cycle().take(60).cloned().collect();
    recording.classes.iter_mut().for_each(|class| class.inputs = 20);
    recording.epochs.iter_mut().skip(1).for_each(|epoch| epoch.has_predictions = true);
    recording
}

pub(super) fn select(window: &Window) -> String {
    window.state().view.query.select.to_string()
}

pub(super) fn minus(window: &Window) -> Option<String> {
    window.state().view.query.minus.as_ref().map(ToString::to_string)
}

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;

/// Returns the accessible names of the visible rows that are selected.
pub(super) fn chosen(window: &Window) -> Vec<String> {
    let rows = window.get_all_by_role(Role::ListBoxOption);
    let chosen = rows.filter(|row| row.accesskit_node().is_selected() == Some(true));
    chosen.filter_map(|row| row.accesskit_node().label()).collect()
}

fn error(window: &Window, part: &str) -> bool {
    window.query_by_label_contains(part).is_some()
}

#[test]
fn classes_are_clicked_toggled_and_extended() {
    let mut window = panel(vec![many()]);
    window.click("Show: Class");
    assert_eq!(select(&window), "class:cat", "the first, to begin with");
    window.click("Show: class bird");
    assert_eq!(select(&window), "class:bird");
    window.click_with(CTRL, "Show: class cat");
    assert_eq!(select(&window), "class:cat,bird");
    assert_eq!(chosen(&window), ["Show: class cat", "Show: class bird"]);
    window.get_by_label("40 of 60 inputs");
    window.click_with(SHIFT, "Show: class dog");
    assert_eq!(select(&window), "class:cat,dog", "from the last that was clicked");
    window.click_with(CTRL, "Show: class cat");
    window.click_with(CTRL, "Show: class dog");
    assert_eq!(select(&window), "all", "the last one is let go");
    window.get_by_label("Show: class dog");
    window.get_by_label("60 inputs");
    window.click("Show: class dog");
    window.click("Show: General");
    assert_eq!(select(&window), "all");
    assert!(window.query_by_label("Show: class dog").is_none(), "the list is closed");
}

#[test]
fn a_screen_reader_selects_too() {
    let mut window = panel(vec![many()]);
    window.click("Show: Class");
    window.get_by_label("Show: class dog").click_accesskit();
    window.run();
    assert_eq!(select(&window), "class:dog");
    let list = window.get_by_label("Show: classes");
    assert_eq!(list.accesskit_node().role(), Role::ListBox);
    assert_eq!(list.get_all_by_role(Role::ListBoxOption).count(), 3, "the rows belong to it");
}

/// Presses in the middle of a row, moves over points, and returns the selection after each.
fn drag(window: &mut Window, modifiers: Modifiers, from: &str, over: &[Pos2]) -> Vec<String> {
    let mut path = vec![window.get_by_label(from).rect().center()];
    path.extend(over);
    let mut selections = Vec::new();
    window.drag(modifiers, &path, |window| selections.push(select(window)));
    selections
}

#[test]
fn a_lasso_selects_the_inputs_it_covers() {
    let mut window = panel(vec![many()]);
    window.click("Show: Input");
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
    window.click_with(CTRL, "Show: input 2");
    assert_eq!(select(&window), "input:1,3,5");
    window.click_with(SHIFT, "Show: input 4");
    assert_eq!(select(&window), "input:2-4");
    window.click_with(CTRL.plus(SHIFT), "Show: input 1");
    assert_eq!(select(&window), "input:1-4");
}

#[test]
fn a_lasso_beyond_the_edge_scrolls_the_list() {
    let mut window = panel(vec![many()]);
    window.click("Show: Input");
    let list = window.get_by_label("Show: inputs").rect();
    let below = list.center_bottom() + vec2(0.0, 60.0);
    let over = vec![below; 20];
    let passed = drag(&mut window, Modifiers::NONE, "Show: input 2", &over);
    assert_eq!(passed.last().map(String::as_str), Some("input:2-59"), "{passed:?}");
    let last = (list.height() / ROW).ceil() as usize - 1;
    assert_eq!(passed[1], format!("input:2-{last}"), "the last in sight");
    assert!(passed[2] != passed[1] && passed[2] != "input:2-59", "step by step: {passed:?}");
    window.get_by_label("Show: input 59");
}

#[test]
fn a_drag_over_classes_selects_the_one_under_the_pointer() {
    let mut window = panel(vec![many()]);
    window.click("Show: Class");
    let at = |window: &Window, name: &str| window.get_by_label(name).rect().center();
    let over = [at(&window, "Show: class dog"), at(&window, "Show: class bird")];
    let passed = drag(&mut window, Modifiers::NONE, "Show: class cat", &over);
    assert_eq!(passed, ["class:cat", "class:dog", "class:bird"]);
}

#[test]
fn keys_move_extend_and_toggle_in_a_list() {
    let mut window = panel(vec![many()]);
    window.click("Show: Input");
    window.focus("Show: inputs");
    let list = window.get_by_label("Show: inputs").rect().height();
    let mut press = |modifiers: Modifiers, key: Key| {
        window.press_with(modifiers, key);
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
    let page = (list / ROW) as usize - 1;
    assert_eq!(press(SHIFT, Key::PageUp), format!("input:{}-59", 59 - page));
    assert!(
        window.get_by_label(&format!("Show: input {}", 59 - page)).is_focused(),
        "arrows stay in the list"
    );
}

#[test]
fn a_single_input_replaces_the_selection_and_ctrl_combines_lists() {
    let mut window = panel(vec![many()]);
    window.click("Show: Class");
    window.click("Show predicted: Wrong");
    assert_eq!(select(&window), "class:cat&wrong");
    window.click("Show: Input");
    assert_eq!(select(&window), "class:cat&wrong", "the list is only opened");
    window.click_with(CTRL, "Show: input 3");
    assert_eq!(select(&window), "class:cat&input:3&wrong");
    window.click_with(CTRL, "Show: input 3");
    window.click_with(CTRL, "Show: input 4");
    assert_eq!(select(&window), "class:cat&wrong", "no cat");
    assert!(error(&window, "selects no recorded input"));
    window.click("Show: input 4");
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
    window.click("Show predicted: Right");
    assert_eq!(select(&window), "right");
    assert!(window.query_by_label("60 inputs").is_none(), "the number is not known");
    window.state_mut().view.epoch = 0.0;
    window.run();
    window.click("Show predicted: All");
    assert_eq!(select(&window), "all", "they can always be let go");
}

#[test]
fn a_selection_may_have_an_epoch_of_its_own() {
    let mut window = panel(vec![many()]);
    window.click("Show: Class");
    window.click("Show: epoch");
    window.click("the first epoch");
    assert_eq!(select(&window), "class:cat@first");
    window.click("Show: class dog");
    assert_eq!(select(&window), "class:dog@first");
    window.click("Show: epoch");
    window.click("epoch 4");
    assert_eq!(window.state().view.query.select.epoch, Some(EpochRef::Number(4)));
    window.get_by_label("Show: epoch number");
    window.click("Show: epoch");
    window.click("the epoch shown");
    assert_eq!(select(&window), "class:dog");
}

#[test]
fn text_and_lists_follow_each_other() {
    let mut window = panel(vec![many()]);
    let field = "Show: selection";
    assert_eq!(window.get_by_label(field).value().as_deref(), Some("all"));
    window.replace_text(field, "class:dog,bird&input:1-3@first");
    assert_eq!(select(&window), "class:dog,bird&input:1-3@first");
    assert_eq!(chosen(&window), ["Show: input 1", "Show: input 2", "Show: input 3"]);
    window.get_by_label("2 of 60 inputs");
    window.click("Show: Class");
    assert_eq!(chosen(&window), ["Show: class dog", "Show: class bird"]);
    window.click_with(CTRL, "Show: class cat");
    let text = "class:cat,dog,bird&input:1-3@first";
    assert_eq!(window.get_by_label(field).value().as_deref(), Some(text));
    assert_eq!(select(&window), text);
    window.replace_text(field, "input:40");
    window.get_by_label("Show: input 40");
}

#[test]
fn an_invalid_text_shows_an_error_and_leaves_the_view() {
    let mut window = panel(vec![many()]);
    let field = "Show: selection";
    window.replace_text(field, "class:dog");
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
        window.replace_text(field, text);
        assert_eq!(select(&window), "class:dog", "after {text}");
        assert!(error(&window, part), "{text} is told");
        assert_eq!(window.get_by_label(field).value().as_deref(), Some(text), "and can be mended");
    }
    window.press(Key::Escape);
    assert_eq!(window.get_by_label(field).value().as_deref(), Some("class:dog"), "or given up");
    window.replace_text(field, "wrong");
    assert_eq!(select(&window), "wrong");
}

#[test]
fn side_b_is_selected_in_any_open_run() {
    let mut other = many();
    other.classes.truncate(2);
    other.inputs.truncate(30);
    let mut window = panel(vec![many(), other]);
    assert!(window.query_by_label("Minus: run").is_none());
    window.click("Minus: Class");
    window.click("Minus: class bird");
    window.click("Minus: run");
    window.click("tampered");
    let query = &window.state().view.query;
    assert_eq!(query.run_b, Some(1));
    assert_eq!(minus(&window).as_deref(), Some("all"), "the other run knows no birds");
    assert!(window.query_by_label("Minus: Class").is_none(), "side B selects what side A selects");
    window.click("Same inputs as in Show");
    window.click("Minus: Class");
    assert!(window.query_by_label("Minus: class bird").is_none(), "its classes are offered");
    window.click("Minus: class dog");
    assert_eq!(minus(&window).as_deref(), Some("class:dog"));
    window.click("Minus: Input");
    window.click("Minus: inputs");
    window.press(Key::End);
    assert_eq!(minus(&window).as_deref(), Some("input:29"));
    window.click("Difference: Effect size");
    assert_eq!(window.state().view.query.diff, Diff::Effect);
    window.click("Minus: None");
    let query = &window.state().view.query;
    assert_eq!((&query.minus, query.run_b), (&None, None));
}

#[test]
fn a_frame_lays_out_as_much_with_a_million_inputs() {
    /// The number of rows and of shapes with this many inputs and ranges of them selected.
    fn laid_out(inputs: usize, ranges: usize) -> (usize, usize) {
        let mut recording = many();
        let one = recording.inputs[0].clone();
        recording.inputs = vec![one; inputs];
        let mut window = panel(vec![recording]);
        let chosen: Ranges = (0..ranges).map(|range| 3 * range..=3 * range + 1).collect();
        window.state_mut().view.query.select = Selection { terms: vec![Term::Input(chosen)], epoch: None };
        window.run();
        window.get_by_label("Show: input 3");
        (window.get_all_by_role(Role::ListBoxOption).count(), window.output().shapes.len())
    }
    let (few_rows, few_shapes) = laid_out(1000, 2);
    let (rows, shapes) = laid_out(1_000_000, 300_000);
    assert_eq!(rows, few_rows);
    // Selected rows have one shape more.
    assert!(shapes <= few_shapes + rows, "{shapes} of {few_shapes}");
}
