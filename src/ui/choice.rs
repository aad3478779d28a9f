//! The selections that can be picked by hand.

use crate::model::{Recording, Selection, Term};

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
        if selection.epoch.is_some() {
            return Self::Other;
        }
        match selection.terms.as_slice() {
            [] => Self::General,
            [Term::Class(names)] => match names.as_slice() {
                [name] => find_class(recording, name).map_or(Self::Other, Self::Class),
                _ => Self::Other,
            },
            [Term::Input(ranges)] => match ranges.as_slice() {
                [range] if range.start() == range.end() => Self::Input(*range.start()),
                _ => Self::Other,
            },
            _ => Self::Other,
        }
    }

    /// The selection it stands for; `None` for [`Choice::Other`] and what the recording lacks.
    pub fn selection(self, recording: &Recording) -> Option<Selection> {
        let terms = match self {
            Self::General => Vec::new(),
            Self::Class(index) => {
                let class = recording.classes.get(index)?;
                // By id where another class bears the same name.
                let alone = recording.classes.iter().filter(|other| other.name == class.name).count() == 1;
                vec![Term::Class(vec![if alone { class.name.clone() } else { class.id.to_string() }])]
            }
            Self::Input(index) if index < recording.inputs.len() => vec![Term::Input(vec![index..=index])],
            Self::Input(_) | Self::Other => return None,
        };
        Some(Selection { terms, epoch: None })
    }
}

fn find_class(recording: &Recording, name: &str) -> Option<usize> {
    let classes = &recording.classes;
    classes
        .iter()
        .position(|class| class.name == name)
        .or_else(|| classes.iter().position(|class| class.id.to_string() == name))
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

    #[test]
    fn classes_of_one_name_are_told_apart_by_id() {
        let mut recording = testing::recording();
        recording.classes[1].name = "cat".into();
        let selection = Choice::Class(1).selection(&recording).expect("the recording has it");
        assert_eq!(selection.terms, [Term::Class(vec!["1".into()])]);
        assert_eq!(Choice::of(&selection, &recording), Choice::Class(1));
    }
}
