//! The rows selected in a list, and how a press, a drag or a key changes them.

use egui::Modifiers;

use crate::model::Ranges;

/// The effect of a pressed row on the selected rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SelectMode {
    /// Selects the row alone.
    Alone,
    /// Adds or removes the row.
    Toggle,
    /// Selects from the anchor to the row.
    Extend,
    /// Adds the rows from the anchor to the row.
    ExtendMore,
}

impl SelectMode {
    /// Returns the mode of the pressed modifiers: Shift extends, Ctrl (or Cmd) keeps other rows.
    pub fn of(modifiers: Modifiers) -> Self {
        match (modifiers.shift, modifiers.command) {
            (false, false) => Self::Alone,
            (false, true) => Self::Toggle,
            (true, false) => Self::Extend,
            (true, true) => Self::ExtendMore,
        }
    }

    /// Returns `true` if other rows stay selected.
    pub fn keeps(self) -> bool {
        matches!(self, Self::Toggle | Self::ExtendMore)
    }
}

/// The effect of a drag over a list on the selected rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DragMode {
    /// Selects the row under the pointer alone.
    Sweep,
    /// Selects every row between the press and the pointer.
    Lasso,
}

/// Pointer and keyboard state of a list.
#[derive(Clone, Debug, Default)]
pub struct ListSelection {
    /// The row where an extension begins.
    anchor: Option<usize>,
    /// The row that keys start from.
    cursor: Option<usize>,
    held: Option<PressedRow>,
    /// The cursor row should be scrolled into view.
    reveal: bool,
}

/// A press that has not been released.
#[derive(Clone, Debug)]
struct PressedRow {
    /// The rows selected before the press.
    before: Ranges,
    row: usize,
    mode: SelectMode,
}

impl ListSelection {
    /// Returns the row that keys start from.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Returns `true` while the pointer is pressed.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// Returns the mode of the current press.
    pub fn held(&self) -> Option<SelectMode> {
        self.held.as_ref().map(|held| held.mode)
    }

    /// Moves cursor and anchor after the selection changed elsewhere.
    pub fn move_to(&mut self, chosen: &Ranges) {
        *self = Self { anchor: chosen.first(), cursor: chosen.first(), held: None, reveal: true };
    }

    /// Requests that the cursor row is scrolled into view.
    pub fn reveal(&mut self) {
        self.reveal = true;
    }

    /// Returns the row to be scrolled into view, once.
    pub fn take_revealed(&mut self) -> Option<usize> {
        std::mem::take(&mut self.reveal).then_some(self.cursor).flatten()
    }

    /// Handles a press on a row; returns the rows selected then.
    pub fn press(&mut self, chosen: &Ranges, row: usize, mode: SelectMode) -> Ranges {
        self.held = Some(PressedRow { before: chosen.clone(), row, mode });
        if matches!(mode, SelectMode::Alone | SelectMode::Toggle) {
            self.anchor = Some(row);
        }
        self.cursor = Some(row);
        match mode {
            SelectMode::Alone => Ranges::from(row..=row),
            SelectMode::Toggle if chosen.contains(row) => chosen.without(row),
            SelectMode::Toggle => chosen.with(row..=row),
            SelectMode::Extend | SelectMode::ExtendMore => self.extended(chosen, row, mode),
        }
    }

    /// Handles a drag to `row`; returns the rows selected then, `None` if the row is the same as before.
    pub fn drag(&mut self, row: usize, drag: DragMode) -> Option<Ranges> {
        let held = self.held.as_ref()?;
        if self.cursor == Some(row) {
            return None;
        }
        self.cursor = Some(row);
        Some(match (held.mode, drag) {
            (SelectMode::Alone, DragMode::Sweep) => {
                self.anchor = Some(row);
                Ranges::from(row..=row)
            }
            (SelectMode::Alone, DragMode::Lasso) => Ranges::from(between(held.row, row)),
            (SelectMode::Toggle, _) => held.before.with(between(held.row, row)),
            (mode, _) => self.extended(&held.before, row, mode),
        })
    }

    /// Handles the release of the pointer.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// Moves the cursor by `steps` in a list of `rows` rows; `extend` keeps the anchor. Returns the rows
    /// selected then, `None` in an empty list.
    pub fn step(&mut self, steps: isize, rows: usize, extend: bool) -> Option<Ranges> {
        let last = rows.checked_sub(1)?;
        let row = match self.cursor {
            Some(row) => row.saturating_add_signed(steps).min(last),
            // Without a cursor, Home and End go to the ends, and a step to the nearer end.
            None if steps == isize::MAX => last,
            None if steps < 0 && steps != -isize::MAX => last,
            None => 0,
        };
        self.cursor = Some(row);
        if !extend {
            self.anchor = Some(row);
        }
        Some(Ranges::from(between(self.anchor.unwrap_or(row), row)))
    }

    /// Adds or removes the cursor row.
    pub fn toggle(&mut self, chosen: &Ranges) -> Option<Ranges> {
        let row = self.cursor?;
        self.anchor = Some(row);
        Some(if chosen.contains(row) { chosen.without(row) } else { chosen.with(row..=row) })
    }

    fn extended(&self, before: &Ranges, row: usize, mode: SelectMode) -> Ranges {
        let range = between(self.anchor.unwrap_or(row), row);
        if mode == SelectMode::ExtendMore { before.with(range) } else { range.into() }
    }
}

fn between(a: usize, b: usize) -> std::ops::RangeInclusive<usize> {
    a.min(b)..=a.max(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(text: &str) -> Ranges {
        text.split_whitespace().map(|index| index.parse::<usize>().expect("a number")).collect()
    }

    /// Presses and releases a row.
    fn click(selection: &mut ListSelection, chosen: &Ranges, row: usize, mode: SelectMode) -> Ranges {
        let chosen = selection.press(chosen, row, mode);
        selection.release();
        chosen
    }

    #[test]
    fn clicks_select_toggle_and_extend() {
        let mut selection = ListSelection::default();
        let mut chosen = set("7");
        for (row, mode, expected) in [
            (3, SelectMode::Alone, "3"),
            (5, SelectMode::Toggle, "3 5"),
            (3, SelectMode::Toggle, "5"),
            (9, SelectMode::Toggle, "5 9"),
            (7, SelectMode::Extend, "7 8 9"),
            (10, SelectMode::Extend, "9 10"),
            (4, SelectMode::Toggle, "4 9 10"),
            (6, SelectMode::ExtendMore, "4 5 6 9 10"),
            (6, SelectMode::Alone, "6"),
            (6, SelectMode::Toggle, ""),
            (4, SelectMode::Extend, "4 5 6"),
        ] {
            chosen = click(&mut selection, &chosen, row, mode);
            assert_eq!(chosen, set(expected), "{mode:?} {row}");
        }
    }

    #[test]
    fn a_lasso_selects_exactly_the_rows_it_covers() {
        let mut selection = ListSelection::default();
        assert_eq!(selection.press(&set("1 9"), 4, SelectMode::Alone), set("4"));
        assert_eq!(selection.drag(4, DragMode::Lasso), None, "still there");
        assert_eq!(selection.drag(6, DragMode::Lasso), Some(set("4 5 6")));
        assert_eq!(selection.drag(3, DragMode::Lasso), Some(set("3 4")));
        assert_eq!(selection.drag(4, DragMode::Lasso), Some(set("4")));
        selection.release();
        assert_eq!(selection.drag(5, DragMode::Lasso), None, "released");
        assert_eq!(
            click(&mut selection, &set("4"), 6, SelectMode::Extend),
            set("4 5 6"),
            "from where it began"
        );

        assert_eq!(selection.press(&set("1 5"), 4, SelectMode::Toggle), set("1 4 5"));
        assert_eq!(selection.drag(6, DragMode::Lasso), Some(set("1 4 5 6")));
        assert_eq!(selection.drag(3, DragMode::Lasso), Some(set("1 3 4 5")), "what was chosen before stays");
    }

    #[test]
    fn a_sweep_selects_the_row_under_the_pointer() {
        let mut selection = ListSelection::default();
        selection.press(&set(""), 4, SelectMode::Alone);
        assert_eq!(selection.drag(5, DragMode::Sweep), Some(set("5")));
        assert_eq!(selection.drag(6, DragMode::Sweep), Some(set("6")));
        selection.release();
        assert_eq!(click(&mut selection, &set("6"), 8, SelectMode::Extend), set("6 7 8"), "from the last");
    }

    #[test]
    fn keys_step_extend_and_toggle() {
        let mut selection = ListSelection::default();
        assert_eq!(selection.step(1, 0, false), None, "nothing to step to");
        assert_eq!(selection.toggle(&set("")), None);
        assert_eq!(selection.step(1, 5, false), Some(set("0")));
        assert_eq!(selection.step(1, 5, false), Some(set("1")));
        assert_eq!(selection.step(1, 5, true), Some(set("1 2")));
        assert_eq!(selection.step(9, 5, true), Some(set("1 2 3 4")), "no further than the last");
        assert_eq!(selection.step(-9, 5, true), Some(set("0 1")));
        assert_eq!(selection.toggle(&set("0 1")), Some(set("1")));
        assert_eq!(selection.toggle(&set("1")), Some(set("0 1")));
        selection.move_to(&set("3 4"));
        assert_eq!(selection.step(-1, 5, false), Some(set("2")), "from what was chosen elsewhere");
    }
}
