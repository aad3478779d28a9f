//! Choosing rows of a list: what a press, a drag or a key makes of the rows that are chosen.

use egui::Modifiers;

use crate::model::Ranges;

/// How a row joins those that are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It alone.
    Alone,
    /// It changes sides, the others stay.
    Toggle,
    /// Everything from the last one that was pressed to it.
    Extend,
    /// The same, and the others stay.
    ExtendMore,
}

impl How {
    /// What the held keys ask for: Shift extends, Ctrl (or Cmd) keeps the others.
    pub fn of(modifiers: Modifiers) -> Self {
        match (modifiers.shift, modifiers.command) {
            (false, false) => Self::Alone,
            (false, true) => Self::Toggle,
            (true, false) => Self::Extend,
            (true, true) => Self::ExtendMore,
        }
    }

    /// Whether what is chosen elsewhere stays.
    pub fn keeps(self) -> bool {
        matches!(self, Self::Toggle | Self::ExtendMore)
    }
}

/// What pulling the pressed pointer over a list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pull {
    /// The row under the pointer is chosen, as if it were pressed.
    Sweep,
    /// All rows that were passed are chosen.
    Lasso,
}

/// Where hand and keyboard are in a list.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Where an extension begins.
    anchor: Option<usize>,
    /// The row that keys start from.
    cursor: Option<usize>,
    held: Option<Held>,
    /// That row is to be brought into sight.
    reveal: bool,
}

/// The pointer was pressed and is held.
#[derive(Clone, Debug)]
struct Held {
    /// Chosen before.
    before: Ranges,
    row: usize,
    how: How,
}

impl Choice {
    /// The row that keys start from.
    pub fn cursor(&self) -> Option<usize> {
        self.cursor
    }

    /// Whether the pointer is held.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// How the row joined those that were chosen at which the pointer was pressed and is held.
    pub fn held(&self) -> Option<How> {
        self.held.as_ref().map(|held| held.how)
    }

    /// Takes note that other rows were chosen by other means.
    pub fn lead(&mut self, chosen: &Ranges) {
        *self = Self { anchor: chosen.first(), cursor: chosen.first(), held: None, reveal: true };
    }

    /// The current row is to be brought into sight.
    pub fn reveal(&mut self) {
        self.reveal = true;
    }

    /// The row to be brought into sight, once.
    pub fn take_revealed(&mut self) -> Option<usize> {
        std::mem::take(&mut self.reveal).then_some(self.cursor).flatten()
    }

    /// The pointer is pressed on a row, or released there soon after; returns what is chosen then.
    pub fn press(&mut self, chosen: &Ranges, row: usize, how: How) -> Ranges {
        self.held = Some(Held { before: chosen.clone(), row, how });
        if matches!(how, How::Alone | How::Toggle) {
            self.anchor = Some(row);
        }
        self.cursor = Some(row);
        match how {
            How::Alone => Ranges::from(row..=row),
            How::Toggle if chosen.contains(row) => chosen.without(row),
            How::Toggle => chosen.with(row..=row),
            How::Extend | How::ExtendMore => self.extended(chosen, row, how),
        }
    }

    /// The pressed pointer is over `row` now; `None` when it was there before.
    pub fn pull(&mut self, row: usize, pull: Pull) -> Option<Ranges> {
        let held = self.held.as_ref()?;
        if self.cursor == Some(row) {
            return None;
        }
        self.cursor = Some(row);
        Some(match (held.how, pull) {
            (How::Alone, Pull::Sweep) => {
                self.anchor = Some(row);
                Ranges::from(row..=row)
            }
            (How::Alone, Pull::Lasso) => Ranges::from(between(held.row, row)),
            (How::Toggle, _) => held.before.with(between(held.row, row)),
            (how, _) => self.extended(&held.before, row, how),
        })
    }

    /// The pointer is released.
    pub fn release(&mut self) {
        self.held = None;
    }

    /// A key leads to another of `rows` rows; `extend` keeps where it began. `None` in an empty list.
    pub fn step(&mut self, steps: isize, rows: usize, extend: bool) -> Option<Ranges> {
        let last = rows.checked_sub(1)?;
        let row = match self.cursor {
            Some(row) => row.saturating_add_signed(steps).min(last),
            // Without one, Home and End lead to the ends, and a step to the nearer one.
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

    /// A key turns the current row over.
    pub fn toggle(&mut self, chosen: &Ranges) -> Option<Ranges> {
        let row = self.cursor?;
        self.anchor = Some(row);
        Some(if chosen.contains(row) { chosen.without(row) } else { chosen.with(row..=row) })
    }

    fn extended(&self, before: &Ranges, row: usize, how: How) -> Ranges {
        let range = between(self.anchor.unwrap_or(row), row);
        if how == How::ExtendMore { before.with(range) } else { range.into() }
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

    /// Presses and releases.
    fn click(choice: &mut Choice, chosen: &Ranges, row: usize, how: How) -> Ranges {
        let chosen = choice.press(chosen, row, how);
        choice.release();
        chosen
    }

    #[test]
    fn clicks_choose_one_more_and_up_to() {
        let mut choice = Choice::default();
        let mut chosen = set("7");
        for (row, how, expected) in [
            (3, How::Alone, "3"),
            (5, How::Toggle, "3 5"),
            (3, How::Toggle, "5"),
            (9, How::Toggle, "5 9"),
            (7, How::Extend, "7 8 9"),
            (10, How::Extend, "9 10"),
            (4, How::Toggle, "4 9 10"),
            (6, How::ExtendMore, "4 5 6 9 10"),
            (6, How::Alone, "6"),
            (6, How::Toggle, ""),
            (4, How::Extend, "4 5 6"),
        ] {
            chosen = click(&mut choice, &chosen, row, how);
            assert_eq!(chosen, set(expected), "{how:?} {row}");
        }
    }

    #[test]
    fn a_lasso_chooses_what_it_covers_and_gives_back_what_it_leaves() {
        let mut choice = Choice::default();
        assert_eq!(choice.press(&set("1 9"), 4, How::Alone), set("4"));
        assert_eq!(choice.pull(4, Pull::Lasso), None, "still there");
        assert_eq!(choice.pull(6, Pull::Lasso), Some(set("4 5 6")));
        assert_eq!(choice.pull(3, Pull::Lasso), Some(set("3 4")));
        assert_eq!(choice.pull(4, Pull::Lasso), Some(set("4")));
        choice.release();
        assert_eq!(choice.pull(5, Pull::Lasso), None, "released");
        assert_eq!(click(&mut choice, &set("4"), 6, How::Extend), set("4 5 6"), "from where it began");

        assert_eq!(choice.press(&set("1 5"), 4, How::Toggle), set("1 4 5"));
        assert_eq!(choice.pull(6, Pull::Lasso), Some(set("1 4 5 6")));
        assert_eq!(choice.pull(3, Pull::Lasso), Some(set("1 3 4 5")), "what was chosen before stays");
    }

    #[test]
    fn a_sweep_chooses_the_row_under_the_pointer() {
        let mut choice = Choice::default();
        choice.press(&set(""), 4, How::Alone);
        assert_eq!(choice.pull(5, Pull::Sweep), Some(set("5")));
        assert_eq!(choice.pull(6, Pull::Sweep), Some(set("6")));
        choice.release();
        assert_eq!(click(&mut choice, &set("6"), 8, How::Extend), set("6 7 8"), "from the last");
    }

    #[test]
    fn keys_step_extend_and_turn_over() {
        let mut choice = Choice::default();
        assert_eq!(choice.step(1, 0, false), None, "nothing to step to");
        assert_eq!(choice.toggle(&set("")), None);
        assert_eq!(choice.step(1, 5, false), Some(set("0")));
        assert_eq!(choice.step(1, 5, false), Some(set("1")));
        assert_eq!(choice.step(1, 5, true), Some(set("1 2")));
        assert_eq!(choice.step(9, 5, true), Some(set("1 2 3 4")), "no further than the last");
        assert_eq!(choice.step(-9, 5, true), Some(set("0 1")));
        assert_eq!(choice.toggle(&set("0 1")), Some(set("1")));
        assert_eq!(choice.toggle(&set("1")), Some(set("0 1")));
        choice.lead(&set("3 4"));
        assert_eq!(choice.step(-1, 5, false), Some(set("2")), "from what was chosen elsewhere");
    }
}
