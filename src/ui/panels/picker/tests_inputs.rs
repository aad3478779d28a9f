//! The list of inputs: searched and narrowed down, with pictures and predictions, also of a million.

use egui::accesskit::Role;
use egui::{Event, Key, Modifiers, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT, Queryable};

use super::{LIST, Offer, Picker};
use crate::model::{Input, Picture, Recording, Selection, Term};
use crate::ui::style::{Palette, install_fonts, install_style};
use crate::ui::{Pictures, testing};

struct State {
    recording: Recording,
    predictions: Option<Vec<Option<usize>>>,
    pictures: Pictures,
    picker: Picker,
    select: Selection,
    /// What was asked for in the last frame.
    wanted: Vec<usize>,
}

type Window = Harness<'static, State>;

const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;

/// The list over `count` inputs "sample-0" … of classes 0, 1, 2 in turn; every fifth is predicted as a
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
        pictures: Pictures::default(),
        picker: Picker::default(),
        select: Selection::default(),
        wanted: Vec::new(),
    };
    let show = |ui: &mut egui::Ui, state: &mut State| {
        let offer = Offer {
            group: "Show",
            recording: &state.recording,
            pictures: Some(&state.pictures),
            predictions: state.predictions.as_deref(),
            palette: Palette::of(crate::model::Theme::Dark),
            epoch: Some(3),
            optional: false,
            list_height: LIST,
        };
        if let Some(Some(select)) = offer.show(ui, &mut state.picker, Some(&state.select)) {
            state.select = select;
        }
        state.wanted = state.pictures.take_wanted();
    };
    let mut window = Harness::builder()
        .with_size(vec2(264.0, 600.0))
        .with_max_steps(2000)
        .with_context_setup(|ctx| {
            install_fonts(ctx);
            install_style(ctx, crate::model::Theme::Dark);
        })
        .build_ui_state(show, state);
    window.run();
    click(&mut window, "Show: Input");
    window
}

fn click(window: &mut Window, name: &str) {
    window.get_by_label(name).click();
    window.run();
}

fn click_with(window: &mut Window, modifiers: Modifiers, name: &str) {
    window.get_by_label(name).click_modifiers(modifiers);
    window.run();
}

fn search(window: &mut Window, text: &str) {
    window.get_by_label("Show: search inputs").focus();
    window.run();
    window.key_press_modifiers(CTRL, Key::A);
    window.run();
    window.event(Event::Text(text.to_owned()));
    window.run();
}

fn pick_class(window: &mut Window, name: &str) {
    click(window, "Show: class of rows");
    click(window, name);
}

/// The inputs of the rows that are laid out.
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
fn rows_tell_class_and_prediction_where_it_is_known() {
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
fn a_part_of_the_name_is_searched_for() {
    let mut window = window(60, false);
    search(&mut window, "PLE-4");
    assert_eq!(rows(&window), [4, 40, 41, 42, 43, 44]);
    window.get_by_value("11 of 60");
    window.get_by_label("Show: inputs").focus();
    window.key_press(Key::End);
    window.run();
    assert_eq!(select(&window), "input:49");
    search(&mut window, "nothing like it");
    assert_eq!(rows(&window), [] as [usize; 0]);
    assert!(window.get_by_label("Show: select all shown").accesskit_node().is_disabled());
    window.key_press(Key::Escape);
    window.run();
    assert_eq!(rows(&window).len(), 6, "Escape shows all again");
    assert_eq!(select(&window), "input:49", "searching alone chooses nothing");
}

#[test]
fn a_number_leads_there_and_enter_chooses() {
    let mut window = window(600, false);
    search(&mut window, "417");
    assert!(rows(&window).contains(&417), "{:?}", rows(&window));
    assert_eq!(select(&window), "input:0", "it is only brought into sight");
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(select(&window), "input:417");
    search(&mut window, "sample-33");
    window.key_press(Key::Enter);
    window.run();
    assert_eq!(select(&window), "input:33", "the first that is found");
}

#[test]
fn classes_and_verdicts_narrow_the_list_and_become_terms() {
    let mut window = window(60, false);
    pick_class(&mut window, "dog");
    assert_eq!(rows(&window), [1, 4, 7, 10, 13, 16]);
    click(&mut window, "Show rows: Wrong");
    assert_eq!(rows(&window), [10, 25, 40, 55]);
    click(&mut window, "Show: select all shown");
    assert_eq!(select(&window), "class:dog&wrong");
    click(&mut window, "Show rows: Right");
    click(&mut window, "Show: select all shown");
    assert_eq!(select(&window), "class:dog&right");
    pick_class(&mut window, "all classes");
    click(&mut window, "Show rows: All");
    assert_eq!(rows(&window).len(), 6);
    assert!(window.query_by_label("Show: select all shown").is_none());
    search(&mut window, "sample-1");
    click(&mut window, "Show: select all shown");
    assert_eq!(select(&window), "input:1,10-19", "names have no term");
}

#[test]
fn hands_and_keys_choose_among_the_rows_that_are_shown() {
    let mut window = window(60, false);
    click(&mut window, "Show: input 3");
    pick_class(&mut window, "dog");
    click_with(&mut window, CTRL, "Show: input 4");
    assert_eq!(select(&window), "input:3-4", "what is out of sight stays chosen");
    click_with(&mut window, CTRL, "Show: input 10");
    click_with(&mut window, CTRL, "Show: input 4");
    assert_eq!(select(&window), "input:3,10");
    click(&mut window, "Show: input 4");
    assert_eq!(select(&window), "input:4");
    click_with(&mut window, SHIFT, "Show: input 13");
    assert_eq!(select(&window), "input:4,7,10,13", "what lies between and is not shown is not meant");
    window.key_press(Key::ArrowDown);
    window.run();
    assert_eq!(select(&window), "input:16");
    window.key_press_modifiers(CTRL, Key::A);
    window.run();
    assert_eq!(window.state().select.count(&window.state().recording).map(|it| it.inputs), Ok(Some(20)));
}

#[test]
fn pictures_are_asked_for_as_rows_come_into_sight_and_forgotten_when_they_leave() {
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
    click(&mut window, "Show: input 1");
    assert!(window.state().wanted.contains(&1), "now somebody does");
}

#[test]
fn a_million_inputs_cost_a_frame_no_more_than_what_is_in_sight() {
    let mut window = window(1_000_000, true);
    let count = |window: &Window| rows(window).len();
    assert!(count(&window) <= 7);
    let frame = |window: &mut Window| window.step();
    // A number leads anywhere.
    window.get_by_label("Show: search inputs").focus();
    frame(&mut window);
    for digit in "987654".chars() {
        window.event(Event::Text(digit.to_string()));
        frame(&mut window);
        frame(&mut window);
        assert!(count(&window) <= 7 && window.state().wanted.len() <= 8);
    }
    frame(&mut window);
    assert!(rows(&window).contains(&987_654), "{:?}", rows(&window));
    // A name is looked for in slices, and what was found so far is there at once.
    window.key_press_modifiers(CTRL, Key::A);
    frame(&mut window);
    window.event(Event::Text("-99999".to_owned()));
    frame(&mut window);
    let passed = window.state().picker.found.passed();
    assert!(passed > 0 && passed < 1_000_000, "{passed} in the first frame");
    let mut frames = 1;
    while window.state().picker.found.passed() < 1_000_000 {
        frame(&mut window);
        assert!(count(&window) <= 7);
        frames += 1;
        assert!(frames < 2000, "it comes to an end");
    }
    window.run();
    assert_eq!(rows(&window), [99_999, 999_990, 999_991, 999_992, 999_993]);
    click(&mut window, "Show: input 999991");
    assert_eq!(select(&window), "input:999991");
}

#[test]
fn scrolling_through_a_million_rows_draws_a_few_with_many_chosen() {
    let mut window = window(1_000_000, true);
    let chosen = (0..300_000).map(|range| 3 * range..=3 * range + 1).collect();
    window.state_mut().select = Selection { terms: vec![Term::Input(chosen)], epoch: None };
    window.run();
    pick_class(&mut window, "bird");
    while window.state().picker.found.passed() < 1_000_000 {
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
