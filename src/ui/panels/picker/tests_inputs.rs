//! The list of inputs: search, filters, pictures and predictions, also of a million inputs.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::kittest::{NodeT, Queryable};

use super::{MIN_LIST_HEIGHT, PickerState, SelectionPicker};
use crate::model::{Input, Picture, Recording, Selection, Term};
use crate::ui::style::Palette;
use crate::ui::testing::{self, TestWindow};
use crate::ui::widgets::thumbnails::Thumbnails;

struct State {
    recording: Recording,
    predictions: Option<Vec<Option<usize>>>,
    pictures: Thumbnails,
    picker: PickerState,
    select: Selection,
    /// Requested in the last frame.
    wanted: Vec<usize>,
}

type Window = TestWindow<State>;

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;

/// The list over `count` inputs "sample-0" … of classes 0, 1, 2 in turn. Every fifth is predicted as a
/// cat, the others right.
fn window(count: usize, pictured: bool) -> Window {
    let mut recording = testing::recording();
    let input =
        |index: usize| Input { id: format!("sample-{index}"), class: Some(index % 3), has_picture: pictured };
    recording.inputs = (0..count).map(input).collect();
    recording.classes.iter_mut().for_each(|class| class.inputs = count / 3);
    recording.epochs.iter_mut().for_each(|epoch| epoch.has_predictions = true);
    let predictions = (0..count).map(|index| Some(if index % 5 == 0 { 0 } else { index % 3 })).collect();
    let state = State {
        recording,
        predictions: Some(predictions),
        pictures: Thumbnails::default(),
        picker: PickerState::default(),
        select: Selection::default(),
        wanted: Vec::new(),
    };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let offer = SelectionPicker {
            group: "Show",
            recording: &state.recording,
            recording_id: 1,
            pictures: Some(&state.pictures),
            predictions: state.predictions.as_deref(),
            palette: Palette::of(crate::model::Theme::Dark),
            epoch: Some(3),
            optional: false,
            list_height: MIN_LIST_HEIGHT,
        };
        if let Some(Some(select)) = offer.show(ui, &mut state.picker, Some(&state.select)) {
            state.select = select;
        }
        state.wanted = state.pictures.take_wanted();
    };
    let mut window = TestWindow::open(vec2(264.0, 600.0), state, show);
    window.click("Show: Input");
    window
}

fn search(window: &mut Window, text: &str) {
    window.replace_text("Show: search inputs", text);
}

fn pick_class(window: &mut Window, name: &str) {
    window.click("Show: class of rows");
    window.click(name);
}

/// Returns the inputs of the rows that are laid out.
fn rows(window: &Window) -> Vec<usize> {
    let rows = window.query_all_by_role(Role::ListBoxOption);
    rows.filter_map(|row| row.accesskit_node().label()?.strip_prefix("Show: input ")?.parse().ok()).collect()
}

fn select(window: &Window) -> String {
    window.state().select.to_string()
}

fn description(window: &Window, input: usize) -> String {
    let name = format!("Show: input {input}");
    let row = window.get_by_label(&name);
    row.accesskit_node().data().description().unwrap_or_default().to_owned()
}

#[test]
fn rows_show_class_and_prediction_if_known() {
    let mut window = window(60, false);
    assert_eq!(description(&window, 1), "1  sample-1, dog, predicted right");
    assert_eq!(description(&window, 5), "5  sample-5, bird, wrongly predicted as cat");
    window.state_mut().recording.inputs[0].class = None;
    window.run();
    assert_eq!(description(&window, 0), "0  sample-0, predicted as cat");
    window.state_mut().predictions = None;
    window.run();
    assert_eq!(description(&window, 5), "5  sample-5, bird");
    assert!(window.query_by_label("Show rows: Wrong").is_none(), "nothing to go by");
}

#[test]
fn inputs_are_found_by_a_part_of_their_id() {
    let mut window = window(60, false);
    search(&mut window, "PLE-4");
    assert_eq!(rows(&window), [4, 40, 41, 42, 43, 44]);
    window.get_by_value("11 of 60");
    window.get_by_label("Show: inputs").focus();
    window.press(Key::End);
    assert_eq!(select(&window), "input:49");
    search(&mut window, "nothing like it");
    assert_eq!(rows(&window), [] as [usize; 0]);
    assert!(window.is_disabled("Show: select all shown"));
    window.press(Key::Escape);
    assert_eq!(rows(&window).len(), 6, "Escape shows all again");
    assert_eq!(select(&window), "input:49", "searching alone chooses nothing");
}

#[test]
fn a_number_scrolls_to_the_input_and_enter_selects_it() {
    let mut window = window(600, false);
    search(&mut window, "417");
    assert!(rows(&window).contains(&417), "{:?}", rows(&window));
    assert_eq!(select(&window), "input:0", "it is only brought into sight");
    window.press(Key::Enter);
    assert_eq!(select(&window), "input:417");
    search(&mut window, "sample-33");
    window.press(Key::Enter);
    assert_eq!(select(&window), "input:33", "the first that is found");
}

#[test]
fn classes_and_predictions_filter_the_list_and_become_terms() {
    let mut window = window(60, false);
    pick_class(&mut window, "dog");
    assert_eq!(rows(&window), [1, 4, 7, 10, 13, 16]);
    window.click("Show rows: Wrong");
    assert_eq!(rows(&window), [10, 25, 40, 55]);
    window.click("Show: select all shown");
    assert_eq!(select(&window), "class:dog&wrong");
    window.click("Show rows: Right");
    window.click("Show: select all shown");
    assert_eq!(select(&window), "class:dog&right");
    pick_class(&mut window, "all classes");
    window.click("Show rows: All");
    assert_eq!(rows(&window).len(), 6);
    assert!(window.query_by_label("Show: select all shown").is_none());
    search(&mut window, "sample-1");
    window.click("Show: select all shown");
    assert_eq!(select(&window), "input:1,10-19", "names have no term");
}

#[test]
fn pointer_and_keys_select_among_listed_rows() {
    let mut window = window(60, false);
    window.click("Show: input 3");
    pick_class(&mut window, "dog");
    window.click_with(CTRL, "Show: input 4");
    assert_eq!(select(&window), "input:3-4", "what is out of sight stays chosen");
    window.click_with(CTRL, "Show: input 10");
    window.click_with(CTRL, "Show: input 4");
    assert_eq!(select(&window), "input:3,10");
    window.click("Show: input 4");
    assert_eq!(select(&window), "input:4");
    window.click_with(SHIFT, "Show: input 13");
    assert_eq!(select(&window), "input:4,7,10,13", "what lies between and is not shown is not meant");
    window.press(Key::ArrowDown);
    assert_eq!(select(&window), "input:16");
    window.press_with(CTRL, Key::A);
    assert_eq!(window.state().select.count(&window.state().recording).map(|it| it.inputs), Ok(Some(20)));
}

#[test]
fn pictures_of_visible_rows_are_requested() {
    let mut window = window(600, true);
    let seen = rows(&window);
    assert_eq!(seen, [0, 1, 2, 3, 4], "rows with pictures are taller");
    let mut wanted = window.state().wanted.clone();
    assert_eq!(wanted[0], 0, "the one that is chosen goes first");
    wanted.sort_unstable();
    assert_eq!(wanted, seen);
    let ctx = window.ctx.clone();
    let picture = Picture { width: 2, height: 2, rgba: vec![200; 16] };
    window.state_mut().pictures.insert(&ctx, 2, Some(&picture));
    window.state_mut().pictures.insert(&ctx, 0, Some(&picture));
    window.run();
    assert_eq!(window.state().wanted, [4, 3, 1], "the newest first, none that is there");
    search(&mut window, "300");
    let state = window.state();
    assert!(state.wanted.contains(&300) && !state.wanted.contains(&1), "{:?}", state.wanted);
    window.get_by_label("input 0 (class cat)");
}

#[test]
fn a_large_picture_is_small_in_the_list_and_whole_below_it() {
    let mut window = window(60, true);
    let ctx = window.ctx.clone();
    let picture = Picture { width: 640, height: 480, rgba: vec![99; 640 * 480 * 4] };
    window.state_mut().pictures.insert(&ctx, 0, Some(&picture));
    window.state_mut().pictures.insert(&ctx, 1, Some(&picture));
    let size = |window: &Window, input: usize| {
        let pictures = &window.state().pictures;
        (pictures.get(input).map(|it| it.size()), pictures.whole(input).map(|it| it.size()))
    };
    assert_eq!(size(&window, 0), (Some([64, 48]), Some([640, 480])));
    assert_eq!(size(&window, 1), (Some([64, 48]), Some([64, 48])), "nobody looks at it");
    window.click("Show: input 1");
    assert!(window.state().wanted.contains(&1), "now somebody does");
}

#[test]
fn of_a_million_inputs_the_visible_ones_are_laid_out() {
    let mut window = window(1_000_000, true);
    let count = |window: &Window| rows(window).len();
    assert!(count(&window) <= 7);
    // A number scrolls to any input.
    window.get_by_label("Show: search inputs").focus();
    window.step();
    for digit in "987654".chars() {
        window.event(Event::Text(digit.to_string()));
        window.step();
        window.step();
        assert!(count(&window) <= 7 && window.state().wanted.len() <= 8);
    }
    window.step();
    assert!(rows(&window).contains(&987_654), "{:?}", rows(&window));
    // A name is searched in slices, and matches appear at once.
    window.key_press_modifiers(CTRL, Key::A);
    window.step();
    window.event(Event::Text("-99999".to_owned()));
    window.step();
    let searched = window.state().picker.matches.searched();
    assert!(searched > 0 && searched < 1_000_000, "{searched} in the first frame");
    let mut frames = 1;
    while window.state().picker.matches.searched() < 1_000_000 {
        window.step();
        assert!(count(&window) <= 7);
        frames += 1;
        assert!(frames < 2000, "it comes to an end");
    }
    window.run();
    assert_eq!(rows(&window), [99_999, 999_990, 999_991, 999_992, 999_993]);
    window.click("Show: input 999991");
    assert_eq!(select(&window), "input:999991");
}

#[test]
fn scrolling_through_a_million_rows_lays_out_the_visible_ones() {
    let mut window = window(1_000_000, true);
    let chosen = (0..300_000).map(|range| 3 * range..=3 * range + 1).collect();
    window.state_mut().select = Selection { terms: vec![Term::Input(chosen)], epoch: None };
    window.run();
    pick_class(&mut window, "bird");
    while window.state().picker.matches.searched() < 1_000_000 {
        window.step();
    }
    window.run();
    let list = window.get_by_label("Show: inputs").rect();
    window.hover_at(list.center());
    window.step();
    for _ in 0..60 {
        let delta = vec2(0.0, -40_000.0);
        let wheel = Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta,
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Unknown,
            modifiers: Modifiers::NONE,
        };
        window.event(wheel);
        window.step();
        assert!(rows(&window).len() <= 7);
    }
    assert!(rows(&window)[0] > 10_000, "{:?}", rows(&window));
}
