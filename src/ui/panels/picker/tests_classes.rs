//! The list of classes: a few side by side, many with a search field.

use egui::Key;
use egui::accesskit::Role;
use egui_kittest::kittest::Queryable;

use super::tests::{Window, chosen, many, minus, panel_of_height, select};
use crate::model::{Class, Recording};

/// Height of the Input panel in a window of 1280 × 800, in points.
const HEIGHT: f32 = 620.0;

/// A recording with classes of these names, the n-th with the id 10 n.
fn classes(names: &[&str]) -> Recording {
    let mut recording = many();
    let class = |(index, name): (usize, &&str)| Class {
        id: 10 * index as i64,
        name: (*name).to_owned(),
        inputs: 6,
        aggregated: 0,
    };
    recording.classes = names.iter().enumerate().map(class).collect();
    let count = names.len();
    recording.inputs.iter_mut().enumerate().for_each(|(index, input)| input.class = Some(index % count));
    recording
}

const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
const THINGS: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

/// Fails unless all rows of lists lie within the window, without covering each other.
#[track_caller]
fn assert_whole(window: &Window, count: usize) {
    let rows: Vec<egui::Rect> = window.get_all_by_role(Role::ListBoxOption).map(|row| row.rect()).collect();
    assert_eq!(rows.len(), count, "every class has a row");
    for (index, row) in rows.iter().enumerate() {
        assert!(
            row.top() > 0.0 && row.bottom() < HEIGHT && row.left() >= 0.0 && row.right() <= 264.0,
            "{row:?}"
        );
        for other in &rows[index + 1..] {
            assert!(!row.shrink(0.5).intersects(*other), "{row:?} {other:?}");
        }
    }
}

#[test]
fn ten_classes_are_visible_at_once_on_both_sides() {
    for names in [DIGITS, THINGS] {
        let mut window = panel_of_height(HEIGHT, vec![classes(&names)]);
        window.click("Show: Class");
        assert_whole(&window, 10);
        window.click("Minus: Class");
        assert_whole(&window, 20);
        let last = window.get_by_label("Difference: Effect size").rect();
        assert!(last.bottom() < HEIGHT, "the whole panel is visible: {last:?}");
        window.click(&format!("Minus: class {}", names[9]));
        assert_eq!(minus(&window), Some(format!("class:{}", names[9])));
    }
}

#[test]
fn arrows_go_down_a_column_and_to_the_next() {
    let mut window = panel_of_height(HEIGHT, vec![classes(&THINGS)]);
    window.click("Show: Class");
    let rect = |name: &str| window.get_by_label(&format!("Show: class {name}")).rect();
    let first = rect("airplane");
    let next = THINGS.into_iter().find(|name| rect(name).top() == first.top() && *name != "airplane");
    let next = next.expect("there is a second column");
    assert!(rect("automobile").top() >= first.bottom() && rect("automobile").left() == first.left());
    window.focus("Show: classes");
    window.press(Key::ArrowDown);
    assert_eq!(select(&window), "class:automobile");
    window.press(Key::ArrowUp);
    window.press(Key::ArrowRight);
    assert_eq!(select(&window), format!("class:{next}"));
    window.press(Key::ArrowLeft);
    assert_eq!(select(&window), "class:airplane");
    window.press(Key::End);
    assert_eq!(select(&window), "class:truck");
}

#[test]
fn many_classes_are_searched_by_name_and_number() {
    let names: Vec<String> = (0..120).map(|index| format!("kind-{index:03}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut window = panel_of_height(HEIGHT, vec![classes(&names)]);
    window.click("Show: Class");
    let listed = |window: &Window| window.get_all_by_role(Role::ListBoxOption).count();
    assert!((8..40).contains(&listed(&window)), "as many as there is room for: {}", listed(&window));
    window.replace_text("Show: search classes", "KIND-07");
    assert_eq!(listed(&window), 10);
    window.click("Show: class kind-073");
    assert_eq!((select(&window).as_str(), chosen(&window).len()), ("class:kind-073", 1));
    window.replace_text("Show: search classes", "1190");
    assert_eq!(listed(&window), 1, "by its id");
    window.press(Key::Enter);
    assert_eq!(select(&window), "class:kind-119");
    window.replace_text("Show: search classes", "nothing");
    window.get_by_label("no class goes by this name");
    window.press(Key::Escape);
    assert!(listed(&window) > 1);
    assert_eq!(select(&window), "class:kind-119");
}
