//! Naming inputs: `all`, `class:cat,dog`, `input:17,40-49`, `right`, `wrong`, joined by `&`, and
//! `@epoch` for another moment.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::describe::ranges_text;
use super::parts::ClassNames;
use super::{EpochError, EpochRef, Ranges, Recording};

/// How many names are listed before the others are only counted.
pub(super) const LISTED: usize = 12;

/// A set of inputs as a person writes it. Stored as that text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Selection {
    /// Every term must hold; none is `all`.
    pub terms: Vec<Term>,
    /// Another moment than the one that is looked at.
    pub epoch: Option<EpochRef>,
}

/// One condition on an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Term {
    /// Any of these classes, by name, else by id. A name that holds one of `&`, `,`, `@` cannot be
    /// written and goes by its id; [`Selection::class`] sees to that.
    Class(Vec<String>),
    /// Any of these input numbers (indices into [`Recording::inputs`]).
    Input(Ranges),
    /// Predicted as labelled.
    Right,
    /// Predicted as another class.
    Wrong,
}

/// Why a selection cannot be understood, or selects nothing.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum SelectionError {
    #[error("`{0}` is no selection: write all, class:NAME, input:N, input:N-M, right or wrong, joined by &")]
    Syntax(String),
    #[error("`{start}-{end}` runs backwards: write {end}-{start}")]
    Backwards { start: usize, end: usize },
    #[error(transparent)]
    Epoch(#[from] EpochError),
    #[error("there is no class `{name}`; {known}")]
    UnknownClass { name: String, known: String },
    #[error("there is no input {number}: the recording holds {held}")]
    InputOutOfRange { number: usize, held: String },
    #[error("`{0}` needs predictions, and this epoch has none recorded")]
    NoPredictions(&'static str),
    #[error("`{0}` selects no recorded input")]
    Empty(String),
}

impl Selection {
    /// The inputs of one class, named such that the text is understood again.
    ///
    /// # Panics
    /// When `class` is no index into [`Recording::classes`].
    pub fn class(recording: &Recording, class: usize) -> Self {
        Self { terms: vec![Term::Class(vec![ClassNames::of(recording).text(class)])], epoch: None }
    }

    /// One input, by its index into [`Recording::inputs`].
    pub fn input(input: usize) -> Self {
        Self { terms: vec![Term::Input((input..=input).into())], epoch: None }
    }

    /// The input number, when the text names exactly one input and nothing else.
    pub fn single_input(&self) -> Option<usize> {
        match self.terms.as_slice() {
            [Term::Input(ranges)] => ranges.single(),
            _ => None,
        }
    }

    /// The class's index into [`Recording::classes`], when the text names exactly one known class
    /// and nothing else.
    pub fn single_class(&self, recording: &Recording) -> Option<usize> {
        match self.terms.as_slice() {
            [Term::Class(names)] => match names.as_slice() {
                [name] => ClassNames::of(recording).index(name),
                _ => None,
            },
            _ => None,
        }
    }

    /// The indices into [`Recording::classes`], ascending, when the text names known classes and nothing
    /// else.
    pub fn classes(&self, recording: &Recording) -> Option<Vec<usize>> {
        let [Term::Class(names)] = self.terms.as_slice() else { return None };
        let known = ClassNames::of(recording);
        let mut classes: Vec<usize> = names.iter().map(|name| known.index(name)).collect::<Option<_>>()?;
        classes.sort_unstable();
        classes.dedup();
        Some(classes)
    }

    /// Whether [`Selection::resolve`] needs the predictions of the epoch.
    pub fn needs_predictions(&self) -> bool {
        self.terms.iter().any(|term| matches!(term, Term::Right | Term::Wrong))
    }

    /// The selected inputs: ascending indices into [`Recording::inputs`], each once, at least one.
    ///
    /// `predictions` holds the predicted class index of every input, where predictions were
    /// recorded. The selection's own epoch is the caller's to follow.
    pub fn resolve(
        &self,
        recording: &Recording,
        predictions: Option<&[Option<usize>]>,
    ) -> Result<Vec<usize>, SelectionError> {
        let mut chosen: Vec<usize> = (0..recording.inputs.len()).collect();
        for term in &self.terms {
            match term {
                Term::Class(names) => {
                    let known = ClassNames::of(recording);
                    let mut wanted = vec![false; recording.classes.len()];
                    for name in names {
                        let class = known.index(name).ok_or_else(|| unknown_class(recording, name))?;
                        wanted[class] = true;
                    }
                    chosen.retain(|&input| {
                        let class = recording.inputs[input].class;
                        class.is_some_and(|class| wanted.get(class) == Some(&true))
                    });
                }
                Term::Input(ranges) => {
                    if let Some(last) = ranges.last().filter(|last| *last >= recording.inputs.len()) {
                        return Err(out_of_range(recording, last));
                    }
                    chosen.retain(|input| ranges.contains(*input));
                }
                Term::Right | Term::Wrong => {
                    let right = *term == Term::Right;
                    let predictions = predictions.ok_or(SelectionError::NoPredictions(if right {
                        "right"
                    } else {
                        "wrong"
                    }))?;
                    chosen.retain(|&input| {
                        let predicted = predictions.get(input).copied().flatten();
                        match (predicted, recording.inputs[input].class) {
                            (Some(predicted), Some(class)) => (predicted == class) == right,
                            _ => false,
                        }
                    });
                }
            }
        }
        if chosen.is_empty() { Err(self.empty()) } else { Ok(chosen) }
    }
}

impl FromStr for Selection {
    type Err = SelectionError;

    fn from_str(text: &str) -> Result<Self, SelectionError> {
        let syntax = || SelectionError::Syntax(text.to_owned());
        let (conditions, epoch) = match text.rsplit_once('@') {
            Some((conditions, epoch)) => (conditions, Some(epoch.trim().parse()?)),
            None => (text, None),
        };
        let mut terms = Vec::new();
        for condition in conditions.split('&').map(str::trim) {
            match condition {
                "all" => {}
                "right" => terms.push(Term::Right),
                "wrong" => terms.push(Term::Wrong),
                _ => match condition.split_once(':') {
                    Some(("class", names)) => {
                        let names: Vec<String> =
                            names.split(',').map(|name| name.trim().to_owned()).collect();
                        if names.iter().any(String::is_empty) {
                            return Err(syntax());
                        }
                        terms.push(Term::Class(names));
                    }
                    Some(("input", numbers)) => {
                        let ranges = numbers.split(',').map(|range| parse_range(range).ok_or_else(syntax));
                        let ranges = ranges.collect::<Result<Vec<_>, _>>()?;
                        if let Some(range) = ranges.iter().find(|range| range.start() > range.end()) {
                            return Err(SelectionError::Backwards {
                                start: *range.start(),
                                end: *range.end(),
                            });
                        }
                        terms.push(Term::Input(ranges.into_iter().collect()));
                    }
                    _ => return Err(syntax()),
                },
            }
        }
        Ok(Self { terms, epoch })
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            f.write_str("all")?;
        }
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                f.write_str("&")?;
            }
            match term {
                Term::Class(names) => write!(f, "class:{}", names.join(","))?,
                Term::Input(ranges) => write!(f, "input:{}", ranges_text(ranges.as_slice(), '-', ","))?,
                Term::Right => f.write_str("right")?,
                Term::Wrong => f.write_str("wrong")?,
            }
        }
        match self.epoch {
            Some(epoch) => write!(f, "@{epoch}"),
            None => Ok(()),
        }
    }
}

impl TryFrom<String> for Selection {
    type Error = SelectionError;

    fn try_from(text: String) -> Result<Self, SelectionError> {
        text.parse()
    }
}

impl From<Selection> for String {
    fn from(selection: Selection) -> Self {
        selection.to_string()
    }
}

/// `N` or `N-M`.
fn parse_range(text: &str) -> Option<RangeInclusive<usize>> {
    let number = |text: &str| -> Option<usize> {
        let text = text.trim();
        // `parse` would also take a sign.
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
    };
    match text.split_once('-') {
        Some((start, end)) => Some(number(start)?..=number(end)?),
        None => number(text).map(|number| number..=number),
    }
}

pub(super) fn unknown_class(recording: &Recording, name: &str) -> SelectionError {
    let names: Vec<&str> = recording.classes.iter().take(LISTED).map(|class| class.name.as_str()).collect();
    let known = match recording.classes.len() {
        0 => "the recording names no classes".to_owned(),
        classes if classes > LISTED => format!("there are {classes}: {}, …", names.join(", ")),
        _ => format!("there are {}", names.join(", ")),
    };
    SelectionError::UnknownClass { name: name.to_owned(), known }
}

pub(super) fn out_of_range(recording: &Recording, number: usize) -> SelectionError {
    let held = match recording.inputs.len() {
        0 => "no single inputs".to_owned(),
        1 => "only input 0".to_owned(),
        inputs => format!("inputs 0 to {}", inputs - 1),
    };
    SelectionError::InputOutOfRange { number, held }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::testing;

    /// Six inputs: 0 and 3 are cats, 1 and 4 dogs, 2 a class named "0" whose id is 2, 5 unlabelled.
    fn animals() -> Recording {
        let labels = [Some(0), Some(1), Some(2), Some(0), Some(1), None];
        testing::recording(&[4], &["cat", "dog", "0"], &labels, &[0, 1])
    }

    fn resolve(text: &str) -> Result<Vec<usize>, SelectionError> {
        let predictions = [Some(0), Some(0), Some(2), Some(1), None, Some(0)];
        text.parse::<Selection>()?.resolve(&animals(), Some(&predictions))
    }

    #[test]
    fn the_text_of_a_selection_is_understood_again() {
        for text in [
            "all",
            "all@first",
            "class:3",
            "class:cat,dog",
            "class:a cat:2",
            "input:17,40-49",
            "input:0",
            "right",
            "wrong",
            "class:3&right",
            "class:3@first",
            "class:cat&input:0-9&wrong@3.5",
            "input:3@best",
            "all@18446744073709551615",
            "all@100000000000000000000",
        ] {
            let selection: Selection = text.parse().unwrap();
            assert_eq!(selection.to_string(), text);
            assert_eq!(text.parse::<Selection>().unwrap(), selection);
            let json = serde_json::to_string(&selection).unwrap();
            assert_eq!(json, format!("\"{text}\""), "stored as the text");
            assert_eq!(serde_json::from_str::<Selection>(&json).unwrap(), selection);
        }
        for (loose, text) in [
            (" class: cat , dog & right @ last ", "class:cat,dog&right@last"),
            ("all&right", "right"),
            ("input:4-4", "input:4"),
            ("input:7,5-6,1,1", "input:1,5-7"),
        ] {
            assert_eq!(loose.parse::<Selection>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_selection_is_refused() {
        for text in [
            "",
            " ",
            "@first",
            "clas:3",
            "class",
            "class:",
            "class:a,,b",
            "input:",
            "input:x",
            "input:-1",
            "input:+1",
            "input:1-",
            "input:1-2-3",
            "input:1.5",
            "input:99999999999999999999999",
            "right&",
            "&",
            "RIGHT",
            "right,wrong",
            "class=3",
        ] {
            assert_eq!(text.parse::<Selection>(), Err(SelectionError::Syntax(text.to_owned())), "{text}");
        }
        assert_eq!(
            "all@yesterday".parse::<Selection>(),
            Err(SelectionError::Epoch(EpochError::Syntax("yesterday".to_owned())))
        );
        let backwards = "input:49-40".parse::<Selection>().unwrap_err();
        assert_eq!(backwards, SelectionError::Backwards { start: 49, end: 40 });
        assert_eq!(backwards.to_string(), "`49-40` runs backwards: write 40-49");
        assert!(serde_json::from_str::<Selection>("\"clas:3\"").is_err());
    }

    #[test]
    fn terms_choose_the_inputs_they_name() {
        assert_eq!(resolve("all").unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(resolve("class:cat").unwrap(), [0, 3]);
        assert_eq!(resolve("class:dog,cat").unwrap(), [0, 1, 3, 4], "ascending");
        assert_eq!(resolve("class:1").unwrap(), [1, 4], "by id");
        assert_eq!(resolve("class:0").unwrap(), [2], "a name goes before an id");
        assert_eq!(resolve("input:5,1-2,2").unwrap(), [1, 2, 5], "each once");
        assert_eq!(resolve("right").unwrap(), [0, 2]);
        assert_eq!(resolve("wrong").unwrap(), [1, 3], "neither unpredicted nor unlabelled ones");
        assert_eq!(resolve("class:cat&wrong").unwrap(), [3]);
        assert_eq!(resolve("class:cat,dog&input:3-5").unwrap(), [3, 4]);
    }

    #[test]
    fn every_failure_says_what_and_what_else() {
        let message = |text: &str| resolve(text).unwrap_err().to_string();
        assert_eq!(message("class:cow"), "there is no class `cow`; there are cat, dog, 0");
        assert_eq!(message("input:4-6"), "there is no input 6: the recording holds inputs 0 to 5");
        assert_eq!(message("class:0&wrong"), "`class:0&wrong` selects no recorded input");
        let without = "right".parse::<Selection>().unwrap().resolve(&animals(), None).unwrap_err();
        assert_eq!(without, SelectionError::NoPredictions("right"));
        let names: Vec<String> = (0..100).map(|class| format!("c{class}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let many = testing::recording(&[1], &names, &[], &[0]);
        let error = "class:x".parse::<Selection>().unwrap().resolve(&many, None).unwrap_err().to_string();
        assert!(error.contains("there are 100: c0, ") && error.ends_with("c11, …"), "{error}");
        let error = "input:0".parse::<Selection>().unwrap().resolve(&many, None).unwrap_err().to_string();
        assert_eq!(error, "there is no input 0: the recording holds no single inputs");
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
