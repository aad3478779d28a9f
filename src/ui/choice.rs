//! The selections that can be picked by hand.

use crate::model::{Recording, Selection};

/// A selection as the panel offers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Every input.
    General,
    /// Index into [`Recording::classes`].
    Class(usize),
    /// Index into [`Recording::inputs`].
    Input(usize),
    /// Something written on the command line.
    Other,
}

impl Choice {
    /// Recognises a selection.
    pub fn of(selection: &Selection, recording: &Recording) -> Self {
        if *selection == Selection::default() {
            Self::General
        } else if let Some(class) = selection.single_class(recording) {
            Self::Class(class)
        } else {
            selection.single_input().map_or(Self::Other, Self::Input)
        }
    }

    /// The selection it stands for; `None` for [`Choice::Other`] and what the recording lacks.
    pub fn selection(self, recording: &Recording) -> Option<Selection> {
        match self {
            Self::General => Some(Selection::default()),
            Self::Class(class) => {
                (class < recording.classes.len()).then(|| Selection::class(recording, class))
            }
            Self::Input(input) => (input < recording.inputs.len()).then(|| Selection::input(input)),
            Self::Other => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::testing;

    #[test]
    fn every_choice_is_recognised_again() {
        let recording = testing::recording();
        for choice in [Choice::General, Choice::Class(1), Choice::Input(4)] {
            let selection = choice.selection(&recording).expect("the recording has it");
            assert_eq!(Choice::of(&selection, &recording), choice);
        }
        assert_eq!(Choice::Input(6).selection(&recording), None);
        assert_eq!(Choice::Class(3).selection(&recording), None);
    }
}
