//! Lookup of classes by the references of a selection.

use std::collections::HashMap;

use super::class_ref::ClassRef;
use super::{LISTED, Selection, SelectionError, Term};
use crate::model::{Class, Recording};

/// Greatest number of lookups for which the classes are scanned, which takes less time than indexing their
/// names.
const MAX_SCANS: usize = 8;

/// The classes of a recording by name and id.
pub(super) struct ClassNames<'a> {
    recording: &'a Recording,
    /// The classes of each name; `None` if they are scanned for a name.
    by_name: Option<HashMap<&'a str, NamedClasses>>,
}

/// The classes that have one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct NamedClasses {
    /// Index into [`Recording::classes`] of the first of them.
    first: usize,
    /// There is no second one.
    is_unique: bool,
}

impl<'a> ClassNames<'a> {
    /// The classes of a recording, for about this number of lookups.
    pub(super) fn new(recording: &'a Recording, lookups: usize) -> Self {
        let by_name = (lookups > MAX_SCANS).then(|| {
            let mut by_name: HashMap<&str, NamedClasses> = HashMap::with_capacity(recording.classes.len());
            for (index, class) in recording.classes.iter().enumerate() {
                by_name
                    .entry(&class.name)
                    .and_modify(|named| named.is_unique = false)
                    .or_insert(NamedClasses { first: index, is_unique: true });
            }
            by_name
        });
        Self { recording, by_name }
    }

    /// The classes of a name; `None` without any.
    fn named(&self, name: &str) -> Option<NamedClasses> {
        if let Some(by_name) = &self.by_name {
            return by_name.get(name).copied();
        }
        let mut indices = indices_of_name(self.recording, name);
        Some(NamedClasses { first: indices.next()?, is_unique: indices.next().is_none() })
    }

    /// Index into [`Recording::classes`] of the class that is referred to; `None` unless it is exactly one.
    pub(super) fn find(&self, class: &ClassRef) -> Option<usize> {
        let named = name_in(class).and_then(|name| self.named(name));
        let with_id = id_in(class).and_then(|id| index_of_id(self.recording, id));
        match (named, with_id) {
            (Some(NamedClasses { first, is_unique }), with_id) => {
                (is_unique && with_id.is_none_or(|index| index == first)).then_some(first)
            }
            (None, with_id) => with_id,
        }
    }

    /// Index into [`Recording::classes`] of the class that is referred to.
    ///
    /// # Errors
    /// Returns [`SelectionError::UnknownClass`] or [`SelectionError::AmbiguousClass`] unless it is exactly
    /// one.
    pub(super) fn index(&self, class: &ClassRef) -> Result<usize, SelectionError> {
        self.find(class).ok_or_else(|| lookup_error(self.recording, class))
    }

    /// Refers to a class by its name or, where that is the name of another class as well, by its id.
    ///
    /// # Panics
    /// Panics if `class` is not an index into [`Recording::classes`].
    pub(super) fn reference(&self, class: usize) -> ClassRef {
        let Class { id, name, .. } = &self.recording.classes[class];
        let [plain, quoted] = [ClassRef::Text(name.clone()), ClassRef::Name(name.clone())];
        if ClassRef::is_plain(name) && self.find(&plain) == Some(class) {
            plain
        } else if !name.is_empty() && self.find(&quoted) == Some(class) {
            quoted
        } else {
            ClassRef::Id(*id)
        }
    }

    /// The name of a class, with its id where another class has the name; the reference itself if it is not
    /// one class.
    pub(super) fn describe(&self, class: &ClassRef) -> String {
        let Some(index) = self.find(class) else { return class.to_string() };
        let Class { id, name, .. } = &self.recording.classes[index];
        // A name by which the class is found is no other's.
        let is_unique = name_in(class) == Some(name.as_str())
            || self.named(name).is_some_and(|classes| classes.is_unique);
        if is_unique && !name.is_empty() { name.clone() } else { format!("{name} (#{id})") }
    }
}

/// The name that a reference may be.
fn name_in(class: &ClassRef) -> Option<&str> {
    match class {
        ClassRef::Text(name) | ClassRef::Name(name) => Some(name),
        ClassRef::Id(_) => None,
    }
}

/// The id that a reference may be.
fn id_in(class: &ClassRef) -> Option<i64> {
    match class {
        ClassRef::Text(text) => text.parse().ok(),
        ClassRef::Name(_) => None,
        ClassRef::Id(id) => Some(*id),
    }
}

/// The indices of the classes of a name, ascending.
fn indices_of_name<'a>(recording: &'a Recording, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    let classes = recording.classes.iter().enumerate();
    classes.filter(move |(_, class)| class.name == name).map(|(index, _)| index)
}

/// The index of the class with an id.
fn index_of_id(recording: &Recording, id: i64) -> Option<usize> {
    recording.classes.binary_search_by_key(&id, |class| class.id).ok()
}

/// The error for a reference that is not exactly one class.
fn lookup_error(recording: &Recording, class: &ClassRef) -> SelectionError {
    let mut candidates: Vec<usize> = name_in(class)
        .into_iter()
        .flat_map(|name| indices_of_name(recording, name))
        .take(LISTED + 1)
        .collect();
    let with_id = id_in(class).and_then(|id| index_of_id(recording, id));
    candidates.extend(with_id.filter(|index| !candidates.contains(index)));
    if candidates.is_empty() {
        unknown_class(recording, class)
    } else {
        ambiguous_class(recording, class, &candidates)
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
        Self { terms: vec![Term::Class(vec![ClassNames::new(recording, 1).reference(class)])], epoch: None }
    }

    /// The index into [`Recording::classes`] if the only term is exactly one known class.
    pub fn single_class(&self, recording: &Recording) -> Option<usize> {
        match self.terms.as_slice() {
            [Term::Class(classes)] => match classes.as_slice() {
                [class] => ClassNames::new(recording, 1).find(class),
                _ => None,
            },
            _ => None,
        }
    }

    /// The indices into [`Recording::classes`], ascending, if the only term is a list of known classes.
    pub fn classes(&self, recording: &Recording) -> Option<Vec<usize>> {
        let [Term::Class(references)] = self.terms.as_slice() else { return None };
        let class_names = ClassNames::new(recording, references.len());
        let mut classes: Vec<usize> =
            references.iter().map(|class| class_names.find(class)).collect::<Option<_>>()?;
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
        let names = ClassNames::new(&recording, 1);
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

    #[test]
    fn scanned_and_indexed_classes_are_the_same() {
        let names = ["cat", "dog", "0", "dog", "", "7", "6", "2"];
        let recording = testing::recording(&[1], &names, &[], &[0]);
        let [scanned, indexed] = [MAX_SCANS, MAX_SCANS + 1].map(|it| ClassNames::new(&recording, it));
        assert!(scanned.by_name.is_none() && indexed.by_name.is_some());
        let texts = names.into_iter().chain(["cow", "1", "3", "9"]);
        let references = texts.flat_map(|text| {
            [ClassRef::Text(text.to_owned()), ClassRef::Name(text.to_owned())]
                .into_iter()
                .chain(text.parse().map(ClassRef::Id))
        });
        for class in references {
            assert_eq!(scanned.index(&class), indexed.index(&class), "{class:?}");
            assert_eq!(scanned.describe(&class), indexed.describe(&class), "{class:?}");
        }
        for class in 0..names.len() {
            assert_eq!(scanned.reference(class), indexed.reference(class));
        }
    }

    #[test]
    fn an_ambiguous_name_of_many_classes_is_a_short_error() {
        let recording = testing::recording(&[1], &["x"; 100], &[], &[0]);
        let names = ClassNames::new(&recording, 1);
        let error = names.index(&ClassRef::Text("x".to_owned())).unwrap_err().to_string();
        assert!(error.contains("#0 (x), ") && error.contains("#11 (x), …; write class:#0"), "{error}");
        assert_eq!(names.describe(&ClassRef::Id(50)), "x (#50)");
    }
}
