//! Lookup of classes by the names that a selection has for them.

use std::collections::HashMap;

use super::{Selection, Term};
use crate::model::Recording;

/// The classes of a recording by name and id.
pub(super) struct ClassNames<'a> {
    recording: &'a Recording,
    /// Index of the first class of each name.
    by_name: HashMap<&'a str, usize>,
}

impl<'a> ClassNames<'a> {
    /// Indexes the classes of a recording.
    pub(super) fn new(recording: &'a Recording) -> Self {
        let classes = recording.classes.iter().enumerate().rev();
        let by_name = classes.map(|(index, class)| (class.name.as_str(), index)).collect();
        Self { recording, by_name }
    }

    /// Index into [`Recording::classes`] of the class with this name or else with this id.
    pub(super) fn index(&self, text: &str) -> Option<usize> {
        self.by_name.get(text).copied().or_else(|| {
            let id: i64 = text.parse().ok()?;
            self.recording.classes.iter().position(|class| class.id == id)
        })
    }

    /// Text for a class in a selection: its name or, where that would not be parsed as this class, its
    /// id.
    ///
    /// # Panics
    /// Panics if `class` is not an index into [`Recording::classes`].
    pub(super) fn text(&self, class: usize) -> String {
        let name = &self.recording.classes[class].name;
        let is_plain = !name.is_empty() && name.trim() == name && !name.contains(['&', ',', '@']);
        if is_plain && self.by_name.get(name.as_str()) == Some(&class) {
            name.clone()
        } else {
            self.recording.classes[class].id.to_string()
        }
    }
}

impl Selection {
    /// The selection of one class, by its index into [`Recording::classes`].
    ///
    /// # Panics
    /// Panics if `class` is not an index into [`Recording::classes`].
    pub fn class(recording: &Recording, class: usize) -> Self {
        Self { terms: vec![Term::Class(vec![ClassNames::new(recording).text(class)])], epoch: None }
    }

    /// The index into [`Recording::classes`] if the only term is exactly one known class.
    pub fn single_class(&self, recording: &Recording) -> Option<usize> {
        match self.terms.as_slice() {
            [Term::Class(names)] => match names.as_slice() {
                [name] => ClassNames::new(recording).index(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The indices into [`Recording::classes`], ascending, if the only term is a list of known classes.
    pub fn classes(&self, recording: &Recording) -> Option<Vec<usize>> {
        let [Term::Class(names)] = self.terms.as_slice() else { return None };
        let class_names = ClassNames::new(recording);
        let mut classes: Vec<usize> =
            names.iter().map(|name| class_names.index(name)).collect::<Option<_>>()?;
        classes.sort_unstable();
        classes.dedup();
        Some(classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    /// Four inputs: 0 and 3 are cats, 1 a dog, 2 unlabelled.
    fn animals() -> Recording {
        testing::recording(&[4], &["cat", "dog", "0"], &[Some(0), Some(1), None, Some(0)], &[0, 1])
    }

    #[test]
    fn one_class_and_one_input_are_recognised() {
        let recording = animals();
        let parse = |text: &str| text.parse::<Selection>().unwrap();
        assert_eq!(parse("input:4@first").single_input(), Some(4));
        for text in ["input:4,5", "input:4-5", "input:4&right", "all", "class:cat"] {
            assert_eq!(parse(text).single_input(), None, "{text}");
        }
        assert_eq!(parse("class:dog@first").single_class(&recording), Some(1));
        for text in ["class:dog,cat", "class:dog&right", "class:cow", "all", "input:1"] {
            assert_eq!(parse(text).single_class(&recording), None, "{text}");
        }
        assert!(parse("class:dog&wrong").needs_predictions() && !parse("class:dog").needs_predictions());
        assert_eq!(Selection::input(4), parse("input:4"));
        let odd = testing::recording(&[1], &["cat", "R&B", "0", "a, b", "cat"], &[], &[0]);
        for class in 0..odd.classes.len() {
            let text = Selection::class(&odd, class).to_string();
            assert_eq!(parse(&text).single_class(&odd), Some(class), "{text}");
        }
    }
}
