//! Selections in words, of limited length.

use super::class_names::ClassNames;
use super::text::ranges_text;
use super::{LISTED, Selection, SelectionError, Term};
use crate::model::{EpochRef, Recording};

impl Selection {
    /// The number of names and ranges in the text form.
    pub fn pieces(&self) -> usize {
        let pieces = |term: &Term| match term {
            Term::Class(names) => names.len(),
            Term::Input(ranges) => ranges.as_slice().len(),
            Term::Right | Term::Wrong => 1,
        };
        self.terms.iter().map(pieces).sum()
    }

    /// The error for a selection without inputs, with a message of limited length.
    pub(super) fn empty_error(&self, recording: &Recording) -> SelectionError {
        let is_long = self.pieces() > LISTED;
        SelectionError::Empty(if is_long { self.describe(recording) } else { self.to_string() })
    }

    /// The selection in words, for a legend: `class 3`, `all inputs`, `inputs 17, 40–49 at epoch 4`. Of
    /// many classes or ranges only the first few are listed. Classes are given by their names; by name and id
    /// where several have the name.
    pub fn describe(&self, recording: &Recording) -> String {
        let inputs = self.describe_inputs(recording);
        match self.describe_epoch() {
            Some(epoch) => format!("{inputs} {epoch}"),
            None => inputs,
        }
    }

    /// The inputs in words, without the epoch.
    pub fn describe_inputs(&self, recording: &Recording) -> String {
        let words = self.terms.iter().map(|term| term.describe(recording)).collect::<Vec<_>>().join(", ");
        match self.terms.first() {
            None => "all inputs".to_owned(),
            Some(Term::Right | Term::Wrong) => format!("inputs {words}"),
            Some(Term::Class(_) | Term::Input(_)) => words,
        }
    }

    /// The epoch in words, e.g. `at the first epoch`; `None` without an epoch of its own.
    pub fn describe_epoch(&self) -> Option<String> {
        self.epoch.map(|epoch| match epoch {
            EpochRef::First | EpochRef::Last | EpochRef::Best => format!("at the {epoch} epoch"),
            EpochRef::Number(_) | EpochRef::Between(_) => format!("at epoch {epoch}"),
        })
    }
}

impl Term {
    fn describe(&self, recording: &Recording) -> String {
        match self {
            Self::Class(classes) => {
                let class = if classes.len() == 1 { "class" } else { "classes" };
                let class_names = ClassNames::new(recording, classes.len().min(LISTED));
                let names = classes.iter().take(LISTED).map(|class| class_names.describe(class));
                let names = names.collect::<Vec<_>>().join(", ");
                match classes.len().checked_sub(LISTED) {
                    None | Some(0) => format!("{class} {names}"),
                    Some(more) => format!("{class} {names} and {more} more"),
                }
            }
            Self::Input(ranges) => {
                let input = if ranges.single().is_some() { "input" } else { "inputs" };
                match ranges.as_slice() {
                    [first @ .., _] if first.len() >= LISTED => {
                        let first = ranges_text(&first[..LISTED], '–', ", ");
                        format!("{input} {first}, … ({} in all)", ranges.count())
                    }
                    all => format!("{input} {}", ranges_text(all, '–', ", ")),
                }
            }
            Self::Right => "predicted right".to_owned(),
            Self::Wrong => "predicted wrong".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ClassRef, testing};

    #[test]
    fn descriptions_are_short_and_in_words() {
        let recording =
            testing::recording(&[1], &["0", "1", "2", "3", "cat", "dog", "R&B", "dog"], &[], &[0]);
        for (text, words) in [
            ("all", "all inputs"),
            ("class:3", "class 3"),
            ("class:cat,#6", "classes cat, R&B"),
            ("class:\"R&B\"", "class R&B"),
            ("class:4", "class cat"),
            ("class:#5,#7", "classes dog (#5), dog (#7)"),
            ("class:cow", "class cow"),
            ("input:17", "input 17"),
            ("input:17,40-49", "inputs 17, 40–49"),
            ("right", "inputs predicted right"),
            ("class:3&wrong", "class 3, predicted wrong"),
            ("class:3@first", "class 3 at the first epoch"),
            ("all@3.5", "all inputs at epoch 3.5"),
        ] {
            assert_eq!(text.parse::<Selection>().unwrap().describe(&recording), words);
        }
        let describe =
            |term| Selection { terms: vec![term], epoch: Some(EpochRef::First) }.describe(&recording);
        let names = |count: i64| Term::Class((10..10 + count).map(ClassRef::Id).collect());
        let twelve = "#10, #11, #12, #13, #14, #15, #16, #17, #18, #19, #20, #21";
        assert_eq!(describe(names(12)), format!("classes {twelve} at the first epoch"));
        assert_eq!(describe(names(40)), format!("classes {twelve} and 28 more at the first epoch"));
        let inputs = |count: usize| Term::Input((0..count).map(|range| 9 * range..=9 * range + 1).collect());
        let twelve = "0–1, 9–10, 18–19, 27–28, 36–37, 45–46, 54–55, 63–64, 72–73, 81–82, 90–91, 99–100";
        assert_eq!(describe(inputs(12)), format!("inputs {twelve} at the first epoch"));
        assert_eq!(describe(inputs(500)), format!("inputs {twelve}, … (1000 in all) at the first epoch"));
    }
}
