//! Lookup of classes by the references of a selection.

use std::collections::HashMap;

use super::class_ref::ClassRef;
use super::{LISTED, Selection, SelectionError, Term};
use crate::model::{Class, Recording};

/// The classes of a recording by name and id.
pub(super) struct ClassNames<'a> {
    recording: &'a Recording,
    /// Indices of the classes of each name, ascending.
    by_name: HashMap<&'a str, Vec<usize>>,
}

impl<'a> ClassNames<'a> {
    /// Indexes the classes of a recording.
    pub(super) fn new(recording: &'a Recording) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, class) in recording.classes.iter().enumerate() {
            by_name.entry(class.name.as_str()).or_default().push(index);
        }
        Self { recording, by_name }
    }

    /// Index into [`Recording::classes`] of the class that is referred to.
    ///
    /// # Errors
    /// Returns [`SelectionError::UnknownClass`] or [`SelectionError::AmbiguousClass`] unless it is exactly
    /// one.
    pub(super) fn index(&self, class: &ClassRef) -> Result<usize, SelectionError> {
        let named = |name: &str| self.by_name.get(name).cloned().unwrap_or_default();
        let of_id = |id| self.recording.classes.iter().position(|class| class.id == id);
        let candidates = match class {
            ClassRef::Name(name) => named(name),
            ClassRef::Id(id) => of_id(*id).into_iter().collect(),
            ClassRef::Text(text) => {
                let mut candidates = named(text);
                let id = text.parse().ok().and_then(of_id);
                candidates.extend(id.filter(|id| !candidates.contains(id)));
                candidates
            }
        };
        match *candidates.as_slice() {
            [index] => Ok(index),
            [] => Err(unknown_class(self.recording, class)),
            _ => Err(ambiguous_class(self.recording, class, &candidates)),
        }
    }

    /// Refers to a class by its name or, where that is the name of another class as well, by its id.
    ///
    /// # Panics
    /// Panics if `class` is not an index into [`Recording::classes`].
    pub(super) fn reference(&self, class: usize) -> ClassRef {
        let Class { id, name, .. } = &self.recording.classes[class];
        let [plain, quoted] = [ClassRef::Text(name.clone()), ClassRef::Name(name.clone())];
        if ClassRef::is_plain(name) && self.index(&plain) == Ok(class) {
            plain
        } else if !name.is_empty() && self.index(&quoted) == Ok(class) {
            quoted
        } else {
            ClassRef::Id(*id)
        }
    }

    /// The name of a class, with its id where another class has the name; the reference itself if it is not
    /// one class.
    pub(super) fn describe(&self, class: &ClassRef) -> String {
        let Ok(index) = self.index(class) else { return class.to_string() };
        let Class { id, name, .. } = &self.recording.classes[index];
        let is_unique = self.by_name.get(name.as_str()).is_some_and(|classes| classes.len() == 1);
        if is_unique && !name.is_empty() { name.clone() } else { format!("{name} (#{id})") }
    }
}

/// The error for a class name or id that the recording does not have.
fn unknown_class(recording: &Recording, class: &ClassRef) -> SelectionError {
    let names: Vec<&str> = recording.classes.iter().take(LISTED).map(|class| class.name.as_str()).collect();
    let known = match recording.classes.len() {
        0 => "the recording names no classes".to_owned(),
        classes if classes > LISTED => format!("there are {classes}: {}, …", names.join(", ")),
        _ => format!("there are {}", names.join(", ")),
    };
    SelectionError::UnknownClass { name: class.to_string(), known }
}

/// The error for a name that several classes have, or that is the id of another class.
fn ambiguous_class(recording: &Recording, class: &ClassRef, candidates: &[usize]) -> SelectionError {
    let list = |text: fn(&Class) -> String| {
        let texts = candidates.iter().take(LISTED).map(|&index| text(&recording.classes[index]));
        let more = if candidates.len() > LISTED { ", …" } else { "" };
        texts.collect::<Vec<_>>().join(", ") + more
    };
    SelectionError::AmbiguousClass {
        name: class.to_string(),
        classes: list(|class| format!("#{} ({})", class.id, class.name)),
        first: candidates.first().map_or(0, |&index| recording.classes[index].id),
    }
}

impl Selection {
    /// The selection of one class, by its index into [`Recording::classes`].
    ///
    /// # Panics
    /// Panics if `class` is not an index into [`Recording::classes`].
    pub fn class(recording: &Recording, class: usize) -> Self {
        Self { terms: vec![Term::Class(vec![ClassNames::new(recording).reference(class)])], epoch: None }
    }

    /// The index into [`Recording::classes`] if the only term is exactly one known class.
    pub fn single_class(&self, recording: &Recording) -> Option<usize> {
        match self.terms.as_slice() {
            [Term::Class(classes)] => match classes.as_slice() {
                [class] => ClassNames::new(recording).index(class).ok(),
                _ => None,
            },
            _ => None,
        }
    }

    /// The indices into [`Recording::classes`], ascending, if the only term is a list of known classes.
    pub fn classes(&self, recording: &Recording) -> Option<Vec<usize>> {
        let [Term::Class(references)] = self.terms.as_slice() else { return None };
        let class_names = ClassNames::new(recording);
        let mut classes: Vec<usize> =
            references.iter().map(|class| class_names.index(class).ok()).collect::<Option<_>>()?;
        classes.sort_unstable();
        classes.dedup();
        Some(classes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    fn parse(text: &str) -> Selection {
        text.parse().unwrap()
    }

    #[test]
    fn one_class_and_one_input_are_recognised() {
        let labels = [Some(0), Some(1), None, Some(0)];
        let recording = testing::recording(&[4], &["cat", "dog", "0"], &labels, &[0, 1]);
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
    }

    #[test]
    fn every_class_is_referred_to_by_a_text_that_selects_it() {
        let names = [
            "cat", "R&B", "0", "a, b", "cat", "", " a", "x@last", "#5", "\"q\"", "a\\b", "5\" nail", "11",
            "12", "-1",
        ];
        let odd = testing::recording(&[1], &names, &[], &[0]);
        for class in 0..odd.classes.len() {
            let selection = Selection::class(&odd, class);
            let text = selection.to_string();
            assert_eq!(parse(&text), selection, "{text}");
            assert_eq!(selection.single_class(&odd), Some(class), "{text}");
        }
        let text = |class: usize| Selection::class(&odd, class).to_string();
        assert_eq!(text(0), "class:#0", "a second class has the name");
        assert_eq!(text(1), "class:\"R&B\"");
        assert_eq!(text(2), "class:\"0\"", "0 is the id of another class");
        assert_eq!(text(5), "class:#5", "no name");
        assert_eq!(text(9), r#"class:"\"q\"""#);
        assert_eq!(text(11), "class:5\" nail", "a quote opens at the beginning alone");
        assert_eq!(text(12), "class:\"11\"");
    }

    #[test]
    fn ambiguous_names_are_errors_that_name_the_ids() {
        let recording = testing::recording(&[1], &["cat", "dog", "0", "dog"], &[], &[0]);
        let names = ClassNames::new(&recording);
        let of = |text: &str| {
            let [Term::Class(classes)] = &parse(text).terms[..] else { panic!("{text}") };
            names.index(&classes[0]).map_err(|error| error.to_string())
        };
        assert_eq!(of("class:dog"), Err("several classes have the name or the id `dog`: #1 (dog), #3 (dog); write class:#1 for the first".into()));
        assert_eq!(
            of("class:\"dog\"").unwrap_err(),
            "several classes have the name or the id `\"dog\"`: #1 (dog), #3 (dog); write class:#1 for the first"
        );
        assert_eq!(
            of("class:0"),
            Err(
                "several classes have the name or the id `0`: #2 (0), #0 (cat); write class:#2 for the first"
                    .into()
            )
        );
        assert_eq!(of("class:\"0\""), Ok(2));
        assert_eq!((of("class:#0"), of("class:#3"), of("class:3")), (Ok(0), Ok(3), Ok(3)));
        assert_eq!(of("class:#7").unwrap_err(), "there is no class `#7`; there are cat, dog, 0, dog");
        assert_eq!(of("class:\"3\"").unwrap_err(), "there is no class `\"3\"`; there are cat, dog, 0, dog");
    }
}
