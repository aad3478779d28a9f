//! Buttons and keys of the columns.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::window;
use crate::model::columns::{Locks, MAX_COLUMNS};
use crate::ui::panels::columns::ColumnAction;
use crate::ui::testing;

#[test]
fn every_column_action_has_a_button_and_a_key() {
    let mut window = window(testing::recording());
    for absent in ["Remove column", "Subtract columns", "Swap A and B", "Lock cameras"] {
        assert!(window.query_by_label(absent).is_none(), "{absent}: there is one column");
    }
    window.click("Add column");
    window.click("Minus: General");
    window.click("Swap A and B");
    assert_eq!(std::mem::take(&mut window.state_mut().actions), [ColumnAction::Add(0), ColumnAction::Swap]);

    window.state_mut().columns = 3;
    window.run();
    let unlocked = |cameras, epochs, scale| ColumnAction::Lock(Locks { cameras, epochs, scale });
    for (name, key, action) in [
        ("Add column", Key::N, ColumnAction::Add(0)),
        ("Duplicate column", Key::C, ColumnAction::Duplicate),
        ("Remove column", Key::Delete, ColumnAction::Remove),
        ("Swap A and B", Key::X, ColumnAction::Swap),
        ("Subtract columns", Key::M, ColumnAction::Difference),
        ("Lock cameras", Key::K, unlocked(false, true, true)),
        ("Lock epochs", Key::T, unlocked(true, false, true)),
        ("Lock scale", Key::R, unlocked(true, true, false)),
    ] {
        window.click(name);
        assert_eq!(std::mem::take(&mut window.state_mut().actions), [action], "{name}");
        window.press(key);
        assert_eq!(std::mem::take(&mut window.state_mut().actions), [action], "{key:?}");
    }
    window.click("Column 2: run, all inputs");
    window.click("Header of column 3: run, all inputs");
    for modifiers in [Modifiers::CTRL, Modifiers::CTRL | Modifiers::SHIFT] {
        window.press_with(modifiers, Key::Tab);
    }
    assert_eq!(window.state().actions, [1, 2, 1, 2].map(ColumnAction::Activate));
}

#[test]
fn columns_of_any_run_are_added_up_to_the_maximum() {
    let mut window = window(testing::recording());
    window.state_mut().runs = vec!["one", "other"];
    window.run();
    window.click("Add column");
    window.click("other");
    assert_eq!(std::mem::take(&mut window.state_mut().actions), [ColumnAction::Add(1)]);
    window.state_mut().columns = MAX_COLUMNS;
    window.run();
    window.click("Duplicate column");
    window.key_press(Key::N);
    window.press(Key::C);
    assert_eq!(window.state().actions, []);
}
