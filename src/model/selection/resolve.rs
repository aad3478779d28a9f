//! The inputs of a recording that a selection selects.

use super::class_names::ClassNames;
use super::{Selection, SelectionError, Term};
use crate::model::Recording;

impl Selection {
    /// The selected inputs: ascending indices into [`Recording::inputs`], each once, at least one.
    ///
    /// `predictions` has the predicted class index of every input; `None` where predictions were not
    /// recorded. [`Selection::epoch`] is not considered: the caller passes the predictions of the right
    /// epoch.
    ///
    /// # Errors
    /// Returns a [`SelectionError`] if a class or input does not exist, predictions are needed and
    /// missing, or no input is selected.
    pub fn resolve(
        &self,
        recording: &Recording,
        predictions: Option<&[Option<usize>]>,
    ) -> Result<Vec<usize>, SelectionError> {
        let mut selected: Vec<usize> = (0..recording.inputs.len()).collect();
        for term in &self.terms {
            match term {
                Term::Class(references) => {
                    let class_names = ClassNames::new(recording, references.len());
                    let mut is_selected = vec![false; recording.classes.len()];
                    for class in references {
                        is_selected[class_names.index(class)?] = true;
                    }
                    selected.retain(|&input| {
                        let class = recording.inputs[input].class;
                        class.is_some_and(|class| is_selected.get(class) == Some(&true))
                    });
                }
                Term::Input(ranges) => {
                    if let Some(last) = ranges.last().filter(|last| *last >= recording.inputs.len()) {
                        return Err(out_of_range(recording, last));
                    }
                    selected.retain(|input| ranges.contains(*input));
                }
                Term::Right | Term::Wrong => {
                    let right = *term == Term::Right;
                    let predictions = predictions.ok_or(SelectionError::NoPredictions(if right {
                        "right"
                    } else {
                        "wrong"
                    }))?;
                    selected.retain(|&input| {
                        let predicted = predictions.get(input).copied().flatten();
                        match (predicted, recording.inputs[input].class) {
                            (Some(predicted), Some(class)) => (predicted == class) == right,
                            _ => false,
                        }
                    });
                }
            }
        }
        if selected.is_empty() { Err(self.empty_error(recording)) } else { Ok(selected) }
    }
}

/// The error for an input index outside the recording.
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

    /// Six inputs: 0 and 3 are cats, 1 and 4 dogs, 2 a class named "7" whose id is 2, 5 unlabelled.
    fn animals() -> Recording {
        let labels = [Some(0), Some(1), Some(2), Some(0), Some(1), None];
        testing::recording(&[4], &["cat", "dog", "7"], &labels, &[0, 1])
    }

    fn resolve(text: &str) -> Result<Vec<usize>, SelectionError> {
        let predictions = [Some(0), Some(0), Some(2), Some(1), None, Some(0)];
        text.parse::<Selection>()?.resolve(&animals(), Some(&predictions))
    }

    #[test]
    fn every_term_selects_its_inputs() {
        assert_eq!(resolve("all").unwrap(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(resolve("class:cat").unwrap(), [0, 3]);
        assert_eq!(resolve("class:dog,cat").unwrap(), [0, 1, 3, 4], "ascending");
        assert_eq!(resolve("class:1").unwrap(), [1, 4], "by id");
        assert_eq!(resolve("class:7").unwrap(), [2], "by a name that is a number");
        assert_eq!(resolve("class:#0,\"7\"").unwrap(), [0, 2, 3]);
        assert_eq!(resolve("input:5,1-2,2").unwrap(), [1, 2, 5], "each once");
        assert_eq!(resolve("right").unwrap(), [0, 2]);
        assert_eq!(resolve("wrong").unwrap(), [1, 3], "neither unpredicted nor unlabelled ones");
        assert_eq!(resolve("class:cat&wrong").unwrap(), [3]);
        assert_eq!(resolve("class:cat,dog&input:3-5").unwrap(), [3, 4]);
    }

    #[test]
    fn every_error_message_names_the_cause_and_the_alternatives() {
        let message = |text: &str| resolve(text).unwrap_err().to_string();
        assert_eq!(message("class:cow"), "there is no class `cow`; there are cat, dog, 7");
        assert_eq!(message("input:4-6"), "there is no input 6: the recording holds inputs 0 to 5");
        assert_eq!(message("class:7&wrong"), "`class:7&wrong` selects no recorded input");
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
}
